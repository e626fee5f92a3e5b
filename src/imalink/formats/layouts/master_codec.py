"""How the master is spelt, in every layout alike; large, so read and checked in columns.

Format page: docs/format/index-files.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imalink.core.conflict import DuplicateFilename, OrphanFile, PathMismatch, duplicate_filenames
from imalink.core.ids import Hothash, StorageUuid
from imalink.core.index import (
    Companion,
    FileCopy,
    FileStatus,
    MasterEntry,
    MasterIndex,
)
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import are_instants, parse_instant_ns
from imalink.errors import IndexDamagedError, InvalidPathError
from imalink.formats.bulk import are_hex64, are_paths, no_collecting
from imalink.formats.documents import decode_document, dump_document
from imalink.formats.file_records import (
    companion_from,
    companion_record,
    copy_from,
    copy_record,
    damage_from,
    damage_record,
)
from imalink.formats.layouts.hybrid_records import (
    ConflictRecord,
    MasterFileRecord,
    MasterRecord,
    MissingFileRecord,
    OrphanFileRecord,
    PathMismatchRecord,
    duplicate_filename_record,
    mismatch_from,
    mismatch_record,
    orphan_from,
    orphan_record,
)
from imalink.formats.layouts.spelling import Spelling
from imalink.formats.records import (
    MAX_SIZE_BYTES,
    file_path_from,
    hothash_from,
    path_fields,
    path_place,
    sha256_from,
    size_from,
)
from imalink.formats.sessions import generation_from, sources_from, sources_record

MASTER_PATH = RelativePath("imalink-master.json")
MASTER_VERSION = "1.0"
MAX_INDEX_BYTES = 2 * 1024 * 1024 * 1024
MAX_LISTED_INSTANCES = 10_000
"""So many files at most the master lists as sharing their names; what is in ``files`` tells of the others."""
MasterSpelling = Spelling[MasterEntry, MasterFileRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMaster:
    """The master as read: whether its digest fits (None without one), and how it was spelt, if it does."""

    index: MasterIndex
    is_intact: bool | None
    spelling: MasterSpelling | None


def dump_master(master: MasterIndex, spelling: MasterSpelling | None = None) -> bytes:
    """Write the master; what ``spelling`` knows is not spelt anew."""
    known: MasterSpelling = spelling or Spelling()
    conflicts: list[ConflictRecord] = [
        MissingFileRecord(
            hothash=missing.hothash,
            filename=RelativePath(missing.expected_path.name).printable(),
            expected_path=path_fields(missing.expected_path)[0],
            last_seen=missing.last_seen_at,
        )
        for missing in master.missing()
    ]
    conflicts.extend(orphan_record(orphan) for orphan in master.orphans)
    conflicts.extend(mismatch_record(mismatch) for mismatch in master.mismatches)
    conflicts.extend(map(duplicate_filename_record, _first_names(duplicate_filenames(master.standing()))))
    record = MasterRecord(
        index_version=MASTER_VERSION,
        storage_uuid=master.storage_uuid,
        indexed_at=master.indexed_at,
        total_files=master.total_files,
        total_size_bytes=master.total_size_bytes,
        files={
            hothash: known.find_entry(entry) or _master_file_record(entry) for hothash, entry in master.files.items()
        },
        conflicts=conflicts,
        sources=sources_record(master.sources),
        generation=master.generation,
    )
    return dump_document(record, master.extras)


def parse_master(data: bytes) -> tuple[MasterIndex, bool | None]:
    """Read the master; give it with whether its digest fits (None without one).

    Raises IndexDamagedError naming the place, such as ``files.<hothash>.relative_path``.
    """
    read = read_master(data)
    return read.index, read.is_intact


@no_collecting()
def read_master(data: bytes) -> ReadMaster:
    """Read the master as ``parse_master`` does, and remember how it was spelt."""
    decoded = decode_document(data, MasterRecord, file=MASTER_PATH)
    record = decoded.wire
    files = _master_entries(record.files) if _are_sound(record.files) else None
    hothash = Hothash("")
    try:
        if files is None:
            files = {}
            for hothash, entry in record.files.items():
                _check_master(hothash, entry)
                files[hothash] = _master_entry(hothash, entry)
    except (ValueError, InvalidPathError) as error:
        place = f"files.{hothash}{_explain_master(record.files[hothash])}"
        raise IndexDamagedError(str(error), file=MASTER_PATH, place=place) from error
    orphans: list[OrphanFile] = []
    mismatches: list[PathMismatch] = []
    for number, conflict in enumerate(record.conflicts):
        try:
            if isinstance(conflict, OrphanFileRecord):
                orphans.append(orphan_from(conflict))
            elif isinstance(conflict, PathMismatchRecord):
                mismatches.append(mismatch_from(conflict))
        except (ValueError, InvalidPathError) as error:
            raise IndexDamagedError(str(error), file=MASTER_PATH, place=f"conflicts.{number}") from error
    try:
        sources = sources_from(record.sources)
    except IndexDamagedError as error:
        raise IndexDamagedError(error.reason, file=MASTER_PATH, place=f"sources.{error.place}") from error
    master = MasterIndex(
        storage_uuid=StorageUuid(record.storage_uuid),
        files=files,
        orphans=tuple(orphans),
        mismatches=tuple(mismatches),
        sources=sources,
        indexed_at=record.indexed_at,
        generation=generation_from(record.generation),
        extras=decoded.extras,
    )
    spelling: MasterSpelling = Spelling(entries=files, records=record.files)
    return ReadMaster(
        index=master, is_intact=decoded.is_intact, spelling=spelling if decoded.is_intact is True else None
    )


def _first_names(duplicates: Sequence[DuplicateFilename]) -> Iterator[DuplicateFilename]:
    """Give as many names as the master lists: cameras begin anew at 0001, and it must stay quick to load."""
    left = MAX_LISTED_INSTANCES
    for each in duplicates:
        left -= len(each.instances)
        if left < 0:
            return
        yield each


def _master_file_record(entry: MasterEntry) -> MasterFileRecord:
    path, encoded = path_fields(entry.relative_path)
    return MasterFileRecord(
        hothash=entry.hothash,
        filename=path.rpartition("/")[2],
        relative_path=path,
        relative_path_bytes=encoded,
        file_size=entry.size_bytes,
        sha256=entry.sha256,
        hothash_method=entry.method,
        file_modified=entry.modified,
        import_session_id=entry.session_number,
        session_uuid=entry.session_uuid,
        imported_at=entry.imported_at,
        indexed_at=entry.indexed_at,
        status=entry.status.value,
        last_seen_at=entry.last_seen_at,
        companions=[companion_record(companion) for companion in entry.companions],
        copies=[copy_record(copy) for copy in entry.copies],
        damaged=damage_record(entry.damage),
    )


_STATUS = {status.value: status for status in FileStatus}


def _are_sound(files: Mapping[Hothash, MasterFileRecord]) -> bool:
    """Tell of all entries together whether ``_check_master`` would pass each; at a no each must be asked."""
    records = files.values()
    sizes = [record.file_size for record in records] or [0]
    return (
        min(sizes) >= 0
        and max(sizes) <= MAX_SIZE_BYTES
        and are_hex64(files)
        and are_hex64([record.sha256 for record in records])
        and are_instants([record.file_modified for record in records])
        and all(record.relative_path_bytes is None for record in records)
        and are_paths([record.relative_path for record in records])
    )


def _check_master(hothash: Hothash, record: MasterFileRecord) -> None:
    """Check what ``_master_entry`` trusts. Raises ValueError or InvalidPathError."""
    hothash_from(hothash)
    sha256_from(record.sha256)
    file_path_from(record.relative_path, record.relative_path_bytes)
    size_from(record.file_size)
    parse_instant_ns(record.file_modified)


def _master_entries(files: Mapping[Hothash, MasterFileRecord]) -> dict[Hothash, MasterEntry] | None:
    """Give what ``_master_entry`` gives for sound records, column by column, which is faster; None at trouble."""
    records = files.values()
    try:
        columns = (
            files,
            [record.hothash_method for record in records],
            map(RelativePath, [record.relative_path for record in records]),
            [record.file_size for record in records],
            [record.sha256 for record in records],
            [record.file_modified for record in records],
            [record.import_session_id for record in records],
            [record.session_uuid for record in records],
            [record.imported_at for record in records],
            [record.indexed_at for record in records],
            [_STATUS[record.status] for record in records],
            [record.last_seen_at for record in records],
            [_companions_of(record) if record.companions else () for record in records],
            [_copies_of(record) if record.copies else () for record in records],
            [damage_from(record.damaged) if record.damaged is not None else None for record in records],
        )
        return dict(zip(files, map(MasterEntry._make, zip(*columns, strict=True)), strict=True))
    except (KeyError, ValueError, InvalidPathError):
        return None


def _companions_of(record: MasterFileRecord) -> tuple[Companion, ...]:
    return tuple(map(companion_from, record.companions))


def _copies_of(record: MasterFileRecord) -> tuple[FileCopy, ...]:
    return tuple(map(copy_from, record.copies))


def _master_entry(hothash: Hothash, record: MasterFileRecord) -> MasterEntry:
    return MasterEntry(
        hothash,
        record.hothash_method,
        RelativePath(record.relative_path)
        if record.relative_path_bytes is None
        else file_path_from(record.relative_path, record.relative_path_bytes),
        record.file_size,
        record.sha256,
        record.file_modified,
        record.import_session_id,
        record.session_uuid,
        record.imported_at,
        record.indexed_at,
        FileStatus(record.status),
        record.last_seen_at,
        _companions_of(record),
        _copies_of(record),
        damage_from(record.damaged),
    )


def _explain_master(record: MasterFileRecord) -> str:
    checks = (
        (
            f".{path_place(record.relative_path_bytes)}",
            lambda: file_path_from(record.relative_path, record.relative_path_bytes),
        ),
        (".file_size", lambda: size_from(record.file_size)),
        (".sha256", lambda: sha256_from(record.sha256)),
        (".file_modified", lambda: parse_instant_ns(record.file_modified)),
        (".status", lambda: FileStatus(record.status)),
        (".companions", lambda: [companion_from(companion) for companion in record.companions]),
        (".damaged", lambda: damage_from(record.damaged)),
        (".copies", lambda: [copy_from(copy) for copy in record.copies]),
    )
    for place, check in checks:
        try:
            check()
        except (ValueError, InvalidPathError):
            return place
    return ""
