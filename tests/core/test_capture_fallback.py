"""A capture time for pictures that tell none: from the name, else from the file's own time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.capture_fallback import capture_time_from_file, capture_time_from_name
from imalink.core.timestamps import CaptureTime


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("IMG_20240710_143000.jpg", "2024-07-10T14:30:00"),
        ("PXL_20240710_143000123.jpg", "2024-07-10T14:30:00.123"),
        ("20240710143000.jpg", "2024-07-10T14:30:00"),
        ("20240710T143000.jpg", "2024-07-10T14:30:00"),
        ("2024-07-10 14.30.00.jpg", "2024-07-10T14:30:00"),
        ("Screenshot 2024-07-10 at 14.30.00.png", "2024-07-10T14:30:00"),
        ("Screenshot_2024-07-10-14-30-00.png", "2024-07-10T14:30:00"),
        ("signal-2024-07-10-14-30-00-123.jpg", "2024-07-10T14:30:00"),
        ("2024_07_10_14_30_00.jpg", "2024-07-10T14:30:00"),
        ("2024.07.10 14:30:00.jpg", "2024-07-10T14:30:00"),
        ("WP_19991231_235959.jpg", "1999-12-31T23:59:59"),
        ("a20240229_000000b.jpg", "2024-02-29T00:00:00"),
    ],
)
def test_a_name_with_date_and_time_tells_when(name: str, local: str) -> None:
    assert capture_time_from_name(name) == CaptureTime(local=local, offset=None, source="filename")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "IMG_1234.jpg",
        "20240710.jpg",
        "IMG-20240710-WA0001.jpg",
        "2024-07-10.jpg",
        "2024-07-10 1430.jpg",
        "20241310_143000.jpg",
        "20240732_143000.jpg",
        "20230229_143000.jpg",
        "20240710_243000.jpg",
        "20240710_146000.jpg",
        "20240710_143060.jpg",
        "18240710_143000.jpg",
        "120240710_143000.jpg",
        "20240710_1430001.jpg",
        "20240710_14300012345.jpg",
        "2024-0710_143000.jpg",
        "2024-07.10_143000.jpg",
        "20240710__143000.jpg",
        "1720617000000.jpg",
    ],
)
def test_a_name_without_both_or_with_an_impossible_one_tells_nothing(name: str) -> None:
    assert capture_time_from_name(name) is None


@given(st.text(max_size=40) | st.text("0123456789-_ .T:", max_size=30))
def test_any_name_can_be_asked(name: str) -> None:
    found = capture_time_from_name(name)
    assert found is None or found.source == "filename"


def test_the_time_of_a_file_is_utc_to_the_second_and_marked_as_such() -> None:
    expected = CaptureTime(local="2024-07-03T09:46:40", offset="+00:00", source="mtime")
    assert capture_time_from_file(1_720_000_000_123_456_789) == expected


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_time_of_a_file_is_a_capture_time(ns: int) -> None:
    assert capture_time_from_file(ns).taken_at.endswith("Z")
