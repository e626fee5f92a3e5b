"""What a preview is to be: its size, how it is turned, and the limit on what is decoded for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOTPREVIEW_SIDE: Final = 200
COLDPREVIEW_SIDE: Final = 1600
DEFAULT_PIXEL_LIMIT: Final = 200_000_000
JPEG_QUALITY: Final = 85


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The wanted preview: ``rotation`` is clockwise degrees on top of standing upright (0, 90, 180, 270)."""

    longer_side: int = HOTPREVIEW_SIDE
    rotation: int = 0
    pixel_limit: int = DEFAULT_PIXEL_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg:
    """A finished preview."""

    data: bytes
    width: int
    height: int

    @property
    def longer_side(self) -> int:
        """Give the longer side in pixels."""
        return max(self.width, self.height)


class PictureTooLargeError(Exception):
    """More pixels than the limit. Never leaves ``imalink.media``: it becomes a finding."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"{width} × {height}")
        self.width = width
        self.height = height


def check_size(width: int, height: int, pixel_limit: int) -> None:
    """Raise PictureTooLargeError for more pixels than the limit."""
    if width * height > pixel_limit:
        raise PictureTooLargeError(width, height)
