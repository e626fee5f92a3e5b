"""What is known of one picture file from its bytes: identity, technical facts and what people wrote into it."""

from __future__ import annotations

from dataclasses import dataclass

from imalink.core.ids import Hothash, HothashMethod, Sha256
from imalink.core.timestamps import CaptureTime

_TURNED = frozenset({5, 6, 7, 8})
"""The orientations that make a width of a height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Which picture (``hothash``, ``method``) and which bytes (``sha256``, ``size_bytes``) a file holds."""

    hothash: Hothash
    method: HothashMethod
    sha256: Sha256
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What took the picture and how; exposure in seconds, focal length in millimetres."""

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    iso: int | None = None
    exposure_seconds: float | None = None
    f_number: float | None = None
    focal_length_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpsPosition:
    """Where: WGS 84 degrees, south and west negative; altitude in metres, below sea level negative."""

    latitude: float
    longitude: float
    altitude: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """What people or programs wrote into the file, or into a sidecar of it, about the picture.

    ``rating`` is 0–5; ``keywords`` are flat, in file order; ``hierarchical_keywords`` join levels with ``|``.
    """

    rating: int | None = None
    rejected: bool = False
    label: str | None = None
    keywords: tuple[str, ...] = ()
    hierarchical_keywords: tuple[str, ...] = ()
    title: str | None = None
    caption: str | None = None
    author: str | None = None
    copyright: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """The facts of one picture file.

    ``file_format`` is ``JPEG``, ``PNG``, ``RAW``, … (content decides, not the name). ``width`` and ``height`` are
    the stored pixels, before ``orientation`` (EXIF 1–8) is applied; None when they cannot be read.
    ``duration_seconds`` is that of a video. ``content_identifier`` is what a camera wrote into both files of a live
    photo, the picture and its clip.
    """

    file_format: str
    width: int | None = None
    height: int | None = None
    orientation: int = 1
    duration_seconds: float | None = None
    capture_time: CaptureTime | None = None
    content_identifier: str | None = None
    camera: Camera = Camera()
    gps: GpsPosition | None = None
    embedded: Embedded = Embedded()

    @property
    def shown_size(self) -> tuple[int | None, int | None]:
        """Width and height after the orientation is applied."""
        is_turned = self.orientation in _TURNED
        return (self.height, self.width) if is_turned else (self.width, self.height)
