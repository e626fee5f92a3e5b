"""``imalink photos``: say which files are of one photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import json_text, plural, show_json, show_lines

if TYPE_CHECKING:
    from imalink.catalog.photos import PhotoRecord


@click.group()
def photos() -> None:
    """Say which files are of one photo."""


@photos.command("join")
@click.argument("hothashes", metavar="HOTHASH...", nargs=-1, required=True)
@common_options
def join(output: Output, hothashes: tuple[str, ...]) -> None:
    """Make one photo of those that hold these pictures; no file is touched."""
    from imalink.workflows.group_photos import join_photos

    with open_tools(output) as tools:
        photo = join_photos(tools, hothashes)
    if output.as_json:
        show_json(_photo_json(photo))
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
        show_json({"photo": _photo_json(found.alone), "left": _photo_json(found.left)})
    elif not output.is_quiet:
        show_lines([*_photo_lines(found.alone), *_photo_lines(found.left)])


def _photo_lines(photo: PhotoRecord) -> list[str]:
    return [
        f"Photo {photo.photo.photo_uuid} has {plural(len(photo.files), 'file')}:",
        *(f"  {file.hothash[:10]}  {file.file_format:5}  {file.original_filename}" for file in photo.files),
    ]


def _photo_json(photo: PhotoRecord) -> dict[str, object]:
    return {
        "photo_uuid": photo.photo.photo_uuid,
        "primary": photo.files[0].hothash,
        "title": None if photo.facts.title is None else json_text(photo.facts.title),
        "rating": photo.facts.rating,
        "files": [
            {
                "hothash": file.hothash,
                "original_filename": json_text(file.original_filename),
                "file_format": file.file_format,
            }
            for file in photo.files
        ],
    }
