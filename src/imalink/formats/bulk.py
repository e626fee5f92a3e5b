"""What makes thousands of entries load fast: texts checked all at once, at the speed of C, and no collecting between.

What they bring, `make bench` measures as ``master-load``.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager

from imalink.core.relative_path import MAX_PART_BYTES, OWN_NAMES, RelativePath
from imalink.errors import InvalidPathError

_HEX_DIGITS = b"0123456789abcdef"


@contextmanager
def no_collecting() -> Generator[None]:
    """Keep the garbage collector from walking all that is alive again and again while thousands of values are made.

    Entries hold no cycles. Nothing is lost where several threads do this at once: one of them lets it collect early.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()


def are_hex64(texts: Collection[str]) -> bool:
    """Tell whether every text is 64 lower-case hex digits, exactly as ``is_hex64`` does."""
    joined = "".join(texts)
    return set(map(len, texts)) <= {64} and joined.isascii() and not joined.encode().translate(None, _HEX_DIGITS)


def are_paths(texts: Collection[str]) -> bool:
    """Tell whether every text is the path of a user's file: ``RelativePath.parse`` accepts it, and it is not ours.

    Only what is not ASCII is given to ``parse``.
    """
    plain = [text for text in texts if text.isascii()]
    return (
        _are_plain_paths(plain)
        and all(map(_is_path, (text for text in texts if not text.isascii())))
        and first_own_path(texts, OWN_NAMES) is None
    )


def first_own_path(paths: Iterable[str], own_names: frozenset[str]) -> str | None:
    """Give a path that is, or lies in, one of ImaLink's names; None without one. Each first part is asked once."""
    firsts = {path.partition("/")[0]: path for path in paths}
    return next((path for first, path in firsts.items() if RelativePath(first).is_ours(own_names)), None)


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
