"""Relative paths: what may stand in an index, and how it is shown and compared."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.relative_path import MAX_PART_BYTES, MAX_PATH_BYTES, RelativePath
from imalink.errors import InvalidPathError

pytestmark = pytest.mark.path_manipulation


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "photos/2024/IMG_1.jpg",
        "...",
        "a/.hidden",
        "a/..b",
        "a/b..",
        "a b/ c ",
        "line\nbreak.jpg",
        "\u202egpj.exe",
        "Ferien/Zürich – Bäume.jpg",
        "a\\b",
        "C:/x",
        "\udcff.jpg",
        "x" * MAX_PART_BYTES,
        "é" * 127,
        "/".join(["x" * 255] * 16),
    ],
)
def test_a_path_that_a_disk_may_hold_is_kept_as_it_is(text: str) -> None:
    path = RelativePath.parse(text)
    assert path == text
    assert type(path) is RelativePath
    assert RelativePath.from_bytes(path.as_bytes()) == path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("/", "absolute"),
        ("/etc/passwd", "absolute"),
        ("//server/share", "absolute"),
        (".", "part"),
        ("..", "part"),
        ("a/../b", "part"),
        ("a/..", "part"),
        ("../a", "part"),
        ("./a", "part"),
        ("a/.", "part"),
        ("a//b", "empty part"),
        ("a/", "empty part"),
        ("a\0b", "NUL"),
        ("x" * 256, "longer"),
        ("é" * 128, "longer"),
        ("a/" + "\U0001f4f7" * 64, "longer"),
        ("/".join(["x" * 255] * 16) + "/a", "longer"),
        ("/".join(["ab"] * 1366), "longer"),
        ("\ud800", "not text"),
        ("a\udfff", "not text"),
        ("\udcc3\udca9", "not text"),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidPathError, match=reason) as caught:
        RelativePath.parse(text)
    assert caught.value.message.isprintable()


def test_a_trailing_newline_is_part_of_the_name() -> None:
    assert RelativePath.parse("a\n") == "a\n"
    with pytest.raises(InvalidPathError):
        RelativePath.parse("..\n/..")
    with pytest.raises(InvalidPathError):
        RelativePath.parse("a/\n/..")


@given(st.text(st.characters(), max_size=40) | st.text("./a\0é\n\udcff", max_size=12))
def test_parsing_agrees_with_the_rule_spelt_out(text: str) -> None:
    try:
        raw = text.encode("utf-8", "surrogateescape")
        is_text = raw.decode("utf-8", "surrogateescape") == text
    except UnicodeEncodeError:
        raw, is_text = b"", False
    parts = raw.split(b"/")
    is_allowed = (
        is_text
        and all(part not in (b"", b".", b"..") and len(part) <= MAX_PART_BYTES for part in parts)
        and b"\0" not in raw
        and len(raw) <= MAX_PATH_BYTES
    )
    try:
        RelativePath.parse(text)
    except InvalidPathError:
        assert not is_allowed
    else:
        assert is_allowed


@given(st.binary(min_size=1, max_size=80))
def test_every_name_a_disk_can_hold_comes_back_byte_for_byte(raw: bytes) -> None:
    try:
        path = RelativePath.from_bytes(raw)
    except InvalidPathError:
        return
    assert path.as_bytes() == raw
    assert os.fsencode(path) == raw or sys.getfilesystemencoding() != "utf-8"


@given(st.text(min_size=1, max_size=60))
def test_what_is_shown_holds_no_control_bidi_or_surrogate_character(text: str) -> None:
    shown = RelativePath(text).printable()
    assert all(character == " " or character.isprintable() for character in shown)
    shown.encode("utf-8")


def test_odd_characters_are_shown_escaped() -> None:
    assert RelativePath("a\nb").printable() == r"a\x0ab"
    assert RelativePath("a\u202eb").printable() == r"a\u202eb"
    assert RelativePath("a\udcffb").printable() == r"a\xffb"
    assert RelativePath("\U000e0001").printable() == r"\U000e0001"
    assert RelativePath("Zürich 1.jpg").printable() == "Zürich 1.jpg"


def test_the_parts_of_a_path() -> None:
    path = RelativePath.parse("photos/2024/IMG_1.JPG.xmp")
    assert path.name == "IMG_1.JPG.xmp"
    assert path.stem == "IMG_1.JPG"
    assert path.suffix == ".xmp"
    assert path.parts == ("photos", "2024", "IMG_1.JPG.xmp")
    assert path.parent == "photos/2024"
    assert type(path.parent) is RelativePath
    assert RelativePath("photos").parent is None
    assert RelativePath(".hidden").suffix == ""
    assert RelativePath("name.").suffix == ""
    assert RelativePath("a.d/name").suffix == ""


def test_what_lies_below_what() -> None:
    path = RelativePath.parse("photos/2024/a.jpg")
    assert path.is_below(RelativePath("photos"))
    assert path.is_below(RelativePath("photos/2024"))
    assert path.is_below(None)
    assert not path.is_below(RelativePath("photos/20"))
    assert not path.is_below(path)
    assert path.relative_to(RelativePath("photos")) == "2024/a.jpg"
    assert RelativePath("photos").below("2024/a.jpg").relative_to(None) == "photos/2024/a.jpg"
    with pytest.raises(ValueError, match="not below"):
        path.relative_to(RelativePath("2024"))
    with pytest.raises(InvalidPathError):
        RelativePath("photos").below("../x")
    with pytest.raises(InvalidPathError):
        RelativePath("photos").below("/x")


OWN_NAMES = frozenset({"index.json", "imports", "imalink-master.json", "imalink-sessions"})


@pytest.mark.parametrize(
    "text",
    [
        ".imalink",
        ".imalink/staging/x",
        ".imalink-storage",
        ".imalink-storage.lock.abc",
        ".imalink-trash/x",
        ".IMALINK/x",
        "index.json",
        "INDEX.JSON",
        "index.json.",
        "imports/session_1.json",
        "Imports. /x",
        "imalink-master.json",
        "imalink-sessions/session_1.json",
        ".ima\u200clink/x",
        ".imalin\uff4b/x",
        "IMALIN~1/x",
        "INDEX~1.JSO",
    ],
)
def test_our_own_names_are_known_in_every_spelling_a_disk_accepts(text: str) -> None:
    assert RelativePath.parse(text).is_ours(OWN_NAMES)


@pytest.mark.parametrize(
    "text", ["photos/index.json", "imports.jpg", "import/x", "imalink.jpg", "index.jpg", "x/.imalink/y", "größe/x"]
)
def test_the_users_names_are_not_ours(text: str) -> None:
    assert not RelativePath.parse(text).is_ours(OWN_NAMES)


def test_twins_meet_under_one_key() -> None:
    assert RelativePath("Zu\u0308rich/A.JPG").fold_key() == RelativePath("z\u00fcrich/a.jpg").fold_key()
    assert RelativePath("straße").fold_key() == RelativePath("STRASSE").fold_key()
    assert RelativePath("a").fold_key() != RelativePath("b").fold_key()


def test_a_path_carries_nothing_but_its_text() -> None:
    path = RelativePath.parse("a/b")
    assert not hasattr(path, "__dict__")
    assert {"a/b": 1}[path] == 1
    assert RelativePath("\udcff").is_utf8 is False
    assert RelativePath("é").is_utf8 is True
