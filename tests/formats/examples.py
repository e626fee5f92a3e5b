"""One example of every file kind that uses every key there is, the same at every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import msgspec

from imalink.core.conflict import OrphanFile
from imalink.core.damage import Damage, Verdict
from imalink.core.duplicate import DuplicatePolicy, Fate
from imalink.core.finding import Finding
from imalink.core.ids import (
    Hothash,
    HothashMethod,
    OperationUuid,
    PhotoUuid,
    RunUuid,
    SessionUuid,
    Sha256,
    StorageUuid,
    WriterId,
)
from imalink.core.index import (
    FileEntry,
    FileStatus,
    JournalPosition,
    MasterEntry,
    MasterIndex,
    Overview,
    ScanSummary,
    SessionIndex,
    SessionSummary,
    Sources,
    merge_master_entry,
)
from imalink.core.journal import (
    Commit,
    CompanionsChanged,
    FileCopied,
    FileDamaged,
    FileDeleted,
    FileEdited,
    FileMissing,
    FileMoved,
    FileRehashed,
    FileSeen,
    FileWhole,
    Observation,
    PhotoEdited,
    PhotoJoined,
    PhotoSplit,
    RunBegin,
    RunEnd,
    RunPlan,
    SessionEdited,
    StorageVerified,
)
from imalink.core.operation import (
    EarlierEntry,
    EarlierHead,
    EarlierPhoto,
    EarlierTombstone,
    EntryPlace,
    Operation,
    OperationPart,
    OrphansRestored,
    SessionRestored,
)
from imalink.core.photo import FieldClock, Photo, UserFacts
from imalink.core.picture import Camera, Embedded, Fingerprint, GpsPosition
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import OriginFile, PlanOrigin, RunKind, RunRequest
from imalink.core.session import Author, ImportSession, ImportStatistics, SessionStatus
from imalink.core.signature import PictureFolder, Signature
from imalink.core.timestamps import CaptureTime
from imalink.formats.commit_file import RunWriter
from imalink.formats.documents import decode_document
from imalink.formats.journal_file import dump_journal_line
from imalink.formats.layouts import hybrid, indexed, master_codec, overview_codec
from imalink.formats.registry_file import RegisteredStorage, RegistryDocument, dump_registry, parse_registry
from imalink.formats.signature_file import SignatureRecord, dump_signature, parse_signature
from tests.support.indexes import (
    IMPORTED_AT,
    JPEG_METHOD,
    MODIFIED_NS,
    hash_of,
    make_companion,
    make_copy,
    make_entry,
    make_facts,
    make_index,
    make_session,
    make_tombstone,
    uuid_of,
)

Json = dict[str, Any]
SESSION_FILE = "imports/session_42.json"
INDEXED_SESSION_FILE = "imalink-sessions/session_42.json"
STORAGE_UUID = StorageUuid(uuid_of("storage"))
WRITER = WriterId(uuid_of("writer"))
RUN_UUID = RunUuid(uuid_of("run"))
AUTHOR = Author(name="Ada Lovelace", email="ada@example.org")
ODD_PATH = RelativePath.from_bytes(b"photos/Z\xfcrich\n/\xe2\x80\xaegpj.jpg")
"""Not UTF-8 (Latin-1), with a line break and a bidi override."""


def session() -> ImportSession:
    """Give the head of the example's session."""
    return replace(
        make_session(author=AUTHOR),
        default_author_id=1,
        file_storage_id=5,
        status=SessionStatus.COMPLETED_WITH_FINDINGS,
        copy_started_at="2024-10-18T14:30:52Z",
        copy_completed_at="2024-10-18T14:31:52Z",
    )


def full_entry() -> FileEntry:
    """Give an entry in which every fact is known."""
    known = make_facts(
        orientation=6,
        camera=Camera(
            make="Canon",
            model="EOS R5",
            lens="RF 24-70",
            iso=200,
            exposure_seconds=0.004,
            f_number=2.8,
            focal_length_mm=35.5,
        ),
        gps=GpsPosition(latitude=41.9, longitude=12.5, altitude=21.0),
        embedded=Embedded(
            rating=4,
            rejected=True,
            label="Red",
            keywords=("Rome", "Zürich"),
            hierarchical_keywords=("Places|Italy|Rome",),
            title="Forum",
            caption="Morning\nlight",
            author="Ada",
            copyright="© Ada",
        ),
    )
    facts = replace(known, duration_seconds=2.5, content_identifier="0E4C1B3A")
    copy = make_copy("photos/again/a.jpg", session=session())
    return make_entry(
        "full",
        path="photos/2024/a.jpg",
        facts=facts,
        companions=(make_companion("photos/2024/a.xmp"),),
        copies=(copy, replace(copy, relative_path=RelativePath("photos/b.jpg"), status=FileStatus.MISSING)),
        previous_hothashes=(Hothash(hash_of("before")),),
    )


