"""ImaLink's own files on this machine, outside any storage: read whole, replaced whole, through the writing seam."""

from __future__ import annotations

from pathlib import Path

from imalink import durable_files
from imalink.core.relative_path import RelativePath
from imalink.storage.fs import StorageFiles
from imalink.storage.root import StorageRoot


def make_directory(path: Path) -> None:
    """Make a directory and those above it that are not there. Raises StorageError."""
    missing: list[str] = []
    standing = path.absolute()
    while not standing.is_dir():
        missing.insert(0, standing.name)
        standing = standing.parent
    if missing:
        with StorageRoot.open(standing) as root:
            StorageFiles(root).make_directories(RelativePath.parse("/".join(missing)))


def read_local(path: Path) -> bytes | None:
    """Give a file's bytes, or None when it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def replace_local(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``; after a crash the file is old or new, never half. Raises StorageError."""
    make_directory(path.parent)
    with StorageRoot.open(path.parent) as root:
        durable_files.replace_durably(
            root.calls, staging=root.descriptor, directory=root.descriptor, name=path.name, data=data
        )


def set_aside(path: Path, name: str) -> None:
    """Give a file of ours that cannot be read another name beside its own. Raises NameTakenError, StorageError."""
    with StorageRoot.open(path.parent) as root:
        StorageFiles(root).move(RelativePath.parse(path.name), RelativePath.parse(name))
