"""Finishing interrupted imports when a storage is next worked on: what is proved good is kept, the rest is as if
never begun.
"""

from __future__ import annotations

from dataclasses import replace

from imalink.catalog import import_sessions
from imalink.core.finding import Finding
from imalink.core.ids import RunUuid, Sha256
from imalink.core.index import Companion
from imalink.core.journal import RunBegin, RunEnd, RunPlan, RunReplacement
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportStatistics, SessionStatus
from imalink.core.timestamps import format_instant
from imalink.durable_files import OtherDeviceError
from imalink.errors import IndexDamagedError, StorageReadOnlyError
from imalink.storage import staging
from imalink.storage.file_storage import FileStorage
from imalink.storage.staging import ImportRun
from imalink.workflows.finish_replacements import ReplacementSettling
from imalink.workflows.remake_hotpreviews import keeps_promised_hotpreview
from imalink.workflows.target_names import TargetNames
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import holds_bytes


def finish_interrupted_runs(tools: Tools, storage: FileStorage) -> list[Finding]:
    """Commit what interrupted runs had placed or staged whole, and clear staging away.

    The caller holds the lock and folds afterwards. Each file is judged by its bytes: placed with the right SHA-256 →
    kept; staged with it → placed; else dropped, to be copied again from the source. An intent file that makes no sense
    is kept with the backups. Raises StorageError.
    """
    findings: list[Finding] = []
    if not storage.has_pictures:
        return findings  # what a run indexed can only be judged when its pictures are there
    committed = set(staging.list_commits(storage.files))
    for run_uuid in storage.interrupted_runs():
        if staging.is_commit_claim(storage.files, run_uuid):
            storage.files.remove_own(staging.commit_path(run_uuid))
            committed.discard(run_uuid)
        if run_uuid not in committed:
            findings.extend(_finish(tools, storage, run_uuid))
        staging.remove_staging(storage.files, run_uuid)
    return findings


def _finish(tools: Tools, storage: FileStorage, run_uuid: RunUuid) -> list[Finding]:
    try:
        content = staging.load_interrupted(storage.files, run_uuid)
    except IndexDamagedError as error:
        kept_as = storage.indexes.backups.keep_damaged(RelativePath.parse(error.file))
        facts = {"place": error.place, "why": error.reason, "kept": kept_as}
        return [Finding(code="journal-damaged", path=error.file, facts=facts)]
    if content is None or content.begin is None:
        return []
    is_new_here = content.begin.session.number not in storage.indexes.list_sessions()
    if is_new_here and not content.plans and not content.replacements and content.begin.request is None:
        # Nothing came of it, and nobody knows how it would go on: as if it had never begun.
        with tools.catalog.begin() as db:
            import_sessions.settle_session(db, content.begin.session.session_uuid)
        return []
    with ImportRun(storage.files, run_uuid) as run:
        run.reopen(content)
        settling = _Settling(tools, storage, run, has_claims=content.has_claims)
        kept = [settled for plan in content.plans if (settled := settling.settle(plan)) is not None]
        replacing = ReplacementSettling(tools, storage, run, has_claims=content.has_claims)
        replaced = replacing.settle(content.replacements)
        facts = {"kept": len(kept) + len(replaced), "session": content.begin.session.title}
        findings = [
            Finding(code="run-interrupted", path=content.begin.session.source_path, facts=facts),
            *(finding for each in (*kept, *replaced) if each.origin is not None for finding in each.origin.findings),
            *settling.findings,
            *replacing.findings,
        ]
        untold = [finding for finding in findings if finding not in content.findings]
        run.commit(_end_of(tools, content.begin, kept, replaced), untold)
    return findings


