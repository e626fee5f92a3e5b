"""The backups that a server keeps by itself, in its data directory: off every storage's disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imalink.core.progress import Progress
from imalink.formats.backup_file import REGISTRY_NAME
from imalink.runtime.local_files import make_directory, read_local
from imalink.workflows.keep_backups import KeptReport, keep_backup
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBackups:
    """Where they are, and the list of storages of this machine, which goes with them."""

    folder: Path
    registry_path: Path

    def write(self, tools: Tools, progress: Progress) -> KeptReport:
        """Write one, and remove what it makes superfluous. Raises StorageError, CancelledError."""
        make_directory(self.folder)
        return keep_backup(tools, self.folder, notes=self.notes(), progress=progress)

    def notes(self) -> dict[str, bytes]:
        """Give the small files that a backup takes along: this machine's list of storages, if there is one."""
        registry = read_local(self.registry_path)
        return {} if registry is None else {REGISTRY_NAME: registry}
