"""From an explanation of what happened to what is written down: observations, orphans, previews, report rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from imalink.core.analyser import Analyser
from imalink.core.comparison import Comparison, FileRole, KnownFile
from imalink.core.conflict import DuplicateFilename, MissingFile, OrphanFile, PathMismatch, same_mismatches
from imalink.core.damage import Damage, Verdict
from imalink.core.finding import Finding
from imalink.core.ids import Hothash
from imalink.core.index import FileEntry, MasterIndex
from imalink.core.journal import (
    CompanionsChanged,
    FileCopied,
    FileDamaged,
    FileDeleted,
    FileEdited,
    FileMissing,
    FileMoved,
    FileSeen,
    FileWhole,
    Observation,
)
from imalink.core.operation import OrphansRestored
from imalink.core.picture import Fingerprint
from imalink.core.progress import Progress
from imalink.core.reconcile import Edit, Reconciliation
from imalink.core.relative_path import RelativePath
from imalink.core.restoring import orphans_difference
from imalink.core.scan import ScannedFile
from imalink.storage.file_storage import FileStorage
from imalink.workflows.reindex_companions import SettledCompanions, settle_companions
from imalink.workflows.reindex_deleted import ReturnedPictures
from imalink.workflows.reindex_entries import EntryReader
from imalink.workflows.reindex_orphans import settle_orphans
from imalink.workflows.reindex_report import CompanionFile, DuplicateFile, ModifiedFile, MovedFile, RemovedFile
from imalink.workflows.reindex_sidecars import find_telling_sidecars
from imalink.workflows.reindex_standing import duplicates, main_paths, same_names, standing_as_known, standing_pictures


class ReindexPlan:
    """Collects what a re-index will write. Call the ``add_`` methods in the order in which they stand."""

    def __init__(
        self,
        *,
        storage: FileStorage,
        analyser: Analyser,
        master: MasterIndex,
        comparison: Comparison,
        outcome: Reconciliation,
        seen: Mapping[RelativePath, ScannedFile],
        now: str,
        last_seen_at: str,
    ) -> None:
        self._storage = storage
        self._analyser = analyser
        self.master = master
        self._comparison = comparison
        self._outcome = outcome
        self._seen = seen
        self._now = now
        self._last_seen_at = last_seen_at
        self._entries = EntryReader(storage.pictures, analyser, seen=seen, now=now)
        self.hotpreviews = self._entries.hotpreviews
        self.findings = self._entries.findings
        self.observations: list[Observation] = []
        self.damage: list[Observation] = []
        self.moved: list[MovedFile] = []
        self.left_moves: list[MovedFile] = []
        self._fixes_paths = True
        self._returned: tuple[RelativePath, ...] = ()
        self.modified: list[ModifiedFile] = []
        self.removed: list[RemovedFile] = []
        self.damaged_companions: tuple[RelativePath, ...] = ()
        self.companions: list[CompanionFile] = []
        self.new_orphans: tuple[RelativePath, ...] = ()
        self.orphans: tuple[OrphanFile, ...] = ()
        self.are_orphans_changed = False

    def leave_moves(self, found: Reconciliation) -> None:
        """Only report the moves that were found; companions too stay where the index has them."""
        self._fixes_paths = False
        self.left_moves += [_moved(move.known, move.new_path) for move in found.moves]
        self.left_moves += [_moved(lost, heir.path) for lost, heir in found.promoted]

    def add_returned(self, returned: ReturnedPictures) -> None:
        """Pictures that had been deleted and that the user brought back are known again."""
        self._returned = tuple(returned.paths)
        self.observations.extend(returned.observations)

    def add_moves(self) -> None:
        """Moves come first: later observations name files by their new paths."""
        for move in self._outcome.moves:
            known, now = move.known, self._seen[move.new_path]
            self.observations.append(
                FileMoved(
                    hothash=known.indexed_hothash(),
                    session_uuid=known.session_uuid,
                    old_path=known.path,
                    new_path=move.new_path,
                    modified_ns=now.modified_ns,
                    verified="inode" if move.fingerprint is None else "hash",
                )
            )
            self.moved.append(_moved(known, move.new_path))
            if move.fingerprint is not None and move.fingerprint.sha256 != known.sha256:
                self._add_metadata_edit(known, move.new_path, move.fingerprint)
        for lost, heir in self._outcome.promoted:
            self.observations.append(self._gone(lost))
            self.moved.append(_moved(lost, heir.path))

    def add_edits(self, progress: Progress) -> None:
        """Files that stand where they stood, with other bytes, another time, or back again."""
        edits = (*self._outcome.metadata_edits, *self._outcome.content_edits)
        progress.start_phase("analyse", total_files=len(edits))
        for edit in self._outcome.metadata_edits:
            progress.checkpoint()
            self._add_metadata_edit(edit.known, edit.path, edit.fingerprint)
            progress.advance(files=1, current=edit.path.printable())
        for edit in self._outcome.content_edits:
            progress.checkpoint()
            self._add_content_edit(edit)
            progress.advance(files=1, current=edit.path.printable())
        for edit in self._outcome.damaged:
            self._add_damage(edit.known, is_broken=edit.known.is_broken_by(edit.fingerprint))
        for edit in (*self._outcome.touched, *self._outcome.returned):
            if edit.known.is_missing or self._seen[edit.path].modified_ns != edit.known.modified_ns:
                self.observations.append(self._seen_at(edit.known, edit.path, edit.fingerprint, None))
            elif edit.known.damage is not None:
                self.damage.append(
                    FileWhole(
                        hothash=edit.known.indexed_hothash(),
                        session_uuid=edit.known.session_uuid,
                        path=edit.path,
                        sha256=edit.fingerprint.sha256,
                    )
                )

    def add_copies_and_losses(self) -> None:
        """Further copies, pictures that are gone, and copies that are gone."""
        for copy in self._outcome.copies:
            assert copy.of.session_uuid is not None
            self.observations.append(
                FileCopied(
                    hothash=copy.fingerprint.hothash,
                    path=copy.path,
                    session_uuid=copy.of.session_uuid,
                    size_bytes=copy.fingerprint.size_bytes,
                    sha256=copy.fingerprint.sha256,
                    modified_ns=self._seen[copy.path].modified_ns,
                    imported_at=self._now,
                )
            )
        for file in (*self._outcome.missing, *self._outcome.lost_copies):
            self.observations.append(self._gone(file))

    def add_companions(
        self,
        fingerprints: Mapping[RelativePath, Fingerprint | None],
        progress: Progress,
        *,
        clips: Collection[RelativePath] = (),
    ) -> None:
        """Sidecars and the like that moved, changed, came or went, as the new list of their picture, and its facts.

        ``clips`` are films that are known to be companions.
        """
        settled = settle_companions(
            self._comparison,
            fingerprints,
            clips=clips,
            master=self.master,
            find_mains=lambda: main_paths(self._comparison, self._outcome),
            seen=self._seen,
            fixes_paths=self._fixes_paths,
            files=self._storage.pictures,
            analyser=self._analyser,
        )
        if settled is None:
            return
        self.left_moves.extend(_moved(file, path) for file, path in settled.left_moves)
        self.companions.extend(settled.rows())
        self.findings.extend(Finding(code="companion-missing", path=path.printable()) for path in settled.missing)
        for file in settled.damaged:
            self._add_damage(file, is_broken=False)
        self.damaged_companions = tuple(file.path for file in settled.damaged)
        standing = main_paths(self._comparison, self._outcome)
        expected: dict[Hothash, list[RelativePath]] = defaultdict(list)
        for missing in self.master.missing():
            expected[missing.hothash].append(missing.expected_path)
        for lost in self._outcome.missing:
            expected[lost.indexed_hothash()].append(lost.path)
        edited = {edit.known.indexed_hothash(): edit.fingerprint.hothash for edit in self._outcome.content_edits}
        for hothash in settled.changed():
            companions = tuple(sorted(settled.now.get(hothash, ()), key=lambda each: each.relative_path))
            for path in (*standing.get(hothash, ()), *expected.get(hothash, ())):
                self.observations.append(
                    CompanionsChanged(hothash=edited.get(hothash, hothash), path=path, companions=companions)
                )
        self._add_sidecar_facts(settled, standing, progress)

    def add_removals(self, files: Iterable[KnownFile]) -> None:
        """Missing files are to be known no more; after everything else, for it is their last word."""
        for file in files:
            self.observations.append(
                FileDeleted(
                    hothash=file.indexed_hothash(),
                    session_uuid=file.session_uuid,
                    path=file.path,
                    deleted_at=self._now,
                    by="reindex",
                    mode="missing",
                    reason="The file was not there any more.",
                )
            )
            self.removed.append(RemovedFile(hothash=file.indexed_hothash(), path=file.path))

    def settle_orphans(self, deletions: Mapping[Hothash, str]) -> None:
        """Work out which pictures belong to no session now; ``deletions`` tells when such as arrived were deleted."""
        settled = settle_orphans(
            self.master.orphans,
            self._comparison,
            self._outcome,
            moved_to={move.new_path for move in (*self._outcome.moves, *self.left_moves)},
            seen=self._seen,
            deletions=deletions,
            now=self._now,
        )
        self.orphans, self.new_orphans, self.are_orphans_changed = settled.orphans, settled.new, settled.are_changed

    def missing(self) -> tuple[tuple[MissingFile, ...], tuple[MissingFile, ...]]:
        """Give the pictures that are missing now, and those of them that were not before."""
        outcome = self._outcome
        settled = {
            (each.known.hothash, each.known.path)
            for each in (*outcome.moves, *outcome.returned, *outcome.metadata_edits)
        }
        settled |= {(each.hothash, each.path) for each in self.removed}
        still = [file for file in self.master.missing() if (file.hothash, file.expected_path) not in settled]
        newly = [
            MissingFile(hothash=file.indexed_hothash(), expected_path=file.path, last_seen_at=self._last_seen_at)
            for file in self._outcome.missing
            if (file.hothash, file.path) not in settled
        ]
        everything = sorted((*still, *newly), key=lambda each: each.expected_path)
        return tuple(everything), tuple(newly)

    def mismatches(self) -> tuple[PathMismatch, ...]:
        """Give the files that stand elsewhere than the index has them, which was to be left as it is."""
        since = {each.conflict_id: each.detected_at for each in self.master.mismatches}
        found = [
            PathMismatch(hothash=move.hothash, expected_path=move.old_path, path=move.new_path, detected_at=self._now)
            for move in self.left_moves
        ]
        return tuple(replace(each, detected_at=since.get(each.conflict_id, self._now)) for each in found)

    @property
    def is_anything_new(self) -> bool:
        """Whether this look found what the last one did not."""
        are_as_before = same_mismatches(self.master.mismatches, self.mismatches())
        return bool(self.observations) or self.are_orphans_changed or not are_as_before

    def damaged(self) -> tuple[RelativePath, ...]:
        """Give the files whose bytes changed though nobody wrote them; the index keeps the good checksum."""
        return tuple(sorted((*(edit.path for edit in self._outcome.damaged), *self.damaged_companions)))

    def lost_copies(self) -> tuple[RelativePath, ...]:
        """Give the files that are gone while another of the same picture stands."""
        return tuple(sorted(file.path for file in self._outcome.lost_copies))

    def returned(self) -> tuple[RelativePath, ...]:
        """Give the files that were missing and stand at their place again, or were deleted and came back."""
        edits = (*self._outcome.returned, *self._outcome.metadata_edits)
        return tuple(sorted((*self._returned, *(edit.path for edit in edits if edit.known.is_missing))))

    def counts(self) -> dict[str, int]:
        """Count what happened, by its name."""
        kinds = Counter(type(observation) for observation in self.observations)
        return {
            "moved": len(self.moved),
            "edited": len(self.modified),
            "copied": kinds[FileCopied],
            "missing": len(self.missing()[1]),
            "returned": len(self.returned()),
            "removed": len(self.removed),
            "new": len(self.new_orphans),
            "sidecars": kinds[CompanionsChanged],
        }

    def orphans_before(self, *, are_added: bool) -> OrphansRestored:
        """Give what makes the list of orphans what it was; ``are_added``: those that are in it now leave it yet."""
        before = self.master.orphans
        found = orphans_difference(before, self.orphans)
        return replace(found, back=before) if are_added else found

    def duplicates(self) -> tuple[DuplicateFile, ...]:
        """Give one row for each extra copy that stands on the disk now."""
        return duplicates(standing_pictures(self._comparison, self._outcome))

    def same_names(self) -> tuple[DuplicateFilename, ...]:
        """Give the names that several different pictures have."""
        return same_names(standing_pictures(self._comparison, self._outcome))

    # parts

    def _add_sidecar_facts(
        self, companions: SettledCompanions, mains: Mapping[Hothash, Sequence[RelativePath]], progress: Progress
    ) -> None:
        """Complete the facts of pictures read just now, and read those whose sidecars came or changed."""
        if not any(companions.now.values()):
            return
        pictures = {path: hothash for hothash, paths in mains.items() for path in paths}
        sidecars = find_telling_sidecars(pictures, companions.before, companions.now)
        read: set[RelativePath] = set()
        for position, observation in enumerate(self.observations):
            if isinstance(observation, FileSeen | FileEdited) and observation.entry is not None:
                read.add(observation.path)
                entry = self._entries.with_sidecars(observation.entry, observation.path, sidecars)
                self.observations[position] = replace(observation, entry=entry)
        standing = standing_as_known(self._comparison, self._outcome) if sidecars.renewed else {}
        renewed = [path for path in sidecars.renewed if path in standing and path not in read]
        if renewed:
            progress.start_phase("analyse", total_files=len(renewed))
        for path in renewed:
            progress.checkpoint()
            known = standing[path]
            hothash = known.indexed_hothash()
            assert known.sha256 is not None
            fingerprint = Fingerprint(
                hothash=hothash,
                method=self.master.files[hothash].method,
                sha256=known.sha256,
                size_bytes=known.size_bytes,
            )
            entry = self._entries.read(path, fingerprint, is_known=True)
            if entry is not None:
                entry = self._entries.with_sidecars(entry, path, sidecars)
                self.observations.append(self._seen_at(known, path, fingerprint, entry))
                self.modified.append(ModifiedFile(kind="sidecar", path=path, old_hothash=hothash, new_hothash=hothash))
            progress.advance(files=1, current=path.printable())

    def _add_damage(self, known: KnownFile, *, is_broken: bool) -> None:
        """Tell of a damaged file, and remember it until a look finds it whole; no part of what can be undone."""
        self.findings.append(Finding(code="file-damaged", path=known.path.printable()))
        verdict = Verdict.DAMAGED if is_broken else Verdict.SUSPECTED_BIT_ROT
        if known.sha256 is not None and (known.damage is None or known.damage.verdict is not verdict):
            self.damage.append(
                FileDamaged(
                    hothash=known.indexed_hothash(),
                    session_uuid=None if known.role is FileRole.COMPANION else known.session_uuid,
                    path=known.path,
                    sha256=known.sha256,
                    damage=Damage(found_at=self._now, verdict=verdict),
                )
            )

    def _add_metadata_edit(self, known: KnownFile, path: RelativePath, fingerprint: Fingerprint) -> None:
        entry = self._entries.read(path, fingerprint)
        self.observations.append(self._seen_at(known, path, fingerprint, entry))
        self.modified.append(
            ModifiedFile(
                kind="metadata", path=path, old_hothash=known.indexed_hothash(), new_hothash=fingerprint.hothash
            )
        )

    def _add_content_edit(self, edit: Edit) -> None:
        entry = self._entries.read(edit.path, edit.fingerprint)
        if entry is None:
            return
        self.observations.append(FileEdited(old_hothash=edit.known.indexed_hothash(), path=edit.path, entry=entry))
        self.modified.append(
            ModifiedFile(
                kind="content",
                path=edit.path,
                old_hothash=edit.known.indexed_hothash(),
                new_hothash=edit.fingerprint.hothash,
            )
        )

    def _gone(self, known: KnownFile) -> FileMissing:
        return FileMissing(
            hothash=known.indexed_hothash(),
            session_uuid=known.session_uuid,
            path=known.path,
            last_seen_at=self._last_seen_at,
        )

    def _seen_at(
        self, known: KnownFile, path: RelativePath, fingerprint: Fingerprint, entry: FileEntry | None
    ) -> FileSeen:
        return FileSeen(
            hothash=fingerprint.hothash,
            session_uuid=known.session_uuid,
            path=path,
            size_bytes=fingerprint.size_bytes,
            sha256=fingerprint.sha256,
            modified_ns=self._seen[path].modified_ns,
            entry=entry,
        )


def _moved(known: KnownFile, new_path: RelativePath) -> MovedFile:
    return MovedFile(
        hothash=known.indexed_hothash(), old_path=known.path, new_path=new_path, session_number=known.session_number
    )
