"""Names for files that leave the archive: such as every file system and archiver takes, and no two the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_NAME_BYTES = 240
"""Of a name with its number and extension; most file systems end at 255."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2066-\u2069]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


class ExportNames:
    """Gives names, each once; two are the same that some file system takes for the same."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {_folded(name) for name in taken}
        self._last: dict[str, int] = {}

    def give(self, filename: str) -> str:
        """Give ``filename`` as it may stand, with ``_2``, ``_3`` … where that is taken."""
        stem, extension = _split(_UNSAFE.sub("_", filename).rstrip(" ."))
        if not stem or stem.startswith(".") or _RESERVED.fullmatch(f"{stem}{extension}"):
            stem = f"_{stem}"
        stem = _cut(stem, MAX_NAME_BYTES - len(extension.encode()) - 8)
        folded = _folded(f"{stem}{extension}")
        number = self._last.get(folded, 1)
        name = f"{stem}{extension}" if number == 1 else f"{stem}_{number}{extension}"
        while _folded(name) in self._taken:
            number += 1
            name = f"{stem}_{number}{extension}"
        self._last[folded] = number
        self._taken.add(_folded(name))
        return name


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > 16:
        return name, ""
    return stem, f"{dot}{extension}"


def _cut(text: str, size_bytes: int) -> str:
    return text.encode()[:size_bytes].decode("utf-8", "ignore")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
