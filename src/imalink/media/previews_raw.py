"""Previews of RAW files: the pictures the camera put into them, else a quick development by LibRaw."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from imalink.core.picture import PictureFacts
from imalink.media.blocks import Blocks, BrokenStructureError
from imalink.media.previews_embedded import embedded_pictures, jpeg_preview
from imalink.media.previews_pillow import finished
from imalink.media.previews_target import Jpeg, PictureTooLargeError, Target, check_size
from imalink.media.reader import Reader

if TYPE_CHECKING:
    import rawpy

MAX_RAW_BYTES: Final = 512 * 1024 * 1024
"""LibRaw wants the whole file in memory; larger ones, which no camera makes, are left to what they embed."""

_LARGE_ENOUGH: Final = 0.75
"""An embedded picture of this part of the wanted size is taken before the next, slower way is tried."""

_LIBRAW_EXIF_START: Final = b"\xff\xe1\x05\x68Exif\x00\x00II*\x00"
_LIBRAW_EXIF_BYTES: Final = 2 + 0x568
_ORIENTATION_OF_FLIP: Final = {3: 3, 5: 8, 6: 6}


def raw_preview(reader: Reader, blocks: Blocks, target: Target, *, facts: PictureFacts) -> Jpeg | None:
    """Give the preview, None if nothing in the file can be shown. Raises PictureTooLargeError, OSError.

    The complete JPEGs that the walk found inside, which cost least; if the largest is too small, LibRaw's thumbnail,
    which it finds in formats that we do not walk; then a development at half the size. The largest of these is given.
    """
    found: list[Jpeg] = []
    for data in embedded_pictures(reader, blocks):
        preview = jpeg_preview(data, target, around=facts)
        if preview is not None:
            found.append(preview)
            break
    if not _is_large_enough(found, target):
        found += _by_libraw(reader, blocks, target, facts)
    return max(found, key=lambda preview: preview.longer_side, default=None)


def _by_libraw(reader: Reader, blocks: Blocks, target: Target, facts: PictureFacts) -> list[Jpeg]:
    raw = _open(reader)
    if raw is None:
        return []
    try:
        if facts.orientation == 1:
            facts = replace(facts, orientation=_ORIENTATION_OF_FLIP.get(raw.sizes.flip, 1))
        if facts.width is None:
            facts = replace(facts, width=raw.sizes.raw_width, height=raw.sizes.raw_height)
        found = _thumbnail(raw, target, facts)
        if not _is_large_enough(found, target) and blocks.fault is None and _has_sensor_data(raw, reader.size):
            found += _developed(raw, target)
        return found
    finally:
        raw.close()


def _is_large_enough(found: list[Jpeg], target: Target) -> bool:
    return any(preview.longer_side >= target.longer_side * _LARGE_ENOUGH for preview in found)


def _open(reader: Reader) -> rawpy.RawPy | None:
    if reader.size > MAX_RAW_BYTES:
        return None
    # LibRaw starts a thread for each processor unless it is told not to when it is loaded.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import rawpy

    try:
        data = reader.read(0, reader.size)
    except BrokenStructureError:
        return None  # the file has shrunk
    raw = rawpy.RawPy()
    try:
        raw.open_buffer(io.BytesIO(data))
    except (rawpy.LibRawError, OSError, ValueError, MemoryError):
        raw.close()
        return None
    return raw


def _has_sensor_data(raw: rawpy.RawPy, size_bytes: int) -> bool:
    # LibRaw develops what is not there too, into stripes. No camera packs a pixel into less than three bits.
    return size_bytes * 8 >= raw.sizes.raw_width * raw.sizes.raw_height


def _thumbnail(raw: rawpy.RawPy, target: Target, facts: PictureFacts) -> list[Jpeg]:
    import rawpy
    from PIL import Image

    try:
        raw.unpack_thumb()
        thumbnail = raw.extract_thumb()
        if thumbnail.format is rawpy.ThumbFormat.JPEG and isinstance(thumbnail.data, bytes):
            data = _without_libraw_s_exif(thumbnail.data)
            preview = jpeg_preview(data, target, around=facts)
            return [preview] if preview is not None else []
        if thumbnail.format is rawpy.ThumbFormat.BITMAP and not isinstance(thumbnail.data, bytes):
            return [finished(Image.fromarray(thumbnail.data), target, orientation=facts.orientation)]
    except PictureTooLargeError:
        pass  # a thumbnail larger than any picture: not this way
    except Exception:  # noqa: BLE001 - a decoder fed with hostile bytes
        pass
    return []


def _without_libraw_s_exif(jpeg: bytes) -> bytes:
    # It puts an EXIF block of one length, with the RAW file's orientation, before whatever the camera wrote.
    if not jpeg.startswith(_LIBRAW_EXIF_START, 2):
        return jpeg
    return jpeg[:2] + jpeg[2 + _LIBRAW_EXIF_BYTES :]


def _developed(raw: rawpy.RawPy, target: Target) -> list[Jpeg]:
    from PIL import Image

    check_size(raw.sizes.raw_width, raw.sizes.raw_height, target.pixel_limit)
    try:
        # LibRaw turns it upright.
        pixels = raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8)
        return [finished(Image.fromarray(pixels), target)]
    except Exception:  # noqa: BLE001 - a decoder fed with hostile bytes
        return []
