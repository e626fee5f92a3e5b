"""``imalink hothash`` and ``imalink explain``: which picture a file holds, and how two of them stand to each other."""

from __future__ import annotations

from pathlib import Path

import click

from imalink.answers.likeness import explanation_json, identified_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import (
    show_json,
    show_lines,
    show_note,
    show_table,
)


@click.command("hothash")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@common_options
def hothash_command(output: Output, files: tuple[Path, ...]) -> int:
    """Print the hothash of each FILE: the same for the same picture, whatever its name, place and metadata."""
    from imalink.workflows.identify import identify

    results = [identify(file) for file in files]
    if output.as_json:
        show_json([identified_json(result) for result in results])
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


@click.command("explain")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@common_options
def explain_command(output: Output, first: str, second: str) -> None:
    """Say in plain words why A and B are, or are not, the same picture; each is a file or a HOTHASH."""
    from imalink.workflows.explain import explain

    with open_tools(output) as tools:
        found = explain(tools, first, second)
    likeness = found.likeness
    if output.as_json:
        show_json(explanation_json(found))
        return
    show_lines(likeness.reasons)
    if likeness.differences:
        show_table(
            ("FACT", "A", "B"),
            [(each.fact, each.first or "-", each.second or "-") for each in likeness.differences],
        )
