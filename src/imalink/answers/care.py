"""Storages cared for: a lock looked at or broken, facts asked of ExifTool, a rehearsed recovery; as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import finding_json, json_text
from imalink.answers.recovery import not_compared_json

if TYPE_CHECKING:
    # Types alone: the command line spells small answers without loading the workflows.
    from imalink.catalog.file_storages import StorageRecord
    from imalink.storage.lock_watch import LockLook
    from imalink.workflows.enrich_facts import EnrichReport
    from imalink.workflows.recovery_drill import DrillReport
    from imalink.workflows.unlock_storage import UnlockReport


def unlock_json(record: StorageRecord, report: UnlockReport, *, is_dry_run: bool) -> dict[str, object]:
    """Spell who held a storage's lock, and what became of it."""
    return {
        "storage_uuid": record.storage_uuid,
        "display_name": json_text(record.display_name),
        "state": report.look.verdict.value,
        "holder": _holder_json(report.look),
        "dry_run": is_dry_run,
        "broken": report.kept is not None,
        "kept": None if report.kept is None else str(report.kept),
    }


def _holder_json(look: LockLook) -> dict[str, object] | None:
    holder = look.record
    if holder is None:
        return None
    return {
        "hostname": json_text(holder.hostname),
        "pid": holder.pid,
        "purpose": json_text(holder.purpose),
        "acquired": json_text(holder.acquired),
        "heartbeat": holder.heartbeat,
        "ttl_s": holder.silence_seconds,
    }


def enriched_json(report: EnrichReport) -> dict[str, object]:
    """Spell what ExifTool told."""
    return {
        "storage_uuid": report.storage_uuid,
        "files_asked": report.files_asked,
        "files_enriched": report.files_enriched,
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }


def drill_json(report: DrillReport) -> dict[str, object]:
    """Spell how a rehearsed recovery went."""
    return {
        "is_passed": report.is_passed,
        "storages": [json_text(name) for name in report.storages],
        "rehearsals": [
            {
                "scenario": each.scenario,
                "meaning": each.meaning,
                "sessions": each.sessions,
                "files": each.files,
                "photos": each.photos,
                "differences": [json_text(text) for text in each.differences],
                "seconds": each.seconds,
            }
            for each in report.rehearsals
        ],
        "only_in_catalog": [json_text(text) for text in report.only_in_catalog],
        "not_compared": [not_compared_json(each) for each in report.not_compared],
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }
