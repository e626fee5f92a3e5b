"""What workflows report, spelled as JSON: the words that the command line, the services and the REST API share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.core.conflict import ConflictAction, ConflictType, actions_for, orphan_id
from imalink.core.damage import Verdict

if TYPE_CHECKING:
    # Types alone: the command line spells small answers without loading the workflows.
    from collections.abc import Iterator, Mapping

    from imalink.core.conflict import DuplicateFilename, MissingFile, PathMismatch
    from imalink.core.finding import Finding
    from imalink.core.ids import StorageUuid
    from imalink.core.relative_path import RelativePath
    from imalink.workflows.card_check_report import CardCheckReport
    from imalink.workflows.heal import HealReport
    from imalink.workflows.import_report import ImportReport
    from imalink.workflows.look_at_conflicts import Conflicts, Elsewhere
    from imalink.workflows.reindex_report import ReindexReport
    from imalink.workflows.verify_report import VerifyReport


def json_text(text: str) -> str:
    r"""Give plain text that JSON can hold; bytes of a name that are no UTF-8 as findings show them, ``\xff``."""
    if text.isascii():  # most are, and an answer has hundreds
        return str(text)
    try:
        return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a pair, which no name on a disk decodes to
        return str(text).encode("utf-8", "backslashreplace").decode()


def finding_json(finding: Finding) -> Mapping[str, object]:
    """Spell a finding for a program."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "path": json_text(finding.path),
        "message": finding.message,
        "facts": {key: json_text(value) if isinstance(value, str) else value for key, value in finding.facts.items()},
    }


def import_json(report: ImportReport, *, dry_run: bool = False) -> dict[str, object]:
    """Give what an import did as JSON has it."""
    counts = report.statistics
    document: dict[str, object] = {
        "session_id": report.session_id,
        "session_uuid": report.session_uuid,
        "status": report.status.value,
        "total_scanned": counts.total_scanned,
        "new_imports": counts.new_imports,
        "duplicates_skipped": counts.duplicates_skipped,
        "companions": counts.companions,
        "ignored": counts.ignored,
        "duplicates_kept": report.duplicates_kept,
        "duplicates_replaced": report.duplicates_replaced,
        "duplicates_undecided": report.duplicates_undecided,
        "deleted_before": report.deleted_before,
        "excluded": report.excluded,
        "photos_created": report.photos_created,
        "came_in_before": report.came_in_before,
        "errors": counts.errors,
        "total_size_bytes": counts.total_size_bytes,
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
        "source_no_longer_needed": report.source_no_longer_needed,
    }
    if dry_run:
        document["dry_run"] = True
        document["files"] = [
            {"source": json_text(file.source), "target": json_text(file.target)} for file in report.files
        ]
    return document


def reindex_json(
    report: ReindexReport, *, dry_run: bool, storage_uuid: StorageUuid, elsewhere: Elsewhere
) -> dict[str, object]:
    """Give what a re-index found as JSON has it; ``elsewhere`` tells where else missing pictures stand."""
    return {
        "strategy": report.strategy,
        "dry_run": dry_run,
        "changes_detected": report.changes_detected,
        "moved_files": [
            {
                "hothash": move.hothash,
                "old_path": json_text(move.old_path),
                "new_path": json_text(move.new_path),
                "session_id": move.session_number,
            }
            for move in report.moved_files
        ],
        "missing_files": [_missing_json(missing) for missing in report.missing_files],
        "newly_missing": [_missing_json(missing) for missing in report.newly_missing],
        "lost_copies": [json_text(path) for path in report.lost_copies],
        "returned_files": [json_text(path) for path in report.returned_files],
        "new_files": [json_text(path) for path in report.new_files],
        "modified_files": [
            {
                "kind": edit.kind,
                "path": json_text(edit.path),
                "old_hothash": edit.old_hothash,
                "new_hothash": edit.new_hothash,
            }
            for edit in report.modified_files
        ],
        "companion_files": [
            {
                "kind": each.fate.value,
                "hothash": each.hothash,
                "path": None if each.path is None else json_text(each.path),
                "old_path": None if each.old_path is None else json_text(each.old_path),
            }
            for each in report.companion_files
        ],
        "rehashed_files": [
            {"path": json_text(each.path), "old_hothash": each.old_hothash, "new_hothash": each.new_hothash}
            for each in report.rehashed_files
        ],
        "removed_files": [
            {"hothash": removed.hothash, "path": json_text(removed.path)} for removed in report.removed_files
        ],
        "damaged_files": [json_text(path) for path in report.damaged_files],
        "duplicates": [
            {"hothash": row.hothash, "path": json_text(row.path), "of": json_text(row.of)} for row in report.duplicates
        ],
        "conflicts": list(_conflicts(report, storage_uuid, elsewhere)),
        "added": None if report.added is None else import_json(report.added),
        "files_hashed": report.files_hashed,
        "files_seen": report.files_seen,
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }


