"""Recover: rebuild the catalog from what the storages say of themselves, or compare the live one with that."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from imalink.catalog import accounts, dump, file_storages, operations
from imalink.catalog.catalog import Catalog
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.planned_sessions import settle_planned
from imalink.core.audit import AuditAction
from imalink.core.conflict import MissingFile
from imalink.core.finding import Finding, Severity
from imalink.core.ids import Hothash, PhotoUuid, StorageUuid
from imalink.core.picture import Fingerprint
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.timestamps import are_instants
from imalink.errors import (
    NotFoundError,
    OutOfSpaceError,
    StorageError,
    StorageOfflineError,
    StorageReadOnlyError,
)
from imalink.formats.layouts.hybrid import HYBRID
from imalink.media.kinds import is_picture_name
from imalink.storage.caps import TRUSTED, UNTRUSTED
from imalink.storage.file_storage import FileStorage
from imalink.workflows.create_storage import remember_storage
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.out_of_reach import NotCompared, carry_over, without_pictures
from imalink.workflows.recovery_candidates import Candidate, overview_of
from imalink.workflows.storage_access import note_in_step
from imalink.workflows.take_in_sessions import Taken, TakenSession, take_in_sessions
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredSession:
    """What the overview promised of a session and what its index held."""

    number: int
    title: str
    expected_files: int | None
    found_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A file whose bytes are not those that were archived: ``metadata``, ``content`` or ``damaged``."""

    path: RelativePath
    hothash: Hothash
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryReport:
    """What was found in the storages; ``differences`` is what a check found between them and the live catalog.

    ``not_compared`` are storages that a check could not ask, or not ask about all; nothing of them is a difference.
    ``has_accounts``: the catalog has some. No storage has any: docs/decisions/0070-accounts-belong-to-one-catalog.md
    """

    storages: tuple[Candidate, ...]
    sessions: tuple[RecoveredSession, ...]
    restored_sessions: int
    restored_files: int
    restored_photos: int
    missing_files: tuple[MissingFile, ...]
    changed_files: tuple[ChangedFile, ...]
    corrupt_indexes: tuple[str, ...]
    differences: tuple[str, ...]
    not_compared: tuple[NotCompared, ...]
    findings: tuple[Finding, ...]
    seconds: float
    has_accounts: bool

    @property
    def has_warnings(self) -> bool:
        """Whether any finding asks for a look."""
        return any(finding.severity is not Severity.INFO for finding in self.findings)


@dataclass(slots=True, kw_only=True)
class _Tally:
    sessions: list[RecoveredSession] = field(default_factory=list[RecoveredSession])
    session_uuids: set[str] = field(default_factory=set[str])
    storages: set[StorageUuid] = field(default_factory=set[StorageUuid])
    without_pictures: list[StorageUuid] = field(default_factory=list[StorageUuid])
    photos: set[PhotoUuid] = field(default_factory=set[PhotoUuid])
    files: int = 0
    missing: list[MissingFile] = field(default_factory=list[MissingFile])
    found: set[Hothash] = field(default_factory=set[Hothash])
    changed: list[ChangedFile] = field(default_factory=list[ChangedFile])
    corrupt: list[str] = field(default_factory=list[str])
    findings: list[Finding] = field(default_factory=list[Finding])


def recover(
    tools: Tools,
    candidates: Sequence[Candidate],
    *,
    is_check: bool = False,
    verifies_bytes: bool = False,
    progress: Progress | None = None,
) -> RecoveryReport:
    """Rebuild the catalog from the candidates; with ``is_check`` build a second one and compare, changing nothing.

    Every file named by an index is looked for; one whose size or time is another is read, and with
    ``verifies_bytes`` every one is. Storages that cannot be written are recovered as they are; those that this machine
    noted and that cannot be reached are listed as offline, and a check leaves out what they hold. Raises
    CancelledError.
    """
    started = time.monotonic()
    progress = progress or SilentProgress()
    tally = _Tally()
    if not is_check:
        tools.catalog.verify()
    with _target(tools, is_check) as target:
        work = replace(tools, catalog=target)
        for candidate in candidates:
            progress.checkpoint()
            try:
                _recover_storage(work, candidate, tally, progress, is_check=is_check, verifies_bytes=verifies_bytes)
                if not is_check and not candidate.is_trusted:
                    subject = f"{candidate.display_name} ({candidate.storage_uuid})"
                    note(tools, AuditAction.STORAGE_TRUSTED, subject, path=str(candidate.path))
            except StorageError as error:
                if not (is_check and isinstance(error, StorageOfflineError)):
                    tally.findings.append(
                        Finding(
                            code="storage-not-recovered",
                            path=str(candidate.path),
                            facts={"why": error.message},
                        )
                    )
        not_compared = _carry_over(tools, target, tally) if is_check else []
        _list_unplugged(work)
        with target.begin() as db:
            settle_planned(db)  # now that every index has told of its session
        differences: list[str] = []
        if is_check:
            with target.read() as rebuilt, tools.catalog.read() as live:
                differences = dump.compare(dump.dump(live), dump.dump(rebuilt))
    with tools.catalog.read() as db:
        has_accounts = accounts.has_accounts(db)
    return RecoveryReport(
        storages=tuple(candidates),
        sessions=tuple(tally.sessions),
        restored_sessions=len(tally.session_uuids),
        restored_files=tally.files,
        restored_photos=len(tally.photos),
        missing_files=tuple(missing for missing in tally.missing if missing.hothash not in tally.found),
        changed_files=tuple(tally.changed),
        corrupt_indexes=tuple(tally.corrupt),
        differences=tuple(differences),
        not_compared=tuple(not_compared),
        findings=tuple(tally.findings),
        seconds=round(time.monotonic() - started, 3),
        has_accounts=has_accounts,
    )


