"""Where storages may stand: at or below folders that are named, or where this machine last saw them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imalink.core.ids import StorageUuid
from imalink.storage.signature import looks_like_storage
from imalink.workflows.tools import Tools

SEARCH_DEPTH = 3


def find_places(tools: Tools, roots: Sequence[Path], known: Mapping[StorageUuid, Path]) -> list[Path]:
    """Give the folders that hold ImaLink's own files of a storage, as it seems.

    Those of the storages at or a few levels below ``roots``, also of reference storages whose folder lies there;
    without ``roots``, those of ``known``, where their folders were last seen.
    """
    if not roots:
        return [tools.references.find_home(storage_uuid) or path for storage_uuid, path in known.items()]
    return [path for root in roots for path in (*_search(root), *tools.references.iter_homes_below(root))]


def _search(root: Path) -> Iterator[Path]:
    """Give the storages at or below a folder, not looking inside one that is found, nor behind links."""
    level = [root.absolute()]
    for _ in range(SEARCH_DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            try:
                if looks_like_storage(folder):
                    yield folder
                    continue
                below.extend(sorted(each for each in folder.iterdir() if each.is_dir() and not each.is_symlink()))
            except OSError:
                continue
        level = below
