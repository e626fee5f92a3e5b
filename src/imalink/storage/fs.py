"""Files of one storage by relative path: staging, placing, replacing and appending through its open root."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from imalink import durable_files
from imalink.core.relative_path import RelativePath
from imalink.durable_files import (
    READ_CHUNK_BYTES,
    AppendFile,
    FileCalls,
    PlacedBy,
    storage_error,
    storage_errors,
)
from imalink.errors import ImalinkError, NameTakenError, NotFoundError, UnsafePathError
from imalink.storage.reading import FileFacts, FolderReader, facts_at, facts_of, iter_chunks, shown
from imalink.storage.root import StorageRoot

OWN_FOLDER = RelativePath(".imalink")
STAGING = RelativePath(".imalink/staging")

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL)
"""What file systems without hard links answer."""

PLACED_MODE = 0o644
"""Of what is placed among the user's files."""

_STAGED_MODE = 0o600
_FOLDER_MODE = 0o777
"""Asked for folders; the user's umask takes its part away."""


class WriteGuard(Protocol):
    """Says, by raising, that this process may not write any more."""

    def check(self) -> None:
        """Raise if that is known or soon found out; cheap enough to ask before each file."""
        ...

    def verify(self) -> None:
        """Raise if it is so now."""
        ...


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
        """Set the permission bits that the file will have at its final place, where the disk knows any.

        Staged files are 0600.
        """
        with storage_errors("set the permissions of", self.path.printable(), is_writing=True):
            durable_files.set_mode_if_known(self._calls, self.descriptor, mode)

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
        return iter_chunks(self._calls, self.descriptor, chunk_bytes, self.path.printable())

    def facts(self) -> FileFacts:
        """Give what the file system now says of it."""
        with storage_errors("look at", self.path.printable()):
            return facts_at(self._calls, self.descriptor)


