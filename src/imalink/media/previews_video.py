"""Posters of videos by PyAV, which is an extra: without it a video has no preview."""

from __future__ import annotations

import io
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

from imalink.media.previews_pillow import finished
from imalink.media.previews_target import Jpeg, PictureTooLargeError, Target, check_size
from imalink.media.reader import Reader, ReaderFile

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from PIL import Image

_MAX_PACKETS: Final = 2_000
_MAX_PACKET_BYTES: Final = 64 * 1024 * 1024
_ROTATIONS: Final = {0: 1, 90: 8, 180: 3, 270: 6}
"""Degrees the frame is to be turned, anticlockwise, to the EXIF orientation that says the same."""


def video_preview(reader: Reader, target: Target) -> Jpeg | None:
    """Give the first frame that decodes, upright; None without PyAV or if there is none.

    Raises PictureTooLargeError before anything is decoded.
    """
    module = _load_av()
    if module is None:
        return None
    try:
        # For the decoders that FFmpeg tries while it opens the file.
        most = {"max_pixels": str(target.pixel_limit)}
        file = io.BufferedReader(ReaderFile(reader))
        with module.open(file, mode="r", options=most, metadata_errors="replace") as container:
            frame = _first_frame(container, target)
            if frame is None:
                return None
            picture = cast("Image.Image", frame.to_image())  # pyright: ignore[reportUnknownMemberType] - its options have no types
            return finished(picture, target, orientation=_ROTATIONS.get(frame.rotation % 360, 1))
    except PictureTooLargeError:
        raise
    except Exception:  # noqa: BLE001 - a decoder fed with hostile bytes; its exceptions are many
        return None


@lru_cache(maxsize=1)
def _load_av() -> ModuleType | None:
    try:
        import av
    except ImportError:
        return None
    import av.logging

    # It would write to stderr what it thinks of each broken packet.
    av.logging.set_level(None)
    return av


def _first_frame(container: InputContainer, target: Target) -> av.VideoFrame | None:
    from av.error import FFmpegError

    stream = container.streams.video[0]
    check_size(stream.codec_context.width, stream.codec_context.height, target.pixel_limit)
    stream.codec_context.options = {"max_pixels": str(target.pixel_limit)}
    stream.codec_context.thread_count = 1
    remaining = _MAX_PACKET_BYTES
    for number, packet in enumerate(container.demux(stream)):
        remaining -= packet.size
        if number >= _MAX_PACKETS or remaining < 0:
            return None
        try:
            for frame in packet.decode():
                return frame
        except FFmpegError:
            continue  # a broken start; the next key frame may do
    return None
