"""What an import must come through, as its user lives it: the source goes, the disk is away, it fails and goes on."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scenes import memory_folder
from tests.support.stranger import Stranger
from tests.support.workbench import make_source, snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as found:
        yield found


@pytest.fixture
def imalink(folder: Path) -> Stranger:
    (folder / "disk").mkdir()
    return Stranger(folder / "home")


def make_storage(imalink: Stranger, folder: Path) -> Path:
    said = imalink("storage", "create", folder / "disk", "--name", "Blue Samsung", "--json")
    return Path(said.json["full_path"])


def sums(folder: Path) -> list[str]:
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file())


def test_when_the_source_is_gone_every_picture_opens_from_the_storage(folder: Path, imalink: Stranger) -> None:
    card = make_source(folder / "card", 20)
    wanted = {found["hothash"]: found["sha256"] for found in imalink("hothash", *sorted(card.iterdir()), "--json").json}
    assert len(wanted) == 20
    make_storage(imalink, folder)
    said = imalink("import", card, "--storage", "Blue Samsung", "--title", "Italy", "--json")
    assert said.json["source_no_longer_needed"] is True
    shutil.rmtree(card)
    for found in imalink("find", *wanted, "--json").json:
        assert hashlib.sha256(Path(found["path"]).read_bytes()).hexdigest() == wanted[found["hothash"]]
    assert imalink("verify", "Blue Samsung").code == 0


def test_an_import_that_fails_is_taken_back_and_tried_again(folder: Path, imalink: Stranger) -> None:
    earlier = make_source(folder / "earlier", 2, first_seed=500)
    card = make_source(folder / "card", 150)
    before = snapshot(card)
    photos = make_storage(imalink, folder) / "photos"
    assert imalink("import", earlier, "--storage", "Blue Samsung", "--title", "Before").code == 0
    known = snapshot(photos)
    process = imalink.start("import", card, "--storage", "Blue Samsung", "--title", "Italy")
    deadline = time.monotonic() + 60
    while len(list(photos.iterdir())) < 5:
        assert process.poll() is None, "the import was over before it could be killed: make the card larger"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    process.communicate(timeout=60)
    statuses = [each["status"] for each in imalink("sessions", "list", "--json").json["sessions"]]
    assert statuses == ["interrupted", "completed"]

    said = imalink("sessions", "rollback", "2", "--yes", "--json")
    assert (said.code in (0, 4), said.json["status"]) == (True, "rolled-back"), said.err
    assert snapshot(photos) == known
    assert snapshot(card) == before

    said = imalink("import", card, "--storage", "Blue Samsung", "--title", "Italy again", "--json")
    assert (said.code, said.json["new_imports"], said.json["source_no_longer_needed"]) == (0, 150, True)
    assert sums(photos) == sorted([*sums(card), *sums(earlier)])


def test_while_the_storage_is_away_all_that_is_known_of_it_can_be_seen_and_said(
    folder: Path, imalink: Stranger
) -> None:
    card = make_source(folder / "card", 3)
    root = make_storage(imalink, folder)
    assert imalink("import", card, "--storage", "Blue Samsung", "--title", "Italy").code == 0
    hothash = imalink("hothash", card / "IMG_0001.jpg", "--json").json[0]["hothash"]
    root.rename(folder / "unplugged")
    assert [each["status"] for each in imalink("whereis", hothash, "--json").json[0]["locations"]] == ["offline"]
    assert len(imalink("search", "IMG", "--json").json["photos"]) == 3
    assert imalink("photos", "show", hothash).code == 0
    assert len(imalink("sessions", "show", "1", "--json").json["files"]) == 3
    said = imalink("edit", hothash, "--rating", "5", "--json")
    assert (said.code, said.json["edited"], len(said.json["waiting"])) == (0, 1, 1)
    assert imalink("find", hothash).code == 10
    assert not root.exists()

    (folder / "unplugged").rename(root)
    assert imalink("find", hothash).code == 0
    assert imalink("reindex", "Blue Samsung").code == 0
    assert imalink("storage", "show", "Blue Samsung", "--json").json["waiting_edits"] == 0


def test_a_storage_that_was_moved_goes_on_at_its_new_place(folder: Path, imalink: Stranger) -> None:
    card = make_source(folder / "card", 2)
    root = make_storage(imalink, folder)
    assert imalink("import", card, "--storage", "Blue Samsung", "--title", "Italy").code == 0
    moved = folder / "other mount" / root.name
    moved.parent.mkdir()
    root.rename(moved)
    assert imalink("import", card, "--storage", "Blue Samsung", "--title", "Again").code == 12
    assert imalink("recover", moved, "--yes").code == 0
    more = make_source(folder / "more", 2, first_seed=30)
    said = imalink("import", more, "--storage", "Blue Samsung", "--title", "More", "--json")
    assert (said.code, said.json["new_imports"]) == (0, 2)
    assert len(list((moved / "photos").iterdir())) == 4
