"""A storage is reached through its held directory only: no link, and no other directory put in its place."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imalink import errors
from imalink.core.relative_path import RelativePath
from imalink.storage.fs import StorageFiles
from imalink.storage.root import StorageRoot
from tests.support.faults import CountingCalls, FailingCalls, WalkingCalls


def test_an_absent_directory_is_an_offline_storage(tmp_path: Path) -> None:
    with pytest.raises(errors.StorageOfflineError) as caught:
        StorageRoot.open(tmp_path / "gone")
    assert str(tmp_path) not in caught.value.message
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(errors.StorageOfflineError):
        StorageRoot.open(tmp_path / "file")


def test_a_device_that_does_not_answer_is_an_offline_storage(tmp_path: Path) -> None:
    for number in (errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENOTCONN, errno.ETIMEDOUT):
        for call in ("open_root", "fstat"):
            counting = CountingCalls()
            calls = FailingCalls(1, number, among=frozenset({call}), inner=counting)
            with pytest.raises(errors.StorageOfflineError):
                StorageRoot.open(tmp_path, calls=calls)
            assert counting.open_count == 0


def test_a_folder_is_reached_part_by_part_where_the_kernel_cannot_keep_below(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    counting = CountingCalls(WalkingCalls())
    with StorageRoot.open(tmp_path, calls=counting) as root:
        with root.directory(RelativePath("a/b")) as descriptor:
            assert os.fstat(descriptor).st_ino == (tmp_path / "a" / "b").stat().st_ino
        with root.directory(None) as descriptor:
            assert os.fstat(descriptor).st_ino == tmp_path.stat().st_ino
            assert descriptor != root.descriptor
    names = [call.arguments[1] for call in counting.log if call.name == "open_directory"]
    assert names == ["a", "b", "."]
    assert counting.open_count == 0


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("leads", ["outside", "inside", "nowhere", "to itself"])
def test_a_link_in_any_part_is_refused(tmp_path: Path, place: str, leads: str) -> None:
    storage, outside = tmp_path / "storage", tmp_path / "outside"
    for folder in (storage, outside):
        (folder / "a" / "b" / "c").mkdir(parents=True)
    part = {"first": "a", "middle": "a/b", "last": "a/b/c"}[place]
    os.rename(storage / part, storage / "moved")
    target = {"outside": outside / part, "inside": storage / "moved", "nowhere": "nothing", "to itself": storage / part}
    os.symlink(target[leads], storage / part)
    counting = CountingCalls()
    with StorageRoot.open(storage, calls=counting) as root:
        files = StorageFiles(root)
        path = RelativePath("a/b/c")
        with pytest.raises(errors.UnsafePathError, match="symbolic link"):
            root.open_directory(path)
        with pytest.raises(errors.UnsafePathError):
            files.make_directories(path)
        with pytest.raises(errors.UnsafePathError):
            files.replace(path.below("x"), b"leak")
        with pytest.raises(errors.UnsafePathError):
            files.append(path.below("x"), b"leak")
        with pytest.raises(errors.UnsafePathError):
            files.read_bytes(path.below("x"), 10)
        with pytest.raises(errors.UnsafePathError):
            files.list_names(path)
    assert counting.open_count == 0
    assert [name for _, _, names in os.walk(outside) for name in names] == []


def test_the_users_own_link_to_the_storage_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    with StorageRoot.open(tmp_path / "link") as root:
        root.verify_identity()
        StorageFiles(root).replace(RelativePath("index.json"), b"{}")
    assert (tmp_path / "disk" / "index.json").exists()


def test_a_file_on_the_way_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with StorageRoot.open(tmp_path) as root:
        with pytest.raises(errors.NotFoundError):
            root.open_directory(RelativePath("a/b"))
        assert StorageFiles(root).find_facts(RelativePath("a/b")) is None


def test_writes_go_to_the_held_directory_and_never_to_one_put_in_its_place(tmp_path: Path) -> None:
    """A lazy unmount: the path now leads to the empty mount point, the handle still to the disk."""
    mount_point, disk = tmp_path / "mnt", tmp_path / "disk"
    mount_point.mkdir()
    with StorageRoot.open(mount_point) as root:
        files = StorageFiles(root)
        root.verify_identity()
        mount_point.rename(disk)
        mount_point.mkdir()
        files.make_directories(RelativePath(".imalink/staging"))
        files.make_directories(RelativePath("photos/2024"))
        with files.stage_new(RelativePath(".imalink/staging/1.part")) as staged:
            staged.write(b"photo")
            staged.sync()
        files.place(RelativePath(".imalink/staging/1.part"), RelativePath("photos/2024/a.jpg"))
        files.replace(RelativePath("index.json"), b"{}")
        files.append(RelativePath(".imalink/j.jsonl"), b"x\n")
        with pytest.raises(errors.StorageOfflineError, match="Another directory"):
            root.verify_identity()
    assert os.listdir(mount_point) == []
    assert (disk / "photos" / "2024" / "a.jpg").read_bytes() == b"photo"
    assert (disk / "index.json").read_bytes() == b"{}"


def test_the_identity_fails_when_the_directory_is_gone_or_its_device_is_dead(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with StorageRoot.open(tmp_path / "a") as root:
        (tmp_path / "a").rmdir()
        with pytest.raises(errors.StorageOfflineError):
            root.verify_identity()
        (tmp_path / "a").mkdir()
        with pytest.raises(errors.StorageOfflineError):
            root.verify_identity()
    for call in ("fstat", "scan", "open_root"):
        first = 2 if call in ("fstat", "open_root") else 1
        counting = CountingCalls()
        calls = FailingCalls(first, errno.EIO, among=frozenset({call}), inner=counting)
        with StorageRoot.open(tmp_path, calls=calls) as root, pytest.raises(errors.StorageOfflineError):
            root.verify_identity()
        assert counting.open_count == 0


def test_a_closed_root_opens_nothing(tmp_path: Path) -> None:
    root = StorageRoot.open(tmp_path)
    root.close()
    root.close()
    with pytest.raises(ValueError, match="closed"):
        root.open_directory(None)
    with pytest.raises(ValueError, match="closed"):
        root.open_directory(RelativePath("a"))


def test_deep_folders_are_reached(tmp_path: Path) -> None:
    path = RelativePath.parse("/".join(["deep"] * 200))
    counting = CountingCalls()
    with StorageRoot.open(tmp_path, calls=counting) as root:
        files = StorageFiles(root)
        assert len(files.make_directories(path)) == 200
        files.replace(path.below("x.json"), b"{}")
        assert files.read_bytes(path.below("x.json"), 10) == b"{}"
    assert counting.most_open_count < 8


def test_a_python_that_cannot_spell_every_name_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys; from imalink.storage.root import StorageRoot; from imalink.errors import UsageError\n"
        "assert sys.getfilesystemencoding() != 'utf-8'\n"
        "try: StorageRoot.open(sys.argv[1])\n"
        "except UsageError as error: print(error.hint)"
    )
    environment = {**os.environ, "LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    if "AssertionError" in run.stderr:
        pytest.skip("no locale with another encoding is installed")
    assert "PYTHONUTF8" in run.stdout
