"""``imalink sidecars``: what was said of photos, written beside their pictures for other programs."""

from __future__ import annotations

import click

from imalink.answers.sidecars import sidecars_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import plural, show_findings, show_json, show_lines
from imalink.core.finding import Severity


@click.command("sidecars")
@click.argument("name", metavar="STORAGE")
@click.option("-n", "--dry-run", "dry_run", is_flag=True, help="Only tell what would be written.")
@common_options
def sidecars_command(output: Output, name: str, dry_run: bool) -> int:
    """Write what you said of photos in STORAGE into XMP files beside them, for other programs to read.

    A sidecar that another program made, or wrote into since, is left as it is. No picture is touched.
    """
    from imalink.workflows.storage_access import get_storage
    from imalink.workflows.write_sidecars import write_sidecars

    with open_tools(output) as tools:
        record = get_storage(tools, name)
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = write_sidecars(tools, record, dry_run=dry_run, progress=progress)
    if output.as_json:
        show_json(sidecars_json(report, dry_run=dry_run))
    elif not output.is_quiet:
        done = "Would write" if dry_run else "Wrote"
        new = plural(len(report.written), "sidecar")
        lines = [f"{done} {new}, {len(report.replaced):,} anew; {report.unchanged:,} were as they should be."]
        if report.left_alone:
            left = plural(len(report.left_alone), "picture")
            lines.append(f"Left alone: {left} with a sidecar of another program.")
        show_lines(lines)
        show_lines(f"  {path.printable()}" for path in report.left_alone[: None if output.is_verbose else 20])
        show_findings(report.findings, is_verbose=output.is_verbose)
    return errors.FINDINGS if any(each.severity is not Severity.INFO for each in report.findings) else errors.DONE
