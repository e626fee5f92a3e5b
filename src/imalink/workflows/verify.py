"""Verify: read what a storage holds and compare it with what was archived; remember what is damaged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from imalink.catalog import import_sessions, verifications
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.verifications import Verified
from imalink.core.comparison import FileRole, KnownFile, known_files
from imalink.core.damage import Damage, Verdict
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, SessionUuid, Sha256
from imalink.core.index import MasterIndex, SessionIndex
from imalink.core.journal import FileDamaged, FileWhole, Observation, StorageVerified
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import format_instant
from imalink.core.verdict import choose_due
from imalink.errors import (
    NotFoundError,
    OutOfSpaceError,
    SignatureDamagedError,
    StorageLockedError,
    StorageReadOnlyError,
)
from imalink.formats.unfinished_verification import UnfinishedVerification, dump_unfinished, parse_unfinished
from imalink.storage.file_storage import FileStorage
from imalink.storage.indexes import merge_sessions
from imalink.storage.previews import hotpreview_path
from imalink.storage.witnessed import signature_findings
from imalink.workflows.mend_indexes import mend_indexes, mend_set_back
from imalink.workflows.session_key import session_key
from imalink.workflows.storage_access import open_storage_to_read, write_down
from imalink.workflows.tools import Tools
from imalink.workflows.verify_own_files import OwnFilesChecked, check_own_files
from imalink.workflows.verify_reading import FileJudge, Look
from imalink.workflows.verify_report import Depth, Judged, VerifyReport, VerifyRequest, VerifyTally
from imalink.workflows.working_ahead import work_ahead

CHECKPOINT_FILES = 1000
CHECKPOINT_SECONDS = 300.0


def verify(
    tools: Tools, record: StorageRecord, request: VerifyRequest, *, progress: Progress | None = None
) -> VerifyReport:
    """Compare a storage's files, and ImaLink's own, with what is known of them.

    No picture is touched, and none is called missing while the storage is away: that raises StorageOfflineError. What
    is damaged is remembered in the storage until a later look finds it whole. A run that is stopped, or whose storage
    goes away, is gone on with by the next of the same request. Reading takes no lock. A storage whose signature is gone
    or damaged is looked at too, and nothing is noted in it. Raises UsageError, NotFoundError, StorageError,
    CancelledError.
    """
    request.check()
    with open_storage_to_read(tools, record) as storage:
        return _Verification(tools, record, storage, request, progress or SilentProgress()).run()


class _Verification:
    def __init__(
        self, tools: Tools, record: StorageRecord, storage: FileStorage, request: VerifyRequest, progress: Progress
    ) -> None:
        self._tools = tools
        self._record = record
        self._storage = storage
        self._request = request
        self._progress = progress
        self._tally = VerifyTally()
        self._started_at = format_instant(tools.clock.now())
        self._chosen: tuple[RelativePath, ...] | None = None
        self._verified: dict[RelativePath, Verified] = {}
        self._spoilt: list[RelativePath] = []
        self._unwritten: list[Observation] = []
        self._is_cached = False
        self._own: OwnFilesChecked | None = None
        self._session_uuid: SessionUuid | None = None

    def run(self) -> VerifyReport:
        """Look at own files, then at all that is due, then at previews; write down what was found."""
        number, self._session_uuid = self._session()
        self._progress.start_phase("scan")
        set_back = mend_set_back(self._tools, self._record, self._storage, "verify")
        own = self._own = check_own_files(self._storage, only_session=number)
        master = own.master or merge_sessions(self._storage.storage_uuid, own.sessions)
        files = [file for file in _archived(master) if number is None or file.session_number == number]
        before = self._resume(files)
        due = self._due(files, before)
        self._read(due, master, after=before.after if before is not None else None)
        previews_checked, spoilt = self._check_previews(own.sessions, {file.hothash for file in due})
        report = VerifyReport(
            depth=self._request.depth,
            started_at=self._started_at,
            checked=self._tally.checked,
            verdicts=dict(self._tally.verdicts),
            judged=tuple(self._tally.judged),
            findings=(
                *signature_findings(self._storage),
                *set_back,
                *own.findings,
                *spoilt,
                *(each.finding() for each in self._tally.judged),
            ),
            own_files_checked=own.checked + previews_checked,
            own_files_damaged=len(own.findings) + len(spoilt),
            bytes_read=self._tally.bytes_read,
            seconds=round(self._tally.seconds, 3),
            resumed_after=before.checked if before is not None else 0,
            read_from_cache=self._is_cached,
        )
        return self._end(report)

    # what is due

    def _session(self) -> tuple[int | None, SessionUuid | None]:
        """Give the number of the session's file here, and its identity; neither for all of the storage."""
        if self._request.session is None:
            return None, None
        with self._tools.catalog.read() as db:
            known = import_sessions.get_session(db, session_key(self._request.session))
        if all(place.storage_uuid != self._storage.storage_uuid for place in known.places):
            raise NotFoundError(
                f"Session {known.session.number} has no files in {self._record.display_name}.",
                hint="Run `imalink sessions show` to see where its files are.",
            )
        return known.number_in(self._storage.storage_uuid), known.session.session_uuid

    def _asked(self) -> str:
        request = self._request
        share = request.percent if request.depth is Depth.SAMPLE else 100
        return f"{request.depth.value} {request.session or '*'} {share}"

    def _resume(self, files: Sequence[KnownFile]) -> UnfinishedVerification | None:
        """Go on where a run of the same request was stopped; what it found counts, as far as it is still known."""
        with self._tools.catalog.read() as db:
            data = verifications.find_unfinished(db, self._record.id)
        found = None if data is None or self._request.restarts else parse_unfinished(data)
        if found is None or found.asked != self._asked():
            return None
        known = {file.path: file for file in files}
        self._started_at, self._chosen = found.started_at, found.chosen
        self._tally = VerifyTally(
            checked=found.checked,
            bytes_read=found.bytes_read,
            seconds=found.seconds,
            verdicts=Counter(found.verdicts),
            judged=[_judged(known[path], *each) for path, each in found.judged.items() if path in known],
        )
        self._unwritten = [
            observation
            for each in self._tally.judged
            if (observation := self._damage_of(each.file, each.verdict)) is not None
        ]
        return found

    def _due(self, files: Sequence[KnownFile], before: UnfinishedVerification | None) -> list[KnownFile]:
        """Give the files to look at, by path."""
        if before is not None and before.chosen is not None:
            chosen = set(before.chosen)
            return [file for file in files if file.path in chosen]
        if self._request.depth is not Depth.SAMPLE or not files:
            return list(files)
        with self._tools.catalog.read() as db:
            verified = verifications.load_verified(db, self._record.id)
        known = {file.path: file.sha256 for file in files}
        times = {path: each.at for path, each in verified.items() if known.get(path) == each.sha256}
        due = choose_due(files, times, percent=self._request.percent)
        self._chosen = tuple(file.path for file in due)
        return due

    # looking

    def _read(self, due: Sequence[KnownFile], master: MasterIndex, *, after: RelativePath | None) -> None:
        left = [file for file in due if after is None or file.path > after]
        sums = {file.sha256 for file in _archived(master) if file.sha256 is not None}
        judge = FileJudge(self._storage.pictures, self._tools.analyser, sums=sums)
        look = judge.glance if self._request.depth is Depth.QUICK else judge.look
        self._progress.start_phase(
            "verify",
            total_files=len(left),
            total_bytes=None if self._request.depth is Depth.QUICK else sum(file.size_bytes for file in left),
        )
        started = saved_at = time.monotonic()
        earlier = self._tally.seconds
        last: RelativePath | None = None
        unsaved = 0
        try:
            with work_ahead(left, look, threads=self._tools.threads, checkpoint=self._progress.checkpoint) as looks:
                for found in looks:
                    self._take(found)
                    self._tally.seconds = earlier + time.monotonic() - started
                    last, unsaved = found.file.path, unsaved + 1
                    if unsaved >= CHECKPOINT_FILES or time.monotonic() - saved_at >= CHECKPOINT_SECONDS:
                        self._save(last)
                        saved_at, unsaved = time.monotonic(), 0
        except BaseException:
            if last is not None:
                self._save(last)
            raise
        if last is not None:
            self._save(last)

    def _take(self, found: Look) -> None:
        """Count one file, and remember what was found of it."""
        tally, file = self._tally, found.file
        tally.checked += 1
        tally.bytes_read += found.bytes_read
        tally.verdicts[found.verdict] += 1
        self._is_cached = self._is_cached or found.is_cached
        self._progress.advance(files=1, size_bytes=file.size_bytes, current=file.path.printable())
        if found.verdict is Verdict.OK:
            if found.found is not None:
                self._verified[file.path] = Verified(found.found, format_instant(self._tools.clock.now()))
                if file.damage is not None:
                    self._unwritten.append(_whole(file, found.found))
            return
        if found.verdict is Verdict.MISSING:
            self._storage.root.verify_identity()
        tally.judged.append(_judged(file, found.verdict, found.why))
        self._spoilt.append(file.path)
        damage = None if found.is_refused else self._damage_of(file, found.verdict)
        if damage is not None:
            self._unwritten.append(damage)

    def _damage_of(self, file: KnownFile, verdict: Verdict) -> FileDamaged | None:
        """Give what is to be remembered of a file, unless it is known already."""
        if not verdict.is_damage or (file.damage is not None and file.damage.verdict is verdict):
            return None
        assert file.sha256 is not None
        return FileDamaged(
            hothash=file.indexed_hothash(),
            session_uuid=None if file.role is FileRole.COMPANION else file.session_uuid,
            path=file.path,
            sha256=file.sha256,
            damage=Damage(found_at=format_instant(self._tools.clock.now()), verdict=verdict),
        )

    def _check_previews(self, sessions: Sequence[SessionIndex], due: set[Hothash | None]) -> tuple[int, list[Finding]]:
        """Look at the previews of the pictures that were due; give how many, and those that are not as they were."""
        previews = self._storage.hotpreviews
        promised = {entry.hothash: entry.has_hotpreview for index in sessions for entry in index.files.values()}
        # Of a picture whose session index cannot be read nobody knows whether it has one, but that it stands there.
        wanted = sorted(each for each in due if each is not None and promised.get(each, previews.exists(each)))
        is_fine = previews.exists if self._request.depth is Depth.QUICK else previews.is_whole
        self._progress.start_phase("previews", total_files=len(wanted))
        findings: list[Finding] = []
        with work_ahead(wanted, is_fine, threads=self._tools.threads, checkpoint=self._progress.checkpoint) as results:
            for hothash, is_whole in zip(wanted, results, strict=True):
                if not is_whole:
                    findings.append(Finding(code="preview-damaged", path=hotpreview_path(hothash).printable()))
                self._progress.advance(files=1)
        return len(wanted), findings

    # remembering

    def _save(self, last: RelativePath) -> None:
        """Remember how far it came, which files are whole, and which are damaged."""
        tally = self._tally
        unfinished = UnfinishedVerification(
            asked=self._asked(),
            started_at=self._started_at,
            after=last,
            chosen=self._chosen,
            checked=tally.checked,
            bytes_read=tally.bytes_read,
            seconds=tally.seconds,
            verdicts=tally.verdicts,
            judged={each.file.path: (each.verdict, str(each.facts.get("why", ""))) for each in tally.judged},
        )
        with self._tools.catalog.begin() as db:
            verifications.forget_verified(db, self._record.id, self._spoilt)
            verifications.keep_verified(db, self._record.id, self._verified)
            verifications.keep_unfinished(db, self._record.id, dump_unfinished(unfinished))
        self._verified.clear()
        self._spoilt.clear()

    def _end(self, report: VerifyReport) -> VerifyReport:
        """Write down what is damaged or whole again, and that there was a verification; then it is finished."""
        self._unwritten.append(
            StorageVerified(
                at=self._started_at,
                depth=report.depth.value,
                checked=report.checked,
                ok=report.ok,
                size_bytes=report.bytes_read,
                session_uuid=self._session_uuid,
            )
        )
        try:
            with self._storage.lock("verify"):
                self._write_down()
        except (StorageLockedError, StorageReadOnlyError, OutOfSpaceError, SignatureDamagedError) as error:
            finding = Finding(
                code="verification-not-noted", path=self._record.display_name, facts={"why": error.message}
            )
            return replace(report, findings=(*report.findings, finding))
        with self._tools.catalog.begin() as db:
            verifications.drop_unfinished(db, self._record.id)
        return report

    def _write_down(self) -> None:
        assert self._own is not None
        if self._own.findings:
            # Damaged indexes are not mended by a look; whatever works on the storage next folds what is written here.
            self._storage.append_observations(self._tools.writer, self._unwritten)
            return
        mend_indexes(self._tools, self._record, self._storage)
        write_down(self._tools, self._record, self._storage, self._unwritten)


def _archived(master: MasterIndex) -> list[KnownFile]:
    """List the files that should stand in a storage, by path: pictures, copies and companions."""
    known = known_files(master).by_path.values()
    wanted = (FileRole.MAIN, FileRole.COPY, FileRole.COMPANION)
    files = [file for file in known if file.role in wanted and not file.is_missing and file.sha256 is not None]
    return sorted(files, key=lambda file: file.path)


def _judged(file: KnownFile, verdict: Verdict, why: str) -> Judged:
    return Judged(file=file, verdict=verdict, facts={"why": why} if why else {})


def _whole(file: KnownFile, sha256: Sha256) -> FileWhole:
    return FileWhole(
        hothash=file.indexed_hothash(),
        session_uuid=None if file.role is FileRole.COMPANION else file.session_uuid,
        path=file.path,
        sha256=sha256,
    )
