"""How far into each journal a session index says that it reaches, read without its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from imalink.core.ids import WriterId
from imalink.errors import IndexDamagedError
from imalink.formats.sessions import MAX_COUNTER

# Lenient shapes: a key that a later version adds must not hide how far a journal was read.


class _Position(msgspec.Struct):
    seq: Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNTER)]


class _Sources(msgspec.Struct):
    journals: dict[str, _Position] = {}


class _Head(msgspec.Struct):
    """The one key looked at, the same in every layout."""

    sources: _Sources | None = None


_DECODER = msgspec.json.Decoder(_Head)


def peek_journal_seqs(data: bytes, *, file: str) -> Mapping[WriterId, int]:
    """Give for each writer the highest number of its journal that a session index claims to contain.

    The digest is not compared. Raises IndexDamagedError when the bytes are no such document.
    """
    try:
        sources = _DECODER.decode(data).sources or _Sources()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IndexDamagedError(str(error), file=file) from error
    return {WriterId(writer): position.seq for writer, position in sources.journals.items()}