def bare_entry() -> FileEntry:
    """Give an entry of a picture that tells nothing, under an odd name, and that is missing."""
    facts = replace(make_facts(taken=None), width=None, height=None, camera=Camera(), file_format="RAW")
    return replace(
        make_entry("bare", facts=facts, status=FileStatus.MISSING, last_seen_at="2024-11-01T00:00:00Z"),
        relative_path=ODD_PATH,
        method=HothashMethod("file-1"),
        hotpreview_rendition=None,
    )


def session_index() -> SessionIndex:
    """Give a session index with every key there is."""
    full, bare = full_entry(), bare_entry()
    photo = Photo(
        photo_uuid=full.photo_uuid,
        files=(full.hothash,),
        primary=full.hothash,
        title="Forum Romanum",
        caption="As it was",
        rating=5,
        label="Green",
        rejected=False,
        tags=("Rome", "holiday"),
        tag_changes={"Italy": True, "holiday": False},
        author=AUTHOR,
        capture_time=CaptureTime(local="2024-07-10T14:30:00.5", offset="+02:00", source="user"),
        gps=GpsPosition(latitude=41.8925, longitude=12.4853, altitude=20.0),
        custom={"client": "Comune di Roma"},
        clocks={"title": FieldClock(counter=7, writer=WRITER), "tags": FieldClock(counter=9, writer=WRITER)},
    )
    index = make_index(
        [full, bare], session=session(), photos=[photo], deleted=[make_tombstone("gone", session=session())]
    )
    return replace(
        index,
        statistics=ImportStatistics(
            total_scanned=6,
            new_imports=2,
            duplicates_skipped=1,
            companions=1,
            ignored=1,
            errors=1,
            total_size_bytes=2010,
        ),
        findings=(
            Finding(code="source-unreadable", path="DCIM/x.jpg", facts={"why": "I/O error", "tries": 3}),
            Finding(code="not-a-picture", path="DCIM/notes.txt"),
        ),
        sources=Sources(
            runs=frozenset({RUN_UUID, RunUuid(uuid_of("run 2"))}),
            journals={WRITER: JournalPosition(seq=12, digest="0123456789abcdef")},
        ),
        generation=3,
    )


def master_index() -> MasterIndex:
    """Give a master with a present file, a missing one, and two orphans."""
    index = session_index()
    entries: dict[Hothash, MasterEntry] = {
        hothash: merge_master_entry([(index.session, entry)], indexed_at="2024-10-18T15:00:00Z")
        for hothash, entry in index.files.items()
    }
    known = Fingerprint(
        hothash=Hothash(hash_of("orphan")), method=JPEG_METHOD, sha256=Sha256(hash_of("orphan bytes")), size_bytes=77
    )
    orphan = OrphanFile(
        path=RelativePath("photos/unknown/IMG_9999.jpg"),
        size_bytes=77,
        modified_ns=MODIFIED_NS,
        detected_at="2024-10-19T20:30:45Z",
        fingerprint=known,
    )
    return MasterIndex(
        storage_uuid=STORAGE_UUID,
        files=entries,
        orphans=(orphan, replace(orphan, path=ODD_PATH, fingerprint=None)),
        sources=index.sources,
        indexed_at="2024-10-18T15:00:00Z",
        generation=8,
    )


def overview() -> Overview:
    """Give an overview of two sessions."""
    summary = SessionSummary(
        number=42,
        session_uuid=session().session_uuid,
        title="Italy Summer 2024",
        description="Two weeks",
        imported_at=IMPORTED_AT,
        file_count=4,
        total_size_bytes=4000,
        missing_count=1,
        copy_status="completed",
        index_file="imports/session_42.json",
    )
    return Overview(
        storage_uuid=STORAGE_UUID,
        storage_id=5,
        directory_name="imalink_20241018_143052_a1b2c3d4",
        base_path="/external/photos",
        display_name="External Drive Photos",
        description="The big one",
        created_at="2024-10-18T14:30:52Z",
        last_scan="2024-10-18T16:45:00Z",
        is_active=True,
        total_files=4,
        total_size_bytes=4000,
        sessions=(
            summary,
            replace(
                summary,
                number=43,
                session_uuid=SessionUuid(uuid_of("session 43")),
                title="Wedding",
                index_file="imports/session_43.json",
            ),
        ),
        last_scan_result=ScanSummary(changes_detected=True, moved_files=1, missing_files=2, new_files=3),
        conflicts_count=3,
        generation=9,
    )


