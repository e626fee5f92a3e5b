"""The trash of a storage: ``.imalink-trash/``, which operation put what there, and which moves are not finished.

Format and rules: docs/format/durability.md, "What is kept aside".
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from imalink.core.ids import OperationUuid
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.durable_files import storage_errors
from imalink.errors import NotFoundError, StorageError, UnsafePathError
from imalink.storage.fs import STAGING, StorageFiles
from imalink.storage.scanner import storage_rules, walk
from imalink.storage.staging import TRASH

_MARK = "moves-"
"""A folder of this name in staging stands there while an operation's files are being moved."""


def is_trash_path(path: RelativePath) -> bool:
    """Tell whether a path is a place in the trash: below the folder of an operation or run."""
    return path.is_below(TRASH) and len(path.parts) > len(TRASH.parts) + 1


def trash_path(operation: str, path: RelativePath) -> RelativePath:
    """Say where an operation keeps what stood at ``path``. Raises InvalidPathError."""
    return TRASH.below(f"{operation}/{path}")


def operation_of(path: RelativePath) -> str:
    """Give the UUID of the operation, or run, that put a file there."""
    return path.parts[len(TRASH.parts)]


class Trash:
    """Looks into the trash of one storage, removes from it, and remembers unfinished moves. Writing needs the lock."""

    def __init__(self, files: StorageFiles) -> None:
        self._files = files

    def list_files(self) -> Mapping[RelativePath, ScannedFile]:
        """Give every file in it, whoever put it there; links and hidden names are left out. Raises StorageError."""
        try:
            found = walk(self._files.root, start=TRASH, rules=storage_rules(frozenset()))
        except NotFoundError:
            return {}
        self._files.root.verify_identity()
        return found.files

    def remove(self, path: RelativePath) -> None:
        """Remove a file from it for good; not durable before its folder is flushed.

        Raises UnsafePathError for any other path and for what is no file, NotFoundError, StorageError.
        """
        facts = self._files.get_facts(path)
        if not is_trash_path(path) or not facts.is_file:
            raise UnsafePathError(f"{path.printable()} is no file in the trash; nothing was removed.")
        self._files.check_guard()
        with self._files.folder_of(path) as directory, storage_errors("remove", path.printable(), is_writing=True):
            self._files.calls.unlink(directory, path.name)

    def tidy(self, path: RelativePath) -> None:
        """Remove the folders above a file that left the trash, as far as they are empty, the trash itself too.

        They are worth nothing: where one cannot be removed it stays.
        """
        folder = path.parent
        with suppress(StorageError, NotFoundError):
            while folder is not None and (folder == TRASH or folder.is_below(TRASH)):
                if self._files.list_names(folder):
                    return
                with self._files.folder_of(folder) as directory, storage_errors("remove", folder, is_writing=True):
                    self._files.calls.rmdir(directory, folder.name)
                folder = folder.parent

    def begin_moves(self, operation_uuid: OperationUuid) -> None:
        """Note, durably, that an operation is about to move files."""
        self._files.make_directories(_mark(operation_uuid))

    def unfinished_moves(self) -> list[OperationUuid]:
        """List the operations whose files may not all have been moved."""
        try:
            names = self._files.list_names(STAGING)
        except NotFoundError:
            return []
        return [OperationUuid(name.removeprefix(_MARK)) for name in names if name.startswith(_MARK)]

    def end_moves(self, operation_uuid: OperationUuid) -> None:
        """Note that an operation's files are where they belong; if a power cut forgets it, that is found out again."""
        self._files.remove_own(_mark(operation_uuid))


def _mark(operation_uuid: OperationUuid) -> RelativePath:
    return STAGING.below(f"{_MARK}{operation_uuid}")
