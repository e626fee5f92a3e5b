"""What sidecars say is what the archive knows: at import, in its place, and when they come or change later."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.core.analyser import Analysis
from imalink.core.index import FileEntry
from imalink.core.organization import DATE
from imalink.core.picture import PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.search_query import SearchQuery
from imalink.media.analyser import PictureAnalyser
from imalink.workflows.reindex_request import Strategy
from imalink.workflows.search_photos import search_photos
from tests.support.photos import make_jpeg, make_png, set_rating_in_place, xmp_packet
from tests.support.scenes import Scene, codes, memory_folder
from tests.support.workbench import SMALL, Workbench, make_source, photos_below


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Generator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as scene:
        yield scene


def takeout_json(title: str, *, seconds: int = 1_720_614_600, **fields: object) -> str:
    return json.dumps({"title": title, "photoTakenTime": {"timestamp": str(seconds)}, **fields})


def entries(scene: Scene) -> dict[str, FileEntry]:
    """The entries of the first session by path below the photo folder."""
    index = scene.bench.session(scene.record)
    return {entry.relative_path.removeprefix("photos/"): entry for entry in index.files.values()}


def facts(scene: Scene, name: str) -> PictureFacts:
    return entries(scene)[name].facts


def raw_pair(folder: Path) -> Path:
    """A RAW file as far as names go, which no decoder knows, and its sidecar as Lightroom names it."""
    folder.mkdir(parents=True)
    (folder / "IMG_1.CR2").write_bytes(b"II*\x00\x08\x00\x00\x00" + os.urandom(3_000))
    packet = xmp_packet(rating=4, keywords=["Norway"])
    dated = packet.replace(b"<xmp:Rating>", b"<xmp:CreateDate>2019-03-04T05:06:07</xmp:CreateDate><xmp:Rating>")
    (folder / "IMG_1.xmp").write_bytes(dated)
    return folder


def test_an_import_takes_facts_from_the_sidecar_and_files_the_picture_by_its_date(
    bench: Workbench, tmp_path: Path
) -> None:
    record = bench.create()
    report = bench.import_(record, raw_pair(tmp_path / "card"), organization=DATE)
    assert sorted(photos_below(bench.root(record))) == ["2019/03/IMG_1.CR2", "2019/03/IMG_1.xmp"]
    [entry] = bench.session(record).files.values()
    assert entry.facts.embedded.rating == 4
    assert entry.facts.embedded.keywords == ("Norway",)
    assert entry.facts.capture_time is not None
    assert (entry.facts.capture_time.local, entry.facts.capture_time.source) == ("2019-03-04T05:06:07", "xmp")
    assert "metadata-unreadable" not in [finding.code for finding in report.findings if finding.path.endswith("xmp")]


def test_a_rehearsal_names_the_same_places(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    source = raw_pair(tmp_path / "card")
    report = bench.import_(record, source, organization=DATE, dry_run=True)
    assert [file.target for file in report.files] == ["photos/2019/03/IMG_1.CR2"]


def test_takeout_dates_a_picture_that_has_no_date_and_only_that(bench: Workbench, tmp_path: Path) -> None:
    album = tmp_path / "Takeout/Google Photos/Norway"
    make_png(album / "drawing.png", seed=1)
    (album / "drawing.png.supplemental-metadata.json").write_text(takeout_json("drawing.png", description="A drawing"))
    make_jpeg(album / "IMG_1.jpg", seed=2, size=SMALL, taken="2021:01:02 03:04:05")
    (album / "IMG_1.jpg.json").write_text(
        takeout_json("IMG_1.jpg", geoData={"latitude": 59.9, "longitude": 10.7, "altitude": 0.0})
    )
    (album / "metadata.json").write_text('{"title": "Norway"}')
    record = bench.create()
    report = bench.import_(record, tmp_path / "Takeout", organization=DATE)
    found = {entry.original_filename: entry.facts for entry in bench.session(record).files.values()}
    drawing, photo = found["drawing.png"], found["IMG_1.jpg"]
    assert drawing.capture_time is not None and drawing.capture_time.source == "takeout"
    assert (drawing.capture_time.taken_at, drawing.embedded.caption) == ("2024-07-10T12:30:00Z", "A drawing")
    assert photo.capture_time is not None and photo.capture_time.local == "2021-01-02T03:04:05"
    assert photo.gps is not None and photo.gps.latitude == 59.9
    assert "2024/07/drawing.png" in photos_below(bench.root(record))
    # The album's own note stays where it is, without a word.
    assert report.findings == ()
    assert report.statistics.ignored == 1


def test_takeout_s_sidecar_of_another_file_is_kept_and_says_nothing(bench: Workbench, tmp_path: Path) -> None:
    album = tmp_path / "Takeout"
    make_png(album / "drawing.png", seed=1)
    (album / "drawing.gif.supplemental-metadata.json").write_text(takeout_json("drawing.gif"))
    record = bench.create()
    bench.import_(record, album)
    (entry,) = bench.session(record).files.values()
    assert [each.relative_path.name for each in entry.companions] == ["drawing.gif.supplemental-metadata.json"]
    assert entry.facts.capture_time is not None and entry.facts.capture_time.source != "takeout"


def test_an_edited_picture_takes_its_facts_from_the_sidecar_of_the_unedited(bench: Workbench, tmp_path: Path) -> None:
    album = tmp_path / "album"
    for number, name in enumerate(("IMG_1.jpg", "IMG_1-edited.jpg", "IMG_1(1).jpg")):
        make_jpeg(album / name, seed=number, size=SMALL, taken=None)
    (album / "IMG_1.jpg.json").write_text(takeout_json("IMG_1.jpg", description="both"))
    (album / "IMG_1.jpg(1).json").write_text(takeout_json("IMG_1.jpg", description="the other"))
    record = bench.create()
    bench.import_(record, album)
    found = {entry.original_filename: entry for entry in bench.session(record).files.values()}
    captions = {name: entry.facts.embedded.caption for name, entry in found.items()}
    assert captions == {"IMG_1.jpg": "both", "IMG_1-edited.jpg": "both", "IMG_1(1).jpg": "the other"}
    assert [len(found[name].companions) for name in ("IMG_1.jpg", "IMG_1-edited.jpg", "IMG_1(1).jpg")] == [1, 0, 1]


def test_a_shared_sidecar_that_names_an_extension_is_that_file_s_alone(bench: Workbench, tmp_path: Path) -> None:
    card = tmp_path / "card"
    make_jpeg(card / "IMG_1.jpg", seed=1, size=SMALL)
    make_png(card / "IMG_1.png", seed=2)
    packet = xmp_packet(rating=5).replace(
        b"<xmp:Rating>",
        b'<p:SidecarForExtension xmlns:p="http://ns.adobe.com/photoshop/1.0/">PNG</p:SidecarForExtension><xmp:Rating>',
    )
    (card / "IMG_1.xmp").write_bytes(packet)
    record = bench.create()
    bench.import_(record, card)
    found = {entry.original_filename: entry for entry in bench.session(record).files.values()}
    assert {name: entry.facts.embedded.rating for name, entry in found.items()} == {"IMG_1.jpg": None, "IMG_1.png": 5}
    assert [companion.relative_path.name for companion in found["IMG_1.png"].companions] == ["IMG_1.xmp"]


def test_a_hostile_sidecar_is_told_and_costs_only_itself(bench: Workbench, tmp_path: Path) -> None:
    card = make_source(tmp_path / "card", 2)
    (card / "IMG_0001.jpg.xmp").write_text('<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>')
    (card / "IMG_0002.jpg.json").write_text("{" * 10_000)
    record = bench.create()
    report = bench.import_(record, card)
    assert [(finding.code, finding.path) for finding in report.findings] == [
        ("metadata-unreadable", "IMG_0001.jpg.xmp"),
        ("metadata-unreadable", "IMG_0002.jpg.json"),
    ]
    assert (report.statistics.new_imports, report.statistics.companions) == (2, 2)


def test_a_rating_in_the_sidecar_of_the_raw_is_that_of_the_photo_its_jpeg_shows(
    bench: Workbench, tmp_path: Path
) -> None:
    card = raw_pair(tmp_path / "card")
    make_jpeg(card / "IMG_1.jpg", seed=1, size=SMALL, taken="2019:03:04 05:06:07")
    record = bench.create()
    bench.import_(record, card)
    [photo] = search_photos(bench.tools, SearchQuery(rating_min=4)).photos
    assert (photo.original_filename, photo.tags, photo.rating) == ("IMG_1.jpg", ("Norway",), 4)


# Re-index.


def put_sidecar(scene: Scene, name: str, rating: int) -> None:
    scene.at(name).write_bytes(xmp_packet(rating=rating, keywords=["later"]))


@pytest.mark.parametrize("strategy", [Strategy.SMART, Strategy.FULL], ids=lambda strategy: strategy.value)
def test_a_sidecar_that_comes_later_changes_its_picture_s_facts(scene: Scene, strategy: Strategy) -> None:
    scene.import_pictures(2)
    before = entries(scene)
    put_sidecar(scene, "IMG_0001.jpg.xmp", 5)
    report = scene.look(strategy)
    assert [(edit.kind, str(edit.path)) for edit in report.modified_files] == [("sidecar", "photos/IMG_0001.jpg")]
    after = entries(scene)
    assert (after["IMG_0001.jpg"].facts.embedded.rating, after["IMG_0001.jpg"].facts.embedded.keywords) == (
        5,
        ("later",),
    )
    assert after["IMG_0001.jpg"].facts.capture_time == before["IMG_0001.jpg"].facts.capture_time
    assert after["IMG_0001.jpg"].hotpreview_rendition == before["IMG_0001.jpg"].hotpreview_rendition
    assert after["IMG_0002.jpg"] == before["IMG_0002.jpg"]
    found = search_photos(scene.bench.tools, SearchQuery(rating_min=5))
    assert [photo.tags for photo in found.photos] == [("later",)]
    assert scene.look(strategy).modified_files == ()


class BlindAnalyser(PictureAnalyser):
    """Tells facts but cannot decode."""

    def analyse(self, descriptor: int, *, filename: str) -> Analysis:
        raise AssertionError(f"{filename} was decoded")


def test_a_sidecar_that_comes_costs_no_decoding(scene: Scene) -> None:
    scene.import_pictures(1)
    before = entries(scene)["IMG_0001.jpg"]
    put_sidecar(scene, "IMG_0001.jpg.xmp", 5)
    scene.bench.tools = replace(scene.bench.tools, analyser=BlindAnalyser())
    scene.look()
    after = entries(scene)["IMG_0001.jpg"]
    assert after.facts.embedded.rating == 5
    assert after.hotpreview_rendition == before.hotpreview_rendition is not None


def test_a_sidecar_that_changes_changes_the_facts_and_one_that_goes_does_not(scene: Scene) -> None:
    card = make_source(scene.folder / "card", 1)
    (card / "IMG_0001.xmp").write_bytes(xmp_packet(rating=2))
    scene.import_(card)
    scene.look()
    assert facts(scene, "IMG_0001.jpg").embedded.rating == 2
    put_sidecar(scene, "IMG_0001.xmp", 4)
    scene.look()
    assert facts(scene, "IMG_0001.jpg").embedded.rating == 4
    scene.at("IMG_0001.xmp").unlink()
    assert codes(scene.look()) == {"companion-missing": 1}
    assert facts(scene, "IMG_0001.jpg").embedded.rating == 4


def test_a_picture_edited_by_another_program_keeps_what_its_sidecar_says(scene: Scene) -> None:
    card = make_source(scene.folder / "card", 1)
    (card / "IMG_0001.jpg.xmp").write_bytes(xmp_packet(rating=2))
    scene.import_(card)
    scene.look()
    set_rating_in_place(scene.at("IMG_0001.jpg"), 5)
    scene.look()
    assert facts(scene, "IMG_0001.jpg").embedded.rating == 2


def test_picture_and_sidecar_moved_together_and_edited_keep_in_step(scene: Scene) -> None:
    card = make_source(scene.folder / "card", 1)
    (card / "IMG_0001.jpg.xmp").write_bytes(xmp_packet(rating=2))
    scene.import_(card)
    scene.look()
    scene.move("IMG_0001.jpg", "best/fjord.jpg")
    scene.at("IMG_0001.jpg.xmp").unlink()
    put_sidecar(scene, "best/fjord.jpg.xmp", 3)
    scene.look()
    assert facts(scene, "best/fjord.jpg").embedded.rating == 3


def test_takeout_s_date_replaces_a_guess_later(scene: Scene) -> None:
    card = scene.folder / "card"
    make_jpeg(card / "IMG_1.jpg", seed=1, size=SMALL, taken=None)
    make_jpeg(card / "IMG_1-edited.jpg", seed=2, size=SMALL, taken=None)
    scene.import_(card)
    scene.look()
    scene.at("IMG_1.jpg.json").write_text(takeout_json("IMG_1.jpg"))
    report = scene.look()
    assert sorted(str(edit.path) for edit in report.modified_files) == [
        "photos/IMG_1-edited.jpg",
        "photos/IMG_1.jpg",
    ]
    for name in ("IMG_1.jpg", "IMG_1-edited.jpg"):
        taken = facts(scene, name).capture_time
        assert taken is not None
        assert (taken.source, taken.taken_at) == ("takeout", "2024-07-10T12:30:00Z")


def test_a_sidecar_s_facts_outlive_the_catalog_and_the_indexes(scene: Scene) -> None:
    scene.import_pictures(1)
    put_sidecar(scene, "IMG_0001.jpg.xmp", 5)
    scene.look()
    before = scene.bench.session(scene.record)
    (scene.root / "imports/session_1.json").unlink()
    scene.look()
    after = scene.bench.session(scene.record)
    path = RelativePath("photos/IMG_0001.jpg")
    assert {e.relative_path: e.facts for e in after.files.values()} == {path: next(iter(before.files.values())).facts}


def test_a_hostile_sidecar_that_comes_later_is_told_and_changes_nothing(scene: Scene) -> None:
    scene.import_pictures(1)
    before = facts(scene, "IMG_0001.jpg")
    scene.at("IMG_0001.jpg.xmp").write_text("<a>" * 1_000)
    assert codes(scene.look()) == {"metadata-unreadable": 1}
    assert facts(scene, "IMG_0001.jpg") == before
