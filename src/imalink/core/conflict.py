"""Conflicts: differences between index and disk that are normal and may wait for the user's choice."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from imalink.core.ids import Hothash
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath

_ID_DIGITS = 16


class ConflictType(StrEnum):
    """The four ways in which index and disk may differ, or names may mislead."""

    MISSING_FILE = "missing_file"
    ORPHAN_FILE = "orphan_file"
    DUPLICATE_FILENAME = "duplicate_filename"
    PATH_MISMATCH = "path_mismatch"


class ConflictAction(StrEnum):
    """What a user may do about a conflict. What each means and how it is done today: docs/reference/cli.md."""

    USE_COPY = "use-copy"
    COPY_BACK = "copy-back"
    SEARCH = "search"
    REMOVE = "remove"
    ADD = "add"
    LEAVE_OUT = "leave-out"
    KEEP_ALL = "keep-all"
    RENAME = "rename"
    DELETE = "delete"
    UPDATE_INDEX = "update-index"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFile:
    """An index names a file that is not on the disk."""

    hothash: Hothash
    expected_path: RelativePath
    last_seen_at: str

    @property
    def conflict_id(self) -> str:
        """The name of this conflict as long as it stands."""
        return _conflict_id("missing", self.hothash, self.expected_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanFile:
    """A picture stands on the disk and belongs to no import session.

    ``fingerprint`` is kept so that the next look need not read it again; None when it was not asked for
    or could not be read. ``deleted_at`` is when this very picture was deleted, if a tombstone says that it was.
    """

    path: RelativePath
    size_bytes: int
    modified_ns: int
    detected_at: str
    fingerprint: Fingerprint | None
    deleted_at: str | None = None
    reason: str = "File not in any import session"

    @property
    def conflict_id(self) -> str:
        """The name of this conflict as long as it stands."""
        return orphan_id(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMismatch:
    """A file stands elsewhere than the index has it, and the user wanted the index left as it is.

    ``hothash`` of a companion is its picture's.
    """

    hothash: Hothash
    expected_path: RelativePath
    path: RelativePath
    detected_at: str

    @property
    def conflict_id(self) -> str:
        """The name of this conflict as long as it stands."""
        return _conflict_id("path", self.hothash, self.expected_path, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFilename:
    """Different pictures of one file name in different folders: each hothash with one path. Nothing to worry about."""

    instances: tuple[tuple[Hothash, RelativePath], ...]

    @property
    def filename(self) -> str:
        """The name they share."""
        return self.instances[0][1].name

    @property
    def conflict_id(self) -> str:
        """The name of this conflict as long as any two pictures share the file name."""
        return _conflict_id("name", self.filename)


def orphan_id(path: RelativePath) -> str:
    """Give the name of the conflict that a picture at this path belongs to no session."""
    return _conflict_id("orphan", path)


def _conflict_id(kind: str, *what: str) -> str:
    """Name a conflict by what it is about, so that every look at it and every machine calls it the same."""
    text = "\0".join((kind, *what))
    return f"{kind}-{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:_ID_DIGITS]}"


def actions_for(conflict_type: ConflictType, *, has_copy_elsewhere: bool = False) -> tuple[ConflictAction, ...]:
    """Give what a user may do about a conflict, the best first.

    ``has_copy_elsewhere``: another storage that can be reached has a file of the picture.
    """
    if conflict_type is ConflictType.MISSING_FILE:
        own = (ConflictAction.SEARCH, ConflictAction.REMOVE)
        return (ConflictAction.USE_COPY, ConflictAction.COPY_BACK, *own) if has_copy_elsewhere else own
    return _ACTIONS[conflict_type]


_ACTIONS = {
    ConflictType.ORPHAN_FILE: (ConflictAction.ADD, ConflictAction.LEAVE_OUT),
    ConflictType.DUPLICATE_FILENAME: (ConflictAction.KEEP_ALL, ConflictAction.RENAME, ConflictAction.DELETE),
    ConflictType.PATH_MISMATCH: (ConflictAction.UPDATE_INDEX,),
}


def same_mismatches(before: Collection[PathMismatch], now: Collection[PathMismatch]) -> bool:
    """Tell whether two looks found the same files elsewhere, whenever each was found first."""
    return {each.conflict_id for each in before} == {each.conflict_id for each in now}


def duplicate_filenames(pictures: Iterable[tuple[Hothash, RelativePath]]) -> tuple[DuplicateFilename, ...]:
    """Give the names that several different pictures have, in order; of one picture's files the first by path."""
    named = [(path.rpartition("/")[2], path, hothash) for hothash, path in pictures]
    counts = Counter(name for name, _, _ in named)
    several = {name for name, count in counts.items() if count > 1}
    places: dict[str, dict[Hothash, RelativePath]] = defaultdict(dict)
    for name, path, hothash in sorted(each for each in named if each[0] in several):
        places[name].setdefault(hothash, path)
    return tuple(
        DuplicateFilename(instances=tuple(instances.items())) for instances in places.values() if len(instances) > 1
    )
