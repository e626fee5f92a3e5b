"""A walk sees every regular file, follows nothing, and never calls missing what it could not see."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import cast

import pytest

from imalink import errors
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile, ScanResult
from imalink.formats.layouts.hybrid import HYBRID
from imalink.storage import scanner
from imalink.storage.fs import StorageFiles
from imalink.storage.root import StorageRoot
from imalink.storage.scanner import MAX_OPEN_FOLDERS, scan_source, scan_storage
from tests.support.faults import CountingCalls, FailingCalls, HookedCalls, InterposedCalls


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def scan(root: Path, photo_root: str | None = None, calls: InterposedCalls | None = None) -> ScanResult:
    counting = CountingCalls(calls)
    with StorageRoot.open(root, calls=counting) as opened:
        start = RelativePath.parse(photo_root) if photo_root else None
        result = scan_storage(StorageFiles(opened), photo_root=start, own_names=HYBRID.own_names)
    assert counting.open_count == 0, "a handle was left open"
    return result


def scan_from(root: Path) -> ScanResult:
    with StorageRoot.open(root) as opened:
        return scan_source(opened)


def codes(result: ScanResult) -> list[tuple[str, str]]:
    return sorted((finding.code, finding.path) for finding in result.findings)


def test_every_file_is_seen_with_its_facts(tmp_path: Path) -> None:
    put(tmp_path, "photos/a.jpg", "photos/2024/b.jpg", "photos/2024/07/c.NEF", "elsewhere/d.jpg")
    os.utime(tmp_path / "photos/a.jpg", ns=(1, 1_720_000_000_123_456_789))
    result = scan(tmp_path, "photos")
    assert set(result.files) == {"photos/a.jpg", "photos/2024/b.jpg", "photos/2024/07/c.NEF"}
    facts = (tmp_path / "photos/a.jpg").stat()
    path = RelativePath("photos/a.jpg")
    assert result.files[path] == ScannedFile(path, 12, 1_720_000_000_123_456_789, facts.st_ino, facts.st_dev)
    assert all(type(key) is RelativePath and key == file.relative_path for key, file in result.files.items())
    assert result.directories_count == 3
    assert result.findings == ()
    assert result.unseen == frozenset()


def test_folders_are_walked_in_the_order_of_their_names(tmp_path: Path) -> None:
    put(tmp_path, *(f"{folder}/x.jpg" for folder in ("c", "a", "b", "a/z", "a/y")))
    assert list(scan(tmp_path).files) == ["a/x.jpg", "a/y/x.jpg", "a/z/x.jpg", "b/x.jpg", "c/x.jpg"]


def test_our_own_names_are_left_out_at_the_root_only(tmp_path: Path) -> None:
    put(tmp_path, "index.json", "imports/session_1.json", "imalink-master.json", "imalink-sessions/session_1.json")
    put(tmp_path, ".imalink/hotpreviews/a.jpg", ".imalink-storage", ".imalink-trash/x.jpg", ".imalink-storage.lock")
    put(tmp_path, "a.jpg", "sub/index.json", "sub/imports/b.jpg")
    result = scan(tmp_path)
    assert set(result.files) == {"a.jpg", "sub/index.json", "sub/imports/b.jpg"}
    assert result.findings == ()


def test_junk_and_hidden_names_are_left_out_silently(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg", ".hidden/b.jpg", "x/@eaDir/a.jpg")
    put(tmp_path, "x/@__thumb/a.jpg", ".Spotlight-V100/x", ".Trashes/a.jpg", ".fseventsd/x", "$RECYCLE.BIN/a.jpg")
    put(tmp_path, "System Volume Information/x", "__MACOSX/a.jpg", ".dtrash/a.jpg", "lost+found/a.jpg")
    result = scan(tmp_path)
    assert set(result.files) == {"a.jpg"}
    assert result.findings == ()


def test_links_and_special_files_are_reported_and_left_alone(tmp_path: Path) -> None:
    storage, outside = tmp_path / "storage", tmp_path / "outside"
    put(storage, "a.jpg")
    put(outside, "secret.jpg")
    (storage / "folder").symlink_to(outside)
    (storage / "file.jpg").symlink_to(outside / "secret.jpg")
    (storage / "dangling").symlink_to("nowhere")
    (storage / "loop").symlink_to(".")
    os.mkfifo(storage / "pipe")
    os.mknod(storage / "socket", stat.S_IFSOCK | 0o600)
    result = scan(storage)
    assert set(result.files) == {"a.jpg"}
    expected = [
        ("symlink", "dangling"), ("symlink", "file.jpg"), ("symlink", "folder"), ("symlink", "loop"),
        ("special", "pipe"), ("special", "socket"),
    ]  # fmt: skip
    assert codes(result) == sorted((f"storage-{kind}", path) for kind, path in expected)
    assert codes(scan_from(storage)) == sorted((f"source-{kind}", path) for kind, path in expected)


def test_a_folder_swapped_for_a_link_in_mid_walk_is_not_followed(tmp_path: Path) -> None:
    storage, outside = tmp_path / "storage", tmp_path / "outside"
    put(storage, "sub/a.jpg")
    put(outside, "secret.jpg")

    def swap() -> None:
        (storage / "sub").rename(storage / ".aside")
        (storage / "sub").symlink_to(outside)

    armed: list[Callable[[], None]] = [swap]

    class SwapAfterListing(InterposedCalls):
        def open_directory(self, directory: int, name: str) -> int:
            if name == "sub" and armed:
                armed.pop()()
            return super().open_directory(directory, name)

    result = scan(storage, calls=SwapAfterListing())
    assert not armed
    assert set(result.files) == set()
    assert codes(result) == [("storage-unreadable", "sub")]
    assert result.is_unseen(RelativePath("sub/a.jpg"))


def test_another_storage_inside_is_not_walked(tmp_path: Path) -> None:
    put(tmp_path, ".imalink-storage", "a.jpg", "sub/0.jpg", "sub/.imalink-storage", "sub/photos/b.jpg", "sub/z.jpg")
    put(tmp_path, "sub2/c.jpg")
    result = scan(tmp_path)
    assert set(result.files) == {"a.jpg", "sub2/c.jpg"}
    assert codes(result) == [("foreign-storage-inside", "sub")]
    assert result.is_unseen(RelativePath("sub/photos/b.jpg"))
    assert result.is_unseen(RelativePath("sub"))
    assert not result.is_unseen(RelativePath("sub2/c.jpg"))
    assert not result.is_unseen(RelativePath("a.jpg"))


def test_a_source_may_be_or_hold_a_storage(tmp_path: Path) -> None:
    put(tmp_path, "disk/.imalink-storage", "disk/photos/b.jpg", "imports/a.jpg")
    assert set(scan_from(tmp_path).files) == {"disk/photos/b.jpg", "imports/a.jpg"}


class FailingEntries(InterposedCalls):
    """Lists the folder ``name``, then fails; or fails to describe the file ``name``."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__()
        self._name = name
        self._number = number
        self._descriptors: set[int] = set()

    def open_directory(self, directory: int, name: str) -> int:
        descriptor = super().open_directory(directory, name)
        if name == self._name:
            self._descriptors.add(descriptor)
        return descriptor

    def close(self, descriptor: int) -> None:
        self._descriptors.discard(descriptor)
        super().close(descriptor)

    def scan(self, directory: int) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        if directory in self._descriptors:
            return nullcontext(self._breaking(directory))
        return self._wrapped(directory)

    def _breaking(self, directory: int) -> Iterator[os.DirEntry[str]]:
        with os.scandir(directory) as entries:
            yield next(entries)
        raise OSError(self._number, "listing broke off")

    @contextmanager
    def _wrapped(self, directory: int) -> Generator[Iterator[os.DirEntry[str]]]:
        with os.scandir(directory) as entries:
            yield (
                cast("os.DirEntry[str]", BrokenEntry(e, self._number)) if e.name == self._name else e for e in entries
            )


