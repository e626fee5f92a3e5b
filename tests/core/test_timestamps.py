"""Times: written and read without losing a digit, and impossible ones refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.timestamps import (
    CaptureTime,
    format_instant,
    format_instant_ns,
    parse_instant,
    parse_instant_ns,
)

NS = 1_000_000_000
FIRST_NS = -62_135_596_800 * NS
LAST_NS = 253_402_300_800 * NS - 1
BAD_INSTANTS = [
    "",
    "yesterday",
    "2024-07-10",
    "2024-07-10T14:30:00",
    "2024-07-10T14:30:00z",
    "2024-07-10T14:30:00+00:00",
    "2024-07-10 14:30:00Z",
    "2024-07-10T14:30Z",
    "2024-07-10T14:30:00.Z",
    "2024-07-10T14:30:00.1234567890Z",
    "2024-07-10T14:30:00Z\n",
    " 2024-07-10T14:30:00Z",
    "2024-13-10T14:30:00Z",
    "2024-02-30T14:30:00Z",
    "2023-02-29T14:30:00Z",
    "0000-01-01T00:00:00Z",
    "12024-07-10T14:30:00Z",
]


def test_an_instant_is_written_in_utc_with_z_to_the_second() -> None:
    moment = datetime(2024, 7, 10, 14, 30, 59, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert format_instant(moment) == "2024-07-10T12:30:59Z"


@given(st.datetimes(datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_an_instant_comes_back_to_the_second(moment: datetime) -> None:
    assert parse_instant(format_instant(moment)) == moment.replace(microsecond=0)


def test_an_instant_is_read_as_aware_time_with_its_microseconds() -> None:
    assert parse_instant("2024-07-10T14:30:00Z") == datetime(2024, 7, 10, 14, 30, tzinfo=UTC)
    assert parse_instant("2024-07-10T14:30:00.5Z") == datetime(2024, 7, 10, 14, 30, 0, 500_000, tzinfo=UTC)
    assert parse_instant("2024-07-10T14:30:00.123456Z").microsecond == 123_456


def test_digits_below_a_microsecond_are_cut() -> None:
    assert parse_instant("2024-07-10T14:30:00.123456999Z").microsecond == 123_456


@pytest.mark.parametrize("text", BAD_INSTANTS)
def test_a_text_that_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@pytest.mark.parametrize("text", BAD_INSTANTS)
def test_a_text_that_is_no_instant_has_no_nanoseconds(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant_ns(text)


@pytest.mark.parametrize("text", ["2024-07-10T24:30:00Z", "2024-07-10T14:60:00Z", "2024-07-10T14:30:61Z"])
def test_an_hour_minute_or_second_that_no_clock_shows_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@pytest.mark.parametrize("text", ["2024-07-10T25:00:00Z", "2024-07-10T14:60:00Z", "2024-07-10T14:30:61Z"])
def test_an_hour_minute_or_second_that_no_clock_shows_has_no_nanoseconds(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant_ns(text)


@pytest.mark.parametrize("text", ["2024-07-10T14:30:0٣Z", "2024-07-10T14:30:00.٣Z"])
def test_digits_of_other_scripts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant_ns(text)


@given(st.integers(FIRST_NS, LAST_NS))
def test_nanoseconds_come_back_without_losing_a_digit(ns: int) -> None:
    assert parse_instant_ns(format_instant_ns(ns)) == ns


@given(st.integers(FIRST_NS, LAST_NS))
def test_both_readers_agree_to_the_microsecond(ns: int) -> None:
    text = format_instant_ns(ns)
    since = parse_instant(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert since // timedelta(microseconds=1) == parse_instant_ns(text) // 1000


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (500_000_000, "1970-01-01T00:00:00.5Z"),
        (1_720_000_000_123_456_789, "2024-07-03T09:46:40.123456789Z"),
        (1_720_000_000 * NS, "2024-07-03T09:46:40Z"),
        (FIRST_NS, "0001-01-01T00:00:00Z"),
        (LAST_NS, "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_nanoseconds_are_written_without_trailing_zeros(ns: int, text: str) -> None:
    assert format_instant_ns(ns) == text


@pytest.mark.parametrize("ns", [FIRST_NS - 1, LAST_NS + 1, -(2**63), 2**63 - 1, 10**30])
def test_a_time_outside_the_calendar_is_written_as_the_beginning_of_1970(ns: int) -> None:
    assert format_instant_ns(ns) == "1970-01-01T00:00:00Z" or FIRST_NS <= ns <= LAST_NS


@pytest.mark.parametrize(
    ("local", "offset", "taken_at"),
    [
        ("2024-07-10T14:30:00", None, "2024-07-10T14:30:00Z"),
        ("2024-07-10T14:30:00.12", None, "2024-07-10T14:30:00.12Z"),
        ("2024-07-10T14:30:00", "+02:00", "2024-07-10T12:30:00Z"),
        ("2024-07-10T14:30:00.120", "+02:00", "2024-07-10T12:30:00.120Z"),
        ("2024-07-10T23:30:00", "-05:30", "2024-07-11T05:00:00Z"),
        ("2024-01-01T00:00:00", "+14:00", "2023-12-31T10:00:00Z"),
        ("2024-07-10T14:30:00", "+00:00", "2024-07-10T14:30:00Z"),
        ("0001-01-01T00:00:00", "+02:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59", "-02:00", "9999-12-31T23:59:59Z"),
    ],
)
def test_a_capture_time_is_utc_where_the_offset_is_known(local: str, offset: str | None, taken_at: str) -> None:
    assert CaptureTime(local=local, offset=offset, source="exif").taken_at == taken_at


@pytest.mark.parametrize(
    "local",
    [
        "",
        "2024-07-10",
        "2024-07-10T14:30:00Z",
        "2024:07:10 14:30:00",
        "2024-07-10T14:30",
        "2024-07-10T14:30:00.",
        "2024-07-10T14:30:00.1234567890",
        "2024-02-30T00:00:00",
        "2024-07-10T24:30:00",
        "0000-00-00T00:00:00",
        "2024-07-10T14:30:00\n",
    ],
)
def test_a_local_time_that_is_none_is_refused(local: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        CaptureTime(local=local, offset=None, source="exif")


@pytest.mark.parametrize("offset", ["", "Z", "+2", "+0200", "02:00", "+02:00:00", "CET", "+02:00\n"])
def test_an_offset_that_is_none_is_refused(offset: str) -> None:
    with pytest.raises(ValueError, match="not an offset"):
        CaptureTime(local="2024-07-10T14:30:00", offset=offset, source="exif")


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)), st.integers(-14 * 60, 14 * 60))
def test_local_time_minus_offset_is_the_instant(local: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    taken = CaptureTime(local=local.replace(microsecond=0).isoformat(), offset=offset, source="exif")
    expected = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_instant(taken.taken_at) == expected