def conflicts_json(conflicts: Conflicts) -> list[dict[str, object]]:
    """Spell all conflicts of a storage, each with its name and what can be done about it."""
    storage_uuid, elsewhere = conflicts.storage.storage_uuid, conflicts.elsewhere
    orphans = (
        {
            **_orphan_conflict(each.path, each.deleted_at, storage_uuid),
            "file_size": each.size_bytes,
            "detected_at": each.detected_at,
            "reason": each.reason,
        }
        for each in conflicts.orphans
    )
    return [
        *(_missing_conflict(each, storage_uuid, elsewhere) for each in conflicts.missing),
        *orphans,
        *(_mismatch_conflict(each, storage_uuid) for each in conflicts.mismatches),
        *(_name_conflict(each, storage_uuid) for each in conflicts.duplicates),
    ]


def action_words(action: ConflictAction, storage_uuid: StorageUuid, hothash: str = "") -> tuple[str, str | None]:
    """Say what an action does, and the command that does it today; None where there is nothing to run."""
    meaning, command = _ACTION_WORDS[action]
    return meaning, command and command.format(storage=storage_uuid[:8], hothash=hothash)


_REINDEX = "imalink reindex {storage}"
_ACTION_WORDS: Mapping[ConflictAction, tuple[str, str | None]] = {
    ConflictAction.USE_COPY: ("Use the copy in another storage.", "imalink find {hothash}"),
    ConflictAction.COPY_BACK: ("Copy it from there to where it was with your file manager, then re-index.", _REINDEX),
    ConflictAction.SEARCH: ("Search the storage: it may have been moved or renamed.", _REINDEX),
    ConflictAction.REMOVE: (
        "Take all missing files out of the index; what you said of their photos is kept.",
        f"{_REINDEX} --remove-missing",
    ),
    ConflictAction.ADD: (
        "Take all pictures that belong to no session into one of their own, where they stand.",
        f"{_REINDEX} --add-orphans",
    ),
    ConflictAction.LEAVE_OUT: ("Name it in an .imalinkignore in the photos, and no re-index looks at it.", None),
    ConflictAction.KEEP_ALL: ("Keep them all: they are different pictures, and nothing is wrong.", None),
    ConflictAction.RENAME: ("Rename one of them with your file manager, then re-index.", _REINDEX),
    ConflictAction.DELETE: ("Delete one of them; it goes to the trash.", "imalink delete HOTHASH"),
    ConflictAction.UPDATE_INDEX: ("Let the index have it where it stands.", _REINDEX),
}


def _conflicts(report: ReindexReport, storage_uuid: StorageUuid, elsewhere: Elsewhere) -> Iterator[dict[str, object]]:
    for missing in report.missing_files:
        yield _missing_conflict(missing, storage_uuid, elsewhere)
    deleted = {each.path: each.deleted_at for each in report.once_deleted}
    for path in report.orphans:
        yield _orphan_conflict(path, deleted.get(path), storage_uuid)
    for mismatch in report.path_mismatches:
        yield _mismatch_conflict(mismatch, storage_uuid)
    for same in report.same_names:
        yield _name_conflict(same, storage_uuid)


def _missing_conflict(missing: MissingFile, storage_uuid: StorageUuid, elsewhere: Elsewhere) -> dict[str, object]:
    copies = elsewhere.get(missing.hothash, ())
    has_copy = any(copy.is_there for copy in copies)
    return {
        "conflict_id": missing.conflict_id,
        "type": ConflictType.MISSING_FILE.value,
        **_missing_json(missing),
        "filename": json_text(missing.expected_path.name),
        "copies_elsewhere": [
            {
                "storage_uuid": copy.storage_uuid,
                "display_name": json_text(copy.display_name),
                "relative_path": json_text(copy.relative_path),
                "full_path": json_text(copy.full_path),
                "is_there": copy.is_there,
            }
            for copy in copies
        ],
        "actions": _actions(ConflictType.MISSING_FILE, storage_uuid, missing.hothash, has_copy_elsewhere=has_copy),
    }


