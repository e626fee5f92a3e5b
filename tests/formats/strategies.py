"""Hypothesis strategies for everything that may stand in an index: odd paths, unknown facts, all that is rare."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from imalink.core.conflict import OrphanFile, PathMismatch
from imalink.core.damage import Damage, Verdict
from imalink.core.duplicate import DuplicatePolicy, Fate
from imalink.core.finding import CODES, Finding
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
    Companion,
    FileCopy,
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
    Tombstone,
    VerificationSummary,
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
from imalink.core.library import LibraryEdited
from imalink.core.operation import (
    EarlierEntry,
    EarlierHead,
    EarlierPhoto,
    EarlierTombstone,
    EntryPlace,
    Operation,
    OperationKind,
    OperationPart,
    OrphansRestored,
    SessionRestored,
)
from imalink.core.photo import FieldClock, Photo, UserFacts
from imalink.core.picture import Camera, Embedded, Fingerprint, GpsPosition, PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import OriginFile, PlanOrigin, RunKind, RunRequest
from imalink.core.session import Author, ImportSession, ImportStatistics, SessionStatus
from imalink.core.signature import PictureFolder, Signature
from imalink.core.timestamps import CaptureTime, format_instant, format_instant_ns
from imalink.core.user_facts import with_said
from tests.support.indexes import hash_of, uuid_of

_NS = 1_000_000_000
_FIRST_NS = -62_135_596_800 * _NS
_LAST_NS = 253_402_300_800 * _NS - 1

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["\x00\x1f\x7f", "\u202egpj", "a\u2028b", '"\\/', "Zu\u0308rich", "👩‍👩‍👧", "content_sha256"]
)
any_texts = texts | st.text(st.characters(categories=["Cs"]), max_size=3)
seeds = st.integers(0, 10_000)
hothashes = seeds.map(lambda seed: Hothash(hash_of(seed)))
sha256s = seeds.map(lambda seed: Sha256(hash_of(seed)))
uuids = seeds.map(uuid_of)
session_uuids = uuids.map(SessionUuid)
photo_uuids = uuids.map(PhotoUuid)
writers = uuids.map(WriterId)
methods = st.sampled_from([HothashMethod("jpeg-1"), HothashMethod("png-1"), HothashMethod("file-1")])
sizes = st.integers(0, 2**53 - 1)
counts = st.integers(0, 2**40)
moments_ns = st.integers(_FIRST_NS, _LAST_NS) | st.sampled_from(
    [0, -1, 1, _FIRST_NS, _LAST_NS, 1_720_000_000_500_000_000]
)
instants = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(format_instant)
numbers = st.floats(allow_nan=False, allow_infinity=False)

_parts = (
    st.binary(min_size=1, max_size=12)
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).map(lambda text: text.encode())
    | st.sampled_from([b"IMG_1.JPG", b"\n", b"\xff\xfe", "\u202egpj.exe".encode(), b"\x1b[2J", b"..a", b"a\\b", b" "])
)


def _is_part(part: bytes) -> bool:
    return part not in (b".", b"..") and b"/" not in part and b"\0" not in part


paths = st.tuples(st.sampled_from([b"", b"photos/"]), st.lists(_parts.filter(_is_part), min_size=1, max_size=3)).map(
    lambda drawn: RelativePath.from_bytes(drawn[0] + b"/".join(drawn[1]))
)

damages = st.none() | st.builds(
    Damage, found_at=instants, verdict=st.sampled_from([each for each in Verdict if each.is_damage])
)
companions = st.builds(
    Companion, relative_path=paths, sha256=sha256s, size_bytes=sizes, modified_ns=moments_ns, kind=texts, damage=damages
)
statuses = st.sampled_from(FileStatus)
copies = st.builds(
    FileCopy,
    relative_path=paths,
    size_bytes=sizes,
    sha256=sha256s,
    modified_ns=moments_ns,
    session_number=st.integers(1, 10_000),
    session_uuid=session_uuids,
    imported_at=instants,
    status=statuses,
    damage=damages,
)
capture_times = st.builds(
    CaptureTime,
    local=st.datetimes(datetime(1000, 1, 1)).map(lambda moment: moment.isoformat()),
    offset=st.sampled_from([None, "+00:00", "-11:30", "+14:00"]),
    source=st.sampled_from(["exif", "xmp", "takeout", "filename", "mtime", "user"]),
)
maybe_texts = st.none() | texts
maybe_numbers = st.none() | numbers
places = st.builds(GpsPosition, latitude=numbers, longitude=numbers, altitude=maybe_numbers)
facts = st.builds(
    PictureFacts,
    file_format=st.sampled_from(["JPEG", "RAW", "HEIC"]),
    width=st.none() | st.integers(1, 2**32),
    height=st.none() | st.integers(1, 2**32),
    orientation=st.integers(1, 8),
    duration_seconds=maybe_numbers,
    content_identifier=maybe_texts,
    capture_time=st.none() | capture_times,
    camera=st.builds(
        Camera,
        make=maybe_texts,
        model=maybe_texts,
        lens=maybe_texts,
        iso=st.none() | st.integers(1, 10_000_000),
        exposure_seconds=maybe_numbers,
        f_number=maybe_numbers,
        focal_length_mm=maybe_numbers,
    ),
    gps=st.none() | places,
    embedded=st.builds(
        Embedded,
        rating=st.none() | st.integers(0, 5),
        rejected=st.booleans(),
        label=maybe_texts,
        keywords=st.lists(texts, max_size=2).map(tuple),
        hierarchical_keywords=st.lists(texts, max_size=2).map(tuple),
        title=maybe_texts,
        caption=maybe_texts,
        author=maybe_texts,
        copyright=maybe_texts,
    ),
)
entries = st.builds(
    FileEntry,
    hothash=hothashes,
    method=methods,
    relative_path=paths,
    size_bytes=sizes,
    sha256=sha256s,
    modified_ns=moments_ns,
    imported_at=instants,
    original_filename=texts,
    original_path=texts,
    photo_uuid=photo_uuids,
    facts=facts,
    hotpreview_rendition=st.none() | st.just("0000aaaa"),
    status=statuses,
    last_seen_at=st.none() | instants,
    damage=damages,
    companions=st.lists(companions, max_size=2).map(tuple),
    copies=st.lists(copies, max_size=2).map(tuple),
    previous_hothashes=st.lists(hothashes, max_size=2).map(tuple),
)
authors = st.builds(Author, name=texts, email=maybe_texts)
sessions = st.builds(
    ImportSession,
    number=st.integers(0, 999_999_999),
    session_uuid=session_uuids,
    title=texts,
    description=texts,
    imported_at=instants,
    default_author=st.none() | authors,
    default_author_id=st.none() | st.integers(1, 99),
    file_storage_id=st.none() | st.integers(1, 99),
    source_path=texts,
    status=st.sampled_from(SessionStatus),
    copy_started_at=st.none() | instants,
    copy_completed_at=st.none() | instants,
)
photos = st.builds(
    Photo,
    photo_uuid=photo_uuids,
    files=st.lists(hothashes, max_size=2).map(tuple),
    primary=hothashes,
    title=maybe_texts,
    caption=maybe_texts,
    rating=st.none() | st.integers(0, 5),
    label=maybe_texts,
    rejected=st.none() | st.booleans(),
    tags=st.none() | st.lists(texts, max_size=3).map(tuple),
    tag_changes=st.dictionaries(texts, st.booleans(), max_size=2),
    author=st.none() | authors,
    capture_time=st.none() | capture_times.map(lambda taken: replace(taken, source="user")),
    gps=st.none() | places,
    custom=st.dictionaries(texts, texts, max_size=2),
    clocks=st.dictionaries(
        st.sampled_from(["title", "tags", "rating", "primary", "tags.a"]),
        st.builds(FieldClock, counter=counts, writer=writers),
        max_size=2,
    ),
)
user_facts = photos.map(lambda photo: with_said(UserFacts(), photo))
tombstones = st.builds(
    Tombstone,
    hothash=hothashes,
    sha256=sha256s,
    original_filename=texts,
    photo_uuid=photo_uuids,
    session_uuid=session_uuids,
    deleted_at=instants,
    by=texts,
    mode=st.sampled_from(["trash", "delete"]),
    reason=texts,
)
findings = st.builds(
    Finding,
    code=st.sampled_from(sorted(CODES)),
    path=texts,
    facts=st.dictionaries(texts, texts | st.integers(-(2**63), 2**63 - 1), max_size=2),
)
sources = st.builds(
    Sources,
    runs=st.frozensets(uuids.map(RunUuid), max_size=3),
    journals=st.dictionaries(
        writers, st.builds(JournalPosition, seq=counts, digest=st.just("0123456789abcdef")), max_size=2
    ),
)
statistics = st.builds(
    ImportStatistics,
    total_scanned=counts,
    new_imports=counts,
    duplicates_skipped=counts,
    companions=counts,
    ignored=counts,
    errors=counts,
    total_size_bytes=sizes,
)
session_indexes = st.builds(
    SessionIndex,
    session=sessions,
    storage_uuid=uuids.map(StorageUuid),
    storage_directory=texts,
    files=st.lists(entries, max_size=2).map(lambda many: {each.hothash: each for each in many}),
    photos=st.lists(photos, max_size=2).map(lambda many: {each.photo_uuid: each for each in many}),
    deleted=st.lists(tombstones, max_size=2).map(lambda many: {each.hothash: each for each in many}),
    statistics=statistics,
    findings=st.lists(findings, max_size=2).map(tuple),
    sources=sources,
    generated_at=instants,
    generation=counts,
    extras=st.just({}),
)
master_entries = st.builds(
    MasterEntry,
    hothash=hothashes,
    method=methods,
    relative_path=paths,
    size_bytes=sizes,
    sha256=sha256s,
    modified=moments_ns.map(format_instant_ns),
    session_number=st.integers(1, 10_000),
    session_uuid=session_uuids,
    imported_at=instants,
    indexed_at=instants,
    status=statuses,
    last_seen_at=st.none() | instants,
    companions=st.lists(companions, max_size=2).map(tuple),
    copies=st.lists(copies, max_size=2).map(tuple),
    damage=damages,
)


@st.composite
def _orphans(draw: st.DrawFn) -> OrphanFile:
    size = draw(sizes)
    fingerprint = draw(
        st.none() | st.builds(Fingerprint, hothash=hothashes, method=methods, sha256=sha256s, size_bytes=st.just(size))
    )
    return OrphanFile(
        path=draw(paths),
        size_bytes=size,
        modified_ns=draw(moments_ns),
        detected_at=draw(instants),
        fingerprint=fingerprint,
        deleted_at=draw(st.none() | instants),
        reason=draw(texts),
    )


orphans = _orphans()
mismatches = st.builds(PathMismatch, hothash=hothashes, expected_path=paths, path=paths, detected_at=instants)
master_indexes = st.builds(
    MasterIndex,
    storage_uuid=uuids.map(StorageUuid),
    files=st.lists(master_entries, max_size=2).map(lambda many: {each.hothash: each for each in many}),
    orphans=st.lists(orphans, max_size=2).map(tuple),
    mismatches=st.lists(mismatches, max_size=2).map(tuple),
    sources=sources,
    indexed_at=instants,
    generation=counts,
    extras=st.just({}),
)
summaries = st.builds(
    SessionSummary,
    number=st.integers(1, 10_000),
    session_uuid=session_uuids,
    title=texts,
    description=texts,
    imported_at=instants,
    file_count=counts,
    total_size_bytes=counts,
    missing_count=counts,
    copy_status=st.sampled_from(["not_started", "in_progress", "completed", "failed"]),
    index_file=st.integers(1, 10_000).map(lambda number: f"imports/session_{number}.json"),
)
overviews = st.builds(
    Overview,
    storage_uuid=uuids.map(StorageUuid),
    storage_id=st.none() | counts,
    directory_name=texts,
    base_path=texts,
    display_name=texts,
    description=texts,
    created_at=instants,
    last_scan=st.none() | instants,
    is_active=st.booleans(),
    total_files=counts,
    total_size_bytes=counts,
    sessions=st.lists(summaries, max_size=2).map(tuple),
    last_scan_result=st.none()
    | st.builds(
        ScanSummary, changes_detected=st.booleans(), moved_files=counts, missing_files=counts, new_files=counts
    ),
    last_verification=st.none()
    | st.builds(VerificationSummary, at=instants, depth=st.just("full"), checked=counts, ok=counts),
    conflicts_count=counts,
    generation=counts,
    extras=st.just({}),
)
picture_folders = st.builds(
    PictureFolder,
    path=texts,
    file_system_uuid=maybe_texts,
    path_below_mount=maybe_texts,
    inode=counts,
    birth_ns=st.none() | counts,
)
signatures = st.builds(
    Signature,
    storage_uuid=uuids.map(StorageUuid),
    display_name=texts,
    created_at=instants,
    last_indexed=st.none() | instants,
    photo_count=counts,
    total_size_bytes=counts,
    backend_url=texts,
    notes=texts,
    tags=st.lists(texts, max_size=2).map(tuple),
    layout=st.sampled_from(["hybrid", "indexed"]),
    directory_name=texts,
    description=texts,
    hothash_methods=st.lists(methods, max_size=2).map(tuple),
    previous_uuids=st.lists(uuids.map(StorageUuid), max_size=2).map(tuple),
    migrated_from=maybe_texts,
    generation=counts,
    pictures=st.none() | picture_folders,
    extras=st.just({}),
)


requests = st.builds(
    RunRequest,
    kind=st.sampled_from(RunKind),
    source=paths.map(lambda path: f"/{path}"),
    volume=st.none() | texts,
    below=st.none() | paths,
    organization=texts,
    duplicates=st.sampled_from(DuplicatePolicy),
    exclude=st.lists(texts, max_size=3).map(tuple),
    includes_deleted=st.booleans(),
    author=st.none() | texts,
    picture_count=counts,
    size_bytes=counts,
)
origins = st.builds(
    PlanOrigin,
    files=st.lists(
        st.builds(OriginFile, relative_path=paths, size_bytes=sizes, modified_ns=moments_ns), max_size=3
    ).map(tuple),
    fate=st.sampled_from(Fate),
    opens_photo=st.booleans(),
    findings=st.lists(findings, max_size=2).map(tuple),
)


@st.composite
def _commits(draw: st.DrawFn) -> Commit:
    planned = draw(st.lists(entries, max_size=3))
    return Commit(
        begin=RunBegin(
            run_uuid=RunUuid(draw(uuids)),
            storage_uuid=StorageUuid(draw(uuids)),
            session=draw(sessions),
            writer=draw(writers),
            started_at=draw(instants),
            lamport=draw(counts),
            request=draw(st.none() | requests),
            resumes=draw(st.none() | uuids.map(RunUuid)),
        ),
        plans=tuple(
            RunPlan(
                staged_name=f"{number}.part",
                entry=entry,
                staged_companions=tuple(f"{number}.c{each}" for each in range(len(entry.companions))),
                origin=draw(st.none() | origins),
            )
            for number, entry in enumerate(planned)
        ),
        findings=tuple(draw(st.lists(findings, max_size=2))),
        end=RunEnd(
            finished_at=draw(instants),
            session=draw(sessions),
            statistics=draw(statistics),
            is_interrupted=draw(st.booleans()),
        ),
    )


commits = _commits()
digests = st.sampled_from(["", "0123456789abcdef", None])
places = st.builds(
    EntryPlace,
    relative_path=st.none() | paths,
    size_bytes=st.none() | sizes,
    sha256=st.none() | sha256s,
    modified_ns=st.none() | moments_ns,
    photo_uuid=st.none() | uuids.map(PhotoUuid),
    status=st.none() | statuses,
    last_seen_at=st.none() | instants,
    companions=st.none() | st.lists(companions, max_size=2).map(tuple),
    copies=st.none() | st.lists(copies, max_size=2).map(tuple),
)
earlier_entries = st.one_of(
    entries.flatmap(
        lambda entry: st.builds(EarlierEntry, hothash=st.just(entry.hothash), was=st.just(entry), now=digests)
    ),
    st.builds(EarlierEntry, hothash=hothashes, was=st.none() | places, now=digests),
)
restored_sessions = st.builds(
    SessionRestored,
    session_uuid=session_uuids,
    session_number=st.integers(1, 10_000),
    entries=st.lists(earlier_entries, max_size=2).map(tuple),
    photos=st.lists(
        photos.flatmap(
            lambda photo: st.builds(
                EarlierPhoto, photo_uuid=st.just(photo.photo_uuid), was=st.none() | st.just(photo), now=digests
            )
        ),
        max_size=2,
    ).map(tuple),
    tombstones=st.lists(
        tombstones.flatmap(
            lambda buried: st.builds(
                EarlierTombstone, hothash=st.just(buried.hothash), was=st.none() | st.just(buried), now=digests
            )
        ),
        max_size=2,
    ).map(tuple),
    head=st.none()
    | st.builds(EarlierHead, title=texts, description=texts, status=st.sampled_from(SessionStatus), now=digests),
)
restored_orphans = st.builds(
    OrphansRestored, gone=st.lists(paths, max_size=2).map(tuple), back=st.lists(orphans, max_size=2).map(tuple)
)
parts = st.builds(
    OperationPart,
    operation=st.builds(
        Operation,
        operation_uuid=uuids.map(OperationUuid),
        kind=st.sampled_from(OperationKind).map(str),
        title=texts,
        counts=st.dictionaries(st.sampled_from(["moved", "edited"]), counts),
        undoes=st.none() | uuids.map(OperationUuid),
        run_uuid=st.none() | uuids.map(RunUuid),
    ),
    inverse=st.none() | st.lists(restored_sessions | restored_orphans, max_size=2).map(tuple),
)
observations: st.SearchStrategy[Observation] = st.one_of(
    restored_sessions,
    restored_orphans,
    st.builds(
        FileMoved,
        hothash=hothashes,
        old_path=paths,
        new_path=paths,
        modified_ns=moments_ns,
        verified=st.sampled_from(["hash", "inode"]),
    ),
    # A seen file is described by the hothash of its own entry.
    entries.flatmap(
        lambda entry: st.builds(
            FileSeen,
            hothash=st.just(entry.hothash),
            path=paths,
            size_bytes=sizes,
            sha256=sha256s,
            modified_ns=moments_ns,
            entry=st.none() | st.just(entry),
        )
    ),
    st.builds(FileMissing, hothash=hothashes, path=paths, last_seen_at=instants),
    st.builds(
        FileDamaged,
        hothash=hothashes,
        session_uuid=st.none() | session_uuids,
        path=paths,
        sha256=sha256s,
        damage=damages.filter(lambda damage: damage is not None),
    ),
    st.builds(FileWhole, hothash=hothashes, session_uuid=st.none() | session_uuids, path=paths, sha256=sha256s),
    st.builds(
        LibraryEdited,
        kind=st.sampled_from(["author", "collection", "saved-search", "newer"]),
        key=texts,
        values=st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, max_size=4),
        clock=st.builds(FieldClock, counter=counts, writer=writers),
    ),
    st.builds(
        StorageVerified,
        at=instants,
        depth=st.sampled_from(["quick", "sample", "full"]),
        checked=counts,
        ok=counts,
        size_bytes=sizes,
        session_uuid=st.none() | session_uuids,
    ),
    st.builds(
        FileCopied,
        hothash=hothashes,
        path=paths,
        session_uuid=session_uuids,
        size_bytes=sizes,
        sha256=sha256s,
        modified_ns=moments_ns,
        imported_at=instants,
    ),
    st.builds(FileEdited, old_hothash=hothashes, path=paths, entry=entries),
    st.builds(CompanionsChanged, hothash=hothashes, path=paths, companions=st.lists(companions, max_size=2).map(tuple)),
    st.builds(
        SessionEdited,
        session_uuid=session_uuids,
        session_number=st.integers(1, 10_000),
        title=maybe_texts,
        description=maybe_texts,
    ),
    st.builds(
        PhotoEdited,
        photo_uuid=uuids.map(PhotoUuid),
        hothashes=st.lists(hothashes, max_size=3).map(tuple),
        said=user_facts,
    ),
    st.builds(
        PhotoJoined,
        photo_uuid=uuids.map(PhotoUuid),
        hothashes=st.lists(hothashes, max_size=3).map(tuple),
        joined=st.lists(uuids.map(PhotoUuid), max_size=2).map(tuple),
    ),
    st.builds(PhotoSplit, hothash=hothashes, photo_uuid=uuids.map(PhotoUuid)),
    st.builds(
        FileRehashed,
        old_hothash=hothashes,
        session_uuid=st.none() | session_uuids,
        hothash=hothashes,
        method=methods,
    ),
    st.builds(
        FileDeleted,
        hothash=hothashes,
        session_uuid=st.none() | session_uuids,
        path=paths,
        deleted_at=instants,
        by=texts,
        mode=st.sampled_from(["missing", "soft", "hard"]),
        reason=texts,
    ),
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
"""What another program may keep under a key of its own."""
