"""What leaves a storage: new files in a folder of the user's, flushed, read back, and under their name only whole."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imalink import durable_files
from imalink.core.ids import Sha256
from imalink.core.relative_path import RelativePath
from imalink.durable_files import FileCalls, storage_errors
from imalink.errors import NameTakenError, StorageIoError
from imalink.storage.fs import StorageFiles
from imalink.storage.reading import FolderReader, iter_chunks
from imalink.storage.root import StorageRoot
from imalink.storage.scratch import scratch_folder

_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file as it was written and read back."""

    path: RelativePath
    sha256: Sha256
    size_bytes: int


class OutgoingFolder:
    """A new folder that is being filled. Every file is new in it, never one over another."""

    def __init__(self, files: StorageFiles, name: RelativePath) -> None:
        self._files = files
        self.name = name
        self.written: list[WrittenFile] = []

    def write(self, path: RelativePath, chunks: Iterable[bytes], *, modified_ns: int | None = None) -> WrittenFile:
        """Write a file at ``path`` below the folder, flush it and read it back from the device.

        Raises NameTakenError, OutOfSpaceError, StorageIoError also where it reads back as something else.
        """
        full = self.name.below(path)
        if full.parent is not None:
            self._files.make_directories(full.parent)
        calls = self._files.calls
        digest, size = hashlib.sha256(), 0
        with self._files.folder_of(full) as directory:
            with storage_errors("make", path.printable(), is_writing=True):
                try:
                    descriptor = calls.create_exclusive(directory, full.name, _MODE)
                except FileExistsError as error:
                    raise NameTakenError(f"{path.printable()} was written already.") from error
            try:
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    durable_files.write_all(calls, descriptor, chunk, path.printable())
                if modified_ns is not None:
                    with storage_errors("set the time of", path.printable(), is_writing=True):
                        calls.set_times(descriptor, modified_ns)
                durable_files.sync_file(calls, descriptor, path.printable())
                with storage_errors("read back", path.printable()):
                    calls.drop_cache(descriptor)
            finally:
                calls.close(descriptor)
        again = hashlib.sha256()
        for chunk in self._files.iter_content(full):
            again.update(chunk)
        if again.digest() != digest.digest():
            raise StorageIoError(
                f"{path.printable()} reads back as something else than was written: the disk may be failing.",
                hint="Write to another disk.",
            )
        written = WrittenFile(path=path, sha256=Sha256(digest.hexdigest()), size_bytes=size)
        self.written.append(written)
        return written

    def manifest(self) -> bytes:
        """Give the checksums of what was written so far, for ``sha256sum -c``; no path here has a line break."""
        return "".join(f"{file.sha256}  {file.path}\n" for file in self.written).encode()


@contextmanager
def outgoing_folder(
    parent: Path, name: str, *, token: str, calls: FileCalls | None = None
) -> Generator[OutgoingFolder]:
    """Hold a new folder ``name`` in ``parent`` open to be filled for a block; at its good end it gets its name.

    Otherwise nothing of it stays. Raises NameTakenError when the name is in use, StorageError.
    """
    inner = RelativePath(name)
    with scratch_folder(parent, token=token, calls=calls) as files:
        files.make_directories(inner)
        folder = OutgoingFolder(files, inner)
        yield folder
        _flush_folders(files, folder)
        with StorageRoot.open(parent, calls=calls) as base:
            if FolderReader(base).exists(inner):
                raise NameTakenError(f"{name} is there already in {parent}. Nothing was changed.")
            with storage_errors("name", name, is_writing=True):
                # A folder: rename() never puts one over another that holds anything.
                base.calls.rename_replacing(files.root.descriptor, name, base.descriptor, name)
            durable_files.sync_directory(base.calls, base.descriptor, str(parent))


def remove_outgoing(parent: Path, name: str, *, token: str, calls: FileCalls | None = None) -> None:
    """Remove a folder of ours with all that is in it. It loses its name first, so half of it is never taken for it.

    Raises StorageError.
    """
    with scratch_folder(parent, token=token, calls=calls) as files, StorageRoot.open(parent, calls=calls) as base:
        with storage_errors("remove", name, is_writing=True):
            base.calls.rename_noreplace(base.descriptor, name, files.root.descriptor, name)


def read_chunks(files: FolderReader, descriptor: int, path: str) -> Iterable[bytes]:
    """Give the content of an open file in chunks."""
    return iter_chunks(files.calls, descriptor, durable_files.READ_CHUNK_BYTES, path)


def _flush_folders(files: StorageFiles, folder: OutgoingFolder) -> None:
    """Make the names of all that was written durable, each folder once; those of folders are since they were made."""
    for each in {folder.name.below(file.path).parent for file in folder.written}:
        files.sync_directory(each)
    files.sync_directory(None)
