"""Sidecars that are written: read back as meant, by ImaLink and by ExifTool, and known again by their seal."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.picture import GpsPosition
from imalink.core.sidecar_facts import SidecarFacts, SidecarSort
from imalink.core.timestamps import CaptureTime
from imalink.media.sidecars import read_sidecar
from imalink.media.xmp_writing import dump_sidecar, is_own_sidecar

FULL = SidecarFacts(
    sort=SidecarSort.XMP,
    capture_time=CaptureTime(local="2024-07-10T14:30:00.12", offset="+02:00", source="xmp"),
    gps=GpsPosition(latitude=-41.9028, longitude=12.4964, altitude=-3.5),
    stars=4,
    label="Red",
    title='<Trevi> & "more"',
    caption="Über\nzwei Zeilen",
    author="Ola Nordmann",
)
TAGS = ("places/italy/rome", "night")

words = st.text(st.one_of(st.characters(categories=["L", "N"]), st.sampled_from("<>&'\"")), min_size=1, max_size=9)


def read(data: bytes) -> SidecarFacts:
    reading = read_sidecar(data, filename="IMG.jpg.xmp")
    assert reading.findings == ()
    assert reading.facts is not None
    return reading.facts


def test_what_was_written_is_read_back() -> None:
    found = read(dump_sidecar(FULL, tags=TAGS))
    assert found.gps is not None
    assert FULL.gps is not None
    assert found.gps.latitude == pytest.approx(FULL.gps.latitude, abs=1e-9)
    assert found.gps.longitude == pytest.approx(FULL.gps.longitude, abs=1e-9)
    assert found.gps.altitude == -3.5
    assert found.keywords == ("rome", "night")
    assert "places|italy|rome" in found.hierarchical_keywords
    for name in ("capture_time", "stars", "label", "title", "caption", "author"):
        assert getattr(found, name) == getattr(FULL, name), name


@given(
    title=words,
    caption=words,
    label=words,
    author=words,
    tags=st.lists(words.map(lambda w: w.replace("/", "-")), unique=True),
)
def test_any_text_is_read_back(title: str, caption: str, label: str, author: str, tags: list[str]) -> None:
    facts = SidecarFacts(sort=SidecarSort.XMP, title=title, caption=caption, label=label, author=author)
    data = dump_sidecar(facts, tags=tags)
    assert is_own_sidecar(data)
    found = read(data)
    assert (found.title, found.label, found.author, found.keywords) == (title, label, author, tuple(tags))


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_any_position_is_read_back(latitude: float, longitude: float) -> None:
    facts = SidecarFacts(sort=SidecarSort.XMP, gps=GpsPosition(latitude=latitude, longitude=longitude))
    found = read(dump_sidecar(facts)).gps
    if found is None:  # 0° 0° is what devices write that know no place
        assert abs(latitude) < 1e-6
        return
    assert (found.latitude, found.longitude) == pytest.approx((latitude, longitude), abs=1e-9)


def test_a_rejected_picture_has_minus_one_star() -> None:
    assert read(dump_sidecar(SidecarFacts(sort=SidecarSort.XMP, stars=-1))).stars == -1


def test_what_xml_cannot_hold_is_left_out() -> None:
    data = dump_sidecar(SidecarFacts(sort=SidecarSort.XMP, title="a\x00b\x0bc\ud800d\uffff"))
    assert read(data).title == "abcd"


@pytest.mark.parametrize("at", [5, 200, -70, -3])
def test_one_changed_byte_breaks_the_seal(at: int) -> None:
    data = bytearray(dump_sidecar(FULL, tags=TAGS))
    data[at] ^= 1
    assert not is_own_sidecar(bytes(data))


def test_what_another_program_appends_breaks_the_seal() -> None:
    assert not is_own_sidecar(dump_sidecar(FULL) + b"\n")


@pytest.mark.exiftool
def test_exiftool_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "IMG.jpg.xmp"
    path.write_bytes(dump_sidecar(FULL, tags=TAGS))
    command = ["exiftool", "-json", "-n", "-charset", "utf8"]
    [told] = json.loads(subprocess.run([*command, str(path)], stdout=subprocess.PIPE, check=True).stdout)
    [judged] = json.loads(subprocess.run([*command, "-validate", str(path)], stdout=subprocess.PIPE, check=True).stdout)
    assert told["Rating"] == 4
    assert told["Label"] == "Red"
    assert told["Title"] == '<Trevi> & "more"'
    assert told["Description"].splitlines() == ["Über", "zwei Zeilen"]
    assert told["Creator"] == "Ola Nordmann"
    assert told["Subject"] == ["rome", "night"]
    assert told["HierarchicalSubject"] == "places|italy|rome"
    assert told["TagsList"] == ["places/italy/rome", "night"]
    assert told["DateTimeOriginal"] == "2024:07:10 14:30:00.12+02:00"
    assert told["GPSLatitude"] == pytest.approx(-41.9028)
    assert told["GPSLongitude"] == pytest.approx(12.4964)
    assert told["GPSAltitude"] in (3.5, -3.5)
    assert judged["Validate"] == "0 0 0"


@pytest.mark.exiftool
def test_what_exiftool_wrote_into_a_sidecar_is_not_ours_any_more(tmp_path: Path) -> None:
    path = tmp_path / "IMG.jpg.xmp"
    path.write_bytes(dump_sidecar(FULL, tags=TAGS))
    command = ["exiftool", "-q", "-overwrite_original", "-XMP:Rating=1", str(path)]
    subprocess.run(command, check=True)
    data = path.read_bytes()
    assert not is_own_sidecar(data)
    assert read(data).stars == 1
