"""``imalink find`` and ``imalink whereis``: from a hothash to files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers import json_text
from imalink.answers.places import picture_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import (
    show_json,
    show_lines,
    show_note,
)

if TYPE_CHECKING:
    from imalink.workflows.find_file import Answer, FoundPlace


@click.command()
@click.argument("hothashes", metavar="HOTHASH|FILE...", nargs=-1, required=True)
@common_options
def find(output: Output, hothashes: tuple[str, ...]) -> int:
    """Print the full path of one file that holds each picture and can be opened now.

    A HOTHASH may be a unique prefix of 8 digits or more. A storage that does not have a picture where it should is
    re-indexed first. One that is not known, or cannot be reached, keeps no other from being printed.
    """
    from imalink.workflows.find_file import answer_each

    with open_tools(output) as tools:
        answers = answer_each(tools, list(hothashes), heals=True)
    if output.as_json:
        show_json([_answer_json(answer) for answer in answers])
    else:
        for answer in answers:
            if answer.picture is None:
                show_note(f"{answer.asked}: no picture with such a hothash is known.")
            elif answer.picture.is_deleted:
                show_note(f"{answer.asked[:16]}…: it was deleted; see `imalink trash list`.")
            elif answer.picture.path is None:
                show_note(f"{answer.asked[:16]}…: no file of it can be reached now; see `imalink whereis`.")
            else:
                show_lines([answer.picture.path])
    is_all_found = all(answer.picture is not None and answer.picture.path is not None for answer in answers)
    return errors.DONE if is_all_found else errors.NOT_FOUND


def _answer_json(answer: Answer) -> dict[str, object]:
    picture = answer.picture
    return {
        "hothash": json_text(answer.asked) if picture is None else picture.hothash,
        "path": None if picture is None or picture.path is None else json_text(picture.path),
    }


@click.command()
@click.argument("hothashes", metavar="HOTHASH|FILE...", nargs=-1, required=True)
@common_options
def whereis(output: Output, hothashes: tuple[str, ...]) -> int:
    """List every known place of each picture, offline ones too."""
    from imalink.workflows.find_file import find_files

    with open_tools(output) as tools:
        pictures = find_files(tools, list(hothashes))
    if output.as_json:
        show_json([picture_json(picture) for picture in pictures])
        return errors.DONE
    for picture in pictures:
        show_lines([picture.hothash])
        show_lines(f"  {place.status:8} {place.display_name}: {_place_text(place)}" for place in picture.places)
    return errors.DONE


def _place_text(place: FoundPlace) -> str:
    deleted = place.deleted
    if deleted is None:
        return place.relative_path
    why = f", {deleted.reason}" if deleted.reason else ""
    kept = f"; kept as {place.relative_path}" if place.relative_path != deleted.stood_at else ""
    when = deleted.at[:16].replace("T", " ")
    return f"{deleted.stood_at} ({when}, by {deleted.by}, {deleted.mode}{why}{kept})"
