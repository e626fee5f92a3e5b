"""Previews of JPEG XL by imagecodecs, which is an extra: without it such a picture has no preview."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Final

from imalink.core.picture import PictureFacts
from imalink.media.previews_pillow import finished
from imalink.media.previews_target import Jpeg, Target
from imalink.media.reader import MEMORY_LIMIT, Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

_MODES: Final = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def jxl_preview(reader: Reader, target: Target, *, facts: PictureFacts) -> Jpeg | None:
    """Give the preview; None without the decoder, or if it cannot make one.

    The decoder says nothing of a picture's size beforehand, so one whose header does not tell it to us is not decoded;
    the caller has compared it with the limit. libjxl turns the picture itself.
    """
    module = _load_imagecodecs()
    if module is None or facts.width is None or facts.height is None or reader.size > MEMORY_LIMIT:
        return None
    try:
        # Of an animation the first frame.
        pixels: NDArray[np.generic] = module.jpegxl_decode(reader.read(0, reader.size), index=0, numthreads=1)
        return finished(_picture(pixels), target)
    except Exception:  # noqa: BLE001 - a decoder fed with hostile bytes; its exceptions are many
        return None


@lru_cache(maxsize=1)
def _load_imagecodecs() -> ModuleType | None:
    try:
        import imagecodecs
    except ImportError:
        return None
    return imagecodecs


def _picture(pixels: NDArray[np.generic]) -> Image.Image:
    """Give decoded samples as a picture of 8 bits a sample; what the profile says of their colours is not told us."""
    from PIL import Image

    height, width, *channels = pixels.shape
    mode = _MODES[channels[0] if channels else 1]
    if pixels.dtype.kind == "f":
        samples = (pixels.astype("float32").clip(0, 1) * 255).round()
    elif pixels.dtype.itemsize == 2:
        samples = pixels.astype("uint16") >> 8
    else:
        samples = pixels
    return Image.frombytes(mode, (width, height), samples.astype("uint8").tobytes())
