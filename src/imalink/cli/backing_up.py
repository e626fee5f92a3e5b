"""``imalink backup``, ``restore`` and ``recovery-drill``: catalog and indexes kept elsewhere, and a rehearsal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imalink.answers import finding_json, json_text
from imalink.answers.care import drill_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import is_terminal, plural, show_findings, show_json, show_lines, show_note, size_text
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.workflows.recovery_drill import DrillReport
    from imalink.workflows.restore_backup import CheckedBackup, RestoreReport

_SHOWN = 20


@click.command("backup")
@click.argument("folder", metavar="DEST", type=click.Path(path_type=Path))
@common_options
def backup_command(output: Output, folder: Path) -> int:
    """Write the catalog and the indexes of every storage into a new folder below DEST, on another disk than they are.

    Pictures are not in it: they are what storages hold, and `imalink copies` of them are other storages. Every file is
    read back; `sha256sum -c SHA256SUMS` checks it without ImaLink.
    """
    from imalink.answers.recovery import backup_json
    from imalink.formats.backup_file import REGISTRY_NAME
    from imalink.runtime.local_files import read_local
    from imalink.runtime.settings import load_settings
    from imalink.workflows.back_up import back_up

    registry = read_local(load_settings().registry_path)
    notes = {} if registry is None else {REGISTRY_NAME: registry}
    with open_tools(output) as tools, progress_of(is_quiet=output.is_quiet) as progress:
        report = back_up(tools, folder, notes=notes, progress=progress)
    if output.as_json:
        show_json(backup_json(report))
    elif not output.is_quiet:
        show_lines(
            [
                f"The catalog and the indexes of {plural(len(report.storages), 'storage')} are in {report.folder}",
                f"  {plural(report.file_count, 'file')}, {size_text(report.size_bytes)}, each read back; "
                f"{report.seconds:.1f} s. Pictures are not in it.",
            ]
        )
        show_findings(report.findings, is_verbose=output.is_verbose)
    return errors.FINDINGS if report.findings else errors.DONE


@click.command("restore")
@click.argument("folder", metavar="SOURCE", type=click.Path(path_type=Path))
@click.option("-n", "--dry-run", "is_dry_run", is_flag=True, help="Only check the backup and say what is in it.")
@common_options
def restore_command(output: Output, folder: Path, is_dry_run: bool) -> int:
    """Put the catalog of a backup in place of the live one, then take in what the storages know since.

    SOURCE is a folder that `imalink backup` made. The catalog of before is kept beside the new one. Index files that a
    storage lost are put back; nothing that is there is replaced, and no picture is touched.
    """
    from imalink.workflows.restore_backup import check_backup, restore_backup

    with open_tools(output) as tools:
        with progress_of(is_quiet=output.is_quiet) as progress:
            backup = check_backup(tools, folder, progress=progress)
        if is_dry_run:
            return _tell(backup, output)
        if not output.assume_yes:
            _ask(backup)
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = restore_backup(tools, backup, progress=progress)
    if output.as_json:
        show_json(_restore_json(report))
    elif not output.is_quiet:
        _show_restored(report)
        show_findings(report.findings, is_verbose=output.is_verbose)
    return errors.FINDINGS if report.findings else errors.DONE


def _ask(backup: CheckedBackup) -> None:
    """Ask before the live catalog is replaced. Raises UsageError without a terminal, Abort."""
    for line in _lines_of(backup):
        show_note(line)
    if not is_terminal():
        raise UsageError(
            "A restore puts another catalog in place of the live one, and would ask first. Nothing was changed.",
            hint="Run the same command with --yes; with --dry-run it only checks the backup.",
        )
    click.confirm("Put this catalog in place of the live one, which is kept?", abort=True, err=True)


def _lines_of(backup: CheckedBackup) -> list[str]:
    document = backup.document
    lines = [
        f"Backup of {document.created_at}: {plural(document.photo_count, 'photo')}, "
        f"{plural(document.session_count, 'session')}, indexes of {plural(len(document.storages), 'storage')}."
    ]
    lines.extend(
        f"  {each.display_name} ({each.storage_uuid}), last seen at {each.last_seen_at}" for each in document.storages
    )
    if backup.damaged:
        lines.append(f"{plural(len(backup.damaged), 'index file')} in it not as written; left out.")
    return lines


def _tell(backup: CheckedBackup, output: Output) -> int:
    if output.as_json:
        show_json(
            {
                "created_at": backup.document.created_at,
                "photos": backup.document.photo_count,
                "sessions": backup.document.session_count,
                "storages": [
                    {"storage_uuid": each.storage_uuid, "display_name": json_text(each.display_name)}
                    for each in backup.document.storages
                ],
                "damaged": [json_text(path) for path in backup.damaged],
            }
        )
    elif not output.is_quiet:
        show_lines(_lines_of(backup))
    return errors.FINDINGS if backup.damaged else errors.DONE


def _show_restored(report: RestoreReport) -> None:
    lines = [
        f"The catalog now holds {plural(report.after.photo_count, 'photo')} in "
        f"{plural(report.after.session_count, 'session')}; before it held {report.before.photo_count:,} in "
        f"{report.before.session_count:,}."
    ]
    if report.kept_catalog is not None:
        lines.append(f"The catalog of before is kept as {report.kept_catalog}.")
    if report.recovery is not None:
        lines.append(f"{plural(len(report.recovery.storages), 'storage')} told what happened since the backup.")
    if report.put_back:
        lines.append(f"{plural(len(report.put_back), 'index file')} put back:")
        lines.extend(f"  {name}: {path.printable()}" for name, path in report.put_back[:_SHOWN])
    show_lines(lines)


def _restore_json(report: RestoreReport) -> dict[str, object]:
    return {
        "photos": report.after.photo_count,
        "sessions": report.after.session_count,
        "photos_before": report.before.photo_count,
        "sessions_before": report.before.session_count,
        "kept_catalog": None if report.kept_catalog is None else json_text(report.kept_catalog),
        "put_back": [{"display_name": json_text(name), "path": json_text(path)} for name, path in report.put_back],
        "out_of_reach": [json_text(name) for name in report.out_of_reach],
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }


@click.command("recovery-drill")
@common_options
def drill_command(output: Output) -> int:
    """Rehearse the loss of the catalog, and of the indexes too, on copies of the storages' own files.

    A catalog is rebuilt from the copies alone and compared with the live one. Nothing of yours is changed; the copies
    are removed again.
    """
    from imalink.runtime.settings import load_settings
    from imalink.workflows.recovery_drill import recovery_drill

    with open_tools(output) as tools, progress_of(is_quiet=output.is_quiet) as progress:
        report = recovery_drill(tools, load_settings().data_directory, progress=progress)
    if output.as_json:
        show_json(drill_json(report))
    elif not output.is_quiet:
        _show_drill(report)
        show_findings(report.findings, is_verbose=output.is_verbose)
    return errors.DONE if report.is_passed and not report.findings else errors.FINDINGS


def _show_drill(report: DrillReport) -> None:
    lines: list[str] = []
    for each in report.rehearsals:
        verdict = "passed" if not each.differences else plural(len(each.differences), "difference")
        lines.append(
            f"{each.meaning} Rebuilt {plural(each.photos, 'photo')} in {plural(each.sessions, 'session')} "
            f"in {each.seconds:.1f} s: {verdict}."
        )
        lines.extend(f"  {difference}" for difference in each.differences[:_SHOWN])
        if len(each.differences) > _SHOWN:
            lines.append(f"  … and {len(each.differences) - _SHOWN:,} more (--json lists them)")
    if not report.rehearsals:
        lines.append("No storage can be reached now, so nothing could be rehearsed.")
    lines.extend(f"Only the catalog has this: {each}" for each in report.only_in_catalog[:_SHOWN])
    lines.extend(
        f"Not rehearsed: {each.display_name}, with {plural(each.photo_count, 'photo')}. {each.reason}"
        for each in report.not_compared
    )
    show_lines(lines)
