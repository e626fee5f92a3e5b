"""``imalink edit`` as a user has it: from words to facts, with what waits, and what it refuses."""

from __future__ import annotations

import pytest

from tests.support.scenes import Scene
from tests.support.stranger import Here
from tests.support.workbench import snapshot


def test_an_edit_tells_before_and_after_and_is_found(scene: Scene, here: Here) -> None:
    hothash = scene.hothash("IMG_0002.jpg")
    report = here("edit", hothash[:10], "--rating", "4", "--tag", "+rome,Italy", "--shift-time", "+1h", "--json")
    assert (report.code, report.err) == (0, "")
    assert (report.json["edited"], report.json["unchanged"], report.json["waiting"]) == (1, 0, [])
    [photo] = report.json["photos"]
    assert (photo["hothash"], photo["original_filename"]) == (hothash, "IMG_0002.jpg")
    assert photo["before"] == {
        "rating": None,
        "tags": [],
        "taken_at_local": "2024-07-02T12:00:00",
        "taken_at_offset": None,
        "taken_at_source": "exif",
    }
    assert photo["after"] == {
        "rating": 4,
        "tags": ["Italy", "rome"],
        "taken_at_local": "2024-07-02T13:00:00",
        "taken_at_offset": None,
        "taken_at_source": "user",
    }
    [found] = here("search", "tag:rome", "rating:4", "--json").json["photos"]
    assert found["hothash"] == hothash


def test_an_edit_is_told_in_words(scene: Scene, here: Here) -> None:
    hothash = scene.hothash("IMG_0001.jpg")
    said = here("edit", hothash, "--title", "Roma", "--reject", "--set", "client=X")
    assert said.code == 0
    assert "Edited 1 photo:" in said.out
    assert "title     (none) → Roma" in said.out
    assert "rejected  no → yes" in said.out
    again = here("edit", hothash, "--title", "Roma")
    assert "Nothing to change of 1 photo" in again.out
    shown = here("photos", "show", hothash[:8])
    assert "title     Roma  (you)" in shown.out
    assert "custom    client=X  (you)" in shown.out
    assert here("photos", "show", hothash, "--json").json["said"] == ["custom.client", "rejected", "title"]
    back = here("edit", hothash, "--reset", "all")
    assert "title     Roma → (none)" in back.out
    assert here("photos", "show", hothash, "--json").json["said"] == []


def test_a_dry_run_changes_nothing(scene: Scene, here: Here) -> None:
    before = snapshot(scene.root)
    said = here("edit", scene.hothash("IMG_0001.jpg"), "--rating", "1", "-n")
    assert "Would edit 1 photo:" in said.out
    assert snapshot(scene.root) == before
    assert here("search", "rating:1", "--json").json["photos"] == []


def test_edits_wait_for_a_storage_that_is_away_and_are_counted(scene: Scene, here: Here) -> None:
    hothash = scene.hothash("IMG_0001.jpg")
    scene.root.rename(scene.folder / "away")
    said = here("edit", hothash, "--rating", "5")
    assert said.code == 0
    assert "1 edit waiting for Blue Samsung (storage-offline)." in said.err
    [left] = here("edit", hothash, "--title", "Rome", "--json").json["waiting"]
    assert (left["display_name"], left["edits"], left["status"]) == ("Blue Samsung", 2, "storage-offline")
    assert "2 edits waiting for Blue Samsung." in here("storage", "list").err
    assert "2 edits to be told" in here("storage", "show", "Blue Samsung").out
    assert here("storage", "show", "Blue Samsung", "--json").json["waiting_edits"] == 2
    (scene.folder / "away").rename(scene.root)
    assert here("reindex", "Blue Samsung").code == 0
    assert here("storage", "show", "Blue Samsung", "--json").json["waiting_edits"] == 0
    assert here("recover", "--check", "--json").json["differences"] == []


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--rating", "6"],
        ["--tag", "+a,-a"],
        ["--taken-at", "yesterday"],
        ["--shift-time", "1h"],
        ["--gps", "100,0"],
        ["--set", "client"],
        ["--set", "a=1", "--set", "a=2"],
        ["--set", "a=1", "--unset", "a"],
        ["--reset", "mood"],
        ["--rating", "3", "--reset", "rating"],
        ["--taken-at", "2024-07-10", "--shift-time", "+1h"],
        ["--rating", "3", "--title", "x" * 501],
    ],
)
def test_what_makes_no_sense_is_2_and_nothing_is_written(scene: Scene, here: Here, options: list[str]) -> None:
    before = snapshot(scene.root)
    said = here("edit", scene.hothash("IMG_0001.jpg"), *options)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Error: ")
    assert snapshot(scene.root) == before


def test_a_picture_that_is_not_known_is_10_and_what_is_no_hothash_2(scene: Scene, here: Here) -> None:
    known = scene.hothash("IMG_0001.jpg")
    assert here("edit", known, "0" * 64, "--rating", "3").code == 10
    assert here("edit", "abc", "--rating", "3").code == 2
    assert here("search", "rating:3", "--json").json["photos"] == []


def test_text_that_a_terminal_would_act_on_is_refused_and_any_other_shown(scene: Scene, here: Here) -> None:
    hothash = scene.hothash("IMG_0001.jpg")
    assert here("edit", hothash, "--title", "\x1b[31mred").code == 2
    said = here("edit", hothash, "--title", "Zürich \u202egpj", "--caption", "one\ntwo")
    assert "\u202e" not in said.out
    assert "one\\ntwo" in said.out
    assert here("photos", "show", hothash, "--json").json["caption"] == "one\ntwo"
