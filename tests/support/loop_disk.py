"""Disks in files, mounted for real: to be cut off from power, unplugged and plugged in again. Needs root."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

SHUT_DOWN = 0x8004587D
"""``FS_IOC_SHUTDOWN`` of Linux, which ext4 and xfs know."""
WITHOUT_FLUSHING = 2

MAKERS = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
    "exfat": ("mkfs.exfat",),
    "ntfs": ("mkfs.ntfs", "-F", "-q", "-Q"),
    "vfat": ("mkfs.vfat",),
}
SIZES_MB = {"ext4": 96, "xfs": 320, "exfat": 96, "ntfs": 96, "vfat": 96}
MOUNTERS = {"exfat": ("mount.exfat-fuse",), "ntfs": ("ntfs-3g",)}
"""What mounts the disk where the kernel itself does not."""


class LoopDisk:
    """One disk: ``image`` is its content, ``place`` where it is, or would be, mounted."""

    def __init__(self, image: Path, place: Path, kind: str = "ext4") -> None:
        self.image = image
        self.place = place
        self.kind = kind
        place.mkdir(parents=True, exist_ok=True)

    def make(self) -> None:
        """Make an empty file system in the image."""
        with self.image.open("wb") as file:
            file.truncate(SIZES_MB[self.kind] << 20)
        _run(*MAKERS[self.kind], os.fspath(self.image))

    def copy(self, image: Path, place: Path) -> LoopDisk:
        """Give a disk with the same content as this one, which must not be mounted."""
        _run("cp", "--sparse=always", os.fspath(self.image), os.fspath(image))
        return LoopDisk(image, place, self.kind)

    def mount(self, place: Path | None = None) -> None:
        if place is not None:
            self.place = place
            place.mkdir(parents=True, exist_ok=True)
        if self.kind in MOUNTERS:
            device = _run("losetup", "--find", "--show", os.fspath(self.image))
            try:
                _run(*MOUNTERS[self.kind], device, os.fspath(self.place))
            finally:
                _run("losetup", "--detach", device)  # once nothing uses it any more
        else:
            _run("mount", "-t", self.kind, "-o", "loop", os.fspath(self.image), os.fspath(self.place))

    def unmount(self) -> None:
        _run("umount", os.fspath(self.place))

    def pull_out(self) -> None:
        """Take the disk away from under whoever uses it: the path is empty at once, open files live on."""
        _run("umount", "-l", os.fspath(self.place))

    def cut_power(self) -> None:
        """Let nothing more reach the device, not even what the file system has in its journal in memory."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUT_DOWN, struct.pack("I", WITHOUT_FLUSHING))
        finally:
            os.close(descriptor)

    def put_away(self) -> None:
        """Unmount it if it is mounted, whoever still uses it."""
        if os.path.ismount(self.place):
            self.pull_out()


def why_not(kind: str, folder: Path) -> str | None:
    """The reason why such a disk cannot be made and mounted here, if there is one; ``folder`` is for a try."""
    if os.geteuid() != 0:
        return "needs root"
    for program in (MAKERS[kind][0], *MOUNTERS.get(kind, ())[:1]):
        if shutil.which(program) is None:
            return f"{kind} disks: {program} is not installed"
    disk = LoopDisk(folder / f"try.{kind}", folder / f"try {kind}", kind)
    try:
        disk.make()
        disk.mount()
    except subprocess.CalledProcessError as error:
        return f"{kind} disks cannot be mounted here: {error.stderr.strip()[:200]}"
    disk.unmount()
    disk.image.unlink()
    return None


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
