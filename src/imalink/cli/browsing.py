"""``imalink browse``: see what is in a storage's folder, without any catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.answers import finding_json, json_text
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
    from imalink.core.index import FileEntry, SessionIndex
    from imalink.workflows.browse_storage import BrowsedStorage


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
    place = place_of(
        text,
        registry=Registry(settings.registry_path, clock=clock),
        references=References(settings.data_directory, clock=clock),
    )
    found = browse_storage(place, clock=clock, number=number)
    if output.as_json:
        show_json(_storage_json(found))
    else:
        _show(found, with_files=number is not None or output.is_verbose)
        show_findings(found.findings, is_verbose=output.is_verbose)
    return errors.FINDINGS if found.findings else errors.DONE


def _show(found: BrowsedStorage, *, with_files: bool) -> None:
    away = "" if found.has_pictures else ", which is not there now"
    show_lines([f"{found.signature.display_name} ({found.signature.storage_uuid}) in {found.path}{away}"])
    for index in found.sessions:
        session = index.session
        show_lines(
            [
                f"Session {session.number}: {session.title}, {session.imported_at[:10]}, "
                f"{plural(index.file_count, 'file')}, {size_text(index.total_size_bytes)}"
                + (f", {index.missing_count:,} missing" if index.missing_count else "")
            ]
        )
        if with_files:
            entries = sorted(index.files.values(), key=lambda entry: entry.relative_path)
            show_lines(f"  {_line(entry)}" for entry in entries)


def _line(entry: FileEntry) -> str:
    taken = entry.facts.capture_time
    stars = "*" * (entry.facts.embedded.rating or 0)
    mark = "" if entry.status.value == "present" else "  (file not found)"
    return f"{taken.local[:16] if taken else '':16}  {stars:5}  {entry.relative_path}{mark}"


def _storage_json(found: BrowsedStorage) -> dict[str, object]:
    return {
        "storage_uuid": found.signature.storage_uuid,
        "display_name": json_text(found.signature.display_name),
        "path": json_text(str(found.path)),
        "layout": found.signature.layout,
        "is_accessible": found.has_pictures,
        "sessions": [_session_json(found, index) for index in found.sessions],
        "findings": [finding_json(finding) for finding in found.findings],
    }


def _session_json(found: BrowsedStorage, index: SessionIndex) -> dict[str, object]:
    return {
        "id": index.session.number,
        "session_uuid": index.session.session_uuid,
        "title": json_text(index.session.title),
        "description": json_text(index.session.description),
        "imported_at": index.session.imported_at,
        "file_count": index.file_count,
        "files": [
            {
                "hothash": entry.hothash,
                "relative_path": json_text(entry.relative_path),
                "full_path": json_text(str(found.path / entry.relative_path)),
                "status": entry.status.value,
                "taken_at": entry.facts.capture_time.taken_at if entry.facts.capture_time else None,
                "file_format": entry.facts.file_format,
                "rating": entry.facts.embedded.rating,
                "hotpreview": found.hotpreview(entry.hothash) if entry.has_hotpreview else None,
            }
            for entry in sorted(index.files.values(), key=lambda entry: entry.relative_path)
        ],
    }
