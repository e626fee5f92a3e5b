"""Which archived file of a storage a source file of the same picture can take the place of."""

from __future__ import annotations

from dataclasses import dataclass

from imalink.core.analyser import Analyser
from imalink.core.duplicate import Standing, standing_of
from imalink.core.index import Companion, FileCopy, MasterIndex
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.durable_files import storage_errors
from imalink.errors import NotFoundError, UnsafePathError
from imalink.storage.file_storage import FileStorage
from imalink.storage.reading import FileFacts

_PREFERENCE = tuple(Standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceTarget:
    """An archived file that can be replaced: its place in the index, and what stands there now.

    ``found`` and ``facts`` are None where nothing does. ``companions`` are those of the picture in the storage.
    """

    place: FileCopy
    standing: Standing
    found: Fingerprint | None
    facts: FileFacts | None
    companions: tuple[Companion, ...]


class Replaceable:
    """Looks for places in one storage, each of which is given once."""

    def __init__(self, master: MasterIndex, storage: FileStorage, *, analyser: Analyser) -> None:
        self._master = master
        self._files = storage.files
        self._analyser = analyser
        self._taken: set[RelativePath] = set()

    def knows(self, wanted: Fingerprint) -> bool:
        """Tell whether the picture has a place here, whatever stands there."""
        return wanted.hothash in self._master.files

    def find(self, wanted: Fingerprint) -> ReplaceTarget | None:
        """Give the best place of this picture; None if it has none here, or has the very bytes in one.

        What stands there is read. Raises StorageError.
        """
        entry = self._master.files.get(wanted.hothash)
        if entry is None:
            return None
        targets = [
            self._look(wanted, place, entry.companions)
            for place in entry.places()
            if place.relative_path not in self._taken
        ]
        targets = [target for target in targets if target.standing is not Standing.OTHER]
        if not targets or any(target.standing is Standing.WANTED for target in targets):
            return None
        return min(targets, key=lambda target: _PREFERENCE.index(target.standing))

    def take(self, target: ReplaceTarget) -> None:
        """Remember that a place is being replaced."""
        self._taken.add(target.place.relative_path)

    def _look(self, wanted: Fingerprint, place: FileCopy, companions: tuple[Companion, ...]) -> ReplaceTarget:
        path = place.relative_path
        found: Fingerprint | None = None
        facts: FileFacts | None = None
        try:
            with self._files.open_for_reading(path) as descriptor, storage_errors("read", path.printable()):
                found = self._analyser.fingerprint(descriptor)
            facts = self._files.get_facts(path)
            standing = standing_of(
                wanted, found, known_modified_ns=place.modified_ns, found_modified_ns=facts.modified_ns
            )
        except NotFoundError:
            standing = Standing.VACANT
        except UnsafePathError:
            standing = Standing.OTHER
        return ReplaceTarget(place=place, standing=standing, found=found, facts=facts, companions=companions)
