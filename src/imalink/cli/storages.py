"""``imalink storage``: create storages and see the known ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.importing import import_json
from imalink.cli.progress import progress_of
from imalink.cli.render import plural, show_findings, show_json, show_lines, show_note, show_table, size_text

if TYPE_CHECKING:
    from imalink.catalog.file_storages import StorageRecord
    from imalink.workflows.look_at_storages import StorageLook


@click.group()
def storage() -> None:
    """Create storages and see the known ones."""


@storage.command("create")
@click.argument("base_path", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What you call it, such as the label of its disk.")
@click.option("--description", default="", help="A note of your own.")
@click.option("-n", "--dry-run", is_flag=True, help="Only check that it could be made.")
@common_options
def create(output: Output, base_path: Path, name: str, description: str, dry_run: bool) -> None:
    """Make a new storage in a folder of its own below BASE_PATH, which must exist."""
    from imalink.workflows.create_storage import check_storage, create_storage

    with open_tools(output) as tools:
        if dry_run:
            check_storage(tools, base_path=base_path, display_name=name)
            if output.as_json:
                show_json({"dry_run": True, "base_path": str(base_path.absolute()), "display_name": name})
            elif not output.is_quiet:
                show_lines([f"A storage {name} can be made in {base_path}."])
            return
        record = create_storage(tools, base_path=base_path, display_name=name, description=description)
    if output.as_json:
        show_json(_storage_json(record))
    elif not output.is_quiet:
        show_lines(
            [
                f"Made the storage {record.display_name} ({record.storage_uuid[:8]}).",
                f"  {record.full_path}",
                f"Bring photos in with: imalink import FOLDER --storage {_quoted(record.display_name)} --title TITLE",
            ]
        )


@storage.command("adopt")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What you call it.")
@click.option("--description", default="", help="A note of your own.")
@click.option("--no-index", is_flag=True, help="Only make it a storage; a re-index finds its pictures.")
@common_options
def adopt(output: Output, folder: Path, name: str, description: str, no_index: bool) -> int:
    """Make your own FOLDER a storage in place, and index what is in it as one session.

    No picture is touched. All that ImaLink adds to the folder begins with imalink or .imalink.
    """
    from imalink.workflows.adopt_folder import adopt_folder

    with open_tools(output) as tools, progress_of(is_quiet=output.is_quiet) as progress:
        report = adopt_folder(
            tools, folder=folder, display_name=name, description=description, is_indexed=not no_index, progress=progress
        )
    record, indexed = report.record, report.indexed
    if output.as_json:
        show_json({**_storage_json(record), "indexed": None if indexed is None else import_json(indexed)})
    elif not output.is_quiet:
        show_lines([f"{record.full_path} is the storage {record.display_name} ({record.storage_uuid[:8]}) now."])
        if indexed is not None:
            counts = indexed.statistics
            show_lines(
                [
                    f"  {plural(counts.new_imports, 'picture')} ({size_text(counts.total_size_bytes)}), "
                    f"{plural(counts.companions, 'companion')} with them, are session {indexed.session_id}."
                ]
            )
            show_findings(indexed.findings, is_verbose=output.is_verbose)
    if indexed is not None and indexed.statistics.errors:
        return errors.SOURCES_UNREAD
    return errors.FINDINGS if indexed is not None and indexed.has_warnings else errors.DONE


@storage.command("list")
@common_options
def list_storages(output: Output) -> None:
    """List the known storages and whether each can be reached now."""
    from imalink.workflows.look_at_storages import look_at_storages

    with open_tools(output) as tools:
        looks = look_at_storages(tools)
        registered = len(tools.registry.places())
    if output.as_json:
        show_json({"storages": [{**_storage_json(look.record), **_look_json(look)} for look in looks]})
        return
    if not looks:
        hint = "No storage is known yet. Make one with: imalink storage create FOLDER --name NAME"
        if registered:
            hint = (
                f"The catalog is empty, but this machine knows {plural(registered, 'storage')}: run `imalink recover`."
            )
        show_lines([hint])
        return
    rows = [
        (
            look.record.storage_uuid[:8],
            look.record.display_name,
            look.status,
            f"{look.record.total_files:,}",
            size_text(look.record.total_size_bytes),
            look.record.full_path,
        )
        for look in looks
    ]
    show_table(("UUID", "NAME", "STATUS", "FILES", "SIZE", "FOLDER"), rows)
    for look in looks:
        if look.waiting_edits and not output.is_quiet:
            show_note(f"{plural(look.waiting_edits, 'edit')} waiting for {look.record.display_name}.")


@storage.command("show")
@click.argument("name", metavar="STORAGE")
@common_options
def show(output: Output, name: str) -> None:
    """Show one storage: STORAGE is a UUID, a unique prefix of it, a display name or a path."""
    from imalink.workflows.look_at_storages import look_at_storage

    with open_tools(output) as tools:
        look = look_at_storage(tools, name)
    record = look.record
    if output.as_json:
        show_json({**_storage_json(record), **_look_json(look)})
        return
    show_lines(
        [
            f"{record.display_name} ({record.storage_uuid})",
            f"  folder       {record.full_path}",
            f"  status       {look.status}" + (f": {look.reason}" if look.reason else ""),
            f"  layout       {record.layout}",
            f"  holds        {plural(record.total_files, 'file')}, {size_text(record.total_size_bytes)}",
            f"  free         {size_text(look.free_bytes) if look.free_bytes is not None else 'unknown'}",
            f"  created      {record.created_at}",
            f"  last look    {record.last_scan_at or 'never'}",
        ]
        + ([f"  waiting      {plural(look.waiting_edits, 'edit')} to be told"] if look.waiting_edits else [])
        + ([f"  description  {record.description}"] if record.description else [])
    )


def _storage_json(record: StorageRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "storage_uuid": record.storage_uuid,
        "uuid": record.storage_uuid,
        "directory_name": record.directory_name,
        "base_path": record.base_path,
        "full_path": record.full_path,
        "display_name": record.display_name,
        "description": record.description,
        "layout": record.layout,
        "created_at": record.created_at,
        "is_active": record.is_active,
        "total_files": record.total_files,
        "total_size_bytes": record.total_size_bytes,
        "last_scan": record.last_scan_at,
    }


def _look_json(look: StorageLook) -> dict[str, object]:
    return {
        "is_accessible": look.is_accessible,
        "status": look.status,
        "reason": look.reason,
        "free_bytes": look.free_bytes,
        "waiting_edits": look.waiting_edits,
    }


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
