"""The storage's lock: one writer at a time, as a courtesy; uniquely named files are the safety (decision 13).

``.imalink-storage.lock`` names a token and ``.imalink-storage.lock.<token>`` holds who has it; where links are known
the two are one file. Protocol: docs/format/durability.md, "The lock". Heartbeats are not sent yet; their fields are
there.
"""

from __future__ import annotations

import errno
import json
import re
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from imalink import durable_files
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import Clock, format_instant
from imalink.durable_files import storage_errors
from imalink.errors import ImalinkError, IndexDamagedError, NotFoundError, StorageLockedError, UnsafePathError
from imalink.storage.fs import StorageFiles
from imalink.storage.host import Host, this_host
from imalink.storage.volumes import describe_volume

LOCK_NAME = ".imalink-storage.lock"
BROKEN_LOCKS = RelativePath(".imalink/metadata/broken-locks")
LOCK_CAP_BYTES = 64 * 1024
TTL_SECONDS = 120
NETWORK_WAIT_SECONDS = 3.0
GARBAGE_WAIT_SECONDS = 1.0
"""How long an illegible lock is watched: where links are unknown its owner may be between making and filling it."""

_TOKEN = re.compile(r"[0-9a-f]{32}")
_TRIES = 5

_HELD: set[str] = set()
"""Tokens that this process uses or is trying to use. Any other token with our process number is one that could not be
given back (the disk was unplugged) and must not block us later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRecord:
    """Who holds a lock, as its file says. Text from a storage: escape before showing (``describe`` does)."""

    token: str
    host_id: str = ""
    hostname: str = ""
    boot_id: str = ""
    pid_namespace: str = ""
    pid: int = 0
    pid_start: int = 0
    purpose: str = ""
    acquired: str = ""
    heartbeat: int = 0
    ttl_s: int = TTL_SECONDS

    def describe(self) -> str:
        """Say who, what for and since when."""
        words = [f"process {self.pid}" if self.pid else "a process", f"on {_shown(self.hostname) or 'an unnamed host'}"]
        if self.purpose:
            words.append(f"for {_shown(self.purpose)}")
        if self.acquired:
            words.append(f"since {_shown(self.acquired)}")
        return " ".join(words)


_ILLEGIBLE = LockRecord(token="")
"""What stands for a lock file that is there and tells nothing."""


class LockState(StrEnum):
    """What an observer may conclude about a lock."""

    HELD = "held"
    """Its holder lives, or nothing proves that it does not."""
    STALE = "stale"
    """Its holder is proved dead."""


def judge_lock(record: LockRecord, host: Host, *, is_held_here: bool) -> LockState:
    """Decide whether the holder of ``record`` is proved dead, seen from ``host``. Clocks are not asked.

    Stale: same host, other boot; or same host, boot and process-id namespace with that process gone or another one of
    the same number; or this very process, which does not hold it any more.
    """
    if not record.host_id or record.host_id != host.host_id or not record.boot_id or not host.boot_id:
        return LockState.HELD
    if record.boot_id != host.boot_id:
        return LockState.STALE
    if record.pid_namespace != host.pid_namespace or record.pid <= 0:
        return LockState.HELD
    if record.pid == host.pid and record.pid_start == host.pid_start:
        return LockState.HELD if is_held_here else LockState.STALE
    start = host.find_process_start(record.pid)
    is_dead = start is None or (record.pid_start != 0 and start not in (0, record.pid_start))
    return LockState.STALE if is_dead else LockState.HELD


class StorageLock:
    """A lock that is held; ``verify`` before each placement, ``release`` at the end."""

    def __init__(self, files: StorageFiles, record: LockRecord) -> None:
        self._files = files
        self.record = record

    def verify(self) -> None:
        """Make sure that the lock is still this one. Raises StorageLockedError when it was broken or replaced."""
        found = _read(self._files, LOCK_NAME)
        if found is None or found.token != self.record.token:
            holder = f" Now it is held by {found.describe()}." if found and found is not _ILLEGIBLE else ""
            raise StorageLockedError(
                f"The lock on the storage was lost while working; nothing more was written.{holder}",
                hint="Run the operation again; what was finished is kept.",
            )

    def release(self) -> None:
        """Give the lock back; someone else's lock is never taken away. Once is enough."""
        if self.record.token not in _HELD:
            return
        token, own_name = self.record.token, _token_name(self.record.token)
        aside = f"{own_name}.released"
        try:
            if _move_aside(self._files, token, self._files.root.descriptor, aside):
                _unlink(self._files, aside)
            _unlink(self._files, own_name)
        finally:  # only now: until then another thread would take the lock for a left one
            _HELD.discard(token)


