"""``explain`` as a user asks it: what two files are to each other, and what it says for a reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from imalink.core.likeness import Likeness
from imalink.core.picture import PictureFacts
from imalink.errors import NotFoundError, SourceError, UsageError
from imalink.workflows.explain import explain
from imalink.workflows.group_photos import join_photos, split_photo
from tests.support.photos import make_jpeg, make_png, set_rating_in_place
from tests.support.scenes import hothash_of
from tests.support.shots import TellingAnalyser, live_clip, make_film, make_pair, make_raw
from tests.support.workbench import SMALL, Workbench, make_source

LATER = "2024:08:20 09:00:00"


def said(bench: Workbench, first: object, second: object) -> Likeness:
    """Explain both ways round; the relation must be the same."""
    found = explain(bench.tools, str(first), str(second)).likeness
    assert explain(bench.tools, str(second), str(first)).likeness.relation is found.relation
    return found


def _same_file(folder: Path) -> tuple[Path, Path]:
    path = make_jpeg(folder / "a.jpg", seed=1, size=SMALL)
    (folder / "link.jpg").symlink_to(path)
    return path, folder / "link.jpg"


def _same_bytes(folder: Path) -> tuple[Path, Path]:
    path = make_jpeg(folder / "a.jpg", seed=1, size=SMALL)
    return path, Path(shutil.copy(path, folder / "b.jpg"))


def _rated(folder: Path) -> tuple[Path, Path]:
    first, second = _same_bytes(folder)
    set_rating_in_place(second, 4)
    return first, second


def _pair(folder: Path) -> tuple[Path, Path]:
    return make_pair(folder)


def _namesakes(folder: Path) -> tuple[Path, Path]:
    jpeg = make_jpeg(folder / "IMG_0001.JPG", seed=1, size=SMALL)
    return jpeg, make_raw(folder / "IMG_0001.DNG", seed=2, taken=LATER)


def _resized(folder: Path) -> tuple[Path, Path]:
    path = make_jpeg(folder / "a.jpg", seed=1, size=SMALL)
    with Image.open(path) as picture:
        picture.resize((32, 24)).save(folder / "small.jpg", exif=picture.getexif())
    return path, folder / "small.jpg"


def _torn(folder: Path) -> tuple[Path, Path]:
    path = make_jpeg(folder / "a.jpg", seed=1, size=SMALL)
    (folder / "torn.jpg").write_bytes(path.read_bytes()[:-400])
    return path, folder / "torn.jpg"


def _other_kind(folder: Path) -> tuple[Path, Path]:
    path = make_jpeg(folder / "a.jpg", seed=1, size=SMALL)
    return path, make_png(folder / "b.png", seed=1, size=SMALL)


def _others(folder: Path) -> tuple[Path, Path]:
    first = make_jpeg(folder / "a.jpg", seed=1, size=SMALL)
    return first, make_jpeg(folder / "b.jpg", seed=2, size=SMALL, taken=LATER)


@pytest.mark.parametrize(
    ("make", "relation", "words"),
    [
        (_same_file, "same-file", "one and the same file"),
        (_same_bytes, "same-bytes", "bytes are the same"),
        (_rated, "same-picture", "same picture"),
        (_pair, "same-photo", "two files of one shot"),
        (_namesakes, "same-name", "seconds apart"),
        (_resized, "same-moment", "does not compare what pictures look like"),
        (_torn, "damaged", "torn.jpg is damaged"),
        (_other_kind, "not-comparable", "jpeg-1 and png-1"),
        (_others, "different", "coded of the picture differs"),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else "",
)
def test_two_files_are_explained(
    bench: Workbench, tmp_path: Path, make: Callable[[Path], tuple[Path, Path]], relation: str, words: str
) -> None:
    found = said(bench, *make(tmp_path / "card"))
    assert found.relation == relation
    assert words in " ".join(found.reasons)


def test_the_facts_that_differ_are_named(bench: Workbench, tmp_path: Path) -> None:
    first, second = _rated(tmp_path / "card")
    [difference] = explain(bench.tools, str(first), str(second)).likeness.differences
    assert (difference.fact, difference.first, difference.second) == ("rating", None, "4")


def test_a_live_photo_is_explained(bench: Workbench, tmp_path: Path) -> None:
    [still] = make_source(tmp_path / "card", 1).iterdir()
    clip = make_film(tmp_path / "card" / "IMG_0001.MOV", seed=1)
    told: dict[str, PictureFacts] = {clip.name: live_clip("A")}
    bench.tools = replace(bench.tools, analyser=TellingAnalyser(told, {still.name: "A"}))
    found = said(bench, still, clip)
    assert found.relation == "live-photo"
    assert "the same identifier" in found.reasons[0]


def test_pictures_of_the_archive_are_known_by_hothash(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    jpeg, raw = make_pair(tmp_path / "card")
    other = make_jpeg(tmp_path / "card" / "b.jpg", seed=9, size=SMALL, taken=LATER)
    bench.import_(record, tmp_path / "card")
    hothashes = {path: hothash_of(path) for path in (jpeg, raw, other)}
    assert said(bench, hothashes[jpeg][:10], jpeg).relation == "same-bytes"
    assert said(bench, hothashes[jpeg], hothashes[raw][:12]).relation == "same-photo"
    assert said(bench, hothashes[jpeg], other).relation == "different"
    set_rating_in_place(jpeg, 2)
    assert said(bench, hothashes[jpeg], jpeg).relation == "same-picture"


def test_what_the_user_said_holds(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    jpeg, raw = make_pair(tmp_path / "card")
    other = make_jpeg(tmp_path / "card" / "b.jpg", seed=9, size=SMALL, taken=LATER)
    bench.import_(record, tmp_path / "card")
    split_photo(bench.tools, hothash_of(raw))
    join_photos(bench.tools, [hothash_of(raw), hothash_of(other)])
    apart = said(bench, jpeg, raw)
    assert apart.relation == "same-name"
    assert "two photos" in apart.reasons[0]
    assert "photos join" in apart.reasons[1]
    assert said(bench, raw, other).relation == "same-photo"


def test_what_cannot_be_read_or_found_is_told(bench: Workbench, tmp_path: Path) -> None:
    [path] = make_source(tmp_path / "card", 1).iterdir()
    with pytest.raises(NotFoundError, match="no file"):
        explain(bench.tools, str(path), str(tmp_path / "nothing.jpg"))
    with pytest.raises(NotFoundError, match="No picture"):
        explain(bench.tools, str(path), "0" * 64)
    with pytest.raises(UsageError):
        explain(bench.tools, str(path), "nonsense")
    with pytest.raises(SourceError, match="could not be read"):
        explain(bench.tools, str(path), str(tmp_path))
