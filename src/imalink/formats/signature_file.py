"""The signature file ``.imalink-storage``. Format page: docs/format/signature.md."""

from __future__ import annotations

import re

from imalink.core.ids import StorageUuid, parse_uuid
from imalink.core.signature import PictureFolder, Signature
from imalink.core.timestamps import parse_instant
from imalink.errors import IndexDamagedError, InvalidPathError, NewerFormatError
from imalink.formats.documents import decode_document, dump_document
from imalink.formats.records import Integer, Record, file_path_from, safe_text
from imalink.formats.sessions import generation_from

SIGNATURE_NAME = ".imalink-storage"
SIGNATURE_VERSION = "1.0"
MAX_SIGNATURE_BYTES = 64 * 1024
_CLAIMED_UUID = re.compile(rb'"storage_uuid"\s*:\s*"([0-9a-fA-F-]{36})"')
HERE = "."
"""How the signature spells a photo root that is the storage's own folder."""
_VERSION = re.compile(r"([0-9]{1,9})(?:\..*)?")


class PictureFolderRecord(Record, kw_only=True, omit_defaults=False):
    """``pictures``: where those of a reference storage stand, and by what their folder is known again."""

    folder: str
    file_system_uuid: str | None = None
    path_below_mount: str | None = None
    inode: Integer = 0
    birth_ns: Integer | None = None


class PlainSignatureRecord(Record, kw_only=True, omit_defaults=False):
    """``.imalink-storage`` of a storage whose pictures stand beside it."""

    imalink_storage_version: str
    storage_uuid: str
    display_name: str
    created_at: str
    last_indexed: str | None = None
    photo_count: Integer = 0
    total_size_bytes: Integer = 0
    backend_url: str = ""
    notes: str = ""
    tags: list[str] = []
    layout: str = "indexed"
    photo_root: str = "photos"
    directory_name: str = ""
    description: str = ""
    hothash_methods: list[str] = []
    previous_uuids: list[str] = []
    migrated_from: str | None = None
    generation: Integer = 0


class SignatureRecord(PlainSignatureRecord, kw_only=True, omit_defaults=False):
    """``.imalink-storage``; ``pictures`` only for a storage whose pictures stand elsewhere, else it is left out."""

    pictures: PictureFolderRecord | None = None


def dump_signature(signature: Signature) -> bytes:
    """Write a signature."""
    record = SignatureRecord(
        imalink_storage_version=SIGNATURE_VERSION,
        storage_uuid=signature.storage_uuid,
        display_name=safe_text(signature.display_name),
        created_at=signature.created_at,
        last_indexed=signature.last_indexed,
        photo_count=signature.photo_count,
        total_size_bytes=signature.total_size_bytes,
        backend_url=safe_text(signature.backend_url),
        notes=safe_text(signature.notes),
        tags=[safe_text(tag) for tag in signature.tags],
        layout=signature.layout,
        photo_root=signature.photo_root,
        directory_name=safe_text(signature.directory_name),
        description=safe_text(signature.description),
        hothash_methods=list(signature.hothash_methods),
        previous_uuids=list(signature.previous_uuids),
        migrated_from=signature.migrated_from,
        generation=signature.generation,
        pictures=_pictures_record(signature.pictures),
    )
    return dump_document(record if record.pictures is not None else _plain(record), signature.extras)


def parse_signature(data: bytes) -> Signature:
    """Read a signature; a digest that does not fit is no damage here, since people edit notes and tags.

    Raises IndexDamagedError, or NewerFormatError for a major version above ours.
    """
    decoded = decode_document(data, SignatureRecord, file=SIGNATURE_NAME)
    record = decoded.wire
    version = _VERSION.fullmatch(record.imalink_storage_version)
    if version is None:
        raise IndexDamagedError("is no version", file=SIGNATURE_NAME, place="imalink_storage_version")
    if int(version.group(1)) > 1:
        raise NewerFormatError(
            f"The storage is of format {record.imalink_storage_version}; this ImaLink writes {SIGNATURE_VERSION}.",
            hint="Upgrade ImaLink on this machine. Nothing was changed.",
        )
    place = "storage_uuid"
    try:
        storage_uuid = StorageUuid(parse_uuid(record.storage_uuid))
        place = "created_at"
        parse_instant(record.created_at)
        place = "previous_uuids"
        previous = tuple(StorageUuid(parse_uuid(text)) for text in record.previous_uuids)
        place = "photo_root"
        if record.photo_root != HERE:
            file_path_from(record.photo_root, None)
    except (ValueError, InvalidPathError) as error:
        raise IndexDamagedError(str(error), file=SIGNATURE_NAME, place=place) from error
    return Signature(
        storage_uuid=storage_uuid,
        display_name=record.display_name,
        created_at=record.created_at,
        last_indexed=record.last_indexed,
        photo_count=record.photo_count,
        total_size_bytes=record.total_size_bytes,
        backend_url=record.backend_url,
        notes=record.notes,
        tags=tuple(record.tags),
        layout=record.layout,
        photo_root=record.photo_root,
        directory_name=record.directory_name,
        description=record.description,
        hothash_methods=tuple(record.hothash_methods),
        previous_uuids=previous,
        migrated_from=record.migrated_from,
        generation=generation_from(record.generation),
        pictures=_pictures_from(record.pictures),
        extras=decoded.extras,
    )


def find_claimed_uuid(data: bytes) -> StorageUuid | None:
    """Give the UUID that a signature which cannot be read still spells, if it does."""
    found = _CLAIMED_UUID.search(data)
    try:
        return None if found is None else StorageUuid(parse_uuid(found.group(1).decode()))
    except ValueError:
        return None


def _plain(record: SignatureRecord) -> PlainSignatureRecord:
    return PlainSignatureRecord(**{name: getattr(record, name) for name in PlainSignatureRecord.__struct_fields__})


def _pictures_record(pictures: PictureFolder | None) -> PictureFolderRecord | None:
    if pictures is None:
        return None
    return PictureFolderRecord(
        folder=pictures.path,
        file_system_uuid=pictures.file_system_uuid,
        path_below_mount=pictures.path_below_mount,
        inode=pictures.inode,
        birth_ns=pictures.birth_ns,
    )


def _pictures_from(record: PictureFolderRecord | None) -> PictureFolder | None:
    if record is None:
        return None
    return PictureFolder(
        path=record.folder,
        file_system_uuid=record.file_system_uuid,
        path_below_mount=record.path_below_mount,
        inode=record.inode,
        birth_ns=record.birth_ns,
    )
