"""``imalink operations`` and ``undo`` as a user meets them: previewed, asked for, refused in words that help."""

from __future__ import annotations

import json
import re

import pytest

from imalink.workflows.edit_library import create_collection, edit_collection
from imalink.workflows.look_at_library import get_collection
from tests.support.scenes import Scene
from tests.support.stranger import Here

NAME = "Blue Samsung"


def test_a_look_is_listed_undone_and_done_again(scene: Scene, here: Here) -> None:
    scene.move("IMG_0001.jpg", "Rome/x.jpg")
    here("reindex", NAME)
    [operation, session] = json.loads(here("operations", "--json").out)["operations"]
    assert (operation["kind"], operation["state"], operation["counts"]) == ("reindex", "done", {"moved": 1})
    assert (session["kind"], session["state"], session["session_id"]) == ("import", "not-undoable", 1)
    shown = here("operations").out
    assert "Re-index: 1 moved" in shown
    assert "not-undoable (session 1)" in shown
    preview = here("undo", "--dry-run")
    assert (preview.code, preview.out.splitlines()[1]) == (0, "  photos/Rome/x.jpg → photos/IMG_0001.jpg")
    assert json.loads(here("operations", "--json").out)["operations"][0]["state"] == "done"
    undone = json.loads(here("undo", "--yes", "--json").out)
    assert (undone["undone"], undone["dry_run"]) == (operation["operation_uuid"], False)
    assert [(file["path_now"], file["path_then"]) for file in undone["files"]] == [
        ("photos/Rome/x.jpg", "photos/IMG_0001.jpg")
    ]
    assert (scene.photos / "Rome/x.jpg").exists()
    again = here("undo", undone["undo_uuid"][:8], "--yes")
    assert (again.code, "photos/IMG_0001.jpg → photos/Rome/x.jpg" in again.out) == (0, True)
    assert "Nothing changed since the last look" in here("reindex", NAME).out


def test_without_a_terminal_a_yes_is_needed(scene: Scene, here: Here) -> None:
    scene.move("IMG_0001.jpg", "Rome/x.jpg")
    here("reindex", NAME)
    said = here("undo")
    assert (said.code, said.out) == (2, "")
    assert "Nothing was changed" in said.err
    assert "--yes" in said.err
    assert json.loads(here("operations", "--json").out)["operations"][0]["kind"] == "reindex"


@pytest.mark.parametrize(("arguments", "code"), [((), 10), (("abcd",), 10)])
def test_nothing_to_undo_is_not_found(scene: Scene, here: Here, arguments: tuple[str, ...], code: int) -> None:
    said = here("undo", *arguments, "--yes")
    assert (said.code, said.out) == (code, "")
    assert "imalink operations" in said.err


def test_an_import_is_refused_with_the_command_that_helps(scene: Scene, here: Here) -> None:
    [session] = json.loads(here("operations", "--json").out)["operations"]
    said = here("undo", session["operation_uuid"], "--yes")
    assert said.code == 2
    assert "imalink sessions rollback 1" in said.err


def test_an_unplugged_storage_is_offline(scene: Scene, here: Here) -> None:
    scene.move("IMG_0001.jpg", "Rome/x.jpg")
    here("reindex", NAME)
    scene.root.rename(scene.root.with_name("unplugged"))
    said = here("undo", "--yes")
    assert (said.code, said.out) == (12, "")


def test_an_edit_of_the_library_is_shown_undone_and_done_again(scene: Scene, here: Here) -> None:
    made = create_collection(scene.bench.tools, "Italy")
    edit_collection(scene.bench.tools, made.key, title="Italia")
    assert re.search(r"done +\(library\) +Collection renamed: Italy → Italia", here("operations").out)
    [operation] = json.loads(here("operations", "--json", "--limit", "1").out)["operations"]
    shown = here("operations", operation["operation_uuid"][:8]).out.splitlines()
    assert shown[-1] == "  title: Italy → Italia"
    undone = here("undo", "--yes").out.splitlines()
    assert undone[0].startswith("Undid in the library: Collection renamed: Italy → Italia")
    assert undone[1:3] == ["  title: Italia → Italy", "Every storage is told."]
    assert get_collection(scene.bench.tools, made.key).title == "Italy"
    again = here("undo", undone[-1].split("`")[1].split()[-1], "--yes")
    assert (again.code, get_collection(scene.bench.tools, made.key).title) == (0, "Italia")
