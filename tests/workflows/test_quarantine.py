"""The quarantine: damaged files that were healed are listed, come back by name, and go only when it is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from imalink.core.duplicate import DuplicatePolicy
from imalink.errors import NotFoundError
from imalink.workflows.empty_trash import empty_trash
from imalink.workflows.heal import heal
from imalink.workflows.look_at_quarantine import empty_quarantine, list_quarantine, restore_from_quarantine
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest
from tests.support.faults import CrashingCalls, LimitedCalls, SimulatedCrash
from tests.support.rot import flip_bit
from tests.support.scenes import Scene, memory_folder
from tests.support.stranger import Here
from tests.support.workbench import make_source, sha256_of, snapshot

A, B = "IMG_0001.jpg", "IMG_0002.jpg"


class Healed:
    """A storage of two pictures, the first of which was damaged and healed."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.tools = scene.bench.tools
        card = make_source(scene.folder / "card", 2)
        scene.import_(card)
        other = scene.folder / "other disk"
        other.mkdir()
        scene.bench.import_(scene.bench.create("Second", other), card, duplicates=DuplicatePolicy.KEEP_BOTH)
        scene.look()
        scene.compares_files = False
        self.good = sha256_of(scene.photos / A)
        flip_bit(scene.photos / A)
        self.damaged = sha256_of(scene.photos / A)
        verify(self.tools, scene.record, VerifyRequest())
        [healed] = heal(self.tools, scene.record).healed
        assert healed.kept is not None
        self.kept = scene.root / healed.kept


@pytest.fixture
def healed(tmp_path: Path, empty_catalog: Path) -> Iterator[Healed]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        yield Healed(made)


def test_it_is_listed_with_what_put_it_there_and_where_it_stood(healed: Healed) -> None:
    [file] = list_quarantine(healed.tools).files
    assert (file.path, file.stands_again, file.size_bytes) == (f"photos/{A}", True, healed.kept.stat().st_size)
    assert file.title.startswith("Heal")
    assert file.at


@pytest.mark.parametrize("name", [A, f"photos/{A}"])
def test_a_damaged_file_comes_back_by_name_beside_the_good_one(healed: Healed, name: str) -> None:
    photos = healed.scene.photos
    [target] = restore_from_quarantine(healed.tools, [name]).targets
    assert sha256_of(photos / A) == healed.good
    assert sha256_of(healed.scene.root / target) == healed.damaged
    assert target == "photos/IMG_0001 (2).jpg"
    assert not healed.kept.exists()
    assert list_quarantine(healed.tools).files == ()


def test_it_comes_back_to_its_own_place_where_that_is_free(healed: Healed) -> None:
    (healed.scene.photos / A).unlink()
    [target] = restore_from_quarantine(healed.tools, [A], dry_run=True).targets
    assert target == f"photos/{A}"
    assert healed.kept.exists()
    restore_from_quarantine(healed.tools, [A])
    assert sha256_of(healed.scene.photos / A) == healed.damaged


def test_nothing_of_that_name_changes_nothing(healed: Healed) -> None:
    before = snapshot(healed.scene.root)
    with pytest.raises(NotFoundError):
        restore_from_quarantine(healed.tools, [B])
    assert snapshot(healed.scene.root) == before


def test_emptying_the_trash_does_not_touch_it_and_emptying_it_by_name_does(healed: Healed) -> None:
    assert empty_trash(healed.tools).file_count == 0
    assert healed.kept.exists()
    assert [file.kept for file in empty_quarantine(healed.tools, dry_run=True).files] != []
    assert healed.kept.exists()
    empty_quarantine(healed.tools)
    assert not healed.kept.exists()
    assert sha256_of(healed.scene.photos / A) == healed.good


def test_what_a_user_put_there_or_what_may_be_all_that_is_left_is_not_removed(healed: Healed) -> None:
    own = healed.scene.root / ".imalink/quarantine/mine/notes.jpg"
    own.parent.mkdir()
    own.write_bytes(b"mine")
    (healed.scene.photos / A).unlink()
    report = empty_quarantine(healed.tools)
    assert report.files == ()
    assert len(report.left) == 2
    assert own.exists()
    assert healed.kept.exists()


def test_a_strangers_disk_cannot_have_a_file_put_among_imalinks_own(healed: Healed) -> None:
    planted = healed.scene.root / ".imalink/quarantine/evil/imports/session_9.json"
    planted.parent.mkdir(parents=True)
    planted.write_text("{}")
    report = restore_from_quarantine(healed.tools, ["session_9.json"])
    assert (report.files, len(report.left)) == ((), 1)
    assert not (healed.scene.root / "imports/session_9.json").exists()
    assert planted.exists()


@pytest.mark.parametrize("kind", ["renames", "links", "claims"])
def test_killed_before_any_call_of_bringing_it_back_its_bytes_stand_in_one_place(healed: Healed, kind: str) -> None:
    points = 0
    for at in count(1):
        inner = None if kind == "renames" else LimitedCalls(has_links=kind == "links")
        calls = CrashingCalls(at, inner=inner)
        with healed.scene.bench.restart(calls) as dying, suppress(SimulatedCrash):
            restore_from_quarantine(dying.tools, [A])
        everything = [sha256_of(path) for path in healed.scene.root.rglob("*") if path.is_file()]
        assert healed.damaged in everything, f"killed before call {at}"
        assert healed.good in everything, f"killed before call {at}"
        points += 1
        healed.scene.bench = dying.restart()
        if list_quarantine(healed.scene.bench.tools).files == ():
            break
    assert points > 3


@pytest.mark.parametrize("command", ["list", "restore", "empty"])
def test_the_commands_that_name_it_work_and_empty_asks(
    healed: Healed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    here = Here(healed.scene.bench.home, monkeypatch, capsys)
    if command == "list":
        [file] = here("trash", "list", "--quarantine", "--json").json["files"]
        assert file["relative_path"] == f"photos/{A}"
        assert f"photos/{A}" in here("trash", "list", "--quarantine").out
    elif command == "restore":
        assert "photos/IMG_0001 (2).jpg" in here("trash", "restore", A, "--quarantine").out
    else:
        said = here("trash", "empty", "--quarantine")
        assert (said.code, "needs a yes" in said.err) == (2, True)
        assert healed.kept.exists()
        assert here("trash", "empty", "--quarantine", "--yes").code == 0
        assert not healed.kept.exists()
