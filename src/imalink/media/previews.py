"""Make previews of every kind of picture: which decoders are asked, in which order.

A preview is a small upright JPEG in sRGB without metadata. Decoders are loaded on first use. Pictures are untrusted:
every decoder checks the picture's size before it decodes anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from imalink.core.picture import PictureFacts
from imalink.media.blocks import Blocks
from imalink.media.kinds import Kind
from imalink.media.previews_embedded import exif_thumbnail_preview
from imalink.media.previews_heif import heif_preview
from imalink.media.previews_jxl import jxl_preview
from imalink.media.previews_pillow import pillow_preview
from imalink.media.previews_raw import raw_preview
from imalink.media.previews_target import (
    COLDPREVIEW_SIDE,
    DEFAULT_PIXEL_LIMIT,
    HOTPREVIEW_SIDE,
    Jpeg,
    PictureTooLargeError,
    Target,
    check_size,
)
from imalink.media.previews_video import video_preview
from imalink.media.previews_vips import vips_preview
from imalink.media.reader import Reader

__all__ = [
    "COLDPREVIEW_SIDE",
    "DEFAULT_PIXEL_LIMIT",
    "HOTPREVIEW_SIDE",
    "Jpeg",
    "MadePreview",
    "PictureTooLargeError",
    "Target",
    "check_size",
    "make_preview",
    "rendition_of",
]

_RECIPE: Final = "1"
"""Raise it when the same file must get another preview."""

_VIPS_KINDS: Final = frozenset((Kind.JPEG, Kind.PNG, Kind.WEBP, Kind.GIF, Kind.TIFF))
_ORIENTATION_KNOWN: Final = frozenset((Kind.JPEG, Kind.PNG, Kind.TIFF))


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePreview:
    """A preview, and whether it shows only the thumbnail of a picture that could not be decoded."""

    jpeg: Jpeg
    is_thumbnail: bool = False


def rendition_of(*, orientation: int, icc_digest: str | None, rotation: int = 0) -> str:
    """Give 8 hex digits for how a picture is shown: what changes its preview without changing its hothash."""
    text = f"{orientation}\x00{icc_digest or ''}\x00{rotation}\x00{_RECIPE}"
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:8]


def make_preview(
    reader: Reader, blocks: Blocks, target: Target, *, kind: Kind, facts: PictureFacts
) -> MadePreview | None:
    """Give the preview of a picture, None if no decoder can make one of it. Raises PictureTooLargeError, OSError.

    Small pictures are never enlarged. They are turned by the orientation in ``facts``; decoders that know better find
    their own.
    """
    is_sound = blocks.fault is None and blocks.method_kind is not None
    known = facts.orientation if kind in _ORIENTATION_KNOWN else None
    jpeg: Jpeg | None = None
    if facts.file_format == "RAW":
        # Its first picture is a thumbnail or undeveloped, not what a decoder of TIFF should show.
        jpeg = raw_preview(reader, blocks, target, facts=facts)
    elif kind is Kind.VIDEO:
        jpeg = video_preview(reader, target)
    elif kind is Kind.JXL:
        jpeg = jxl_preview(reader, target, facts=facts)
    elif kind is Kind.HEIF:
        jpeg = _heif(reader, target, facts.file_format)
    else:
        if kind in _VIPS_KINDS:
            jpeg = vips_preview(reader, target, orientation=known, is_sound=is_sound)
        jpeg = jpeg or pillow_preview(reader, kind, target, orientation=known)
    if jpeg is not None:
        return MadePreview(jpeg=jpeg)
    thumbnail = exif_thumbnail_preview(reader, blocks, target, facts=facts)
    return MadePreview(jpeg=thumbnail, is_thumbnail=True) if thumbnail is not None else None


def _heif(reader: Reader, target: Target, file_format: str) -> Jpeg | None:
    if file_format == "HEIC":
        jpeg = heif_preview(reader, target)
        if jpeg is not None:
            return jpeg
    # A picture whose brands promise nothing may be AV1 all the same.
    jpeg = pillow_preview(reader, Kind.HEIF, target, orientation=None)
    return jpeg or vips_preview(reader, target, orientation=None, is_sound=False)
