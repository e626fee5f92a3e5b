"""``imalink verify`` and ``heal``: is everything still what was archived, and can it be again?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers import heal_json, verify_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import plural, show_findings, show_json, show_lines, size_text
from imalink.core.damage import Verdict

if TYPE_CHECKING:
    from imalink.workflows.heal import HealReport
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
@click.option("--heal", "heals", is_flag=True, help="Then bring back what is damaged or missing, as `imalink heal`.")
@common_options
def verify_command(
    output: Output, name: str, depth: str, session_id: str | None, percent: float, restarts: bool, heals: bool
) -> int:
    """Compare the files of STORAGE, and ImaLink's own there, with what was archived.

    Nothing is changed; what is damaged is remembered until a later look finds it whole. A verification that is stopped
    is gone on with by the next. One of --depth sample a day comes to every file in a hundred days.
    """
    from imalink.workflows.heal import heal
    from imalink.workflows.storage_access import get_storage
    from imalink.workflows.verify import verify
    from imalink.workflows.verify_report import Depth, VerifyRequest

    request = VerifyRequest(depth=Depth(depth), session=session_id, percent=percent, restarts=restarts)
    with open_tools(output) as tools:
        record = get_storage(tools, name)
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = verify(tools, record, request, progress=progress)
            healing = heal(tools, record, progress=progress) if heals and report.findings else None
    if output.as_json:
        healed = {} if healing is None else {"healing": heal_json(healing)}
        show_json({"storage_uuid": record.storage_uuid, **verify_json(report), **healed})
    elif not output.is_quiet:
        _show(report, is_verbose=output.is_verbose)
        if healing is not None:
            _show_healing(healing, dry_run=False, is_verbose=output.is_verbose)
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


@click.command("heal")
@click.argument("name", metavar="STORAGE")
@click.argument("hothashes", metavar="[HOTHASH]...", nargs=-1)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be healed and from where; write nothing.")
@common_options
def heal_command(output: Output, name: str, hothashes: tuple[str, ...], dry_run: bool) -> int:
    """Bring back what is known to be damaged or missing in STORAGE, from any good copy that can be reached.

    What `imalink verify` or a re-index found is healed; a HOTHASH, or its first digits, names a picture. The damaged
    file is kept in quarantine and never deleted.
    """
    from imalink.workflows.heal import heal
    from imalink.workflows.storage_access import get_storage

    with open_tools(output) as tools:
        record = get_storage(tools, name)
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = heal(tools, record, hothashes=hothashes, dry_run=dry_run, progress=progress)
    if output.as_json:
        show_json({"storage_uuid": record.storage_uuid, **heal_json(report, dry_run=dry_run)})
    elif not output.is_quiet:
        _show_healing(report, dry_run=dry_run, is_verbose=output.is_verbose)
    return errors.FINDINGS if report.unhealed or report.findings else errors.DONE


def _show_healing(report: HealReport, *, dry_run: bool, is_verbose: bool) -> None:
    would = "can be healed" if dry_run else "healed"
    lines = [f"{plural(len(report.healed), 'file')} {would}, {len(report.unhealed):,} not."]
    for each in report.healed:
        kept = "" if each.kept is None or dry_run else f"; what stood there is kept as {each.kept}"
        lines.append(f"  {each.path} from {each.source}{kept}")
    for each in report.unhealed:
        away = f"; known in {', '.join(each.storages_away)}, out of reach now" if each.storages_away else ""
        lines.append(f"  {each.path}: {each.why}{away}")
    if report.already_whole:
        lines.append(f"{plural(len(report.already_whole), 'file')} found to be as archived.")
    if report.previews_made or report.manifests_written:
        previews = plural(report.previews_made, "preview")
        lines.append(f"Made anew: {previews}, {plural(report.manifests_written, 'manifest')}.")
    if dry_run:
        lines.append("Nothing was written (dry run).")
    show_lines(lines)
    show_findings(report.findings, is_verbose=is_verbose)
