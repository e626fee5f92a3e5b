"""Kinds are told from content, and names only promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from imalink.media.kinds import HEAD_BYTES, Kind, file_format_of, is_companion_name, is_picture_name, kind_of

FORMAT_OF_SAMPLE = {
    "BMP.bmp": "BMP",
    "CanonRaw.cr2": "RAW",
    "CanonRaw.cr3": "RAW",
    "CanonRaw.crw": "RAW",
    "DNG.dng": "RAW",
    "ExifTool.tif": "TIFF",
    "FujiFilm.raf": "RAW",
    "GIF.gif": "GIF",
    "JXL.jxl": "JXL",
    "JXL2.jxl": "JXL",
    "Minolta.mrw": "RAW",
    "Nikon.nef": "RAW",
    "PNG.png": "PNG",
    "Panasonic.rw2": "RAW",
    "PhaseOne.iiq": "RAW",
    "Photoshop.psd": "PSD",
    "QuickTime.heic": "HEIC",
    "QuickTime.mov": "VIDEO",
    "RIFF.webp": "WEBP",
    "Sigma.x3f": "RAW",
    "8bit-sRGB.avif": "AVIF",
    "10bit-HDR-P3-nclx.avif": "AVIF",
    "samplefilehub.heif": "HEIC",
    "IMG_2682.heic": "HEIC",
    "denali.webp": "WEBP",
    "Canon.jpg": "JPEG",
}


@pytest.mark.samples
def test_every_sample_is_told_by_its_content(sample_photos: Path) -> None:
    found = {
        path.name: file_format_of(path.read_bytes()[:HEAD_BYTES], filename=path.name)
        for path in sample_photos.rglob("*")
        if path.is_file()
    }
    assert {name: found[name] for name in FORMAT_OF_SAMPLE} == FORMAT_OF_SAMPLE
    assert {path for path, word in found.items() if word == "UNKNOWN"} == {
        path for path in found if path.endswith((".xmp", ".json", ".md"))
    }


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", Kind.UNKNOWN),
        (b"\xff\xd8\xff\xe0", Kind.JPEG),
        (b"\xff\xd8", Kind.UNKNOWN),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", Kind.TIFF),
        (b"II*\x00\x08\x00\x00\x00IIII", Kind.IIQ),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", Kind.WEBP),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", Kind.UNKNOWN),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomavif", Kind.HEIF),
        (b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isomavif", Kind.VIDEO),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", Kind.CR3),
        (b"G" + bytes(187) + b"G" + bytes(187) + b"G" + bytes(10), Kind.VIDEO),
        (b"BM" + bytes(4) + b"text, not a bitmap, but long", Kind.UNKNOWN),
    ],
)
def test_kinds_are_told_by_the_first_bytes(head: bytes, kind: Kind) -> None:
    assert kind_of(head) is kind


def test_the_name_decides_only_where_content_cannot() -> None:
    tiff = b"II*\x00\x08\x00\x00\x00"
    assert file_format_of(tiff, filename="a.nef") == "RAW"
    assert file_format_of(tiff, filename="a.jpg") == "TIFF"
    assert file_format_of(b"strange", filename="a.raw") == "RAW"
    assert file_format_of(b"strange", filename="a.jpg") == "UNKNOWN"
    assert file_format_of(b"\xff\xd8\xff", filename="a.nef") == "JPEG"


@pytest.mark.parametrize("name", ["a.jpg", "A.JPG", "x/y/a.NEF", "a.b.heic", "clip.MOV", "ü.tiff", ".hidden.jpg"])
def test_names_of_pictures(name: str) -> None:
    assert is_picture_name(name)


@pytest.mark.parametrize("name", ["jpg", ".jpg", "a.txt", "a.jpg.xmp", "a.", "", "a.jpg/readme"])
def test_names_of_other_things(name: str) -> None:
    assert not is_picture_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.xmp",
        "a.jpg.XMP",
        "a.AAE",
        "a.thm",
        "a.wav",
        "a.pp3",
        "a.cos",
        "IMG_1.jpg.json",
        "IMG_1.jpg(2).json",
        "IMG_1.jpg.supplemental-metadata.json",
        "IMG_1.jpg.supplemental-metadata(1).json",
        "IMG_1.jpg.suppl.json",
        "x" * 46 + ".json",
    ],
)
def test_names_of_companions(name: str) -> None:
    assert is_companion_name(name)
    assert not is_picture_name(name)


@pytest.mark.parametrize("name", ["package.json", "metadata.json", "a.supper.json", "a.jpg", "xmp", "a.txt.json"])
def test_names_of_no_companions(name: str) -> None:
    assert not is_companion_name(name)
