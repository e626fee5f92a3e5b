"""``imalink edit``: say something of photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers.fact_words import change_lines
from imalink.answers.photos import edited_json
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import (
    plural,
    show_json,
    show_lines,
    show_note,
)
from imalink.core import edit_request
from imalink.core.edit_request import EditRequest
from imalink.core.user_facts import FactChange, UserValue, custom_field
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.workflows.edit_photos import EditReport
    from imalink.workflows.flush_outbox import WaitingEdits

_SHOWN_PHOTOS = 20


@click.command("edit")
@click.argument("hothashes", metavar="HOTHASH|FILE...", nargs=-1, required=True)
@click.option("--rating", metavar="N", help="0 to 5 stars; none for what the file itself says.")
@click.option("--title", metavar="TEXT", help="Its title; empty: it has none.")
@click.option("--caption", metavar="TEXT", help="Its caption; empty: it has none.")
@click.option("--tag", "tags", metavar="+A,-B", multiple=True, help="Tags to add (+) and to take away (-).")
@click.option("--author", metavar="NAME", help="Who took it: a name, or 'Name <address>'.")
@click.option("--label", metavar="TEXT", help="Its colour label; empty: it has none.")
@click.option("--reject/--unreject", "is_rejected", default=None, help="Sort it out, or take it in again.")
@click.option("--taken-at", metavar="TIME", help="When it was taken, such as 2024-07-10T14:30:00+02:00.")
@click.option("--shift-time", metavar="±TIME", help="How far its time was off, such as +1h, -2d3h or -00:30.")
@click.option(
    "--gps", metavar="LAT,LON", help="Where it was taken, in degrees; a third number is the height in metres."
)
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="A field of your own. May be repeated.")
@click.option("--unset", "keys", metavar="KEY", multiple=True, help="Take a field of your own away. May be repeated.")
@click.option("--reset", "resets", metavar="FIELD,...", multiple=True, help="Take back what you said; see above.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would change; write nothing.")
@common_options
def edit_command(
    output: Output,
    hothashes: tuple[str, ...],
    rating: str | None,
    title: str | None,
    caption: str | None,
    tags: tuple[str, ...],
    author: str | None,
    label: str | None,
    is_rejected: bool | None,
    taken_at: str | None,
    shift_time: str | None,
    gps: str | None,
    settings: tuple[str, ...],
    keys: tuple[str, ...],
    resets: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Say something of the photos that hold these pictures. No picture file is touched.

    A HOTHASH may be a unique prefix of 8 digits or more, and that of any file of the photo. What you say stands before
    what the file itself says, which is kept: --reset takes your word back, of title, caption, rating, reject, label,
    tags, author, taken-at, gps, custom, or all.

    It is kept in every storage that holds the photo, so it survives the loss of the catalog. A storage that cannot be
    reached now is told when it is next worked on.
    """
    from imalink.workflows.edit_photos import edit_photos

    added, removed = edit_request.parse_tags(tags)
    request = EditRequest(
        said=_said(
            rating=rating,
            title=title,
            caption=caption,
            author=author,
            label=label,
            is_rejected=is_rejected,
            gps=gps,
            settings=settings,
            keys=keys,
        ),
        added_tags=added,
        removed_tags=removed,
        taken_at=None if taken_at is None else edit_request.parse_taken_at(taken_at),
        shift=None if shift_time is None else edit_request.parse_shift(shift_time),
        resets=edit_request.parse_resets(resets),
    )
    with open_tools(output) as tools:
        report = edit_photos(tools, hothashes, request, dry_run=dry_run)
    if output.as_json:
        show_json(edited_json(report, dry_run=dry_run))
    elif not output.is_quiet:
        _show(report, dry_run=dry_run, is_verbose=output.is_verbose)


def _said(
    *,
    rating: str | None,
    title: str | None,
    caption: str | None,
    author: str | None,
    label: str | None,
    is_rejected: bool | None,
    gps: str | None,
    settings: tuple[str, ...],
    keys: tuple[str, ...],
) -> FactChange:
    """Read what is said the same of every photo, field by field."""
    values: dict[str, UserValue | None] = {}
    if rating is not None:
        values["rating"] = edit_request.parse_rating(rating)
    if title is not None:
        values["title"] = edit_request.parse_title(title)
    if caption is not None:
        values["caption"] = edit_request.parse_caption(caption)
    if author is not None:
        values["author"] = edit_request.parse_author(author)
    if label is not None:
        values["label"] = edit_request.parse_label(label)
    if is_rejected is not None:
        values["rejected"] = is_rejected
    if gps is not None:
        values["gps"] = edit_request.parse_gps(gps)
    for text in keys:
        values[custom_field(edit_request.parse_key(text))] = None
    for text in settings:
        key, value = edit_request.parse_setting(text)
        if values.setdefault(custom_field(key), value) != value:
            raise UsageError(f"The field {key!r} is given twice.")
    return FactChange.of(values)


def _show(report: EditReport, *, dry_run: bool, is_verbose: bool) -> None:
    if report.edited:
        show_lines([f"{'Would edit' if dry_run else 'Edited'} {plural(len(report.edited), 'photo')}:"])
    shown = report.edited if is_verbose else report.edited[:_SHOWN_PHOTOS]
    for photo in shown:
        show_lines(
            [
                f"  {photo.hothash[:10]}  {photo.original_filename}",
                *change_lines(photo.facts_before, photo.facts, photo.after.fields),
            ]
        )
    if len(report.edited) > len(shown):
        show_lines([f"  … and {len(report.edited) - len(shown):,} more; -v shows them all."])
    if report.unchanged:
        show_lines([f"Nothing to change of {plural(report.unchanged, 'photo')}: all is so already."])
    show_waiting(report.waiting)


def show_waiting(waiting: tuple[WaitingEdits, ...]) -> None:
    """Say on stderr which storages are still to be told, and that nothing is lost by that."""
    for each in waiting:
        show_note(f"{plural(each.edits, 'edit')} waiting for {each.display_name} ({each.status}).")
    if waiting:
        show_note("What waits holds in the catalog, and is told to the storage when it is next worked on.")
