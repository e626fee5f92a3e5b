"""``storage_config.json``: this machine's list of storages. Format page: docs/format/registry.md."""

from __future__ import annotations

import msgspec

from imalink.core.ids import StorageUuid
from imalink.errors import IndexDamagedError
from imalink.formats.documents import ExtraKeys, decode_struct, with_extras

REGISTRY_VERSION = "1.0"


class RegisteredStorage(msgspec.Struct, kw_only=True):
    """One storage; ``base_path`` is its own folder, as the indexing design of the seeds has it.

    ``layout`` is not there in registries of before it was noted, and not added to them.
    """

    storage_uuid: str
    display_name: str
    base_path: str
    created_at: str
    last_used: str
    is_active: bool = True
    layout: str | msgspec.UnsetType = msgspec.UNSET


class RegistryRecord(msgspec.Struct, kw_only=True):
    """The whole file."""

    version: str = REGISTRY_VERSION
    last_updated: str = ""
    storages: dict[StorageUuid, RegisteredStorage] = {}


class RegistryDocument(RegistryRecord, kw_only=True):
    """The file with the keys that this version does not know, by place; they are written back."""

    extras: ExtraKeys = {}


def parse_registry(data: bytes, *, file: str) -> RegistryDocument:
    """Read the registry. Raises IndexDamagedError."""
    extras: ExtraKeys = {}
    record = decode_struct(data, RegistryRecord, "", extras, file)
    return RegistryDocument(
        version=record.version, last_updated=record.last_updated, storages=record.storages, extras=extras
    )


def dump_registry(document: RegistryDocument) -> bytes:
    """Write the registry, for people to read too."""
    record = RegistryRecord(version=document.version, last_updated=document.last_updated, storages=document.storages)
    return msgspec.json.format(msgspec.json.encode(with_extras(record, document.extras)), indent=2) + b"\n"


class Installation(msgspec.Struct, kw_only=True):
    """``installation.json``: the name under which this installation writes journals."""

    writer: str


def parse_installation(data: bytes) -> Installation:
    """Read the installation file. Raises IndexDamagedError."""
    try:
        return msgspec.json.decode(data, type=Installation)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IndexDamagedError(str(error), file="installation.json") from error


def dump_installation(installation: Installation) -> bytes:
    """Write the installation file."""
    return msgspec.json.encode(installation) + b"\n"
