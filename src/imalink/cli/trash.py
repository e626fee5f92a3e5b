"""``imalink trash``: what was deleted, bringing it back, and removing it for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers.trash import emptied_json, restored_json, trash_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.quarantine import empty_quarantine_command, restore_quarantined, show_quarantine
from imalink.cli.render import (
    is_terminal,
    plural,
    show_findings,
    show_json,
    show_lines,
    show_note,
    show_table,
    size_text,
)
from imalink.core.finding import Severity
from imalink.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imalink.catalog.file_storages import StorageRecord
    from imalink.workflows.empty_trash import EmptyReport
    from imalink.workflows.look_at_trash import TrashItem

_SHOWN = 15


@click.group()
def trash() -> None:
    """See what was deleted, bring it back, or remove it for good."""


@trash.command("list")
@click.option("--storage", "storage_name", default=None, metavar="STORAGE", help="Only there.")
@click.option("--quarantine", is_flag=True, help="Damaged files that were healed or replaced, instead.")
@common_options
def list_command(output: Output, storage_name: str | None, quarantine: bool) -> int:
    """List what was deleted, the newest first: what, when, by which operation, and how large it is."""
    from imalink.workflows.look_at_trash import list_trash

    if quarantine:
        return show_quarantine(output, storage_name)

    with open_tools(output) as tools:
        found = list_trash(tools, storage=storage_name)
    if output.as_json:
        show_json(trash_json(found))
    elif not output.is_quiet:
        if found.items:
            show_table(
                ("HOTHASH", "WHEN", "HOW", "SIZE", "STORAGE", "OPERATION", "WHAT"),
                [_row(item) for item in found.items],
            )
        else:
            show_lines(["The trash is empty."])
        _note_left(found.left_storages)
    return errors.DONE


@trash.command("restore")
@click.argument("what", metavar="HOTHASH|OPERATION|PATH...", nargs=-1, required=True)
@click.option("--storage", "storage_name", default=None, metavar="STORAGE", help="Only there.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would come back, and where; change nothing.")
@click.option("--quarantine", is_flag=True, help="Bring a damaged file back that was healed or replaced.")
@common_options
def restore_command(
    output: Output, what: tuple[str, ...], storage_name: str | None, dry_run: bool, quarantine: bool
) -> int:
    """Bring pictures back to where they stood, with all that was known of them.

    Where the name is taken by now, a file comes back beside it under a free one.
    """
    from imalink.workflows.restore_trash import restore_from_trash

    if quarantine:
        return restore_quarantined(output, what, storage_name, dry_run=dry_run)

    with open_tools(output) as tools:
        report = restore_from_trash(tools, what, storage=storage_name, dry_run=dry_run)
    if output.as_json:
        show_json(restored_json(report))
    elif not output.is_quiet:
        rows = [
            f"  {path.printable()}  ({each.item.storage.display_name})"
            for each in report.restored
            for path in each.paths
        ]
        count = plural(len(report.restored), "picture")
        show_lines([f"{'Would bring' if dry_run else 'Brought'} back {count}:" if rows else "Nothing came back."])
        show_lines(_cut(rows, is_verbose=output.is_verbose))
        show_lines(f"Left: {item.storage.display_name}: {item.original_filename}: {why}" for item, why in report.left)
        _note_left(report.left_storages)
        show_findings(report.findings, is_verbose=output.is_verbose)
    serious = any(finding.severity is not Severity.INFO for finding in report.findings)
    return errors.FINDINGS if report.left or report.has_trouble or serious else errors.DONE


@trash.command("empty")
@click.option("--storage", "storage_name", default=None, metavar="STORAGE", help="Only there.")
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=0),
    default=None,
    metavar="DAYS",
    help="Only what went there before.",
)
@click.option("-n", "--dry-run", is_flag=True, help="List what would be removed; change nothing.")
@click.option("--quarantine", is_flag=True, help="The quarantine instead of the trash.")
@common_options
def empty_command(output: Output, storage_name: str | None, days: int | None, dry_run: bool, quarantine: bool) -> int:
    """Remove for good what is in the trash. It cannot be undone.

    Only files that ImaLink knows of go. What you put there yourself stays, and so do what is only marked deleted and,
    without --quarantine, damaged files that were healed or replaced.
    """
    from imalink.workflows.empty_trash import empty_trash

    if quarantine:
        return empty_quarantine_command(output, storage_name, days, dry_run=dry_run)

    with open_tools(output) as tools:
        if dry_run or not output.assume_yes:
            preview = empty_trash(tools, storage=storage_name, older_than_days=days, dry_run=True)
            if dry_run:
                return _show_emptied(preview, output)
            _ask(preview, output)
        report = empty_trash(tools, storage=storage_name, older_than_days=days)
    return _show_emptied(report, output)


def _ask(preview: EmptyReport, output: Output) -> None:
    if not preview.file_count:
        return
    if not is_terminal():
        raise UsageError(
            f"Removing {plural(preview.file_count, 'file')} for good needs a yes. Nothing was changed.",
            hint="Look first: imalink trash empty --dry-run. Then run it again with --yes.",
        )
    for line in _emptied_lines(preview, is_verbose=output.is_verbose):
        show_note(line)
    click.confirm("Remove them for good?", abort=True, err=True)


def _show_emptied(report: EmptyReport, output: Output) -> int:
    if output.as_json:
        show_json(emptied_json(report))
    elif not output.is_quiet:
        show_lines(_emptied_lines(report, is_verbose=output.is_verbose))
        show_lines(f"Left: {record.display_name}: {path.printable()}: {why}" for record, path, why in report.left)
        _note_left(report.left_storages)
    return errors.FINDINGS if report.left or report.has_trouble else errors.DONE


def _emptied_lines(report: EmptyReport, *, is_verbose: bool) -> list[str]:
    if not report.file_count:
        return ["Nothing to remove."]
    done = "Would remove" if report.dry_run else "Removed"
    rows = [
        f"  {item.storage.display_name}: {file.path.printable()}"
        for item in report.removed
        for file in item.present_files
    ]
    total = f"{done} for good: {plural(report.file_count, 'file')}, {size_text(report.size_bytes)}"
    return [total, *_cut(rows, is_verbose=is_verbose)]


def _cut(rows: list[str], *, is_verbose: bool) -> list[str]:
    if is_verbose or len(rows) <= _SHOWN:
        return rows
    return [*rows[:_SHOWN], f"  … and {len(rows) - _SHOWN:,} more (-v shows them all)"]


def _row(item: TrashItem) -> tuple[str, ...]:
    there = item.present_files
    shown = [file.path.printable() for file in there or item.files]
    what = shown[0] if shown else item.original_filename
    if len(item.files) > 1:
        what += f" +{len(item.files) - 1}"
    return (
        (item.hothash or "")[:10],
        (item.deleted_at or "")[:16].replace("T", " "),
        item.kind.value if there else f"{item.kind.value}, gone",
        size_text(sum(file.size_bytes for file in there)),
        item.storage.display_name,
        item.operation[:8],
        what,
    )


def _note_left(left: Sequence[tuple[StorageRecord, str]]) -> None:
    for record, why in left:
        show_note(f"{record.display_name} was not looked into: {why}")
