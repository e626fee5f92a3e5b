"""``imalink sessions``: the history of imports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imalink.answers import import_json, json_text
from imalink.answers.sessions import months_json, session_json, session_view_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
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

if TYPE_CHECKING:
    from imalink.catalog.import_sessions import SessionRecord
    from imalink.core.ids import StorageUuid


@click.group()
def sessions() -> None:
    """See what came in, and when."""


@sessions.command("list")
@click.option("--storage", "storage_name", default=None, help="Only the sessions of this storage.")
@common_options
def list_sessions(output: Output, storage_name: str | None) -> None:
    """List the imports, newest first."""
    from imalink.workflows.look_at_sessions import list_sessions as run
    from imalink.workflows.look_at_sessions import storage_names

    with open_tools(output) as tools:
        records, names = run(tools, storage=storage_name), storage_names(tools)
    if output.as_json:
        show_json({"sessions": [session_json(record) for record in records]})
        return
    if not records:
        show_lines(["Nothing was imported yet."])
        return
    show_table(
        ("ID", "IMPORTED", "FILES", "STATUS", "STORAGE", "TITLE"),
        [
            (
                str(record.session.number),
                record.session.imported_at[:16].replace("T", " "),
                f"{record.file_count:,}",
                record.session.status.value,
                ", ".join(dict.fromkeys(names.get(each, each[:8]) for each in _storages_of(record))),
                record.session.title,
            )
            for record in records
        ],
    )


@sessions.command("create")
@click.option("--title", required=True, help="What you call it, such as 'Italy, summer 2024'.")
@click.option("--description", default="", help="A note of your own.")
@click.option("--storage", "storage_name", default=None, help="Where its imports go unless they say otherwise.")
@click.option("--author", default=None, help="Who takes the pictures.")
@common_options
def create(output: Output, title: str, description: str, storage_name: str | None, author: str | None) -> None:
    """Make a session into which `imalink import --session` then brings pictures, from as many cards as you like."""
    from imalink.workflows.create_session import create_session

    with open_tools(output) as tools:
        record = create_session(tools, title=title, description=description, storage=storage_name, author=author)
    if output.as_json:
        show_json({**session_json(record), "description": json_text(record.session.description)})
    elif not output.is_quiet:
        number = record.session.number
        show_lines([f"Session {number}: {record.session.title}. Import into it with --session {number}."])


@sessions.command("statistics")
@common_options
def show_statistics(output: Output) -> None:
    """Count what came in, month by month."""
    from imalink.workflows.look_at_sessions import count_by_month

    with open_tools(output) as tools:
        months = count_by_month(tools)
    if output.as_json:
        show_json(months_json(months))
    elif not months:
        show_lines(["Nothing was imported yet."])
    else:
        show_table(
            ("MONTH", "IMPORTS", "PICTURES", "FILES", "SIZE"),
            [
                (
                    month.month,
                    f"{month.session_count:,}",
                    f"{month.picture_count:,}",
                    f"{month.file_count:,}",
                    size_text(month.size_bytes),
                )
                for month in months
            ],
        )


@sessions.command("show")
@click.argument("session_id", metavar="ID")
@common_options
def show(output: Output, session_id: str) -> None:
    """Show one import and its files; ID is its number or UUID."""
    from imalink.workflows.look_at_sessions import show_session

    with open_tools(output) as tools:
        found = show_session(tools, session_id)
    record, counts = found.record, found.record.statistics
    if output.as_json:
        show_json(session_view_json(found))
        return
    session = record.session
    show_lines(
        [
            f"Session {session.number}: {session.title} ({session.status.value})",
            f"  imported  {session.imported_at} from {session.source_path}",
            f"  holds     {plural(record.file_count, 'file')} of "
            f"{plural(found.photo_count, 'photo')}; {size_text(counts.total_size_bytes)} came in",
            *([f"  note      {session.description}"] if session.description else []),
        ]
    )
    if len(found.runs) > 1:
        show_lines(
            f"  run       {run.started_at} from {run.source_path}: "
            f"{plural(run.statistics.new_imports, 'picture')} ({run.status.value})"
            for run in found.runs
        )
    show_lines(
        f"  {'  ' if file.status == 'present' else '? '}{file.hothash[:10]}  {file.relative_path}"
        + ("" if file.status == "present" else "  (file not found)")
        for file in found.files
    )
    show_findings(found.findings, is_verbose=output.is_verbose)


@sessions.command("resume")
@click.argument("session_id", metavar="ID")
@click.option("--source", type=click.Path(path_type=Path), default=None, help="Where the folder is now, if elsewhere.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would still come in; write nothing.")
@common_options
def resume(output: Output, session_id: str, source: Path | None, dry_run: bool) -> int:
    """Go on with an import that was interrupted, as it was asked for; ID is its number or UUID.

    What is in already is neither read nor copied again. The source must be there.
    """
    from imalink.cli.asking import TerminalAsker
    from imalink.cli.importing import exit_code_after, show_import
    from imalink.cli.progress import progress_of
    from imalink.workflows.resume_session import resume_session

    with open_tools(output) as tools, progress_of(is_quiet=output.is_quiet) as progress:
        asker = TerminalAsker(progress) if is_terminal() else None
        found = progress.run(
            lambda: resume_session(tools, session_id, source=source, dry_run=dry_run, progress=progress, asker=asker)
        )
    if output.as_json:
        show_json({**import_json(found.report, dry_run=dry_run), "resumed": not found.had_ended})
    elif found.had_ended and not output.is_quiet:
        status = found.report.status.value
        show_lines([f"Session {session_id} is {status}; nothing of it is left to be done."])
        show_note("Whether a source is still needed, `imalink card-check SOURCE` tells.")
    elif not output.is_quiet:
        show_import(found.report, dry_run=dry_run, is_verbose=output.is_verbose)
    return errors.DONE if found.had_ended else exit_code_after(found.report)


@sessions.command("edit")
@click.argument("session_id", metavar="ID")
@click.option("--title", default=None, help="What you call it from now on.")
@click.option("--description", default=None, help="A note of your own.")
@common_options
def edit(output: Output, session_id: str, title: str | None, description: str | None) -> None:
    """Give an import another title or description; the storage's index files follow."""
    from imalink.workflows.edit_session import edit_session

    with open_tools(output) as tools:
        record = edit_session(tools, session_id, title=title, description=description)
    if output.as_json:
        show_json({**session_json(record), "description": json_text(record.session.description)})
    elif not output.is_quiet:
        show_lines([f"Session {record.session.number}: {record.session.title}"])


def _storages_of(record: SessionRecord) -> list[StorageUuid]:
    """Give the storages that hold part of a session, or into which it is to go."""
    held = [place.storage_uuid for place in record.places]
    return held or ([] if record.storage_uuid is None else [record.storage_uuid])
