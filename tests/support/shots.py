"""Files of one shot as cameras write them: a RAW beside its JPEG, and clips whose facts are told by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from imalink.core.analyser import Analysis
from imalink.core.picture import Camera, PictureFacts
from imalink.core.timestamps import CaptureTime
from imalink.media.analyser import PictureAnalyser
from tests.support.boxes import Film, box, film, film_header, full_box, number, video_entry
from tests.support.photos import CAMERA, make_jpeg, noise_picture
from tests.support.workbench import SMALL

NOON = "2024:07:10 12:00:00"


def make_raw(path: Path, *, seed: int, taken: str | None = NOON, camera: tuple[str, str] = CAMERA) -> Path:
    """Write a small TIFF with EXIF; under a RAW name it is one, as a DNG is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tags = ImageFileDirectory_v2()
    tags[0x010F], tags[0x0110] = camera
    if taken is not None:
        tags[0x8769] = {0x9003: taken}
    noise_picture(seed, SMALL).save(path, "TIFF", tiffinfo=tags)
    return path


def make_pair(folder: Path, stem: str = "IMG_0001", *, seed: int = 1, taken: str | None = NOON) -> tuple[Path, Path]:
    """Write a JPEG and the RAW of the same shot."""
    return (
        make_jpeg(folder / f"{stem}.JPG", seed=seed, size=SMALL, taken=taken),
        make_raw(folder / f"{stem}.DNG", seed=seed + 1000, taken=taken),
    )


def make_film(path: Path, *, seed: int) -> Path:
    """Write a file that begins as a film does; what it tells is up to ``TellingAnalyser``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + bytes([seed]) * 200)
    return path


def live_clip(identifier: str | None = None, *, seconds: float = 2.6, taken: str | None = None) -> PictureFacts:
    """Give the facts of a clip; ``taken`` is local, without a zone."""
    return PictureFacts(
        file_format="VIDEO",
        duration_seconds=seconds,
        content_identifier=identifier,
        capture_time=None if taken is None else CaptureTime(local=taken, offset=None, source="exif"),
        camera=Camera(),
    )


class TellingAnalyser(PictureAnalyser):
    """Reads as the product does, but of the files in ``told`` it gives what stands there."""

    def __init__(self, told: Mapping[str, PictureFacts], identifiers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.told = dict(told)
        self.identifiers = dict(identifiers or {})

    def analyse(self, descriptor: int, *, filename: str) -> Analysis:
        return self._tell(super().analyse(descriptor, filename=filename), filename)

    def describe(self, descriptor: int, *, filename: str) -> Analysis:
        return self._tell(super().describe(descriptor, filename=filename), filename)

    def _tell(self, analysis: Analysis, filename: str) -> Analysis:
        facts = self.told.get(filename, analysis.facts)
        if filename in self.identifiers:
            facts = replace(facts, content_identifier=self.identifiers[filename])
        return replace(analysis, facts=facts)


def make_apple_clip(path: Path, identifier: str, *, seconds: float = 2.0) -> Path:
    """Write a small QuickTime film with Apple's content identifier among its metadata keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = b"com.apple.quicktime.content.identifier"
    keys = full_box("keys", 0, 0, number(1, 4), number(8 + len(key), 4), b"mdta", key)
    value = box("data", number(1, 4), number(0, 4), identifier.encode())
    values = box("ilst", number(8 + len(value), 4) + number(1, 4) + value)
    handler = full_box("hdlr", 0, 0, bytes(4), b"mdta", bytes(12), b"\x00")
    track = Film(number=1, entry=video_entry(), chunks=[[identifier.encode() * 4]])
    header = film_header(duration=round(seconds * 1000))
    path.write_bytes(film([track], inner=[box("meta", handler, keys, values)], brand="qt  ", header=header))
    return path
