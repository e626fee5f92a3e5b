"""Reference storages of this machine: ImaLink's files of each in ``reference/<storage_uuid>/`` of the data directory.

For folders that are only read: nothing is ever written into them, whatever is done with the storage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from imalink.core.ids import StorageUuid, parse_uuid
from imalink.core.relative_path import RelativePath
from imalink.core.signature import Signature
from imalink.core.timestamps import Clock, format_instant
from imalink.durable_files import FileCalls
from imalink.errors import ImalinkError, NestedSourceError, UsageError, WrongStateError
from imalink.formats.layouts.reference import REFERENCE
from imalink.formats.signature_file import HERE, SIGNATURE_NAME
from imalink.storage.file_storage import FileStorage
from imalink.storage.founding import HOTHASH_METHODS, furnish, refuse_inside_storage
from imalink.storage.fs import StorageFiles
from imalink.storage.picture_folder import describe_picture_folder
from imalink.storage.root import StorageRoot
from imalink.storage.signature import looks_like_storage

REFERENCE_FOLDER = RelativePath("reference")


class References:
    """Makes and finds the reference storages of one data directory."""

    def __init__(self, data_directory: Path, *, clock: Clock, calls: FileCalls | None = None) -> None:
        self._data_directory = data_directory
        self._clock = clock
        self._calls = calls

    def home_of(self, storage_uuid: StorageUuid) -> Path:
        """Say where ImaLink's own files of a reference storage stand."""
        return self._data_directory / REFERENCE_FOLDER / storage_uuid

    def iter_homes(self) -> Iterator[Path]:
        """Give where those of each reference storage stand that was made here."""
        try:
            names = sorted(each.name for each in (self._data_directory / REFERENCE_FOLDER).iterdir())
        except OSError:
            return
        for name in names:
            with suppress(ValueError):
                home = self.home_of(StorageUuid(parse_uuid(name)))
                if looks_like_storage(home):
                    yield home

    def is_home(self, path: Path) -> bool:
        """Tell whether ``path`` is where ImaLink's own files of a reference storage stand."""
        return self.uuid_of_home(path) is not None

    def find_home(self, storage_uuid: StorageUuid) -> Path | None:
        """Give where ImaLink's own files of a storage stand, if it is a reference storage made here."""
        home = self.home_of(storage_uuid)
        return home if looks_like_storage(home) else None

    def uuid_of_home(self, home: Path) -> StorageUuid | None:
        """Give the reference storage whose own files stand in ``home``; None for any other folder."""
        if home.resolve().parent != (self._data_directory / REFERENCE_FOLDER).resolve():
            return None
        with suppress(ValueError):
            return StorageUuid(parse_uuid(home.name))
        return None

    def find_home_for(self, folder: Path) -> Path | None:
        """Give where ImaLink's own files stand for the reference storage of this folder, there or last seen there."""
        wanted = folder.resolve()
        for storage in self._iter_open():
            with storage:
                if storage.path.resolve() == wanted:
                    return self.home_of(storage.storage_uuid)
        return None

    def iter_homes_below(self, folder: Path) -> Iterator[Path]:
        """Give those of the reference storages whose folder is, or lies in, ``folder``, or was last seen there."""
        wanted = folder.resolve()
        for storage in self._iter_open():
            with storage:
                place = storage.path.resolve()
                if place == wanted or wanted in place.parents:
                    yield self.home_of(storage.storage_uuid)

    def find_around(self, folder: Path, known: Collection[StorageUuid]) -> FileStorage | None:
        """Open the reference storage whose folder lies around ``folder`` and that is ``known``, or whose folder it is.

        One that was forgotten is found by its very folder only.
        """
        wanted = folder.resolve()
        forgotten: Path | None = None
        for storage in self._iter_open():
            place = storage.path.resolve()
            if storage.has_pictures and (place == wanted or place in wanted.parents):
                if storage.storage_uuid in known:
                    return storage
                if place == wanted:
                    forgotten = self.home_of(storage.storage_uuid)
            storage.close()
        if forgotten is None:
            return None
        return FileStorage.open(forgotten, clock=self._clock, calls=self._calls, is_home=True)

    def refuse_known_inside(self, folder: Path, known: Collection[StorageUuid]) -> None:
        """Refuse a folder in which that of a ``known`` reference storage lies: its files would count twice."""
        for storage in self._iter_open():
            with storage:
                is_inside = folder.resolve() in storage.path.resolve().parents
                if is_inside and storage.storage_uuid in known:
                    raise NestedSourceError(
                        f"{storage.path} inside {folder} is the storage {storage.signature.display_name} already. "
                        "Nothing was changed.",
                        hint="Take the other folders in one by one.",
                    )

    def _iter_open(self) -> Iterator[FileStorage]:
        for home in self.iter_homes():
            with suppress(ImalinkError):
                storage = FileStorage.open(
                    home, clock=self._clock, calls=self._calls, needs_pictures=False, is_home=True
                )
                if (storage.path / SIGNATURE_NAME).exists():
                    storage.close()  # it was forgotten, and the folder became a storage of its own since
                else:
                    yield storage

    def make(
        self, folder: Path, *, storage_uuid: StorageUuid, display_name: str, known: Collection[StorageUuid]
    ) -> FileStorage:
        """Make a reference storage for ``folder`` and open it; the folder is only looked at.

        The signature is written last: a storage that was made half-way is none. Raises UsageError for a folder that is
        a storage or lies in one, and StorageError.
        """
        pictures = StorageRoot.open(folder, calls=self._calls)
        try:
            self.check(pictures, known)
            signature = Signature(
                storage_uuid=storage_uuid,
                display_name=display_name,
                created_at=format_instant(self._clock.now()),
                layout=REFERENCE.name,
                photo_root=HERE,
                directory_name=pictures.path.name,
                hothash_methods=HOTHASH_METHODS,
                pictures=describe_picture_folder(pictures),
            )
            with StorageRoot.open(self._data_directory, calls=self._calls) as data:
                StorageFiles(data).make_directories(REFERENCE_FOLDER.below(storage_uuid))
            home = StorageRoot.open(self.home_of(storage_uuid), calls=self._calls)
            try:
                storage = FileStorage(home, signature, clock=self._clock, apart=pictures)
                furnish(storage, None)
            except BaseException:
                home.close()
                raise
        except BaseException:
            pictures.close()
            raise
        return storage

    def check(self, pictures: StorageRoot, known: Collection[StorageUuid]) -> None:
        """Check that an open folder could become a reference storage beside the ``known`` ones. Raises UsageError."""
        folder = pictures.path
        try:
            str(folder).encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                "The folder's path is not spelt in UTF-8, so it cannot be written down. Nothing was changed.",
                hint="Mount or link it under another name.",
            ) from error
        if looks_like_storage(folder):
            raise WrongStateError(
                f"{folder} is a storage already. Nothing was changed.",
                hint="Run `imalink recover` with its path to make it known on this machine; it need not be writable.",
            )
        refuse_inside_storage(folder)
        own = self._data_directory.resolve()
        if folder.resolve() in (own, *own.parents) or own in folder.resolve().parents:
            raise NestedSourceError(
                f"ImaLink's own files are in {own}, and {folder} holds them or lies among them. Nothing was changed.",
                hint="Take the folders with your pictures in one by one.",
            )
        self.refuse_known_inside(folder, known)
