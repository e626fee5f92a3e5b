"""The driver in memory answers what the real one answers, call by call, and holds as much as it is given."""

from __future__ import annotations

import errno
import os
import random
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from imalink.durable_files import FileCalls
from imalink.storage.syscalls import SystemCalls
from tests.support.memory_calls import MemoryCalls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory files are Linux's")

ROOT = Path("/")
MOVES = ("rename_noreplace", "rename_replacing", "rename_exchange", "link")
CALLS = (
    *("open_directory", "open_read", "create_exclusive", "open_append", "mkdir", "unlink", "rmdir", "stat", "scan"),
    *("read", "pread", "write", "write_at", "truncate", "set_times", "fsync", "drop_cache", "fstat", "close"),
    *("mkdir", "open_directory", "create_exclusive", *MOVES),
)
Answer = tuple[object, ...]
CLOSED = 1_000_000
"""No descriptor: the true number of a closed one may soon be another's."""


@pytest.fixture
def memory() -> Iterator[MemoryCalls]:
    with MemoryCalls() as calls:
        yield calls


@dataclass
class World:
    """A driver at work in an empty folder; its open descriptors go by their number in ``handles``, 0 is that folder."""

    calls: FileCalls
    handles: list[int] = field(default_factory=list[int])

    def do(self, name: str, *arguments: object) -> Answer:
        """Make a call, handles and data given by number and bytes; give its result, or the name of its errno."""
        call = cast("Callable[..., object]", getattr(self, f"_{name}", None) or self._plain(name))
        try:
            return name, *arguments, "gives", call(*arguments)
        except OSError as error:
            return name, *arguments, "refuses", errno.errorcode[error.errno or 0]
        except ValueError:
            return name, *arguments, "refuses", "ValueError"

    def close_all(self) -> None:
        for handle in self.handles:
            with suppress(OSError):
                self.calls.close(handle)

    def tree(self) -> dict[str, object]:
        """Describe every name and every open handle, with which of them are one and the same file."""
        found: dict[str, os.stat_result] = {}
        waiting = [("", self.calls.open_directory(self.handles[0], "."))]
        for path, directory in waiting:
            with self.calls.scan(directory) as entries:
                names = sorted(entry.name for entry in entries)
            for name in names:
                facts = found[f"{path}/{name}"] = self.calls.stat(directory, name)
                if stat.S_ISDIR(facts.st_mode):
                    waiting.append((f"{path}/{name}", self.calls.open_directory(directory, name)))
            self.calls.close(directory)
        for number, handle in enumerate(self.handles):
            with suppress(OSError):
                found[f"handle {number}"] = self.calls.fstat(handle)
        firsts: dict[tuple[int, int], str] = {}
        return {
            name: (shown(facts), firsts.setdefault((facts.st_dev, facts.st_ino), name)) for name, facts in found.items()
        }

    def _plain(self, name: str) -> Callable[..., object]:
        call = cast("Callable[..., object]", getattr(self.calls, name))

        def with_handles(*arguments: object) -> object:
            places = (0, 2) if name in MOVES else (0,)
            given = [
                self.handles[each] if place in places and isinstance(each, int) else each
                for place, each in enumerate(arguments)
            ]
            result = call(*given)
            return self._keep(result) if isinstance(result, int) else result

        return with_handles

    def _keep(self, descriptor: int) -> int:
        self.handles.append(descriptor)
        return len(self.handles) - 1

    def _close(self, handle: int) -> None:
        self.calls.close(self.handles[handle])
        self.handles[handle] = CLOSED

    def _write(self, handle: int, data: bytes) -> int:
        return self.calls.write(self.handles[handle], memoryview(data))

    def _write_at(self, handle: int, data: bytes, offset: int) -> int:
        return self.calls.write_at(self.handles[handle], memoryview(data), offset)

    def _stat(self, handle: int, name: str) -> Answer:
        return shown(self.calls.stat(self.handles[handle], name))

    def _fstat(self, handle: int) -> Answer:
        return shown(self.calls.fstat(self.handles[handle]))

    def _scan(self, handle: int) -> list[Answer]:
        with self.calls.scan(self.handles[handle]) as entries:
            return sorted(
                (entry.name, entry.path, entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False),
                 entry.is_symlink(), entry.inode() == entry.stat(follow_symlinks=False).st_ino)
                for entry in entries
            )  # fmt: skip


