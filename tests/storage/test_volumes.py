"""Which disk it is: facts that a copy of the files does not take along."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from imalink.storage.root import StorageRoot
from imalink.storage.volumes import VolumeFacts, describe_volume, is_network_type


def describe(folder: Path) -> VolumeFacts:
    with StorageRoot.open(folder) as root:
        return describe_volume(root)


def test_a_folder_keeps_its_instance_and_its_copy_has_another(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = describe(tmp_path / "a")
    (tmp_path / "a" / "photo.jpg").write_bytes(b"x")
    (tmp_path / "a").rename(tmp_path / "moved")
    assert describe(tmp_path / "moved").instance == first.instance
    shutil.copytree(tmp_path / "moved", tmp_path / "copy")
    assert describe(tmp_path / "copy").instance != first.instance
    assert first.instance.root_inode == (tmp_path / "moved").stat().st_ino
    assert 0 < first.free_bytes <= first.total_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_kind_of_file_system_is_told(tmp_path: Path) -> None:
    assert describe(tmp_path).file_system_type
    shared_memory = Path("/dev/shm")
    if shared_memory.is_dir():
        facts = describe(shared_memory)
        assert facts.file_system_type == "tmpfs"
        assert not facts.is_network


@pytest.mark.parametrize(
    "name", ["nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.rclone", "fuse.unheard-of", "virtiofs"]
)
def test_what_several_machines_may_see_is_a_network_mount(name: str) -> None:
    assert is_network_type(name)


@pytest.mark.parametrize(
    "name", ["ext4", "xfs", "btrfs", "vfat", "exfat", "ntfs3", "fuseblk", "fuse.mergerfs", "apfs", ""]
)
def test_a_disk_of_this_machine_is_none(name: str) -> None:
    assert not is_network_type(name)
