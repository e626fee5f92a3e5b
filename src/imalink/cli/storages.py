"""``imalink storage``: create storages and see the known ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imalink.answers import import_json
from imalink.answers.storages import look_json, loss_json, statistics_json, storage_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import (
    is_terminal,
    plural,
    show_findings,
    show_json,
    show_lines,
    show_note,
    show_table,
    size_text,
)
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.catalog.file_storages import StorageRecord
    from imalink.catalog.forgetting import Loss


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
        show_json(storage_json(record))
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
        report = progress.run(
            lambda: adopt_folder(
                tools,
                folder=folder,
                display_name=name,
                description=description,
                is_indexed=not no_index,
                progress=progress,
            )
        )
    record, indexed = report.record, report.indexed
    if output.as_json:
        show_json({**storage_json(record), "indexed": None if indexed is None else import_json(indexed)})
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
        show_json({"storages": [{**storage_json(look.record), **look_json(look)} for look in looks]})
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
            look.status if look.record.is_active else f"{look.status}, inactive",
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
        show_json({**storage_json(record), **look_json(look)})
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


@storage.command("statistics")
@click.argument("name", metavar="STORAGE")
@common_options
def count(output: Output, name: str) -> None:
    """Count what is indexed in a storage, session by session; also while it is away: then as last known."""
    from imalink.workflows.look_at_sessions import list_sessions
    from imalink.workflows.storage_access import get_storage

    with open_tools(output) as tools:
        record = get_storage(tools, name)
        sessions = list_sessions(tools, storage=record.storage_uuid)
    if output.as_json:
        show_json(statistics_json(record, sessions))
        return
    show_lines(
        [
            f"{record.display_name} ({record.storage_uuid}): {plural(record.total_files, 'file')}, "
            f"{size_text(record.total_size_bytes)}, {plural(len(sessions), 'session')}."
        ]
    )
    if sessions:
        rows = [
            (
                str(each.session.number),
                each.session.title,
                each.session.status.value,
                f"{each.file_count:,}",
                size_text(each.statistics.total_size_bytes),
            )
            for each in sessions
        ]
        show_table(("ID", "TITLE", "STATUS", "FILES", "SIZE"), rows)


@storage.command("relocate")
@click.argument("name", metavar="STORAGE")
@click.argument("new_path", type=click.Path(path_type=Path))
@common_options
def relocate(output: Output, name: str, new_path: Path) -> None:
    """Tell where a storage stands now: NEW_PATH is its folder, or the folder around it.

    What stands there must be this very storage, by its signature. Nothing in it is changed.
    """
    from imalink.workflows.relocate_storage import relocate_storage
    from imalink.workflows.storage_access import get_storage

    with open_tools(output) as tools:
        found = relocate_storage(tools, get_storage(tools, name), new_path)
    if output.as_json:
        show_json({**storage_json(found.record), "copy_left_at": found.copy_left_at})
    elif not output.is_quiet:
        show_lines([f"{found.record.display_name} stands at {found.record.full_path}."])
        if found.copy_left_at is not None:
            show_note(f"A copy of it still answers at {found.copy_left_at}. Work only with one of them.")


@storage.command("deactivate")
@click.argument("name", metavar="STORAGE")
@common_options
def deactivate(output: Output, name: str) -> None:
    """Leave a storage out of look-ups until it is reactivated; it stays known, and nothing in it is touched."""
    _set_active(output, name, is_active=False)


@storage.command("reactivate")
@click.argument("name", metavar="STORAGE")
@common_options
def reactivate(output: Output, name: str) -> None:
    """Use a deactivated storage again."""
    _set_active(output, name, is_active=True)


def _set_active(output: Output, name: str, *, is_active: bool) -> None:
    from imalink.workflows.activate_storage import set_storage_active
    from imalink.workflows.storage_access import get_storage

    with open_tools(output) as tools:
        record = set_storage_active(tools, get_storage(tools, name), is_active=is_active)
    if output.as_json:
        show_json(storage_json(record))
    elif not output.is_quiet:
        state = "in use" if is_active else "left out of look-ups; `imalink storage reactivate` takes it back"
        show_lines([f"{record.display_name} is {state}."])


@storage.command("forget")
@click.argument("name", metavar="STORAGE")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what the library would lose sight of.")
@common_options
def forget(output: Output, name: str, dry_run: bool) -> None:
    """Take a storage out of the catalog and off this machine's list, after asking; its files are not touched.

    Photos that have a file in another storage stay. `imalink recover FOLDER` brings a forgotten storage back.
    """
    from imalink.workflows.forget_storage import forget_storage, look_before_forgetting
    from imalink.workflows.storage_access import get_storage

    with open_tools(output) as tools:
        record = get_storage(tools, name)
        loss = look_before_forgetting(tools, record)
        if not dry_run:
            _ask_to_forget(record, loss, output)
            loss = forget_storage(tools, record)
    if output.as_json:
        show_json(loss_json(record, loss, dry_run=dry_run))
    elif not output.is_quiet:
        if dry_run:
            show_lines(_loss_lines(record, loss))
        else:
            show_lines(
                [
                    f"Forgot {record.display_name}. Its files are in {record.full_path} as before;",
                    f"  imalink recover {_quoted(record.full_path)} would bring it back.",
                ]
            )


def _loss_lines(record: StorageRecord, loss: Loss) -> list[str]:
    lines = [
        f"{record.display_name} holds {plural(loss.file_count, 'file')} of {plural(loss.photo_count, 'photo')}.",
        f"  The library would lose sight of {plural(loss.lost_photo_count, 'photo')} that no other storage has, and of "
        f"{plural(loss.lost_session_count, 'session')}.",
    ]
    if loss.waiting_edit_count:
        lines.append(
            f"  {plural(loss.waiting_edit_count, 'edit')} could not be written to it yet and would be lost: plug it in "
            "first."
        )
    return lines


def _ask_to_forget(record: StorageRecord, loss: Loss, output: Output) -> None:
    """Show what would be lost sight of, and ask. Raises UsageError without a terminal, Abort for a no."""
    if output.assume_yes:
        return
    for line in _loss_lines(record, loss):
        show_note(line)
    if not is_terminal():
        raise UsageError(
            "Nobody can be asked whether to forget it. Nothing was changed.",
            hint="If that is what you want, run the same command with --yes.",
        )
    click.confirm("Forget it?", abort=True, err=True)


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
