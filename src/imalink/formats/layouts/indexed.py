"""The indexed layout: a folder of the user's own, in which every name of ImaLink's begins with ``imalink``.

Its session indexes stand in ``imalink-sessions/`` and list their files; the master and the overview are spelt as in the
hybrid layout. Format page: docs/format/index-files.md.
"""

from __future__ import annotations

import msgspec

from imalink.core.ids import Hothash, StorageUuid
from imalink.core.index import FileEntry, SessionIndex
from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError
from imalink.formats.bulk import no_collecting
from imalink.formats.documents import decode_document, decode_strictly, dump_document
from imalink.formats.file_records import FileRecord, entries_from, file_record
from imalink.formats.layouts.hybrid import repeat_photo_facts
from imalink.formats.layouts.layout import Layout, ReadSession
from imalink.formats.layouts.overview_codec import IMALINK_VERSION
from imalink.formats.layouts.spelling import SessionSpelling, Spelling
from imalink.formats.photo_records import (
    PhotoRecord,
    TombstoneRecord,
    photo_record,
    photos_from,
    tombstone_from,
    tombstone_record,
)
from imalink.formats.records import Integer, Record
from imalink.formats.session_records import SessionRecords, checked_records
from imalink.formats.sessions import (
    AuthorRecord,
    CountsRecord,
    FindingRecord,
    SessionRecord,
    SourcesRecord,
    counts_from,
    counts_record,
    finding_from,
    finding_record,
    generation_from,
    session_from,
    session_record,
    sources_from,
    sources_record,
)


class IndexedFileRecord(FileRecord, kw_only=True):
    """One item of ``files``; ``storage_filename`` is where it stands, by its bare name."""

    hothash: str
    storage_filename: str
    exif_extracted: bool
    sent_to_backend: bool


class IndexedSessionRecord(Record, kw_only=True):
    """``imalink-sessions/session_N.json``."""

    session_id: Integer
    session_title: str
    import_date: str
    source_path: str
    storage_uuid: str
    backend_session_id: Integer
    session_uuid: str
    description: str = ""
    default_author_id: Integer | None = None
    default_author: AuthorRecord | None = None
    file_storage_id: Integer | None = None
    storage_directory: str = ""
    status: str = "completed"
    copy_started_at: str | None = None
    copy_completed_at: str | None = None
    files: list[IndexedFileRecord]
    photos: dict[str, PhotoRecord] = {}
    deleted: dict[str, TombstoneRecord] = {}
    stats: CountsRecord
    errors: list[FindingRecord]
    sources: SourcesRecord | None = None
    index_generated: str = ""
    imalink_version: str = IMALINK_VERSION
    generation: Integer = 0


def dump_session(index: SessionIndex, spelling: SessionSpelling | None = None) -> bytes:
    """Write a session index; what ``spelling`` knows is not spelt anew."""
    known: SessionSpelling = spelling or Spelling()
    head = session_record(index.session, storage_uuid=index.storage_uuid, storage_directory=index.storage_directory)
    record = IndexedSessionRecord(
        session_id=head.id,
        session_title=head.title,
        import_date=head.imported_at,
        source_path=head.source_path,
        storage_uuid=head.storage_uuid,
        backend_session_id=head.id,
        session_uuid=head.session_uuid,
        description=head.description,
        default_author_id=head.default_author_id,
        default_author=head.default_author,
        file_storage_id=head.file_storage_id,
        storage_directory=head.storage_directory,
        status=head.status,
        copy_started_at=head.copy_started_at,
        copy_completed_at=head.copy_completed_at,
        files=[_file_record(index.files[hothash], index, known) for hothash in sorted(index.files)],
        photos={
            photo_uuid: known.find_photo(photo) or photo_record(photo) for photo_uuid, photo in index.photos.items()
        },
        deleted={hothash: tombstone_record(tombstone) for hothash, tombstone in index.deleted.items()},
        stats=counts_record(index.statistics),
        errors=[finding_record(finding) for finding in index.findings],
        sources=sources_record(index.sources),
        index_generated=index.generated_at,
        generation=index.generation,
    )
    return dump_document(record, index.extras)


