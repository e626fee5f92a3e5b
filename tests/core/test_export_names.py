"""Names of exported files: safe everywhere, and no two the same on any file system."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.export_names import MAX_NAME_BYTES, ExportNames


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("IMG_1.JPG", "IMG_1.JPG"),
        ("a/b.jpg", "a_b.jpg"),
        ("..", "_"),
        (".hidden.jpg", "_.hidden.jpg"),
        ("con.jpg", "_con.jpg"),
        ('say "hi"?.jpg', "say _hi__.jpg"),
        ("line\nbreak.jpg", "line_break.jpg"),
        ("ends. ", "ends"),
        ("\u202egpj.exe", "_gpj.exe"),
        ("caf\udce9.jpg", "caf_.jpg"),
    ],
)
def test_a_name_is_made_safe(filename: str, name: str) -> None:
    assert ExportNames().give(filename) == name


def test_names_that_some_disk_takes_for_the_same_are_told_apart() -> None:
    names = ExportNames(["SHA256SUMS"])
    given_names = [
        names.give(each) for each in ("a.jpg", "A.JPG", "a.jpg", "a_2.jpg", "sha256sums", "e\u0301.jpg", "\u00e9.jpg")
    ]
    assert given_names == ["a.jpg", "A_2.JPG", "a_3.jpg", "a_2_2.jpg", "sha256sums_2", "e\u0301.jpg", "\u00e9_2.jpg"]


@given(st.lists(st.text(max_size=300) | st.sampled_from(["a.jpg", "A.jpg", "", ".", "a_2.jpg"]), max_size=30))
def test_every_name_is_one_part_and_its_own(filenames: list[str]) -> None:
    names = ExportNames()
    given_names = [names.give(filename) for filename in filenames]
    assert len({unicodedata.normalize("NFC", name.casefold()) for name in given_names}) == len(filenames)
    for name in given_names:
        assert name and "/" not in name and "\0" not in name and not name.startswith(".")
        assert len(name.encode()) <= MAX_NAME_BYTES + 8
