"""What a user may say of a photo: how it is read from words, and what it changes of a photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from imalink.core.edit_request import (
    MAX_CUSTOM_FIELDS,
    EditRequest,
    TakenAt,
    parse_author,
    parse_caption,
    parse_gps,
    parse_key,
    parse_label,
    parse_rating,
    parse_resets,
    parse_setting,
    parse_shift,
    parse_tags,
    parse_taken_at,
    parse_title,
    plan_change,
)
from imalink.core.ids import Hothash, PhotoUuid, WriterId
from imalink.core.photo import FieldClock, Photo, UserFacts
from imalink.core.photo_facts import effective_facts, plain_photo
from imalink.core.picture import Embedded, GpsPosition, PictureFacts
from imalink.core.session import Author
from imalink.core.timestamps import CaptureTime
from imalink.core.user_facts import FactChange, UserValue, value_of
from imalink.errors import UsageError

PHOTO = plain_photo(PhotoUuid("11111111-1111-4111-8111-111111111111"), Hothash("a" * 64))
FILE = PictureFacts(
    file_format="JPEG",
    embedded=Embedded(rating=3, keywords=("Sea", "sand")),
    capture_time=CaptureTime(local="2024-07-10T23:30:00.25", offset="+02:00", source="exif"),
)


def change(request: EditRequest, photo: Photo = PHOTO, file: PictureFacts = FILE) -> dict[str, UserValue | None]:
    planned = plan_change(request, photo, effective_facts(photo, file))
    return {name: value_of(planned.values, name) for name in planned.fields}


def saying(**values: UserValue | None) -> EditRequest:
    return EditRequest(said=FactChange.of(values))


@pytest.mark.parametrize("text", ["0", "5", " 3 "])
def test_stars_are_read(text: str) -> None:
    assert parse_rating(text) == int(text)


def test_no_rating_is_what_the_file_says() -> None:
    assert parse_rating("none") is None


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *((parse_rating, text) for text in ("6", "-1", "", "five", "3.5", "٣")),
        *((parse_title, text) for text in ("x" * 501, "two\nlines", "a\x00b", "half \ud800")),
        *((parse_caption, text) for text in ("x" * 5001, "bell \x07")),
        *((parse_label, text) for text in ("x" * 201, "\x1b[31m")),
        *((parse_author, text) for text in ("", "  ", "<a@example.org>", "x" * 201)),
        *((parse_taken_at, text) for text in ("yesterday", "2024", "2024-13-01", "2024-02-30T10:00")),
        *((parse_taken_at, text) for text in ("2024-07-10T25:00", "2024-07-10T10:00+25:00", "10:00")),
        (parse_taken_at, "2024-07-10T10:00+02:75"),
        *((parse_shift, text) for text in ("1h", "+", "-", "+0h", "+1x", "+1:5", "+h", "")),
        *((parse_gps, text) for text in ("", "1", "91,0", "0,181", "nan,0", "inf,1", "1,2,3,4", "north,east")),
        *((parse_setting, text) for text in ("client", "client=", "=x", "a b=c", "-x=1")),
        *((parse_setting, text) for text in ("k" * 65 + "=v", "k=" + "v" * 501)),
        *((parse_key, text) for text in ("", ".hidden", "a/b", "a=b", "a\nb")),
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


def test_texts_are_kept_in_composed_form() -> None:
    assert parse_title("  Zu\u0308rich ") == "Zürich"
    assert parse_caption("one\r\ntwo\n") == "one\ntwo"
    assert parse_key("U\u0308nit.no-1_x") == "Ünit.no-1_x"


def test_an_author_may_have_an_address() -> None:
    assert parse_author("Anna Berg <anna@example.org>") == Author(name="Anna Berg", email="anna@example.org")
    assert parse_author(" Anna Berg ") == Author(name="Anna Berg")


def test_tags_are_added_and_taken_away() -> None:
    assert parse_tags(["+rome, -draft", "Places|Italy"]) == (("rome", "Places|Italy"), ("draft",))


@pytest.mark.parametrize("texts", [["+a,-a"], ["+"], ["a,,b"], ["x" * 101], [",".join(f"t{n}" for n in range(101))]])
def test_tags_that_make_no_sense_are_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_tags(texts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-07-10T14:30:00.5+02:00", TakenAt(local="2024-07-10T14:30:00.5", offset="+02:00")),
        ("2024-07-10 14:30 -0530", TakenAt(local="2024-07-10T14:30:00", offset="-05:30")),
        ("2024-07-10T14:30Z", TakenAt(local="2024-07-10T14:30:00", offset="+00:00")),
        ("1975-05-17", TakenAt(local="1975-05-17T00:00:00")),
    ],
)
def test_times_are_read(text: str, expected: TakenAt) -> None:
    assert parse_taken_at(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+1h", timedelta(hours=1)),
        ("-2d3h30m", -timedelta(days=2, hours=3, minutes=30)),
        ("+90s", timedelta(seconds=90)),
        ("-01:30", -timedelta(hours=1, minutes=30)),
        ("+0:00:05", timedelta(seconds=5)),
    ],
)
def test_shifts_are_read(text: str, expected: timedelta) -> None:
    assert parse_shift(text) == expected


def test_places_are_read() -> None:
    assert parse_gps("59.9139, -10.75") == GpsPosition(latitude=59.9139, longitude=-10.75)
    assert parse_gps("-90,180,-3.5") == GpsPosition(latitude=-90, longitude=180, altitude=-3.5)


def test_only_what_is_there_can_be_taken_back() -> None:
    assert parse_resets(["rating, tags", "all"]) == {"rating", "tags", "all"}
    with pytest.raises(UsageError, match="mood"):
        parse_resets(["mood"])


def test_a_request_for_nothing_or_for_two_things_at_once_is_refused() -> None:
    with pytest.raises(UsageError):
        EditRequest(tags=("a",), added_tags=("b",)).check()
    with pytest.raises(UsageError):
        EditRequest(tags=("a",), resets=frozenset({"tags"})).check()
    for request in (
        EditRequest(),
        EditRequest(taken_at=TakenAt(local="2024-07-10T00:00:00"), shift=timedelta(hours=1)),
        replace(saying(rating=3), resets=frozenset({"rating"})),
        replace(saying(title="x"), resets=frozenset({"all"})),
        EditRequest(shift=timedelta(hours=1), resets=frozenset({"taken-at"})),
    ):
        with pytest.raises(UsageError):
            request.check()
    replace(saying(rating=3), resets=frozenset({"title"})).check()


def test_what_is_said_already_changes_nothing() -> None:
    said = replace(PHOTO, title="Rome", rejected=False, tag_changes={"x": True})
    request = replace(saying(title="Rome", rejected=False, caption=None), added_tags=("x",))
    assert change(request, said) == {}
    assert change(saying(title="Sea"), said) == {"title": "Sea"}


def test_what_only_the_file_says_may_be_said_too() -> None:
    assert change(saying(rating=3)) == {"rating": 3}


def test_tags_follow_the_spelling_that_the_photo_has() -> None:
    assert change(EditRequest(removed_tags=("sea", "unknown"))) == {"tags.Sea": False}
    assert change(EditRequest(added_tags=("SAND", "rome"))) == {"tags.sand": True, "tags.rome": True}
    assert change(EditRequest(added_tags=("sea",), removed_tags=("Sea",))) == {"tags.Sea": False, "tags.sea": True}


def test_all_tags_said_at_once_name_only_those_that_come_and_go() -> None:
    assert change(EditRequest(tags=("sand", "rome"))) == {"tags.Sea": False, "tags.rome": True}
    assert change(EditRequest(tags=("sea", "sand"))) == {"tags.Sea": False, "tags.sea": True}
    assert change(EditRequest(tags=("sand", "Sea"))) == {}
    assert change(EditRequest(tags=())) == {"tags.Sea": False, "tags.sand": False}


def test_a_tag_said_before_the_whole_list_can_be_said_again() -> None:
    clocks = {name: FieldClock(counter=at, writer=WriterId("w")) for name, at in (("tags.x", 1), ("tags", 2))}
    voided = replace(PHOTO, tags=("a",), tag_changes={"x": True}, clocks=clocks)
    assert change(EditRequest(added_tags=("x",)), voided) == {"tags.x": True}


def test_a_time_keeps_the_offset_that_is_known() -> None:
    expected = CaptureTime(local="2024-07-11T00:00:00", offset="+02:00", source="user")
    assert change(EditRequest(taken_at=TakenAt(local="2024-07-11T00:00:00"))) == {"capture_time": expected}
    other = TakenAt(local="2024-07-11T00:00:00", offset="-03:00")
    assert change(EditRequest(taken_at=other)) == {"capture_time": replace(expected, offset="-03:00")}


def test_a_shift_moves_the_time_that_holds() -> None:
    shifted = change(EditRequest(shift=timedelta(hours=1)))
    assert shifted == {"capture_time": CaptureTime(local="2024-07-11T00:30:00.25", offset="+02:00", source="user")}
    corrected = replace(PHOTO, capture_time=CaptureTime(local="2000-01-01T00:00:00", offset=None, source="user"))
    again = change(EditRequest(shift=-timedelta(seconds=1)), corrected)
    assert again == {"capture_time": CaptureTime(local="1999-12-31T23:59:59", offset=None, source="user")}


def test_a_time_that_is_not_known_or_leaves_the_calendar_cannot_be_shifted() -> None:
    with pytest.raises(UsageError, match="not known"):
        change(EditRequest(shift=timedelta(hours=1)), file=replace(FILE, capture_time=None))
    with pytest.raises(UsageError, match="9999"):
        change(EditRequest(shift=timedelta(days=9_999_999)))
    with pytest.raises(UsageError, match="9999"):
        change(EditRequest(shift=timedelta(days=-999_999_999)))


def test_taking_back_names_only_what_was_said() -> None:
    said = replace(
        PHOTO,
        rating=4,
        title="",
        rejected=True,
        tag_changes={"x": True},
        custom={"k": "v"},
        capture_time=CaptureTime(local="2000-01-01T00:00:00", offset=None, source="user"),
    )
    assert change(EditRequest(resets=frozenset({"rating", "label"})), said) == {"rating": None}
    assert change(EditRequest(resets=frozenset({"reject", "taken-at"})), said) == {
        "rejected": None,
        "capture_time": None,
    }
    assert change(EditRequest(resets=frozenset({"tags", "custom"})), said) == {"tags.x": None, "custom.k": None}
    assert set(change(EditRequest(resets=frozenset({"all"})), said)) == {
        "rating", "title", "rejected", "tags.x", "custom.k", "capture_time",
    }  # fmt: skip
    assert change(EditRequest(resets=frozenset({"all"}))) == {}


def test_tags_taken_back_and_said_at_once_end_with_the_said_ones() -> None:
    said = replace(PHOTO, tag_changes={"x": True, "sand": False})
    request = EditRequest(resets=frozenset({"tags"}), added_tags=("y",))
    assert change(request, said) == {"tags.x": None, "tags.sand": None, "tags.y": True}


def test_a_photo_has_only_so_many_custom_fields() -> None:
    full = replace(PHOTO, custom={f"k{number}": "v" for number in range(MAX_CUSTOM_FIELDS)})
    assert change(EditRequest(said=FactChange.of({"custom.k1": "w"})), full) == {"custom.k1": "w"}
    with pytest.raises(UsageError, match="at most"):
        change(EditRequest(said=FactChange.of({"custom.new": "w"})), full)
    assert change(EditRequest(said=FactChange.of({"custom.new": "w", "custom.k1": None})), full) == {
        "custom.new": "w",
        "custom.k1": None,
    }


def test_a_change_says_nothing_of_other_fields() -> None:
    assert FactChange.of({"rating": 3}).clocked(FieldClock(counter=1, writer=WriterId("w"))) == UserFacts(
        rating=3, clocks={"rating": FieldClock(counter=1, writer=WriterId("w"))}
    )
