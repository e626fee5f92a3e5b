"""Names of things: hothash, checksums and the UUIDs that identify storages, sessions, runs, photos and operations."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection
from typing import NewType

from imalink.errors import UsageError

Hothash = NewType("Hothash", str)
"""Which picture: 64 lower-case hex digits. Format: docs/format/hothash.md."""

Sha256 = NewType("Sha256", str)
"""Which bytes: SHA-256 of a whole file, 64 lower-case hex digits."""

HothashMethod = NewType("HothashMethod", str)
"""How a hothash was made: ``jpeg-1``, ``png-1``, … or ``file-1``."""

StorageUuid = NewType("StorageUuid", str)
SessionUuid = NewType("SessionUuid", str)
RunUuid = NewType("RunUuid", str)
PhotoUuid = NewType("PhotoUuid", str)
OperationUuid = NewType("OperationUuid", str)
WriterId = NewType("WriterId", str)
"""One installation of ImaLink, as the name of its journal."""

FILE_METHOD = HothashMethod("file-1")
PHOTO_NAMESPACE = uuid.UUID("6d0c6a5e-6c57-5f0e-9d4b-1f5b9a4f7c11")
_UUID_TEXT = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_CANONICAL_UUID = re.compile(_UUID_TEXT)
_CANONICAL_UUID_LINES = re.compile(rf"(?:{_UUID_TEXT}\n)*+")

MIN_PREFIX_LENGTH = 8
_HEX64 = re.compile(r"[0-9a-f]{64}")
_HEX_PREFIX = re.compile(r"[0-9a-f]{8,64}")


def is_hex64(text: str) -> bool:
    """Tell whether ``text`` is 64 lower-case hex digits."""
    return _HEX64.fullmatch(text) is not None


def parse_hothash_prefix(text: str) -> str:
    """Give ``text`` as a hothash prefix of 8 to 64 lower-case hex digits. Raises UsageError."""
    lowered = text.strip().lower()
    if _HEX_PREFIX.fullmatch(lowered) is None:
        raise UsageError(
            f"{text!r} is not a hothash: expected 8 to 64 hexadecimal digits.",
            hint="Run `imalink hothash FILE` to see a file's hothash.",
        )
    return lowered


def photo_uuid_of(hothash: Hothash, method: HothashMethod) -> PhotoUuid:
    """Give the photo whose first primary file has this identity.

    Two machines that import the same card agree, because it is UUIDv5 of ``method:hothash``.
    """
    return PhotoUuid(str(uuid.uuid5(PHOTO_NAMESPACE, f"{method}:{hothash}")))


def split_photo_uuid_of(hothash: Hothash, method: HothashMethod, turn: int) -> PhotoUuid:
    """Give a photo that a file may be when it leaves another one, at the ``turn``-th try.

    The first is that of ``photo_uuid_of``, which is taken when the photo it leaves was named after it.
    """
    if turn == 0:
        return photo_uuid_of(hothash, method)
    return PhotoUuid(str(uuid.uuid5(PHOTO_NAMESPACE, f"{method}:{hothash}:{turn}")))


def parse_uuid(text: str) -> str:
    """Give ``text`` in canonical lower-case UUID form. Raises ValueError."""
    # An index has tens of thousands, all canonical already; making a UUID of each takes eight times as long.
    return text if _CANONICAL_UUID.fullmatch(text) is not None else str(uuid.UUID(text))


def are_canonical_uuids(texts: Collection[str]) -> bool:
    """Tell of many texts at once whether each is a UUID as ``parse_uuid`` gives it."""
    lines = "\n".join((*texts, ""))
    return lines.count("\n") == len(texts) and _CANONICAL_UUID_LINES.fullmatch(lines) is not None
