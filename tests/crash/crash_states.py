"""What a power cut may leave: only what was flushed is sure, of the rest any part may be there.

The rules, stricter than any one file system:

* A file's bytes, length, time and permissions are sure up to its last flush. Of what was written since then, each piece
  of 512 bytes is there or not; where the length is and the bytes are not, there are zeros.
* A folder's names are sure up to its last flush. Of what was made, moved and removed since, any subset holds.
* A rename may leave both names for a while, never neither: the old name goes only where the new one has come. The new
  one is sure when its folder was flushed, whatever was flushed on the other side.
* Two files that change names in one step do so whole or not at all.
* What a flush of a file says of its name: nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.support.disk_log import ROOT, DiskNow, Done, FileNow
from tests.support.folder_image import FolderImage, Held

SECTOR = 512
_FOLDER_MODE = 0o40755
_FILE_KIND = 0o100000
_WRITTEN = frozenset({"write", "truncate", "times", "mode"})


@dataclass
class Change:
    """A change of names that holds whole or not at all: (folder, name, node or None), in the order of ``at``.

    ``unflushed`` are the folders that have to be flushed before it is sure; ``after`` is a change that it needs.
    """

    at: int
    names: Sequence[tuple[int, str, int | None]]
    unflushed: set[int]
    was: int
    after: Change | None = None
    is_sure: bool = False


@dataclass
class Disk:
    """What is sure, and what is not yet; ``do`` it all in order."""

    sure: DiskNow
    written: dict[int, list[Done]] = field(default_factory=dict[int, list[Done]])
    changes: list[Change] = field(default_factory=list[Change])
    _done: int = 0

    def do(self, done: Done) -> None:
        """Let one more thing happen."""
        self._done += 1
        if done.kind in _WRITTEN:
            self.written.setdefault(done.node, []).append(done)
        elif done.kind == "fsync":
            self._flush(done.node)
        elif done.kind == "create":
            self.sure.files[done.node] = FileNow(b"", done.number, 0)
            self._change([(done.folder, done.name, done.node)], done.node)
        elif done.kind == "mkdir":
            self.sure.folders[done.node] = {}
            self._change([(done.folder, done.name, done.node)], done.node)
        elif done.kind == "link":
            self._change([(done.folder, done.name, done.node)], done.node)
        elif done.kind in ("unlink", "rmdir"):
            self._change([(done.folder, done.name, None)], done.node)
        elif done.kind == "exchange":
            names = [(done.to_folder, done.to_name, done.node), (done.folder, done.name, done.other)]
            self._change(names, done.node)
        elif done.folder == done.to_folder:
            self._change([(done.to_folder, done.to_name, done.node), (done.folder, done.name, None)], done.node)
        else:
            come = self._change([(done.to_folder, done.to_name, done.node)], done.node)
            self._change([(done.folder, done.name, None)], done.node, after=come)

    def _change(
        self, names: Sequence[tuple[int, str, int | None]], node: int, *, after: Change | None = None
    ) -> Change:
        change = Change(self._done, names, {folder for folder, _, _ in names}, node, after)
        self.changes.append(change)
        return change

    def _flush(self, node: int) -> None:
        if node in self.sure.files:
            for done in self.written.pop(node, ()):
                self.sure.files[node] = written_to(self.sure.files[node], done)
            return
        for change in self.changes:
            change.unflushed.discard(node)
        for change in self.changes:
            if not change.unflushed and (change.after is None or change.after.is_sure):
                change.is_sure = True
                _rename(self.sure, change)
        self.changes = [change for change in self.changes if not change.is_sure]

    def left(self, holds: Callable[[Change], bool], survives: Callable[[FileNow, Sequence[Done]], FileNow]) -> DiskNow:
        """Give one thing that a power cut may leave now."""
        now = self.sure.copy()
        held = set[int]()
        for change in self.changes:
            has_come = change.after is None or change.after.is_sure or id(change.after) in held
            if has_come and holds(change):
                held.add(id(change))
                _rename(now, change)
        for node, pending in self.written.items():
            now.files[node] = survives(now.files[node], pending)
        return now

    def everything(self) -> DiskNow:
        """Give what stands there while the power holds."""
        return self.left(lambda _: True, _new)


def _rename(now: DiskNow, change: Change) -> None:
    for folder, name, node in change.names:
        names = now.folders[folder]
        if node is not None:
            names[name] = node
        elif names.get(name) == change.was:
            del names[name]


def written_to(file: FileNow, done: Done, *, keeps: Callable[[], bool] = lambda: True) -> FileNow:
    """Give a file after one write, or after those pieces of it that are kept."""
    if done.kind == "times":
        return FileNow(file.data, file.mode, done.number)
    if done.kind == "mode":
        return FileNow(file.data, done.number, file.modified_ns)
    if done.kind == "truncate":
        return FileNow(file.data[: done.number].ljust(done.number, b"\0"), file.mode, file.modified_ns)
    end = done.number + len(done.data)
    data = bytearray(file.data.ljust(end, b"\0"))
    at = done.number
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        if keeps():
            data[at:stop] = done.data[at - done.number : stop - done.number]
        at = stop
    return FileNow(bytes(data), file.mode, file.modified_ns)


def states_now(disk: Disk, chance: random.Random, count: int) -> Iterator[DiskNow]:
    """Give what a power cut may leave: nothing unsure, all of it, names alone, bytes alone, mixes."""

    def nothing(_: Change) -> bool:
        return False

    def everything(_: Change) -> bool:
        return True

    yield disk.left(nothing, _old)
    yield disk.left(everything, _old)
    yield disk.left(everything, _new)
    yield disk.left(nothing, _new)
    for _ in range(count):
        share = chance.choice((0.15, 0.5, 0.85))

        def some(_: Change, share: float = share) -> bool:
            return chance.random() < share

        def torn(file: FileNow, pending: Sequence[Done], share: float = share) -> FileNow:
            for done in pending:
                if chance.random() < share:
                    whole = chance.random() < 0.5
                    file = written_to(file, done, keeps=lambda whole=whole: whole or chance.random() < share)
            return file

        yield disk.left(some, torn)


def _old(file: FileNow, _: Sequence[Done]) -> FileNow:
    return file


def _new(file: FileNow, pending: Sequence[Done]) -> FileNow:
    for done in pending:
        file = written_to(file, done)
    return file


def as_image(now: DiskNow, leaves_out: Callable[[str], bool]) -> FolderImage:
    """Give it as files that can be written."""
    held: dict[str, Held] = {}
    twins: dict[int, str] = {}
    waiting = [("", ROOT)]
    for prefix, folder in waiting:
        for name, node in now.folders[folder].items():
            path = prefix + name
            if leaves_out(path):
                continue
            if node in now.folders:
                held[path] = Held(_FOLDER_MODE, 0)
                waiting.append((f"{path}/", node))
            else:
                file = now.files[node]
                twin = twins.setdefault(node, path)
                data = file.data if twin == path else None
                held[path] = Held(
                    _FILE_KIND | file.mode, file.modified_ns, data=data, twin=None if twin == path else twin
                )
    return FolderImage(held)
