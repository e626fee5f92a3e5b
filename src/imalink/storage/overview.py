"""The overview: what imports a storage holds, gathered from its session indexes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from imalink.core.finding import Finding
from imalink.core.index import (
    FileStatus,
    MasterIndex,
    Overview,
    ScanSummary,
    SessionIndex,
    SessionSummary,
    VerificationSummary,
)
from imalink.core.signature import Signature
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.formats.layouts.layout import Layout
from imalink.storage.indexes import IndexFiles, damaged_index


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewFacts:
    """What an overview says beside its sessions; None keeps what it said before."""

    base_path: str
    directory_name: str
    storage_id: int | None
    is_active: bool
    scan: ScanSummary | None
    scanned_at: str | None
    verification: VerificationSummary | None = None


def build_overview(
    indexes: IndexFiles,
    facts: OverviewFacts,
    *,
    signature: Signature,
    master: MasterIndex,
    loaded: Mapping[int, SessionIndex],
    find_session: Callable[[int], SessionIndex | None],
) -> tuple[Overview, list[Finding]]:
    """Give the overview as it should be now, and what was wrong with the one that stood there.

    ``loaded`` are the sessions that may have changed; ``find_session`` gives one of them, or reads one of which the
    old overview says nothing, or nothing that fits. An edited or damaged overview is kept as a backup.
    """
    before, findings = _load_before(indexes)
    summaries = {summary.number: summary for summary in before.sessions} if before is not None else {}
    for number in indexes.list_sessions():
        index = loaded.get(number) or (None if number in summaries else find_session(number))
        if index is not None:
            summaries[number] = summarise(index, indexes.layout)
    if sum(summary.file_count for summary in summaries.values()) != master.total_files:
        # The old overview was another machine's, of other sessions than these: each is to be read.
        for number in summaries:
            index = find_session(number)
            if index is not None:
                summaries[number] = summarise(index, indexes.layout)
    overview = Overview(
        storage_uuid=signature.storage_uuid,
        storage_id=facts.storage_id if facts.storage_id is not None else (before.storage_id if before else None),
        directory_name=facts.directory_name,
        base_path=facts.base_path,
        display_name=signature.display_name,
        description=signature.description,
        created_at=signature.created_at,
        last_scan=facts.scanned_at or (before.last_scan if before else None),
        is_active=facts.is_active,
        total_files=master.total_files,
        total_size_bytes=master.total_size_bytes,
        sessions=tuple(summaries[number] for number in sorted(summaries)),
        last_scan_result=facts.scan or (before.last_scan_result if before else None),
        last_verification=facts.verification or (before.last_verification if before else None),
        conflicts_count=len(master.orphans)
        + len(master.mismatches)
        + sum(entry.status is FileStatus.MISSING for entry in master.files.values()),
        generation=(before.generation if before else 0) + 1,
        extras=before.extras if before else {},
    )
    return overview, findings


def _load_before(indexes: IndexFiles) -> tuple[Overview | None, list[Finding]]:
    path = indexes.layout.overview_path
    try:
        loaded = indexes.load_overview()
    except NotFoundError:
        return None, [Finding(code="index-missing", path=path)]
    except IndexDamagedError as error:
        return None, [damaged_index(path, error, indexes.backups.keep_damaged(path))]
    if loaded.is_intact is not False:
        return loaded.index, []
    return loaded.index, [Finding(code="index-edited", path=path, facts={"kept": indexes.backups.keep_damaged(path)})]


def summarise(index: SessionIndex, layout: Layout) -> SessionSummary:
    """Give a session's line in the overview."""
    session = index.session
    return SessionSummary(
        number=session.number,
        session_uuid=session.session_uuid,
        title=session.title,
        description=session.description,
        imported_at=session.imported_at,
        file_count=index.file_count,
        total_size_bytes=index.total_size_bytes,
        missing_count=index.missing_count,
        copy_status=session.status.copy_status,
        index_file=layout.session_path(session.number),
    )
