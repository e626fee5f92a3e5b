"""The quarantine of a storage: ``.imalink/quarantine/``, damaged files that healing or an import took the place of.

Format and rules: docs/format/durability.md, "What is kept aside".
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.durable_files import storage_errors
from imalink.errors import NotFoundError, StorageError, UnsafePathError
from imalink.storage.fs import StorageFiles
from imalink.storage.scanner import storage_rules, walk
from imalink.storage.staging import QUARANTINE


class Quarantine:
    """Looks into the quarantine of one storage, and lets files out of it. Writing needs the lock."""

    def __init__(self, files: StorageFiles) -> None:
        self._files = files

    def list_files(self) -> Mapping[RelativePath, ScannedFile]:
        """Give every file in it, whoever put it there; links are left out. Raises StorageError."""
        try:
            found = walk(self._files.root, start=QUARANTINE, rules=storage_rules(frozenset()))
        except NotFoundError:
            return {}
        self._files.root.verify_identity()
        return found.files

    @staticmethod
    def parted(path: RelativePath) -> tuple[str, RelativePath] | None:
        """Part a file's path into the operation or run that put it there and where it stood; None for any other."""
        above = len(QUARANTINE.parts)
        if not path.is_below(QUARANTINE) or len(path.parts) < above + 2:
            return None
        return path.parts[above], RelativePath("/".join(path.parts[above + 1 :]))

    def let_out(self, kept: RelativePath, target: RelativePath) -> None:
        """Move a file out to a place that is free, durably. Raises NameTakenError, NotFoundError, StorageError."""
        if target.parent is not None:
            self._files.make_directories(target.parent)
        self._files.move(kept, target)
        self._files.sync_directory(target.parent)
        self._files.sync_directory(kept.parent)
        self._tidy(kept)

    def remove(self, kept: RelativePath) -> None:
        """Remove a file for good, durably.

        Raises UnsafePathError for what is no file in the quarantine, NotFoundError, StorageError.
        """
        if self.parted(kept) is None or not self._files.get_facts(kept).is_file:
            raise UnsafePathError(f"{kept.printable()} is no file in the quarantine; nothing was removed.")
        self._files.check_guard()
        with self._files.folder_of(kept) as directory, storage_errors("remove", kept.printable(), is_writing=True):
            self._files.calls.unlink(directory, kept.name)
        self._files.sync_directory(kept.parent)
        self._tidy(kept)

    def _tidy(self, path: RelativePath) -> None:
        """Remove the folders above a file that left, as far as they are empty; where one cannot be removed it stays."""
        folder = path.parent
        with suppress(StorageError, NotFoundError):
            while folder is not None and folder.is_below(QUARANTINE):
                if self._files.list_names(folder):
                    return
                with self._files.folder_of(folder) as directory, storage_errors("remove", folder, is_writing=True):
                    self._files.calls.rmdir(directory, folder.name)
                folder = folder.parent
