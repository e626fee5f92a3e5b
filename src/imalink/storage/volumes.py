"""Which disk a folder stands on: its file system's identity, kind and room, as far as the system tells."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from imalink.durable_files import storage_errors
from imalink.storage.mounts import find_mount
from imalink.storage.root import StorageRoot

_NETWORK_TYPES = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "davfs", "9p", "afs", "ceph", "lustre", "ncpfs",
        "ocfs2", "gfs2", "virtiofs", "vboxsf", "prl_fs", "fuse",
    }
)  # fmt: skip
# FUSE says nothing of where the bytes are; what is not known to be local is taken as a network mount (it costs a wait).
_LOCAL_FUSE = frozenset(
    f"fuse.{name}"
    for name in (
        "bindfs",
        "cryfs",
        "encfs",
        "exfat",
        "gocryptfs",
        "mergerfs",
        "ntfs-3g",
        "unionfs",
        "veracrypt",
        "fuse-overlayfs",
    )
)
_BY_UUID = Path("/dev/disk/by-uuid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Which copy of a storage this is, by facts that a copy of its files does not take along (docs/glossary.md).

    ``file_system_uuid`` is the UUID or volume serial as the system spells it; ``birth_ns`` when the root directory was
    made, in nanoseconds since 1970. None where the system does not tell. Kept in catalog and registry only.
    """

    file_system_uuid: str | None
    root_inode: int
    birth_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFacts:
    """The file system under a root; ``file_system_type`` is ``ext4``, ``fuse.sshfs``, …, or ``""`` when unknown."""

    instance: Instance
    file_system_type: str
    is_network: bool
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mount:
    file_system_type: str
    source: str
    is_network: bool


def describe_volume(root: StorageRoot) -> VolumeFacts:
    """Give the facts of the file system that holds ``root``, best effort but for inode and room.

    Asks through the open handle, not by path. Linux: /proc, statx and FS_IOC_GETFSUUID; macOS: no file-system UUID.
    Raises StorageOfflineError and the rest of ``storage_error``.
    """
    with storage_errors("ask for the facts of the storage's disk"):
        space = root.calls.space(root.descriptor)
    mount = _find_mount(root.descriptor)
    return VolumeFacts(
        instance=Instance(
            file_system_uuid=_find_uuid(root.descriptor, mount),
            root_inode=root.inode,
            birth_ns=_find_birth_ns(root.descriptor),
        ),
        file_system_type=mount.file_system_type if mount else "",
        is_network=mount.is_network if mount else False,
        free_bytes=space.free_bytes,
        total_bytes=space.total_bytes,
    )


def find_network_type(folder: Path) -> str | None:
    """Give the type of the file system that holds a folder, if several machines may see it; else None."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None  # what stands in the way there is told when it is used
    try:
        mount = _find_mount(descriptor)
    finally:
        os.close(descriptor)
    return mount.file_system_type if mount is not None and mount.is_network else None


def is_network_type(file_system_type: str) -> bool:
    """Tell whether several machines may see a file system of this type (FUSE: unless known to be local)."""
    if file_system_type.startswith("fuse."):
        return file_system_type not in _LOCAL_FUSE
    return file_system_type in _NETWORK_TYPES


def _find_mount(descriptor: int) -> _Mount | None:
    if sys.platform == "darwin":
        return _find_mount_darwin(descriptor)
    found = find_mount(descriptor)
    if found is None:
        return None
    return _Mount(
        file_system_type=found.file_system_type,
        source=found.source,
        is_network=is_network_type(found.file_system_type),
    )


def _find_mount_darwin(descriptor: int) -> _Mount | None:
    library = ctypes.CDLL(None, use_errno=True)
    function = getattr(library, "fstatfs$INODE64", None) or getattr(library, "fstatfs", None)
    buffer = ctypes.create_string_buffer(4096)
    if function is None or function(descriptor, buffer) != 0:
        return None
    flags = struct.unpack_from("=I", buffer, 64)[0]
    name = buffer.raw[72:88].split(b"\0", 1)[0].decode("ascii", "replace")
    return _Mount(file_system_type=name, source="", is_network=not flags & 0x1000)  # MNT_LOCAL


def _find_uuid(descriptor: int, mount: _Mount | None) -> str | None:
    if sys.platform != "linux":
        return None
    return _find_uuid_by_link(mount.source if mount else "") or _find_uuid_by_ioctl(descriptor)


def _find_uuid_by_link(source: str) -> str | None:
    if not source.startswith("/dev/"):
        return None
    try:
        device = os.path.realpath(source)
        for link in sorted(_BY_UUID.iterdir()):
            if os.path.realpath(link) == device:
                return link.name
    except OSError:
        return None
    return None


def _find_uuid_by_ioctl(descriptor: int) -> str | None:
    import fcntl

    answer = bytearray(17)  # struct fsuuid2: length, then 16 bytes; Linux 6.9
    try:
        fcntl.ioctl(descriptor, 0x80111500, answer)
    except OSError:
        return None
    return str(uuid.UUID(bytes=bytes(answer[1:17]))) if answer[0] == 16 and any(answer[1:]) else None


def _find_birth_ns(descriptor: int) -> int | None:
    if sys.platform == "darwin":
        seconds = getattr(os.fstat(descriptor), "st_birthtime", None)
        return None if seconds is None else round(seconds * 1_000_000_000)
    statx = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
    buffer = ctypes.create_string_buffer(256)
    wanted, empty_path = 0x800, 0x1000  # STATX_BTIME, AT_EMPTY_PATH
    if statx is None or statx(descriptor, b"", empty_path, wanted, buffer) != 0:
        return None
    mask = struct.unpack_from("=I", buffer, 0)[0]
    seconds, nanoseconds = struct.unpack_from("=qI", buffer, 80)
    # Some file systems claim to know it and say 1970.
    return seconds * 1_000_000_000 + nanoseconds if mask & wanted and seconds else None
