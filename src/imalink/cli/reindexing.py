"""``imalink reindex`` (alias ``scan``): bring indexes and catalog in step with the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers import reindex_json
from imalink.answers.care import enriched_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import (
    plural,
    show_findings,
    show_json,
    show_lines,
)
from imalink.core.finding import Severity

if TYPE_CHECKING:
    from imalink.core.ids import StorageUuid
    from imalink.workflows.reindex_report import CompanionFile, ReindexReport

_SHOWN = 15


@click.command("reindex")
@click.argument("name", metavar="STORAGE")
@click.option(
    "--strategy",
    type=click.Choice(["quick", "smart", "full"]),
    help="quick: only ask whether each file is there; smart: read what changed in size, time or inode; "
    "full: read everything.  [default: smart, or full with --rehash]",
)
@click.option("--rehash", is_flag=True, help="Give every picture the hothash of today's method; reads everything.")
@click.option("--accept-missing", is_flag=True, help="Yes, I really removed that many files.")
@click.option("--add-orphans", is_flag=True, help="Take pictures that belong to no session into one of their own.")
@click.option(
    "--remove-missing", is_flag=True, help="Take missing files out of the index; it remembers that they were deleted."
)
@click.option(
    "--no-orphan-hash", is_flag=True, help="Do not read new pictures, unless one may be a lost file; only list them."
)
@click.option("--no-duplicates", is_flag=True, help="Do not look for further copies of pictures.")
@click.option("--no-fix-paths", is_flag=True, help="Only report what was moved; leave the index as it is.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what happened to the folder; write nothing.")
@common_options
def reindex_command(
    output: Output,
    name: str,
    strategy: str | None,
    rehash: bool,
    accept_missing: bool,
    add_orphans: bool,
    remove_missing: bool,
    no_orphan_hash: bool,
    no_duplicates: bool,
    no_fix_paths: bool,
    dry_run: bool,
) -> int:
    """Find what you moved, renamed, edited, added and deleted in STORAGE, and write it down.

    Your files are never touched. A file that is gone is only marked missing, unless you say otherwise.
    """
    from imalink.workflows.look_at_conflicts import find_elsewhere
    from imalink.workflows.reindex import reindex
    from imalink.workflows.reindex_request import ReindexRequest, Strategy
    from imalink.workflows.storage_access import get_storage

    request = ReindexRequest(
        strategy=Strategy(strategy or ("full" if rehash else "smart")),
        rehashes=rehash,
        dry_run=dry_run,
        accepts_losses=accept_missing,
        adds_orphans=add_orphans,
        removes_missing=remove_missing,
        hashes_orphans=not no_orphan_hash,
        finds_duplicates=not no_duplicates,
        fixes_paths=not no_fix_paths,
    )
    with open_tools(output) as tools:
        record = get_storage(tools, name)
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = reindex(tools, record, request, progress=progress)
        elsewhere = find_elsewhere(tools, record, report.missing_files if output.as_json else ())
    if output.as_json:
        show_json(reindex_json(report, dry_run=dry_run, storage_uuid=record.storage_uuid, elsewhere=elsewhere))
    elif not output.is_quiet:
        _show(report, record.storage_uuid, dry_run=dry_run, is_verbose=output.is_verbose)
    return errors.FINDINGS if report.has_findings else errors.DONE


scan_command = click.Command(
    "scan",
    callback=reindex_command.callback,
    params=reindex_command.params,
    help=reindex_command.help,
    short_help="The same as reindex.",
)


def _show(report: ReindexReport, storage_uuid: StorageUuid, *, dry_run: bool, is_verbose: bool) -> None:
    lines = [f"Looked at {plural(report.files_seen, 'file')} in {report.seconds:.2f} s, read {report.files_hashed:,}."]
    if not report.changes_detected and not report.damaged_files and report.added is None:
        lines.append("Nothing changed since the last look.")
    elif dry_run:
        lines.append("Nothing was written (dry run).")
    deleted = {each.path: each.deleted_at for each in report.once_deleted}
    orphans = [f"{path} (deleted {deleted[path][:10]})" if path in deleted else path for path in report.orphans]
    groups = (
        ("moved or renamed", [f"{move.old_path} → {move.new_path}" for move in report.moved_files]),
        (
            "not where the index has them, which was left as it is",
            [f"{each.expected_path} → {each.path}" for each in report.path_mismatches],
        ),
        ("that go with a picture", [_companion_line(each) for each in report.companion_files]),
        ("edited", [f"{edit.path} ({edit.kind})" for edit in report.modified_files]),
        ("damaged: bytes changed though nobody wrote them", list(report.damaged_files)),
        ("back again", list(report.returned_files)),
        ("in no session" + (f" ({len(report.new_files):,} new)" if report.new_files else ""), orphans),
        ("known by another hothash now", [each.path for each in report.rehashed_files]),
        ("missing and taken out of the index", [removed.path for removed in report.removed_files]),
        ("gone, of pictures that have another file here", list(report.lost_copies)),
        ("missing", [missing.expected_path for missing in report.missing_files]),
        ("extra copies", [f"{row.path} (of {row.of})" for row in report.duplicates] if is_verbose else []),
    )
    if report.added is not None:
        count = plural(report.added.statistics.new_imports, "picture")
        lines.append(f"Took {count} that belonged to no session into session {report.added.session_id}.")
    for title, rows in groups:
        if rows:
            lines.append(f"{plural(len(rows), 'file')} {title}:")
            shown = rows if is_verbose else rows[:_SHOWN]
            lines.extend(f"  {row}" for row in shown)
            if len(rows) > len(shown):
                lines.append(f"  … and {len(rows) - len(shown):,} more (-v shows them all)")
    if report.missing_files or report.orphans or report.path_mismatches:
        lines.append(f"`imalink conflicts {storage_uuid[:8]}` tells what can be done about these.")
    show_lines(lines)
    show_findings(report.findings, is_verbose=is_verbose)


def _companion_line(file: CompanionFile) -> str:
    if file.path is None or file.old_path is None:
        return f"{file.path or file.old_path} ({file.fate.value})"
    return f"{file.old_path} → {file.path}"


@click.command("enrich")
@click.argument("name", metavar="STORAGE")
@common_options
def enrich_command(output: Output, name: str) -> int:
    """Ask ExifTool, if it is installed, for lenses and facts of films that only makers' own blocks tell.

    What ImaLink knows already is not replaced, and no picture is touched.
    """
    from imalink.workflows.enrich_facts import enrich_facts
    from imalink.workflows.storage_access import get_storage

    with open_tools(output) as tools:
        record = get_storage(tools, name)
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = enrich_facts(tools, record, progress=progress)
    if output.as_json:
        show_json(enriched_json(report))
    elif not output.is_quiet:
        asked = plural(report.files_asked, "file")
        show_lines([f"Asked ExifTool about {asked}; it told something new of {report.files_enriched:,}."])
        show_findings(report.findings, is_verbose=output.is_verbose)
    return errors.FINDINGS if any(each.severity is not Severity.INFO for each in report.findings) else errors.DONE
