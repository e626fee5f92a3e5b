"""``imalink delete``: photos are marked, moved to the trash, or removed for good."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from imalink.answers.trash import deletion_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import is_terminal, plural, show_findings, show_json, show_lines, show_note, size_text
from imalink.core.finding import Severity
from imalink.core.index import DeletionMode
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.workflows.delete_photos import DeletedPicture, DeleteReport

_SHOWN = 15
_DONE = {
    DeletionMode.SOFT: "Marked deleted, standing where they stood",
    DeletionMode.TRASH: "Moved to the trash",
    DeletionMode.HARD: "Removed for good",
}
_PLANNED = {
    DeletionMode.SOFT: "Would be marked deleted and stay where they are",
    DeletionMode.TRASH: "Would be moved to the trash",
    DeletionMode.HARD: "Would be REMOVED FOR GOOD",
}


@click.command("delete")
@click.argument("pictures", metavar="HOTHASH|FILE...", nargs=-1, required=True)
@click.option(
    "--mode",
    type=click.Choice(["trash", "soft", "hard"]),
    default="trash",
    show_default=True,
    help="trash: their files go to the storage's trash; soft: they are only marked, their files stay; "
    "hard: their files are removed for good.",
)
@click.option("--storage", "storage_name", default=None, metavar="STORAGE", help="Only there.")
@click.option("--reason", default="", help="A note, kept with what is left of them.")
@click.option("-n", "--dry-run", is_flag=True, help="List every file that would go; change nothing.")
@common_options
def delete_command(
    output: Output, pictures: tuple[str, ...], mode: str, storage_name: str | None, reason: str, dry_run: bool
) -> int:
    """Delete photos, with all files of each (RAW, JPEG, clip, sidecars, copies) in every storage that can be reached.

    Without a terminal --yes is needed when more pictures would go than were named. What was moved or marked comes back
    with `imalink undo` or `imalink trash restore`. A storage that is out of reach is left as it is; run the command
    again when it is back.
    """
    from imalink.workflows.delete_photos import delete_photos

    wanted = DeletionMode(mode)
    with open_tools(output) as tools:
        if dry_run or not output.assume_yes:
            with progress_of(is_quiet=output.is_quiet) as progress:
                preview = delete_photos(
                    tools,
                    pictures,
                    mode=wanted,
                    storage=storage_name,
                    reason=reason,
                    dry_run=True,
                    progress=progress,
                )
            if dry_run:
                return _show(preview, output)
            _ask(preview, output, pictures)
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = delete_photos(tools, pictures, mode=wanted, storage=storage_name, reason=reason, progress=progress)
    return _show(report, output)


def _ask(preview: DeleteReport, output: Output, pictures: tuple[str, ...]) -> None:
    """Show every file that would go, and ask; without a terminal refuse what nobody named. Raises UsageError, Abort."""
    if is_terminal():
        for line in _lines(preview, is_verbose=preview.mode is DeletionMode.HARD or output.is_verbose):
            show_note(line)
        if preview.pictures:
            click.confirm("Delete them?", abort=True, err=True)
        return
    named = " ".join(shlex.quote(each) for each in pictures[:3]) + (" …" if len(pictures) > 3 else "")
    if preview.mode is DeletionMode.HARD:
        raise UsageError(
            f"Removing {plural(preview.file_count, 'file')} for good needs a yes. Nothing was changed.",
            hint=f"Look first: imalink delete {named} --mode hard --dry-run. Then run it again with --yes.",
        )
    if sum(file.is_picture for picture in preview.pictures for file in picture.files) > len(set(pictures)):
        storages = {picture.storage.storage_uuid for picture in preview.pictures}
        where = f" in {plural(len(storages), 'storage')}" if len(storages) > 1 else ""
        mode = "" if preview.mode is DeletionMode.TRASH else f" --mode {preview.mode.value}"
        raise UsageError(
            f"Of the {plural(len(set(pictures)), 'picture')} named here {plural(preview.file_count, 'file')} would "
            f"be deleted{where}: a photo goes with all its pictures and copies. That needs a yes. Nothing was changed.",
            hint=f"Look first: imalink delete {named}{mode} --dry-run. Then run it again with --yes, or with --storage "
            "for one storage alone.",
        )


def _show(report: DeleteReport, output: Output) -> int:
    if output.as_json:
        show_json(deletion_json(report))
    elif not output.is_quiet:
        show_lines(_lines(report, is_verbose=output.is_verbose))
        show_findings(report.findings, is_verbose=output.is_verbose)
    is_all = not (report.left or report.left_storages)
    is_plain = is_all and all(each.severity is Severity.INFO for each in report.findings)
    return errors.DONE if is_plain else errors.FINDINGS


def _lines(report: DeleteReport, *, is_verbose: bool) -> list[str]:
    words = _PLANNED if report.operation_uuid is None else _DONE
    lines: list[str] = []
    if report.pictures:
        size = size_text(report.size_bytes)
        lines.append(f"{words[report.mode]}: {plural(report.file_count, 'file')}, {size}")
        rows = [row for picture in report.pictures for row in _rows(picture)]
        lines.extend(rows if is_verbose else rows[:_SHOWN])
        if not is_verbose and len(rows) > _SHOWN:
            lines.append(f"  … and {len(rows) - _SHOWN:,} more (-v shows them all)")
    lines.extend(f"Left: {each.storage.display_name}: {each.path.printable()}: {each.why}" for each in report.left)
    lines.extend(
        f"Left as it is: all of {each.storage.display_name}: {each.why} Run this again when it is back."
        for each in report.left_storages
    )
    if report.operation_uuid is not None and report.mode is not DeletionMode.HARD:
        lines.append(f"`imalink undo {report.operation_uuid[:8]}` brings them back.")
    return lines or ["Nothing to delete."]


def _rows(picture: DeletedPicture) -> list[str]:
    return [
        f"  {picture.hothash[:10]}  {picture.storage.display_name}: {file.path.printable()}" for file in picture.files
    ] or [f"  {picture.hothash[:10]}  {picture.storage.display_name}: {picture.original_filename} (no file)"]
