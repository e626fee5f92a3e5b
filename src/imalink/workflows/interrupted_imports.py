"""What interrupted runs of a session left to be done: what they were asked for, and what of it is in already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from imalink.core.finding import Finding
from imalink.core.ids import RunUuid, SessionUuid
from imalink.core.journal import Commit, RunBegin, RunEnd, RunPlan, RunReplacement
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import RunRequest
from imalink.core.session import ImportStatistics, SessionStatus
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.storage import staging
from imalink.storage.file_storage import FileStorage
from imalink.workflows.run_session import status_after

QUIET_CODE = "run-interrupted"
"""What is told of an interruption itself: it says nothing of any file."""


@dataclass(frozen=True, kw_only=True)
class InterruptedImport:
    """One import of a session that did not come to its end, as its runs tell: the first one and what went on with it.

    ``request`` is None where an older version did not write down what was asked for. ``earlier_status`` is how the
    session stands without this import.
    """

    import_uuid: RunUuid
    request: RunRequest | None
    source_path: str
    commits: tuple[Commit, ...]
    earlier_status: SessionStatus

    @property
    def statistics(self) -> ImportStatistics:
        """Give what its runs counted together."""
        return sum((commit.end.statistics for commit in self.commits), ImportStatistics())

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Give what its runs found at the files that are in."""
        return tuple(each for commit in self.commits for each in commit.findings if each.code != QUIET_CODE)

    @cached_property
    def plans(self) -> tuple[RunPlan | RunReplacement, ...]:
        """Everything its runs brought in."""
        return tuple(each for commit in self.commits for each in (*commit.plans, *commit.replacements))


def find_interrupted_imports(storage: FileStorage, number: int) -> list[InterruptedImport]:
    """Give the imports into a session, by the number of its file there, that did not come to their end; oldest first.

    The runs must be finished (``mend_indexes``): what only stands in staging is not seen. Raises StorageError.
    """
    try:
        index = storage.indexes.load_session(number).index
    except (NotFoundError, IndexDamagedError):
        return []
    runs: dict[RunUuid, list[tuple[RunBegin, RunEnd]]] = defaultdict(list)
    for run_uuid in index.sources.runs:
        try:
            begin, end = staging.load_run_ends(storage.files, run_uuid)
        except (IndexDamagedError, NotFoundError):
            continue
        runs[begin.import_uuid].append((begin, end))
    pending: list[list[RunBegin]] = []
    for found in runs.values():
        if all(_is_interrupted(begin, end) for begin, end in found):
            pending.append(sorted((begin for begin, _ in found), key=lambda begin: begin.started_at))
    others = [finding for finding in index.findings if finding.code != QUIET_CODE]
    imports: list[InterruptedImport] = []
    for begins in sorted(pending, key=lambda begins: begins[0].started_at):
        commits = [commit for begin in begins if (commit := storage.find_commit(begin.run_uuid)) is not None]
        imports.append(
            InterruptedImport(
                import_uuid=begins[0].import_uuid,
                request=begins[0].request,
                source_path=begins[0].session.source_path,
                commits=tuple(commits),
                earlier_status=SessionStatus.INTERRUPTED if len(pending) > 1 else status_after(others),
            )
        )
    return imports


def _is_interrupted(begin: RunBegin, end: RunEnd) -> bool:
    # Before requests were written down, only the session's status told.
    return end.is_interrupted or (begin.request is None and end.session.status is SessionStatus.INTERRUPTED)


def peek_interrupted_imports(
    storage: FileStorage, session_uuid: SessionUuid, number: int, known: list[InterruptedImport] | None = None
) -> list[InterruptedImport]:
    """Give what ``find_interrupted_imports`` would give once the storage's interrupted runs are finished.

    For a look that changes nothing: of a run in staging counts what stands there with its size.
    """
    imports = {each.import_uuid: each for each in known or find_interrupted_imports(storage, number)}
    for commit in _unfinished(storage, session_uuid):
        begin = commit.begin
        before = imports.get(begin.import_uuid)
        if before is not None:
            imports[begin.import_uuid] = replace(before, commits=(*before.commits, commit))
        else:
            imports[begin.import_uuid] = InterruptedImport(
                import_uuid=begin.import_uuid,
                request=begin.request,
                source_path=begin.session.source_path,
                commits=(commit,),
                earlier_status=SessionStatus.COMPLETED,
            )
    return list(imports.values())


def _unfinished(storage: FileStorage, session_uuid: SessionUuid) -> Iterator[Commit]:
    """Give the runs of a session that no index contains; those in staging as whoever finishes them may commit them."""
    committed = set(storage.committed_runs())
    for run_uuid in sorted(committed - _folded_runs(storage)):
        commit = storage.find_commit(run_uuid)
        if commit is not None and commit.begin.session.session_uuid == session_uuid:
            if _is_interrupted(commit.begin, commit.end):
                yield commit
    for run_uuid in storage.interrupted_runs():
        if run_uuid in committed:
            continue
        try:
            content = staging.load_interrupted(storage.files, run_uuid)
        except IndexDamagedError:
            continue
        if content is None or content.begin is None or content.begin.session.session_uuid != session_uuid:
            continue
        folder = RelativePath(f"{staging.STAGING}/{run_uuid}")
        plans = tuple(
            replace(plan, entry=replace(plan.entry, relative_path=path))
            for plan in content.plans
            for path in _first_there(storage, plan, folder)
        )
        companions = sum(len(plan.entry.companions) for plan in plans)
        yield Commit(
            begin=content.begin,
            plans=plans,
            findings=content.findings,
            end=RunEnd(
                finished_at=content.begin.started_at,
                session=replace(content.begin.session, status=SessionStatus.INTERRUPTED),
                is_interrupted=True,
                statistics=ImportStatistics(
                    total_scanned=len(plans) + companions,
                    new_imports=len(plans),
                    companions=companions,
                    total_size_bytes=sum(
                        plan.entry.size_bytes + sum(each.size_bytes for each in plan.entry.companions) for plan in plans
                    ),
                ),
            ),
        )


def _folded_runs(storage: FileStorage) -> frozenset[RunUuid]:
    try:
        return storage.indexes.load_master().index.sources.runs
    except (NotFoundError, IndexDamagedError):
        return frozenset()


def _first_there(storage: FileStorage, plan: RunPlan, folder: RelativePath) -> list[RelativePath]:
    """Give where a planned file stands, placed or staged; nothing when it does not."""
    for path in (plan.entry.relative_path, folder.below(plan.staged_name)):
        facts = storage.files.find_facts(path)
        if facts is not None and facts.is_file and facts.size_bytes == plan.entry.size_bytes:
            return [path]
    return []
