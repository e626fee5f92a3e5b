"""Which preview: of which picture, shown how, and how large. It is the name of bytes that never change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from imalink.core.ids import Hothash

UNKNOWN_RENDITION: Final = "00000000"
"""For a picture of which no index says how it is shown."""

_HOTHASH = re.compile("[0-9a-f]{64}")
_RENDITION = re.compile("[0-9a-f]{8}")


class PreviewSize(IntEnum):
    """The pixels that the longer side of a preview has at most."""

    HOT = 200
    COLD = 1600


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewKey:
    """The name of one preview; ``rendition`` has 8 hexadecimal digits (docs/format/hothash.md)."""

    hothash: Hothash
    rendition: str
    size: PreviewSize

    @classmethod
    def parse(cls, *, hothash: str, rendition: str, size: str) -> PreviewKey | None:
        """Give the key that these words of an address name; None for what names no preview."""
        if not _HOTHASH.fullmatch(hothash) or not _RENDITION.fullmatch(rendition):
            return None
        found = next((each for each in PreviewSize if str(each.value) == size), None)
        return None if found is None else cls(hothash=Hothash(hothash), rendition=rendition, size=found)

    @property
    def is_lasting(self) -> bool:
        """Whether the same address will always show the same bytes."""
        return self.rendition != UNKNOWN_RENDITION

    @property
    def name(self) -> str:
        """The name as one word: of its file in the cache, and of its state over HTTP."""
        return f"{self.hothash}-{self.rendition}-{self.size.value}"

    @property
    def address(self) -> str:
        """Where the server shows it."""
        return f"/p/{self.hothash}/{self.rendition}/{self.size.value}.jpg"
