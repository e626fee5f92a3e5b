"""Text found without regard to case, on every engine: what a user typed becomes a condition, never SQL.

SQLite's LIKE folds only ASCII letters, and PostgreSQL's ILIKE those of the column's collation, which is by code points.
So text with other letters takes SQLite's GLOB or PostgreSQL's regular expressions, with both cases of each letter.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

from sqlalchemy import ColumnElement, SQLColumnExpression, or_
from sqlalchemy.orm import Session

from imalink.catalog.core_json import escape_text

_ESCAPE = "\\"

TextColumn = SQLColumnExpression[str] | SQLColumnExpression[str | None]
"""A column, or what is made of columns, with text in it."""


class Wildcard(Enum):
    """What a pattern may have besides plain text."""

    ANY_TEXT = "*"
    ANY_CHARACTER = "?"


Pattern = tuple[str | Wildcard, ...]
"""Plain texts and wildcards in their order; the whole of a column's text must fit."""


def whole(text: str) -> Pattern:
    """Give the pattern of exactly this text."""
    return (text,)


def part(text: str) -> Pattern:
    """Give the pattern of any text with this in it."""
    return (Wildcard.ANY_TEXT, text, Wildcard.ANY_TEXT)


def glob(text: str) -> Pattern:
    """Give the pattern in which ``*`` stands for any characters and ``?`` for one; all others for themselves."""
    pieces = re.split(r"([*?])", re.sub(r"\*+", "*", text))
    return tuple(Wildcard(piece) if piece in ("*", "?") else piece for piece in pieces if piece)


class TextMatcher:
    """Makes conditions for the engine behind a transaction."""

    def __init__(self, db: Session) -> None:
        self._is_sqlite = db.get_bind().dialect.name == "sqlite"

    def matches(self, column: TextColumn, pattern: Pattern) -> ColumnElement[bool]:
        """Give the condition that ``column`` fits ``pattern``; letters with accents fit composed and decomposed."""
        forms = dict.fromkeys(_normalized(pattern, form) for form in ("NFC", "NFD"))
        return or_(*(self._matches(column, form) for form in forms))

    def _matches(self, column: TextColumn, pattern: Pattern) -> ColumnElement[bool]:
        if all(isinstance(piece, Wildcard) or piece.isascii() for piece in pattern):
            like = column.like if self._is_sqlite else column.ilike
            return like(_like(pattern), escape=_ESCAPE)
        return column.bool_op("GLOB")(_glob(pattern)) if self._is_sqlite else column.bool_op("~")(_regex(pattern))


def _normalized(pattern: Pattern, form: str) -> Pattern:
    def normalize(text: str) -> str:
        return unicodedata.normalize("NFD" if form == "NFD" else "NFC", escape_text(text))

    return tuple(piece if isinstance(piece, Wildcard) else normalize(piece) for piece in pattern)


def _like(pattern: Pattern) -> str:
    signs = {Wildcard.ANY_TEXT: "%", Wildcard.ANY_CHARACTER: "_"}
    return "".join(
        signs[piece] if isinstance(piece, Wildcard) else re.sub(r"([%_\\])", r"\\\1", piece) for piece in pattern
    )


def _glob(pattern: Pattern) -> str:
    return "".join(
        piece.value if isinstance(piece, Wildcard) else "".join(map(_glob_character, piece)) for piece in pattern
    )


def _glob_character(character: str) -> str:
    if character in "*?[":
        return f"[{character}]"
    both = _both_cases(character)
    return f"[{both}]" if len(both) > 1 else both


def _regex(pattern: Pattern) -> str:
    signs = {Wildcard.ANY_TEXT: ".*", Wildcard.ANY_CHARACTER: "."}
    pieces = (
        signs[piece] if isinstance(piece, Wildcard) else "".join(map(_regex_character, piece)) for piece in pattern
    )
    return f"^{''.join(pieces)}$"


def _regex_character(character: str) -> str:
    both = _both_cases(character)
    if len(both) > 1:
        return f"[{both}]"
    # Of the characters below 128 only letters and digits mean something else with a backslash before them.
    return f"\\{both}" if both.isascii() and not both.isalnum() else both


def _both_cases(character: str) -> str:
    cases = [case for case in (character.lower(), character.upper()) if len(case) == 1]
    return "".join(dict.fromkeys([character, *cases]))
