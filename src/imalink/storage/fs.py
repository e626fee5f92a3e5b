"""Files of one storage by relative path: reading, staging, placing, replacing and appending through its open root."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from imalink import durable_files
from imalink.core.relative_path import RelativePath
from imalink.durable_files import (
    READ_CHUNK_BYTES,
    AppendFile,
    FileCalls,
    PlacedBy,
    SpaceFacts,
    storage_error,
    storage_errors,
)
from imalink.errors import IndexDamagedError, NameTakenError, NotFoundError, UnsafePathError
from imalink.storage.root import StorageRoot

OWN_FOLDER = RelativePath(".imalink")
STAGING = RelativePath(".imalink/staging")

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL)
"""What file systems without hard links answer."""

_STAGED_MODE = 0o600
_FOLDER_MODE = 0o777
"""Asked for folders; the user's umask takes its part away."""


class FileFacts(NamedTuple):
    """What the file system says of one name or open file; a link is itself, not its target."""

    size_bytes: int
    modified_ns: int
    inode: int
    device: int
    mode: int
    links_count: int

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_directory(self) -> bool:
        """A folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_symlink(self) -> bool:
        """A symbolic link."""
        return stat.S_ISLNK(self.mode)


class StagedFile:
    """A new file being written below ``.imalink/``; made by ``StorageFiles.stage_new``.

    The order that makes it durable: ``write`` …, ``set_modified``, ``sync``, ``drop_cache``, ``read_back``.
    ``descriptor`` may be handed to a reader. After an error throw the copy away; nothing is retried.
    """

    def __init__(self, calls: FileCalls, descriptor: int, path: RelativePath) -> None:
        self._calls = calls
        self.descriptor = descriptor
        self.path = path

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add all of ``data``. Raises OutOfSpaceError and the rest of ``storage_error``."""
        durable_files.write_all(self._calls, self.descriptor, data, self.path.printable())

    def set_modified(self, modified_ns: int) -> None:
        """Set the modification time; ``facts`` tells what the file system kept of it."""
        with storage_errors("set the time of", self.path.printable(), is_writing=True):
            self._calls.set_times(self.descriptor, modified_ns)

    def set_mode(self, mode: int) -> None:
        """Set the permission bits that the file will have at its final place (staged files are 0600)."""
        with storage_errors("set the permissions of", self.path.printable(), is_writing=True):
            self._calls.set_mode(self.descriptor, mode)

    def sync(self) -> None:
        """Flush the file to the device. Failed once means failed: throw the copy away."""
        durable_files.sync_file(self._calls, self.descriptor, self.path.printable())

    def drop_cache(self) -> bool:
        """Ask the kernel to forget the cached bytes, so that ``read_back`` asks the device; only after ``sync``.

        Gives False where the file system does not know how; the caller records how the copy was verified.
        """
        try:
            self._calls.drop_cache(self.descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ESPIPE):
                raise storage_error(error, "drop the cache of", self.path.printable()) from error
            return False
        return True

    def read_back(self, chunk_bytes: int = READ_CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the whole content from the start."""
        return _chunks(self._calls, self.descriptor, chunk_bytes, self.path.printable())

    def facts(self) -> FileFacts:
        """Give what the file system now says of it."""
        with storage_errors("look at", self.path.printable()):
            return _facts(self._calls, self.descriptor)


class StorageFiles:
    """Every file operation inside one storage, by ``RelativePath`` and through the open root only.

    No method follows a symbolic link or leaves the root (UnsafePathError); all may raise StorageOfflineError,
    StorageIoError and, when writing, StorageReadOnlyError and OutOfSpaceError. Nothing is retried. Safe to share
    between threads; only one process may write at a time (``storage.lock``).
    """

    def __init__(self, root: StorageRoot) -> None:
        self.root = root
        self.calls = root.calls

    # reading

    def find_facts(self, path: RelativePath) -> FileFacts | None:
        """Describe what has that name, or None when nothing has."""
        try:
            with self._folder_of(path) as directory, storage_errors("look at", path.printable()):
                return _facts_of(self.calls, directory, path.name)
        except NotFoundError:
            return None

    def get_facts(self, path: RelativePath) -> FileFacts:
        """Describe what has that name. Raises NotFoundError."""
        facts = self.find_facts(path)
        if facts is None:
            raise NotFoundError(
                f"{path.printable()} is not in the storage.", hint="Run `imalink reindex` if it was moved."
            )
        return facts

    def exists(self, path: RelativePath) -> bool:
        """Tell whether anything has that name (also a link, whatever it points to)."""
        return self.find_facts(path) is not None

    def read_bytes(self, path: RelativePath, cap_bytes: int) -> bytes:
        """Give a regular file's content. Raises NotFoundError; IndexDamagedError when it exceeds ``cap_bytes``."""
        with self._folder_of(path) as directory:
            try:
                return durable_files.read_capped(self.calls, directory, path.name, cap_bytes)
            except IndexDamagedError as error:
                raise IndexDamagedError(error.reason, file=path.printable(), hint=error.hint) from error

    def find_bytes(self, path: RelativePath, cap_bytes: int) -> bytes | None:
        """As ``read_bytes``, but None when there is no such file."""
        try:
            return self.read_bytes(path, cap_bytes)
        except NotFoundError:
            return None

    @contextmanager
    def open_for_reading(self, path: RelativePath) -> Generator[int]:
        """Hold a regular file open for a block, which gets the descriptor. Raises NotFoundError, UnsafePathError."""
        with self._folder_of(path) as directory:
            descriptor = durable_files.open_regular(self.calls, directory, path.name)
        try:
            yield descriptor
        finally:
            self.calls.close(descriptor)

    def iter_content(self, path: RelativePath, chunk_bytes: int = READ_CHUNK_BYTES) -> Iterator[bytes]:
        """Yield a regular file's content in chunks."""
        with self.open_for_reading(path) as descriptor:
            yield from _chunks(self.calls, descriptor, chunk_bytes, path.printable())

    def list_names(self, folder: RelativePath | None) -> list[str]:
        """Give all names in a folder (None: the root), sorted; raises NotFoundError when it is not there."""
        with self.root.directory(folder) as directory, storage_errors("list", _shown(folder)):
            with self.calls.scan(directory) as entries:
                return sorted(entry.name for entry in entries)

    def space(self) -> SpaceFacts:
        """Give the room on the storage's file system."""
        with storage_errors("ask for free space"):
            return self.calls.space(self.root.descriptor)

    def free_bytes(self) -> int:
        """Give how many bytes may still be written."""
        return self.space().free_bytes

    # writing

    def make_directories(self, path: RelativePath, *, is_synced: bool = True) -> list[RelativePath]:
        """Make the folder and those above it that are not there; give those made, outermost first.

        Each new name is durable before the next is made, unless the folder holds only what can be rebuilt and the
        caller says so. A folder that stands already is fine, also when another
        program makes it meanwhile. Raises NameTakenError when a file stands in the way.
        """
        try:
            self.calls.close(self.root.open_directory(path))
        except NotFoundError:
            pass
        else:
            return []
        made: list[RelativePath] = []
        folder: RelativePath | None = None
        for name in path.split("/"):
            wanted = RelativePath(name if folder is None else f"{folder}/{name}")
            with self.root.directory(folder) as directory:
                if self._make_one(directory, name, wanted, is_synced=is_synced):
                    made.append(wanted)
            folder = wanted
        return made

    def _make_one(self, directory: int, name: str, path: RelativePath, *, is_synced: bool) -> bool:
        try:
            self.calls.mkdir(directory, name, _FOLDER_MODE)
        except FileExistsError as error:
            with storage_errors("look at", path.printable()):
                there = _facts_of(self.calls, directory, name)
            if there.is_symlink:
                raise UnsafePathError(f"{path.printable()} is a symbolic link; it was not followed.") from error
            if not there.is_directory:
                raise NameTakenError(
                    f"A file stands at {path.printable()}, where a folder is needed. Nothing was changed.",
                    hint="Rename that file or choose another folder.",
                ) from error
            return False
        except OSError as error:
            raise storage_error(error, "make the folder", path.printable(), is_writing=True) from error
        if is_synced:
            durable_files.sync_directory(self.calls, directory, path.printable())
        return True

    @contextmanager
    def stage_new(self, path: RelativePath) -> Generator[StagedFile]:
        """Make a new file (0600) below ``.imalink/`` and hold it open for a block; its folder must be there.

        The file stays when the block ends, however it ends. Raises NameTakenError if the name is in use.
        """
        _require_own(path)
        with self._folder_of(path) as directory, storage_errors("make", path.printable(), is_writing=True):
            descriptor = self.calls.create_exclusive(directory, path.name, _STAGED_MODE)
        try:
            yield StagedFile(self.calls, descriptor, path)
        finally:
            self.calls.close(descriptor)

    def place(
        self,
        staged: RelativePath,
        final: RelativePath,
        *,
        before_claim: Callable[[], None] | None = None,
        is_own_claim: bool = False,
    ) -> PlacedBy:
        """Give a staged, flushed file its final name, never over another file; its folder must be there.

        Not durable before ``sync_directory`` of both folders. Raises NameTakenError (nothing changed),
        OtherDeviceError; arguments and promise: ``durable_files.place_without_overwrite``.
        """
        _require_own(staged)
        with self._folder_of(staged) as from_directory, self._folder_of(final) as to_directory:
            try:
                return durable_files.place_without_overwrite(
                    self.calls,
                    from_directory=from_directory,
                    from_name=staged.name,
                    to_directory=to_directory,
                    to_name=final.name,
                    before_claim=before_claim,
                    is_own_claim=is_own_claim,
                )
            except NameTakenError as error:
                raise NameTakenError(
                    f"{final.printable()} is taken by another file, which was not touched.", hint=error.hint
                ) from error

    def move(self, source: RelativePath, target: RelativePath) -> PlacedBy:
        """Move a file inside the storage, never over another; the caller flushes both folders.

        For trash, quarantine, restoring and reorganising. Promise and errors as ``place``.
        """
        with self._folder_of(source) as from_directory, self._folder_of(target) as to_directory:
            return durable_files.place_without_overwrite(
                self.calls,
                from_directory=from_directory,
                from_name=source.name,
                to_directory=to_directory,
                to_name=target.name,
            )

    def keep_under(self, path: RelativePath, kept: RelativePath) -> None:
        """Keep what stands at ``path`` also under ``kept``, below ``.imalink/``; its folder must be there.

        A hard link where the file system has them, else a copy; not flushed, for it only adds to what is durable
        already. Raises NameTakenError when ``kept`` is in use.
        """
        _require_own(kept)
        with self._folder_of(path) as from_directory, self._folder_of(kept) as to_directory:
            try:
                self.calls.link(from_directory, path.name, to_directory, kept.name)
                return
            except FileExistsError as error:
                raise NameTakenError(f"{kept.printable()} is in use; nothing was changed.") from error
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise storage_error(error, "keep", kept.printable(), is_writing=True) from error
        with self.stage_new(kept) as staged:
            for chunk in self.iter_content(path):
                staged.write(chunk)

    def replace(self, path: RelativePath, data: bytes) -> None:
        """Put ``data`` at ``path``; after a crash the file is old or new, never half, and new once this returns.

        The temporary file stands in ``.imalink/staging/`` (made if absent); the folder of ``path`` must be there.
        Promise and errors: ``durable_files.replace_durably``.
        """
        self.make_directories(STAGING)
        with self.root.directory(STAGING) as staging, self._folder_of(path) as directory:
            durable_files.replace_durably(self.calls, staging=staging, directory=directory, name=path.name, data=data)

    def append(self, path: RelativePath, data: bytes, *, valid_bytes: int | None = None, is_synced: bool = True) -> int:
        """Append ``data``, durable when it returns, and give the new size; the folder must be there.

        Promise and errors: ``durable_files.append_durably``.
        """
        with self._folder_of(path) as directory:
            return durable_files.append_durably(
                self.calls, directory, path.name, data, valid_bytes=valid_bytes, is_synced=is_synced
            )

    def open_appending(self, path: RelativePath, *, valid_bytes: int | None = None) -> AppendFile:
        """Open a file of lines for many appends with few flushes; the caller closes it."""
        with self._folder_of(path) as directory:
            return AppendFile(self.calls, directory, path.name, valid_bytes=valid_bytes)

    def sync_directory(self, folder: RelativePath | None) -> None:
        """Make the names made, moved and removed in a folder durable."""
        with self.root.directory(folder) as directory:
            durable_files.sync_directory(self.calls, directory, _shown(folder))

    def remove_own(self, path: RelativePath) -> None:
        """Remove a file or an empty folder below ``.imalink/``; nothing happens when it is not there. Not flushed.

        Raises UnsafePathError for any other path, and StorageError for a folder that is not empty.
        """
        _require_own(path)
        try:
            with self._folder_of(path) as directory, storage_errors("remove", path.printable(), is_writing=True):
                if _facts_of(self.calls, directory, path.name).is_directory:
                    self.calls.rmdir(directory, path.name)
                else:
                    self.calls.unlink(directory, path.name)
        except NotFoundError:
            return

    @contextmanager
    def _folder_of(self, path: RelativePath) -> Generator[int]:
        parent = path.parent
        if parent is None:
            yield self.root.descriptor
            return
        descriptor = self.root.open_directory(parent)
        try:
            yield descriptor
        finally:
            self.calls.close(descriptor)


def _require_own(path: RelativePath) -> None:
    if not path.is_below(OWN_FOLDER):
        raise UnsafePathError(f"{path.printable()} is not below {OWN_FOLDER}/; nothing was touched.")


def _shown(folder: RelativePath | None) -> str:
    return "the storage's folder" if folder is None else folder.printable()


def _facts(calls: FileCalls, descriptor: int) -> FileFacts:
    found = calls.fstat(descriptor)
    return FileFacts(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev, found.st_mode, found.st_nlink)


def _facts_of(calls: FileCalls, directory: int, name: str) -> FileFacts:
    found = calls.stat(directory, name)
    return FileFacts(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev, found.st_mode, found.st_nlink)


def _chunks(calls: FileCalls, descriptor: int, chunk_bytes: int, path: str) -> Iterator[bytes]:
    offset = 0
    while True:
        with storage_errors("read", path):
            chunk = calls.pread(descriptor, chunk_bytes, offset)
        if not chunk:
            return
        offset += len(chunk)
        yield chunk
