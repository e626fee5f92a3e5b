"""Facts of all samples of every format against ExifTool's, field by field; every disagreement is explained here.

Run with ``-s`` to see two tables: by field, and by format.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from imalink.core.picture import PictureFacts
from imalink.core.sidecar_facts import complete_facts
from imalink.media.analyser import PictureAnalyser

pytestmark = pytest.mark.samples

Reference = dict[str, object]

EXPLAINED: dict[tuple[str, str], str] = {
    ("date", "ExifTool.jpg"): "one file with every format in it; ExifTool shows CIFF's, we EXIF's",
    ("date", "long_description.jpg"): "XMP: photoshop:DateCreated is the picture's date, ExifTool shows the file's",
    ("sub-second", "thompson-springs.jpg"): "XMP's time, with the fraction that IPTC lacks",
    ("offset", "thompson-springs.jpg"): "IPTC's, which GPS contradicts; XMP has the same time without it",
    ("sub-second", "FLIR.jpg"): "stands only in a maker note",
    ("offset", "FLIR.jpg"): "stands only in a maker note",
    ("make", "ExifTool.jpg"): "CIFF before EXIF",
    ("model", "ExifTool.jpg"): "CIFF before EXIF",
    ("exposure", "ExifTool.jpg"): "ExifTool shows the APP12 block's, we EXIF's logarithmic one",
    ("exposure", "kodak-dc240.jpg"): "maker note; EXIF has a rounder number",
    ("f-number", "kodak-dc240.jpg"): "maker note; EXIF has a rounder number",
    ("f-number", "Kodak.jpg"): "maker note; EXIF has a rounder number",
    ("exposure", "Kodak.jpg"): "maker note; EXIF has a rounder number",
    **{
        ("ISO", name): "stands only in a maker note, or ExifTool works it out from one"
        for name in (
            "canon-ixus.jpg",
            "kodak-dc240.jpg",
            "Canon_PowerShot_S40.jpg",
            "11-tests.jpg",
            "22-canon_tags.jpg",
            "35-empty.jpg",
            "28-hex_value.jpg",
            "Canon_DIGITAL_IXUS_400.jpg",
            "Casio2.jpg",
            "Casio.jpg",
            "Kodak.jpg",
        )
    },
    ("ISO", "Pentax.jpg"): "ExifTool shows the maker note's code 6, we EXIF's 100",
    ("size", "CanonRaw.cr2"): "the first directory's preview; ours is the sensor's, as EXIF has it too",
    (
        "orientation",
        "HMD_Nokia_8.3_5G.heif",
    ): "the container turns it (270°), which decoders follow, and EXIF says no turn",
    ("offset", "QuickTime.mov"): "the film's header, which is in UTC; ExifTool shows it without saying so",
    **{
        (name, "QuickTime.mov"): "Pentax's block in the film's user data"
        for name in ("make", "exposure", "f-number", "focal length", "ISO")
    },
    ("size", "FujiFilm.raf"): "the JPEG inside, cut down to 8 by 8 in this sample; ours is the sensor's cropped size",
    ("size", "SigmaDP2.x3f"): "the JPEG inside, cut down to 8 by 8 in this sample; ours is the file header's",
    ("orientation", "Sigma.x3f"): "ours is the header's rotation of 90°, which ExifTool gives another name",
    **{
        (name, "CanonRaw.crw"): "Canon's own records, or ExifTool works it out from them"
        for name in ("exposure", "f-number", "ISO")
    },
    ("keywords", "XMP2.xmp"): "joined by rdf:nodeID, which XMP does not allow",
}
# Of what is judged nothing may differ. These are the shares of everything, explained differences counted as such too.
AT_LEAST = {
    "date": 0.98,
    "sub-second": 0.9,
    "offset": 0.87,
    "GPS": 1.0,
    "altitude": 1.0,
    "rating": 1.0,
    "keywords": 0.95,
    "hierarchical keywords": 1.0,
    "orientation": 0.98,
    "size": 0.98,
    "make": 0.98,
    "model": 0.99,
    "exposure": 0.95,
    "f-number": 0.96,
    "focal length": 0.99,
    # Many cameras of those years wrote the sensitivity only into their maker notes, which we do not read.
    "ISO": 0.85,
}


# Where EXIF has only the logarithmic values, ExifTool leaves these tags out and we convert. Where a date stands only in
# IPTC, ExifTool shows neither DateTimeOriginal nor CreateDate; we take IPTC's, and there is nothing to compare it with.
ONLY_WHERE_EXIFTOOL_SPEAKS = {"date", "exposure", "f-number"}
# The additions to a date can be compared only where both sides speak of the same date; if not, the date itself differs.
OF_THE_SAME_DATE = {"sub-second", "offset"}


@dataclass(slots=True)
class Tally:
    """How often a field agrees, of the files where either side knows it."""

    agreed: int = 0
    explained: list[str] = field(default_factory=list[str])
    disagreements: list[str] = field(default_factory=list[str])
    not_compared: list[str] = field(default_factory=list[str])

    @property
    def of_judged(self) -> float:
        return self.agreed / max(1, self.agreed + len(self.disagreements))

    @property
    def of_all(self) -> float:
        return self.agreed / max(1, self.agreed + len(self.disagreements) + len(self.explained))


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


def expected_date(reference: Reference) -> str | None:
    text = text_or_none(reference.get("DateTimeOriginal")) or text_or_none(reference.get("CreateDate")) or ""
    return text[:19] or None


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
    "date": (date_of, expected_date),
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


# A sidecar is asked for what people and programs say of a picture, not for what it looks like or what took it.
OF_SIDECARS = {"date", "sub-second", "offset", "GPS", "altitude", "rating", "keywords", "hierarchical keywords"}


@dataclass(slots=True)
class FormatRow:
    """What became of the samples of one format; seconds are those of facts and preview together."""

    files: int = 0
    methods: Counter[str] = field(default_factory=Counter[str])
    agreed: int = 0
    differing: int = 0
    explained: int = 0
    previews: int = 0
    seconds: float = 0.0


@pytest.fixture(scope="module")
def tallies(sample_photos: Path) -> dict[str, Tally]:
    analyser = PictureAnalyser()
    references = cast("list[Reference]", json.loads((sample_photos / "facts.json").read_text()))
    tallies = {name: Tally() for name in FIELDS}
    rows: defaultdict[str, FormatRow] = defaultdict(FormatRow)
    for reference in references:
        path = sample_photos / str(reference["SourceFile"])
        row = rows[str(reference["FileType"]).removeprefix("Extended ").partition(" ")[0]]
        row.files += 1
        if reference["FileType"] == "XMP":
            facts, names = facts_of_sidecar(analyser, path), OF_SIDECARS
        else:
            facts, names = facts_of_picture(analyser, path, row), FIELDS.keys()
        for name, (ours, theirs) in FIELDS.items():
            if name not in names:
                continue
            found, expected = ours(facts), theirs(reference)
            if (expected is None and name in ONLY_WHERE_EXIFTOOL_SPEAKS) or (
                name in OF_THE_SAME_DATE and expected_date(reference) != date_of(facts)
            ):
                if found is not None or expected is not None:
                    tallies[name].not_compared.append(path.name)
            elif found == expected:
                # Agreeing that there is nothing is no merit.
                is_said = found not in (None, [], (None, None))
                tallies[name].agreed += is_said
                row.agreed += is_said
            elif (name, path.name) in EXPLAINED:
                tallies[name].explained.append(path.name)
                row.explained += 1
            else:
                tallies[name].disagreements.append(f"{path.name}: {found!r}, ExifTool {expected!r}")
                row.differing += 1
    sys.stdout.write("\n" + "\n".join((*field_table(tallies), "", *format_table(rows))) + "\n")
    return tallies


def facts_of_picture(analyser: PictureAnalyser, path: Path, row: FormatRow) -> PictureFacts:
    with path.open("rb") as file:
        row.methods[analyser.fingerprint(file.fileno()).method] += 1
        start = time.perf_counter()
        analysis = analyser.analyse(file.fileno(), filename=path.name)
        row.seconds += time.perf_counter() - start
    row.previews += analysis.hotpreview is not None
    return analysis.facts


def facts_of_sidecar(analyser: PictureAnalyser, path: Path) -> PictureFacts:
    reading = analyser.read_sidecar(path.read_bytes(), filename=path.name)
    assert reading.facts is not None, path
    return complete_facts(PictureFacts(file_format="UNKNOWN"), [reading.facts])


def field_table(tallies: dict[str, Tally]) -> list[str]:
    lines = [f"{'field':22} {'agree':>6} {'differ':>6} {'explained':>9} {'judged':>8} {'of all':>8} {'left out':>8}"]
    for name, tally in tallies.items():
        lines.append(
            f"{name:22} {tally.agreed:6} {len(tally.disagreements):6} {len(tally.explained):9}"
            f" {tally.of_judged:8.1%} {tally.of_all:8.1%} {len(tally.not_compared):8}"
        )
        lines.extend(f"    {difference}" for difference in tally.disagreements)
    return lines


def format_table(rows: Mapping[str, FormatRow]) -> list[str]:
    numbers = f"{'agree':>6} {'differ':>6} {'explained':>9} {'previews':>8} {'seconds':>8}"
    lines = [f"{'format':8} {'files':>5}  {'method':22} {numbers}"]
    for name, row in sorted(rows.items(), key=lambda item: -item[1].files):
        methods = ", ".join(f"{method} {count}" for method, count in row.methods.most_common()) or "sidecar"
        lines.append(
            f"{name:8} {row.files:5}  {methods:22} {row.agreed:6} {row.differing:6} {row.explained:9}"
            f" {row.previews:8} {row.seconds:8.2f}"
        )
    return lines


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_agrees_with_exiftool_or_it_is_known_why_not(tallies: dict[str, Tally], name: str) -> None:
    assert tallies[name].disagreements == []
    assert tallies[name].of_all >= AT_LEAST[name]


def test_only_what_iptc_says_is_a_date_that_exiftool_does_not_show(tallies: dict[str, Tally]) -> None:
    assert sorted(tallies["date"].not_compared) == ["ExifTool.tif", "IPTC.jpg"]


def test_every_explanation_still_explains_something(tallies: dict[str, Tally]) -> None:
    used = {(field_name, file_name) for field_name, tally in tallies.items() for file_name in tally.explained}
    assert used == EXPLAINED.keys()


def test_every_sample_jpeg_has_a_hotpreview(sample_photos: Path) -> None:
    analyser = PictureAnalyser()
    for path in sorted(sample_photos.rglob("*.jp*g")):
        with path.open("rb") as file:
            preview = analyser.analyse(file.fileno(), filename=path.name).hotpreview
        assert preview is not None, path
        assert max(preview.width, preview.height) <= 200
