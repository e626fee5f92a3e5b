"""``--quarantine`` of the commands of ``imalink trash``: damaged files that were replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers.trash import quarantine_json
from imalink.cli import errors
from imalink.cli.context import Output, open_tools
from imalink.cli.render import is_terminal, plural, show_json, show_lines, show_note, show_table, size_text
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.workflows.look_at_quarantine import QuarantineReport

_SHOWN = 15


def show_quarantine(output: Output, storage_name: str | None) -> int:
    """List what is in quarantine."""
    from imalink.workflows.look_at_quarantine import list_quarantine

    with open_tools(output) as tools:
        report = list_quarantine(tools, storage=storage_name)
    if output.as_json:
        show_json(quarantine_json(report))
    elif not output.is_quiet:
        if report.files:
            show_table(
                ("WHEN", "SIZE", "STORAGE", "OPERATION", "STOOD AT", "NOW THERE"),
                [
                    (
                        file.at[:16].replace("T", " "),
                        size_text(file.size_bytes),
                        file.storage.display_name,
                        file.operation[:8],
                        file.path.printable(),
                        "a file" if file.stands_again else "nothing",
                    )
                    for file in report.files
                ],
            )
        else:
            show_lines(["Nothing is in quarantine."])
        _note_left(report)
    return errors.DONE


def restore_quarantined(output: Output, what: tuple[str, ...], storage_name: str | None, *, dry_run: bool) -> int:
    """Bring damaged files back, and tell where they are."""
    from imalink.workflows.look_at_quarantine import restore_from_quarantine

    with open_tools(output) as tools:
        report = restore_from_quarantine(tools, what, storage=storage_name, dry_run=dry_run)
    if output.as_json:
        show_json({"dry_run": dry_run, **quarantine_json(report)})
    elif not output.is_quiet:
        done = "Would bring back" if dry_run else "Brought back"
        show_lines([f"{done} {plural(len(report.files), 'damaged file')}:"] if report.files else ["Nothing came back."])
        show_lines(
            f"  {target.printable()}  ({file.storage.display_name})"
            for file, target in zip(report.files, report.targets, strict=True)
        )
        if report.files and not dry_run:
            show_lines(["They are in no index yet: `imalink reindex` finds them."])
        _note_left(report)
    return errors.FINDINGS if report.left else errors.DONE


def empty_quarantine_command(output: Output, storage_name: str | None, days: int | None, *, dry_run: bool) -> int:
    """Ask, and remove for good what is in quarantine."""
    from imalink.workflows.look_at_quarantine import empty_quarantine

    with open_tools(output) as tools:
        if dry_run or not output.assume_yes:
            preview = empty_quarantine(tools, storage=storage_name, older_than_days=days, dry_run=True)
            if dry_run:
                return _show_emptied(preview, output, dry_run=True)
            _ask(preview)
        report = empty_quarantine(tools, storage=storage_name, older_than_days=days)
    return _show_emptied(report, output, dry_run=False)


def _ask(preview: QuarantineReport) -> None:
    if not preview.files:
        return
    if not is_terminal():
        raise UsageError(
            f"Removing {plural(len(preview.files), 'damaged file')} for good needs a yes. Nothing was changed.",
            hint="Look first: imalink trash empty --quarantine --dry-run. Then run it again with --yes.",
        )
    for line in _emptied_lines(preview, dry_run=True, is_verbose=True):
        show_note(line)
    click.confirm("Remove them for good?", abort=True, err=True)


def _show_emptied(report: QuarantineReport, output: Output, *, dry_run: bool) -> int:
    if output.as_json:
        show_json({"dry_run": dry_run, **quarantine_json(report)})
    elif not output.is_quiet:
        show_lines(_emptied_lines(report, dry_run=dry_run, is_verbose=output.is_verbose))
        _note_left(report)
    return errors.FINDINGS if report.left else errors.DONE


def _emptied_lines(report: QuarantineReport, *, dry_run: bool, is_verbose: bool) -> list[str]:
    if not report.files:
        return ["Nothing to remove."]
    size = size_text(sum(file.size_bytes for file in report.files))
    done = "Would remove" if dry_run else "Removed"
    rows = [f"  {file.storage.display_name}: {file.path.printable()}" for file in report.files]
    if not is_verbose and len(rows) > _SHOWN:
        rows[_SHOWN:] = [f"  … and {len(rows) - _SHOWN:,} more (-v shows them all)"]
    return [f"{done} for good: {plural(len(report.files), 'damaged file')}, {size}", *rows]


def _note_left(report: QuarantineReport) -> None:
    for file, why in report.left:
        show_note(f"Left: {file.storage.display_name}: {file.kept.printable()}: {why}")
    for record, why in report.left_storages:
        show_note(f"{record.display_name} was not looked into: {why}")
