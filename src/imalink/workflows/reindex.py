"""Re-index: bring indexes and catalog in step with what the user did to the folder, and lose nothing on the way."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from imalink.catalog import tombstones
from imalink.catalog.file_storages import StorageRecord
from imalink.core.audit import AuditAction
from imalink.core.comparison import Comparison, FileRole, KnownFile, compare, known_files, moves_by_inode
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, RunUuid
from imalink.core.index import MasterIndex, Overview, ScanSummary
from imalink.core.operation import OperationKind
from imalink.core.picture import Fingerprint
from imalink.core.progress import Progress, SilentProgress
from imalink.core.reconcile import Reconciliation, reconcile
from imalink.core.relative_path import RelativePath
from imalink.core.removal import removable
from imalink.core.restraint import with_unread, without_copies, without_moves
from imalink.core.scan import ScanResult
from imalink.core.timestamps import format_instant
from imalink.errors import IndexDamagedError, MassMissingError, NotFoundError
from imalink.formats import scan_snapshot
from imalink.formats.scan_snapshot import ScanSnapshot
from imalink.media.kinds import is_companion_name, is_picture_name
from imalink.storage.file_storage import FileStorage
from imalink.workflows.arrived_clips import find_arrived_clips
from imalink.workflows.drain_outbox import has_waiting_edits
from imalink.workflows.look_at_trash import sessions_with_deleted
from imalink.workflows.losses import refuse_suspicious_loss
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.new_operation import counted, new_operation
from imalink.workflows.quick_check import check_names
from imalink.workflows.rehash import plan_rehashing, rehash
from imalink.workflows.reindex_adding import add_orphans, pictures_to_add
from imalink.workflows.reindex_deleted import DeletedPictures
from imalink.workflows.reindex_plan import ReindexPlan
from imalink.workflows.reindex_reading import FilesRead, files_to_read, known_fingerprints, read_files
from imalink.workflows.reindex_report import ReindexReport, StandingReport, once_deleted
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.reindex_snapshot import (
    find_snapshot,
    find_sound_overview,
    is_as_left,
    keep_snapshot,
    note_unchanged,
    suspect_sessions,
)
from imalink.workflows.remake_hotpreviews import remake_hotpreviews
from imalink.workflows.storage_access import fold_notes, open_storage, project_fold
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note


def reindex(
    tools: Tools, record: StorageRecord, request: ReindexRequest, *, progress: Progress | None = None
) -> ReindexReport:
    """Walk a storage, explain every difference after the whole walk, and write it down.

    Nothing the user put there is ever touched. Raises MassMissingError, with nothing changed, when suspiciously much
    would be marked missing; UsageError when the options do not go together; StorageError when the storage is in
    trouble; CancelledError.
    """
    request.check()
    started = time.monotonic()
    progress = progress or SilentProgress()
    if request.strategy is Strategy.QUICK:
        return check_names(tools, record, request, progress)
    with open_storage(tools, record) as storage:
        work = _Reindex(tools, record, storage, request, progress)
        if request.dry_run:
            return work.run(started)  # writes nothing, so it needs no lock, which is a file too
        with storage.lock("reindex"):
            report = work.run(started)
    if report.removed_files:
        where = f"{record.display_name} ({record.storage_uuid})"
        note(tools, AuditAction.MISSING_REMOVED, where, removed=len(report.removed_files))
    return report


class _Reindex:
    def __init__(
        self,
        tools: Tools,
        record: StorageRecord,
        storage: FileStorage,
        request: ReindexRequest,
        progress: Progress,
    ) -> None:
        self._tools = tools
        self._record = record
        self._storage = storage
        self._request = request
        self._progress = progress
        self._findings: list[Finding] = []
        self._read = FilesRead(fingerprints={}, unread=frozenset(), hashed_count=0)
        self._deleted = DeletedPictures(())

    def run(self, started: float) -> ReindexReport:
        """Scan; if all is as the last walk left it say so, else explain, write down, fold and project."""
        snapshot = find_snapshot(self._tools, self._record, self._storage)
        if self._storage.interrupted_runs() or has_waiting_edits(self._tools, self._record):
            # What a dead import had staged gets its place before the walk, which would not see it otherwise; and what
            # the user said while the storage was away is told, be all files as they were.
            self._mend_indexes(snapshot)
        self._progress.start_phase("scan")
        scanned = self._scan()
        self._findings.extend(scanned.findings)
        overview = find_sound_overview(self._storage)
        if (
            snapshot is not None
            and overview is not None
            and is_as_left(snapshot, self._storage, scanned, self._request)
        ):
            return self._report_unchanged(snapshot, overview, started)
        master = self._mend_indexes(snapshot)
        self._deleted = DeletedPictures(sessions_with_deleted(self._tools, self._record, self._storage))
        comparison = self._compare(master, scanned, snapshot)
        self._progress.tell({"missing": sum(1 for _ in comparison.absent()), "new": len(comparison.appeared)})
        plan = self._plan(master, comparison, scanned)
        if self._request.strategy is Strategy.FULL and not self._request.dry_run:
            remake_hotpreviews(self._storage, self._tools.analyser, comparison, self._progress)
        to_add = pictures_to_add(plan, comparison, scanned) if self._request.adds_orphans else {}
        run_uuid = RunUuid(self._tools.new_uuid()) if to_add else None
        if not self._request.dry_run:
            self._write_down(plan, run_uuid)
        report = self._report(plan, scanned, started)
        self._progress.tell(report.counts())
        if self._request.dry_run and self._request.rehashes:
            report = replace(report, rehashed_files=plan_rehashing(master, self._read.fingerprints).files)
        if not self._request.dry_run:
            self._fold(plan, report)
            if run_uuid is not None:
                report = add_orphans(
                    self._tools,
                    self._record,
                    self._storage,
                    to_add,
                    report,
                    run_uuid=run_uuid,
                    finds_duplicates=self._request.finds_duplicates,
                    progress=self._progress,
                )
                self._findings.extend(report.added.findings if report.added is not None else ())
            if self._request.rehashes:
                report = self._rehash(report)
            report = replace(report, findings=tuple(self._findings), seconds=round(time.monotonic() - started, 3))
            keep_snapshot(
                self._tools,
                self._record,
                self._storage,
                scanned,
                self._read,
                report,
                is_partial=self._request.is_restrained,
            )
        return report

    def _scan(self) -> ScanResult:
        told = 0

        def tell(count: int) -> None:
            nonlocal told
            self._progress.checkpoint()
            self._progress.advance(files=count - told)
            told = count

        try:
            return self._storage.scan(tell)
        except NotFoundError as error:
            root = self._storage.photo_root
            if root is None:
                raise
            folder = root.printable()
            raise MassMissingError(
                f"The storage has no folder {folder!r}, where all its pictures are, so nothing was changed.",
                hint="Put the folder back under that name. If you really removed every picture, make it anew, empty, "
                "and run the same command with --accept-missing.",
            ) from error

    def _report_unchanged(self, snapshot: ScanSnapshot, overview: Overview, started: float) -> ReindexReport:
        report = StandingReport.parse(snapshot.report)
        if not self._request.dry_run:
            note_unchanged(self._tools, self._storage, report, overview)
        return ReindexReport(
            strategy=self._request.strategy.value,
            missing_files=report.missing_files,
            duplicates=report.duplicates if self._request.finds_duplicates else (),
            same_names=report.same_names if self._request.finds_duplicates else (),
            orphans=report.orphans,
            once_deleted=report.once_deleted,
            damaged_files=report.damaged_files,
            files_seen=len(snapshot.files),
            findings=tuple(self._findings),
            seconds=round(time.monotonic() - started, 3),
        )

    # explaining

    def _mend_indexes(self, snapshot: ScanSnapshot | None) -> MasterIndex:
        """Finish interrupted runs, fold what is not folded, mend damaged index files; give a master to believe."""
        if self._request.dry_run:
            return self._storage.indexes.load_master().index
        suspects = suspect_sessions(snapshot, self._storage, self._request)
        mended = mend_indexes(self._tools, self._record, self._storage, suspects=suspects)
        self._findings.extend(mended.findings)
        return mended.master

    def _compare(self, master: MasterIndex, scanned: ScanResult, snapshot: ScanSnapshot | None) -> Comparison:
        inodes = scan_snapshot.inodes_of(snapshot) if snapshot is not None and self._storage.has_stable_inodes else {}
        return compare(
            known_files(master, inodes),
            self._deleted.without_marked(scanned.files),
            reread_all=self._request.strategy is Strategy.FULL,
            is_unseen=scanned.is_unseen,
        )

    def _raise_if_suspicious(self, comparison: Comparison, missing: Sequence[RelativePath]) -> None:
        if self._request.accepts_losses:
            return
        known = [
            path
            for group in (comparison.unchanged, comparison.changed, comparison.gone, comparison.unreachable)
            for path, file in group.items()
            if _is_picture(file) and not file.is_missing
        ]
        refuse_suspicious_loss(known, missing)

    def _plan(self, master: MasterIndex, comparison: Comparison, scanned: ScanResult) -> ReindexPlan:
        inode_moves: dict[RelativePath, KnownFile] = {}
        if self._request.strategy is Strategy.SMART and self._storage.has_stable_inodes:
            # Companions and orphans are read: theirs is more to decide than where they are.
            inode_moves = {path: file for path, file in moves_by_inode(comparison).items() if _is_picture(file)}
        fingerprints = self._fingerprint(comparison, scanned, inode_moves, master)
        clips = find_arrived_clips(comparison, fingerprints, scanned.files)
        found = reconcile(
            comparison,
            {
                path: found
                for path, found in fingerprints.items()
                if not is_companion_name(path.name) and path not in clips
            },
            scanned.files,
            inode_moves=inode_moves,
        )
        now = format_instant(self._tools.clock.now())
        returned = self._deleted.explain(
            found.orphans, scanned.files, now=now, finds_copies=self._request.finds_duplicates
        )
        found = replace(
            found,
            orphans={
                path: each
                for path, each in found.orphans.items()
                if path not in returned.paths and path not in returned.still_deleted | returned.copies
            },
        )
        self._raise_if_suspicious(comparison, [file.path for file in found.missing])
        self._findings.extend(Finding(code="storage-unreadable", path=path.printable()) for path in found.unreadable)
        outcome = self._restrain(found, comparison, [*fingerprints, *inode_moves])
        plan = ReindexPlan(
            storage=self._storage,
            analyser=self._tools.analyser,
            master=master,
            comparison=comparison,
            outcome=outcome,
            seen=scanned.files,
            now=now,
            last_seen_at=self._last_look(master),
        )
        if not self._request.fixes_paths:
            plan.leave_moves(found)
        plan.add_returned(returned)
        plan.add_moves()
        plan.add_edits(self._progress)
        plan.add_copies_and_losses()
        plan.add_companions(fingerprints, self._progress, clips=clips)
        if self._request.removes_missing:
            self._add_removals(plan, scanned, removable(comparison, found))
        plan.settle_orphans(self._deletions(outcome))
        self._findings.extend(plan.findings)
        return plan

    def _restrain(
        self, outcome: Reconciliation, comparison: Comparison, explained: Collection[RelativePath]
    ) -> Reconciliation:
        """Leave out what the user does not want to be acted on."""
        if not self._request.hashes_orphans:
            unread = [
                path
                for path, file in comparison.appeared.items()
                if is_picture_name(path.name) and file.size_bytes > 0 and path not in explained
            ]
            outcome = with_unread(outcome, unread)
        if not self._request.finds_duplicates:
            outcome = without_copies(outcome)
        return outcome if self._request.fixes_paths else without_moves(outcome)

    def _add_removals(self, plan: ReindexPlan, scanned: ScanResult, files: Sequence[KnownFile]) -> None:
        """Take missing files out, unless they may stand where this look could not see them."""
        is_seen_whole = all(each.code != "storage-unreadable" for each in self._findings)
        if is_seen_whole and self._scan().files == scanned.files:
            plan.add_removals(files)
        else:
            self._findings.append(Finding(code="removal-put-off"))

    def _deletions(self, outcome: Reconciliation) -> dict[Hothash, str]:
        """Tell which of the pictures that belong to no session were deleted, and when last."""
        hothashes = {found.hothash for found in outcome.orphans.values() if found is not None}
        with self._tools.catalog.read() as db:
            found = tombstones.find_by_hothash(db, hothashes)
        return {hothash: each[0].tombstone.deleted_at for hothash, each in found.items()}

    def _last_look(self, master: MasterIndex) -> str:
        """Give when a file that is gone now was last known to be there."""
        try:
            return self._storage.indexes.load_overview().index.last_scan or master.indexed_at
        except (NotFoundError, IndexDamagedError):
            return master.indexed_at

    def _fingerprint(
        self,
        comparison: Comparison,
        scanned: ScanResult,
        inode_moves: Mapping[RelativePath, KnownFile],
        master: MasterIndex,
    ) -> dict[RelativePath, Fingerprint | None]:
        """Read what has to be read, and give of it what tells something."""
        self._read = read_files(
            self._tools,
            self._storage,
            files_to_read(master, comparison, placed=inode_moves, hashes_orphans=self._request.hashes_orphans),
            seen=scanned.files,
            known=known_fingerprints(master, comparison),
            progress=self._progress,
        )
        return self._read.telling(comparison)

    # writing down

    def _write_down(self, plan: ReindexPlan, run_uuid: RunUuid | None) -> None:
        """The journal makes it durable, with what takes it back; indexes follow from it.

        Previews come first: what is written down promises them, and a crash in between would leave the promise unkept.
        ``run_uuid`` is the run that will take in orphans: named before it is there, so that it is never forgotten.
        """
        for hothash, hotpreview in plan.hotpreviews.items():
            self._storage.hotpreviews.keep(hothash, hotpreview)
        if plan.observations or plan.are_orphans_changed or run_uuid is not None:
            counts = {**plan.counts(), "added": len(plan.orphans) if run_uuid is not None else 0}
            self._storage.append_operation(
                self._tools.writer,
                new_operation(
                    self._tools,
                    OperationKind.REINDEX,
                    counted("Re-index", counts),
                    counts=counts,
                    run_uuid=run_uuid,
                ),
                plan.observations,
                takes_back=plan.orphans_before(are_added=run_uuid is not None),
                master=plan.master,
            )
        if plan.damage:  # after the operation, for its inverse must not speak of it
            self._storage.append_observations(self._tools.writer, plan.damage, master=plan.master)

    def _fold(self, plan: ReindexPlan, report: ReindexReport) -> None:
        self._progress.start_phase("index")
        summary = ScanSummary(
            changes_detected=report.changes_detected,
            moved_files=len(report.moved_files),
            missing_files=len(report.missing_files),
            new_files=len(report.new_files),
        )
        notes = replace(
            fold_notes(self._storage, self._record),
            orphans=plan.orphans,
            mismatches=plan.mismatches(),
            scan=summary,
            scanned_at=format_instant(self._tools.clock.now()),
        )
        result = self._storage.fold(notes, master=plan.master)
        self._findings.extend(result.findings)
        self._findings.extend(project_fold(self._tools, self._record, result))

    def _rehash(self, report: ReindexReport) -> ReindexReport:
        """Give every picture that was read the hothash of today's method, an operation of its own."""
        rehashing, findings = rehash(self._tools, self._record, self._storage, self._read.fingerprints)
        self._findings.extend(findings)
        if not rehashing.observations:
            return report
        return replace(report, rehashed_files=rehashing.files, changes_detected=True)

    def _report(self, plan: ReindexPlan, scanned: ScanResult, started: float) -> ReindexReport:
        missing, newly_missing = plan.missing()
        return ReindexReport(
            strategy=self._request.strategy.value,
            changes_detected=plan.is_anything_new,
            moved_files=tuple(plan.moved),
            missing_files=missing,
            newly_missing=newly_missing,
            lost_copies=plan.lost_copies(),
            returned_files=plan.returned(),
            new_files=plan.new_orphans,
            orphans=tuple(orphan.path for orphan in plan.orphans),
            once_deleted=once_deleted(plan.orphans),
            removed_files=tuple(plan.removed),
            modified_files=tuple(plan.modified),
            damaged_files=plan.damaged(),
            companion_files=tuple(plan.companions),
            path_mismatches=plan.mismatches(),
            duplicates=plan.duplicates() if self._request.finds_duplicates else (),
            same_names=plan.same_names() if self._request.finds_duplicates else (),
            files_hashed=self._read.hashed_count,
            files_seen=len(scanned.files),
            findings=tuple(self._findings),
            seconds=round(time.monotonic() - started, 3),
        )


def _is_picture(file: KnownFile) -> bool:
    return file.role in (FileRole.MAIN, FileRole.COPY)
