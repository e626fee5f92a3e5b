"""The hybrid layout: ``index.json``, ``imports/session_N.json``, ``imalink-master.json`` and ``photos/``; its sessions.

Format page: docs/format/index-files.md.
"""

from __future__ import annotations

import msgspec

from imalink.core.ids import StorageUuid
from imalink.core.index import (
    FileEntry,
    SessionIndex,
)
from imalink.core.photo import Photo
from imalink.core.photo_facts import effective_facts
from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError
from imalink.formats.bulk import no_collecting
from imalink.formats.documents import decode_document, decode_strictly, dump_document
from imalink.formats.file_records import FileRecord, entries_from, file_record
from imalink.formats.layouts.hybrid_records import (
    SessionIndexRecord,
)
from imalink.formats.layouts.layout import Layout, ReadSession
from imalink.formats.layouts.master_codec import MASTER_PATH
from imalink.formats.layouts.overview_codec import IMALINK_VERSION, OVERVIEW_PATH
from imalink.formats.layouts.spelling import SessionSpelling, Spelling
from imalink.formats.photo_records import photo_record, photos_from, tombstone_from, tombstone_record
from imalink.formats.records import path_fields, safe_text
from imalink.formats.session_records import SessionRecords, checked_records
from imalink.formats.sessions import (
    SourcesRecord,
    StatisticsRecord,
    counts_from,
    finding_from,
    finding_record,
    generation_from,
    session_from,
    session_record,
    sources_from,
    sources_record,
)

LAYOUT = "hybrid"
PHOTO_ROOT = RelativePath("photos")
SESSIONS_DIRECTORY = RelativePath("imports")


def session_path(number: int) -> RelativePath:
    """Say where session ``number`` stands in the storage."""
    return RelativePath(f"{SESSIONS_DIRECTORY}/session_{number}.json")


def dump_session(index: SessionIndex, spelling: SessionSpelling | None = None) -> bytes:
    """Write a session index; what ``spelling`` knows is not spelt anew."""
    known: SessionSpelling = spelling or Spelling()
    head = session_record(
        index.session, storage_uuid=index.storage_uuid, storage_directory=safe_text(index.storage_directory)
    )
    statistics = index.statistics
    record = SessionIndexRecord(
        import_session=head,
        files={
            hothash: known.find_entry_of(entry, index.photos.get(entry.photo_uuid), entry.photo_uuid)
            or _session_file_record(entry, index)
            for hothash, entry in index.files.items()
        },
        photos={
            photo_uuid: known.find_photo(photo) or photo_record(photo) for photo_uuid, photo in index.photos.items()
        },
        deleted={hothash: tombstone_record(tombstone) for hothash, tombstone in index.deleted.items()},
        statistics=StatisticsRecord(
            total_files=index.file_count,
            index_generated=index.generated_at,
            imalink_version=IMALINK_VERSION,
            total_scanned=statistics.total_scanned,
            new_imports=statistics.new_imports,
            duplicates_skipped=statistics.duplicates_skipped,
            companions=statistics.companions,
            ignored=statistics.ignored,
            errors=statistics.errors,
            total_size_bytes=statistics.total_size_bytes,
        ),
        errors=[finding_record(finding) for finding in index.findings],
        sources=sources_record(index.sources),
        generation=index.generation,
    )
    return dump_document(record, index.extras)


def session_document(index: SessionIndex) -> dict[str, object]:
    """Give a session index as the plain JSON document that stands in its file."""
    return msgspec.json.decode(dump_session(index), type=dict[str, object])


def parse_session(data: bytes, *, file: str) -> tuple[SessionIndex, bool | None]:
    """Read a session index; give it with whether its digest fits (None without one).

    Raises IndexDamagedError naming the place.
    """
    read = read_session(data, file=file)
    return read.index, read.is_intact


@no_collecting()
def read_session(data: bytes, *, file: str) -> ReadSession:
    """Read a session index as ``parse_session`` does, and remember how it was spelt."""
    decoded = decode_document(data, SessionIndexRecord, file=file)
    record = decoded.wire
    place = "import_session"
    try:
        session = session_from(record.import_session)
        place = ""
        files = entries_from(record.files)
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
        storage_uuid=StorageUuid(record.import_session.storage_uuid),
        storage_directory=record.import_session.storage_directory,
        files=files,
        photos={photo.photo_uuid: photo for photo in photos},
        deleted={tombstone.hothash: tombstone for tombstone in deleted},
        statistics=counts_from(record.statistics),
        findings=tuple(finding for finding in (finding_from(each) for each in record.errors) if finding is not None),
        sources=sources,
        generated_at=record.statistics.index_generated,
        generation=generation_from(record.generation),
        extras=decoded.extras,
    )
    spelling: SessionSpelling = Spelling(
        entries=files,
        records=dict(zip(files, record.files.values(), strict=True)),
        photos=index.photos,
        photo_records=record.photos,
    )
    return ReadSession(
        index=index, is_intact=decoded.is_intact, spelling=spelling if decoded.is_intact is True else None
    )


@no_collecting()
def read_records(data: bytes, *, file: str) -> SessionRecords | None:
    """Read a session index as its records; None where only ``read_session`` can tell what is the matter with it."""
    record = decode_strictly(data, SessionIndexRecord, file=file)
    if record is None:
        return None
    try:
        deleted = [tombstone_from(hothash, tombstone) for hothash, tombstone in record.deleted.items()]
        head = SessionIndex(
            session=session_from(record.import_session),
            storage_uuid=StorageUuid(record.import_session.storage_uuid),
            storage_directory=record.import_session.storage_directory,
            files={},
            photos={},
            deleted={tombstone.hothash: tombstone for tombstone in deleted},
            statistics=counts_from(record.statistics),
            sources=sources_from(record.sources or SourcesRecord()),
            generated_at=record.statistics.index_generated,
            generation=generation_from(record.generation),
        )
    except IndexDamagedError:
        return None
    return checked_records(data, head, record.files, record.photos)


def _session_file_record(entry: FileEntry, index: SessionIndex) -> FileRecord:
    record = file_record(entry, filename=_below_photos(entry.relative_path))
    repeat_photo_facts(record, entry, index)
    return record


def repeat_photo_facts(record: FileRecord, entry: FileEntry, index: SessionIndex) -> None:
    """Repeat in a file's record what holds for its photo, for readers that know only files; it is never read."""
    photo = index.photos.get(entry.photo_uuid)
    if photo is None:
        photo = Photo(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash)
    facts = effective_facts(photo, entry.facts)
    record.rating = facts.rating
    record.title = facts.title and safe_text(facts.title)
    record.tags = [safe_text(tag) for tag in facts.tags]


def _below_photos(path: RelativePath) -> str:
    """Spell a path as readers join it: ``<storage>/photos/<filename>``."""
    text = path_fields(path)[0]
    root = PHOTO_ROOT + "/"
    return text[len(root) :] if text.startswith(root) else "../" + text


HYBRID = Layout(
    name=LAYOUT,
    photo_root=PHOTO_ROOT,
    overview_path=OVERVIEW_PATH,
    master_path=MASTER_PATH,
    sessions_directory=SESSIONS_DIRECTORY,
    own_names=frozenset({"index.json", "imports", "imalink-master.json", "imalink-sessions"}),
    dump_session=dump_session,
    read_session=lambda data, file: read_session(data, file=file),
    read_records=lambda data, file: read_records(data, file=file),
)
