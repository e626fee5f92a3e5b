"""``imalink search``: photos by what is known of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from imalink.answers.photos import found_json
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import (
    show_json,
    show_lines,
    show_note,
    show_table,
)
from imalink.core.search_query import DEFAULT_LIMIT, MAX_LIMIT, join_arguments, parse_query

if TYPE_CHECKING:
    from imalink.catalog.search import FoundPhoto


@click.command("search")
@click.argument("words", metavar="[QUERY]...", nargs=-1)
@click.option(
    "--limit", type=int, default=DEFAULT_LIMIT, show_default=True, help=f"How many photos at most, up to {MAX_LIMIT}."
)
@click.option("--after", default=None, metavar="NEXT", help="Go on where the page before ended: its `next`.")
@common_options
def search_command(output: Output, words: tuple[str, ...], limit: int, after: str | None) -> None:
    """List the photos that fit, the latest taken first; without a QUERY, all.

    A word must stand in the title, the caption, a tag or the original file name. All parts of a QUERY must hold:

    \b
      date:2024  date:2024-07  date:2024-07-01..2024-07-31  from:2024-07  to:2024-08
      rating:4 (at least)  tag:rome  camera:"Canon EOS 5D"  author:anna
      session:42  storage:"Blue Samsung"  format:raw  name:IMG_00*  missing:yes

    Upper and lower case are the same. What is on offline storages is found too.
    """
    from imalink.workflows.search_photos import search_photos

    query = replace(parse_query(join_arguments(words)), limit=limit, after=after)
    with open_tools(output) as tools:
        page = search_photos(tools, query)
    if output.as_json:
        show_json({"photos": [found_json(photo) for photo in page.photos], "next": page.next})
        return
    if not page.photos:
        show_lines(["No photo fits."])
        return
    show_table(("TAKEN", "RATING", "NAME", "TITLE", "HOTHASH"), [_row(photo) for photo in page.photos])
    if page.next is not None and not output.is_quiet:
        show_note(f"There are more: add --after {page.next}")


def _taken(photo: FoundPhoto) -> str:
    """Give when it was taken; marked where nothing but the file's own time is known."""
    if photo.taken_at_local is None:
        return "undated"
    return photo.taken_at_local[:16].replace("T", " ") + (" ?" if photo.taken_at_source == "mtime" else "")


def _row(photo: FoundPhoto) -> tuple[str, ...]:
    return (
        _taken(photo),
        "★" * (photo.rating or 0),
        photo.original_filename,
        photo.title or "",
        photo.hothash[:10],
    )