class BrokenEntry:
    """A directory entry that cannot be described."""

    def __init__(self, entry: os.DirEntry[str], number: int) -> None:
        self.name = entry.name
        self._entry = entry
        self._number = number

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        if self._entry.is_dir(follow_symlinks=False):
            return self._entry.stat(follow_symlinks=follow_symlinks)
        raise OSError(self._number, "no answer")


def test_an_unreadable_folder_is_told_and_nothing_below_it_is_missing(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "bad/b.jpg", "bad/deep/c.jpg", "badly/d.jpg")
    result = scan(tmp_path, calls=FailingEntries("bad", errno.EIO))
    assert {"a.jpg", "badly/d.jpg"} <= set(result.files)
    assert codes(result) == [("storage-unreadable", "bad")]
    assert result.findings[0].facts == {"reason": "EIO"}
    assert result.is_unseen(RelativePath("bad/b.jpg"))
    assert result.is_unseen(RelativePath("bad/deep/c.jpg"))
    assert not result.is_unseen(RelativePath("badly/d.jpg"))


def test_an_unreadable_file_is_told_and_not_missing(tmp_path: Path) -> None:
    put(tmp_path, "sub/a.jpg", "sub/b.jpg")
    result = scan(tmp_path, calls=FailingEntries("a.jpg", errno.EIO))
    assert set(result.files) == {"sub/b.jpg"}
    assert codes(result) == [("storage-unreadable", "sub/a.jpg")]
    assert result.is_unseen(RelativePath("sub/a.jpg"))
    vanished = scan(tmp_path, calls=FailingEntries("a.jpg", errno.ENOENT))
    assert codes(vanished) == []
    assert not vanished.is_unseen(RelativePath("sub/a.jpg"))


