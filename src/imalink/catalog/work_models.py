"""The tables of what was done here: walks, verifications, operations, jobs, looks at the health, and the timetable."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from imalink.catalog.column_types import CoreJson, Digest, Instant, ShortText, StoredText
from imalink.catalog.model_base import Base
from imalink.core.job import JobError, JobProgress, JobRequest
from imalink.core.library_change import LibraryChange
from imalink.core.operation import FactsEdit


class ScanSnapshot(Base):
    """The last walk of a storage, as opaque bytes: a cache that is only good for the master it names."""

    __tablename__ = "scan_snapshots"

    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"), primary_key=True)
    master_digest: Mapped[str] = mapped_column(Digest)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class VerifiedFile(Base):
    """When this machine last read a file of a storage and found it whole: at this path, these bytes."""

    __tablename__ = "verified_files"

    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"), primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary(4096), primary_key=True)
    sha256: Mapped[str] = mapped_column(Digest)
    verified_at: Mapped[str] = mapped_column(Instant)


class UnfinishedVerification(Base):
    """How far a verification of a storage came that was stopped, as opaque bytes, so that the next one goes on."""

    __tablename__ = "unfinished_verifications"

    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class RecordedOperation(Base):
    """An operation in one storage, as its journal has it; that holds how to undo it too.

    ``has_inverse`` tells that every line of it can be taken back. The table can be filled from the journals anew.
    """

    __tablename__ = "operations"
    __table_args__ = (Index(None, "recorded_at"), Index(None, "undoes"))

    operation_uuid: Mapped[str] = mapped_column(ShortText(36), primary_key=True)
    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(ShortText(40))
    title: Mapped[str] = mapped_column(StoredText)
    counts: Mapped[dict[str, int]] = mapped_column(CoreJson(dict[str, int]))
    recorded_at: Mapped[str] = mapped_column(Instant)
    lamport: Mapped[int] = mapped_column(BigInteger)
    undoes: Mapped[str | None] = mapped_column(ShortText(36))
    has_inverse: Mapped[bool]


class OperationEdit(Base):
    """What an edit changed of one photo. Only the catalog has it: storages hold what is said, not what was."""

    __tablename__ = "operation_edits"

    operation_uuid: Mapped[str] = mapped_column(ShortText(36), primary_key=True)
    photo_uuid: Mapped[str] = mapped_column(ShortText(36), primary_key=True, index=True)
    edit: Mapped[FactsEdit] = mapped_column(CoreJson(FactsEdit))


class LibraryOperation(Base):
    """An edit of an author, a collection or a saved search; ``counter`` is that of its clock. Only the catalog has it.

    It is of no storage, for every storage is told of it.
    """

    __tablename__ = "library_operations"
    __table_args__ = (Index(None, "item_key"),)

    operation_uuid: Mapped[str] = mapped_column(ShortText(36), primary_key=True)
    kind: Mapped[str] = mapped_column(ShortText(40))
    title: Mapped[str] = mapped_column(StoredText)
    counts: Mapped[dict[str, int]] = mapped_column(CoreJson(dict[str, int]))
    recorded_at: Mapped[str] = mapped_column(Instant)
    counter: Mapped[int] = mapped_column(BigInteger)
    undoes: Mapped[str | None] = mapped_column(ShortText(36))
    item_kind: Mapped[str] = mapped_column(ShortText(40))
    item_key: Mapped[str] = mapped_column(ShortText(100))
    change: Mapped[LibraryChange] = mapped_column(CoreJson(LibraryChange), deferred=True)


class JobRow(Base):
    """Long work: what was asked, how far it came, what came of it. ``holder`` names the process that does it.

    ``seen_at`` is when that process last said so. Nothing refers to a storage's row: reports outlive what they tell of.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "queued_at"), Index(None, "state"))

    job_id: Mapped[str] = mapped_column(ShortText(36), primary_key=True)
    asked: Mapped[JobRequest] = mapped_column(CoreJson(JobRequest))
    state: Mapped[str] = mapped_column(ShortText(20))
    holder: Mapped[bytes] = mapped_column(LargeBinary)
    queued_at: Mapped[str] = mapped_column(Instant)
    started_at: Mapped[str | None] = mapped_column(Instant)
    finished_at: Mapped[str | None] = mapped_column(Instant)
    seen_at: Mapped[str] = mapped_column(Instant)
    progress: Mapped[JobProgress] = mapped_column(CoreJson(JobProgress))
    report: Mapped[dict[str, object] | None] = mapped_column(CoreJson(dict[str, object]), deferred=True)
    error: Mapped[JobError | None] = mapped_column(CoreJson(JobError))


class HealthRow(Base):
    """One look at the health of all storages, as JSON, so that what changes over weeks can be seen."""

    __tablename__ = "health_reports"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    taken_at: Mapped[str] = mapped_column(Instant, index=True)
    report: Mapped[dict[str, object]] = mapped_column(CoreJson(dict[str, object]))


class ScheduledRow(Base):
    """When a task was last done by the timetable, for a storage or (``storage_uuid`` empty) for all.

    ``counts_from`` is when it was last done or first met: the next is due one period after. ``tried_at`` is the last
    try, ``outcome`` what came of it.
    """

    __tablename__ = "scheduled_tasks"

    task: Mapped[str] = mapped_column(ShortText(40), primary_key=True)
    storage_uuid: Mapped[str] = mapped_column(ShortText(36), primary_key=True)
    counts_from: Mapped[str] = mapped_column(Instant)
    tried_at: Mapped[str | None] = mapped_column(Instant)
    outcome: Mapped[str] = mapped_column(StoredText, default="")
    job_id: Mapped[str | None] = mapped_column(ShortText(36))
