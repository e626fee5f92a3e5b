"""``imalink photos``: what holds for a photo, and which files are of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers import json_text
from imalink.answers.fact_words import fact_text, groups_of
from imalink.answers.photos import FIELD_WORDS, facts_json, photo_json
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import (
    plural,
    show_json,
    show_lines,
)
from imalink.core.user_facts import said_fields

if TYPE_CHECKING:
    from imalink.catalog.photos import PhotoRecord


@click.group()
def photos() -> None:
    """Look at photos, and say which files are of one."""


@photos.command("show")
@click.argument("hothash", metavar="HOTHASH")
@common_options
def show(output: Output, hothash: str) -> None:
    """Show what holds for the photo that holds a picture, what of it you said, and its files."""
    from imalink.workflows.look_at_photo import look_at_photo

    with open_tools(output) as tools:
        photo = look_at_photo(tools, hothash)
    if output.as_json:
        show_json(
            {
                **photo_json(photo),
                **facts_json(photo.facts),
                "said": sorted(json_text(name) for name in said_fields(photo.photo)),
            }
        )
        return
    said = groups_of(list(said_fields(photo.photo)))
    rows = [(name, fact_text(photo.facts, name)) for name in FIELD_WORDS]
    show_lines(
        [
            *_photo_lines(photo),
            *(f"  {FIELD_WORDS[name]:10}{text}{'  (you)' if name in said else ''}" for name, text in rows if text),
        ]
    )


@photos.command("join")
@click.argument("hothashes", metavar="HOTHASH...", nargs=-1, required=True)
@common_options
def join(output: Output, hothashes: tuple[str, ...]) -> None:
    """Make one photo of those that hold these pictures; no file is touched."""
    from imalink.workflows.group_photos import join_photos

    with open_tools(output) as tools:
        photo = join_photos(tools, hothashes)
    if output.as_json:
        show_json(photo_json(photo))
    elif not output.is_quiet:
        show_lines(_photo_lines(photo))


@photos.command("split")
@click.argument("hothash", metavar="HOTHASH")
@common_options
def split(output: Output, hothash: str) -> None:
    """Make a picture a photo of its own; what you said stays with the photo it leaves."""
    from imalink.workflows.group_photos import split_photo

    with open_tools(output) as tools:
        found = split_photo(tools, hothash)
    if output.as_json:
        show_json({"photo": photo_json(found.alone), "left": photo_json(found.left)})
    elif not output.is_quiet:
        show_lines([*_photo_lines(found.alone), *_photo_lines(found.left)])


def _photo_lines(photo: PhotoRecord) -> list[str]:
    return [
        f"Photo {photo.photo.photo_uuid} has {plural(len(photo.files), 'file')}:",
        *(f"  {file.hothash[:10]}  {file.file_format:5}  {file.original_filename}" for file in photo.files),
    ]
