"""From an explanation of what happened to what is written down: observations, orphans, previews, report rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from imalink.core.analyser import Analyser
from imalink.core.capture_fallback import capture_time_from_file, capture_time_from_name
from imalink.core.companion_matching import match_companions
from imalink.core.conflict import MissingFile, OrphanFile
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, Sha256, photo_uuid_of
from imalink.core.index import Companion, FileEntry, MasterIndex
from imalink.core.journal import (
    CompanionsChanged,
    FileCopied,
    FileDeleted,
    FileEdited,
    FileMissing,
    FileMoved,
    FileSeen,
    Observation,
)
from imalink.core.operation import OrphansRestored
from imalink.core.picture import Fingerprint
from imalink.core.progress import Progress
from imalink.core.reconcile import Comparison, Edit, FileRole, KnownFile, Reconciliation
from imalink.core.relative_path import RelativePath
from imalink.core.restoring import orphans_difference
from imalink.core.scan import ScannedFile
from imalink.core.sidecar_facts import SidecarFacts
from imalink.errors import NotFoundError, StorageError
from imalink.media.kinds import companion_kind, is_companion_name, is_raw_name
from imalink.storage.file_storage import FileStorage
from imalink.workflows.reindex_report import DuplicateFile, ModifiedFile, MovedFile, RemovedFile, SameName
from imalink.workflows.reindex_sidecars import TellingSidecars, find_telling_sidecars, with_sidecars
from imalink.workflows.verified_copy import read_stored_sidecar


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
        self.observations: list[Observation] = []
        self.moved: list[MovedFile] = []
        self.left_moves: list[MovedFile] = []
        self._fixes_paths = True
        self.modified: list[ModifiedFile] = []
        self.removed: list[RemovedFile] = []
        self.hotpreviews: dict[Hothash, bytes] = {}
        self.findings: list[Finding] = []
        self.new_orphans: list[RelativePath] = []
        self.orphans: tuple[OrphanFile, ...] = ()
        self.are_orphans_changed = False

    def _owners_beside(
        self, companions: Iterable[RelativePath], mains: Mapping[Hothash, Iterable[RelativePath]]
    ) -> dict[RelativePath, Hothash]:
        """Tell of companions which picture in their folder they go with."""
        owners = {missing.expected_path: missing.hothash for missing in self.master.missing()}
        owners |= {path: hothash for hothash, paths in mains.items() for path in paths}
        found = match_companions(companions, owners, is_raw_name=is_raw_name, read_clue=self._read_clue)
        return {path: owners[picture] for path, picture in found.items()}

    def leave_moves(self, found: Reconciliation) -> None:
        """Only report the moves that were found; companions too stay where the index has them."""
        self._fixes_paths = False
        self.left_moves += [_moved(move.known, move.new_path) for move in found.moves]
        self.left_moves += [_moved(lost, heir.path) for lost, heir in found.promoted]

    def add_moves(self) -> None:
        """Moves come first: later observations name files by their new paths."""
        for move in self._outcome.moves:
            known, now = move.known, self._seen[move.new_path]
            self.observations.append(
                FileMoved(
                    hothash=_hothash(known),
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
            self.findings.append(Finding(code="file-damaged", path=edit.path.printable()))
        for edit in (*self._outcome.touched, *self._outcome.returned):
            if edit.known.is_missing or self._seen[edit.path].modified_ns != edit.known.modified_ns:
                self.observations.append(self._seen_at(edit.known, edit.path, edit.fingerprint, None))

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

        They are known by their bytes first, for a program moves them with their picture; then by where they stand.
        ``clips`` are films that are known to be companions.
        """
        before: dict[Hothash, set[Companion]] = defaultdict(set)
        now: dict[Hothash, set[Companion]] = defaultdict(set)
        arrived = {
            path: fingerprint
            for path in self._comparison.appeared
            if (is_companion_name(path.name) or path in clips) and (fingerprint := fingerprints.get(path)) is not None
        }
        left: list[KnownFile] = []
        for file in self._known_companions():
            before[_hothash(file)].add(_as_known(file))
            fingerprint = fingerprints.get(file.path) if file.path in self._comparison.changed else None
            if file.path in self._comparison.gone:
                left.append(file)
            elif fingerprint is None:
                now[_hothash(file)].add(_as_known(file))
            elif fingerprint.sha256 == file.sha256:
                now[_hothash(file)].add(self._companion(file.path, fingerprint))
            else:
                left.append(file)
                arrived[file.path] = fingerprint
        if not (before or arrived):
            return
        mains = self._main_paths()
        beside = self._owners_beside(arrived, mains) if arrived else {}
        moved = _match_companions_by_bytes(left, arrived, beside)
        for file, path in moved.items():
            companion = self._companion(path, arrived.pop(path))
            if not self._fixes_paths:
                self.left_moves.append(_moved(file, path))
                companion = _as_known(file)
            now[_hothash(file)].add(companion)
        for file in left:
            if file in moved:
                continue
            if file.path in arrived:  # another program wrote it where it stands
                owner = beside.get(file.path, _hothash(file))
                now[owner].add(self._companion(file.path, arrived.pop(file.path)))
            elif _hothash(file) in mains:
                self.findings.append(Finding(code="companion-missing", path=file.path.printable()))
            else:  # gone with its picture, and known until that is settled
                now[_hothash(file)].add(_as_known(file))
        for path in arrived.keys() & beside.keys():
            now[beside[path]].add(self._companion(path, arrived[path]))
        for missing in self.master.missing():
            mains[missing.hothash].append(missing.expected_path)
        for lost in self._outcome.missing:
            mains[_hothash(lost)].append(lost.path)
        edited = {_hothash(edit.known): edit.fingerprint.hothash for edit in self._outcome.content_edits}
        changed = [hothash for hothash in sorted(before.keys() | now.keys()) if now[hothash] != before[hothash]]
        for hothash in changed:
            companions = tuple(sorted(now[hothash], key=lambda each: each.relative_path))
            for path in mains.get(hothash, ()):
                self.observations.append(
                    CompanionsChanged(hothash=edited.get(hothash, hothash), path=path, companions=companions)
                )
        self._add_sidecar_facts(before, now, progress)

    def add_removals(self, files: Iterable[KnownFile]) -> None:
        """Missing files are to be known no more; after everything else, for it is their last word."""
        for file in files:
            self.observations.append(
                FileDeleted(
                    hothash=_hothash(file),
                    session_uuid=file.session_uuid,
                    path=file.path,
                    deleted_at=self._now,
                    by="reindex",
                    mode="missing",
                    reason="The file was not there any more.",
                )
            )
            self.removed.append(RemovedFile(hothash=_hothash(file), path=file.path))

    def settle_orphans(self, deletions: Mapping[Hothash, str]) -> None:
        """Work out which pictures belong to no session now, and which of them are new.

        ``deletions`` tells when pictures that arrived were deleted.
        """
        known = {orphan.path: orphan for orphan in self.master.orphans}
        comparison, found = self._comparison, self._outcome.orphans
        standing = known.keys() & (comparison.unchanged.keys() | comparison.unreachable.keys())
        standing -= found.keys()
        standing -= {copy.path for copy in self._outcome.copies}
        standing -= {move.new_path for move in (*self._outcome.moves, *self.left_moves)}
        orphans = [known[path] for path in standing]
        left = {
            orphan.fingerprint.hothash: orphan
            for orphan in known.values()
            if orphan.fingerprint is not None and orphan.path not in standing
        }
        arrived = {fingerprint.hothash for fingerprint in found.values() if fingerprint is not None}
        edited = {orphan.path: orphan for hothash, orphan in left.items() if hothash not in arrived}
        for path, fingerprint in found.items():
            now = self._seen[path]
            before = known.get(path)
            if before is None or (before.fingerprint not in (None, fingerprint)):
                before = left.get(fingerprint.hothash) if fingerprint is not None else None
                before = before or edited.get(path)
            orphans.append(
                OrphanFile(
                    path=path,
                    size_bytes=now.size_bytes,
                    modified_ns=now.modified_ns,
                    detected_at=before.detected_at if before is not None else self._now,
                    fingerprint=fingerprint,
                    deleted_at=deletions.get(fingerprint.hothash) if fingerprint is not None else None,
                )
            )
            if before is None:
                self.new_orphans.append(path)
        self.orphans = tuple(sorted(orphans, key=lambda orphan: orphan.path))
        self.are_orphans_changed = self.orphans != tuple(sorted(known.values(), key=lambda orphan: orphan.path))

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
            MissingFile(hothash=_hothash(file), expected_path=file.path, last_seen_at=self._last_seen_at)
            for file in self._outcome.missing
            if (file.hothash, file.path) not in settled
        ]
        everything = sorted((*still, *newly), key=lambda each: each.expected_path)
        return tuple(everything), tuple(newly)

    def damaged(self) -> tuple[RelativePath, ...]:
        """Give the files whose bytes changed though nobody wrote them; the index keeps the good checksum."""
        return tuple(edit.path for edit in self._outcome.damaged)

    def returned(self) -> tuple[RelativePath, ...]:
        """Give the files that were missing and stand at their place again."""
        edits = (*self._outcome.returned, *self._outcome.metadata_edits)
        return tuple(sorted(edit.path for edit in edits if edit.known.is_missing))

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
        pictures = self._standing_pictures()
        several = _several(hothash for hothash, _, _ in pictures)
        standing: dict[Hothash, list[tuple[bool, RelativePath]]] = defaultdict(list)
        for hothash, path, role in pictures:
            if hothash in several:
                standing[hothash].append((role is not FileRole.MAIN, path))
        rows: list[DuplicateFile] = []
        for hothash, places in sorted(standing.items()):
            (_, first), *rest = sorted(places)
            rows.extend(DuplicateFile(hothash=hothash, path=path, of=first) for _, path in rest)
        return tuple(rows)

    def same_names(self) -> tuple[SameName, ...]:
        """Give the names that several different pictures have."""
        pictures = self._standing_pictures()
        several = _several(path.name for _, path, _ in pictures)
        alike = [(path, hothash) for hothash, path, _ in pictures if path.name in several]
        places: dict[str, dict[Hothash, RelativePath]] = defaultdict(dict)
        for path, hothash in sorted(alike):
            places[path.name].setdefault(hothash, path)
        return tuple(
            SameName(instances=tuple(pictures.items())) for _, pictures in sorted(places.items()) if len(pictures) > 1
        )

    # parts

    def _standing_pictures(self) -> list[tuple[Hothash, RelativePath, FileRole]]:
        """List every indexed picture file that stands on the disk now: hothash, path, role."""
        outcome = self._outcome
        heirs = {heir.path for _, heir in outcome.promoted}
        found: list[tuple[Hothash, RelativePath, FileRole]] = []
        for file in (*self._comparison.unchanged.values(), *self._comparison.unreachable.values()):
            if file.role in (FileRole.MAIN, FileRole.COPY) and not file.is_missing:
                found.append((_hothash(file), file.path, FileRole.MAIN if file.path in heirs else file.role))
        for edit in (*outcome.metadata_edits, *outcome.touched, *outcome.returned):
            role = FileRole.MAIN if edit.path in heirs else edit.known.role
            found.append((_hothash(edit.known), edit.path, role))
        found.extend((_hothash(move.known), move.new_path, move.known.role) for move in outcome.moves)
        found.extend((edit.fingerprint.hothash, edit.path, edit.known.role) for edit in outcome.content_edits)
        found.extend((copy.fingerprint.hothash, copy.path, FileRole.COPY) for copy in outcome.copies)
        found.extend((_hothash(edit.known), edit.path, edit.known.role) for edit in outcome.damaged)
        return found

    def _main_paths(self) -> dict[Hothash, list[RelativePath]]:
        """Give by its old hothash where each picture's main files stand now."""
        new_hothashes = {edit.fingerprint.hothash: _hothash(edit.known) for edit in self._outcome.content_edits}
        paths: dict[Hothash, list[RelativePath]] = defaultdict(list)
        for hothash, path, role in self._standing_pictures():
            if role is FileRole.MAIN:
                paths[new_hothashes.get(hothash, hothash)].append(path)
        return paths

    def _add_sidecar_facts(
        self, before: Mapping[Hothash, set[Companion]], now: Mapping[Hothash, set[Companion]], progress: Progress
    ) -> None:
        """Complete the facts of pictures read just now, and read those whose sidecars came or changed."""
        if not any(now.values()):
            return
        pictures = {path: hothash for hothash, paths in self._main_paths().items() for path in paths}
        sidecars = find_telling_sidecars(pictures, before, now)
        read: set[RelativePath] = set()
        for position, observation in enumerate(self.observations):
            if isinstance(observation, FileSeen | FileEdited) and observation.entry is not None:
                read.add(observation.path)
                entry = self._with_sidecars(observation.entry, observation.path, sidecars)
                self.observations[position] = replace(observation, entry=entry)
        standing = self._standing_as_known() if sidecars.renewed else {}
        renewed = [path for path in sidecars.renewed if path in standing and path not in read]
        if renewed:
            progress.start_phase("analyse", total_files=len(renewed))
        for path in renewed:
            progress.checkpoint()
            known = standing[path]
            hothash = _hothash(known)
            assert known.sha256 is not None
            fingerprint = Fingerprint(
                hothash=hothash,
                method=self.master.files[hothash].method,
                sha256=known.sha256,
                size_bytes=known.size_bytes,
            )
            entry = self._read_entry(path, fingerprint, is_known=True)
            if entry is not None:
                entry = self._with_sidecars(entry, path, sidecars)
                self.observations.append(self._seen_at(known, path, fingerprint, entry))
                self.modified.append(ModifiedFile(kind="sidecar", path=path, old_hothash=hothash, new_hothash=hothash))
            progress.advance(files=1, current=path.printable())

    def _with_sidecars(self, entry: FileEntry, path: RelativePath, sidecars: TellingSidecars) -> FileEntry:
        completed, findings = with_sidecars(
            entry,
            path,
            sidecars.by_picture.get(path, ()),
            files=self._storage.pictures,
            analyser=self._analyser,
        )
        self.findings.extend(findings)
        return completed

    def _standing_as_known(self) -> dict[RelativePath, KnownFile]:
        """Give by path the indexed pictures that stand there with the bytes the index knows."""
        known = {path: file for path, file in self._comparison.unchanged.items() if not file.is_missing}
        known |= {edit.path: edit.known for edit in (*self._outcome.touched, *self._outcome.returned)}
        known |= {
            move.new_path: move.known
            for move in self._outcome.moves
            if move.fingerprint is None or move.fingerprint.sha256 == move.known.sha256
        }
        return {path: file for path, file in known.items() if file.role in (FileRole.MAIN, FileRole.COPY)}

    def _read_clue(self, sidecar: RelativePath) -> SidecarFacts | None:
        try:
            return read_stored_sidecar(self._storage.pictures, sidecar, analyser=self._analyser).facts
        except (NotFoundError, StorageError):
            return None

    def _known_companions(self) -> list[KnownFile]:
        comparison = self._comparison
        groups = (comparison.unchanged, comparison.changed, comparison.gone, comparison.unreachable)
        return [file for group in groups for file in group.values() if file.role is FileRole.COMPANION]

    def _companion(self, path: RelativePath, fingerprint: Fingerprint) -> Companion:
        return Companion(
            relative_path=path,
            sha256=fingerprint.sha256,
            size_bytes=fingerprint.size_bytes,
            modified_ns=self._seen[path].modified_ns,
            kind=companion_kind(path.name),
        )

    def _add_metadata_edit(self, known: KnownFile, path: RelativePath, fingerprint: Fingerprint) -> None:
        entry = self._read_entry(path, fingerprint)
        self.observations.append(self._seen_at(known, path, fingerprint, entry))
        self.modified.append(
            ModifiedFile(kind="metadata", path=path, old_hothash=_hothash(known), new_hothash=fingerprint.hothash)
        )

    def _add_content_edit(self, edit: Edit) -> None:
        entry = self._read_entry(edit.path, edit.fingerprint)
        if entry is None:
            return
        self.observations.append(FileEdited(old_hothash=_hothash(edit.known), path=edit.path, entry=entry))
        self.modified.append(
            ModifiedFile(
                kind="content",
                path=edit.path,
                old_hothash=_hothash(edit.known),
                new_hothash=edit.fingerprint.hothash,
            )
        )

    def _gone(self, known: KnownFile) -> FileMissing:
        return FileMissing(
            hothash=_hothash(known),
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

    def _read_entry(self, path: RelativePath, fingerprint: Fingerprint, *, is_known: bool = False) -> FileEntry | None:
        """Read the facts of a changed file and make its preview; None when it cannot be read (again) just now.

        Of a file whose bytes are known only the facts are read: its preview and what is odd about it stand.
        """
        try:
            with self._storage.pictures.open_for_reading(path) as descriptor:
                read = self._analyser.describe if is_known else self._analyser.analyse
                analysis = read(descriptor, filename=path.name)
        except (NotFoundError, StorageError):
            self.findings.append(Finding(code="storage-unreadable", path=path.printable()))
            return None
        if not is_known:
            self.findings.extend(replace(finding, path=path.printable()) for finding in analysis.findings)
        modified_ns = self._seen[path].modified_ns
        facts = analysis.facts
        if facts.capture_time is None:
            taken = capture_time_from_name(path.name) or capture_time_from_file(modified_ns)
            facts = replace(facts, capture_time=taken)
        if analysis.hotpreview is not None:
            self.hotpreviews[fingerprint.hothash] = analysis.hotpreview.data
        return FileEntry(
            hothash=fingerprint.hothash,
            method=fingerprint.method,
            relative_path=path,
            size_bytes=fingerprint.size_bytes,
            sha256=fingerprint.sha256,
            modified_ns=modified_ns,
            imported_at=self._now,
            original_filename=RelativePath(path.name).printable(),
            original_path=path.printable(),
            photo_uuid=photo_uuid_of(fingerprint.hothash, fingerprint.method),
            facts=facts,
            hotpreview_rendition=analysis.hotpreview.rendition if analysis.hotpreview is not None else None,
        )


def _hothash(file: KnownFile) -> Hothash:
    assert file.hothash is not None, f"{file.path} is indexed without a hothash"
    return file.hothash


_Value = TypeVar("_Value", Hothash, str)


def _several(values: Iterable[_Value]) -> set[_Value]:
    """Give the values that come more than once."""
    return {value for value, count in Counter(values).items() if count > 1}


def _moved(known: KnownFile, new_path: RelativePath) -> MovedFile:
    return MovedFile(
        hothash=_hothash(known), old_path=known.path, new_path=new_path, session_number=known.session_number
    )


def _as_known(file: KnownFile) -> Companion:
    assert file.sha256 is not None
    return Companion(
        relative_path=file.path,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        modified_ns=file.modified_ns,
        kind=companion_kind(file.path.name),
    )


def _match_companions_by_bytes(
    left: Sequence[KnownFile],
    arrived: Mapping[RelativePath, Fingerprint],
    beside: Mapping[RelativePath, Hothash],
) -> dict[KnownFile, RelativePath]:
    """Pair companions that left their place with equal ones that arrived.

    What stands beside its own picture comes first, then what kept its name, then whatever has its bytes.
    """
    passes: tuple[tuple[Callable[[KnownFile], str | None], Callable[[RelativePath], str | None]], ...] = (
        (lambda file: file.hothash, beside.get),
        (lambda file: file.path.name, lambda path: path.name),
        (lambda _: None, lambda _: None),
    )
    found: dict[KnownFile, RelativePath] = {}
    free = sorted(arrived, reverse=True)
    for key_of, key_at in passes:
        places: dict[tuple[Sha256 | None, str | None], list[RelativePath]] = defaultdict(list)
        for path in free:
            places[arrived[path].sha256, key_at(path)].append(path)
        for file in left:
            if file not in found and places[file.sha256, key_of(file)]:
                found[file] = places[file.sha256, key_of(file)].pop()
        taken = set(found.values())
        free = [path for path in free if path not in taken]
    return found
