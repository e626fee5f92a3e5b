"""``imalink find`` and ``imalink whereis``: from a hothash to files."""

from __future__ import annotations

import click

from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import json_text, show_json, show_lines, show_note


@click.command()
@click.argument("hothashes", metavar="HOTHASH...", nargs=-1, required=True)
@common_options
def find(output: Output, hothashes: tuple[str, ...]) -> int:
    """Print the full path of one file that holds each picture and can be opened now.

    A HOTHASH may be a unique prefix of 8 digits or more. A storage that does not have a picture where it should is
    re-indexed first.
    """
    from imalink.workflows.find_file import find_files

    with open_tools(output) as tools:
        pictures = find_files(tools, list(hothashes), heals=True)
    if output.as_json:
        show_json(
            [
                {"hothash": picture.hothash, "path": None if picture.path is None else json_text(picture.path)}
                for picture in pictures
            ]
        )
    else:
        show_lines(picture.path for picture in pictures if picture.path is not None)
    unreachable = [picture for picture in pictures if picture.path is None]
    for picture in unreachable:
        if not output.as_json:
            show_note(f"{picture.hothash[:16]}…: no file of it can be reached now; see `imalink whereis`.")
    return errors.NOT_FOUND if unreachable else errors.DONE


@click.command()
@click.argument("hothashes", metavar="HOTHASH...", nargs=-1, required=True)
@common_options
def whereis(output: Output, hothashes: tuple[str, ...]) -> int:
    """List every known place of each picture, offline ones too."""
    from imalink.workflows.find_file import find_files

    with open_tools(output) as tools:
        pictures = find_files(tools, list(hothashes))
    if output.as_json:
        show_json(
            [
                {
                    "hothash": picture.hothash,
                    "photo_uuid": picture.photo_uuid,
                    "locations": [
                        {
                            "storage_uuid": place.storage_uuid,
                            "display_name": place.display_name,
                            "relative_path": json_text(place.relative_path),
                            "full_path": json_text(place.full_path),
                            "status": place.status,
                        }
                        for place in picture.places
                    ],
                }
                for picture in pictures
            ]
        )
        return errors.DONE
    for picture in pictures:
        show_lines([picture.hothash])
        show_lines(f"  {place.status:8} {place.display_name}: {place.relative_path}" for place in picture.places)
    return errors.DONE