def signature() -> Signature:
    """Give a signature with every field."""
    return Signature(
        storage_uuid=STORAGE_UUID,
        display_name="Main Photo Archive",
        created_at="2024-01-15T12:00:00Z",
        last_indexed="2024-10-19T20:30:45Z",
        photo_count=2,
        total_size_bytes=2000,
        backend_url="http://localhost:8000/api/v1",
        notes="Vacation photos",
        tags=("vacation", "family"),
        directory_name="imalink_20241018_143052_a1b2c3d4",
        description="The big one",
        hothash_methods=("jpeg-1", "file-1"),
        previous_uuids=(StorageUuid(uuid_of("older")),),
        migrated_from="legacy_v0",
        generation=4,
        pictures=PictureFolder(
            path="/media/dvd/2019",
            file_system_uuid="2019-08-01-12-00-00-00",
            path_below_mount="2019",
            inode=12,
            birth_ns=1_564_660_800_000_000_000,
        ),
    )


def run_request() -> RunRequest:
    """Give a request in which every key is set, with a source that is not UTF-8."""
    return RunRequest(
        kind=RunKind.IMPORT,
        source="/media/anna/caf\udce9",
        volume="6A31-42F0",
        below=RelativePath("DCIM/caf\udce9"),
        organization="{year}/{month}/{filename}",
        duplicates=DuplicatePolicy.KEEP_BOTH,
        exclude=("*.tmp", "/private/"),
        includes_deleted=True,
        author="Anna Berg",
        picture_count=412,
        size_bytes=2_000_000_000,
    )


def plan_origin() -> PlanOrigin:
    """Give an origin of a picture and a sidecar, with a finding."""
    return PlanOrigin(
        files=(
            OriginFile(relative_path=RelativePath("DCIM/a.jpg"), size_bytes=5, modified_ns=1_700_000_000_123_456_789),
            OriginFile(relative_path=RelativePath("DCIM/caf\udce9.xmp"), size_bytes=0, modified_ns=-1_000_000_000),
        ),
        fate=Fate.KEEP_BOTH,
        opens_photo=True,
        findings=(Finding(code="preview-failed", path="DCIM/a.jpg"),),
    )


def commit() -> Commit:
    """Give a committed run of two files with a finding."""
    return Commit(
        begin=RunBegin(
            run_uuid=RUN_UUID,
            storage_uuid=STORAGE_UUID,
            session=session(),
            writer=WRITER,
            started_at=IMPORTED_AT,
            lamport=11,
            request=run_request(),
            resumes=RunUuid("6f1f1a2e-0000-4000-8000-00000000ab43"),
        ),
        plans=(
            RunPlan(staged_name="1.part", entry=full_entry(), staged_companions=("1.c1.part",), origin=plan_origin()),
            RunPlan(staged_name="2.part", entry=bare_entry()),
        ),
        findings=(Finding(code="not-a-picture", path="DCIM/notes.txt"),),
        end=RunEnd(finished_at="2024-10-18T14:31:52Z", session=session(), statistics=session_index().statistics),
    )


def run_lines(run: Commit | None = None) -> list[bytes]:
    """Give the lines of a committed run, in which a third plan was taken back."""
    run = run if run is not None else commit()
    writer = RunWriter()
    lines = [writer.begin(run.begin)]
    lines.extend(writer.plan(plan) for plan in run.plans)
    lines.append(writer.plan(replace(run.plans[0], staged_name="3.part")))
    lines.append(writer.drop("3.part"))
    lines.extend(writer.finding(finding) for finding in run.findings)
    lines.append(writer.end(run.end))
    return lines


