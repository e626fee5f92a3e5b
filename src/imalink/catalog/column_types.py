"""Column types: text that every engine holds, hashes as 32 bytes, instants that sort, core values as JSON text."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Generic, TypeVar

from sqlalchemy import DateTime, Dialect, LargeBinary, String, Text
from sqlalchemy.types import TypeDecorator

from imalink.catalog.core_json import dump_compact, escape_text, load_compact
from imalink.core.timestamps import parse_instant

T = TypeVar("T")


_parse = lru_cache(maxsize=16_384)(parse_instant)


@lru_cache(maxsize=16_384)
def canonical_instant(text: str) -> str:
    """Give an instant's text as the database gives it back. Raises ValueError."""
    return _format_instant(_parse(text))


def _format_instant(moment: datetime) -> str:
    text = moment.isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"


class StoredText(TypeDecorator[str]):
    """Text, whoever wrote it: what no database holds, NUL and lone surrogates, is kept and looked for escaped.

    PostgreSQL refuses a whole statement for one such character, and a drive of somebody else may be full of them.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Give the text as it is kept."""
        return None if value is None else escape_text(value)


class ShortText(StoredText):
    """Text of at most so many characters."""

    impl = String
    cache_ok = True


class Digest(TypeDecorator[str]):
    """64 hex digits in Python, 32 bytes in the database, so that indexes stay small and order is by value."""

    impl = LargeBinary(32)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Give the bytes."""
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Give the hex digits."""
        return None if value is None else value.hex()


class Instant(TypeDecorator[str]):
    """ISO 8601 UTC with ``Z`` in Python (as ``core`` writes instants), a timestamp in the database.

    Digits below a microsecond are cut; a fraction is given back without trailing zeros.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Give the aware time."""
        return None if value is None else _parse(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Give the text."""
        if value is None:
            return None
        return _format_instant(value.astimezone(UTC) if value.tzinfo is not None else value)


class CoreJson(TypeDecorator[T], Generic[T]):
    """A frozen core value in Python, compact JSON text in the database."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[T]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        """Give the text."""
        return None if value is None else dump_compact(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> T | None:
        """Give the value."""
        return None if value is None else load_compact(value, self.kind)
