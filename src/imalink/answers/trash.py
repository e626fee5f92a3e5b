"""What was deleted, came back or went for good, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import finding_json, json_text

if TYPE_CHECKING:
    # Types alone: the command line spells small answers without loading the workflows.
    from collections.abc import Sequence

    from imalink.catalog.file_storages import StorageRecord
    from imalink.workflows.delete_photos import DeleteReport
    from imalink.workflows.empty_trash import EmptyReport
    from imalink.workflows.look_at_quarantine import QuarantinedFile, QuarantineReport
    from imalink.workflows.look_at_trash import TrashItem, TrashReport
    from imalink.workflows.restore_trash import RestoreReport


def deletion_json(report: DeleteReport, *, most: int | None = None) -> dict[str, object]:
    """Spell what a deletion did, or would do; of the pictures at most so many."""
    return {
        "mode": report.mode.value,
        "dry_run": report.operation_uuid is None,
        "operation_uuid": report.operation_uuid,
        "picture_count": len(report.pictures),
        "file_count": report.file_count,
        "size_bytes": report.size_bytes,
        "deleted": [
            {
                "storage_uuid": picture.storage.storage_uuid,
                "hothash": picture.hothash,
                "photo_uuid": picture.photo_uuid,
                "original_filename": json_text(picture.original_filename),
                "files": [
                    {
                        "relative_path": json_text(file.path),
                        "kept": None if file.kept is None else json_text(file.kept),
                        "file_size": file.size_bytes,
                    }
                    for file in picture.files
                ],
            }
            for picture in report.pictures[:most]
        ],
        "left": [
            {
                "storage_uuid": each.storage.storage_uuid,
                "hothash": each.hothash,
                "relative_path": json_text(each.path),
                "why": json_text(each.why),
            }
            for each in report.left
        ],
        "left_storages": [
            {"storage_uuid": each.storage.storage_uuid, "why": json_text(each.why)} for each in report.left_storages
        ],
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }


def trash_json(report: TrashReport, *, offset: int = 0, limit: int | None = None) -> dict[str, object]:
    """Spell what is in the trash, or a page of it."""
    shown = report.items[offset:] if limit is None else report.items[offset : offset + limit]
    return {"items": [item_json(item) for item in shown], "left_storages": left_json(report.left_storages)}


def restored_json(report: RestoreReport) -> dict[str, object]:
    """Spell what came back from the trash, or would, and what did not."""
    return {
        "dry_run": report.dry_run,
        "operation_uuid": report.operation_uuid,
        "restored": [
            {**item_json(each.item), "paths": [json_text(path) for path in each.paths]} for each in report.restored
        ],
        "left": [{**item_json(item), "why": json_text(why)} for item, why in report.left],
        "left_storages": left_json(report.left_storages),
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }


def emptied_json(report: EmptyReport, *, most: int | None = None) -> dict[str, object]:
    """Spell what went from the trash for good, or would; of the items at most so many."""
    return {
        "dry_run": report.dry_run,
        "operation_uuid": report.operation_uuid,
        "removed": [item_json(item) for item in report.removed[:most]],
        "file_count": report.file_count,
        "size_bytes": report.size_bytes,
        "left": [
            {"storage_uuid": record.storage_uuid, "kept": json_text(path), "why": json_text(why)}
            for record, path, why in report.left
        ],
        "left_storages": left_json(report.left_storages),
        "seconds": report.seconds,
    }


def item_json(item: TrashItem) -> dict[str, object]:
    """Spell one picture in the trash, with its files."""
    return {
        "storage_uuid": item.storage.storage_uuid,
        "kind": item.kind.value,
        "operation": item.operation,
        "title": json_text(item.title),
        "hothash": item.hothash,
        "original_filename": json_text(item.original_filename),
        "deleted_at": item.deleted_at,
        "size_bytes": sum(file.size_bytes for file in item.present_files),
        "files": [
            {
                "relative_path": json_text(file.path),
                "kept": json_text(file.kept),
                "file_size": file.size_bytes,
                "is_there": file.is_there,
            }
            for file in item.files
        ],
    }


def quarantine_json(report: QuarantineReport) -> dict[str, object]:
    """Spell what is in quarantine, came out of it or went for good; ``path`` is where one stands that came back."""
    targets = [*report.targets, *[None] * (len(report.files) - len(report.targets))]
    return {
        "files": [
            {**_quarantined_json(file), **({} if target is None else {"path": json_text(target)})}
            for file, target in zip(report.files, targets, strict=True)
        ],
        "left": [{**_quarantined_json(file), "why": json_text(why)} for file, why in report.left],
        "left_storages": left_json(report.left_storages),
    }


def left_json(left: Sequence[tuple[StorageRecord, str]]) -> list[dict[str, object]]:
    """Spell storages in which nothing could be done, and why."""
    return [{"storage_uuid": record.storage_uuid, "why": json_text(why)} for record, why in left]


def _quarantined_json(file: QuarantinedFile) -> dict[str, object]:
    return {
        "storage_uuid": file.storage.storage_uuid,
        "operation": file.operation,
        "title": json_text(file.title),
        "at": file.at,
        "relative_path": json_text(file.path),
        "kept": json_text(file.kept),
        "file_size": file.size_bytes,
        "stands_again": file.stands_again,
    }