@pytest.mark.parametrize("number", [errno.ESTALE, errno.ENODEV, errno.ENOTCONN, errno.ENXIO])
@pytest.mark.parametrize("name", ["sub", "a.jpg"])
def test_a_device_that_goes_away_in_mid_walk_is_offline_and_nothing_is_missing(
    tmp_path: Path, number: int, name: str
) -> None:
    put(tmp_path, "sub/a.jpg", "sub/b.jpg")
    with pytest.raises(errors.StorageOfflineError):
        scan(tmp_path, calls=FailingEntries(name, number))


def test_a_root_swapped_in_mid_walk_is_offline(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    put(storage, "sub/a.jpg")

    def swap() -> None:
        storage.rename(tmp_path / "away")
        storage.mkdir()

    with pytest.raises(errors.StorageOfflineError):
        scan(storage, calls=HookedCalls(before={"scan": swap}))


def test_a_photo_root_that_cannot_be_listed_stops_the_scan(tmp_path: Path) -> None:
    put(tmp_path, "photos/a.jpg")
    with pytest.raises(errors.StorageIoError):
        scan(tmp_path, "photos", FailingCalls(1, errno.EIO, among=frozenset({"scan"})))
    with pytest.raises(errors.NotFoundError):
        scan(tmp_path, "pictures")


@pytest.mark.root
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    """As another user: root may read everything."""
    put(tmp_path, "a.jpg", "private/b.jpg")
    (tmp_path / "private").chmod(0o700)
    tmp_path.chmod(0o755)
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    os.seteuid(65534)
    try:
        from imalink.storage.syscalls import SystemCalls

        root = StorageRoot(path=tmp_path, descriptor=descriptor, calls=SystemCalls())
        result = scanner.walk(root, start=None, rules=scanner.storage_rules(HYBRID.own_names))
    finally:
        os.seteuid(0)
        os.close(descriptor)
    assert set(result.files) == {"a.jpg"}
    assert codes(result) == [("storage-unreadable", "private")]
    assert result.findings[0].facts == {"reason": "EACCES"}


def test_sixty_levels_are_walked_with_few_handles(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 60)
    put(tmp_path, f"{deep}/x.jpg", "d/d/e/y.jpg", "d/z.jpg", "/".join(["d"] * 40) + "/e/w.jpg")
    counting = CountingCalls()
    with StorageRoot.open(tmp_path, calls=counting) as root:
        result = scan_storage(StorageFiles(root), photo_root=None, own_names=HYBRID.own_names)
    assert set(result.files) == {f"{deep}/x.jpg", "d/d/e/y.jpg", "d/z.jpg", "/".join(["d"] * 40) + "/e/w.jpg"}
    assert result.directories_count == 63
    assert result.findings == ()
    assert counting.most_open_count <= MAX_OPEN_FOLDERS + 4


def test_a_wide_tree_is_walked_with_few_handles(tmp_path: Path) -> None:
    put(tmp_path, *(f"{number}/x.jpg" for number in range(300)))
    counting = CountingCalls()
    with StorageRoot.open(tmp_path, calls=counting) as root:
        assert len(scan_storage(StorageFiles(root), photo_root=None, own_names=HYBRID.own_names).files) == 300
    assert counting.most_open_count <= 4


def test_a_path_too_long_for_an_index_is_told(tmp_path: Path) -> None:
    part = "d" * 250
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(17):
        os.mkdir(part, dir_fd=descriptor)
        below = os.open(part, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("a.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    result = scan(tmp_path)
    assert result.files == {}
    assert [finding.code for finding in result.findings] == ["name-too-long"]
    assert result.directories_count == 17


def test_odd_names_are_kept_and_shown_escaped(tmp_path: Path) -> None:
    for raw in (b"a\nb.jpg", b"\xff\xe9.jpg", "ü\u202e.jpg".encode(), b"-rf", b" ", b"x" * 255):
        (tmp_path / os.fsdecode(raw)).write_bytes(b"")
    result = scan(tmp_path)
    assert len(result.files) == 6
    assert codes(result) == [("name-not-utf8", r"\xff\xe9.jpg")]
    for path in result.files:
        RelativePath.parse(path)


def test_the_work_can_be_stopped_between_folders(tmp_path: Path) -> None:
    put(tmp_path, *(f"{folder}/{number}.jpg" for folder in range(5) for number in range(600)))
    seen: list[int] = []

    def checkpoint(count: int) -> None:
        seen.append(count)
        if count > 2000:
            raise errors.CancelledError("stopped")

    counting = CountingCalls()
    with StorageRoot.open(tmp_path, calls=counting) as root, pytest.raises(errors.CancelledError):
        scan_storage(StorageFiles(root), photo_root=None, own_names=HYBRID.own_names, checkpoint=checkpoint)
    assert seen == [1200, 2400]
    assert counting.open_count == 0


def test_a_socket_bound_by_a_program_does_not_block(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(tmp_path)
        try:
            listening.bind("s")
        finally:
            os.chdir(here)
        assert codes(scan(tmp_path)) == [("storage-special", "s")]
