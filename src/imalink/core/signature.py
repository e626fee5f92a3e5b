"""The signature: which storage a folder is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from imalink.core.ids import StorageUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What ``.imalink-storage`` says. Counts and sizes are written for people and never believed."""

    storage_uuid: StorageUuid
    display_name: str
    created_at: str
    last_indexed: str | None = None
    photo_count: int = 0
    total_size_bytes: int = 0
    backend_url: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    layout: str = "hybrid"
    photo_root: str = "photos"
    directory_name: str = ""
    description: str = ""
    hothash_methods: tuple[str, ...] = ()
    previous_uuids: tuple[StorageUuid, ...] = ()
    migrated_from: str | None = None
    generation: int = 0
    extras: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])


def storage_directory_name(storage_uuid: StorageUuid, created: datetime) -> str:
    """Name a created storage's folder: ``imalink_YYYYMMDD_HHMMSS_<first 8 of the UUID>``, in UTC."""
    return f"imalink_{created.astimezone(UTC):%Y%m%d_%H%M%S}_{storage_uuid[:8]}"
