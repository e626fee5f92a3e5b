"""The health of all storages: what was seen of them, and what of that asks for a look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from imalink.core.finding import Severity
from imalink.core.ids import StorageUuid
from imalink.core.timetable import Outcome, TaskNote

GIB = 1024**3
MIB = 1024**2
LOW_SPACE_BYTES = GIB
"""Less free room than this on a storage's disk is too little for the next card."""
LOW_SPACE_SHARE = 0.05
SOON_FULL_DAYS = 90
GROWTH_DAYS = 90
"""The growth of an archive is counted over so many days."""
VERIFICATION_DAYS = 45
"""A month between full verifications, and some days to come round to it."""
MANY_SESSIONS = 10
FAST_GROWTH = 4.0
SLOW_SECONDS = 2.0
_DAYS_OF_A_MONTH = 30


class IndexState(StrEnum):
    """What of a storage's index files can be believed."""

    SOUND = "sound"
    MISSING = "missing"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"
    """The storage cannot be reached."""


class AlertCode(StrEnum):
    """What an alert is about. docs/reference/health.md lists them."""

    STORAGE_NOT_ACCESSIBLE = "storage-not-accessible"
    CAPACITY_LOW = "capacity-low"
    CAPACITY_SOON_FULL = "capacity-soon-full"
    INDEXES_MISSING = "indexes-missing"
    INDEXES_DAMAGED = "indexes-damaged"
    FILES_MISSING = "files-missing"
    FILES_DAMAGED = "files-damaged"
    VERIFICATION_OVERDUE = "verification-overdue"
    SESSIONS_GROW_FAST = "sessions-grow-fast"
    STORAGE_SLOW = "storage-slow"
    API_SLOW = "api-slow"
    TASK_FAILED = "task-failed"
    CATALOG_SPACE_LOW = "catalog-space-low"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageHealth:
    """What was seen of one storage.

    ``free_bytes`` and ``total_bytes`` are those of its disk, None where it cannot be reached or nothing is placed.
    ``verified_files`` were read through once by this machine, the first of them ``verified_since``.
    ``growth_bytes`` came in within the last ``GROWTH_DAYS``; the storage is ``age_days`` old. ``look_seconds`` is how
    long it took to open it and to look at its indexes.
    """

    storage_uuid: StorageUuid
    name: str
    is_accessible: bool
    status: str = "online"
    reason: str = ""
    is_reference: bool = False
    free_bytes: int | None = None
    total_bytes: int | None = None
    total_files: int = 0
    size_bytes: int = 0
    session_count: int = 0
    indexes: IndexState = IndexState.SOUND
    index_files: tuple[str, ...] = ()
    missing_files: int = 0
    damaged_files: int = 0
    verified_files: int = 0
    verified_since: str | None = None
    days_unverified: float | None = None
    growth_bytes: int = 0
    age_days: float = 0.0
    look_seconds: float = 0.0

    @property
    def days_until_full(self) -> float | None:
        """How long the room lasts if the archive grows as it did; None where it does not grow or nobody knows.

        What came into a new storage first says nothing: most of it was taken long before.
        """
        if self.free_bytes is None or self.growth_bytes <= 0 or self.age_days < GROWTH_DAYS:
            return None
        return round(self.free_bytes / (self.growth_bytes / GROWTH_DAYS), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMetrics:
    """The last imports together: how fast they copied, how many files came through, how large an import is."""

    import_count: int = 0
    bytes_per_second: float | None = None
    files_seen: int = 0
    files_failed: int = 0
    average_bytes: int = 0

    @property
    def success_rate(self) -> float | None:
        """The share of the files seen that were not errors; None before any was seen."""
        return None if not self.files_seen else round(1 - self.files_failed / self.files_seen, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTime:
    """How long the server took over one kind of request."""

    operation: str
    count: int
    mean_seconds: float
    slowest_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """One look at everything. ``storages`` are those in use, by name; ``inactive_count`` are left out.

    ``sessions_lately`` were begun in the last 30 days, ``sessions_before`` in the 90 days before these.
    ``response_times`` are empty where no server was asked. ``timetable`` is what the server does by itself, as far
    as it concerns these storages; empty where none ran yet.
    """

    taken_at: str
    storages: tuple[StorageHealth, ...]
    inactive_count: int = 0
    sessions_lately: int = 0
    sessions_before: int = 0
    imports: ImportMetrics = ImportMetrics()
    catalog_free_bytes: int | None = None
    catalog_seconds: float = 0.0
    containment: str = ""
    response_times: tuple[ResponseTime, ...] = ()
    timetable: tuple[TaskNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that asks for a look, with what to do; ``storage_uuid`` is None where it is about no single storage."""

    code: AlertCode
    severity: Severity
    storage_uuid: StorageUuid | None
    message: str
    hint: str


def find_issues(report: HealthReport) -> list[str]:
    """Give what the daily report calls issues, in its words (seed 004, workflow 7).

    A storage that cannot be reached is told of once: nobody knows its room and its indexes.
    """
    issues: list[str] = []
    for storage in report.storages:
        if not storage.is_accessible:
            issues.append(f"Storage '{storage.name}' is not accessible")
            continue
        if storage.free_bytes is not None and storage.free_bytes < LOW_SPACE_BYTES:
            issues.append(f"Storage '{storage.name}' is low on space")
        if storage.indexes is not IndexState.SOUND:
            issues.append(f"Storage '{storage.name}' has missing indexes")
    return issues


def find_alerts(report: HealthReport) -> list[Alert]:
    """Give everything that asks for a look, the worst first."""
    alerts = [alert for storage in report.storages for alert in _alerts_of(storage)]
    alerts.extend(_alerts_of_all(report))
    order = [Severity.ERROR, Severity.WARNING, Severity.INFO]
    return sorted(alerts, key=lambda alert: order.index(alert.severity))


_AlertMaker = Callable[[AlertCode, Severity, str, str], Alert]


def _alerts_of(storage: StorageHealth) -> Iterator[Alert]:
    def alert(code: AlertCode, severity: Severity, message: str, hint: str) -> Alert:
        return Alert(
            code=code,
            severity=severity,
            storage_uuid=storage.storage_uuid,
            message=f"{storage.name}: {message}",
            hint=hint,
        )

    short = storage.storage_uuid[:8]
    if not storage.is_accessible:
        yield alert(
            AlertCode.STORAGE_NOT_ACCESSIBLE,
            Severity.WARNING,
            storage.reason.removeprefix(f"{storage.name}: ") or storage.status,
            f"Plug its disk in, or `imalink storage deactivate {short}` if it is to stay away.",
        )
    else:
        yield from _alerts_of_reached(storage, alert)
    if storage.damaged_files:
        yield alert(
            AlertCode.FILES_DAMAGED,
            Severity.ERROR,
            f"{_files(storage.damaged_files)} known to be damaged.",
            f"`imalink heal {short}` brings them back from other storages.",
        )
    if storage.missing_files:
        yield alert(
            AlertCode.FILES_MISSING,
            Severity.WARNING,
            f"{_files(storage.missing_files)} missing.",
            f"`imalink conflicts {short}` lists them, and what can be done.",
        )
    if storage.days_unverified is not None and storage.days_unverified > VERIFICATION_DAYS:
        yield alert(
            AlertCode.VERIFICATION_OVERDUE,
            Severity.WARNING,
            f"some files were not read through for {storage.days_unverified:.0f} days.",
            f"`imalink verify {short} --depth full` reads them all.",
        )


def _files(count: int) -> str:
    return f"{count:,} file is" if count == 1 else f"{count:,} files are"


def _alerts_of_reached(storage: StorageHealth, alert: _AlertMaker) -> Iterator[Alert]:
    short = storage.storage_uuid[:8]
    free, total = storage.free_bytes, storage.total_bytes
    is_low = free is not None and (free < LOW_SPACE_BYTES or (total and free < LOW_SPACE_SHARE * total))
    if free is not None and is_low:
        yield alert(
            AlertCode.CAPACITY_LOW,
            Severity.ERROR if free < LOW_SPACE_BYTES else Severity.WARNING,
            f"only {free / GIB:.1f} GiB are free on its disk.",
            "Make room, or let the next imports go to another storage.",
        )
    elif storage.days_until_full is not None and storage.days_until_full < SOON_FULL_DAYS:
        yield alert(
            AlertCode.CAPACITY_SOON_FULL,
            Severity.WARNING,
            f"its disk is full in {storage.days_until_full:.0f} days if the archive grows as it does.",
            "Get a larger disk ready, or another storage.",
        )
    if storage.indexes is IndexState.MISSING:
        yield alert(
            AlertCode.INDEXES_MISSING,
            Severity.ERROR,
            f"index files are missing: {', '.join(storage.index_files)}.",
            f"`imalink regenerate {short}` writes them again; the pictures are safe.",
        )
    elif storage.indexes is IndexState.DAMAGED:
        yield alert(
            AlertCode.INDEXES_DAMAGED,
            Severity.ERROR,
            f"index files are damaged: {', '.join(storage.index_files)}.",
            f"`imalink regenerate {short}` writes them again; the pictures are safe.",
        )
    if storage.look_seconds > SLOW_SECONDS:
        yield alert(
            AlertCode.STORAGE_SLOW,
            Severity.INFO,
            f"it took {storage.look_seconds:.1f} s to look at its indexes.",
            "A disk that sleeps, a slow network, or one that begins to fail: check it.",
        )


def _alerts_of_all(report: HealthReport) -> Iterator[Alert]:
    usual = report.sessions_before / GROWTH_DAYS * _DAYS_OF_A_MONTH
    if report.sessions_lately >= MANY_SESSIONS and report.sessions_lately > FAST_GROWTH * max(usual, 1.0):
        yield Alert(
            code=AlertCode.SESSIONS_GROW_FAST,
            severity=Severity.INFO,
            storage_uuid=None,
            message=f"{report.sessions_lately} imports in 30 days, where {usual:.1f} were usual.",
            hint="A program that imports again and again looks like this: see `imalink sessions list`.",
        )
    for note in report.timetable:
        if note.outcome is Outcome.FAILED:
            yield Alert(
                code=AlertCode.TASK_FAILED,
                severity=Severity.WARNING,
                storage_uuid=note.storage_uuid,
                message=f"The {note.task.value} of the timetable failed: {note.why}",
                hint="It is tried again a day later; its job has more.",
            )
    for each in report.response_times:
        if each.mean_seconds > SLOW_SECONDS:
            yield Alert(
                code=AlertCode.API_SLOW,
                severity=Severity.INFO,
                storage_uuid=None,
                message=f"{each.operation} takes {each.mean_seconds:.1f} s on average.",
                hint="Long work answers at once with `Prefer: respond-async`; else check the disks.",
            )
    if report.catalog_free_bytes is not None and report.catalog_free_bytes < LOW_SPACE_BYTES:
        yield Alert(
            code=AlertCode.CATALOG_SPACE_LOW,
            severity=Severity.ERROR,
            storage_uuid=None,
            message=f"Only {report.catalog_free_bytes / GIB:.1f} GiB are free on the disk of the catalog.",
            hint="Make room there: without it nothing can be imported or edited.",
        )