def shown(facts: os.stat_result) -> Answer:
    """Give what every file system says alike: of folders neither a size nor how many names they have, only whether."""
    if stat.S_ISDIR(facts.st_mode):
        return oct(facts.st_mode), facts.st_nlink > 0
    is_old = facts.st_mtime_ns < 10**18  # set by the script, not by the moment it ran
    modified = (facts.st_mtime_ns, facts.st_mtime, facts.st_mtime_ns // 10**9) if is_old else "now"
    return oct(facts.st_mode), facts.st_nlink, facts.st_size, facts.st_uid, facts.st_gid, modified


@dataclass
class Both:
    """Both drivers side by side; every answer of the one must be that of the other."""

    real: World
    memory: World

    def pick(self, choices: random.Random) -> int:
        """Give a handle by its number: mostly one that is open."""
        handles = self.memory.handles
        is_any = choices.random() < 0.1
        return choices.choice([each for each, handle in enumerate(handles) if is_any or handle != CLOSED])

    def do(self, name: str, *arguments: object) -> Answer:
        answer = self.memory.do(name, *arguments)
        assert answer == self.real.do(name, *arguments)
        return answer


@pytest.fixture
def both(tmp_path: Path, memory: MemoryCalls) -> Iterator[Both]:
    system = SystemCalls()
    (tmp_path / "world").mkdir()
    memory.make_folder(ROOT / "world")
    made = Both(World(system, [system.open_root(str(tmp_path / "world"))]), World(memory, [memory.open_root("/world")]))
    yield made
    made.real.close_all()
    made.memory.close_all()
    assert memory.open_count == 0


LONG = "n" * 256
NOT_UTF8 = os.fsdecode(b"\xff.jpg")
SCRIPT: list[tuple[object, ...]] = [
    # files
    ("create_exclusive", 0, "a", 0o640),  # handle 1
    ("create_exclusive", 0, "a", 0o640),
    ("create_exclusive", 0, LONG, 0o640),
    ("create_exclusive", 0, "", 0o640),
    ("create_exclusive", 0, "x\0y", 0o640),
    ("create_exclusive", 0, ".", 0o640),
    ("write", 1, b"hello"),
    ("write", 1, b""),
    ("read", 1, 9),
    ("pread", 1, 3, 1),
    ("pread", 1, 3, 9),
    ("open_read", 0, "a"),  # 2
    ("read", 2, 2),
    ("read", 2, 9),
    ("read", 2, 9),
    ("write", 2, b"x"),
    ("truncate", 2, 1),
    ("open_append", 0, "a", 0o600),  # 3
    ("write", 3, b" world"),
    ("write", 1, b"!"),
    ("pread", 3, 1, 0),
    ("truncate", 3, 4),
    ("write", 3, b"S"),
    ("truncate", 1, 9),
    ("write_at", 1, b"XY", 3),
    ("write_at", 2, b"Z", 0),
    ("write_at", 3, b"end", 1),
    ("write_at", 1, b"", 5),
    ("write", 1, b"?"),
    ("pread", 2, 99, 0),
    ("set_times", 2, 1_234_567_890_123_456_789 // 10),
    ("fstat", 1),
    ("set_times", 2, -1_000_000_001),
    ("stat", 0, "a"),
    ("set_mode", 2, 0o604),
    ("fstat", 3),
    ("fsync", 1),
    ("fsync", 2),
    ("fsync", 0),
    ("drop_cache", 2),
    ("open_append", 0, "log", 0o600),  # 4
    ("create_exclusive", 0, NOT_UTF8, 0o400),  # 5
    ("write", 5, b"may be written by who made it"),
    ("scan", 0),
    # folders
    ("mkdir", 0, "d", 0o750),
    ("mkdir", 0, "d", 0o750),
    ("mkdir", 0, "a", 0o750),
    ("mkdir", 0, "", 0o750),
    ("mkdir", 0, ".", 0o750),
    ("open_directory", 0, "d"),  # 6
    ("open_directory", 0, "a"),
    ("open_directory", 0, "none"),
    ("open_directory", 0, ""),
    ("open_directory", 6, ".."),  # 7
    ("open_directory", 6, "."),  # 8
    ("fstat", 7),
    ("open_read", 0, "d"),  # 9
    ("fstat", 9),
    ("read", 9, 1),
    ("pread", 6, 1, 0),
    ("write", 6, b"x"),
    ("truncate", 6, 0),
    ("open_append", 0, "d", 0o600),
    ("set_times", 6, 10**17),
    ("stat", 1, "x"),
    ("scan", 1),
    ("mkdir", 1, "x", 0o700),
    ("open_directory", 1, "x"),
    ("open_read", 0, "none"),
    ("open_append", 1, "x", 0o600),
    ("open_read", 0, LONG),
    ("stat", 0, LONG),
    ("stat", 0, ""),
    # names
    ("link", 0, "a", 6, "b"),
    ("link", 0, "a", 6, "b"),
    ("link", 0, "none", 6, "b"),
    ("link", 0, "d", 0, "e"),
    ("link", 0, "d", 0, "a"),
    ("link", 0, "a", 0, LONG),
    ("fstat", 1),
    ("rename_noreplace", 0, "log", 0, "a"),
    ("rename_noreplace", 0, "none", 0, "a"),
    ("rename_noreplace", 0, "a", 6, "b"),
    ("rename_noreplace", 0, "a", 0, "a"),
    ("rename_noreplace", 0, "d", 6, "self"),
    ("rename_noreplace", 0, "log", 6, "log"),
    ("rename_replacing", 0, "a", 6, "b"),
    ("rename_replacing", 0, "a", 0, "a"),
    ("rename_replacing", 0, "a", 0, "d"),
    ("rename_replacing", 0, "d", 0, "a"),
    ("rename_replacing", 0, "d", 6, "self"),
    ("rename_replacing", 6, "log", 0, "d"),
    ("rename_replacing", 6, "log", 0, "none/"[:4]),
    ("rename_replacing", 0, ".", 0, "z"),
    ("rename_replacing", 0, "a", 0, ".."),
    ("rename_noreplace", 0, ".", 0, "z"),
    ("rename_noreplace", 0, "a", 0, "."),
    ("rename_exchange", 0, "a", 0, "none"),
    ("rename_exchange", 0, "a", 0, "nowhere"),
    ("rename_exchange", 0, "nowhere", 0, "a"),
    ("rename_exchange", 0, "a", 0, "d"),
    ("scan", 0),
    ("rename_exchange", 0, "a", 0, "d"),
    ("rename_exchange", 0, "d", 6, "b"),
    ("rename_exchange", 6, "b", 0, "d"),
    ("rename_exchange", 0, "a", 0, "a"),
    ("rename_exchange", 0, ".", 0, "a"),
    ("rename_replacing", 0, "a", 0, NOT_UTF8),
    ("rename_replacing", 0, "a", 0, "b"),
    ("fstat", 5),
    # taking away
    ("unlink", 0, "d"),
    ("unlink", 0, "."),
    ("unlink", 0, "nowhere"),
    ("rmdir", 0, "d"),
    ("rmdir", 0, "none"),
    ("rmdir", 0, "nowhere"),
    ("rmdir", 0, "."),
    ("rmdir", 0, ".."),
    ("unlink", 6, "b"),
    ("rmdir", 0, "d"),
    ("fstat", 6),
    ("scan", 6),
    ("create_exclusive", 6, "late", 0o600),
    ("open_append", 6, "late", 0o600),
    ("mkdir", 6, "late", 0o700),
    ("open_read", 6, "late"),
    ("link", 0, "none", 6, "late"),
    ("rename_noreplace", 0, "none", 6, "late"),
    ("rename_replacing", 0, "none", 6, "late"),
    ("open_directory", 6, "."),
    ("unlink", 0, NOT_UTF8),
    ("pread", 1, 9, 0),
    ("write", 1, b"of no name"),
    ("fstat", 1),
    ("close", 1),
    ("pread", 2, 99, 0),
    ("close", 2),
    ("close", 2),
    ("fstat", 2),
    ("read", 2, 1),
    ("write", 2, b"x"),
    ("scan", 2),
    ("stat", 2, "a"),
    ("scan", 0),
]  # fmt: skip


def test_every_call_of_a_long_script_answers_as_the_real_one_does(both: Both) -> None:
    answers = [both.do(str(name), *arguments) for name, *arguments in SCRIPT]
    assert both.memory.tree() == both.real.tree()
    refusals = {answer[-1] for answer in answers if "refuses" in answer}
    assert refusals >= {
        "EEXIST", "ENOENT", "ENOTDIR", "EISDIR", "ENOTEMPTY", "EINVAL", "EPERM", "EBADF", "EBUSY", "ENAMETOOLONG"
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_calls_in_any_order_leave_what_they_leave_on_a_disk(both: Both, seed: int) -> None:
    choices = random.Random(seed)
    names = ("a", "b", "c", "d", "e")
    given = 0
    for _ in range(400):
        call = choices.choice(CALLS)
        here, there = (both.pick(choices) for _ in range(2))
        name, other = choices.choice(names), choices.choice(names)
        arguments: dict[str, tuple[object, ...]] = {
            "create_exclusive": (here, name, 0o640),
            "open_append": (here, name, 0o600),
            "mkdir": (here, name, 0o750),
            "read": (here, 5),
            "pread": (here, 5, choices.randrange(9)),
            "write": (here, choices.randbytes(choices.randrange(9))),
            "write_at": (here, choices.randbytes(choices.randrange(9)), choices.randrange(9)),
            "truncate": (here, choices.randrange(9)),
            "set_times": (here, choices.randrange(10**17)),
        }
        if call in MOVES:
            answer = both.do(call, here, name, there, other)
        elif call in arguments:
            answer = both.do(call, *arguments[call])
        elif call in ("fstat", "fsync", "drop_cache", "scan", "close"):
            if call == "close" and here == 0:
                continue
            answer = both.do(call, here)
        else:
            answer = both.do(call, here, name)
        given += "gives" in answer
    assert both.memory.tree() == both.real.tree()
    assert given > 80


def test_links_are_met_as_on_a_disk_and_never_followed(both: Both, tmp_path: Path, memory: MemoryCalls) -> None:
    for name, target in (("to-file", "file"), ("to-folder", "folder"), ("to-nothing", "nothing")):
        (tmp_path / "world" / name).symlink_to(target)
        memory.put_link(ROOT / "world" / name, target)
    both.do("create_exclusive", 0, "file", 0o600)
    both.do("mkdir", 0, "folder", 0o700)
    for name in ("to-file", "to-folder", "to-nothing"):
        assert both.do("open_read", 0, name)[-1] == "ELOOP"
        for call, *arguments in (
            ("open_directory",), ("open_append", 0o600), ("create_exclusive", 0o600), ("mkdir", 0o700), ("rmdir",)
        ):  # fmt: skip
            assert both.do(str(call), 0, name, *arguments)[-2] == "refuses"
        both.do("link", 0, name, 0, f"second {name}")
        both.do("rename_replacing", 0, name, 0, "file")
        both.do("scan", 0)
    facts = [calls.stat(world.handles[0], "file") for world in (both.real, both.memory) for calls in (world.calls,)]
    assert [(stat.S_ISLNK(each.st_mode), each.st_size, each.st_nlink) for each in facts] == [(True, 7, 2)] * 2


def test_a_root_that_is_not_there_or_is_a_file_is_refused_as_on_a_disk(both: Both, tmp_path: Path) -> None:
    both.do("create_exclusive", 0, "file", 0o600)
    for name in ("none", "none/below", "file", "file/below"):
        with pytest.raises(OSError, match="No such|Not a directory") as real:
            both.real.calls.open_root(str(tmp_path / "world" / name))
        with pytest.raises(OSError, match="No such|Not a directory") as memory:
            both.memory.calls.open_root(f"/world/{name}")
        assert memory.value.errno == real.value.errno


# --- what a disk cannot be asked to do -------------------------------------------------------------------------------


def test_a_full_memory_takes_a_part_and_then_nothing_until_room_is_made() -> None:
    with MemoryCalls(capacity_bytes=10) as memory:
        root = memory.open_root("/")
        first, second = (memory.create_exclusive(root, name, 0o600) for name in ("a", "b"))
        assert memory.write(first, memoryview(b"123456")) == 6
        assert memory.write(second, memoryview(b"123456")) == 4
        for descriptor in (first, second):
            with pytest.raises(OSError, match="No space") as caught:
                memory.write(descriptor, memoryview(b"x"))
            assert caught.value.errno == errno.ENOSPC
        assert memory.space(root) == (0, 10)
        memory.truncate(second, 1)
        assert memory.space(root) == (3, 10)
        memory.link(root, "a", root, "c")
        memory.unlink(root, "a")
        memory.unlink(root, "c")
        assert memory.space(root) == (3, 10)  # it is open still
        memory.close(first)
        assert memory.space(root) == (9, 10)
        assert memory.write(second, memoryview(b"1234567890")) == 6  # from place 4 on: a hole counts as full


def test_a_descriptor_is_a_file_to_code_that_asks_the_system(memory: MemoryCalls) -> None:
    memory.put(ROOT / "a.jpg", b"a picture", modified_ns=10**17)
    root = memory.open_root("/")
    descriptor = memory.open_read(root, "a.jpg")
    told, seen = memory.stat(root, "a.jpg"), os.fstat(descriptor)
    assert os.pread(descriptor, 99, 2) == b"picture"
    assert not os.get_inheritable(descriptor)
    assert (told.st_ino, told.st_dev, told.st_size, told.st_mtime_ns, told.st_mode) == (
        seen.st_ino, seen.st_dev, seen.st_size, seen.st_mtime_ns, seen.st_mode
    )  # fmt: skip


def test_the_end_gives_every_descriptor_back() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with MemoryCalls() as memory:
        memory.put(ROOT / "folder/a", b"a")
        memory.open_root("/folder")
        assert len(os.listdir("/proc/self/fd")) == before + 4
    assert len(os.listdir("/proc/self/fd")) == before
