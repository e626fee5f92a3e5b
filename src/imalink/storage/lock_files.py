"""The files of a storage's lock: read with doubt, moved aside when broken, never another's taken away."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress

from imalink import durable_files
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import Clock
from imalink.durable_files import UNSUPPORTED, storage_errors
from imalink.errors import IndexDamagedError, NotFoundError, UnsafePathError
from imalink.storage.fs import StorageFiles
from imalink.storage.lock_record import ILLEGIBLE, LockRecord, parse_lock

LOCK_NAME = ".imalink-storage.lock"
BROKEN_LOCKS = RelativePath(".imalink/metadata/broken-locks")
LOCK_CAP_BYTES = 64 * 1024


def token_name(token: str) -> str:
    """Say which file tells of the holder of the lock that names ``token``."""
    return f"{LOCK_NAME}.{token}"


def read_lock(files: StorageFiles, name: str = LOCK_NAME) -> LockRecord | None:
    """Read a lock file, and its token file where the lock only names it; None when absent, ILLEGIBLE for the rest."""
    return _read_in(files, files.root.descriptor, name)


def find_lock(files: StorageFiles) -> LockRecord | None:
    """Give who holds the lock, or claims to, without taking or judging it; None when nobody legible does."""
    found = read_lock(files)
    return None if found is ILLEGIBLE else found


def identify(files: StorageFiles, name: str = LOCK_NAME) -> tuple[int, ...] | None:
    """Tell one lock file from the next, which may get the same inode again; None when there is none."""
    with storage_errors("look at the lock"):
        try:
            facts = files.calls.stat(files.root.descriptor, name)
        except FileNotFoundError:
            return None
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def claim_name(files: StorageFiles, record: LockRecord) -> bool:
    """Try to give our token file the lock's name; False when something has it."""
    root, own_name = files.root.descriptor, token_name(record.token)
    with storage_errors("take the lock", is_writing=True):
        try:
            files.calls.link(root, own_name, root, LOCK_NAME)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            try:
                descriptor = files.calls.create_exclusive(root, LOCK_NAME, durable_files.INDEX_MODE)
            except FileExistsError:
                return False
            try:
                durable_files.write_all(files.calls, descriptor, json.dumps({"token": record.token}).encode() + b"\n")
            finally:
                files.calls.close(descriptor)
    return True


def make_token_file(files: StorageFiles, record: LockRecord, data: bytes) -> int:
    """Make the token file and give it open for its heartbeats; not flushed, for a lock need not outlive a power cut."""
    with storage_errors("write the lock", is_writing=True):
        name = token_name(record.token)
        descriptor = files.calls.create_exclusive(files.root.descriptor, name, durable_files.INDEX_MODE)
        try:
            durable_files.write_all(files.calls, descriptor, data)
        except BaseException:
            files.calls.close(descriptor)
            raise
    return descriptor


def set_aside(files: StorageFiles, judged: LockRecord, clock: Clock) -> RelativePath | None:
    """Move the lock that was judged, and its token file, to the broken locks; give where it is, None if it changed."""
    files.make_directories(BROKEN_LOCKS)
    moment, token = clock.now().strftime("%Y%m%dT%H%M%SZ"), judged.token
    kept = f"{moment}.{token or 'illegible-' + secrets.token_hex(4)}"
    with files.root.directory(BROKEN_LOCKS) as folder:
        is_moved = move_aside(files, token, folder, kept)
        if token:
            rename(files, token_name(token), folder, f"{moment}.{token}.holder")
    return RelativePath(f"{BROKEN_LOCKS}/{kept}") if is_moved else None


def set_token_file_aside(files: StorageFiles, name: str, clock: Clock) -> None:
    """Move a token file that a dead process left to the broken locks."""
    files.make_directories(BROKEN_LOCKS)
    moment = clock.now().strftime("%Y%m%dT%H%M%SZ")
    with files.root.directory(BROKEN_LOCKS) as folder:
        rename(files, name, folder, f"{moment}.{name.removeprefix(f'{LOCK_NAME}.')}.left")


def move_aside(files: StorageFiles, token: str, folder: int, name: str) -> bool:
    """Move the lock file away only if it is still the one with ``token``; give whether it was.

    Looking and moving are two steps: what was moved is looked at again, and put back if it is another's.
    """
    found = read_lock(files)
    if found is None or found.token != token or not rename(files, LOCK_NAME, folder, name):
        return False
    moved = _read_in(files, folder, name)
    if moved is None or moved.token == token:
        return True
    root = files.root.descriptor
    with suppress(OSError):
        files.calls.rename_noreplace(folder, name, root, LOCK_NAME)
    return False


def rename(files: StorageFiles, name: str, folder: int, new_name: str) -> bool:
    """Move one of the lock's files out of the root; False when it is gone."""
    with storage_errors("set the lock aside", is_writing=True):
        try:
            files.calls.rename_replacing(files.root.descriptor, name, folder, new_name)
        except FileNotFoundError:
            return False
    return True


def unlink(files: StorageFiles, name: str) -> None:
    """Remove one of the lock's own files; nothing happens when it is gone."""
    with storage_errors("give the lock back", is_writing=True), suppress(FileNotFoundError):
        files.calls.unlink(files.root.descriptor, name)


def _read_in(files: StorageFiles, folder: int, name: str) -> LockRecord | None:
    record = _read_one(files, folder, name)
    if record is None or record is ILLEGIBLE or record.host_id:
        return record
    details = _read_one(files, files.root.descriptor, token_name(record.token))
    if details is not None and details.token == record.token:
        return details
    # The token file may just have gone with the lock itself; a lock that goes on naming nobody is illegible.
    again = _read_one(files, folder, name)
    return None if again is None else ILLEGIBLE


def _read_one(files: StorageFiles, folder: int, name: str) -> LockRecord | None:
    try:
        return parse_lock(durable_files.read_capped(files.calls, folder, name, LOCK_CAP_BYTES))
    except (UnsafePathError, IndexDamagedError):
        return ILLEGIBLE
    except NotFoundError:
        return None
