"""Where an imported file goes below the photo root."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imalink.core.path_template import PathTemplate
from imalink.core.relative_path import MAX_PART_BYTES, RelativePath
from imalink.errors import UsageError

KEEP = PathTemplate.parse("{original_path}/{filename}")
"""As it was at the source."""

DATE = PathTemplate.parse("{year}/{month}/{filename}")
"""By the local capture time."""

SESSION = PathTemplate.parse("Import-{session}/{filename}")
"""One folder for each import."""

FLAT = PathTemplate.parse("{filename}")
"""Everything in one folder."""

ORGANIZATIONS: Mapping[str, PathTemplate] = {"keep": KEEP, "date": DATE, "session": SESSION, "flat": FLAT}


def organization_named(text: str) -> PathTemplate:
    """Give how an import arranges what it brings: one of the four by name, or a path template. Raises UsageError."""
    known = ORGANIZATIONS.get(text.strip())
    if known is not None:
        return known
    if "{" not in text and "/" not in text:
        raise UsageError(
            f"{text!r} is no way to arrange an import: it is neither {', '.join(ORGANIZATIONS)} nor a path template.",
            hint="A template is a path with fields, such as {year}/{month:02}-{month_name}/{filename}.",
        )
    return PathTemplate.parse(text)


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
