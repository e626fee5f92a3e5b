"""Which characters names and descriptions may have: the schemas of the API and the core say the same."""

from __future__ import annotations

import re

import pytest

from imalink.core.plain_text import LINE_PATTERN, TEXT_PATTERN, check_line, check_text, escaped
from imalink.errors import UsageError

ODD = ["\0", "\x07", "\x1b[31m", "\x7f", "\x85", "\u202e", "\u2066", "\u2028"]
BREAKS = ["\n", "\r\n", "\t"]
PLAIN = ["", "Rome 2024", "Åse & Øyvind", "日本", "שלום\u200f", "👩\u200d👩\u200d👧"]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_what_is_no_text_is_refused_everywhere(odd: str) -> None:
    text = f"a{odd}b"
    for pattern, check in ((LINE_PATTERN, check_line), (TEXT_PATTERN, check_text)):
        assert re.fullmatch(pattern, text) is None
        with pytest.raises(UsageError, match="which is no text. Nothing was changed"):
            check(text, "title")


@pytest.mark.parametrize("odd", BREAKS, ids=ascii)
def test_lines_are_broken_in_descriptions_alone(odd: str) -> None:
    text = f"a{odd}b"
    assert re.fullmatch(TEXT_PATTERN, text) is not None
    assert check_text(text, "description") == text
    assert re.fullmatch(LINE_PATTERN, text) is None
    with pytest.raises(UsageError):
        check_line(text, "title")


def test_half_a_letter_is_refused() -> None:
    with pytest.raises(UsageError, match=r"U\+D800"):
        check_line("a\ud800", "title")


@pytest.mark.parametrize("text", PLAIN)
def test_letters_of_any_script_are_text(text: str) -> None:
    assert check_line(text, "title") == check_text(text, "description") == escaped(text) == text
    assert re.fullmatch(LINE_PATTERN, text) is not None


def test_what_is_shown_is_one_line() -> None:
    assert escaped("a\nb\0\u202ec\ud800") == "a\\nb\\x00\\u202ec\\ud800"
