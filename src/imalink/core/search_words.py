"""Words of texts as full-text search compares them: the same from what a photo says and from what a user types."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

MAX_WORD_LENGTH = 60
"""Longer words are cut; nobody types them, and no index of an engine takes words of any length."""

_WORD = re.compile(r"[^\W_]+")
_ASCII_WORD = re.compile(r"[0-9a-z]+")
_IDEOGRAPH = re.compile("([\u2e80-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])")
"""Letters of scripts that are written without blanks; each counts as a word."""


@lru_cache(maxsize=16_384)
def words_of(text: str) -> tuple[str, ...]:
    """Give the words of a text in their order: letters and digits only, in lower case, accents taken off.

    Anything else parts words: ``IMG_0001.jpg`` is three. Letters of Chinese, Japanese and Korean are a word each.
    """
    if text.isascii():
        return tuple(word[:MAX_WORD_LENGTH] for word in _ASCII_WORD.findall(text.lower()))
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        if not unicodedata.combining(character) and not 0xD800 <= ord(character) <= 0xDFFF
    )
    spaced = _IDEOGRAPH.sub(r" \1 ", unicodedata.normalize("NFC", plain))
    return tuple(word[:MAX_WORD_LENGTH] for word in _WORD.findall(spaced))


def search_text(texts: Iterable[str | None]) -> str:
    """Give the words of several texts, each once, parted by blanks."""
    return " ".join(dict.fromkeys(word for text in texts if text for word in words_of(text)))
