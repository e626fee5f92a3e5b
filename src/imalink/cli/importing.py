"""``imalink import``: bring a folder of pictures into a storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imalink.answers import import_json, json_text
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import (
    is_terminal,
    plural,
    show_findings,
    show_json,
    show_lines,
    show_note,
    size_text,
)
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.workflows.import_report import ImportReport, ImportRequest
    from imalink.workflows.tools import Tools


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--storage", "storage_name", default=None, help="Where to: UUID, prefix of it, display name or path.")
@click.option(
    "--no-copy", is_flag=True, help="Leave the pictures where they are: SOURCE is indexed, and never written into."
)
@click.option("--title", default=None, help="What you call this import, such as 'Italy, summer 2024'.")
@click.option("--session", "session_id", default=None, metavar="ID", help="Import into this session, instead of a new.")
@click.option("--description", default="", help="A note of your own.")
@click.option(
    "--organize",
    default="keep",
    show_default=True,
    metavar="keep|date|session|flat|TEMPLATE",
    help="keep: folders as at the source; date: YYYY/MM by capture time; session: Import-<number>; flat: one folder; "
    "or a template such as {year}/{month:02}-{month_name}/{filename}.",
)
@click.option("--author", default=None, help="Who took the pictures, where the files do not say.")
@click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Leave out what fits, as in an .imalinkignore; may be repeated."
)
@click.option(
    "--duplicates",
    type=click.Choice(["skip", "keep-both", "replace", "ask"]),
    default="skip",
    show_default=True,
    help="What to do with pictures that are archived already; ask asks for each.",
)
@click.option("--include-deleted", is_flag=True, help="Take in again what you deleted before.")
@click.option(
    "--rollback-on-failure", is_flag=True, help="Take the import back at once if it does not come to its end."
)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would come in and where it would go; write nothing.")
@common_options
def import_command(
    output: Output,
    source: Path,
    storage_name: str | None,
    no_copy: bool,
    title: str | None,
    session_id: str | None,
    description: str,
    organize: str,
    author: str | None,
    exclude: tuple[str, ...],
    duplicates: str,
    include_deleted: bool,
    rollback_on_failure: bool,
    dry_run: bool,
) -> int:
    """Copy the pictures of SOURCE into a storage as one session, each verified.

    SOURCE is only ever read. What is archived already, byte for byte, is skipped unless --duplicates says otherwise,
    and so is what you deleted before. A file that cannot be read is reported and the rest comes in.

    With --session the pictures come into a session that is there already: one made by `imalink sessions create`, an
    earlier import that goes on, or one that has files in another storage.

    With --no-copy nothing is copied: SOURCE itself is remembered as a storage that is only read. Its pictures are in no
    safe place by that, and can be opened only while SOURCE is there.
    """
    from imalink.cli.asking import TerminalAsker
    from imalink.core.duplicate import DuplicatePolicy
    from imalink.core.organization import organization_named
    from imalink.workflows.import_photos import import_photos
    from imalink.workflows.import_report import ImportRequest
    from imalink.workflows.storage_access import get_storage

    _check_options(title, session_id, description)
    request = ImportRequest(
        source=source,
        title=title or "",
        session=session_id,
        description=description,
        organization=organization_named(organize),
        exclude=exclude,
        author=author,
        duplicates=DuplicatePolicy(duplicates),
        includes_deleted=include_deleted,
        dry_run=dry_run,
        takes_back_on_failure=rollback_on_failure,
    )
    if no_copy:
        if storage_name is not None or organize != "keep":
            raise UsageError("With --no-copy nothing goes anywhere, so --storage and --organize make no sense.")
        if session_id is not None or duplicates != "skip" or include_deleted or rollback_on_failure:
            raise UsageError(
                "With --no-copy, --session, --duplicates, --include-deleted and --rollback-on-failure make no sense."
            )
        return _refer(output, request)
    with open_tools(output) as tools:
        record = get_storage(tools, storage_name or _storage_of(tools, session_id))
        with progress_of(is_quiet=output.is_quiet) as progress:
            asker = TerminalAsker(progress) if is_terminal() else None
            report = progress.run(lambda: import_photos(tools, record, request, progress=progress, asker=asker))
    if output.as_json:
        show_json(import_json(report, dry_run=dry_run))
    elif not output.is_quiet:
        show_import(report, dry_run=dry_run, is_verbose=output.is_verbose)
    return exit_code_after(report)


def _check_options(title: str | None, session_id: str | None, description: str) -> None:
    if session_id is None and title is None:
        raise UsageError(
            "An import needs a title. Nothing was changed.",
            hint="Give --title, such as 'Italy, summer 2024', or --session ID for a session that is there already.",
        )
    if session_id is not None and (title is not None or description):
        raise UsageError(
            "The session has a title and a note of its own. Nothing was changed.",
            hint=f"Leave out --title and --description, or change them by `imalink sessions edit {session_id}`.",
        )


def _storage_of(tools: Tools, session_id: str | None) -> str:
    """Give the storage of a session, for an import that names none."""
    from imalink.workflows.run_session import get_open_session

    known = None if session_id is None else get_open_session(tools, session_id).storage_uuid
    if known is None:
        raise UsageError(
            "An import needs to know where to. Nothing was changed.",
            hint="Give --storage NAME, or --no-copy to leave the pictures where they are.",
        )
    return known


def _refer(output: Output, request: ImportRequest) -> int:
    from imalink.workflows.refer_to_folder import refer_to_folder

    with open_tools(output) as tools, progress_of(is_quiet=output.is_quiet) as progress:
        found = progress.run(lambda: refer_to_folder(tools, request, progress=progress))
    report, record = found.report, found.record
    if output.as_json:
        show_json(
            {
                **import_json(report, dry_run=request.dry_run),
                "layout": "reference",
                "storage_uuid": None if record is None else record.storage_uuid,
                "display_name": None if record is None else json_text(record.display_name),
                "is_new_storage": found.is_new,
                "has_permanent_storage": False,
            }
        )
    elif not output.is_quiet:
        if not (found.is_new or report.statistics.total_scanned):
            show_lines(["Nothing in the folder is new."])
        else:
            show_import(report, dry_run=request.dry_run, is_verbose=output.is_verbose)
        if record is not None and report.session_id is not None:
            show_lines(
                [
                    f"They stay in {record.full_path}, known as the storage {record.display_name}; nothing was written "
                    "there. They are no copies: import them into a storage to keep them safe."
                ]
            )
    return exit_code_after(report)


def exit_code_after(report: ImportReport) -> int:
    """Give the exit code of an import that came to its end."""
    if report.statistics.errors:
        return errors.SOURCES_UNREAD
    return errors.FINDINGS if report.has_warnings else errors.DONE


def _elsewhere(report: ImportReport) -> Iterator[str]:
    """Say of which skipped files no copy is in this storage: who wants a second copy must not think it was made."""
    skipped = [each for each in report.findings if each.code in ("duplicate-elsewhere", "duplicate-out-of-reach")]
    if skipped:
        names = ", ".join(sorted({str(each.facts["storage"]) for each in skipped}))
        yield (
            f"  {plural(len(skipped), 'picture')} of them archived in {names} alone, not here: "
            "--duplicates keep-both puts them here too."
        )


def _why_needed(report: ImportReport) -> Iterator[str]:
    """Count what of a source is not proved to be archived."""
    if report.statistics.errors:
        yield f"{plural(report.statistics.errors, 'file')} could not be read"
    if report.statistics.ignored:
        yield f"{plural(report.statistics.ignored, 'file')} stayed there"
    if report.excluded:
        yield f"{plural(report.excluded, 'file or folder', 'files and folders')} not looked at"


def show_import(report: ImportReport, *, dry_run: bool, is_verbose: bool) -> None:
    """Tell people what an import did, or would do."""
    counts = report.statistics
    would = "would come in" if dry_run else "came in"
    lines = [
        f"{plural(counts.new_imports, 'picture')} {would} ({size_text(counts.total_size_bytes)}), "
        f"{plural(counts.companions, 'companion')} with them."
    ]
    if report.came_in_before:
        lines.append(f"{plural(report.came_in_before, 'picture')} of them before the interruption.")
    if counts.duplicates_skipped:
        lines.append(
            f"{plural(counts.duplicates_skipped, 'file')} archived already, {'would be ' if dry_run else ''}skipped."
        )
    lines.extend(_elsewhere(report))
    if report.duplicates_kept:
        lines.append(f"{plural(report.duplicates_kept, 'picture')} of them archived already, kept as further files.")
    if report.duplicates_replaced:
        lines.append(
            f"{plural(report.duplicates_replaced, 'picture')} of them {'would take' if dry_run else 'took'} "
            "the place of archived ones, which are kept aside."
        )
    if report.deleted_before:
        lines.append(
            f"{plural(report.deleted_before, 'picture')} left at the source because you deleted "
            f"{'it' if report.deleted_before == 1 else 'them'} before (--include-deleted takes in again)."
        )
    if report.duplicates_undecided:
        lines.append(
            f"{plural(report.duplicates_undecided, 'picture')} archived already, left at the source: "
            "say with --duplicates what to do, or run this on a terminal."
        )
    if counts.ignored:
        lines.append(f"{plural(counts.ignored, 'file')} left at the source.")
    if report.excluded:
        lines.append(
            f"{plural(report.excluded, 'file or folder', 'files and folders')} not looked at, as --exclude or "
            "an .imalinkignore wants it."
        )
    if counts.errors:
        lines.append(f"{plural(counts.errors, 'file')} could not be read.")
    if dry_run or is_verbose:
        lines.extend(f"  {file.source} → {file.target}" for file in report.files)
    if dry_run:
        lines.append("A dry run: nothing was written. What follows is what an import would tell.")
    elif report.session_id is None:
        lines.append("Nothing came in, so there is no session of it.")
    elif not counts.new_imports:
        lines.append(f"Nothing came in; session {report.session_id} is as it was.")
    else:
        lines.append(f"Session {report.session_id}, {report.status.value}, in {report.seconds:.1f} s.")
    if report.source_no_longer_needed and not dry_run:
        lines.append("Files have been copied to storage. The source directory is no longer needed.")
    show_lines(lines)
    if report.copies_verified and report.statistics.total_scanned and not report.source_no_longer_needed:
        reasons = ", ".join(_why_needed(report)) or "what is found below asks for a look first"
        show_note(f"Warning: keep the source. Not everything in it is proved to be archived: {reasons}.")
    show_findings(report.findings, is_verbose=is_verbose)
