"""Check thousands of texts at once, at the speed of C: a third of the time of loading a master goes otherwise."""

from __future__ import annotations

from collections.abc import Collection

from imalink.core.relative_path import MAX_PART_BYTES, RelativePath
from imalink.errors import InvalidPathError

_HEX_DIGITS = b"0123456789abcdef"


def are_hex64(texts: Collection[str]) -> bool:
    """Tell whether every text is 64 lower-case hex digits, exactly as ``is_hex64`` does."""
    joined = "".join(texts)
    return set(map(len, texts)) <= {64} and joined.isascii() and not joined.encode().translate(None, _HEX_DIGITS)


def are_paths(texts: Collection[str]) -> bool:
    """Tell whether ``RelativePath.parse`` accepts every text; only what is not ASCII is given to it."""
    plain = [text for text in texts if text.isascii()]
    return _are_plain_paths(plain) and all(map(_is_path, (text for text in texts if not text.isascii())))


def _are_plain_paths(texts: Collection[str]) -> bool:
    if not texts:
        return True
    if max(map(len, texts)) > MAX_PART_BYTES:
        return all(map(_is_path, texts))
    # Every path between slashes, and NUL, which none may hold, between them: all that parse refuses shows as text.
    joined = "/\0/".join(texts)
    joined = f"/{joined}/"
    return joined.count("\0") == len(texts) - 1 and "//" not in joined and "/./" not in joined and "/../" not in joined


def _is_path(text: str) -> bool:
    try:
        RelativePath.parse(text)
    except InvalidPathError:
        return False
    return True
