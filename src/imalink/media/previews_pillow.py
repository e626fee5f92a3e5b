"""Previews by Pillow: of what libvips does not read, and of pictures that other decoders hand over."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from imalink.media.kinds import Kind
from imalink.media.pillow import quiet_pillow
from imalink.media.previews_target import JPEG_QUALITY, Jpeg, PictureTooLargeError, Target, check_size
from imalink.media.reader import Reader, ReaderFile

if TYPE_CHECKING:
    from PIL import Image

_FORMATS: Final = {
    Kind.JPEG: "JPEG",
    Kind.PNG: "PNG",
    Kind.WEBP: "WEBP",
    Kind.GIF: "GIF",
    Kind.TIFF: "TIFF",
    Kind.HEIF: "AVIF",
    Kind.BMP: "BMP",
    Kind.PSD: "PSD",
}
_TURNS: Final = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""Orientation to PIL.Image.Transpose, in numbers because Pillow is loaded late."""

_ROTATIONS: Final = {90: 4, 180: 3, 270: 2}
_TURNED_BY_PILLOW: Final = frozenset(("TIFF", "AVIF"))


def pillow_preview(reader: Reader, kind: Kind, target: Target, *, orientation: int | None) -> Jpeg | None:
    """Give the preview, None if Pillow cannot make one. Raises PictureTooLargeError before anything is decoded.

    ``orientation`` None: Pillow finds its own.
    """
    from PIL import Image, ImageOps

    file_format = _FORMATS.get(kind)
    if file_format is None:
        return None
    quiet_pillow()
    side = (target.longer_side, target.longer_side)
    try:
        with Image.open(io.BufferedReader(ReaderFile(reader)), formats=[file_format]) as picture:
            check_size(picture.width, picture.height, target.pixel_limit)
            picture.draft("RGB", side)
            picture.thumbnail(side, reducing_gap=2.0)
            small: Image.Image = picture.copy()
        if orientation is None or file_format in _TURNED_BY_PILLOW:
            small, orientation = ImageOps.exif_transpose(small), 1
        return finished(small, target, orientation=orientation)
    except PictureTooLargeError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureTooLargeError(0, 0) from error
    except Exception:  # noqa: BLE001 - a decoder fed with hostile bytes; its exceptions are undocumented and many
        return None


def finished(picture: Image.Image, target: Target, *, orientation: int = 1) -> Jpeg:
    """Give a decoded picture the target's size and turn, sRGB, and no metadata."""
    from PIL import Image

    if max(picture.size) > target.longer_side:
        picture = picture.copy()
        picture.thumbnail((target.longer_side, target.longer_side), reducing_gap=2.0)
    for turn in (_TURNS.get(orientation), _ROTATIONS.get(target.rotation)):
        if turn is not None:
            picture = picture.transpose(Image.Transpose(turn))
    picture = _flat_srgb(picture)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return Jpeg(data=data.getvalue(), width=picture.width, height=picture.height)


def _flat_srgb(picture: Image.Image) -> Image.Image:
    from PIL import Image, ImageCms

    profile = picture.info.pop("icc_profile", None)
    if picture.mode in ("P", "PA", "LA", "La", "RGBa"):
        picture = picture.convert("RGBA")
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - a core type without stubs
            turned = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
            picture = turned or picture
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile must not cost the preview
    picture = picture.convert("RGB")
    picture.info.clear()
    return picture
