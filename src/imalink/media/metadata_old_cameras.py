"""Read what cameras older than EXIF wrote into JPEG segments of their own: when, and with which camera.

Known are Canon's CIFF (APP0), the picture info of Olympus, Agfa and others (APP12) and Casio's QVCI (APP1). No program
keeps them up to date and nobody can mend them, so one that cannot be read says nothing. Layouts: exiftool.org
(CanonRaw, APP12, Casio).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from imalink.core.picture import Camera
from imalink.core.timestamps import CaptureTime
from imalink.media.blocks import BrokenStructureError
from imalink.media.ciff import read_ciff
from imalink.media.metadata_exif import ExifFacts
from imalink.media.metadata_text import parse_camera_clock, parse_capture_time
from imalink.media.reader import MemoryReader

_LONGEST: Final = 65_536
"""No segment of a JPEG is longer."""
_PICTURE_INFO: Final = b"[picture info]"
_LINE: Final = re.compile(rb"(TimeDate|Shutter|FNumber)=([ -~]{1,32})")
_SECONDS: Final = re.compile(r"\d{1,10}", re.ASCII)
_MICROSECONDS: Final = re.compile(r"\d{1,9}", re.ASCII)
_F_NUMBER: Final = re.compile(r"F?(\d{1,2}(?:\.\d{1,2})?)", re.ASCII)
_QVCI_MOMENT_AT: Final = 0x4D
_QVCI_MOMENT: Final = re.compile(rb"(\d{4})\.(\d\d)\.(\d\d)\.(\d\d)\.(\d\d)\.(\d\d)\x00")


def parse_old_cameras(segments: Mapping[str, bytes]) -> ExifFacts | None:
    """Read the payloads of such segments, by the names the walk gives them; None where they say nothing."""
    capture_time, camera = None, Camera()
    for name, parse in _PARSERS.items():
        data = segments.get(name)
        if data is None or len(data) > _LONGEST:
            continue
        facts = parse(data)
        capture_time = capture_time or facts.capture_time
        camera = facts.camera if camera == Camera() else camera
    if capture_time is None and camera == Camera():
        return None
    return ExifFacts(capture_time=capture_time, camera=camera)


def fill_from_own(exif: ExifFacts, own: ExifFacts | None) -> ExifFacts:
    """Give what EXIF says, with the time and the camera of the camera's own block where EXIF has none."""
    if own is None:
        return exif
    return replace(
        exif,
        capture_time=exif.capture_time or own.capture_time,
        camera=own.camera if exif.camera == Camera() else exif.camera,
    )


def _ciff(segment: bytes) -> ExifFacts:
    try:
        # Its rotation is left out: nothing that shows a JPEG follows it.
        return read_ciff(MemoryReader(segment)).facts
    except BrokenStructureError:
        return ExifFacts()


def _picture_info(segment: bytes) -> ExifFacts:
    lines = segment.partition(_PICTURE_INFO)[2].partition(b"\n[")[0].splitlines()
    values = {match[1]: match[2].decode("ascii").strip() for line in lines if (match := _LINE.fullmatch(line))}
    exposure = values.get(b"Shutter", "")
    f_number = _F_NUMBER.fullmatch(values.get(b"FNumber", ""))
    return ExifFacts(
        capture_time=_clock(values.get(b"TimeDate", "")),
        camera=Camera(
            exposure_seconds=int(exposure) / 1_000_000 or None if _MICROSECONDS.fullmatch(exposure) else None,
            f_number=float(f_number[1]) or None if f_number else None,
        ),
    )


def _clock(text: str) -> CaptureTime | None:
    if _SECONDS.fullmatch(text):
        return parse_camera_clock(int(text))
    return parse_capture_time(text, source="exif")


def _qvci(segment: bytes) -> ExifFacts:
    match = _QVCI_MOMENT.match(segment, _QVCI_MOMENT_AT)
    if match is None:
        return ExifFacts()
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    text = f"{year:04}:{month:02}:{day:02} {hour:02}:{minute:02}:{second:02}"
    return ExifFacts(capture_time=parse_capture_time(text, source="exif"))


_PARSERS: Final[Mapping[str, Callable[[bytes], ExifFacts]]] = {
    "ciff": _ciff,
    "picture-info": _picture_info,
    "qvci": _qvci,
}