def _file_record(entry: FileEntry, index: SessionIndex, known: SessionSpelling) -> IndexedFileRecord:
    spelt = known.find_entry_of(entry, index.photos.get(entry.photo_uuid), entry.photo_uuid)
    if isinstance(spelt, IndexedFileRecord):
        return spelt
    name = RelativePath(entry.relative_path.name).printable()
    record = file_record(entry, filename=name)
    repeat_photo_facts(record, entry, index)
    return IndexedFileRecord(
        **msgspec.structs.asdict(record),
        hothash=entry.hothash,
        storage_filename=name,
        exif_extracted=True,
        sent_to_backend=True,
    )


def parse_session(data: bytes, *, file: str) -> tuple[SessionIndex, bool | None]:
    """Read a session index; give it with whether its digest fits (None without one).

    Raises IndexDamagedError naming the place, such as ``files.<hothash>.relative_path``.
    """
    read = read_session(data, file=file)
    return read.index, read.is_intact


@no_collecting()
def read_session(data: bytes, *, file: str) -> ReadSession:
    """Read a session index as ``parse_session`` does, and remember how it was spelt."""
    decoded = decode_document(data, IndexedSessionRecord, file=file)
    record = decoded.wire
    place = ""
    try:
        session = session_from(_head(record))
        files = entries_from({item.hothash: item for item in record.files})
        place = "photos"
        photos = photos_from(record.photos)
        place = "deleted"
        deleted = [tombstone_from(hothash, tombstone) for hothash, tombstone in record.deleted.items()]
        place = "sources"
        sources = sources_from(record.sources or SourcesRecord())
    except IndexDamagedError as error:
        where = ".".join(part for part in (place, error.place) if part)
        raise IndexDamagedError(error.reason, file=file, place=where) from error
    index = SessionIndex(
        session=session,
        storage_uuid=StorageUuid(record.storage_uuid),
        storage_directory=record.storage_directory,
        files=files,
        photos={photo.photo_uuid: photo for photo in photos},
        deleted={tombstone.hothash: tombstone for tombstone in deleted},
        statistics=counts_from(record.stats),
        findings=tuple(finding for finding in (finding_from(each) for each in record.errors) if finding is not None),
        sources=sources,
        generated_at=record.index_generated,
        generation=generation_from(record.generation),
        extras=decoded.extras,
    )
    records: dict[Hothash, FileRecord] = {Hothash(item.hothash): item for item in record.files}
    spelling: SessionSpelling = Spelling(
        entries=files, records=records, photos=index.photos, photo_records=record.photos
    )
    return ReadSession(
        index=index, is_intact=decoded.is_intact, spelling=spelling if decoded.is_intact is True else None
    )


@no_collecting()
def read_records(data: bytes, *, file: str) -> SessionRecords | None:
    """Read a session index as its records; None where only ``read_session`` can tell what is the matter with it."""
    record = decode_strictly(data, IndexedSessionRecord, file=file)
    if record is None:
        return None
    try:
        deleted = [tombstone_from(hothash, tombstone) for hothash, tombstone in record.deleted.items()]
        head = SessionIndex(
            session=session_from(_head(record)),
            storage_uuid=StorageUuid(record.storage_uuid),
            storage_directory=record.storage_directory,
            files={},
            photos={},
            deleted={tombstone.hothash: tombstone for tombstone in deleted},
            statistics=counts_from(record.stats),
            sources=sources_from(record.sources or SourcesRecord()),
            generated_at=record.index_generated,
            generation=generation_from(record.generation),
        )
    except IndexDamagedError:
        return None
    return checked_records(data, head, {item.hothash: item for item in record.files}, record.photos)


def _head(record: IndexedSessionRecord) -> SessionRecord:
    return SessionRecord(
        id=record.session_id,
        session_uuid=record.session_uuid,
        title=record.session_title,
        description=record.description,
        imported_at=record.import_date,
        default_author_id=record.default_author_id,
        default_author=record.default_author,
        file_storage_id=record.file_storage_id,
        storage_uuid=record.storage_uuid,
        storage_directory=record.storage_directory,
        source_path=record.source_path,
        status=record.status,
        copy_started_at=record.copy_started_at,
        copy_completed_at=record.copy_completed_at,
    )


INDEXED = Layout(
    name="indexed",
    photo_root=None,
    overview_path=RelativePath(".imalink/overview.json"),
    master_path=RelativePath("imalink-master.json"),
    sessions_directory=RelativePath("imalink-sessions"),
    own_names=frozenset({"imalink-master.json", "imalink-sessions"}),
    dump_session=dump_session,
    read_session=lambda data, file: read_session(data, file=file),
    read_records=lambda data, file: read_records(data, file=file),
)
