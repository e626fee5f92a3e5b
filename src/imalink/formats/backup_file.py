"""``backup.json``: what a backup holds, when it was made and of what. Format page: docs/format/backup.md."""

from __future__ import annotations

import msgspec

from imalink.core.ids import StorageUuid
from imalink.errors import IndexDamagedError
from imalink.formats.documents import decode_struct

BACKUP_FORMAT = "1.0"
BACKUP_NAME = "backup.json"
CATALOG_NAME = "catalog.sqlite"
REGISTRY_NAME = "storage_config.json"
CHECKSUMS_NAME = "SHA256SUMS"
STORAGES_FOLDER = "storages"


class BackedUpStorage(msgspec.Struct, kw_only=True):
    """One storage whose own files are in the backup; ``last_seen_at`` is a note of where it stood."""

    storage_uuid: StorageUuid
    display_name: str
    layout: str
    directory_name: str
    last_seen_at: str
    file_count: int
    size_bytes: int


class Backup(msgspec.Struct, kw_only=True):
    """The whole document. ``photo_count`` and ``session_count`` are for people."""

    format: str = BACKUP_FORMAT
    created_at: str
    imalink_version: str
    photo_count: int
    session_count: int
    storages: list[BackedUpStorage]


def parse_backup(data: bytes, *, file: str) -> Backup:
    """Read the document. Raises IndexDamagedError, also for a format of a newer ImaLink."""
    backup = decode_struct(data, Backup, "", {}, file)
    if backup.format.partition(".")[0] != BACKUP_FORMAT.partition(".")[0]:
        raise IndexDamagedError(
            f"it is a backup of format {backup.format}, which this ImaLink does not know", file=file
        )
    return backup


def dump_backup(backup: Backup) -> bytes:
    """Write the document, for people to read too."""
    return msgspec.json.format(msgspec.json.encode(backup), indent=2) + b"\n"
