"""A scratch folder on some disk: made, held open for a block, and removed with all that was made in it."""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from imalink.core.relative_path import RelativePath
from imalink.durable_files import FileCalls, storage_errors, write_all
from imalink.storage.fs import StorageFiles
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot


@contextmanager
def scratch_folder(folder: Path, *, token: str, calls: FileCalls | None = None) -> Generator[StorageFiles]:
    """Hold a new folder ``.imalink-scratch-<token>`` in ``folder`` open for a block; it is gone afterwards.

    Only a killed process leaves it; walks pass over its name. Raises NameTakenError when it is there, StorageError.
    """
    name = RelativePath(f".imalink-scratch-{token}")
    with StorageRoot.open(folder, calls=calls) as base:
        with storage_errors("make the folder", name, is_writing=True):
            base.calls.mkdir(base.descriptor, name, 0o700)
        try:
            with StorageRoot.open(base.path / name, calls=calls) as root:
                yield StorageFiles(root)
        finally:
            with storage_errors("remove", name, is_writing=True):
                _remove(base.calls, base.descriptor, name)


def fill_scratch(files: StorageFiles, folder: RelativePath, count: int) -> None:
    """Make a folder of ``count`` small files in a scratch folder; nothing of it is flushed."""
    files.make_directories(folder, is_synced=False)
    with files.root.directory(folder) as directory, storage_errors("make files in", folder, is_writing=True):
        for number in range(count):
            descriptor = files.calls.create_exclusive(directory, f"{number}.jpg", 0o600)
            try:
                write_all(files.calls, descriptor, b"x")
            finally:
                files.calls.close(descriptor)


def copy_into(files: StorageFiles, folder: RelativePath, source: FolderReader, paths: Iterable[RelativePath]) -> None:
    """Copy files of another folder to the same paths below ``folder`` of a scratch folder; nothing is flushed."""
    files.make_directories(folder, is_synced=False)
    for path in paths:
        target = folder.below(path)
        if target.parent is not None:
            files.make_directories(target.parent, is_synced=False)
        with files.folder_of(target) as directory, storage_errors("make", target, is_writing=True):
            descriptor = files.calls.create_exclusive(directory, target.name, 0o600)
        try:
            for chunk in source.iter_content(path):
                write_all(files.calls, descriptor, chunk, target)
        finally:
            files.calls.close(descriptor)


def _remove(calls: FileCalls, parent: int, name: str) -> None:
    """Remove a folder and what is in it, through handles and following no link."""
    folder = calls.open_directory(parent, name)
    try:
        with calls.scan(folder) as entries:
            names = [entry.name for entry in entries]
        for each in names:
            if stat.S_ISDIR(calls.stat(folder, each).st_mode):
                _remove(calls, folder, each)
            else:
                calls.unlink(folder, each)
    finally:
        calls.close(folder)
    calls.rmdir(parent, name)
