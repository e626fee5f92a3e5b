"""What tells one layout from another: where a storage's own files stand, and how its session indexes are spelt.

One model in memory, one codec for each layout: nothing above asks which layout a storage has
(docs/decisions/0008-one-model-one-codec-a-layout.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from imalink.core.index import SessionIndex
from imalink.core.relative_path import RelativePath
from imalink.formats.layouts.spelling import SessionSpelling
from imalink.formats.session_records import SessionRecords

_SESSION_NAME = re.compile(r"session_([0-9]{1,9})\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSession:
    """A session index as read: whether its digest fits (None without one), and how it was spelt, if it does."""

    index: SessionIndex
    is_intact: bool | None
    spelling: SessionSpelling | None


class DumpSession(Protocol):
    """Writes a session index; what the spelling knows is not spelt anew."""

    def __call__(self, index: SessionIndex, spelling: SessionSpelling | None = None) -> bytes:
        """Give the bytes of the file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One layout of a storage.

    ``photo_root`` is where pictures stand when the storage is made, None for its root. ``own_names`` are the names at
    the root that are ImaLink's, in lower case, beside all that begin with ``.imalink``. ``read_session`` takes the
    bytes and the file's name for its errors; ``read_records`` gives the same as records, or None where only that way
    is sure.
    ``is_reference``: the pictures stand in a folder that is only read, and ImaLink's own files in the user's data
    directory; nothing can be placed there, and its copies are not ours to count on.
    """

    name: str
    photo_root: RelativePath | None
    overview_path: RelativePath
    master_path: RelativePath
    sessions_directory: RelativePath
    own_names: frozenset[str]
    dump_session: DumpSession
    read_session: Callable[[bytes, str], ReadSession]
    read_records: Callable[[bytes, str], SessionRecords | None]
    is_reference: bool = False

    def session_path(self, number: int) -> RelativePath:
        """Give where the index of this session stands."""
        return RelativePath(f"{self.sessions_directory}/session_{number}.json")


def session_number_of(name: str) -> int | None:
    """Give the number in a session index's file name, ``session_42.json`` or ``session_042.json``; else None."""
    match = _SESSION_NAME.fullmatch(name)
    return int(match.group(1)) if match is not None else None
