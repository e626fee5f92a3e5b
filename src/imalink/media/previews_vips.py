"""Previews by libvips, which decodes at a fraction of the size where the format allows it."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Final

from imalink.media.previews_target import JPEG_QUALITY, Jpeg, Target, check_size
from imalink.media.reader import MemoryReader, Reader, ReaderFile

if TYPE_CHECKING:
    import pyvips

_KEEP_NOTHING: Final = 0
_TURNS: Final[dict[int, tuple[tuple[str, str], ...]]] = {
    1: (),
    2: (("flip", "horizontal"),),
    3: (("rot", "d180"),),
    4: (("flip", "vertical"),),
    5: (("rot", "d90"), ("flip", "horizontal")),
    6: (("rot", "d90"),),
    7: (("rot", "d270"), ("flip", "horizontal")),
    8: (("rot", "d270"),),
}
_ROTATIONS: Final = {0: (), 90: _TURNS[6], 180: _TURNS[3], 270: _TURNS[8]}


def vips_preview(reader: Reader, target: Target, *, orientation: int | None, is_sound: bool) -> Jpeg | None:
    """Give the preview, None if libvips cannot make one. Raises PictureTooLargeError before anything is decoded.

    ``orientation`` None: libvips finds its own. A picture that ``is_sound`` by its structure must decode; of a broken
    one is shown what libvips still gives.
    """
    vips = _load_vips()
    # libvips reads through these until its images are done with, on threads of its own, and holds no reference that
    # Python knows of: were one collected earlier, the process would be aborted.
    alive: list[pyvips.SourceCustom] = []
    try:
        header = _header(reader, alive)
        check_size(header.width, header.height, target.pixel_limit)
        # Naming a target profile for a picture without one costs four times the decoding.
        profiles: list[dict[str, str]] = [{"output_profile": "srgb"}, {}] if _has_profile(header) else [{}]
    except vips.Error:
        return None
    for profile in profiles:
        try:
            # As an option of the loader: the thumbnail operation's own `fail_on` has no effect (libvips 8.18).
            strictness = f"fail_on={'error' if is_sound else 'none'}"
            options = {"no_rotate": orientation is not None, "option_string": strictness, **profile}
            return _finished(_thumbnail(reader, target, options, alive), target, orientation or 1)
        except vips.Error:
            # A broken profile must not cost the preview; a broken picture fails once more.
            continue
    return None


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


def _has_profile(image: pyvips.Image) -> bool:
    return bool(image.get_typeof("icc-profile-data"))


def _header(reader: Reader, alive: list[pyvips.SourceCustom]) -> pyvips.Image:
    image_class = _load_vips().Image
    if isinstance(reader, MemoryReader):
        return image_class.new_from_buffer(reader.data, "", access="sequential")
    return image_class.new_from_source(_source(reader, alive), "", access="sequential")


def _source(reader: Reader, alive: list[pyvips.SourceCustom]) -> pyvips.SourceCustom:
    custom = _load_vips().SourceCustom()
    file = ReaderFile(reader)
    custom.on_read(file.read)
    custom.on_seek(file.seek)
    alive.append(custom)
    return custom


def _thumbnail(
    reader: Reader, target: Target, options: dict[str, str | bool], alive: list[pyvips.SourceCustom]
) -> pyvips.Image:
    """Decode and shrink, into memory."""
    image_class = _load_vips().Image
    side = target.longer_side
    options = {**options, "size": "down"}
    if isinstance(reader, MemoryReader):
        return image_class.thumbnail_buffer(reader.data, side, height=side, **options).copy_memory()
    return image_class.thumbnail_source(_source(reader, alive), side, height=side, **options).copy_memory()


def _finished(image: pyvips.Image, target: Target, orientation: int) -> Jpeg:
    for turn, option in (*_TURNS[orientation], *_ROTATIONS[target.rotation]):
        image = getattr(image, turn)(option)
    if image.hasalpha():
        image = image.flatten(background=[255.0])
    image = image.colourspace("srgb")
    data = image.jpegsave_buffer(Q=JPEG_QUALITY, keep=_KEEP_NOTHING, optimize_coding=True)
    return Jpeg(data=data, width=image.width, height=image.height)
