"""What caring for storages does as jobs: healing, locks, ExifTool, proofs for cards, backups, rehearsals."""

from __future__ import annotations

import time
from collections.abc import Mapping

from imalink.answers import card_check_json, heal_json
from imalink.answers.care import drill_json, enriched_json, unlock_json
from imalink.answers.recovery import backup_json
from imalink.api.context import Server
from imalink.api.schemas.care import BackingUp, CardChecking, Healing, Unlocking
from imalink.api.schemas.envelope import Asking
from imalink.api.work import Planned
from imalink.catalog.file_storages import StorageRecord
from imalink.core.job import Holds, JobRequest
from imalink.core.progress import Progress
from imalink.workflows.back_up import back_up
from imalink.workflows.card_check import check_card
from imalink.workflows.card_check_report import CardCheckRequest
from imalink.workflows.enrich_facts import enrich_facts
from imalink.workflows.heal import heal
from imalink.workflows.look_at_storages import last_known_storages
from imalink.workflows.recovery_drill import recovery_drill
from imalink.workflows.unlock_storage import UnlockReport, look_before_unlocking, unlock_storage

_STEP_SECONDS = 0.25
"""Who watches a lock looks so often whether it is to stop."""


def healing(server: Server, record: StorageRecord, body: Healing) -> Planned:
    """Bring back what is damaged or missing in a storage."""

    def work(progress: Progress) -> Mapping[str, object]:
        with server.turns.of(record.storage_uuid):
            report = heal(server.tools, record, hothashes=body.hothashes, dry_run=body.dry_run, progress=progress)
        return {"storage_uuid": record.storage_uuid, **heal_json(report, dry_run=body.dry_run)}

    return Planned(asked=_on(record, "heal", _said(body), f"imalink heal {record.storage_uuid}"), work=work)


def enriching(server: Server, record: StorageRecord) -> Planned:
    """Ask ExifTool for what ImaLink's own readers do not find."""

    def work(progress: Progress) -> Mapping[str, object]:
        with server.turns.of(record.storage_uuid):
            return enriched_json(enrich_facts(server.tools, record, progress=progress))

    return Planned(asked=_on(record, "enrich", {}, f"imalink enrich {record.storage_uuid}"), work=work)


def unlocking(server: Server, record: StorageRecord, body: Unlocking) -> Planned:
    """Look at a storage's lock, and break it if its holder is gone. It holds nothing: what it waits for is no job."""

    def work(progress: Progress) -> Mapping[str, object]:
        def sleep(seconds: float) -> None:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                progress.checkpoint()
                time.sleep(min(left, _STEP_SECONDS))

        if body.dry_run:
            report = UnlockReport(look=look_before_unlocking(server.tools, record), kept=None)
        else:
            report = unlock_storage(server.tools, record, sleep=sleep)
        return unlock_json(record, report, is_dry_run=body.dry_run)

    asked = JobRequest(
        kind="unlock",
        storage_uuid=record.storage_uuid,
        request=_said(body),
        holds=Holds.NOTHING,
        go_on=f"imalink unlock {record.storage_uuid}",
    )
    return Planned(asked=asked, work=work)


def checking_card(server: Server, body: CardChecking) -> Planned:
    """Prove that everything in a folder is archived. Raises UsageError, FolderRefusedError."""
    source = server.folders.check(body.source_directory)
    request = CardCheckRequest(
        min_copies=body.min_copies, trust_days=body.trust_verified_days, ignores_others=body.pictures_only
    )
    request.check()

    def work(progress: Progress) -> Mapping[str, object]:
        return card_check_json(check_card(server.tools, source, request, progress=progress))

    asked = JobRequest(kind="card-check", request=_said(body), holds=Holds.NOTHING, go_on="imalink card-check")
    return Planned(asked=asked, work=work)


def backing_up(server: Server, body: BackingUp) -> Planned:
    """Write catalog and indexes into a new folder. Raises UsageError, FolderRefusedError."""
    target = None if body.folder is None else server.folders.check(body.folder)

    def work(progress: Progress) -> Mapping[str, object]:
        if target is not None:
            written = back_up(server.tools, target, notes=server.backups.notes(), progress=progress)
            return {**backup_json(written), "removed": []}
        kept = server.backups.write(server.tools, progress)
        return {**backup_json(kept.written), "removed": list(kept.removed)}

    asked = JobRequest(kind="backup", request=_said(body), holds=Holds.NOTHING, go_on="imalink backup")
    return Planned(asked=asked, work=work)


def rehearsing(server: Server) -> Planned:
    """Rehearse the loss of the catalog while nothing else is at work: what changes meanwhile would be a difference."""

    def work(progress: Progress) -> Mapping[str, object]:
        storages = [record.storage_uuid for record in last_known_storages(server.tools) if record.is_active]
        with server.turns.of(*storages):
            return drill_json(recovery_drill(server.tools, server.data_directory, progress=progress))

    asked = JobRequest(kind="recovery-drill", holds=Holds.EVERYTHING, go_on="imalink recovery-drill")
    return Planned(asked=asked, work=work)


def _on(record: StorageRecord, kind: str, request: Mapping[str, object], go_on: str) -> JobRequest:
    return JobRequest(kind=kind, storage_uuid=record.storage_uuid, request=request, go_on=go_on)


def _said(body: Asking) -> dict[str, object]:
    said: dict[str, object] = body.model_dump(mode="json", exclude_defaults=True)
    return said