def _orphan_conflict(path: RelativePath, deleted_at: str | None, storage_uuid: StorageUuid) -> dict[str, object]:
    return {
        "conflict_id": orphan_id(path),
        "type": ConflictType.ORPHAN_FILE.value,
        "path": json_text(path),
        "deleted_at": deleted_at,
        "actions": _actions(ConflictType.ORPHAN_FILE, storage_uuid),
    }


def _mismatch_conflict(mismatch: PathMismatch, storage_uuid: StorageUuid) -> dict[str, object]:
    return {
        "conflict_id": mismatch.conflict_id,
        "type": ConflictType.PATH_MISMATCH.value,
        "hothash": mismatch.hothash,
        "expected_path": json_text(mismatch.expected_path),
        "path": json_text(mismatch.path),
        "detected_at": mismatch.detected_at,
        "actions": _actions(ConflictType.PATH_MISMATCH, storage_uuid),
    }


def _name_conflict(same: DuplicateFilename, storage_uuid: StorageUuid) -> dict[str, object]:
    return {
        "conflict_id": same.conflict_id,
        "type": ConflictType.DUPLICATE_FILENAME.value,
        "filename": json_text(same.filename),
        "instances": [{"hothash": hothash, "path": json_text(path)} for hothash, path in same.instances],
        "actions": _actions(ConflictType.DUPLICATE_FILENAME, storage_uuid),
    }


def _actions(
    conflict_type: ConflictType, storage_uuid: StorageUuid, hothash: str = "", *, has_copy_elsewhere: bool = False
) -> list[dict[str, object]]:
    offered = actions_for(conflict_type, has_copy_elsewhere=has_copy_elsewhere)
    words = [(action, *action_words(action, storage_uuid, hothash)) for action in offered]
    return [{"action": action.value, "meaning": meaning, "command": command} for action, meaning, command in words]


def _missing_json(missing: MissingFile) -> dict[str, object]:
    return {
        "hothash": missing.hothash,
        "expected_path": json_text(missing.expected_path),
        "last_seen": missing.last_seen_at,
    }


def verify_json(report: VerifyReport) -> dict[str, object]:
    """Give what a verification found as JSON has it."""
    return {
        "depth": report.depth.value,
        "started_at": report.started_at,
        "checked": report.checked,
        "ok": report.ok,
        "verdicts": {verdict.value: report.verdicts.get(verdict, 0) for verdict in Verdict},
        "files": [
            {"path": json_text(each.file.path.printable()), "verdict": each.verdict.value} for each in report.judged
        ],
        "own_files_checked": report.own_files_checked,
        "own_files_damaged": report.own_files_damaged,
        "bytes_read": report.bytes_read,
        "seconds": report.seconds,
        "mb_per_s": report.speed_mb_s,
        "read_from_cache": report.read_from_cache,
        "resumed_after": report.resumed_after,
        "findings": [finding_json(finding) for finding in report.findings],
    }


def heal_json(report: HealReport, *, dry_run: bool = False) -> dict[str, object]:
    """Give what healing did as JSON has it."""
    return {
        "dry_run": dry_run,
        "healed": [
            {
                "path": json_text(each.path.printable()),
                "hothash": each.hothash,
                "source": json_text(each.source),
                "kept": None if each.kept is None else json_text(each.kept.printable()),
            }
            for each in report.healed
        ],
        "unhealed": [
            {
                "path": json_text(each.path.printable()),
                "hothash": each.hothash,
                "why": json_text(each.why),
                "storages_away": [json_text(name) for name in each.storages_away],
            }
            for each in report.unhealed
        ],
        "already_whole": [json_text(path.printable()) for path in report.already_whole],
        "previews_made": report.previews_made,
        "manifests_written": report.manifests_written,
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }


def card_check_json(report: CardCheckReport) -> dict[str, object]:
    """Give what was proved of a card as JSON has it."""
    statuses = sorted({each.status.value for each in report.files})
    return {
        "safe": report.is_safe,
        "sentence": report.sentence,
        "total": len(report.files),
        "counts": {status: sum(each.status.value == status for each in report.files) for status in statuses},
        "storages": report.storage_count,
        "min_copies": report.min_copies,
        "left_out": report.other_count,
        "files": [
            {
                "path": json_text(each.path.printable()),
                "file_size": each.size_bytes,
                "sha256": each.sha256,
                "status": each.status.value,
                "copies": [
                    {
                        "storage_uuid": copy.storage_uuid,
                        "display_name": json_text(copy.storage),
                        "relative_path": json_text(copy.path.printable()),
                        "verified_at": copy.verified_at,
                    }
                    for copy in each.copies
                ],
                "storages_away": [json_text(name) for name in each.storages_away],
            }
            for each in report.files
        ],
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }
