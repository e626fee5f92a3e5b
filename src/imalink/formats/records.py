"""What all wire shapes share: their base, and paths, checksums, sizes and texts in them."""

from __future__ import annotations

import base64
from typing import Annotated

import msgspec

from imalink.core.ids import Hothash, Sha256, is_hex64
from imalink.core.relative_path import OWN_NAMES, RelativePath
from imalink.errors import InvalidPathError

Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What a catalog can hold too."""
MAX_SIZE_BYTES = 2**53 - 1


class Record(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Base of all wire shapes: keys that have their default are not written."""


def path_fields(path: RelativePath) -> tuple[str, str | None]:
    """Give a path as (text, base64 of its bytes when it is not UTF-8)."""
    if path.is_utf8:
        return str(path), None
    return path.printable(), base64.b64encode(path.as_bytes()).decode()


def path_from(text: str, encoded: str | None) -> RelativePath:
    """Read a path written by ``path_fields``. Raises InvalidPathError."""
    if encoded is None:
        return RelativePath.parse(text)
    try:
        return RelativePath.from_bytes(base64.b64decode(encoded, validate=True))
    except ValueError as error:  # binascii.Error is one, and characters beyond ASCII give a plain one
        raise InvalidPathError(f"not base64: {encoded!r}") from error


def file_path_from(text: str, encoded: str | None) -> RelativePath:
    """Read the path of a file of the user's. Raises InvalidPathError, also for one of ImaLink's own names."""
    path = path_from(text, encoded)
    if (path[0] in ".iI" or not path.isascii()) and path.is_ours(OWN_NAMES):
        raise InvalidPathError(f"{path.printable()!r} is, or lies in, one of ImaLink's own names")
    return path


def path_place(encoded: str | None) -> str:
    """Say which key a path is read from."""
    return "relative_path" if encoded is None else "relative_path_bytes"


def hothash_from(text: str) -> Hothash:
    """Read a hothash. Raises ValueError."""
    if not is_hex64(text):
        raise ValueError(f"not 64 hex digits: {text!r}")
    return Hothash(text)


def sha256_from(text: str) -> Sha256:
    """Read a file checksum. Raises ValueError."""
    return Sha256(hothash_from(text))


def size_from(value: int) -> int:
    """Read a size in bytes. Raises ValueError when negative or beyond what every reader of JSON counts exactly."""
    if not 0 <= value <= MAX_SIZE_BYTES:
        raise ValueError(f"a size cannot be {value}")
    return value


def safe_text(text: str) -> str:
    """Give plain text that UTF-8 can hold; half surrogates become question marks."""
    text = str(text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