def observations() -> tuple[Observation, ...]:
    """Give one observation of each kind."""
    full, bare = full_entry(), bare_entry()
    return (
        FileMoved(
            hothash=full.hothash,
            old_path=full.relative_path,
            new_path=ODD_PATH,
            modified_ns=MODIFIED_NS,
            verified="hash",
        ),
        FileSeen(
            hothash=full.hothash,
            path=ODD_PATH,
            size_bytes=1001,
            sha256=full.sha256,
            modified_ns=MODIFIED_NS,
            entry=full,
        ),
        FileSeen(
            hothash=full.hothash, path=full.relative_path, size_bytes=1, sha256=full.sha256, modified_ns=MODIFIED_NS
        ),
        FileMissing(hothash=bare.hothash, path=ODD_PATH, last_seen_at="2024-11-01T00:00:00Z"),
        FileCopied(
            hothash=full.hothash,
            path=RelativePath("photos/copy.jpg"),
            session_uuid=session().session_uuid,
            size_bytes=1000,
            sha256=full.sha256,
            modified_ns=MODIFIED_NS,
            imported_at=IMPORTED_AT,
        ),
        FileEdited(old_hothash=bare.hothash, path=full.relative_path, entry=full),
        CompanionsChanged(hothash=full.hothash, path=full.relative_path, companions=full.companions),
        SessionEdited(session_uuid=session().session_uuid, session_number=42, title="Roma", description=""),
        PhotoEdited(
            photo_uuid=full.photo_uuid,
            hothashes=(full.hothash,),
            said=UserFacts(
                rating=4,
                tag_changes={"Rome": False},
                gps=GpsPosition(latitude=-1.5, longitude=2.0),
                custom={"client": "A"},
                clocks={
                    name: FieldClock(counter=9, writer=WRITER)
                    for name in ("rating", "title", "tags.Rome", "gps", "custom.client")
                },
            ),
        ),
        PhotoJoined(photo_uuid=full.photo_uuid, hothashes=(full.hothash, bare.hothash), joined=(bare.photo_uuid,)),
        PhotoSplit(hothash=bare.hothash, photo_uuid=bare.photo_uuid),
        FileRehashed(
            old_hothash=bare.hothash,
            session_uuid=session().session_uuid,
            hothash=full.hothash,
            method=HothashMethod("jpeg-2"),
        ),
        FileDeleted(
            hothash=bare.hothash,
            session_uuid=session().session_uuid,
            path=ODD_PATH,
            deleted_at="2024-12-01T00:00:00Z",
            by="reindex",
            mode="missing",
            reason="gone",
        ),
        *restorations(),
        FileDamaged(
            hothash=full.hothash,
            session_uuid=session().session_uuid,
            path=ODD_PATH,
            sha256=full.sha256,
            damage=Damage(found_at="2024-11-01T00:00:00Z", verdict=Verdict.SUSPECTED_BIT_ROT),
        ),
        FileWhole(hothash=full.hothash, path=full.relative_path, sha256=full.sha256),
        StorageVerified(at="2024-11-01T00:00:00Z", depth="full", checked=3, ok=2, size_bytes=1001),
    )


def restorations() -> tuple[SessionRestored, OrphansRestored]:
    """Give what takes back all there is, in every way there is."""
    index, digest = session_index(), "0123456789abcdef"
    full, bare = full_entry(), bare_entry()
    photo = index.photos[full.photo_uuid]
    [tombstone] = index.deleted.values()
    place = EntryPlace(
        relative_path=ODD_PATH,
        size_bytes=1000,
        sha256=full.sha256,
        modified_ns=MODIFIED_NS,
        photo_uuid=full.photo_uuid,
        status=FileStatus.MISSING,
        last_seen_at="2024-11-01T00:00:00Z",
        companions=full.companions,
        copies=full.copies,
    )
    restored = SessionRestored(
        session_uuid=index.session.session_uuid,
        session_number=42,
        entries=(
            EarlierEntry(hothash=full.hothash, was=full, now=None),
            EarlierEntry(hothash=bare.hothash, was=place, now=digest),
            EarlierEntry(hothash=Hothash(hash_of("new")), was=None, now=digest),
        ),
        photos=(
            EarlierPhoto(photo_uuid=photo.photo_uuid, was=photo, now=digest),
            EarlierPhoto(photo_uuid=PhotoUuid(uuid_of("new photo")), was=None),
        ),
        tombstones=(
            EarlierTombstone(hothash=tombstone.hothash, was=tombstone, now=None),
            EarlierTombstone(hothash=bare.hothash, was=None, now=digest),
        ),
        head=EarlierHead(title="Italy", description="", status=SessionStatus.COMPLETED, now=digest),
    )
    known, unknown = master_index().orphans
    return restored, OrphansRestored(gone=(known.path, ODD_PATH), back=(known, unknown))


