"""What is kept of a storage's own files in ``.imalink/metadata/backup/``: good generations, and every damaged one."""

from __future__ import annotations

import re
from contextlib import suppress

from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import Clock
from imalink.errors import NameTakenError, NotFoundError
from imalink.storage.fs import StorageFiles

BACKUPS = RelativePath(".imalink/metadata/backup")
KEPT_GENERATIONS = 2


class Backups:
    """Keeps and finds backups. The caller of what writes holds the storage's lock."""

    def __init__(self, files: StorageFiles, *, clock: Clock) -> None:
        self._files = files
        self._clock = clock

    def keep_generation(self, path: RelativePath, generation: int) -> None:
        """Keep the file at ``path``, which is about to be replaced, as that generation; older ones than two go."""
        if not self._files.exists(path):
            return
        self._files.make_directories(BACKUPS)
        backup = RelativePath(f"{BACKUPS}/{_flat(path)}.g{generation}")
        self._files.remove_own(backup)
        with suppress(NameTakenError):  # another machine keeps that generation in this very moment
            self._files.keep_under(path, backup)
        for old in self.list_generations(path)[:-KEPT_GENERATIONS]:
            self._files.remove_own(old)

    def list_generations(self, path: RelativePath) -> list[RelativePath]:
        """List the kept generations of a file, oldest first."""
        try:
            names = self._files.list_names(BACKUPS)
        except NotFoundError:
            return []
        pattern = re.compile(re.escape(_flat(path)) + r"\.g(-?\d+)")
        found = [(int(match.group(1)), name) for name in names if (match := pattern.fullmatch(name)) is not None]
        return [RelativePath(f"{BACKUPS}/{name}") for _, name in sorted(found)]

    def keep_damaged(self, path: RelativePath) -> RelativePath:
        """Keep the file at ``path`` as it is under a name of its own; give that name."""
        self._files.make_directories(BACKUPS)
        stamp = self._clock.now().strftime("%Y%m%dT%H%M%SZ")
        for attempt in range(1, 1000):
            suffix = "" if attempt == 1 else f"-{attempt}"
            kept = RelativePath(f"{BACKUPS}/{_flat(path)}.damaged-{stamp}{suffix}")
            try:
                self._files.keep_under(path, kept)
            except NameTakenError:
                continue
            return kept
        raise NameTakenError(f"No free name is left to keep the damaged {path} under.")


def _flat(path: RelativePath) -> str:
    return path.replace("/", "-")
