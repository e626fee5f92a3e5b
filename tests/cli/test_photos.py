"""``imalink photos`` as a user has it, and as a program reads it."""

from __future__ import annotations

from tests.support.scenes import Scene
from tests.support.stranger import Here


def test_photos_are_joined_and_split_again(scene: Scene, here: Here) -> None:
    one, two = scene.hothash("IMG_0001.jpg"), scene.hothash("IMG_0002.jpg")
    joined = here("photos", "join", one[:12], two[:12], "--json")
    assert (joined.code, joined.err) == (0, "")
    assert joined.json["primary"] == one
    assert [(file["hothash"], file["original_filename"]) for file in joined.json["files"]] == [
        (one, "IMG_0001.jpg"),
        (two, "IMG_0002.jpg"),
    ]
    assert len(here("search", "--json").json["photos"]) == 2
    split = here("photos", "split", two, "--json").json
    assert split["left"]["photo_uuid"] == joined.json["photo_uuid"]
    assert [file["hothash"] for file in split["photo"]["files"]] == [two]
    assert len(here("search", "--json").json["photos"]) == 3


def test_a_join_is_told_in_words(scene: Scene, here: Here) -> None:
    said = here("photos", "join", scene.hothash("IMG_0001.jpg"), scene.hothash("IMG_0003.jpg"))
    assert said.code == 0
    assert "has 2 files:" in said.out
    assert "IMG_0003.jpg" in said.out


def test_what_cannot_be_split_is_2_and_a_storage_away_is_12(scene: Scene, here: Here) -> None:
    one, two = scene.hothash("IMG_0001.jpg"), scene.hothash("IMG_0002.jpg")
    assert here("photos", "split", one).code == 2
    assert here("photos", "join", one, one).code == 2
    scene.root.rename(scene.folder / "away")
    assert here("photos", "join", one, two).code == 12


def test_two_pictures_are_explained_in_words_and_for_programs(scene: Scene, here: Here) -> None:
    one, two = scene.photos / "IMG_0001.jpg", scene.photos / "IMG_0002.jpg"
    said = here("explain", one, two)
    assert said.code == 0
    assert "What is coded of the picture differs." in said.out
    told = here("explain", one, scene.hothash("IMG_0001.jpg"), "--json").json
    assert told["relation"] == "same-bytes"
    assert told["a"]["hothash"] == told["b"]["hothash"]
    assert told["differences"] == []


def test_a_session_tells_of_how_many_photos_its_files_are(scene: Scene, here: Here) -> None:
    assert here("sessions", "show", "1", "--json").json["photo_count"] == 3
    here("photos", "join", scene.hothash("IMG_0001.jpg"), scene.hothash("IMG_0003.jpg"))
    assert here("sessions", "show", "1", "--json").json["photo_count"] == 2
    assert "3 files of 2 photos" in here("sessions", "show", "1").out
