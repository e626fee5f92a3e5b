"""Make hotpreviews: small upright JPEGs in sRGB without metadata.

libvips decodes at one eighth of the size where the format allows it, Pillow reads what libvips cannot. Both are loaded
on first use. Pictures are untrusted: their size is checked before anything is decoded.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Final

from imalink.core.analyser import Hotpreview
from imalink.media.kinds import Kind
from imalink.media.pillow import quiet_pillow
from imalink.media.reader import DescriptorFile

if TYPE_CHECKING:
    import pyvips
    from PIL import Image

LONGER_SIDE: Final = 200
DEFAULT_PIXEL_LIMIT: Final = 200_000_000
_QUALITY: Final = 85
_KEEP_NOTHING: Final = 0
_RECIPE: Final = "1"
"""Raise it when the same file must get another hotpreview."""

_VIPS_KINDS: Final = frozenset((Kind.JPEG, Kind.PNG, Kind.WEBP, Kind.GIF, Kind.TIFF, Kind.HEIF))
_PILLOW_FORMATS: Final = {
    Kind.JPEG: "JPEG",
    Kind.PNG: "PNG",
    Kind.WEBP: "WEBP",
    Kind.GIF: "GIF",
    Kind.TIFF: "TIFF",
    Kind.HEIF: "AVIF",
    Kind.BMP: "BMP",
    Kind.PSD: "PSD",
}


_ORIENTATION_KNOWN: Final = frozenset((Kind.JPEG, Kind.PNG, Kind.TIFF))
_VIPS_TURNS: Final[dict[int, tuple[tuple[str, str], ...]]] = {
    1: (),
    2: (("flip", "horizontal"),),
    3: (("rot", "d180"),),
    4: (("flip", "vertical"),),
    5: (("rot", "d90"), ("flip", "horizontal")),
    6: (("rot", "d90"),),
    7: (("rot", "d270"), ("flip", "horizontal")),
    8: (("rot", "d270"),),
}
_PILLOW_TURNS: Final = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""Orientation to PIL.Image.Transpose, in numbers because Pillow is loaded late."""

_TURNED_BY_PILLOW: Final = frozenset(("TIFF", "AVIF"))

_Jpeg = tuple[bytes, int, int]
"""The preview, its width and its height."""


class PictureTooLargeError(Exception):
    """More pixels than the limit. Never leaves ``imalink.media``: it becomes a finding."""


def rendition_of(*, orientation: int, icc_digest: str | None, rotation: int = 0) -> str:
    """Give 8 hex digits for how a picture is shown: what changes its preview without changing its hothash."""
    text = f"{orientation}\x00{icc_digest or ''}\x00{rotation}\x00{_RECIPE}"
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:8]


def make_hotpreview(
    source: bytes | DescriptorFile, *, kind: Kind, orientation: int, is_sound: bool, rendition: str, pixel_limit: int
) -> Hotpreview | None:
    """Give the hotpreview of a picture, None if no decoder can make one of it.

    Raises PictureTooLargeError. The longer side is at most 200 pixels; small pictures are never enlarged.
    ``orientation`` is the one in the facts; of kinds whose EXIF the walk does not read yet, the decoder finds its own.
    A picture that ``is_sound`` by its structure must decode; of a broken one is shown what a decoder still gives.
    """
    known_orientation = orientation if kind in _ORIENTATION_KNOWN else None
    preview = _with_vips(source, known_orientation, is_sound, pixel_limit) if kind in _VIPS_KINDS else None
    if preview is None and kind in _PILLOW_FORMATS:
        preview = _with_pillow(source, _PILLOW_FORMATS[kind], known_orientation, pixel_limit)
    if preview is None:
        return None
    jpeg, width, height = preview
    return Hotpreview(data=jpeg, width=width, height=height, rendition=rendition)


def check_size(width: int, height: int, pixel_limit: int) -> None:
    """Raise PictureTooLargeError for more pixels than the limit."""
    if width * height > pixel_limit:
        raise PictureTooLargeError(f"{width} × {height}")


@lru_cache(maxsize=1)
def _load_vips() -> ModuleType:
    # One thread a picture (several pictures are decoded side by side), no cache of operations (no picture comes twice),
    # and none of the loaders that libvips itself calls untrusted. libvips reads the first when it is loaded.
    os.environ.setdefault("VIPS_CONCURRENCY", "1")
    import pyvips

    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
    # It reports each line of a damaged picture.
    logging.getLogger("pyvips").setLevel(logging.ERROR)
    return pyvips


