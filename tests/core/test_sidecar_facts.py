"""How a picture's own facts and those of its sidecars become one."""

from __future__ import annotations

from imalink.core.picture import Camera, Embedded, GpsPosition, PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.sidecar_facts import SidecarFacts, SidecarSort, complete_facts, telling_facts
from imalink.core.timestamps import CaptureTime, CaptureTimeSource


def taken(day: int, source: CaptureTimeSource = "exif") -> CaptureTime:
    return CaptureTime(local=f"2024-07-{day:02}T12:00:00", offset=None, source=source)


def xmp(**fields: object) -> SidecarFacts:
    return SidecarFacts(sort=SidecarSort.XMP, **fields)  # pyright: ignore[reportArgumentType] - fields by name


def takeout(**fields: object) -> SidecarFacts:
    return SidecarFacts(sort=SidecarSort.TAKEOUT, **fields)  # pyright: ignore[reportArgumentType] - fields by name


def picture(**fields: object) -> PictureFacts:
    return PictureFacts(file_format="RAW", **fields)  # pyright: ignore[reportArgumentType] - fields by name


HERE, THERE = GpsPosition(latitude=1, longitude=2), GpsPosition(latitude=3, longitude=4)
FULL = picture(
    capture_time=taken(1),
    gps=HERE,
    camera=Camera(lens="own"),
    embedded=Embedded(
        rating=2, label="Red", keywords=("own",), hierarchical_keywords=("a|own",), title="own", caption="own"
    ),
)


def test_without_sidecars_nothing_changes() -> None:
    assert complete_facts(FULL, ()) == FULL
    rejected = picture(embedded=Embedded(rejected=True))
    assert complete_facts(rejected, ()) == rejected


def test_a_sidecar_that_says_nothing_changes_nothing() -> None:
    assert complete_facts(FULL, [xmp(), takeout()]) == FULL


def test_what_people_say_in_an_xmp_sidecar_wins_over_the_file() -> None:
    said = xmp(stars=5, label="Blue", keywords=("new",), title="new", caption="new", author="Anna", copyright="©")
    assert complete_facts(FULL, [said]).embedded == Embedded(
        rating=5, label="Blue", keywords=("new",), title="new", caption="new", author="Anna", copyright="©"
    )


def test_a_sidecar_rejects_and_takes_a_rejection_back() -> None:
    rejected = complete_facts(FULL, [xmp(stars=-1)])
    assert (rejected.embedded.rating, rejected.embedded.rejected) == (None, True)
    kept = complete_facts(rejected, [xmp(stars=0)])
    assert (kept.embedded.rating, kept.embedded.rejected) == (0, False)


def test_date_place_and_lens_of_a_sidecar_only_fill_gaps() -> None:
    said = xmp(capture_time=taken(2, "xmp"), gps=THERE, lens="sidecar")
    assert complete_facts(FULL, [said]) == FULL
    filled = complete_facts(picture(), [said])
    assert (filled.capture_time, filled.gps, filled.camera.lens) == (taken(2, "xmp"), THERE, "sidecar")


def test_takeout_only_fills_what_file_and_xmp_leave_open() -> None:
    exported = takeout(capture_time=taken(3, "takeout"), gps=THERE, caption="exported")
    assert complete_facts(FULL, [exported]) == FULL
    filled = complete_facts(picture(), [exported])
    assert (filled.capture_time, filled.gps, filled.embedded.caption) == (taken(3, "takeout"), THERE, "exported")
    both = complete_facts(picture(), [xmp(capture_time=taken(2, "xmp"), caption="said"), exported])
    assert (both.capture_time, both.embedded.caption) == (taken(2, "xmp"), "said")


def test_a_guessed_date_gives_way_to_any_sidecar() -> None:
    for source in ("mtime", "filename"):
        guessed = picture(capture_time=taken(9, source))
        assert complete_facts(guessed, [takeout(capture_time=taken(3, "takeout"))]).capture_time == taken(3, "takeout")
        assert complete_facts(guessed, [takeout()]).capture_time == taken(9, source)


def test_the_earlier_sidecar_is_believed() -> None:
    facts = complete_facts(FULL, [xmp(stars=1, title="first"), xmp(stars=5, title="second", label="Green")])
    assert (facts.embedded.rating, facts.embedded.title, facts.embedded.label) == (1, "first", "Green")


def test_keywords_of_two_places_are_not_mixed() -> None:
    facts = complete_facts(FULL, [xmp(hierarchical_keywords=("b|new",))])
    assert (facts.embedded.keywords, facts.embedded.hierarchical_keywords) == ((), ("b|new",))


def test_a_sidecar_meant_for_another_extension_does_not_count() -> None:
    sidecars = [xmp(stars=1, for_extension="cr2"), xmp(stars=2, for_extension="jpg"), xmp(stars=3)]
    assert [each.stars for each in telling_facts(RelativePath("d/a.JPG"), sidecars)] == [2, 3]
