"""Pairing as a photographer expects it: what belongs to one photo, what only shares a name, which file stands first."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.pairing import (
    MAX_FILES,
    Shot,
    ShotFile,
    candidates,
    is_one_shot,
    pair_files,
    primary_rank,
    why_apart,
)
from imalink.core.picture import Camera, PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.shot_names import read_name
from imalink.core.timestamps import CaptureTime, CaptureTimeSource

_FORMATS = {
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "heic": "HEIC",
    "tif": "TIFF",
    "psd": "PSD",
    "png": "PNG",
    "cr2": "RAW",
    "nef": "RAW",
    "dng": "RAW",
    "mov": "VIDEO",
    "mp4": "VIDEO",
}
NOON = "12:00:00"
CANON, NIKON = Camera(make="Canon", model="Canon EOS 80D"), Camera(make="NIKON CORPORATION", model="NIKON D70")


def shot_file(
    path: str,
    at: str | None = NOON,
    *,
    offset: str | None = None,
    source: CaptureTimeSource = "exif",
    camera: Camera = CANON,
    identifier: str | None = None,
    seconds: float | None = None,
) -> ShotFile:
    folder, _, name = path.rpartition("/")
    taken = None if at is None else CaptureTime(local=f"2024-07-10T{at}", offset=offset, source=source)
    return ShotFile(
        folder=folder,
        name=name,
        facts=PictureFacts(
            file_format=_FORMATS[name.rpartition(".")[2].lower()],
            capture_time=taken,
            camera=camera,
            content_identifier=identifier,
            duration_seconds=seconds,
        ),
    )


def clip(path: str, at: str | None = NOON, *, seconds: float = 2.8, identifier: str | None = None) -> ShotFile:
    return shot_file(path, at, seconds=seconds, identifier=identifier, camera=Camera())


def shown(files: list[ShotFile], shots: list[Shot]) -> list[str]:
    """Each photo as ``primary + others`` with its clips behind ``~``, in order."""
    texts: list[str] = []
    for shot in shots:
        text = " + ".join(_path(files[at]) for at in shot.files)
        texts.append(
            text + "".join(f" ~ {_path(files[film])}" for film in sorted(shot.clips, key=lambda at: _path(files[at])))
        )
    return sorted(texts)


def _path(file: ShotFile) -> str:
    return f"{file.folder}/{file.name}" if file.folder else file.name


@dataclass(frozen=True)
class Case:
    what: str
    files: tuple[ShotFile, ...]
    photos: tuple[str, ...]


CASES = (
    # RAW + JPEG
    Case("RAW and JPEG of one shot", (shot_file("I.CR2"), shot_file("I.JPG")), ("I.JPG + I.CR2",)),
    Case("the same in another case", (shot_file("img_1.cr2"), shot_file("IMG_1.JPG")), ("IMG_1.JPG + img_1.cr2",)),
    Case(
        "one with sub-seconds, one without",
        (shot_file("I.CR2", "12:00:00.91"), shot_file("I.JPG")),
        ("I.JPG + I.CR2",),
    ),
    Case(
        "one written two seconds later",
        (shot_file("I.CR2", "12:00:02"), shot_file("I.JPG")),
        ("I.JPG + I.CR2",),
    ),
    Case(
        "one with its zone, one without",
        (shot_file("I.CR2"), shot_file("I.JPG", offset="+02:00")),
        ("I.JPG + I.CR2",),
    ),
    Case(
        "both with zones, the RAW's in UTC",
        (shot_file("I.CR2", "10:00:00", offset="+00:00"), shot_file("I.JPG", offset="+02:00")),
        ("I.JPG + I.CR2",),
    ),
    Case(
        "same digits in two zones are two moments",
        (shot_file("I.CR2", offset="+00:00"), shot_file("I.JPG", offset="+02:00")),
        ("I.CR2", "I.JPG"),
    ),
    Case(
        "the counter wrapped: another time",
        (shot_file("I.CR2", "15:30:00"), shot_file("I.JPG")),
        ("I.CR2", "I.JPG"),
    ),
    Case(
        "two cameras, one card reader",
        (shot_file("I.NEF", camera=NIKON), shot_file("I.JPG", camera=CANON)),
        ("I.JPG", "I.NEF"),
    ),
    Case(
        "a program leaves the maker out of the model",
        (shot_file("I.NEF", camera=Camera(model="D70")), shot_file("I.JPG", camera=NIKON)),
        ("I.JPG + I.NEF",),
    ),
    Case(
        "a RAW that cannot be read beside its JPEG", (shot_file("I.CR2", None), shot_file("I.JPG")), ("I.JPG + I.CR2",)
    ),
    Case("neither tells a time", (shot_file("I.CR2", None), shot_file("I.JPG", None)), ("I.JPG + I.CR2",)),
    Case(
        "times guessed from the disk prove nothing against a RAW and its JPEG",
        (shot_file("I.CR2", "03:00:00", source="mtime"), shot_file("I.JPG")),
        ("I.JPG + I.CR2",),
    ),
    Case(
        "RAW, JPEG and HEIC", (shot_file("I.CR2"), shot_file("I.HEIC"), shot_file("I.JPG")), ("I.JPG + I.HEIC + I.CR2",)
    ),
    Case("RAW and the DNG made of it", (shot_file("I.CR2"), shot_file("I.DNG")), ("I.CR2 + I.DNG",)),
    Case(
        "a TIFF and a PSD developed from the RAW",
        (shot_file("I.CR2"), shot_file("I.tif"), shot_file("I.psd"), shot_file("I.jpg")),
        ("I.jpg + I.tif + I.psd + I.CR2",),
    ),
    Case("a screenshot that shares the name", (shot_file("I.PNG", None), shot_file("I.JPG")), ("I.JPG", "I.PNG")),
    Case("other folders", (shot_file("a/I.CR2"), shot_file("b/I.JPG")), ("a/I.CR2", "b/I.JPG")),
    Case("other numbers", (shot_file("I_1.CR2"), shot_file("I_2.JPG")), ("I_1.CR2", "I_2.JPG")),
    Case(
        "an undated RAW between two dated shots of its name",
        (shot_file("I.CR2", None), shot_file("I.JPG"), shot_file("I.HEIC", "18:00:00")),
        ("I.CR2", "I.HEIC", "I.JPG"),
    ),
    Case(
        "a chain of shots, each close to the next",
        (shot_file("I.CR2", "12:00:00"), shot_file("I.JPG", "12:00:02"), shot_file("I.HEIC", "12:00:04")),
        ("I.CR2", "I.HEIC", "I.JPG"),
    ),
    Case(
        "accents spelt in two ways",
        (shot_file("Caf\u00e9.CR2"), shot_file("Cafe\u0301.JPG")),
        ("Cafe\u0301.JPG + Caf\u00e9.CR2",),
    ),
    # phones and services
    Case(
        "Pixel: cover and RAW",
        (
            shot_file("PXL_20240107_101112345.RAW-02.ORIGINAL.dng"),
            shot_file("PXL_20240107_101112345.RAW-01.COVER.jpg"),
        ),
        ("PXL_20240107_101112345.RAW-01.COVER.jpg + PXL_20240107_101112345.RAW-02.ORIGINAL.dng",),
    ),
    Case(
        "Pixel: motion photo and its edit",
        (shot_file("PXL_20240107_101112345.MP.jpg"), shot_file("PXL_20240107_101112345.MP~2.jpg")),
        ("PXL_20240107_101112345.MP~2.jpg + PXL_20240107_101112345.MP.jpg",),
    ),
    Case(
        "Pixel: two shots in one second",
        (shot_file("PXL_20240107_101112345.jpg"), shot_file("PXL_20240107_101112845.jpg")),
        ("PXL_20240107_101112345.jpg", "PXL_20240107_101112845.jpg"),
    ),
    Case(
        "portrait mode of an older Pixel",
        (
            shot_file("00000PORTRAIT_00000_BURST20190101101112345.jpg"),
            shot_file("00100lPORTRAIT_00100_BURST20190101101112345_COVER.jpg"),
        ),
        ("00100lPORTRAIT_00100_BURST20190101101112345_COVER.jpg + 00000PORTRAIT_00000_BURST20190101101112345.jpg",),
    ),
    Case(
        "a burst with a cover",
        (
            shot_file("IMG_20240107_101112_BURST002.jpg", "12:00:04"),
            shot_file("IMG_20240107_101112_BURST001_COVER.jpg"),
            shot_file("IMG_20240107_101112_BURST003.jpg", "12:00:08"),
        ),
        (
            "IMG_20240107_101112_BURST001_COVER.jpg + IMG_20240107_101112_BURST002.jpg + "
            "IMG_20240107_101112_BURST003.jpg",
        ),
    ),
    Case(
        "a burst without a cover is pictures to choose from",
        (shot_file("DSC_0001_BURST20230709220904977.JPG"), shot_file("DSC_0002_BURST20230709220904977.JPG")),
        ("DSC_0001_BURST20230709220904977.JPG", "DSC_0002_BURST20230709220904977.JPG"),
    ),
    Case(
        "an edit on an iPhone",
        (shot_file("IMG_1234.HEIC"), shot_file("IMG_E1234.JPG")),
        ("IMG_E1234.JPG + IMG_1234.HEIC",),
    ),
    Case(
        "Takeout: an edit", (shot_file("IMG_1.jpg"), shot_file("IMG_1-edited.jpg")), ("IMG_1-edited.jpg + IMG_1.jpg",)
    ),
    Case(
        "Takeout: numbered namesakes, each with its edit",
        (
            shot_file("IMG_1.jpg"),
            shot_file("IMG_1(1).jpg"),
            shot_file("IMG_1-edited.jpg"),
            shot_file("IMG_1-edited(1).jpg"),
        ),
        ("IMG_1-edited(1).jpg + IMG_1(1).jpg", "IMG_1-edited.jpg + IMG_1.jpg"),
    ),
    Case("Lightroom: an edit as TIFF", (shot_file("I.CR2"), shot_file("I-Edit.tif")), ("I-Edit.tif + I.CR2",)),
    Case(
        "an edit that says another time is another picture",
        (shot_file("IMG_1.jpg"), shot_file("IMG_1-edited.jpg", "09:00:00")),
        ("IMG_1-edited.jpg", "IMG_1.jpg"),
    ),
    Case(
        "an edit numbered by a gallery, beside its picture",
        (shot_file("IMG_0001.JPG"), shot_file("IMG_0001~2.JPG"), shot_file("IMG_0001~3.JPG")),
        ("IMG_0001~2.JPG + IMG_0001~3.JPG + IMG_0001.JPG",),
    ),
    Case(
        "numbers alone, without the picture they would be edits of",
        (shot_file("IMG_0001~2.JPG"), shot_file("IMG_0001~3.JPG"), shot_file("IMG_0001~3.CR2")),
        ("IMG_0001~2.JPG", "IMG_0001~3.JPG + IMG_0001~3.CR2"),
    ),
    Case(
        "short names of FAT: four shots in two seconds",
        (
            shot_file("DSC_00~1.JPG"),
            shot_file("DSC_00~2.JPG"),
            shot_file("DSC_00~3.JPG", "12:00:01"),
            shot_file("DSC_00~4.JPG", "12:00:02"),
            shot_file("DSC_00.JPG"),
            shot_file("DSC_00~1.NEF", camera=CANON),
        ),
        ("DSC_00.JPG", "DSC_00~1.JPG + DSC_00~1.NEF", "DSC_00~2.JPG", "DSC_00~3.JPG", "DSC_00~4.JPG"),
    ),
    # live photos
    Case(
        "live photo: the camera says so",
        (shot_file("I.HEIC", identifier="A"), clip("I.MOV", None, identifier="A")),
        ("I.HEIC ~ I.MOV",),
    ),
    Case(
        "live photo without identifiers: name, time and length",
        (shot_file("I.JPG"), clip("I.MOV", "12:00:02")),
        ("I.JPG ~ I.MOV",),
    ),
    Case(
        "live photo: the clip's time is in UTC",
        (shot_file("I.JPG"), shot_file("I.MOV", "10:00:01", offset="+00:00", seconds=2.5)),
        ("I.JPG ~ I.MOV",),
    ),
    Case(
        "a film with the same name, of another camera's live photo",
        (shot_file("I.HEIC", identifier="A"), clip("I.MOV", identifier="B")),
        ("I.HEIC", "I.MOV"),
    ),
    Case("a film that is too long", (shot_file("I.JPG"), clip("I.MOV", seconds=61.0)), ("I.JPG", "I.MOV")),
    Case("a film taken later", (shot_file("I.JPG"), clip("I.MOV", "12:20:30")), ("I.JPG", "I.MOV")),
    Case(
        "a short film hours later, its time in no zone",
        (shot_file("I.JPG"), clip("I.MOV", "16:15:01")),
        ("I.JPG", "I.MOV"),
    ),
    Case(
        "a film in UTC that no zone on Earth brings to its picture",
        (shot_file("I.JPG"), shot_file("I.MOV", "12:15:01", offset="+00:00", seconds=5.0)),
        ("I.JPG", "I.MOV"),
    ),
    Case(
        "a film in UTC whose picture names its zone",
        (shot_file("I.JPG", offset="+02:00"), shot_file("I.MOV", "12:00:00", offset="+00:00", seconds=5.0)),
        ("I.JPG", "I.MOV"),
    ),
    Case(
        "live photo: both name their zones",
        (shot_file("I.HEIC", offset="+02:00"), shot_file("I.MOV", "12:00:01", offset="+02:00", seconds=2.8)),
        ("I.HEIC ~ I.MOV",),
    ),
    Case(
        "live photo: the picture names its zone, the clip writes UTC",
        (shot_file("I.HEIC", offset="+02:00"), shot_file("I.MOV", "10:00:01", offset="+00:00", seconds=2.8)),
        ("I.HEIC ~ I.MOV",),
    ),
    Case(
        "live photo in Nepal: the clip's time is in UTC",
        (shot_file("I.JPG"), shot_file("I.MOV", "06:15:01", offset="+00:00", seconds=2.5)),
        ("I.JPG ~ I.MOV",),
    ),
    Case(
        "two films in UTC, each of the shot in another zone",
        (
            shot_file("I.JPG"),
            shot_file("I.MOV", "10:00:01", offset="+00:00", seconds=2.5),
            shot_file("I.MP4", "09:00:01", offset="+00:00", seconds=2.5),
        ),
        ("I.JPG", "I.MOV", "I.MP4"),
    ),
    Case("a film that tells no time", (shot_file("I.JPG"), clip("I.MOV", None)), ("I.JPG", "I.MOV")),
    Case(
        "live photo as HEIC and JPEG: the clip goes with the one of its identifier",
        (shot_file("I.JPG"), shot_file("I.HEIC", identifier="A"), clip("I.MOV", None, identifier="A")),
        ("I.JPG + I.HEIC ~ I.MOV",),
    ),
    Case(
        "live photo and its edit, each with its clip",
        (shot_file("IMG_1234.HEIC"), shot_file("IMG_E1234.JPG"), clip("IMG_1234.MOV"), clip("IMG_E1234.MOV")),
        ("IMG_E1234.JPG + IMG_1234.HEIC ~ IMG_1234.MOV ~ IMG_E1234.MOV",),
    ),
    Case(
        "a clip between two pictures of its name",
        (shot_file("I.JPG"), shot_file("I.HEIC", "12:00:03"), clip("I.MOV", "12:00:02")),
        ("I.HEIC", "I.JPG", "I.MOV"),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_files_are_paired_as_a_photographer_expects(case: Case) -> None:
    files = list(case.files)
    assert shown(files, pair_files(files)) == sorted(case.photos)
    files.reverse()
    assert shown(files, pair_files(files)) == sorted(case.photos)


def test_a_clip_goes_with_the_picture_of_its_own_name() -> None:
    files = [shot_file("IMG_E1234.JPG"), shot_file("IMG_1234.HEIC"), clip("IMG_1234.MOV"), clip("IMG_E1234.MOV")]
    (shot,) = pair_files(files)
    assert dict(shot.clips) == {2: 1, 3: 0}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["I.CR2", "I.JPG", "I.tif"], "I.JPG"),
        (["I.CR2", "I.tif"], "I.tif"),
        (["I.MOV", "I.CR2"], "I.CR2"),
        (["I.jpg", "I-edited.jpg"], "I-edited.jpg"),
        (["I.jpg", "I-Edit.tif"], "I.jpg"),
        (["A.RAW-02.ORIGINAL.jpg", "A.RAW-01.COVER.jpg"], "A.RAW-01.COVER.jpg"),
    ],
)
def test_the_file_that_shows_the_photo_best_stands_first(names: list[str], expected: str) -> None:
    ranked = sorted(names, key=lambda name: primary_rank(name, _FORMATS[name.rpartition(".")[2].lower()]))
    assert ranked[0] == expected


def test_candidates_are_the_files_of_one_folder_whose_names_may_be_of_one_shot() -> None:
    paths = ["b/IMG_1.JPG", "a/IMG_1.CR2", "a/img_1.jpg", "a/IMG_1(1).jpg", "a/IMG_1-edited.jpg"]
    assert candidates(map(RelativePath, paths)) == [
        ("a/IMG_1(1).jpg",),
        ("a/IMG_1-edited.jpg", "a/IMG_1.CR2", "a/img_1.jpg"),
        ("b/IMG_1.JPG",),
    ]


def test_a_thousand_names_of_one_shot_are_no_shot() -> None:
    paths = [RelativePath(f"IMG_0001~{number}.jpg") for number in range(MAX_FILES)]
    paths.append(RelativePath("IMG_0001.jpg"))
    assert [len(found) for found in candidates(paths)] == [1] * (MAX_FILES + 1)
    files = [shot_file(path) for path in paths]
    assert [len(shot.files) for shot in pair_files(files)] == [1] * (MAX_FILES + 1)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (shot_file("a/I.CR2"), shot_file("b/I.JPG"), "different folders"),
        (shot_file("I.CR2"), shot_file("J.JPG"), "names"),
        (shot_file("I.CR2"), shot_file("I.JPG", "13:00:00"), "3600 seconds apart"),
        (shot_file("I.CR2", camera=NIKON), shot_file("I.JPG"), "different cameras"),
        (shot_file("I.PNG", None), shot_file("I.JPG"), "when it was taken"),
    ],
)
def test_what_keeps_two_files_apart_is_said(one: ShotFile, other: ShotFile, words: str) -> None:
    why = why_apart(one, other)
    assert why is not None
    assert words in why
    assert why_apart(other, one) == why


@pytest.mark.parametrize(
    ("one", "other", "is_one"),
    [
        ("IMG_0001.JPG", "IMG_0001~2.JPG", True),
        ("IMG_0001~2.CR2", "IMG_0001~2.JPG", True),
        ("IMG_0001~2.JPG", "IMG_0001~3.JPG", False),
        ("IMG_0001-edited.jpg", "IMG_0001~3.JPG", False),
        ("IMG_00~1.JPG", "IMG_00~2.JPG", False),
    ],
)
def test_a_numbered_edit_joins_only_what_it_was_made_of(one: str, other: str, is_one: bool) -> None:
    first, second = shot_file(one), shot_file(other)
    assert (is_one_shot(first, second), is_one_shot(second, first)) == (is_one, is_one)
    assert (why_apart(first, second) is None) == is_one


_names = st.sampled_from(
    ["I.CR2", "I.JPG", "i.jpg", "I.HEIC", "I.tif", "I.MOV", "I-edited.jpg", "IMG_E1234.JPG", "IMG_1234.HEIC"]
    + ["IMG_1234.MOV", "A_BURST20190101101112345_COVER.jpg", "B_BURST20190101101112345.jpg", "I(1).jpg"]
    + ["IMG_1234~2.JPG", "IMG_1234~3.JPG", "I~1.JPG"]
)
_files = st.builds(
    shot_file,
    st.tuples(st.sampled_from(["a", "b"]), _names).map("/".join),
    st.one_of(st.none(), st.sampled_from(["12:00:00", "12:00:01.5", "12:00:03", "18:00:00"])),
    camera=st.sampled_from([Camera(), CANON, NIKON]),
    identifier=st.sampled_from([None, "A", "B"]),
    seconds=st.sampled_from([None, 2.0, 30.0]),
)
_folders_full = st.lists(_files, max_size=9, unique_by=_path)


@given(_folders_full, st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(files: list[ShotFile], random: Random) -> None:
    shuffled = random.sample(files, len(files))
    assert shown(shuffled, pair_files(shuffled)) == shown(files, pair_files(files))


@given(_folders_full)
def test_every_file_is_in_one_photo_of_its_own_folder(files: list[ShotFile]) -> None:
    shots = pair_files(files)
    placed = [at for shot in shots for at in (*shot.files, *shot.clips)]
    assert sorted(placed) == list(range(len(files)))
    for shot in shots:
        members = (*shot.files, *shot.clips)
        assert len({files[at].folder for at in members}) == 1
        assert len({files[at].shot_name.key for at in members}) == 1
        assert set(shot.clips.values()) <= set(shot.files)
        assert all(files[at].is_film for at in shot.clips)


@given(_folders_full)
def test_the_first_file_of_a_photo_is_of_the_best_rank(files: list[ShotFile]) -> None:
    for shot in pair_files(files):
        ranks = [primary_rank(files[at].name, files[at].facts.file_format) for at in shot.files]
        assert ranks[0] == min(ranks)


@given(st.text("ABEGIMOPRSTUVX_0123456789().-~", max_size=40))
def test_case_does_not_matter_to_a_name(name: str) -> None:
    assert read_name(name) == read_name(name.lower())