def _with_vips(
    source: bytes | DescriptorFile, orientation: int | None, is_sound: bool, pixel_limit: int
) -> _Jpeg | None:
    vips = _load_vips()
    # libvips reads through these until its images are done with, on threads of its own, and holds no reference that
    # Python knows of: were one collected earlier, the process would be aborted.
    alive: list[pyvips.SourceCustom] = []
    try:
        header = _vips_header(source, alive)
        check_size(header.width, header.height, pixel_limit)
        # Naming a target profile for a picture without one costs four times the decoding.
        profiles: list[dict[str, str]] = [{"output_profile": "srgb"}, {}] if _has_profile(header) else [{}]
    except vips.Error:
        return None
    for profile in profiles:
        try:
            # As an option of the loader: the thumbnail operation's own `fail_on` has no effect (libvips 8.18).
            strictness = f"fail_on={'error' if is_sound else 'none'}"
            options = {"no_rotate": orientation is not None, "option_string": strictness, **profile}
            return _vips_preview(_vips_thumbnail(source, options, alive), orientation)
        except vips.Error:
            # A broken profile must not cost the preview; a broken picture fails once more.
            continue
    return None


def _has_profile(image: pyvips.Image) -> bool:
    return bool(image.get_typeof("icc-profile-data"))


def _vips_header(source: bytes | DescriptorFile, alive: list[pyvips.SourceCustom]) -> pyvips.Image:
    vips = _load_vips()
    if isinstance(source, bytes):
        return vips.Image.new_from_buffer(source, "", access="sequential")
    return vips.Image.new_from_source(_vips_source(source, alive), "", access="sequential")


def _vips_source(source: DescriptorFile, alive: list[pyvips.SourceCustom]) -> pyvips.SourceCustom:
    custom = _load_vips().SourceCustom()
    source.seek(0)
    custom.on_read(source.read)
    custom.on_seek(source.seek)
    alive.append(custom)
    return custom


def _vips_thumbnail(
    source: bytes | DescriptorFile, options: dict[str, str | bool], alive: list[pyvips.SourceCustom]
) -> pyvips.Image:
    """Decode and shrink, into memory."""
    image_class = _load_vips().Image
    options = {**options, "size": "down"}
    if isinstance(source, bytes):
        return image_class.thumbnail_buffer(source, LONGER_SIDE, height=LONGER_SIDE, **options).copy_memory()
    return image_class.thumbnail_source(
        _vips_source(source, alive), LONGER_SIDE, height=LONGER_SIDE, **options
    ).copy_memory()


def _vips_preview(image: pyvips.Image, orientation: int | None) -> _Jpeg:
    for turn, option in _VIPS_TURNS[orientation or 1]:
        image = getattr(image, turn)(option)
    if image.hasalpha():
        image = image.flatten(background=[255.0])
    image = image.colourspace("srgb")
    return image.jpegsave_buffer(Q=_QUALITY, keep=_KEEP_NOTHING, optimize_coding=True), image.width, image.height


def _with_pillow(
    source: bytes | DescriptorFile, file_format: str, orientation: int | None, pixel_limit: int
) -> _Jpeg | None:
    from PIL import Image, ImageOps

    quiet_pillow()
    file = io.BytesIO(source) if isinstance(source, bytes) else io.BufferedReader(source)
    try:
        file.seek(0)
        with Image.open(file, formats=[file_format]) as picture:
            check_size(picture.width, picture.height, pixel_limit)
            picture.draft("RGB", (LONGER_SIDE, LONGER_SIDE))
            picture.thumbnail((LONGER_SIDE, LONGER_SIDE), reducing_gap=2.0)
            small: Image.Image = picture.copy()
        if orientation is None or file_format in _TURNED_BY_PILLOW:
            small = ImageOps.exif_transpose(small)
        elif orientation in _PILLOW_TURNS:
            small = small.transpose(Image.Transpose(_PILLOW_TURNS[orientation]))
        small = _flat_srgb(small)
        jpeg = io.BytesIO()
        small.save(jpeg, "JPEG", quality=_QUALITY, optimize=True)
        return jpeg.getvalue(), small.width, small.height
    except PictureTooLargeError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureTooLargeError(str(error)) from error
    except Exception:  # noqa: BLE001 - a decoder fed with hostile bytes; its exceptions are undocumented and many
        return None


def _flat_srgb(picture: Image.Image) -> Image.Image:
    from PIL import Image, ImageCms

    profile = picture.info.pop("icc_profile", None)
    if picture.mode in ("P", "PA", "LA", "La", "RGBa"):
        picture = picture.convert("RGBA")
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
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
