"""``imalink hothash`` and ``imalink explain``: which picture a file holds, and how two of them stand to each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imalink.answers import json_text
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import (
    show_json,
    show_lines,
    show_note,
    show_table,
)

if TYPE_CHECKING:
    from imalink.core.likeness import Subject


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
        show_json(
            {
                "relation": likeness.relation.value,
                "reasons": [json_text(reason) for reason in likeness.reasons],
                "a": _subject_json(found.first),
                "b": _subject_json(found.second),
                "differences": [
                    {
                        "fact": each.fact,
                        "a": None if each.first is None else json_text(each.first),
                        "b": None if each.second is None else json_text(each.second),
                    }
                    for each in likeness.differences
                ],
            }
        )
        return
    show_lines(likeness.reasons)
    if likeness.differences:
        show_table(
            ("FACT", "A", "B"),
            [(each.fact, each.first or "-", each.second or "-") for each in likeness.differences],
        )


def _subject_json(subject: Subject) -> dict[str, object]:
    return {
        "name": json_text(subject.label),
        "hothash": subject.hothash,
        "hothash_method": subject.method,
        "sha256": sorted(subject.sha256s),
        "photo_uuid": subject.photo_uuid,
    }
