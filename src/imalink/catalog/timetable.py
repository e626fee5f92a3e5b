"""What the timetable did when, as the catalog keeps it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.work_models import ScheduledRow
from imalink.core.ids import StorageUuid
from imalink.core.timetable import Outcome, Task, TaskNote


def list_notes(db: Session) -> list[TaskNote]:
    """Give all notes; those of tasks that only another version knows are left out."""
    rows = db.execute(select(ScheduledRow).order_by(ScheduledRow.task, ScheduledRow.storage_uuid)).scalars()
    known = {task.value for task in Task}
    return [_note_of(row) for row in rows if row.task in known]


def keep_note(db: Session, note: TaskNote) -> None:
    """Remember a note in the place of the one before. Commits nothing."""
    db.merge(
        ScheduledRow(
            task=note.task.value,
            storage_uuid=note.storage_uuid or "",
            counts_from=note.counts_from,
            tried_at=note.tried_at,
            outcome=f"{note.outcome.value}: {note.why}" if note.why else note.outcome.value,
            job_id=note.job_id,
        )
    )
    db.flush()


def _note_of(row: ScheduledRow) -> TaskNote:
    outcome, _, why = row.outcome.partition(": ")
    return TaskNote(
        task=Task(row.task),
        storage_uuid=StorageUuid(row.storage_uuid) if row.storage_uuid else None,
        counts_from=row.counts_from,
        tried_at=row.tried_at,
        outcome=Outcome(outcome),
        why=why,
        job_id=row.job_id,
    )
