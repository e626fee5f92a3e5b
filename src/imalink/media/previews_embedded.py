"""Small pictures inside files: the JPEGs cameras put into RAW files, and the thumbnail in EXIF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imalink.core.picture import PictureFacts
from imalink.media.blocks import Blocks, BrokenStructureError, Spans
from imalink.media.blocks_jpeg import walk_jpeg
from imalink.media.kinds import Kind
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.pillow import quiet_pillow
from imalink.media.previews_pillow import pillow_preview
from imalink.media.previews_target import Jpeg, PictureTooLargeError, Target
from imalink.media.previews_vips import vips_preview
from imalink.media.reader import MemoryReader, Reader

_MAX_EMBEDDED_BYTES: Final = 64 * 1024 * 1024
_MAX_EMBEDDED_TRIED: Final = 4
_THUMBNAIL_OFFSET: Final = 0x0201
_THUMBNAIL_LENGTH: Final = 0x0202


def embedded_pictures(reader: Reader, blocks: Blocks) -> Iterator[bytes]:
    """Give the JPEGs that the walk found inside the file, the largest first and only a few. Raises OSError."""
    fitting = [spans for spans in blocks.embedded_pictures if spans.length <= _MAX_EMBEDDED_BYTES]
    for spans in sorted(fitting, key=lambda each: each.length, reverse=True)[:_MAX_EMBEDDED_TRIED]:
        data = _bytes_of(reader, spans)
        if data is not None:
            yield data


def jpeg_preview(data: bytes, target: Target, *, around: PictureFacts) -> Jpeg | None:
    """Give the preview of an embedded JPEG, None if it cannot be decoded. Raises PictureTooLargeError.

    ``around`` are the facts of the file around it. Cameras store the embedded picture as the sensor saw it, some with
    an orientation of its own, and some programs store it upright: told by its sides, which then are not the sensor's.
    """
    reader = MemoryReader(data)
    blocks = Blocks()
    try:
        walk_jpeg(reader, blocks)
    except BrokenStructureError as error:
        blocks.fault = str(error)
    own = facts_of(read_blocks(reader, blocks), blocks, file_format="JPEG")[0].orientation
    orientation = own if own != 1 else around.orientation
    if (
        own == 1
        and orientation >= 5
        and _is_portrait(blocks.width, blocks.height) != _is_portrait(around.width, around.height)
    ):
        orientation = 1
    preview = vips_preview(reader, target, orientation=orientation, is_sound=blocks.fault is None)
    return preview or pillow_preview(reader, Kind.JPEG, target, orientation=orientation)


def exif_thumbnail_preview(reader: Reader, blocks: Blocks, target: Target, *, facts: PictureFacts) -> Jpeg | None:
    """Give a preview of the thumbnail in the EXIF block, None without one. Raises OSError."""
    data = _exif_thumbnail(_bytes_of(reader, blocks.exif))
    if data is None:
        return None
    try:
        return jpeg_preview(data, target, around=facts)
    except PictureTooLargeError:
        return None


def _exif_thumbnail(exif: bytes | None) -> bytes | None:
    from PIL import ExifTags, Image

    if exif is None:
        return None
    quiet_pillow()
    try:
        parsed = Image.Exif()
        parsed.load(b"Exif\x00\x00" + exif)
        directory = parsed.get_ifd(ExifTags.IFD.IFD1)
        offset, length = int(directory[_THUMBNAIL_OFFSET]), int(directory[_THUMBNAIL_LENGTH])
    except Exception:  # noqa: BLE001 - a parser fed with hostile bytes; its exceptions are undocumented and many
        return None
    data = exif[offset : offset + length] if offset > 0 and length > 0 else b""
    return data if data.startswith(b"\xff\xd8\xff") else None


def _is_portrait(width: int | None, height: int | None) -> bool:
    return (height or 0) > (width or 0)


def _bytes_of(reader: Reader, spans: Spans | None) -> bytes | None:
    if spans is None or spans.length > _MAX_EMBEDDED_BYTES:
        return None
    try:
        return b"".join(reader.read(offset, length) for offset, length in spans)
    except BrokenStructureError:
        return None
