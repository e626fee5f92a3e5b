"""Re-index decisions: what happened between what the index knows and what the walk saw, after the whole walk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from imalink.core.comparison import Comparison, FileRole, KnownFile
from imalink.core.ids import Hothash, SessionUuid, Sha256
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A picture found at another path; ``fingerprint`` is None when the inode was proof enough."""

    known: KnownFile
    new_path: RelativePath
    fingerprint: Fingerprint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A file whose bytes are others: the same picture (metadata) or another (content)."""

    known: KnownFile
    path: RelativePath
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A further file of a known picture, beside ``of``."""

    path: RelativePath
    of: KnownFile
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Everything that happened, each file in one list.

    ``touched`` has files whose bytes are the same under another time, ``returned`` files that were missing.
    ``damaged`` are files whose bytes changed while size and time did not, that are empty now, or no picture any more:
    nobody edits like that, so the index keeps what it knows of the good bytes.
    ``missing`` are pictures of which no file is left, ``promoted`` main files whose copy takes their place
    (old, the copy), ``lost_copies`` copies that are gone while the picture is still there.
    """

    moves: tuple[Move, ...]
    metadata_edits: tuple[Edit, ...]
    content_edits: tuple[Edit, ...]
    damaged: tuple[Edit, ...]
    touched: tuple[Edit, ...]
    returned: tuple[Edit, ...]
    copies: tuple[Copy, ...]
    missing: tuple[KnownFile, ...]
    promoted: tuple[tuple[KnownFile, KnownFile], ...]
    lost_copies: tuple[KnownFile, ...]
    orphans: Mapping[RelativePath, Fingerprint | None]
    unreadable: tuple[RelativePath, ...]


def reconcile(
    comparison: Comparison,
    fingerprints: Mapping[RelativePath, Fingerprint | None],
    seen: Mapping[RelativePath, ScannedFile],
    *,
    inode_moves: Mapping[RelativePath, KnownFile] = {},
) -> Reconciliation:
    """Explain every difference, pictures only (companions are the planner's).

    ``fingerprints`` has each changed or appeared picture that was read, None for one that could not be; an unchanged
    orphan with one is explained anew, for by now it may be a known picture. Moves come first, so swapped names, chains
    and case changes are moves; then edits in place, copies, and what is new.
    """
    fingerprints = _by_known_methods(comparison, fingerprints)
    moves = [Move(known=file, new_path=path, fingerprint=None) for path, file in inode_moves.items()]
    metadata: list[Edit] = []
    damaged: list[Edit] = []
    touched: list[Edit] = []
    returned: list[Edit] = []
    unreadable: list[RelativePath] = []
    arrivals: dict[Hothash, list[RelativePath]] = defaultdict(list)
    left: dict[Hothash, list[KnownFile]] = defaultdict(list)
    replaced: dict[RelativePath, KnownFile] = {}
    orphans: dict[RelativePath, Fingerprint | None] = {}

    moved_away = {file.path for file in inode_moves.values()}
    displaced = {(file.path, file.hothash): file for file in comparison.displaced}
    back: set[tuple[RelativePath, Hothash | None]] = set()
    for path, file in comparison.changed.items():
        if file.role is FileRole.COMPANION:
            continue
        now = fingerprints.get(path)
        before = displaced.get((path, now.hothash)) if now is not None and now.hothash != file.hothash else None
        if now is None:
            unreadable.append(path)
        elif before is not None:
            (returned if now.sha256 == before.sha256 else metadata).append(
                Edit(known=before, path=path, fingerprint=now)
            )
            back.add((path, now.hothash))
            if file.role is not FileRole.ORPHAN and file.hothash is not None:
                left[file.hothash].append(file)
        elif file.role is FileRole.ORPHAN:
            arrivals[now.hothash].append(path)
        elif now.hothash == file.hothash:
            edit = Edit(known=file, path=path, fingerprint=now)
            if now.sha256 != file.sha256:
                (damaged if _looks_untouched(file, seen[path]) else metadata).append(edit)
            elif file.is_missing:
                returned.append(edit)
            else:
                touched.append(edit)
        else:
            arrivals[now.hothash].append(path)
            replaced[path] = file
            if file.hothash is not None:
                left[file.hothash].append(file)
    for file in comparison.absent():
        is_found = (file.path, file.hothash) in back if file.is_missing else file.path in moved_away
        if file.role in (FileRole.MAIN, FileRole.COPY) and not is_found and file.hothash is not None:
            left[file.hothash].append(file)
    for path, now in fingerprints.items():
        is_orphan = path in comparison.unchanged and comparison.unchanged[path].role is FileRole.ORPHAN
        if path in inode_moves or not (is_orphan or path in comparison.appeared):
            continue
        if now is None:
            unreadable.append(path)
        else:
            arrivals[now.hothash].append(path)

    _match_moves(arrivals, left, fingerprints, seen, moves)
    present = _present_places(comparison, moves, touched, metadata, damaged, returned)
    edited = {
        path: file
        for path, file in replaced.items()
        if file.hothash is not None and not file.is_missing and file in left[file.hothash]
    }
    content: list[Edit] = []
    copies: list[Copy] = []
    for hothash, paths in sorted(arrivals.items()):
        # What was edited in its place comes first: files made of it since are its copies, whatever their names.
        for path in sorted(paths, key=lambda path: (path not in edited, path)):
            now = fingerprints[path]
            assert now is not None
            before = edited.get(path)
            if before is not None and before.hothash is not None and hothash not in present:
                left[before.hothash].remove(before)
                edit = Edit(known=before, path=path, fingerprint=now)
                is_spoilt = seen[path].size_bytes == 0 or before.is_broken_by(now)
                if is_spoilt or _looks_untouched(before, seen[path]):
                    damaged.append(edit)
                else:
                    content.append(edit)
                    present[hothash] = before
            elif hothash in present:
                copies.append(Copy(path=path, of=present[hothash], fingerprint=now))
            else:
                orphans[path] = now
    still = [replace(move.known, path=move.new_path) for move in moves]
    still.extend(edit.known for edits in (touched, metadata, damaged, returned) for edit in edits)
    still.extend(comparison.unchanged.values())
    missing, promoted, lost = _settle_losses(left, present, still)
    return Reconciliation(
        moves=tuple(sorted(moves, key=lambda move: move.new_path)),
        metadata_edits=tuple(sorted(metadata, key=lambda edit: edit.path)),
        content_edits=tuple(sorted(content, key=lambda edit: edit.path)),
        damaged=tuple(sorted(damaged, key=lambda edit: edit.path)),
        touched=tuple(touched),
        returned=tuple(sorted(returned, key=lambda edit: edit.path)),
        copies=tuple(copies),
        missing=tuple(sorted(missing, key=lambda file: file.path)),
        promoted=tuple(promoted),
        lost_copies=tuple(lost),
        orphans=orphans,
        unreadable=tuple(sorted(unreadable)),
    )


def _by_known_methods(
    comparison: Comparison, fingerprints: Mapping[RelativePath, Fingerprint | None]
) -> dict[RelativePath, Fingerprint | None]:
    """Give known bytes the name they are known by: a newer version may have another method for them.

    Only ``--rehash`` gives a picture another hothash; without this, all files of that kind would look edited.
    """
    known: dict[Sha256, Hothash] = {}
    for file in (
        *comparison.unchanged.values(),
        *comparison.unreachable.values(),
        *comparison.changed.values(),
        *comparison.absent(),
    ):
        if file.role in (FileRole.MAIN, FileRole.COPY) and file.sha256 is not None and file.hothash is not None:
            known.setdefault(file.sha256, file.hothash)
    named: dict[RelativePath, Fingerprint | None] = {}
    for path, now in fingerprints.items():
        hothash = known.get(now.sha256) if now is not None else None
        is_renamed = now is not None and hothash is not None and hothash != now.hothash
        named[path] = replace(now, hothash=hothash) if is_renamed and now and hothash else now
    return named


def _looks_untouched(known: KnownFile, now: ScannedFile) -> bool:
    """Tell whether the file system says that nobody wrote the file."""
    return (
        now.size_bytes == known.size_bytes
        and now.modified_ns == known.modified_ns
        and (known.inode is None or now.inode == known.inode)
    )


def _match_moves(
    arrivals: dict[Hothash, list[RelativePath]],
    left: dict[Hothash, list[KnownFile]],
    fingerprints: Mapping[RelativePath, Fingerprint | None],
    seen: Mapping[RelativePath, ScannedFile],
    moves: list[Move],
) -> None:
    """Pair what arrived with what left under the same hothash; the pairs are taken out of both.

    A file still at its place counts before one long missing; then the same bytes, the very file by its inode, the same
    time, the same name: of a moved file and a copy made of it the moved one is the move.
    """
    for hothash in sorted(arrivals.keys() & left.keys()):
        pairs = sorted(
            (
                (
                    old.is_missing,
                    old.sha256 != (now and now.sha256),
                    old.inode is None or old.inode != seen[path].inode,
                    old.modified_ns != seen[path].modified_ns,
                    old.path.name != path.name,
                    path,
                    old.path,
                ),
                path,
                old,
            )
            for path in arrivals[hothash]
            for now in (fingerprints[path],)
            for old in left[hothash]
        )
        for _, path, old in pairs:
            if path in arrivals[hothash] and old in left[hothash]:
                arrivals[hothash].remove(path)
                left[hothash].remove(old)
                moves.append(Move(known=old, new_path=path, fingerprint=fingerprints[path]))


def _present_places(
    comparison: Comparison,
    moves: Iterable[Move],
    *edits: Iterable[Edit],
) -> dict[Hothash, KnownFile]:
    """Give one present file for each hothash that has any."""
    present: dict[Hothash, KnownFile] = {}
    for file in (*comparison.unchanged.values(), *comparison.unreachable.values()):
        if file.role in (FileRole.MAIN, FileRole.COPY) and file.hothash is not None:
            present.setdefault(file.hothash, file)
    for move in moves:
        if move.known.hothash is not None:
            present.setdefault(move.known.hothash, move.known)
    for group in edits:
        for edit in group:
            if edit.known.hothash is not None:
                present.setdefault(edit.known.hothash, edit.known)
    return present


def _settle_losses(
    left: Mapping[Hothash, list[KnownFile]], present: Mapping[Hothash, KnownFile], still: Iterable[KnownFile]
) -> tuple[list[KnownFile], list[tuple[KnownFile, KnownFile]], list[KnownFile]]:
    """Sort what is gone for good into missing pictures, main files with a copy to take their place, lost copies.

    ``still`` are the files that stand on the disk, under their paths of now.
    """
    siblings: dict[tuple[Hothash, SessionUuid | None], list[KnownFile]] = defaultdict(list)
    for file in still:
        if file.role is FileRole.COPY and file.hothash is not None:
            siblings[file.hothash, file.session_uuid].append(file)
    missing: list[KnownFile] = []
    promoted: list[tuple[KnownFile, KnownFile]] = []
    lost: list[KnownFile] = []
    for hothash, files in left.items():
        for file in files:
            if file.is_missing:
                continue
            heirs = sorted(siblings.get((hothash, file.session_uuid), []), key=lambda heir: heir.path)
            if file.role is FileRole.MAIN and heirs:
                promoted.append((file, heirs[0]))
            elif hothash in present:
                lost.append(file)
            else:
                missing.append(file)
    return missing, promoted, lost
