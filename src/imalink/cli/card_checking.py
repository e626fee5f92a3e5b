"""``imalink card-check``: may this card be formatted?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imalink.answers import card_check_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import plural, show_findings, show_json, show_lines

if TYPE_CHECKING:
    from imalink.workflows.card_check_report import CardCheckReport

_SHOWN = 15
_WORDS = {
    "too-few-copies": "in too few storages",
    "offline": "known only in storages that are out of reach now",
    "damaged": "archived, but damaged or missing there now",
    "other-bytes": "archived with other metadata only",
    "not-stored": "not stored",
    "not-a-picture": "neither a picture nor a companion, and not stored (--pictures-only leaves such out of account)",
    "unreadable": "that the card does not give",
}


@click.command("card-check")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--min-copies", type=int, default=1, show_default=True, help="In how many storages each file must be.")
@click.option(
    "--trust-verified",
    "trust_days",
    type=float,
    default=0.0,
    metavar="DAYS",
    help="Let a verification do that is not older, instead of reading the archived files now.",
)
@click.option("--pictures-only", is_flag=True, help="Leave out of account what is neither a picture nor a companion.")
@common_options
def card_check_command(output: Output, source: Path, min_copies: int, trust_days: float, pictures_only: bool) -> int:
    """Prove that everything on a card is archived, so that it may be formatted.

    Every file of SOURCE is read, and so is what the storages have of it; what is not proved is not safe.
    """
    from imalink.workflows.card_check import check_card
    from imalink.workflows.card_check_report import CardCheckRequest

    request = CardCheckRequest(min_copies=min_copies, trust_days=trust_days, ignores_others=pictures_only)
    with open_tools(output) as tools, progress_of(is_quiet=output.is_quiet) as progress:
        report = check_card(tools, source, request, progress=progress)
    if output.as_json:
        show_json(card_check_json(report))
    elif not output.is_quiet:
        _show(report, is_verbose=output.is_verbose)
    return errors.DONE if report.is_safe else errors.FINDINGS


def _show(report: CardCheckReport, *, is_verbose: bool) -> None:
    lines = [f"{report.sentence}."]
    for status, words in _WORDS.items():
        rows = [each for each in report.files if each.status.value == status]
        if rows:
            lines.append(f"{plural(len(rows), 'file')} {words}:")
            shown = rows if is_verbose else rows[:_SHOWN]
            for each in shown:
                away = f" ({', '.join(each.storages_away)})" if each.storages_away else ""
                lines.append(f"  {each.path.printable()}{away}")
            if len(rows) > len(shown):
                lines.append(f"  … and {len(rows) - len(shown):,} more (-v shows them all)")
    if report.other_count:
        lines.append(f"{plural(report.other_count, 'file')} left out of account, as you asked.")
    show_lines(lines)
    show_findings(report.findings, is_verbose=is_verbose)
