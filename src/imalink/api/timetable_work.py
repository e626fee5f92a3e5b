"""What the timetable has done: the job of each task."""

from __future__ import annotations

from collections.abc import Mapping

from imalink.answers.recovery import backup_json
from imalink.api.context import Server
from imalink.api.schemas.indexes import Scanning
from imalink.api.schemas.storages import Verification
from imalink.api.work import Planned, generate, health, on_storage, scan, verification
from imalink.catalog.file_storages import StorageRecord
from imalink.core.job import Holds, JobRequest
from imalink.core.progress import Progress
from imalink.core.timetable import Task
from imalink.runtime.jobs import Work


def planned_task(server: Server, task: Task, record: StorageRecord | None) -> tuple[JobRequest, Work]:
    """Give the job of a task of the timetable."""
    if task is Task.MAINTENANCE and record is not None:
        planned = _maintenance(server, record)
    elif task is Task.VERIFICATION and record is not None:
        planned = verification(server, record, Verification())
    elif task is Task.BACKUP:
        planned = _backup(server)
    else:
        planned = health(server)
        kind = "capacity-review" if task is Task.CAPACITY_REVIEW else "health"
        return JobRequest(kind=kind, holds=Holds.NOTHING, go_on="imalink health"), planned.work
    return planned.asked, planned.work


def _maintenance(server: Server, record: StorageRecord) -> Planned:
    """Write the indexes again, then look what changed: in this order nothing that was moved is dropped."""
    first, then = generate(server, record), scan(server, record, Scanning())

    def work(progress: Progress) -> Mapping[str, object]:
        generated = first.work(progress)
        progress.checkpoint()
        return {"generated": generated, "scan": then.work(progress)}

    return Planned(asked=on_storage(record, "maintenance", {}, f"imalink reindex {record.storage_uuid}"), work=work)


def _backup(server: Server) -> Planned:
    """Copy the catalog and the indexes of all storages to this machine, and keep a few of these copies."""

    def work(progress: Progress) -> Mapping[str, object]:
        report = server.backups.write(server.tools, progress)
        return {**backup_json(report.written), "removed": list(report.removed)}

    return Planned(asked=JobRequest(kind="backup", holds=Holds.NOTHING, go_on="imalink backup"), work=work)
