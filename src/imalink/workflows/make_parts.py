"""Make parts of a catalog from a storage's session indexes, in several processes where there are many of them."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

import imalink
from imalink.catalog.bulk import paused_collection
from imalink.catalog.parts import PartWriter
from imalink.core.ids import StorageUuid
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import parse_instant
from imalink.errors import CatalogError, IndexDamagedError, NotFoundError, StorageError
from imalink.storage.caps import TRUSTED, UNTRUSTED
from imalink.storage.file_storage import FileStorage
from imalink.storage.indexes import IndexFiles
from imalink.storage.syscalls import SystemCalls

WORTH_A_PROCESS_BYTES: Final = 20_000_000
"""So much of session indexes, some twenty thousand pictures, takes longer to read than another process to start."""

MAX_PROCESSES: Final = 4
READ_PHASE: Final = "read indexes"
_LOOK_SECONDS: Final = 0.2
_READ_BYTES: Final = 64 * 1024
_EPOCH: Final = "1970-01-01T00:00:00Z"


class UnreadIndex(msgspec.Struct, frozen=True):
    """A session index that is not in any part, and why."""

    number: int
    message: str


class _Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is asked to do: these sessions of the storage at ``home``, into the part at ``path``."""

    home: bytes
    storage_uuid: str
    storage_id: int
    is_home: bool
    is_trusted: bool
    numbers: list[int]
    path: bytes


class _Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; ``trouble`` (message, hint), of the storage or else of the scratch file, ends the whole work."""

    unread: list[UnreadIndex] = []
    trouble: tuple[str, str] | None = None
    is_storage_trouble: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeParts:
    """The finished parts, and the indexes that could not be read."""

    paths: tuple[Path, ...]
    unread: tuple[UnreadIndex, ...]


class _StoppedClock:
    """A clock for what only reads."""

    def now(self) -> datetime:
        return parse_instant(_EPOCH)


class _ToldByLines(SilentProgress):
    """Writes an empty line to the process that waits for each session that is done."""

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        """Say so."""
        sys.stdout.buffer.write(b"\n" * files)
        sys.stdout.buffer.flush()


def make_parts(
    storage: FileStorage,
    home: Path,
    numbers: Sequence[int],
    *,
    storage_id: int,
    is_home: bool,
    is_trusted: bool,
    folder: Path,
    progress: Progress,
) -> MadeParts:
    """Read these session indexes and make their parts in ``folder``.

    Through another driver than the real one, or where it is not worth it, all in this process. ``progress`` is asked
    at whiles; its CancelledError ends the processes. Raises CatalogError when there is no room for parts, StorageError.
    """
    if not numbers:
        return MadeParts(paths=(), unread=())
    progress.start_phase(READ_PHASE, total_files=len(numbers))
    count = _count_processes(storage, numbers)
    if count <= 1:
        path = folder / "part-1"
        unread = _make_part(storage.indexes, numbers, path, storage_id=storage_id, progress=progress)
        return MadeParts(paths=(path,), unread=tuple(unread))
    tasks = [
        _Task(
            home=os.fsencode(home),
            storage_uuid=storage.storage_uuid,
            storage_id=storage_id,
            is_home=is_home,
            is_trusted=is_trusted,
            numbers=list(numbers[turn::count]),
            path=os.fsencode(folder / f"part-{turn + 1}"),
        )
        for turn in range(count)
    ]
    done = _in_processes(tasks, progress)
    for each in done:
        if each.trouble is not None:
            kind = StorageError if each.is_storage_trouble else CatalogError
            raise kind(each.trouble[0], hint=each.trouble[1])
    return MadeParts(
        paths=tuple(Path(os.fsdecode(task.path)) for task in tasks),
        unread=tuple(one for each in done for one in each.unread),
    )


def _count_processes(storage: FileStorage, numbers: Sequence[int]) -> int:
    if type(storage.files.calls) is not SystemCalls:
        return 1
    sizes = storage.indexes.facts()
    size = sum(sizes.get(storage.indexes.session_name(number), (0,))[0] for number in numbers)
    return min(os.cpu_count() or 1, MAX_PROCESSES, len(numbers), size // WORTH_A_PROCESS_BYTES + 1)


def _make_part(
    indexes: IndexFiles, numbers: Sequence[int], path: Path, *, storage_id: int, progress: Progress
) -> list[UnreadIndex]:
    unread: list[UnreadIndex] = []
    paths = indexes.find_sessions()
    with PartWriter(path, storage_id=storage_id) as part, paused_collection():
        for number in numbers:
            progress.checkpoint()
            try:
                _add_session(part, indexes, number, paths.get(number))
            except (NotFoundError, IndexDamagedError) as error:
                unread.append(UnreadIndex(number, error.message))
            progress.advance(files=1)
    return unread


def _add_session(part: PartWriter, indexes: IndexFiles, number: int, path: RelativePath | None) -> None:
    records = None if path is None else indexes.load_records(number, path)
    if records is None or not part.add_records(records):
        part.add(indexes.load_session(number).index)


def _in_processes(tasks: Sequence[_Task], progress: Progress) -> list[_Done]:
    """Let one process do each task. Raises what ``progress`` raises; no process is left then."""
    package = os.fspath(Path(imalink.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": package}
    command = [sys.executable, "-m", __name__]
    with ExitStack() as stack:
        running: list[subprocess.Popen[bytes]] = []
        for task in tasks:
            process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            stack.callback(_end, process)
            running.append(process)
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(task))
            process.stdin.close()
            process.stdin = None
        answers = _answers(running, progress)
        for process in running:
            if process.wait() != 0:
                raise CatalogError(
                    f"A process that reads indexes ended with {process.returncode}. The catalog was not changed.",
                    hint="See that the machine has memory to spare, then run the same again.",
                )
        return [msgspec.json.decode(answer, type=_Done) for answer in answers]


def _answers(running: Sequence[subprocess.Popen[bytes]], progress: Progress) -> list[bytes]:
    """Give the last line of each process; an empty one before it tells ``progress`` of a session that is done."""
    last = [b"" for _ in running]
    with selectors.DefaultSelector() as ready:
        for number, process in enumerate(running):
            assert process.stdout is not None
            ready.register(process.stdout, selectors.EVENT_READ, number)
        while ready.get_map():
            progress.checkpoint()
            for key, _ in ready.select(_LOOK_SECONDS):
                said = os.read(key.fd, _READ_BYTES)
                if not said:
                    ready.unregister(key.fileobj)
                    continue
                number: int = key.data
                *done, last[number] = (last[number] + said).split(b"\n")
                progress.advance(files=len(done))
    return last


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _serve(task: _Task) -> _Done:
    try:
        with FileStorage.open(
            Path(os.fsdecode(task.home)),
            clock=_StoppedClock(),
            expected_uuid=StorageUuid(task.storage_uuid),
            needs_pictures=False,
            is_home=task.is_home,
            caps=TRUSTED if task.is_trusted else UNTRUSTED,
        ) as storage:
            path = Path(os.fsdecode(task.path))
            told = _ToldByLines()
            unread = _make_part(storage.indexes, task.numbers, path, storage_id=task.storage_id, progress=told)
    except (CatalogError, StorageError) as error:
        is_storage_trouble = isinstance(error, StorageError)
        return _Done(trouble=(error.message, error.hint), is_storage_trouble=is_storage_trouble)
    return _Done(unread=unread)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_serve(msgspec.json.decode(sys.stdin.buffer.read(), type=_Task))))
