"""``imalink sessions rollback``: taking an import back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers.sessions import rollback_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import is_terminal, plural, show_findings, show_json, show_lines, show_note, size_text
from imalink.core.finding import Severity
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.workflows.rollback_session import RollbackReport

_SHOWN = 15


@click.command("rollback")
@click.argument("session_id", metavar="ID")
@click.option("-n", "--dry-run", is_flag=True, help="List what would go and what would stay; change nothing.")
@common_options
def rollback_command(output: Output, session_id: str, dry_run: bool) -> int:
    """Take an import back: what it brought goes to the trash; ID is its number or UUID.

    Files you moved are found; files you changed or added stay, and folders too. The same pictures can be imported
    again. `imalink undo` takes the rollback back.
    """
    from imalink.workflows.rollback_session import rollback_session

    with open_tools(output) as tools, progress_of(is_quiet=output.is_quiet) as progress:
        if dry_run or not output.assume_yes:
            preview = rollback_session(tools, session_id, dry_run=True, progress=progress)
            if dry_run:
                return _show(preview, output)
            _ask(preview, output)
        report = rollback_session(tools, session_id, progress=progress)
    return _show(report, output)


def _ask(preview: RollbackReport, output: Output) -> None:
    """Show what would go and what would stay, and ask. Raises UsageError without a terminal, Abort."""
    number = preview.session.session.number
    if not is_terminal():
        raise UsageError(
            f"Taking back an import of {plural(len(preview.files), 'file')} needs a yes. Nothing was changed.",
            hint=f"Look first: imalink sessions rollback {number} --dry-run. Then run it again with --yes.",
        )
    for line in _lines(preview, is_verbose=output.is_verbose):
        show_note(line)
    click.confirm("Take this import back?", abort=True, err=True)


def _show(report: RollbackReport, output: Output) -> int:
    if output.as_json:
        show_json(rollback_json(report))
    elif not output.is_quiet:
        show_lines(_lines(report, is_verbose=output.is_verbose))
        show_findings(report.findings, is_verbose=output.is_verbose)
    serious = any(finding.severity is not Severity.INFO for finding in report.findings)
    return errors.FINDINGS if report.left_storages or serious else errors.DONE


def _lines(report: RollbackReport, *, is_verbose: bool) -> list[str]:
    session = report.session.session
    size = size_text(sum(file.size_bytes for file in report.files))
    to_trash = "would go to the trash" if report.dry_run else "went to the trash"
    lines = [f"Session {session.number}, {session.title}: {plural(len(report.files), 'file')} ({size}) {to_trash}:"]
    in_place = [file for file in report.files if file.is_in_place]
    if in_place and len(in_place) == len(report.files):
        known = "would be in no session any more" if report.dry_run else "are in no session any more"
        lines = [
            f"Session {session.number}, {session.title}: {plural(len(report.files), 'file')} {known}. They were only "
            "indexed where they stand, and stay there:"
        ]
    rows = [f"  {file.storage.display_name}: {file.path.printable()}" for file in report.files]
    lines.extend(rows if is_verbose else rows[:_SHOWN])
    if not is_verbose and len(rows) > _SHOWN:
        lines.append(f"  … and {len(rows) - _SHOWN:,} more (-v shows them all)")
    lines.extend(f"Stays: {each.storage.display_name}: {each.path.printable()}: {each.why}" for each in report.staying)
    lines.extend(
        f"Left as it is: all of {record.display_name}: {why} Run this again when it is back."
        for record, why in report.left_storages
    )
    if report.operation_uuid is not None:
        lines.append(f"`imalink undo {report.operation_uuid[:8]}` brings it back.")
    return lines
