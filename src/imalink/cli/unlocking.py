"""``imalink unlock``: who holds a storage's lock, and the way to break one whose holder is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers.care import unlock_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import is_terminal, show_json, show_lines, show_note
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.catalog.file_storages import StorageRecord
    from imalink.storage.lock_record import LockRecord
    from imalink.workflows.unlock_storage import UnlockReport

_WORDS = {
    "free": "is not locked",
    "dead": "was locked by {who}, which is gone",
    "illegible": "had a lock that tells of nobody",
    "held": "is locked by {who}",
    "alive": "is locked by {who}, which is at work",
    "silent": "was locked by {who}, whose heartbeat stood still",
}


@click.command("unlock")
@click.argument("name", metavar="STORAGE")
@click.option("--wait", "waits", is_flag=True, help="Where the holder is at work, watch on until it is done.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say who holds the lock, as far as one look can tell.")
@common_options
def unlock_command(output: Output, name: str, waits: bool, dry_run: bool) -> int:
    """Break the lock of a STORAGE whose holder is gone: a machine that died or was unplugged at work.

    A holder on another machine is given up only when its heartbeat has stood still for as long as it is watched, about
    two minutes; while that goes on nothing is changed. The lock is kept aside, and what was interrupted is finished by
    whatever works on the storage next.
    """
    from imalink.storage.lock_watch import Verdict
    from imalink.workflows.storage_access import get_storage
    from imalink.workflows.unlock_storage import UnlockReport, look_before_unlocking, unlock_storage

    with open_tools(output) as tools:
        record = get_storage(tools, name)
        look = look_before_unlocking(tools, record)
        if dry_run:
            report = UnlockReport(look=look, kept=None)
        else:
            if look.verdict is Verdict.HELD and look.record is not None:
                _ask_to_watch(record, look.record, output)
            report = unlock_storage(tools, record, waits=waits)
    if output.as_json:
        show_json(unlock_json(record, report, is_dry_run=dry_run))
    elif not output.is_quiet:
        show_lines(_lines(record, report, is_dry_run=dry_run))
    return errors.DONE


def _ask_to_watch(record: StorageRecord, holder: LockRecord, output: Output) -> None:
    """Say who holds the lock, and ask. Raises UsageError without a terminal, Abort for a no."""
    wanted = f"its heartbeat for {holder.silence_seconds} s"
    if not output.is_quiet and not output.as_json:
        show_note(f"{record.display_name} is locked by {holder.describe()}.")
    if output.assume_yes:
        if not output.is_quiet and not output.as_json:
            show_note(f"Watching {wanted}.")
        return
    if not is_terminal():
        raise UsageError(
            f"{record.display_name} is locked by {holder.describe()}, and nobody can be asked whether to break its "
            "lock. Nothing was changed.",
            hint=f"With --yes the same command watches {wanted} and breaks the lock if that stands still.",
        )
    click.confirm(f"Watch {wanted}, and break the lock if that stands still?", abort=True, err=True)


def _lines(record: StorageRecord, report: UnlockReport, *, is_dry_run: bool) -> list[str]:
    holder = report.look.record
    words = _WORDS[report.look.verdict].format(who=holder.describe() if holder is not None else "nobody")
    lines = [f"{record.display_name} {words}."]
    if report.kept is not None:
        lines.append(f"  Its lock is broken and kept as {report.kept}.")
        lines.append("  What was interrupted is finished by the next import or re-index.")
    elif is_dry_run and report.look.verdict == "held" and holder is not None:
        lines.append(f"  Without -n its heartbeat would be watched for {holder.silence_seconds} s.")
    elif is_dry_run and report.look.verdict != "free":
        lines.append("  Without -n its lock would be broken; the next operation does that too.")
    return lines