def operation_part() -> OperationPart:
    """Give a part of an operation that undoes another, with a run and what takes it back."""
    return OperationPart(
        operation=Operation(
            operation_uuid=OperationUuid(uuid_of("operation")),
            kind="undo",
            title="Undo of: Re-index: 3 moved",
            counts={"moved": 3},
            undoes=OperationUuid(uuid_of("earlier operation")),
            run_uuid=RUN_UUID,
        ),
        inverse=restorations(),
    )


def journal_lines() -> list[bytes]:
    """Give a journal of one line per observation, the last of which are part of operations."""
    lines: list[bytes] = []
    prev = ""
    parts: dict[type, OperationPart] = {
        SessionRestored: operation_part(),
        OrphansRestored: replace(operation_part(), inverse=None),
    }
    for number, observation in enumerate(observations(), 1):
        line, prev = dump_journal_line(
            [observation],
            seq=number,
            prev=prev,
            lamport=20 + number,
            at=IMPORTED_AT,
            part=parts.get(type(observation)),
        )
        lines.append(line)
    return lines


def registry() -> RegistryDocument:
    """Give a registry of one storage."""
    return RegistryDocument(
        last_updated="2024-10-19T20:30:45Z",
        storages={
            STORAGE_UUID: RegisteredStorage(
                storage_uuid=STORAGE_UUID,
                display_name="Main Photo Archive",
                base_path="/mnt/photos/archive",
                created_at="2024-01-15T12:00:00Z",
                last_used="2024-10-19T20:30:45Z",
            )
        },
    )


@dataclass(frozen=True, kw_only=True)
class DocumentKind:
    """How one kind of document is written and read; ``parse`` gives the value and whether its digest fits."""

    name: str
    example: Callable[[], Any]
    dump: Callable[[Any], bytes]
    parse: Callable[[bytes], tuple[Any, bool | None]]
    tables: frozenset[str]
    """Keys whose members are named by data, so that no key in them is unknown."""

    def data(self) -> bytes:
        """Give the example as bytes."""
        return self.dump(self.example())


def _parse_signature(data: bytes) -> tuple[Signature, bool | None]:
    # The reader looks at no digest, for people edit notes and tags; the document itself still has one.
    return parse_signature(data), decode_document(data, SignatureRecord, file="").is_intact


DOCUMENTS: Mapping[str, DocumentKind] = {
    kind.name: kind
    for kind in (
        DocumentKind(
            name="session-index",
            example=session_index,
            dump=hybrid.dump_session,
            parse=lambda data: hybrid.parse_session(data, file=SESSION_FILE),
            tables=frozenset({"files", "photos", "deleted", "journals", "facts", "clocks", "tag_changes", "custom"}),
        ),
        DocumentKind(
            name="indexed-session-index",
            example=session_index,
            dump=indexed.dump_session,
            parse=lambda data: indexed.parse_session(data, file=INDEXED_SESSION_FILE),
            tables=frozenset({"photos", "deleted", "journals", "facts", "clocks", "tag_changes", "custom"}),
        ),
        DocumentKind(
            name="master",
            example=master_index,
            dump=master_codec.dump_master,
            parse=master_codec.parse_master,
            tables=frozenset({"files", "journals"}),
        ),
        DocumentKind(
            name="overview",
            example=overview,
            dump=overview_codec.dump_overview,
            parse=overview_codec.parse_overview,
            tables=frozenset(),
        ),
        DocumentKind(
            name="signature",
            example=signature,
            dump=dump_signature,
            parse=_parse_signature,
            tables=frozenset(),
        ),
    )
}

REGISTRY = DocumentKind(
    name="registry",
    example=registry,
    dump=dump_registry,
    parse=lambda data: (parse_registry(data, file="storage_config.json"), None),
    tables=frozenset({"storages"}),
)


def as_json(data: bytes) -> Json:
    """Read a document as plain values, without its digest."""
    value = cast(Json, msgspec.json.decode(data))
    value.pop("content_sha256", None)
    return value


def small_session_index() -> SessionIndex:
    """Give a session index of one file that says little."""
    entry = replace(bare_entry(), relative_path=RelativePath("photos/a.jpg"))
    return make_index([entry], session=make_session())


def photo_uuid() -> PhotoUuid:
    """Give the photo of the full entry."""
    return full_entry().photo_uuid
