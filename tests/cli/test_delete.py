"""Deleting by a script: nobody is asked, so no more goes than was named, unless a yes was given."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imalink.workflows.storage_access import open_storage
from tests.support.scenes import Scene
from tests.support.stranger import Here
from tests.support.workbench import snapshot


@pytest.fixture
def twin(scene: Scene) -> Path:
    """A copy that the user made of the first picture, in the same storage."""
    copy = scene.at("best/IMG_0001.jpg")
    shutil.copy2(scene.photos / "IMG_0001.jpg", copy)
    scene.look()
    return copy


@pytest.mark.parametrize("mode", ["trash", "soft"])
def test_a_copy_that_nobody_named_is_not_deleted_without_a_yes(scene: Scene, here: Here, twin: Path, mode: str) -> None:
    before = snapshot(scene.root)
    said = here("delete", scene.photos / "IMG_0001.jpg", "--mode", mode)
    assert (said.code, said.out) == (2, "")
    assert "2 files would be deleted" in said.err
    assert "Nothing was changed." in said.err
    assert f"imalink delete {scene.photos / 'IMG_0001.jpg'}" in said.err
    assert "--yes" in said.err
    assert snapshot(scene.root) == before


def test_a_copy_in_another_storage_is_not_deleted_without_a_yes(scene: Scene, here: Here) -> None:
    disk = scene.folder / "second disk"
    disk.mkdir()
    assert here("storage", "create", disk, "--name", "Second").code == 0
    card = scene.folder / "card 1"
    assert here("import", card, "--storage", "Second", "--title", "Twice", "--duplicates", "keep-both").code == 0
    hothash = scene.hothash("IMG_0001.jpg")
    said = here("delete", hothash)
    assert said.code == 2
    assert "2 files would be deleted in 2 storages" in said.err
    assert (scene.photos / "IMG_0001.jpg").exists()

    said = here("delete", hothash, "--storage", "Second")
    assert said.code == 0, said.err
    assert (scene.photos / "IMG_0001.jpg").exists()
    assert here("whereis", hothash, "--json").json[0]["locations"][0]["status"] == "present"


def test_with_a_yes_all_of_the_photo_goes(scene: Scene, here: Here, twin: Path) -> None:
    assert here("delete", twin, "--yes").code == 0
    assert not twin.exists()
    assert not (scene.photos / "IMG_0001.jpg").exists()
    assert (scene.photos / "IMG_0002.jpg").exists()


def test_all_that_is_named_goes_without_a_yes(scene: Scene, here: Here, twin: Path) -> None:
    assert here("delete", twin, scene.photos / "IMG_0001.jpg").code == 0
    assert not twin.exists()
    assert not (scene.photos / "IMG_0001.jpg").exists()


def test_a_sidecar_goes_with_its_picture_without_a_yes(scene: Scene, here: Here) -> None:
    sidecar = scene.photos / "IMG_0002.xmp"
    sidecar.write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    scene.look()
    assert here("delete", scene.photos / "IMG_0002.jpg").code == 0
    assert not sidecar.exists()


def test_a_storage_that_is_at_work_is_told_and_the_trash_of_the_other_is_emptied(scene: Scene, here: Here) -> None:
    disk = scene.folder / "second disk"
    disk.mkdir()
    assert here("storage", "create", disk, "--name", "Second").code == 0
    card = scene.folder / "card 1"
    assert here("import", card, "--storage", "Second", "--title", "Twice", "--duplicates", "keep-both").code == 0
    hothash = scene.hothash("IMG_0001.jpg")
    assert here("delete", hothash, "--yes").code == 0
    with open_storage(scene.bench.tools, scene.record) as storage, storage.lock("test"):
        back = here("trash", "restore", hothash, "--json")
        assert here("delete", hothash, "--yes").code == 0
        emptied = here("trash", "empty", "--yes", "--json")
    assert (back.code, len(back.json["restored"]), len(back.json["left_storages"])) == (4, 1, 1)
    assert (emptied.code, emptied.json["file_count"], len(emptied.json["left_storages"])) == (4, 1, 1)
    assert [each["storage_uuid"] for each in here("trash", "list", "--json").json["items"]] == [
        scene.record.storage_uuid
    ]
    assert here("trash", "empty", "--yes").code == 0