class StorageFiles(FolderReader):
    """Reads and writes the files of one storage.

    What ``FolderReader`` says holds; writing may also raise StorageReadOnlyError and OutOfSpaceError. Only one process
    may write at a time (``storage.lock``): while ``guarded``, the guard is asked before a file gets its name, is
    replaced, appended to or removed, and what it raises stops that.
    """

    def __init__(self, root: StorageRoot) -> None:
        super().__init__(root)
        self._guard: WriteGuard | None = None

    @contextmanager
    def guarded(self, guard: WriteGuard) -> Generator[None]:
        """Ask ``guard`` before every change, for a block."""
        before, self._guard = self._guard, guard
        try:
            yield
        finally:
            self._guard = before

    def verify_guard(self) -> None:
        """Ask the guard anew, however fresh its last answer is; nothing where there is none."""
        if self._guard is not None:
            self._guard.verify()

    def check_guard(self) -> None:
        """Ask the guard, as every change here does; for what is written through a descriptor that is held open."""
        if self._guard is not None:
            self._guard.check()

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
                there = facts_of(self.calls, directory, name)
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
        with self.folder_of(path) as directory, storage_errors("make", path.printable(), is_writing=True):
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
        self.check_guard()
        with self.folder_of(staged) as from_directory, self.folder_of(final) as to_directory:
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

    def exchange(self, path: RelativePath, other: RelativePath) -> bool:
        """Let two files change names in one step; False where the file system does not know how.

        The caller flushes both folders. Promise and errors: ``durable_files.exchange_names``.
        """
        self.check_guard()
        with self.folder_of(path) as directory, self.folder_of(other) as other_directory:
            return durable_files.exchange_names(
                self.calls,
                directory=directory,
                name=path.name,
                other_directory=other_directory,
                other_name=other.name,
            )

    def move(self, source: RelativePath, target: RelativePath, *, is_own_claim: bool = False) -> PlacedBy:
        """Move a file inside the storage, never over another; the caller flushes both folders.

        For trash, quarantine, restoring and reorganising. Promise and errors as ``place``.
        """
        self.check_guard()
        with self.folder_of(source) as from_directory, self.folder_of(target) as to_directory:
            return durable_files.place_without_overwrite(
                self.calls,
                from_directory=from_directory,
                from_name=source.name,
                to_directory=to_directory,
                to_name=target.name,
                is_own_claim=is_own_claim,
            )

    def keep_under(self, path: RelativePath, kept: RelativePath) -> None:
        """Keep what stands at ``path`` also under ``kept``, below ``.imalink/``; its folder must be there.

        A hard link where the file system has them, else a copy; not flushed, for it only adds to what is durable
        already. Raises NameTakenError when ``kept`` is in use.
        """
        _require_own(kept)
        with self.folder_of(path) as from_directory, self.folder_of(kept) as to_directory:
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

    def replace(self, path: RelativePath, data: bytes, *, before_move: Callable[[], None] | None = None) -> None:
        """Put ``data`` at ``path``; after a crash the file is old or new, never half, and new once this returns.

        The temporary file stands in ``.imalink/staging/`` (made if absent); the folder of ``path`` must be there.
        Promise and errors: ``durable_files.replace_durably``.
        """
        self.check_guard()
        self.make_directories(STAGING)
        with self.root.directory(STAGING) as staging, self.folder_of(path) as directory:
            durable_files.replace_durably(
                self.calls,
                staging=staging,
                directory=directory,
                name=path.name,
                data=data,
                before_move=before_move,
            )

    def place_new(self, path: RelativePath, data: bytes) -> None:
        """Put ``data`` at ``path``, where nothing may stand; durable when it returns, and never there in part.

        Until then it stands in ``.imalink/staging/``, whence the next work on the storage clears what a crash left.
        Raises NameTakenError with nothing changed; StorageError.
        """
        self.check_guard()
        self.make_directories(STAGING)
        staged = RelativePath(f"{STAGING}/new-{secrets.token_hex(8)}")
        try:
            with self.stage_new(staged) as file:
                file.write(data)
                file.set_mode(PLACED_MODE)
                file.sync()
            self.place(staged, path)
        except ImalinkError:
            with suppress(ImalinkError):
                self.remove_own(staged)
            raise
        self.sync_directory(path.parent)
        self.sync_directory(STAGING)

    def append(self, path: RelativePath, data: bytes, *, valid_bytes: int | None = None, is_synced: bool = True) -> int:
        """Append ``data``, durable when it returns, and give the new size; the folder must be there.

        Promise and errors: ``durable_files.append_durably``.
        """
        self.check_guard()
        with self.folder_of(path) as directory:
            return durable_files.append_durably(
                self.calls, directory, path.name, data, valid_bytes=valid_bytes, is_synced=is_synced
            )

    def open_appending(self, path: RelativePath, *, valid_bytes: int | None = None) -> AppendFile:
        """Open a file of lines for many appends with few flushes; the caller closes it."""
        self.check_guard()
        with self.folder_of(path) as directory:
            return AppendFile(self.calls, directory, path.name, valid_bytes=valid_bytes)

    def sync_directory(self, folder: RelativePath | None) -> None:
        """Make the names made, moved and removed in a folder durable."""
        with self.root.directory(folder) as directory:
            durable_files.sync_directory(self.calls, directory, shown(folder))

    def remove_own(self, path: RelativePath) -> None:
        """Remove a file or an empty folder below ``.imalink/``; nothing happens when it is not there. Not flushed.

        Raises UnsafePathError for any other path, and StorageError for a folder that is not empty.
        """
        _require_own(path)
        self.check_guard()
        try:
            with self.folder_of(path) as directory, storage_errors("remove", path.printable(), is_writing=True):
                if facts_of(self.calls, directory, path.name).is_directory:
                    self.calls.rmdir(directory, path.name)
                else:
                    self.calls.unlink(directory, path.name)
        except NotFoundError:
            return


def _require_own(path: RelativePath) -> None:
    if not path.is_below(OWN_FOLDER):
        raise UnsafePathError(f"{path.printable()} is not below {OWN_FOLDER}/; nothing was touched.")