def _list_unplugged(tools: Tools) -> None:
    """Let the catalog know of the storages that this machine noted and that gave nothing now: they are offline."""
    noted = tools.registry.storages()
    with tools.catalog.begin() as db:
        known = {record.storage_uuid for record in file_storages.list_storages(db)}
        for storage in noted:
            if storage.storage_uuid in known:
                continue
            file_storages.add_storage(
                db,
                storage_uuid=storage.storage_uuid,
                directory_name=storage.path.name,
                base_path=str(storage.path.parent),
                display_name=storage.display_name,
                created_at=storage.created_at,
                layout=storage.layout or HYBRID.name,
            )
            change = file_storages.StorageChange(is_active=storage.is_active, is_accessible=False)
            file_storages.update_storage(db, storage.storage_uuid, change)


def _carry_over(tools: Tools, rebuilt: Catalog, tally: _Tally) -> list[NotCompared]:
    """Leave out of a check what could not be asked; give which storages that are."""
    unseen = (without_pictures(tools, storage_uuid) for storage_uuid in tally.without_pictures)
    return [*carry_over(tools, rebuilt, compared=tally.storages), *(each for each in unseen if each is not None)]


@contextmanager
def _target(tools: Tools, is_check: bool) -> Generator[Catalog]:
    """Give the catalog to rebuild: the live one, or for a check one that is thrown away."""
    if is_check:
        with tools.open_scratch_catalog() as scratch:
            yield scratch
    else:
        yield tools.catalog


def _recover_storage(
    tools: Tools,
    candidate: Candidate,
    tally: _Tally,
    progress: Progress,
    *,
    is_check: bool,
    verifies_bytes: bool,
) -> None:
    """Mend what can be mended, then project every session index and look for every file it names."""
    storage = FileStorage.open(
        candidate.home,
        clock=tools.clock,
        expected_uuid=candidate.storage_uuid,
        calls=tools.calls,
        needs_pictures=False,
        is_home=tools.references.is_home(candidate.home),
        caps=UNTRUSTED if is_check and not candidate.is_trusted else TRUSTED,
    )
    with storage, ExitStack() as stack:
        record = remember_storage(tools, storage, is_noted=not is_check)
        overview = overview_of(storage)
        expected = {summary.number: summary for summary in overview.sessions} if overview is not None else {}

        if overview is not None and are_instants([overview.last_scan or ""]):
            with tools.catalog.begin() as db:
                change = file_storages.StorageChange(last_scan_at=overview.last_scan)
                file_storages.update_storage(db, record.storage_uuid, change)

        def take_in() -> Taken:
            numbers = sorted({*storage.indexes.list_sessions(), *expected})
            progress.start_phase("recover", total_files=len(numbers))
            return take_in_sessions(
                tools,
                record,
                storage,
                candidate.home,
                numbers,
                is_trusted=not is_check or candidate.is_trusted,
                stack=stack,
                progress=progress,
            )

        taken = take_in() if is_check else _mend(tools, record, storage, tally, take_in)
        if not is_check:
            with tools.catalog.begin() as db:
                operations.keep_operations(db, record.id, storage.journals.list_operations())
        tally.findings.extend(taken.findings)
        tally.corrupt.extend(f"{storage.layout.session_path(each.number)}: {each.message}" for each in taken.unread)
        seen = _scan(storage, progress) if storage.has_pictures else None
        if seen is None:
            tally.without_pictures.append(candidate.storage_uuid)
            if not is_check:
                tally.findings.append(Finding(code="pictures-out-of-reach", path=str(storage.path)))
        if seen is not None and not taken.sessions:
            tally.findings.extend(_bare(record, storage, seen))
        for session in taken.sessions:
            summary = expected.get(session.number)
            tally.sessions.append(
                RecoveredSession(
                    number=session.number,
                    title=session.title,
                    expected_files=summary.file_count if summary is not None else None,
                    found_files=session.file_count,
                )
            )
            tally.session_uuids.add(session.session_uuid)
            tally.photos.update(session.photo_uuids())
            tally.files += session.file_count
            if seen is not None:
                _check_files(tools, storage, session, seen, tally, progress, verifies_bytes=verifies_bytes)
        tally.storages.add(candidate.storage_uuid)


