"""Videos made from nothing."""

# PyAV's stubs leave half of its types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
from PIL import Image


def make_video(
    path: Path, picture: Image.Image, *, frames: int = 5, codec: Literal["mpeg4", "mjpeg"] = "mpeg4"
) -> Path:
    """Write a video that shows a picture; its name tells the container."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(25))
        stream.width, stream.height = picture.size
        # Cameras' clips of JPEGs have colours in full range.
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
    return path
