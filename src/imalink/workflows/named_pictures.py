"""The pictures that a user names, by hothash or by a file that stands in a storage."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from imalink.catalog import file_storages, locations
from imalink.catalog.locations import FoundImageFile
from imalink.core.relative_path import RelativePath
from imalink.errors import NotFoundError
from imalink.workflows.find_file import get_pictures
from imalink.workflows.tools import Tools


def get_named_pictures(tools: Tools, texts: Iterable[str]) -> list[FoundImageFile]:
    """Give the pictures that a user means by hothashes, unique prefixes of them, or paths of files in storages.

    What names a file is that file. Raises UsageError, NotFoundError, AmbiguousError.
    """
    return get_pictures(tools, [_hothash_at(tools, text) if os.path.lexists(text) else text for text in texts])


def _hothash_at(tools: Tools, text: str) -> str:
    path = Path(text).resolve()
    with tools.catalog.read() as db:
        for record in file_storages.list_storages(db):
            root = Path(record.full_path).resolve()
            if path.is_relative_to(root) and path != root:
                relative = RelativePath.from_bytes(os.fsencode(path.relative_to(root)))
                hothash = locations.find_at_path(db, record.storage_uuid, relative)
                if hothash is not None:
                    return hothash
                raise NotFoundError(
                    f"{text} is in {record.display_name}, but no picture is known there. Nothing was changed.",
                    hint=f"If it was moved there or is new: imalink reindex {record.storage_uuid[:8]}",
                )
    raise NotFoundError(
        f"{text} is in no storage, so it was not touched.",
        hint="Name files in a storage by their paths, pictures anywhere by their hothashes.",
    )
