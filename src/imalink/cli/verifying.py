"""``imalink verify``: is everything still what was archived?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers import verify_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import plural, show_findings, show_json, show_lines, size_text
from imalink.core.damage import Verdict

if TYPE_CHECKING:
    from imalink.workflows.verify_report import VerifyReport

_WORDS = {
    Verdict.METADATA_EDITED: "with other metadata, the picture as archived",
    Verdict.EDITED: "edited",
    Verdict.MISPLACED: "in the place of another",
    Verdict.SUSPECTED_BIT_ROT: "changed although nobody wrote them: the disk may be failing",
    Verdict.DAMAGED: "damaged",
    Verdict.UNREADABLE: "that the device does not give",
    Verdict.MISSING: "missing",
}


@click.command("verify")
@click.argument("name", metavar="STORAGE")
@click.option(
    "--depth",
    type=click.Choice(["quick", "sample", "full"]),
    default="full",
    show_default=True,
    help="quick: that each file is there, with its size and time; sample: all bytes of the files that were verified "
    "longest ago; full: all bytes of all.",
)
@click.option("--session", "session_id", default=None, metavar="ID", help="Only the files of this session.")
@click.option("--percent", type=float, default=1.0, show_default=True, help="How much of the storage a sample reads.")
@click.option("--restart", "restarts", is_flag=True, help="Begin anew where an earlier verification was stopped.")
@common_options
def verify_command(
    output: Output, name: str, depth: str, session_id: str | None, percent: float, restarts: bool
) -> int:
    """Compare the files of STORAGE, and ImaLink's own there, with what was archived.

    Nothing is changed; what is damaged is remembered until a later look finds it whole. A verification that is stopped
    is gone on with by the next. One of --depth sample a day comes to every file in a hundred days.
    """
    from imalink.workflows.storage_access import get_storage
    from imalink.workflows.verify import verify
    from imalink.workflows.verify_report import Depth, VerifyRequest

    request = VerifyRequest(depth=Depth(depth), session=session_id, percent=percent, restarts=restarts)
    with open_tools(output) as tools:
        record = get_storage(tools, name)
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = verify(tools, record, request, progress=progress)
    if output.as_json:
        show_json({"storage_uuid": record.storage_uuid, **verify_json(report)})
    elif not output.is_quiet:
        _show(report, is_verbose=output.is_verbose)
    return errors.FINDINGS if report.findings else errors.DONE


def _show(report: VerifyReport, *, is_verbose: bool) -> None:
    speed = f", {report.speed_mb_s:.1f} MB/s" if report.bytes_read else ""
    lines = [
        f"Verified {plural(report.checked, 'file')} ({size_text(report.bytes_read)} read in {report.seconds:.1f} s"
        f"{speed}): {report.ok:,} as archived."
    ]
    if report.resumed_after:
        lines.append(f"{report.resumed_after:,} of them before it was stopped and gone on with.")
    lines.extend(
        f"{plural(report.verdicts[verdict], 'file')} {words}."
        for verdict, words in _WORDS.items()
        if report.verdicts.get(verdict)
    )
    if report.own_files_damaged:
        lines.append(
            f"{report.own_files_damaged:,} of {report.own_files_checked:,} of ImaLink's own files are not as they "
            "were left; the pictures are safe from that."
        )
    if report.read_from_cache:
        lines.append("The system may have answered from memory: the disk itself was not asked for every byte.")
    show_lines(lines)
    show_findings(report.findings, is_verbose=is_verbose)
