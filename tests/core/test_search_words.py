"""Words are the same however they are spelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.search_words import MAX_WORD_LENGTH, search_text, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IMG_0001.jpg", ["img", "0001", "jpg"]),
        ("Café Zürich", ["cafe", "zurich"]),
        ("CAFE\u0301", ["cafe"]),
        ("Straße", ["strasse"]),
        ("東京 tower", ["東", "京", "tower"]),
        ('") OR * AND "', ["or", "and"]),
        ("a'b--c;d%_e", ["a", "b", "c", "d", "e"]),
        ("\udcff x\0y", ["x", "y"]),
        ("", []),
        ("x" * 500, ["x" * MAX_WORD_LENGTH]),
    ],
)
def test_words_are_letters_and_digits_in_lower_case_without_accents(text: str, expected: list[str]) -> None:
    assert list(words_of(text)) == expected


@given(st.text())
def test_words_of_words_are_themselves(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words
    assert all(word and not word.isspace() for word in words)


def test_each_word_of_several_texts_stands_once() -> None:
    assert search_text(["Rome by night", None, "rome.jpg", ""]) == "rome by night jpg"
