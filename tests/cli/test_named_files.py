"""Commands that take a hothash take a file too; and what a text means is never a guess."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from tests.cli.test_output import Here
from tests.support.photos import make_jpeg
from tests.support.scenes import Scene

A, B = "IMG_0001.jpg", "IMG_0002.jpg"


@pytest.fixture
def here(scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    monkeypatch.chdir(scene.folder)
    return Here(scene.bench.home, monkeypatch, capsys)


def test_a_file_anywhere_means_the_picture_in_it(scene: Scene, here: Here) -> None:
    copied = shutil.copyfile(scene.photos / A, scene.folder / "from the phone.jpg")
    for text in (scene.photos / A, copied, copied.name):
        said = here("find", text)
        assert (said.code, said.out) == (0, f"{scene.photos / A}\n")
        assert here("whereis", text, "--json").json[0]["hothash"] == scene.hothash(A)
    assert here("edit", copied.name, "--rating", "4", "--json").json["photos"][0]["hothash"] == scene.hothash(A)


def test_a_file_that_is_gone_or_away_is_known_by_its_place(scene: Scene, here: Here) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).unlink()
    assert here("whereis", scene.photos / A, "--json").json[0]["hothash"] == hothash
    scene.root.rename(scene.folder / "unplugged")
    assert here("edit", scene.photos / B, "--title", "Rome", "-n", "--json").json["edited"] == 1


def test_a_file_that_was_edited_since_is_known_by_its_place(scene: Scene, here: Here) -> None:
    hothash = scene.hothash(A)
    make_jpeg(scene.photos / A, seed=77)
    assert here("whereis", scene.photos / A, "--json").json[0]["hothash"] == hothash


def test_a_file_with_the_name_of_a_hothash_goes_before_the_hothash(scene: Scene, here: Here) -> None:
    named = scene.hothash(A)[:12]
    assert here("whereis", named, "--json").json[0]["hothash"] == scene.hothash(A)
    shutil.copyfile(scene.photos / B, scene.folder / named)
    assert here("whereis", named, "--json").json[0]["hothash"] == scene.hothash(B)
    (scene.folder / named).unlink()
    (scene.folder / named).mkdir()
    assert here("whereis", named, "--json").json[0]["hothash"] == scene.hothash(A)


def test_a_file_of_which_nothing_is_known_is_10_and_one_that_is_none_is_told(scene: Scene, here: Here) -> None:
    stranger = make_jpeg(scene.folder / "stranger.jpg", seed=99)
    said = here("whereis", stranger)
    assert (said.code, "No picture is known like the one in" in said.err) == (10, True)
    assert here("edit", stranger, "--rating", "1").code == 10
    said = here("whereis", scene.folder / "nothing.jpg")
    assert (said.code, "There is no file" in said.err) == (10, True)
    assert here("find", stranger, scene.photos / A).out == f"{scene.photos / A}\n"
    said = here("whereis", f"{scene.photos}/")
    assert said.code != 0
    assert "Traceback" not in said.err


# --- operations tell what an edit said --------------------------------------------------------------------------------


def test_an_edit_is_listed_with_its_fields_and_values(scene: Scene, here: Here) -> None:
    hothash = scene.hothash(A)
    here("edit", hothash, "--rating", "3", "--title", "Rome")
    here("edit", hothash, "--rating", "5", "--tag", "+night")
    listed = here("operations").out
    assert "rating → 5" in listed
    assert "title → Rome" in listed
    newest = here("operations", "--json").json["operations"][0]
    assert newest["edits"] == []
    whole = here("operations", newest["operation_uuid"][:8], "--json").json["operations"]
    [edit] = whole[0]["edits"]
    assert {"field": "rating", "before": "3", "after": "5"} in edit["changes"]
    assert "rating: 3 → 5" in here("operations", newest["operation_uuid"][:8]).out


def test_the_preview_of_an_undo_shows_values_and_paths(scene: Scene, here: Here) -> None:
    here("edit", scene.hothash(A), "--rating", "3")
    here("edit", scene.hothash(A), "--rating", "5")
    said = here("undo", "-n")
    assert (said.code, "rating    5 → 3" in said.out) == (0, True)
    [photo] = here("undo", "-n", "--json").json["photos"]
    assert (photo["before"], photo["after"]) == ({"rating": 5}, {"rating": 3})
    scene.move(A, "rome/a.jpg")
    here("reindex", "Blue Samsung")
    assert f"photos/rome/a.jpg → photos/{A}" in here("undo", "-n").out


# --- words ------------------------------------------------------------------------------------------------------------


def test_the_list_of_sessions_names_their_storages(scene: Scene, here: Here) -> None:
    assert "Blue Samsung" in here("sessions", "list").out


def test_an_edit_of_a_session_that_says_nothing_is_2(scene: Scene, here: Here) -> None:
    said = here("sessions", "edit", "1")
    assert (said.code, "--title" in said.err) == (2, True)


def test_a_folder_of_storages_names_them(scene: Scene, here: Here) -> None:
    said = here("browse", scene.root.parent)
    assert (said.code, os.fspath(scene.root) in said.err) == (10, True)
    assert json.loads(here("browse", scene.root, "--json").out)["storage_uuid"] == scene.record.storage_uuid


def test_the_hint_of_a_search_can_be_typed_into_a_shell(here: Here) -> None:
    said = here("search", "train:late")
    assert (said.code, """'"train:…"'""" in said.err) == (2, True)
    assert here("search", '"train:late"').code == 0


@pytest.mark.parametrize("mode", ["trash", "hard"])
def test_the_place_of_a_deleted_file_tells_when_by_whom_and_how_it_was_deleted(
    scene: Scene, here: Here, mode: str
) -> None:
    hothash, place = scene.hothash(A), scene.photos / A
    assert here("delete", place, "--mode", mode, "--reason", "blurred", "--yes").code == 0
    said = here("whereis", place, "--json")
    assert said.code == 0, said.err
    [picture] = said.json
    [location] = picture["locations"]
    assert (picture["hothash"], location["status"]) == (hothash, "deleted")
    deleted = location["deleted"]
    assert {key: deleted[key] for key in ("by", "mode", "reason", "stood_at")} == {
        "by": "user",
        "mode": mode,
        "reason": "blurred",
        "stood_at": f"photos/{A}",
    }
    shown = here("whereis", place).out
    assert f"photos/{A} ({deleted['deleted_at'][:16].replace('T', ' ')}, by user, {mode}, blurred" in shown
    assert ("kept as .imalink-trash/" in shown) is (mode == "trash")
    assert here("whereis", scene.root / location["relative_path"], "--json").json[0]["hothash"] == hothash

    said = here("find", place)
    assert (said.code, said.out) == (10, "")
    assert "it was deleted" in said.err
    said = here("edit", place, "--rating", "4")
    assert said.code == 10
    assert "was deleted" in said.err
    assert "imalink trash restore" in said.err


def test_a_new_file_at_the_place_of_a_deleted_one_is_not_taken_for_it(scene: Scene, here: Here) -> None:
    place = scene.photos / A
    assert here("delete", place, "--yes").code == 0
    make_jpeg(place, seed=77, size=(64, 48))
    scene.look()
    added = here("reindex", "Blue Samsung", "--add-orphans", "--json")
    assert added.code in (0, 4), added.err
    [picture] = here("whereis", place, "--json").json
    assert [each["status"] for each in picture["locations"]] == ["present"]
