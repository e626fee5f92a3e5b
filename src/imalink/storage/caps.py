"""How much of a storage's own files is taken into memory: of one the user trusts, and of one that is only looked at."""

from __future__ import annotations

from dataclasses import dataclass

from imalink.errors import IndexTooLargeError
from imalink.formats.layouts.master_codec import MAX_INDEX_BYTES
from imalink.formats.layouts.overview_codec import MAX_OVERVIEW_BYTES

_MB = 1024 * 1024
_SMALL_BYTES = _MB
_BYTES_AN_OBJECT = 32
_BYTES_A_VALUE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most bytes of each kind of file. ``is_strict`` also refuses files made of little but brackets and commas.

    Such a file may take twenty times its size in memory. What ImaLink writes has one object for some hundred bytes.
    """

    overview_bytes: int
    session_bytes: int
    master_bytes: int
    run_bytes: int
    is_strict: bool

    def check(self, data: bytes, cap_bytes: int, path: str) -> None:
        """Raise IndexTooLargeError for a file that would take far more memory than one of ours of ``cap_bytes``."""
        if not self.is_strict or len(data) <= _SMALL_BYTES:
            return
        objects = data.count(b"{") + data.count(b"[")
        values = data.count(b",")
        most_objects = min(cap_bytes // 2, len(data)) // _BYTES_AN_OBJECT
        most_values = min(cap_bytes // 2, len(data)) // _BYTES_A_VALUE
        if objects > most_objects or values > most_values:
            raise IndexTooLargeError(f"it holds {objects:,} objects and {values:,} further values", file=path)


TRUSTED = Caps(
    overview_bytes=MAX_OVERVIEW_BYTES,
    session_bytes=MAX_INDEX_BYTES,
    master_bytes=MAX_INDEX_BYTES,
    run_bytes=MAX_INDEX_BYTES,
    is_strict=False,
)
"""Of a storage made, adopted or taken in here."""

UNTRUSTED = Caps(
    overview_bytes=64 * _MB, session_bytes=64 * _MB, master_bytes=512 * _MB, run_bytes=64 * _MB, is_strict=True
)
"""Of a storage this machine was never told to trust: docs/security.md."""
