"""Which picture a user means by naming a file: the one in it, or the one that a storage is known to have there."""

from __future__ import annotations

import os
from pathlib import Path

from imalink.catalog import file_storages, locations, tombstones
from imalink.core.ids import Hothash
from imalink.core.relative_path import RelativePath
from imalink.errors import InvalidPathError, NotFoundError, SourceError, UsageError
from imalink.workflows.identify import identify
from imalink.workflows.tools import Tools


def find_named(tools: Tools, text: str) -> Hothash | None:
    """Give the known picture of the file that ``text`` names; None when it names none, so that it is a hothash.

    A text names a file when it has a separator in it, or such a file is there. Of a place where nothing is known to
    stand it is the picture that was deleted there last. Raises NotFoundError when no such picture is known, SourceError
    when the file cannot be read, UsageError for a folder.
    """
    path = Path(text)
    is_there = "\0" not in text and path.is_file()
    if not is_there and os.sep not in text:
        return None
    if "\0" not in text and path.is_dir():
        raise UsageError(f"{text} is a folder; name a file or a hothash.")
    hothash: Hothash | None = None
    if is_there or path.exists():
        found = identify(path)
        if found.fingerprint is None:
            raise SourceError(f"{text} could not be read: {found.error}")
        hothash = found.fingerprint.hothash
    with tools.catalog.read() as db:
        if hothash is not None and (
            locations.find_by_hothash(db, [hothash]) or tombstones.find_by_hothash(db, [hothash])
        ):
            return hothash
    known = _known_at(tools, Path.cwd() / path)
    if known is None:
        what = "There is no file" if hothash is None else "No picture is known like the one in"
        raise NotFoundError(
            f"{what} {text}, and no storage is known to have one there.",
            hint="`imalink import` brings pictures in; `imalink reindex` finds what you put into a storage yourself.",
        )
    return known


def _known_at(tools: Tools, path: Path) -> Hothash | None:
    """Give the picture that a storage is known to have, or to have had, at a place on this machine."""
    with tools.catalog.read() as db:
        for record in file_storages.list_storages(db):
            if path.is_relative_to(record.full_path):
                try:
                    below = RelativePath.parse(str(path.relative_to(record.full_path)))
                except InvalidPathError:
                    continue
                found = locations.find_at_path(db, record.storage_uuid, below)
                found = found or tombstones.find_at_path(db, record.storage_uuid, below)
                if found is not None:
                    return found
    return None
