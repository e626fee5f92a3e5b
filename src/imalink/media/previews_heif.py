"""Previews of HEIC by pi-heif, which brings libheif with a decoder for HEVC and nothing under the GPL."""

from __future__ import annotations

import io
from functools import lru_cache
from types import ModuleType

from imalink.media.pillow import quiet_pillow
from imalink.media.previews_pillow import finished
from imalink.media.previews_target import Jpeg, PictureTooLargeError, Target, check_size
from imalink.media.reader import Reader, ReaderFile


def heif_preview(reader: Reader, target: Target) -> Jpeg | None:
    """Give the preview, None if libheif cannot make one. Raises PictureTooLargeError before anything is decoded.

    libheif turns the picture itself as its ``irot`` and ``imir`` say, so the EXIF orientation must not turn it again.
    """
    heif = _load_heif()
    quiet_pillow()
    try:
        file = heif.open_heif(io.BufferedReader(ReaderFile(reader)), convert_hdr_to_8bit=True)
        width, height = file.size
        check_size(width, height, target.pixel_limit)
        return finished(file.to_pillow(), target)
    except PictureTooLargeError:
        raise
    except Exception:  # noqa: BLE001 - a decoder fed with hostile bytes; its exceptions are undocumented and many
        return None


@lru_cache(maxsize=1)
def _load_heif() -> ModuleType:
    import pi_heif

    # One thread a picture, as everywhere: several pictures are decoded side by side. No side pictures.
    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.AUX_IMAGES = False
    pi_heif.options.DEPTH_IMAGES = False
    pi_heif.options.THUMBNAILS = False
    return pi_heif
