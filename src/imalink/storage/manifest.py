"""Manifests: ``.imalink/metadata/manifest/session_N.sha256``, checked with ``sha256sum -c`` from the storage root."""

from __future__ import annotations

from imalink.core.index import FileStatus, SessionIndex
from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError, UnsafePathError
from imalink.storage.fs import StorageFiles

MANIFESTS = RelativePath(".imalink/metadata/manifest")


def manifest_path(number: int) -> RelativePath:
    """Say where a session's manifest stands."""
    return RelativePath(f"{MANIFESTS}/session_{number}.sha256")


def save_manifest(files: StorageFiles, index: SessionIndex) -> None:
    """Replace the manifest of one session: every file of it that is present, companions and copies too.

    A session without any has none: ``sha256sum -c`` takes an empty list for a failure.
    """
    path = manifest_path(index.session.number)
    lines = dump_manifest(index)
    if lines:
        files.make_directories(MANIFESTS)
        files.replace(path, lines)
    elif files.exists(path):
        files.remove_own(path)
        files.sync_directory(MANIFESTS)


def is_manifest_whole(files: StorageFiles, index: SessionIndex) -> bool:
    """Tell whether a session's manifest says what its index says, to the byte. Raises StorageError.

    An empty one is whole where there is nothing to say: older versions wrote these.
    """
    wanted = dump_manifest(index)
    try:
        found = files.find_bytes(manifest_path(index.session.number), len(wanted))
    except (IndexDamagedError, UnsafePathError):
        return False
    return (found or b"") == wanted


def dump_manifest(index: SessionIndex) -> bytes:
    """Write the lines of a manifest, by path, in the form of GNU sha256sum."""
    sums: dict[RelativePath, str] = {}
    for entry in index.files.values():
        if entry.status is FileStatus.PRESENT:
            sums[entry.relative_path] = entry.sha256
        sums.update({copy.relative_path: copy.sha256 for copy in entry.copies if copy.status is FileStatus.PRESENT})
        sums.update({companion.relative_path: companion.sha256 for companion in entry.companions})
    return b"".join(_line(path, sums[path]) for path in sorted(sums))


def _line(path: RelativePath, sha256: str) -> bytes:
    name = path.as_bytes()
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    # sha256sum marks a line whose name it had to escape with a backslash in front.
    mark = b"\\" if escaped != name else b""
    return b"%b%b  %b\n" % (mark, sha256.encode(), escaped)
