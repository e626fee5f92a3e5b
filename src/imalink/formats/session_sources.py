"""What is read of a session index without its files: how far it reaches into each journal, and which state it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


class _Session(msgspec.Struct):
    session_uuid: str = ""


class _State(msgspec.Struct):
    """Which state it is; the hybrid layout has the session's UUID one level down."""

    generation: int = 0
    session_uuid: str = ""
    import_session: _Session | None = None


_HEAD_DECODER = msgspec.json.Decoder(_Head)
_STATE_DECODER = msgspec.json.Decoder(_State)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """Which state of which session's index a file says that it is; an empty UUID when it does not say."""

    session_uuid: str
    generation: int


def peek_journal_seqs(data: bytes, *, file: str) -> Mapping[WriterId, int]:
    """Give for each writer the highest number of its journal that a session index claims to contain.

    The digest is not compared. Raises IndexDamagedError when the bytes are no such document.
    """
    try:
        sources = _HEAD_DECODER.decode(data).sources or _Sources()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IndexDamagedError(str(error), file=file) from error
    return {WriterId(writer): position.seq for writer, position in sources.journals.items()}


def peek_state(data: bytes, *, file: str) -> SessionState:
    """Give which state of a session index the bytes claim to be. As ``peek_journal_seqs``."""
    try:
        state = _STATE_DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IndexDamagedError(str(error), file=file) from error
    session_uuid = state.session_uuid or (state.import_session or _Session()).session_uuid
    return SessionState(session_uuid=session_uuid, generation=state.generation)
