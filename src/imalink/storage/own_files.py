"""ImaLink's own files of a storage: those that say everything there is to know of it, without pictures and previews."""

from __future__ import annotations

from collections.abc import Iterator

from imalink.core.relative_path import RelativePath
from imalink.errors import NotFoundError
from imalink.formats.layouts.layout import Layout
from imalink.formats.signature_file import SIGNATURE_NAME
from imalink.storage.backups import BACKUPS
from imalink.storage.lock_files import BROKEN_LOCKS
from imalink.storage.reading import FolderReader

METADATA = RelativePath(".imalink/metadata")
_LEFT_OUT = frozenset({BACKUPS, BROKEN_LOCKS})


def iter_own_files(files: FolderReader, layout: Layout) -> Iterator[RelativePath]:
    """Give the signature, the indexes, the commits, the journals and the manifests that stand there, by path.

    Kept generations, locks, unfinished imports, previews, the trash and quarantine are left out. Raises StorageError.
    """
    for path in (RelativePath(SIGNATURE_NAME), layout.overview_path, layout.master_path):
        if _is_file(files, path):
            yield path
    yield from _iter_below(files, layout.sessions_directory)
    yield from _iter_below(files, METADATA)


def iter_witnesses(files: FolderReader) -> Iterator[RelativePath]:
    """Give the signature, the commits and the journals alone: what everything else is derived from."""
    signature = RelativePath(SIGNATURE_NAME)
    if _is_file(files, signature):
        yield signature
    yield from _iter_below(files, RelativePath(f"{METADATA}/commits"))
    yield from _iter_below(files, RelativePath(f"{METADATA}/journal"))


def _iter_below(files: FolderReader, folder: RelativePath) -> Iterator[RelativePath]:
    try:
        names = files.list_names(folder)
    except NotFoundError:
        return
    for name in names:
        path = folder.below(name)
        facts = files.find_facts(path)
        if facts is not None and facts.is_file:
            yield path
        elif facts is not None and facts.is_directory and path not in _LEFT_OUT:
            yield from _iter_below(files, path)


def _is_file(files: FolderReader, path: RelativePath) -> bool:
    facts = files.find_facts(path)
    return facts is not None and facts.is_file
