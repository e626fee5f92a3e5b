"""Where an imported file goes below the photo root."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from imalink.core.relative_path import MAX_PART_BYTES, RelativePath
from imalink.core.timestamps import CaptureTime


class Organization(StrEnum):
    """How an import arranges what it brings."""

    KEEP = "keep"
    """As it was at the source."""
    DATE = "date"
    """``YYYY/MM`` by the local capture time."""


_STORAGE_LIKE = re.compile(r"\Aimalink_", re.IGNORECASE)


def target_path(
    organization: Organization,
    source: RelativePath,
    *,
    photo_root: RelativePath | None,
    capture_time: CaptureTime | None,
) -> RelativePath:
    """Say where a file goes if the name is free there.

    Without a capture time ``date`` uses a folder ``unknown``. A folder whose name begins like a storage's own is
    spelt with a hyphen, so that a search for storages never finds it.
    """
    match organization:
        case Organization.KEEP:
            folders = [_STORAGE_LIKE.sub("imalink-", part, count=1) for part in source.split("/")[:-1]]
        case Organization.DATE:
            folders = [capture_time.local[:4], capture_time.local[5:7]] if capture_time is not None else ["unknown"]
    root = [] if photo_root is None else [photo_root]
    return RelativePath.parse("/".join([*root, *folders, source.name]))


def free_name(path: RelativePath, is_taken: Callable[[RelativePath], bool]) -> RelativePath:
    """Give ``path``, or the first of ``name (2).jpg``, ``name (3).jpg``, … that is not taken."""
    if not is_taken(path):
        return path
    suffix = path.suffix
    stem = path.name.removesuffix(suffix) if suffix else path.name
    folder = path.rpartition("/")[0]
    number = 2
    while True:
        ending = f" ({number}){suffix}"
        name = _shorten(stem, MAX_PART_BYTES - len(RelativePath(ending).as_bytes())) + ending
        candidate = RelativePath.parse(f"{folder}/{name}" if folder else name)
        if not is_taken(candidate):
            return candidate
        number += 1


def _shorten(stem: str, limit_bytes: int) -> str:
    while len(stem.encode("utf-8", "surrogateescape")) > limit_bytes:
        stem = stem[:-1]
    return stem


def companion_target(companion: RelativePath, picture: RelativePath, target: RelativePath) -> RelativePath:
    """Say where a companion goes when its picture goes to ``target``: beside it, its name following the picture's."""
    name, old_name, new_name = companion.name, picture.name, target.name
    old_stem, new_stem = old_name.removesuffix(picture.suffix), new_name.removesuffix(target.suffix)
    if name.casefold().startswith(old_name.casefold()):
        name = new_name + name[len(old_name) :]
    elif name.casefold().startswith(old_stem.casefold()):
        name = new_stem + name[len(old_stem) :]
    folder = target.rpartition("/")[0]
    return RelativePath.parse(f"{folder}/{name}" if folder else name)
