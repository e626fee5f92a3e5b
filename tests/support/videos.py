"""Videos made from nothing."""

# PyAV's stubs leave half of its types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import random
from collections.abc import Sequence
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


def make_film_with_sound(
    path: Path,
    pictures: Sequence[Image.Image],
    *,
    codec: Literal["mpeg4", "libx264", "libx265"],
    sound: Literal["aac", "pcm_s16le", "pcm_mulaw"],
    options: dict[str, str],
) -> Path:
    """Write a film of several pictures with two channels of noise, as the muxer's ``options`` say."""
    generator = random.Random(1)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=Fraction(25))
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuv420p"
        audio = container.add_stream(sound, rate=48_000)
        audio.layout = "stereo"
        for number, picture in enumerate(pictures):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
            frame = av.AudioFrame(format="fltp" if sound == "aac" else "s16", layout="stereo", samples=1024)
            frame.rate, frame.pts = 48_000, number * 1024
            for plane in frame.planes:
                plane.update(generator.randbytes(plane.buffer_size) if sound != "aac" else bytes(plane.buffer_size))
            container.mux(audio.encode(frame))
        container.mux(stream.encode(None))
        container.mux(audio.encode(None))
    return path


def packet_bytes(path: Path) -> int:
    """How many bytes of coded pictures and sound a demuxer finds in a film."""
    with av.open(str(path)) as container:
        return sum(packet.size for packet in container.demux())
