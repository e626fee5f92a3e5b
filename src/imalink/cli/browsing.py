"""``imalink browse``: see what is in a storage's folder, without any catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers.places import browsed_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options
from imalink.cli.render import (
    plural,
    show_findings,
    show_json,
    show_lines,
    size_text,
)

if TYPE_CHECKING:
    from imalink.workflows.browse_storage import BrowsedFile, BrowsedStorage


@click.command("browse")
@click.argument("text", metavar="STORAGE")
@click.option("--session", "number", type=int, default=None, help="Only this session, with all its files.")
@common_options
def browse_command(output: Output, text: str, number: int | None) -> int:
    """Show the sessions and pictures of a storage by its own index files.

    STORAGE is its folder or, of one that this machine knows, its display name or the beginning of its UUID. Works
    without the catalog, on any machine, and writes nothing.
    """
    from imalink.runtime.container import SystemClock
    from imalink.runtime.registry import Registry
    from imalink.runtime.settings import load_settings
    from imalink.storage.references import References
    from imalink.workflows.browse_storage import browse_storage, place_of

    settings, clock = load_settings(), SystemClock()
    registry = Registry(settings.registry_path, clock=clock)
    references = References(settings.data_directory, clock=clock)
    place = place_of(text, registry=registry, references=references)
    is_trusted = place in registry.places().values() or references.is_home(place)
    found = browse_storage(place, clock=clock, references=references, number=number, is_trusted=is_trusted)
    if output.as_json:
        show_json(browsed_json(found))
    else:
        _show(found, with_files=number is not None or output.is_verbose)
        show_findings(found.findings, is_verbose=output.is_verbose)
    return errors.FINDINGS if found.findings else errors.DONE


def _show(found: BrowsedStorage, *, with_files: bool) -> None:
    away = "" if found.has_pictures else ", which is not there now"
    show_lines([f"{found.signature.display_name} ({found.signature.storage_uuid}) in {found.path}{away}"])
    for session in found.sessions:
        title = "its title is not known" if session.title is None else session.title
        when = f", {session.imported_at[:10]}" if session.imported_at else ""
        show_lines(
            [
                f"Session {session.number}: {title}{when}, "
                f"{plural(session.file_count, 'file')}, {size_text(session.total_size_bytes)}"
                + (f", {session.missing_count:,} missing" if session.missing_count else "")
                + (
                    ""
                    if session.known_from == "index"
                    else f" (its index is gone or damaged; this is from the {session.known_from})"
                )
            ]
        )
        if with_files:
            show_lines(f"  {_line(file)}" for file in session.files)
    if found.findings:
        name = found.signature.storage_uuid[:8]
        show_lines([f"Not every index could be read; `imalink regenerate {name}` makes them again."])


def _line(file: BrowsedFile) -> str:
    taken = file.facts.capture_time if file.facts else None
    stars = "*" * ((file.facts.embedded.rating if file.facts else None) or 0)
    mark = "" if file.status.value == "present" else "  (file not found)"
    return f"{taken.local[:16] if taken else '':16}  {stars:5}  {file.relative_path}{mark}"
