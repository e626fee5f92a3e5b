"""What is mounted where, by the kernel's table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imalink.storage.mounts import Mount, find_mount, parse_mounts
from imalink.storage.root import StorageRoot


def mount(point: str, root: str = "/") -> Mount:
    return Mount(mount_id=1, root=root, point=point, file_system_type="ext4", source="/dev/sdb1")


def test_the_table_is_read_with_odd_characters_unescaped_and_nonsense_left_out() -> None:
    text = (
        "36 35 98:0 / / rw - ext4 /dev/root rw\n"
        "3 35 0:50 /a /mnt/My\\040Disk rw,noatime master:1 shared:2 - fuse.sshfs user@host:/a\\040b rw\n"
        "nonsense\n"
        "361 35 98:0 / /x rw -\n"
    )
    first, second = parse_mounts(text)
    assert (first.mount_id, first.point, first.source) == (36, "/", "/dev/root")
    assert second == Mount(
        mount_id=3, root="/a", point="/mnt/My Disk", file_system_type="fuse.sshfs", source="user@host:/a b"
    )


def test_a_path_is_told_from_the_file_systems_own_root_and_back() -> None:
    disk, bound = mount("/media/blue"), mount("/home/me/2019", root="/photos/2019")
    assert disk.path_inside("/media/blue/photos/2019/a") == "photos/2019/a"
    assert disk.path_inside("/media/blue") == ""
    assert disk.path_inside("/media/blueish") is None
    assert bound.path_inside("/home/me/2019/a") == "photos/2019/a"
    assert bound.path_of("photos/2019/a") == "/home/me/2019/a"
    assert bound.path_of("photos/2020") is None
    assert mount("/").path_of("photos") == "/photos"
    assert disk.path_of("") == "/media/blue"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_open_folder_tells_through_which_mount_it_was_reached(tmp_path: Path) -> None:
    with StorageRoot.open(tmp_path) as root:
        found = find_mount(root.descriptor)
    assert found is not None
    assert found.path_inside(str(tmp_path.resolve())) is not None
