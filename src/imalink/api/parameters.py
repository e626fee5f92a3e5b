"""Parameters that many routes share.

Those of a path are checked by whoever looks them up: what cannot name anything is not found, rather than invalid.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from imalink.answers import json_text
from imalink.api.schemas.storages import UUID_EXAMPLE
from imalink.core.ids import parse_uuid
from imalink.errors import NotFoundError

MAX_PAGE = 500

_KEY = "^([0-9]{1,9}|[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})$"
StorageKey = Annotated[
    str,
    Path(description="The storage's UUID, or its `id`.", examples=[UUID_EXAMPLE], json_schema_extra={"pattern": _KEY}),
]
SessionKey = Annotated[
    str, Path(description="The session's `id`, or its UUID.", examples=["42"], json_schema_extra={"pattern": _KEY})
]
Hothash = Annotated[
    str,
    Path(
        description="The hothash of a picture, or its first digits, 8 or more.",
        examples=["a1b2c3d4"],
        json_schema_extra={"pattern": "^[0-9a-fA-F]{8,64}$"},
    ),
]
ImageId = Annotated[
    str,
    Path(
        description="The number of the picture in the catalog.",
        examples=["1"],
        json_schema_extra={"pattern": "^[0-9]{1,9}$"},
    ),
]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1, description="How many to leave out at the beginning.")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many to give at most.")]


def named(hothash: str) -> str:
    """Give what a path calls a picture, if it can be one. Raises NotFoundError."""
    text = hothash.lower()
    if not 8 <= len(text) <= 64 or set(text) - set("0123456789abcdef"):
        raise NotFoundError(
            f"No picture {json_text(hothash)!r} is known.", hint="A hothash has 64 hexadecimal digits; 8 may do."
        )
    return text


def number_of(what: str, text: str) -> int:
    """Give the number that a path calls something by, if it can be one. Raises NotFoundError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NotFoundError(f"No {what} {json_text(text)!r} is known.")
    return int(text)


def item_key(what: str, text: str) -> str:
    """Give the UUID that a path calls something by, if it can be one. Raises NotFoundError."""
    try:
        return parse_uuid(text)
    except ValueError as error:
        raise NotFoundError(f"No {what} {json_text(text)!r} is known.") from error
