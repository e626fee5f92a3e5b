"""Where storages may stand: at or below folders that are named, or where this machine last saw them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imalink.core.ids import StorageUuid
from imalink.core.relative_path import RelativePath
from imalink.durable_files import FileCalls
from imalink.errors import ImalinkError, StorageError
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot
from imalink.storage.signature import holds_storage
from imalink.workflows.tools import Tools

SEARCH_DEPTH = 3


def find_places(tools: Tools, roots: Sequence[Path], known: Mapping[StorageUuid, Path]) -> list[Path]:
    """Give the folders that hold ImaLink's own files of a storage, as it seems.

    Those of the storages at or a few levels below ``roots``, also of reference storages whose folder lies there;
    without ``roots``, those of ``known``, where their folders were last seen.
    """
    if not roots:
        return [tools.references.find_home(storage_uuid) or path for storage_uuid, path in known.items()]
    return [path for root in roots for path in (*_search(root, tools.calls), *tools.references.iter_homes_below(root))]


def _search(root: Path, calls: FileCalls) -> Iterator[Path]:
    """Give the storages at or below a folder, not looking inside one that is found, nor behind links."""
    try:
        held = StorageRoot.open(root, calls=calls)
    except StorageError:
        return
    with held:
        reader = FolderReader(held)
        level: list[RelativePath | None] = [None]
        for _ in range(SEARCH_DEPTH + 1):
            below: list[RelativePath | None] = []
            for folder in level:
                try:
                    if holds_storage(reader, folder):
                        yield held.path if folder is None else held.path / folder
                        continue
                    inside = (_in(folder, name) for name in reader.list_names(folder))
                    below.extend(path for path in inside if reader.get_facts(path).is_directory)
                except ImalinkError:
                    continue  # it may not be looked into, or went away meanwhile
            level = below


def _in(folder: RelativePath | None, name: str) -> RelativePath:
    return RelativePath(name if folder is None else f"{folder}/{name}")
