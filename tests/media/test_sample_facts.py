"""Facts of all sample JPEGs against ExifTool's, field by field; every disagreement is explained here.

Run with ``-s`` to see the table.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from imalink.core.picture import PictureFacts
from imalink.media.analyser import PictureAnalyser

pytestmark = pytest.mark.samples

Reference = dict[str, object]

EXPLAINED: dict[tuple[str, str], str] = {
    ("date", "olympus-d320l.jpg"): "a camera of 1998 without EXIF, with a text block of its own",
    ("date", "sony-powershota5.jpg"): "Canon's CIFF block, older than EXIF",
    ("date", "CasioQVCI.jpg"): "stands only in Casio's own block; the file has no EXIF",
    ("date", "Reconyx_HC500_Hyperfire.jpg"): "stands only in a maker note",
    ("date", "ExifTool.jpg"): "one file with every format in it; ExifTool shows CIFF's, we EXIF's",
    ("date", "long_description.jpg"): "XMP: photoshop:DateCreated is the picture's date, ExifTool shows the file's",
    ("date", "IPTC.jpg"): "IPTC's date, which ExifTool does not show under this name",
    ("offset", "long_description.jpg"): "belongs to the date we do not take",
    ("sub-second", "thompson-springs.jpg"): "XMP's time, with the fraction that IPTC lacks",
    ("offset", "thompson-springs.jpg"): "IPTC's, which GPS contradicts; XMP has the same time without it",
    ("sub-second", "FLIR.jpg"): "stands only in a maker note",
    ("offset", "FLIR.jpg"): "stands only in a maker note",
    ("make", "sony-powershota5.jpg"): "CIFF",
    ("model", "sony-powershota5.jpg"): "CIFF",
    ("focal length", "sony-powershota5.jpg"): "CIFF",
    ("make", "ExifTool.jpg"): "CIFF before EXIF",
    ("model", "ExifTool.jpg"): "CIFF before EXIF",
    ("exposure", "ExifTool.jpg"): "ExifTool shows the APP12 block's, we EXIF's logarithmic one",
    ("exposure", "olympus-d320l.jpg"): "APP12 text block of a camera without EXIF",
    ("f-number", "olympus-d320l.jpg"): "APP12 text block of a camera without EXIF",
    ("exposure", "kodak-dc240.jpg"): "maker note; EXIF has a rounder number",
    ("f-number", "kodak-dc240.jpg"): "maker note; EXIF has a rounder number",
    ("f-number", "Kodak.jpg"): "maker note; EXIF has a rounder number",
}
AT_LEAST = {
    "date": 0.98,
    "sub-second": 1.0,
    "offset": 1.0,
    "GPS": 1.0,
    "altitude": 1.0,
    "rating": 1.0,
    "keywords": 0.93,
    "hierarchical keywords": 1.0,
    "orientation": 0.98,
    "size": 1.0,
    "make": 1.0,
    "model": 1.0,
    "exposure": 0.98,
    "f-number": 0.98,
    "focal length": 0.98,
    # Many cameras of those years wrote the sensitivity only into their maker notes, which we do not read.
    "ISO": 0.84,
}


# Where EXIF has only the logarithmic values, ExifTool leaves these tags out and we convert.
ONLY_WHERE_EXIFTOOL_SPEAKS = {"exposure", "f-number"}


@dataclass(slots=True)
class Tally:
    """How often a field agrees, of the files where either side knows it."""

    agreed: int = 0
    explained: int = 0
    disagreements: list[str] = field(default_factory=list[str])

    @property
    def ratio(self) -> float:
        judged = self.agreed + len(self.disagreements)
        return self.agreed / judged if judged else 0.0


def texts(reference: Reference, key: str) -> list[str]:
    value = reference.get(key)
    if value is None:
        return []
    return [str(item) for item in cast("list[object]", value)] if isinstance(value, list) else [str(value)]


def number(reference: Reference, key: str) -> float | None:
    value = reference.get(key)
    return float(value) if isinstance(value, int | float) else None


def rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else float(f"{value:.{digits}g}")


def text_or_none(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None


def date_of(facts: PictureFacts) -> str | None:
    if facts.capture_time is None:
        return None
    return facts.capture_time.local[:19].replace("-", ":").replace("T", " ")


def in_date(reference: Reference, pattern: str) -> str | None:
    """A piece of the date as ExifTool shows it; XMP's dates carry fraction and offset in them."""
    text = text_or_none(reference.get("DateTimeOriginal")) or text_or_none(reference.get("CreateDate")) or ""
    match = re.search(pattern, text)
    return match[1] if match else None


def hierarchy(reference: Reference) -> list[str]:
    both = [*texts(reference, "HierarchicalSubject"), *(t.replace("/", "|") for t in texts(reference, "TagsList"))]
    return list(dict.fromkeys(both))


