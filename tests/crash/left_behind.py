"""What a process left behind, as one number: two that left the same need only be gone on with once."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from pathlib import Path

from tests.crash.protocol_order import Area, area_of
from tests.crash.stage import HOME
from tests.support.folder_image import FolderImage

_RANDOM = re.compile(r"\.imalink-[0-9a-f]{16}\.tmp")
_OF_THIS_MACHINE = ("scan_snapshots", "sqlite_sequence")
"""What a look at the folder remembers of inodes, and SQLite's own."""


def digest_of(folder: Path) -> bytes:
    """Name the state of storages and catalogs: all bytes and names but those of locks and temporary files.

    Times count where they are the pictures' own.
    """
    whole = hashlib.blake2b(digest_size=16)
    image = FolderImage.take(folder)
    for name, held in sorted((_RANDOM.sub("tmp", name), held) for name, held in image.held.items()):
        if ".imalink-storage.lock" in name:
            whole.update(b"a lock")
        elif ".sqlite" not in name:
            modified_ns = held.modified_ns if area_of(name) is Area.PICTURE and held.data is not None else 0
            whole.update(repr((name, held.mode, modified_ns, _RANDOM.sub("tmp", held.twin or ""))).encode())
            whole.update(held.data or b"")
    catalog = folder / HOME / "catalog.sqlite"
    if catalog.exists():
        whole.update(_rows_digest(catalog))
    return whole.digest()


def _rows_digest(catalog: Path) -> bytes:
    whole = hashlib.blake2b(digest_size=16)
    db = sqlite3.connect(catalog)
    try:
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
            if table not in _OF_THIS_MACHINE:
                whole.update(repr((table, sorted(map(repr, db.execute(f'SELECT * FROM "{table}"'))))).encode())
    finally:
        db.close()
    return whole.digest()
