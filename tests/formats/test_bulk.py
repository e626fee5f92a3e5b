"""What is checked for thousands at once is what is checked for each."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imalink.core.ids import is_hex64
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import (
    are_instants,
    format_instant_ns,
    parse_instant,
    parse_instant_ns,
)
from imalink.errors import InvalidPathError
from imalink.formats.bulk import are_hex64, are_paths

HEX = "0123456789abcdef" * 4
PARTS = st.sampled_from(
    ["a", "b.jpg", ".", "..", "", "...", ".a", "a.", "Å", "\udcff", "\ud800", "\0", "x" * 255, "x" * 256]
)
PATHS = st.lists(PARTS, max_size=4).map("/".join) | st.text(max_size=8)


def is_path(text: str) -> bool:
    try:
        RelativePath.parse(text)
    except InvalidPathError:
        return False
    return True


@given(st.lists(PATHS, max_size=4))
@example([])
@example([""])
@example(["a", ""])
@example(["a/", "b"])
@example(["a\0", "b"])
@example(["a", "\0", "b"])
@example(["/".join(["x" * 250] * 17)])
def test_paths_are_accepted_together_when_each_is(texts: list[str]) -> None:
    assert are_paths(texts) == all(map(is_path, texts))


@given(st.lists(st.sampled_from([HEX, HEX[:63], HEX + "0", HEX.upper(), "ä" * 64, "g" * 64, "", HEX * 2]), max_size=4))
def test_hex_digits_are_accepted_together_when_each_is(texts: list[str]) -> None:
    assert are_hex64(texts) == all(map(is_hex64, texts))


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_many_good_ones_are_accepted(count: int) -> None:
    assert are_hex64([HEX] * count)
    assert are_paths([f"photos/{number}/IMG {number}.jpg" for number in range(count)])


INSTANTS = st.sampled_from(
    [
        "2024-07-10T14:30:00Z", "2024-07-10T14:30:00.123456789Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.5Z",
        "2024-07-10T24:00:00Z", "2024-07-10T14:60:00Z", "2024-07-10T14:30:60Z", "2024-07-10T14:30:00", "",
        "2024-07-10T14:30:00.Z", "2024-07-10T14:30:00.1234567890Z", "2024-07-10 14:30:00Z", "٢٠٢٤-07-10T14:30:00Z",
        "2024-07-10T14:30:00Z\n2024-07-10T14:30:00Z", "2024-07-10T14:30:00Z\n",
    ]
)  # fmt: skip


def is_instant(text: str) -> bool:
    try:
        parse_instant_ns(text)
    except ValueError:
        return False
    return True


@given(st.lists(INSTANTS, max_size=3))
def test_times_are_accepted_together_when_each_is(texts: list[str]) -> None:
    assert are_instants(texts) == all(map(is_instant, texts))


@given(INSTANTS)
def test_what_is_a_time_to_the_second_is_one_to_the_nanosecond(text: str) -> None:
    try:
        seconds = parse_instant(text).timestamp()
    except ValueError:
        assert not is_instant(text)
    else:
        assert parse_instant_ns(text) // 10**9 == int(seconds // 1)


@given(st.datetimes(), st.integers(0, 10**9 - 1))
def test_a_written_time_reads_back(moment: datetime, nanoseconds: int) -> None:
    ns = (moment.replace(microsecond=0) - datetime(1970, 1, 1)) // timedelta(seconds=1) * 10**9 + nanoseconds
    text = format_instant_ns(ns)
    assert parse_instant_ns(text) == ns
    assert are_instants([text])
