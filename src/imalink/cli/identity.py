"""``imalink hothash``: which picture a file holds, no storage needed."""

from __future__ import annotations

from pathlib import Path

import click

from imalink.cli import errors
from imalink.cli.context import Output, common_options
from imalink.cli.render import json_text, show_json, show_lines, show_note


@click.command("hothash")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@common_options
def hothash_command(output: Output, files: tuple[Path, ...]) -> int:
    """Print the hothash of each FILE: the same for the same picture, whatever its name, place and metadata."""
    from imalink.workflows.identify import identify

    results = [identify(file) for file in files]
    if output.as_json:
        show_json(
            [
                {
                    "path": json_text(str(result.path)),
                    "hothash": result.fingerprint.hothash,
                    "hothash_method": result.fingerprint.method,
                    "sha256": result.fingerprint.sha256,
                    "file_size": result.fingerprint.size_bytes,
                }
                if result.fingerprint is not None
                else {"path": json_text(str(result.path)), "error": json_text(result.error)}
                for result in results
            ]
        )
    else:
        show_lines(
            f"{result.fingerprint.hothash}  {result.fingerprint.method}  {result.path}"
            for result in results
            if result.fingerprint is not None
        )
        for result in results:
            if result.fingerprint is None:
                show_note(f"{result.path}: {result.error}")
    unread = sum(result.fingerprint is None for result in results)
    if unread == len(results):
        return errors.NOT_FOUND if all(not result.path.exists() for result in results) else errors.FAILED
    return errors.SOURCES_UNREAD if unread else errors.DONE