class _Settling:
    """Brings the planned files of one run to their places, or drops their plans."""

    def __init__(self, tools: Tools, storage: FileStorage, run: ImportRun, *, has_claims: bool) -> None:
        self._analyser = tools.analyser
        self._storage = storage
        self._run = run
        self._has_claims = has_claims
        self._names = TargetNames(storage)
        self.findings: list[Finding] = []

    def settle(self, plan: RunPlan) -> RunPlan | None:
        """Give the plan as it was carried out, or None.

        A picture that is placed stays, whatever became of its companions; one that is only staged goes with all of
        them or is copied again with all of them.
        """
        entry = plan.entry
        places = (entry.relative_path, *(companion.relative_path for companion in entry.companions))
        is_ours = any(path.is_ours(self._storage.layout.own_names) for path in places)
        if is_ours or len(entry.companions) != len(plan.staged_companions):
            self._run.drop(plan.staged_name)  # no run of ours writes such a plan
            return None
        is_placed = self._holds(entry.relative_path, entry.sha256)
        companions = list(zip(entry.companions, plan.staged_companions, strict=True))
        whole = [(companion, name) for companion, name in companions if self._is_there(companion, name)]
        if not is_placed and (len(whole) < len(companions) or not self._is_staged(plan.staged_name, entry.sha256)):
            self._run.drop(plan.staged_name)
            return None
        lost = [companion for companion, name in companions if (companion, name) not in whole]
        if lost:
            self.findings.extend(
                Finding(code="companion-missing", path=each.relative_path.printable()) for each in lost
            )
            plan = replace(
                plan,
                entry=replace(entry, companions=tuple(companion for companion, _ in whole)),
                staged_companions=tuple(name for _, name in whole),
            )
            self._run.plan(plan)
        if not is_placed:
            plan = self._place(plan, plan.staged_name, entry.relative_path)
        for companion, name in whole:
            if not self._holds(companion.relative_path, companion.sha256):
                plan = self._place(plan, name, companion.relative_path)
        if not keeps_promised_hotpreview(self._storage, plan.entry, analyser=self._analyser):
            plan = replace(plan, entry=replace(plan.entry, hotpreview_rendition=None))
            self._run.plan(plan)
        return plan

    def _holds(self, path: RelativePath, sha256: Sha256) -> bool:
        return holds_bytes(self._storage.pictures, path, sha256, analyser=self._analyser)

    def _is_staged(self, name: str, sha256: Sha256) -> bool:
        return holds_bytes(self._storage.files, self._run.staged_path(name), sha256, analyser=self._analyser)

    def _is_there(self, companion: Companion, name: str) -> bool:
        return self._holds(companion.relative_path, companion.sha256) or self._is_staged(name, companion.sha256)

    def _place(self, plan: RunPlan, name: str, path: RelativePath) -> RunPlan:
        is_own_claim = self._is_claim(path)
        if not is_own_claim and not self._names.is_free(path):
            # Something else took the name meanwhile: plan this one anew, durable before it is placed.
            free = self._names.give(path)
            plan = _renamed(plan, path, free)
            self._run.plan(plan)
            self._run.flush_plans()
            path = free
        try:
            self._run.place(name, path, is_own_claim=is_own_claim)
        except (OtherDeviceError, StorageReadOnlyError):
            if path.parent == self._storage.photo_root:
                raise
            self.findings.append(Finding(code="placed-elsewhere", path=path.printable()))
            other = self._names.give(self._storage.in_photo_root(RelativePath(path.name)))
            plan = _renamed(plan, path, other)
            self._run.plan(plan)
            self._run.flush_plans()
            self._run.place(name, other)
        return plan

    def _is_claim(self, path: RelativePath) -> bool:
        """Tell whether the empty file that stands there is what the run claimed the name with."""
        if not self._has_claims:
            return False
        facts = self._storage.pictures.find_facts(path)
        return facts is not None and facts.is_file and facts.size_bytes == 0


def _renamed(plan: RunPlan, old: RelativePath, new: RelativePath) -> RunPlan:
    entry = plan.entry
    if entry.relative_path == old:
        return replace(plan, entry=replace(entry, relative_path=new))
    companions = tuple(
        replace(companion, relative_path=new) if companion.relative_path == old else companion
        for companion in entry.companions
    )
    return replace(plan, entry=replace(entry, companions=companions))


def _end_of(tools: Tools, begin: RunBegin, kept: list[RunPlan], replaced: list[RunReplacement]) -> RunEnd:
    new = [*(companion for plan in kept for companion in plan.entry.companions)]
    for each in replaced:
        sums = {swap.sha256 for swap in each.swaps[1:]}
        new.extend(companion for companion in each.entry.companions if companion.sha256 in sums)
    entries = [*(plan.entry for plan in kept), *(each.entry for each in replaced)]
    statistics = ImportStatistics(
        total_scanned=len(entries) + len(new),
        new_imports=len(entries),
        companions=len(new),
        total_size_bytes=sum(each.size_bytes for each in (*entries, *new)),
    )
    return RunEnd(
        finished_at=format_instant(tools.clock.now()),
        session=replace(begin.session, status=SessionStatus.INTERRUPTED),
        statistics=statistics,
        is_interrupted=True,
    )
