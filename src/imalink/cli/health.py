"""``imalink health``: the daily report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import plural, show_json, show_lines, show_note, show_table, size_text
from imalink.core.finding import Severity
from imalink.core.timetable import Outcome

if TYPE_CHECKING:
    from imalink.core.health import HealthReport

_MARKS = {Severity.INFO: "·", Severity.WARNING: "!", Severity.ERROR: "✗"}


@click.command("health")
@click.option("--history", type=click.IntRange(1, 1000), default=None, metavar="N", help="Show the last N reports.")
@common_options
def health_command(output: Output, history: int | None) -> int:
    """Look at every storage in use: can it be reached, is there room, are its indexes sound, what is missing.

    No picture is read; `imalink verify` does that. The report is kept, so that what changes can be seen.
    """
    from imalink.core.health import find_alerts
    from imalink.runtime.health_words import health_json
    from imalink.workflows.look_at_health import keep_health, list_health, look_at_health

    if history is not None:
        with open_tools(output) as tools:
            _show_history(output, list_health(tools, limit=history))
        return errors.DONE
    with open_tools(output) as tools:
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = look_at_health(tools, progress=progress)
        document = health_json(report)
        keep_health(tools, report.taken_at, document)
    if output.as_json:
        show_json(document)
    elif not output.is_quiet:
        _show(report)
    return errors.FINDINGS if any(each.severity is not Severity.INFO for each in find_alerts(report)) else errors.DONE


def _show(report: HealthReport) -> None:
    from imalink.core.health import find_alerts

    if not report.storages:
        show_lines(["No storage is in use."])
    else:
        show_table(
            ("STORAGE", "STATUS", "FREE", "FILES", "SIZE", "SESSIONS", "INDEXES", "MISSING", "DAMAGED"),
            [
                (
                    each.name,
                    each.status,
                    "-" if each.free_bytes is None else size_text(each.free_bytes),
                    f"{each.total_files:,}",
                    size_text(each.size_bytes),
                    f"{each.session_count:,}",
                    each.indexes.value,
                    f"{each.missing_files:,}",
                    f"{each.damaged_files:,}",
                )
                for each in report.storages
            ],
        )
    names = {each.storage_uuid: each.name for each in report.storages}
    for note in report.timetable:
        if note.outcome is Outcome.SKIPPED:
            of = "" if note.storage_uuid is None else f" of {names.get(note.storage_uuid, note.storage_uuid)}"
            show_lines([f"Skipped: the {note.task.value}{of}, at {note.tried_at}. {note.why}"])
    if report.inactive_count:
        show_lines([f"{plural(report.inactive_count, 'storage')} left out because not in use."])
    alerts = find_alerts(report)
    for alert in alerts:
        show_note(f"  {_MARKS[alert.severity]} {alert.message} {alert.hint}")
    if not alerts:
        show_lines(["Nothing asks for a look."])


def _show_history(output: Output, reports: list[dict[str, object]]) -> None:
    if output.as_json:
        show_json({"reports": reports})
        return
    rows: list[tuple[str, ...]] = []
    for report in reports:
        summary = report.get("summary")
        counts: dict[str, object] = summary if isinstance(summary, dict) else {}  # pyright: ignore[reportUnknownVariableType]
        rows.append(
            (
                str(report.get("timestamp")),
                f"{counts.get('accessible_storages')}/{counts.get('total_storages')}",
                str(counts.get("total_files")),
                str(counts.get("total_size_gb")),
                str(counts.get("issues_count")),
            )
        )
    show_table(("TAKEN", "ACCESSIBLE", "FILES", "GB", "ISSUES"), rows)
