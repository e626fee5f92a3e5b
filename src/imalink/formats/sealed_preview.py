"""Hotpreviews that show when they are spoilt: a JPEG comment right at the start holds a digest of all the rest.

The digest is also of the preview's name: in a storage the hothash of its picture. Any program shows such a JPEG.
Format page: docs/reference/previews.md.
"""

from __future__ import annotations

import hashlib

_START = b"\xff\xd8"
_COMMENT = b"\xff\xfe"
_WORDS = b"imalink sha256 "
_HEAD = _START + _COMMENT + (2 + len(_WORDS) + 64).to_bytes(2, "big") + _WORDS
_SEALED_FROM = len(_HEAD) + 64


def seal_preview(name: str, data: bytes) -> bytes:
    """Give a preview with its seal; what is no JPEG stays as it is."""
    if not data.startswith(_START):
        return data
    rest = data[len(_START) :]
    return _HEAD + _digest(name, rest) + rest


def unseal_preview(data: bytes) -> bytes:
    """Give a preview as it was before it was sealed."""
    return _START + data[_SEALED_FROM:] if data.startswith(_HEAD) else data


def is_preview_whole(name: str, data: bytes) -> bool:
    """Tell whether every byte is as it was sealed, and as the preview of this picture."""
    return data.startswith(_HEAD) and data[len(_HEAD) : _SEALED_FROM] == _digest(name, data[_SEALED_FROM:])


def _digest(name: str, rest: bytes) -> bytes:
    return hashlib.sha256(name.encode() + rest).hexdigest().encode()
