"""Which indexed pictures stand on the disk after a re-index's explanation, where, and which of them are alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from imalink.core.comparison import Comparison, FileRole, KnownFile
from imalink.core.conflict import DuplicateFilename, duplicate_filenames
from imalink.core.ids import Hothash
from imalink.core.index import FileStatus, MasterIndex
from imalink.core.reconcile import Reconciliation
from imalink.core.relative_path import RelativePath
from imalink.workflows.reindex_report import DuplicateFile


@dataclass(frozen=True, slots=True)
class Standing:
    """A picture file that stands on the disk now."""

    hothash: Hothash
    path: RelativePath
    role: FileRole


def indexed_pictures(master: MasterIndex) -> list[Standing]:
    """List every picture file that a master just written names as present."""
    return [
        Standing(hothash=entry.hothash, path=place.relative_path, role=FileRole.COPY if number else FileRole.MAIN)
        for entry in master.files.values()
        for number, place in enumerate(entry.places())
        if place.status is FileStatus.PRESENT
    ]


def standing_pictures(comparison: Comparison, outcome: Reconciliation) -> list[Standing]:
    """List every indexed picture file that stands on the disk now."""
    heirs = {heir.path for _, heir in outcome.promoted}
    found: list[Standing] = []
    for file in (*comparison.unchanged.values(), *comparison.unreachable.values()):
        if file.role in (FileRole.MAIN, FileRole.COPY) and not file.is_missing:
            role = FileRole.MAIN if file.path in heirs else file.role
            found.append(Standing(file.indexed_hothash(), file.path, role))
    for edit in (*outcome.metadata_edits, *outcome.touched, *outcome.returned):
        role = FileRole.MAIN if edit.path in heirs else edit.known.role
        found.append(Standing(edit.known.indexed_hothash(), edit.path, role))
    found.extend(Standing(move.known.indexed_hothash(), move.new_path, move.known.role) for move in outcome.moves)
    found.extend(Standing(edit.fingerprint.hothash, edit.path, edit.known.role) for edit in outcome.content_edits)
    found.extend(Standing(copy.fingerprint.hothash, copy.path, FileRole.COPY) for copy in outcome.copies)
    found.extend(Standing(edit.known.indexed_hothash(), edit.path, edit.known.role) for edit in outcome.damaged)
    return found


def main_paths(comparison: Comparison, outcome: Reconciliation) -> dict[Hothash, list[RelativePath]]:
    """Give by its old hothash where each picture's main files stand now."""
    old_hothashes = {edit.fingerprint.hothash: edit.known.indexed_hothash() for edit in outcome.content_edits}
    paths: dict[Hothash, list[RelativePath]] = defaultdict(list)
    for each in standing_pictures(comparison, outcome):
        if each.role is FileRole.MAIN:
            paths[old_hothashes.get(each.hothash, each.hothash)].append(each.path)
    return paths


def standing_as_known(comparison: Comparison, outcome: Reconciliation) -> dict[RelativePath, KnownFile]:
    """Give by path the indexed pictures that stand there with the bytes the index knows."""
    known = {path: file for path, file in comparison.unchanged.items() if not file.is_missing}
    known |= {edit.path: edit.known for edit in (*outcome.touched, *outcome.returned)}
    known |= {
        move.new_path: move.known
        for move in outcome.moves
        if move.fingerprint is None or move.fingerprint.sha256 == move.known.sha256
    }
    return {path: file for path, file in known.items() if file.role in (FileRole.MAIN, FileRole.COPY)}


def duplicates(pictures: Iterable[Standing]) -> tuple[DuplicateFile, ...]:
    """Give one row for each extra copy."""
    pictures = list(pictures)
    several = _several(each.hothash for each in pictures)
    standing: dict[Hothash, list[tuple[bool, RelativePath]]] = defaultdict(list)
    for each in pictures:
        if each.hothash in several:
            standing[each.hothash].append((each.role is not FileRole.MAIN, each.path))
    rows: list[DuplicateFile] = []
    for hothash, places in sorted(standing.items()):
        (_, first), *rest = sorted(places)
        rows.extend(DuplicateFile(hothash=hothash, path=path, of=first) for _, path in rest)
    return tuple(rows)


def same_names(pictures: Iterable[Standing]) -> tuple[DuplicateFilename, ...]:
    """Give the names that several different pictures have."""
    return duplicate_filenames((each.hothash, each.path) for each in pictures)


def _several(values: Iterable[Hothash]) -> set[Hothash]:
    """Give the values that come more than once."""
    return {value for value, count in Counter(values).items() if count > 1}
