"""``imalink conflicts``: what index and disk disagree on, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from imalink.answers import action_words, conflicts_json, json_text
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import plural, show_json, show_lines
from imalink.core.conflict import ConflictType, actions_for

if TYPE_CHECKING:
    from imalink.core.conflict import DuplicateFilename, MissingFile
    from imalink.workflows.look_at_conflicts import Conflicts

_SHOWN = 15


@click.command("conflicts")
@click.argument("name", metavar="STORAGE")
@common_options
def conflicts_command(output: Output, name: str) -> int:
    """List what the index of STORAGE and the disk disagree on, as of the last re-index, and what you can do about it.

    Missing files, pictures in no session, files that stand elsewhere, and different pictures of one file name. Nothing
    is changed by looking.
    """
    from imalink.workflows.look_at_conflicts import list_conflicts

    with open_tools(output) as tools:
        found = list_conflicts(tools, name)
    if output.as_json:
        show_json(
            {
                "storage_uuid": found.storage.storage_uuid,
                "display_name": json_text(found.storage.display_name),
                "indexed_at": found.indexed_at,
                "conflicts": conflicts_json(found),
            }
        )
    elif not output.is_quiet:
        show_lines(_lines(found, is_verbose=output.is_verbose))
    return errors.FINDINGS if found.wait_for_choice else errors.DONE


def _lines(found: Conflicts, *, is_verbose: bool) -> list[str]:
    groups: tuple[tuple[ConflictType, str, list[str]], ...] = (
        (ConflictType.MISSING_FILE, "missing", [_missing_line(each, found) for each in found.missing]),
        (
            ConflictType.ORPHAN_FILE,
            "in no session",
            [
                f"{each.conflict_id}  {each.path}" + (f" (deleted {each.deleted_at[:10]})" if each.deleted_at else "")
                for each in found.orphans
            ],
        ),
        (
            ConflictType.PATH_MISMATCH,
            "not where the index has them",
            [f"{each.conflict_id}  {each.expected_path} → {each.path}" for each in found.mismatches],
        ),
        (ConflictType.DUPLICATE_FILENAME, "", [_name_line(each) for each in found.duplicates]),
    )
    lines: list[str] = []
    for conflict_type, title, rows in groups:
        if not rows:
            continue
        is_name = conflict_type is ConflictType.DUPLICATE_FILENAME
        count = plural(len(rows), "name of several pictures", "names of several pictures")
        lines.append(f"{count}:" if is_name else f"{plural(len(rows), 'file')} {title}:")
        shown = rows if is_verbose else rows[:_SHOWN]
        lines.extend(f"  {row}" for row in shown)
        if len(rows) > len(shown):
            lines.append(f"  … and {len(rows) - len(shown):,} more (-v shows them all)")
        lines.extend(_action_lines(conflict_type, found))
    return lines or [f"No conflicts in {found.storage.display_name}, as of {found.indexed_at}."]


def _missing_line(missing: MissingFile, found: Conflicts) -> str:
    copies = found.elsewhere.get(missing.hothash, ())
    told = "".join(
        f"; {'a copy is' if copy.is_there else 'perhaps a copy'} in {copy.display_name}: {copy.relative_path}"
        for copy in copies
    )
    return f"{missing.conflict_id}  {missing.expected_path} (last seen {missing.last_seen_at[:10]}){told}"


def _name_line(same: DuplicateFilename) -> str:
    return f"{same.conflict_id}  {same.filename}: {', '.join(path for _, path in same.instances)}"


def _action_lines(conflict_type: ConflictType, found: Conflicts) -> Iterable[str]:
    has_copy = any(copy.is_there for copies in found.elsewhere.values() for copy in copies)
    for action in actions_for(conflict_type, has_copy_elsewhere=has_copy):
        meaning, command = action_words(action, found.storage.storage_uuid, "HOTHASH")
        yield f"  - {meaning}" + (f"  {command}" if command else "")
