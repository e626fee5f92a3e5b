"""Re-index: bring indexes and catalog in step with what the user did to the folder, and lose nothing on the way."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from imalink.catalog import scan_snapshots, tombstones
from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, RunUuid, Sha256
from imalink.core.index import MasterIndex, Overview, ScanSummary
from imalink.core.operation import OperationKind
from imalink.core.picture import Fingerprint
from imalink.core.progress import Progress, SilentProgress
from imalink.core.reconcile import (
    Comparison,
    FileRole,
    KnownFile,
    Reconciliation,
    compare,
    known_files,
    moves_by_inode,
    reconcile,
)
from imalink.core.relative_path import RelativePath
from imalink.core.removal import removable
from imalink.core.restraint import with_unread, without_copies, without_moves
from imalink.core.scan import ScannedFile, ScanResult
from imalink.core.timestamps import format_instant
from imalink.errors import IndexDamagedError, MassMissingError, NotFoundError, StorageError
from imalink.formats import scan_snapshot
from imalink.formats.scan_snapshot import ScanSnapshot
from imalink.media.kinds import is_companion_name, is_picture_name
from imalink.storage.file_storage import FileStorage
from imalink.workflows.arrived_clips import find_arrived_clips
from imalink.workflows.drain_outbox import has_waiting_edits
from imalink.workflows.index_in_place import index_in_place
from imalink.workflows.losses import refuse_suspicious_loss
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.new_operation import counted, new_operation
from imalink.workflows.quick_check import check_names
from imalink.workflows.rehash import copy_previews, plan_rehashing
from imalink.workflows.reindex_plan import ReindexPlan
from imalink.workflows.reindex_report import ReindexReport, StandingReport, once_deleted
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.storage_access import fold_notes, open_storage, project_fold
from imalink.workflows.tools import Tools
from imalink.workflows.working_ahead import work_ahead


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
            return work.run(started)


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
        self._hashed = 0
        self._unread: set[RelativePath] = set()
        self._fresh: dict[RelativePath, Fingerprint | None] = {}

    def run(self, started: float) -> ReindexReport:
        """Scan; if all is as the last walk left it say so, else explain, write down, fold and project."""
        snapshot = self._load_snapshot()
        if self._storage.interrupted_runs() or has_waiting_edits(self._tools, self._record):
            # What a dead import had staged gets its place before the walk, which would not see it otherwise; and what
            # the user said while the storage was away is told, be all files as they were.
            self._mend_indexes(snapshot)
        self._progress.start_phase("scan")
        scanned = self._scan()
        self._findings.extend(scanned.findings)
        overview = self._sound_overview()
        if snapshot is not None and overview is not None and self._is_as_left(snapshot, scanned):
            return self._report_unchanged(snapshot, overview, started)
        master = self._mend_indexes(snapshot)
        comparison = self._compare(master, scanned, snapshot)
        plan = self._plan(master, comparison, scanned)
        if self._request.strategy is Strategy.FULL and not self._request.dry_run:
            self._remake_hotpreviews(comparison)
        to_add = self._pictures_to_add(plan, comparison, scanned)
        run_uuid = RunUuid(self._tools.new_uuid()) if to_add else None
        if not self._request.dry_run:
            self._write_down(plan, run_uuid)
        report = self._report(plan, scanned, started)
        if self._request.dry_run and self._request.rehashes:
            report = replace(report, rehashed_files=plan_rehashing(master, self._fresh).files)
        if not self._request.dry_run:
            self._fold(plan, report)
            if run_uuid is not None:
                report = self._add_orphans(to_add, run_uuid, report)
            if self._request.rehashes:
                report = self._rehash(report)
            report = replace(report, findings=tuple(self._findings), seconds=round(time.monotonic() - started, 3))
            self._keep_snapshot(self._snapshot_of(scanned, report))
        return report

    def _scan(self) -> ScanResult:
        try:
            return self._storage.scan(lambda _: self._progress.checkpoint())
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

    # is anything new at all?

    def _load_snapshot(self) -> ScanSnapshot | None:
        digest = self._storage.indexes.claimed_master_digest()
        if digest is None:
            return None
        with self._tools.catalog.read() as db:
            data = scan_snapshots.find_snapshot(db, self._record.id, master_digest=Sha256(digest))
        return None if data is None else scan_snapshot.parse_snapshot(data)

    def _sound_overview(self) -> Overview | None:
        """Give the overview if it can be believed; otherwise it has to be mended, whatever else is as it was."""
        try:
            loaded = self._storage.indexes.load_overview()
        except (NotFoundError, IndexDamagedError):
            return None
        return loaded.index if loaded.is_intact is not False else None

    def _is_as_left(self, snapshot: ScanSnapshot, scanned: ScanResult) -> bool:
        """Tell whether files, index files and commits are what the last walk saw, so that nothing need be read."""
        return (
            self._request.strategy is Strategy.SMART
            and not self._request.adds_orphans
            and not self._request.removes_missing
            and not scanned.unseen
            and not StandingReport.parse(snapshot.report).is_partial
            and not self._storage.interrupted_runs()
            and snapshot.indexes == self._storage.indexes.facts()
            and snapshot.runs == tuple(self._storage.committed_runs())
            and scan_snapshot.is_as_seen(snapshot, scanned.files)
        )

    def _report_unchanged(self, snapshot: ScanSnapshot, overview: Overview, started: float) -> ReindexReport:
        report = StandingReport.parse(snapshot.report)
        if not self._request.dry_run:
            result = ScanSummary(
                changes_detected=False, moved_files=0, missing_files=len(report.missing_files), new_files=0
            )
            now = format_instant(self._tools.clock.now())
            overview = replace(overview, last_scan=now, last_scan_result=result, generation=overview.generation + 1)
            # The snapshot stands: neither overview nor signature is part of it.
            self._storage.note_unchanged_scan(overview)
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
        suspects = self._suspect_sessions(snapshot)
        mended = mend_indexes(self._tools, self._record, self._storage, suspects=suspects)
        self._findings.extend(mended.findings)
        return mended.master

    def _suspect_sessions(self, snapshot: ScanSnapshot | None) -> list[int]:
        """List the session indexes that are not as this machine left them; all of them when it does not know."""
        indexes = self._storage.indexes
        numbers = indexes.list_sessions()
        if snapshot is not None and self._request.strategy is Strategy.SMART:
            facts = indexes.facts()
            numbers = [
                number
                for number in numbers
                if facts.get(indexes.session_name(number)) != snapshot.indexes.get(indexes.session_name(number))
            ]
        return [number for number in numbers if not indexes.is_session_sound(number)]

    def _compare(self, master: MasterIndex, scanned: ScanResult, snapshot: ScanSnapshot | None) -> Comparison:
        inodes = scan_snapshot.inodes_of(snapshot) if snapshot is not None and self._storage.has_stable_inodes else {}
        return compare(
            known_files(master, inodes),
            scanned.files,
            reread_all=self._request.strategy is Strategy.FULL,
            doubtful=StandingReport.parse(snapshot.report).damaged_files if snapshot is not None else (),
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
            now=format_instant(self._tools.clock.now()),
            last_seen_at=self._last_look(master),
        )
        if not self._request.fixes_paths:
            plan.leave_moves(found)
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
        """Read what has to be read: changed files, new pictures and companions, and whatever has a lost one's size.

        Pictures that belong to no session are known already; only those that nobody read before are read now.
        """
        standing = [orphan for orphan in master.orphans if orphan.path in comparison.unchanged]
        lost_sizes = {file.size_bytes for file in comparison.absent()}
        wanted = [
            *comparison.changed,
            *(
                path
                for path, file in comparison.appeared.items()
                if path not in inode_moves
                and file.size_bytes > 0
                and (self._is_to_be_read(path) or file.size_bytes in lost_sizes)
            ),
            *(orphan.path for orphan in standing if orphan.fingerprint is None and self._request.hashes_orphans),
        ]
        self._progress.start_phase("hash", total_files=len(wanted))
        fingerprints: dict[RelativePath, Fingerprint | None] = {
            orphan.path: orphan.fingerprint for orphan in standing if orphan.fingerprint is not None
        }
        with work_ahead(
            wanted, self._read, threads=self._tools.threads, checkpoint=self._progress.checkpoint
        ) as results:
            for path, found in zip(wanted, results, strict=True):
                if isinstance(found, NotFoundError):
                    self._unread.add(path)  # gone again since the walk: the next one will tell
                    continue
                if isinstance(found, Exception):
                    self._storage.root.verify_identity()
                    fingerprints[path] = None
                    self._unread.add(path)
                else:
                    fingerprints[path] = found
                    self._hashed += 1
                self._progress.advance(files=1, size_bytes=scanned.files[path].size_bytes, current=path.printable())
        self._fresh = fingerprints
        lost = {file.hothash for file in comparison.absent()}
        return {
            path: found
            for path, found in fingerprints.items()
            # A file of another name that only happened to have a lost one's size is none of ours.
            if path in comparison.changed
            or is_picture_name(path.name)
            or is_companion_name(path.name)
            or path in comparison.unchanged
            or (found is not None and found.hothash in lost)
        }

    def _read(self, path: RelativePath) -> Fingerprint | NotFoundError | StorageError | OSError:
        """Read one file, or tell why it cannot be."""
        try:
            with self._storage.pictures.open_for_reading(path) as descriptor:
                return self._tools.analyser.fingerprint(descriptor)
        except (NotFoundError, StorageError, OSError) as error:
            return error

    def _is_to_be_read(self, path: RelativePath) -> bool:
        """Tell by its name whether a new file has to be read."""
        return is_companion_name(path.name) or (self._request.hashes_orphans and is_picture_name(path.name))

    # writing down

    def _remake_hotpreviews(self, comparison: Comparison) -> None:
        """Make the previews that are gone; what cannot be decoded has none and is tried again."""
        wanted = [
            file
            for file in (*comparison.unchanged.values(), *comparison.changed.values())
            if file.role is FileRole.MAIN
            and not file.is_missing
            and file.hothash is not None
            and not self._storage.hotpreviews.exists(file.hothash)
        ]
        self._progress.start_phase("analyse", total_files=len(wanted))
        for file in wanted:
            self._progress.checkpoint()
            try:
                with self._storage.pictures.open_for_reading(file.path) as descriptor:
                    analysis = self._tools.analyser.analyse(descriptor, filename=file.path.name)
            except (NotFoundError, StorageError, OSError):
                continue  # the walk's findings say so; a preview is no reason to stop
            if analysis.hotpreview is not None and file.hothash is not None:
                self._storage.hotpreviews.keep(file.hothash, analysis.hotpreview.data)
            self._progress.advance(files=1, current=file.path.printable())

    def _write_down(self, plan: ReindexPlan, run_uuid: RunUuid | None) -> None:
        """The journal makes it durable, with what takes it back; previews and indexes follow from it.

        ``run_uuid`` is the run that will take in orphans: named before it is there, so that it is never forgotten.
        """
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
        for hothash, hotpreview in plan.hotpreviews.items():
            self._storage.hotpreviews.keep(hothash, hotpreview)

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
            scan=summary,
            scanned_at=format_instant(self._tools.clock.now()),
        )
        result = self._storage.fold(notes, master=plan.master)
        self._findings.extend(result.findings)
        self._findings.extend(project_fold(self._tools, self._record, result))

    def _pictures_to_add(
        self, plan: ReindexPlan, comparison: Comparison, scanned: ScanResult
    ) -> dict[RelativePath, ScannedFile]:
        """Give the pictures that belong to no session, with the companions that came with them, if they are wanted."""
        if not self._request.adds_orphans:
            return {}
        paths = [orphan.path for orphan in plan.orphans]
        paths += [path for path in comparison.appeared if is_companion_name(path.name)]
        files = {path: scanned.files[path] for path in paths if path in scanned.files}
        return files if any(is_picture_name(path.name) for path in files) else {}

    def _add_orphans(
        self, files: Mapping[RelativePath, ScannedFile], run_uuid: RunUuid, report: ReindexReport
    ) -> ReindexReport:
        """Take pictures that belong to no session into a new one."""
        added = index_in_place(
            self._tools,
            self._record,
            self._storage,
            self._storage.indexes.load_master().index,
            files,
            title=f"Found in {self._record.display_name}",
            progress=self._progress,
            run_uuid=run_uuid,
        )
        master = self._storage.indexes.load_master().index
        self._findings.extend(added.findings)
        return replace(
            report,
            added=added,
            orphans=tuple(orphan.path for orphan in master.orphans),
            once_deleted=once_deleted(master.orphans),
        )

    def _rehash(self, report: ReindexReport) -> ReindexReport:
        """Give every picture that was read the hothash of today's method, an operation of its own."""
        master = self._storage.indexes.load_master().index
        rehashing = plan_rehashing(master, self._fresh)
        if not rehashing.observations:
            return report
        counts = {"rehashed": len(rehashing.files)}
        operation = new_operation(self._tools, OperationKind.REINDEX, counted("Rehash", counts), counts=counts)
        self._storage.append_operation(self._tools.writer, operation, rehashing.observations, master=master)
        copy_previews(self._storage.hotpreviews, rehashing)
        result = self._storage.fold(fold_notes(self._storage, self._record), master=master)
        self._findings.extend((*result.findings, *project_fold(self._tools, self._record, result)))
        return replace(report, rehashed_files=rehashing.files, changes_detected=True)

    def _snapshot_of(self, scanned: ScanResult, report: ReindexReport) -> ScanSnapshot:
        # What could not be read is left out, and what could not be looked into stands in it as a file that no walk
        # will find: so the next walk never takes things to be as this one left them.
        seen = [file for path, file in scanned.files.items() if path not in self._unread]
        unseen = [ScannedFile(path, 0, 0, 0, 0) for path in scanned.unseen]
        return ScanSnapshot(
            files=scan_snapshot.file_facts([*seen, *unseen]),
            indexes=self._storage.indexes.facts(),
            runs=tuple(self._storage.committed_runs()),
            report=replace(report.standing(), is_partial=self._request.is_restrained).dump(),
        )

    def _keep_snapshot(self, snapshot: ScanSnapshot) -> None:
        digest = self._storage.indexes.claimed_master_digest()
        if digest is not None:
            with self._tools.catalog.begin() as db:
                scan_snapshots.keep_snapshot(
                    db, self._record.id, master_digest=Sha256(digest), data=scan_snapshot.dump_snapshot(snapshot)
                )

    def _report(self, plan: ReindexPlan, scanned: ScanResult, started: float) -> ReindexReport:
        missing, newly_missing = plan.missing()
        return ReindexReport(
            strategy=self._request.strategy.value,
            changes_detected=bool(plan.observations) or bool(plan.left_moves) or plan.are_orphans_changed,
            moved_files=tuple(plan.moved),
            missing_files=missing,
            newly_missing=newly_missing,
            returned_files=plan.returned(),
            new_files=tuple(plan.new_orphans),
            orphans=tuple(orphan.path for orphan in plan.orphans),
            once_deleted=once_deleted(plan.orphans),
            removed_files=tuple(plan.removed),
            modified_files=tuple(plan.modified),
            damaged_files=plan.damaged(),
            path_mismatches=tuple(plan.left_moves),
            duplicates=plan.duplicates() if self._request.finds_duplicates else (),
            same_names=plan.same_names() if self._request.finds_duplicates else (),
            files_hashed=self._hashed,
            files_seen=len(scanned.files),
            findings=tuple(self._findings),
            seconds=round(time.monotonic() - started, 3),
        )


def _is_picture(file: KnownFile) -> bool:
    return file.role in (FileRole.MAIN, FileRole.COPY)