@contextmanager
def hold_lock(
    files: StorageFiles,
    *,
    purpose: str,
    clock: Clock,
    host: Host | None = None,
    wait_seconds: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[StorageLock]:
    """Hold the storage's lock for a block; arguments and errors as ``acquire_lock``.

    An error of the block is not hidden by one of the release.
    """
    lock = acquire_lock(files, purpose=purpose, clock=clock, host=host, wait_seconds=wait_seconds, sleep=sleep)
    try:
        yield lock
    except BaseException:
        with suppress(ImalinkError, OSError):
            lock.release()
        raise
    lock.release()


def acquire_lock(
    files: StorageFiles,
    *,
    purpose: str,
    clock: Clock,
    host: Host | None = None,
    wait_seconds: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> StorageLock:
    """Take the storage's lock, without waiting for another holder.

    ``purpose`` is one word for others to read (``import``). A lock whose holder is proved dead, and a lock file that
    nobody can read, are set aside in ``.imalink/metadata/broken-locks/``, never removed. ``wait_seconds`` is how long
    to let other machines see our claim before it counts; None: 0 on a local disk, 3 on a network mount. On a network
    mount that caches longer, two machines may still both get it.

    Raises StorageLockedError naming the holder, StorageReadOnlyError, OutOfSpaceError, StorageOfflineError.
    """
    here = this_host() if host is None else host
    if wait_seconds is None:
        wait_seconds = NETWORK_WAIT_SECONDS if describe_volume(files.root).is_network else 0.0
    record = LockRecord(
        token=secrets.token_hex(16),
        host_id=here.host_id,
        hostname=here.hostname,
        boot_id=here.boot_id,
        pid_namespace=here.pid_namespace,
        pid=here.pid,
        pid_start=here.pid_start,
        purpose=purpose,
        acquired=format_instant(clock.now()),
    )
    _HELD.add(record.token)  # before anyone can see it: another thread must not take it for a left one
    try:
        _write_new(files, _token_name(record.token), _dump(record))
        for _ in range(_TRIES):
            if _claim(files, record):
                if wait_seconds > 0:
                    sleep(wait_seconds)
                found = _read(files, LOCK_NAME)
                if found is not None and found.token == record.token:
                    _sweep(files, here, clock)
                    return StorageLock(files, record)
            _make_way(files, here, clock, sleep)
        raise StorageLockedError(
            "Several processes are taking the storage's lock at once.", hint="Wait a moment and try again."
        )
    except BaseException:
        _HELD.discard(record.token)
        with suppress(ImalinkError, OSError):
            _unlink(files, _token_name(record.token))
        raise


def find_lock(files: StorageFiles) -> LockRecord | None:
    """Give who holds the lock, or claims to, without taking or judging it; None when nobody legible does."""
    found = _read(files, LOCK_NAME)
    return None if found is _ILLEGIBLE else found


def _claim(files: StorageFiles, record: LockRecord) -> bool:
    """Try to give our token file the lock's name; False when something has it."""
    root, own_name = files.root.descriptor, _token_name(record.token)
    with storage_errors("take the lock", is_writing=True):
        try:
            files.calls.link(root, own_name, root, LOCK_NAME)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (
                errno.EPERM,
                errno.ENOTSUP,
                errno.EOPNOTSUPP,
                errno.ENOSYS,
                errno.EINVAL,
                errno.EMLINK,
            ):
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


def _make_way(files: StorageFiles, here: Host, clock: Clock, sleep: Callable[[float], None]) -> None:
    """Set a dead or illegible lock aside; nothing when there is none any more. Raises StorageLockedError."""
    before = _identity(files, LOCK_NAME)
    found = _read(files, LOCK_NAME)
    if found is None:
        return
    if found is _ILLEGIBLE:
        sleep(GARBAGE_WAIT_SECONDS)
        if _read(files, LOCK_NAME) is _ILLEGIBLE and _identity(files, LOCK_NAME) == before:
            _set_aside(files, found, clock)
    elif judge_lock(found, here, is_held_here=found.token in _HELD) is LockState.STALE:
        _set_aside(files, found, clock)
    else:
        raise StorageLockedError(
            f"The storage is in use by {found.describe()}. Nothing was changed.",
            hint=f"Wait until it is done. If that process no longer runs, remove {LOCK_NAME} from the storage.",
        )


def _set_aside(files: StorageFiles, judged: LockRecord, clock: Clock) -> None:
    """Move the lock that was judged, and its token file, to the broken locks."""
    files.make_directories(BROKEN_LOCKS)
    moment, token = clock.now().strftime("%Y%m%dT%H%M%SZ"), judged.token
    with files.root.directory(BROKEN_LOCKS) as folder:
        _move_aside(files, token, folder, f"{moment}.{token or 'illegible-' + secrets.token_hex(4)}")
        if token:
            _rename(files, _token_name(token), folder, f"{moment}.{token}.holder")


def _move_aside(files: StorageFiles, token: str, folder: int, name: str) -> bool:
    """Move the lock file away only if it is still the one with ``token``; give whether it was.

    Looking and moving are two steps: what was moved is looked at again, and put back if it is another's.
    """
    found = _read(files, LOCK_NAME)
    if found is None or found.token != token or not _rename(files, LOCK_NAME, folder, name):
        return False
    moved = _read_in(files, folder, name)
    if moved is None or moved.token == token:
        return True
    root = files.root.descriptor
    with suppress(OSError):
        files.calls.rename_noreplace(folder, name, root, LOCK_NAME)
    return False


def _rename(files: StorageFiles, name: str, folder: int, new_name: str) -> bool:
    with storage_errors("set the lock aside", is_writing=True):
        try:
            files.calls.rename_replacing(files.root.descriptor, name, folder, new_name)
        except FileNotFoundError:
            return False
    return True


def _sweep(files: StorageFiles, here: Host, clock: Clock) -> None:
    """Set aside token files that a dead process left without, or beside, a lock."""
    prefix = f"{LOCK_NAME}."
    for name in reversed(files.list_names(None)):  # what names a token file comes before that file
        token = name.removeprefix(prefix)[:32]
        if not name.startswith(prefix) or token in _HELD:
            continue
        record = _read(files, name)
        if record is not None and judge_lock(record, here, is_held_here=False) is LockState.STALE:
            files.make_directories(BROKEN_LOCKS)
            moment = clock.now().strftime("%Y%m%dT%H%M%SZ")
            with files.root.directory(BROKEN_LOCKS) as folder:
                _rename(files, name, folder, f"{moment}.{name.removeprefix(prefix)}.left")


def _read(files: StorageFiles, name: str) -> LockRecord | None:
    return _read_in(files, files.root.descriptor, name)


def _read_in(files: StorageFiles, folder: int, name: str) -> LockRecord | None:
    """Read a lock file, and its token file where the lock only names it; None when absent."""
    record = _read_one(files, folder, name)
    if record is None or record is _ILLEGIBLE or record.host_id:
        return record
    details = _read_one(files, files.root.descriptor, _token_name(record.token))
    if details is not None and details.token == record.token:
        return details
    # The token file may just have gone with the lock itself; a lock that goes on naming nobody is illegible.
    again = _read_one(files, folder, name)
    return None if again is None else _ILLEGIBLE


def _read_one(files: StorageFiles, folder: int, name: str) -> LockRecord | None:
    try:
        return _parse(durable_files.read_capped(files.calls, folder, name, LOCK_CAP_BYTES))
    except (UnsafePathError, IndexDamagedError):
        return _ILLEGIBLE
    except NotFoundError:
        return None


def _parse(data: bytes) -> LockRecord:
    try:
        raw: object = json.loads(data)
    except (ValueError, RecursionError):
        return _ILLEGIBLE
    if not isinstance(raw, dict):
        return _ILLEGIBLE
    known = cast("dict[str, object]", raw)
    token = known.get("token")
    if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
        return _ILLEGIBLE

    def text(key: str) -> str:
        value = known.get(key)
        return value if isinstance(value, str) else ""

    def number(key: str, default: int) -> int:
        value = known.get(key)
        return value if isinstance(value, int) else default

    return LockRecord(
        token=token,
        host_id=text("host_id"),
        hostname=text("hostname"),
        boot_id=text("boot_id"),
        pid_namespace=text("pid_namespace"),
        pid=number("pid", 0),
        pid_start=number("pid_start", 0),
        purpose=text("purpose"),
        acquired=text("acquired"),
        heartbeat=number("heartbeat", 0),
        ttl_s=number("ttl_s", TTL_SECONDS),
    )


def _dump(record: LockRecord) -> bytes:
    values = {name: getattr(record, name) for name in LockRecord.__slots__}
    return json.dumps(values, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _write_new(files: StorageFiles, name: str, data: bytes) -> None:
    """Write a token file; not flushed, since a lock need not outlive a power cut."""
    with storage_errors("write the lock", is_writing=True):
        descriptor = files.calls.create_exclusive(files.root.descriptor, name, durable_files.INDEX_MODE)
        try:
            durable_files.write_all(files.calls, descriptor, data)
        finally:
            files.calls.close(descriptor)


def _unlink(files: StorageFiles, name: str) -> None:
    with storage_errors("give the lock back", is_writing=True), suppress(FileNotFoundError):
        files.calls.unlink(files.root.descriptor, name)


def _identity(files: StorageFiles, name: str) -> tuple[int, ...] | None:
    """Tell one lock file from the next, which may get the same inode again."""
    with storage_errors("look at the lock"):
        try:
            facts = files.calls.stat(files.root.descriptor, name)
        except FileNotFoundError:
            return None
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def _token_name(token: str) -> str:
    return f"{LOCK_NAME}.{token}"


def _shown(text: str) -> str:
    return RelativePath(text[:80]).printable()