def _bare(record: StorageRecord, storage: FileStorage, seen: Collection[RelativePath]) -> Iterator[Finding]:
    """Tell of the pictures of a storage of which no session is known."""
    count = sum(is_picture_name(path.name) for path in seen)
    if count:
        command = f"imalink reindex {record.storage_uuid[:8]} --add-orphans"
        yield Finding(
            code="pictures-without-session", path=str(storage.path), facts={"pictures": count, "next": command}
        )


def _scan(storage: FileStorage, progress: Progress) -> Mapping[RelativePath, ScannedFile]:
    """Give the files that stand there; none when even the photo folder is gone, for the sessions come back anyway."""
    try:
        return storage.scan(lambda _: progress.checkpoint()).files
    except NotFoundError:
        storage.root.verify_identity()
        return {}


def _mend(
    tools: Tools, record: StorageRecord, storage: FileStorage, tally: _Tally, take_in: Callable[[], Taken]
) -> Taken:
    """Fold what waits, rebuild damaged indexes and take the sessions in, once; give what came of these.

    A storage that cannot be written is read as it is.
    """
    taken: list[Taken] = []

    def tell_all(tools: Tools, record: StorageRecord, storage: FileStorage) -> list[Finding]:
        digest = storage.indexes.claimed_master_digest()
        taken.append(take_in())
        note_in_step(tools, record, storage, digest)
        return []

    try:
        with storage.lock("recover"):
            numbers = storage.indexes.list_sessions()
            unsound = [number for number in numbers if not storage.indexes.is_session_sound(number)]
            findings = mend_indexes(tools, record, storage, suspects=unsound, tell_all=tell_all).findings
    except (StorageReadOnlyError, OutOfSpaceError) as error:
        findings = (Finding(code="storage-read-only", path=str(storage.path), facts={"why": error.message}),)
    tally.findings.extend(findings)
    tally.corrupt.extend(finding.path for finding in findings if finding.code == "index-damaged")
    return taken[-1] if taken else take_in()


def _check_files(
    tools: Tools,
    storage: FileStorage,
    session: TakenSession,
    seen: Mapping[RelativePath, ScannedFile],
    tally: _Tally,
    progress: Progress,
    *,
    verifies_bytes: bool,
) -> None:
    """Look for every present file; read those whose size or time is another (or all), and say what became of them."""
    files = session.files() if verifies_bytes else session.files_unlike(seen, tally.found.add)
    for file in files:
        path = file.path
        now = seen.get(path)
        if now is None:
            last_seen_at = file.last_seen_at or session.generated_at
            tally.missing.append(MissingFile(hothash=file.hothash, expected_path=path, last_seen_at=last_seen_at))
            continue
        tally.found.add(file.hothash)
        is_as_left = now.size_bytes == file.size_bytes and now.modified_ns == file.modified_ns
        if file.is_missing or (is_as_left and not file.is_damaged and not verifies_bytes):
            continue
        progress.checkpoint()
        fingerprint = _fingerprint(tools, storage, path)
        if fingerprint is None or fingerprint.sha256 == file.sha256:
            continue
        if is_as_left:
            kind = "damaged"
            tally.findings.append(Finding(code="file-damaged", path=path.printable()))
        elif fingerprint.hothash == file.hothash:
            kind = "metadata"
        else:
            kind = "content"
            tally.findings.append(Finding(code="file-changed", path=path.printable()))
        tally.changed.append(ChangedFile(path=path, hothash=file.hothash, kind=kind))


def _fingerprint(tools: Tools, storage: FileStorage, path: RelativePath) -> Fingerprint | None:
    try:
        with storage.pictures.open_for_reading(path) as descriptor:
            return tools.analyser.fingerprint(descriptor)
    except (NotFoundError, StorageError, OSError):
        storage.root.verify_identity()
        return None