# Field: (what we say, what ExifTool says). None and empty mean: nothing.
Comparison = tuple[Callable[[PictureFacts], object], Callable[[Reference], object]]
FIELDS: dict[str, Comparison] = {
    "date": (
        date_of,
        lambda r: (text_or_none(r.get("DateTimeOriginal")) or text_or_none(r.get("CreateDate")) or "")[:19] or None,
    ),
    "sub-second": (
        # As JSON has it, a leading zero may be lost.
        lambda f: f.capture_time.local[20:].lstrip("0") or None if f.capture_time else None,
        lambda r: (str(r.get("SubSecTimeOriginal", "")) or in_date(r, r"\.(\d+)") or "").lstrip("0") or None,
    ),
    "offset": (
        lambda f: f.capture_time.offset if f.capture_time else None,
        lambda r: (
            r.get("OffsetTimeOriginal") or (in_date(r, r"(Z|[+-]\d\d:\d\d)$") or "").replace("Z", "+00:00") or None
        ),
    ),
    "GPS": (
        lambda f: (rounded(f.gps.latitude, 8), rounded(f.gps.longitude, 8)) if f.gps else None,
        lambda r: (
            (rounded(number(r, "GPSLatitude"), 8), rounded(number(r, "GPSLongitude"), 8))
            if number(r, "GPSLatitude") is not None
            else None
        ),
    ),
    "altitude": (
        lambda f: rounded(f.gps.altitude, 8) if f.gps else None,
        lambda r: rounded(number(r, "GPSAltitude"), 8),
    ),
    "rating": (lambda f: f.embedded.rating, lambda r: r.get("Rating")),
    "keywords": (lambda f: list(f.embedded.keywords), lambda r: texts(r, "Subject") or texts(r, "Keywords")),
    "hierarchical keywords": (lambda f: list(f.embedded.hierarchical_keywords), hierarchy),
    "orientation": (lambda f: f.orientation, lambda r: r.get("Orientation", 1)),
    "size": (lambda f: (f.width, f.height), lambda r: (r.get("ImageWidth"), r.get("ImageHeight"))),
    "make": (lambda f: f.camera.make, lambda r: text_or_none(r.get("Make"))),
    "model": (lambda f: f.camera.model, lambda r: text_or_none(r.get("Model"))),
    "exposure": (
        lambda f: rounded(f.camera.exposure_seconds),
        lambda r: rounded(number(r, "ExposureTime")) or None,
    ),
    "f-number": (lambda f: rounded(f.camera.f_number), lambda r: rounded(number(r, "FNumber")) or None),
    "focal length": (lambda f: rounded(f.camera.focal_length_mm), lambda r: rounded(number(r, "FocalLength")) or None),
    "ISO": (lambda f: f.camera.iso, lambda r: number(r, "ISO") or None),
}


@pytest.fixture(scope="module")
def tallies(sample_photos: Path) -> dict[str, Tally]:
    analyser = PictureAnalyser()
    references = cast("list[Reference]", json.loads((sample_photos / "facts.json").read_text()))
    tallies = {name: Tally() for name in FIELDS}
    for reference in references:
        if reference["FileType"] != "JPEG":
            continue
        path = sample_photos / str(reference["SourceFile"])
        with path.open("rb") as file:
            facts = analyser.analyse(file.fileno(), filename=path.name).facts
        for name, (ours, theirs) in FIELDS.items():
            found, expected = ours(facts), theirs(reference)
            if expected is None and name in ONLY_WHERE_EXIFTOOL_SPEAKS:
                continue
            if found == expected:
                # Agreeing that there is nothing is no merit.
                tallies[name].agreed += found not in (None, [], (None, None))
            elif (name, path.name) in EXPLAINED:
                tallies[name].explained += 1
            else:
                tallies[name].disagreements.append(f"{path.name}: {found!r}, ExifTool {expected!r}")
    table = [
        f"{name:22} {t.agreed:4} agree {len(t.disagreements):3} differ {t.explained:2} explained"
        for name, t in tallies.items()
    ]
    sys.stdout.write("\n" + "\n".join(table) + "\n")
    return tallies


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_agrees_with_exiftool(tallies: dict[str, Tally], name: str) -> None:
    assert tallies[name].agreed > 0
    assert tallies[name].ratio >= AT_LEAST[name], tallies[name].disagreements


def test_every_explanation_still_explains_something(tallies: dict[str, Tally]) -> None:
    assert sum(tally.explained for tally in tallies.values()) == len(EXPLAINED)


def test_every_sample_jpeg_has_a_hotpreview(sample_photos: Path) -> None:
    analyser = PictureAnalyser()
    for path in sorted(sample_photos.rglob("*.jp*g")):
        with path.open("rb") as file:
            preview = analyser.analyse(file.fileno(), filename=path.name).hotpreview
        assert preview is not None, path
        assert max(preview.width, preview.height) <= 200
