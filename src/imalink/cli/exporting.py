"""``imalink export``: copies of pictures, out of the archive."""

from __future__ import annotations

from pathlib import Path

import click

from imalink.answers.exports import export_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import plural, show_json, show_lines, show_note, size_text
from imalink.core.search_query import join_arguments, parse_query


@click.command("export")
@click.argument("words", metavar="QUERY...", nargs=-1, required=True)
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--primary-only", is_flag=True, help="Only the first file of each photo: not its RAW or other versions.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be copied.")
@common_options
def export_command(output: Output, words: tuple[str, ...], destination: Path, primary_only: bool, dry_run: bool) -> int:
    """Copy the pictures that fit a QUERY (as for `imalink search`) into a new folder in DEST.

    Every copy is read back. What could not be copied is told, also in imalink-export.json in that folder.
    """
    from imalink.workflows.export_pictures import ExportRequest, export_to_folder, plan_export

    request = ExportRequest(query=parse_query(join_arguments(words)), is_primary_only=primary_only)
    with open_tools(output) as tools, progress_of(is_quiet=output.is_quiet) as progress:
        plan = plan_export(tools, request)
        if dry_run:
            if output.as_json:
                show_json({"dry_run": True, "total_files": len(plan.items), "total_size_bytes": plan.size_bytes})
            elif not output.is_quiet:
                show_lines([f"{plural(len(plan.items), 'file')} ({size_text(plan.size_bytes)}) would be copied."])
            return errors.DONE
        report = progress.run(lambda: export_to_folder(tools, plan, destination, progress=progress))
    if output.as_json:
        show_json(export_json(report))
    elif not output.is_quiet:
        show_lines([f"Copied {plural(len(report.files), 'file')} ({size_text(report.size_bytes)}) to {report.folder}."])
        for status in ("missing", "offline"):
            count = sum(file.status == status for file in report.missing)
            if count:
                show_note(
                    f"Not copied, because {status}: {plural(count, 'file')}; imalink-export.json there names them."
                )
        differing = sum(file.differs for file in report.files)
        if differing:
            show_note(f"Not as the index knows them: {plural(differing, 'file')}. Run `imalink reindex`.")
    return errors.FINDINGS if report.missing or any(file.differs for file in report.files) else errors.DONE
