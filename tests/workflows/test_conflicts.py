"""The four kinds of conflict: told by every look under the same names, with what can be done about them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from imalink.answers import conflicts_json, reindex_json
from imalink.core.conflict import PathMismatch
from imalink.workflows.look_at_conflicts import find_elsewhere, list_conflicts
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_report import CompanionFate, ReindexReport
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import make_source

A, B, C = "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"
NO_FIX = ReindexRequest(fixes_paths=False)
NO_DUPLICATES = ReindexRequest(finds_duplicates=False)
Row = dict[str, object]


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


def look(scene: Scene, request: ReindexRequest = NO_FIX) -> ReindexReport:
    return reindex(scene.bench.tools, scene.record, request)


def told_by(scene: Scene, report: ReindexReport) -> dict[str, Row]:
    """Give what `reindex --json` says of conflicts, by their names."""
    elsewhere = find_elsewhere(scene.bench.tools, scene.record, report.missing_files)
    document = reindex_json(report, dry_run=False, storage_uuid=scene.record.storage_uuid, elsewhere=elsewhere)
    return {str(row["conflict_id"]): row for row in cast(list[Row], document["conflicts"])}


def listed(scene: Scene) -> dict[str, Row]:
    """Give what `imalink conflicts --json` says, by their names."""
    rows = conflicts_json(list_conflicts(scene.bench.tools, scene.record.storage_uuid))
    return {str(row["conflict_id"]): row for row in rows}


def actions(row: Row) -> list[str]:
    return [str(each["action"]) for each in cast(list[Row], row["actions"])]


def all_four(scene: Scene) -> ReindexReport:
    scene.add(f"rome/{C}", 60)
    scene.look(adds_orphans=True)
    (scene.photos / A).unlink()
    scene.move(B, "elsewhere/b.jpg")
    scene.add("new.jpg", 50)
    return look(scene)


def test_all_four_are_told_with_what_can_be_done(scene: Scene) -> None:
    rows = told_by(scene, all_four(scene))
    offered = {str(row["type"]): actions(row) for row in rows.values()}
    assert offered == {
        "missing_file": ["search", "remove"],
        "orphan_file": ["add", "leave-out"],
        "path_mismatch": ["update-index"],
        "duplicate_filename": ["keep-all", "rename", "delete"],
    }
    commands = [each["command"] for row in rows.values() for each in cast(list[Row], row["actions"]) if each["command"]]
    assert f"imalink reindex {scene.record.storage_uuid[:8]} --add-orphans" in commands
    assert all(str(command).startswith("imalink ") for command in commands)


@pytest.mark.parametrize("strategy", [Strategy.SMART, Strategy.FULL], ids=str)
def test_each_look_calls_them_by_the_same_names(scene: Scene, strategy: Strategy) -> None:
    rows = told_by(scene, all_four(scene))
    assert len(rows) == 4
    again = told_by(scene, look(scene, ReindexRequest(strategy=strategy, fixes_paths=False)))
    assert again.keys() == rows.keys()
    assert listed(scene).keys() == rows.keys()
    with scene.bench.restart() as later:
        found = conflicts_json(list_conflicts(later.tools, scene.record.storage_uuid))
    assert {row["conflict_id"] for row in found} == rows.keys()


def test_the_list_tells_as_much_as_the_report_and_more_of_orphans(scene: Scene) -> None:
    rows = told_by(scene, all_four(scene))
    for name, row in listed(scene).items():
        assert row.items() >= {**rows[name], "actions": row["actions"]}.items()
    [orphan] = [row for row in listed(scene).values() if row["type"] == "orphan_file"]
    assert orphan["file_size"] == (scene.photos / "new.jpg").stat().st_size
    assert orphan["reason"] == "File not in any import session"


def test_what_was_settled_is_a_conflict_no_more(scene: Scene) -> None:
    all_four(scene)
    shutil.rmtree(scene.photos / "rome")
    (scene.photos / "new.jpg").unlink()
    look(scene, ReindexRequest(removes_missing=True, accepts_losses=True))
    assert listed(scene) == {}
    assert scene.bench.master(scene.record).mismatches == ()


def test_the_master_has_them_all_and_its_reader_needs_only_what_it_cannot_derive(scene: Scene) -> None:
    all_four(scene)
    document = cast(dict[str, list[Row]], json.loads((scene.root / "imalink-master.json").read_bytes()))
    by_type = {str(row["type"]): row for row in document["conflicts"]}
    assert by_type.keys() == {"missing_file", "orphan_file", "path_mismatch", "duplicate_filename"}
    assert by_type["duplicate_filename"]["filename"] == C
    assert by_type["duplicate_filename"]["instances"] == [
        {"hothash": scene.hothash(C), "path": f"photos/{C}"},
        {"hothash": scene.hothash(f"rome/{C}"), "path": f"photos/rome/{C}"},
    ]
    assert by_type["path_mismatch"]["path"] == "photos/elsewhere/b.jpg"
    overview = cast(Row, json.loads((scene.root / "index.json").read_bytes()))
    assert overview["conflicts_count"] == 3  # names alone are none to settle


# --- a picture that another storage has -------------------------------------------------------------------------------


def test_a_copy_in_another_storage_is_offered_while_it_stands_there(scene: Scene) -> None:
    other = scene.bench.create("Red")
    card = scene.folder / "card again"
    shutil.copytree(scene.photos, card)
    scene.bench.import_(scene.bench.record(other.storage_uuid), make_source(scene.folder / "own", 1, first_seed=90))
    import_copies(scene, card)
    (scene.photos / A).unlink()
    report = look(scene)
    [row] = told_by(scene, report).values()
    [copy] = cast(list[Row], row["copies_elsewhere"])
    assert (copy["display_name"], copy["is_there"]) == ("Red", True)
    assert Path(str(copy["full_path"])).read_bytes() == (card / A).read_bytes()
    assert actions(row) == ["use-copy", "copy-back", "search", "remove"]
    scene.bench.root(other).rename(scene.folder / "unplugged")
    [row] = listed(scene).values()
    assert [each["is_there"] for each in cast(list[Row], row["copies_elsewhere"])] == [False]
    assert actions(row) == ["search", "remove"]


def import_copies(scene: Scene, card: Path) -> None:
    from imalink.core.duplicate import DuplicatePolicy

    red = next(each for each in scene.bench.records() if each.display_name == "Red")
    scene.bench.import_(red, card, title="Again", duplicates=DuplicatePolicy.KEEP_BOTH)


# --- "changed" is about this run --------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [Strategy.SMART, Strategy.FULL], ids=str)
def test_a_mismatch_that_was_told_before_is_no_change(scene: Scene, strategy: Strategy) -> None:
    scene.move(A, "rome/a.jpg")
    request = ReindexRequest(strategy=strategy, fixes_paths=False)
    first, again = look(scene, request), look(scene, request)
    assert (first.changes_detected, again.changes_detected) == (True, False)
    assert first.path_mismatches == again.path_mismatches  # the time of the first look included
    assert again.has_findings
    scene.move(B, "rome/b.jpg")
    assert look(scene, request).changes_detected
    scene.move("rome/b.jpg", B)
    assert look(scene, request).changes_detected
    assert not look(scene, request).changes_detected
    assert len(scene.look().moved_files) == 1
    assert scene.bench.master(scene.record).mismatches == ()
    scene.settle()


@pytest.mark.parametrize("strategy", [Strategy.SMART, Strategy.FULL], ids=str)
def test_a_copy_that_was_told_as_new_before_is_no_change(scene: Scene, strategy: Strategy) -> None:
    shutil.copyfile(scene.photos / A, scene.photos / "copy.jpg")
    shutil.copyfile(scene.photos / A, scene.photos / "copy 2.jpg")
    request = ReindexRequest(strategy=strategy, finds_duplicates=False)
    looks = [look(scene, request) for _ in range(3)]
    assert [each.changes_detected for each in looks] == [True, False, False]
    assert {each.orphans for each in looks} == {("photos/copy 2.jpg", "photos/copy.jpg")}


def test_a_known_copy_that_moved_is_no_change_each_time_where_none_are_looked_for(scene: Scene) -> None:
    shutil.copyfile(scene.photos / A, scene.photos / "copy.jpg")
    scene.look()
    scene.move("copy.jpg", "rome/copy.jpg")
    assert [look(scene, NO_DUPLICATES).changes_detected for _ in range(3)] == [True, False, False]
    shutil.copyfile(scene.photos / B, scene.photos / A)
    assert [look(scene, NO_DUPLICATES).changes_detected for _ in range(3)] == [True, False, False]


def test_a_mismatch_in_a_master_of_another_machine_is_known_here(scene: Scene) -> None:
    scene.move(A, "rome/a.jpg")
    [told] = look(scene).path_mismatches
    assert isinstance(told, PathMismatch)
    with scene.bench.restart() as later:
        assert not reindex(later.tools, scene.record, NO_FIX).changes_detected


# --- companions have rows of their own --------------------------------------------------------------------------------

SIDECAR = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


def fates(report: ReindexReport) -> list[tuple[CompanionFate, str | None, str | None]]:
    return [(each.fate, each.path, each.old_path) for each in report.companion_files]


def test_what_became_of_a_companion_is_told(scene: Scene) -> None:
    xmp = f"photos/{A}.xmp"
    scene.at(f"{A}.xmp").write_bytes(SIDECAR)
    report = scene.look()
    assert fates(report) == [(CompanionFate.ARRIVED, xmp, None)]
    assert [each.hothash for each in report.companion_files] == [scene.hothash(A)]
    scene.move(f"{A}.xmp", f"apart/{A}.xmp")
    report = scene.look()
    assert (report.changes_detected, report.moved_files) == (True, ())
    assert fates(report) == [(CompanionFate.MOVED, f"photos/apart/{A}.xmp", xmp)]
    scene.at(f"apart/{A}.xmp").write_bytes(SIDECAR + b"\n")
    assert fates(scene.look()) == [(CompanionFate.CHANGED, f"photos/apart/{A}.xmp", None)]
    (scene.photos / "apart" / f"{A}.xmp").unlink()
    assert fates(scene.look()) == [(CompanionFate.GONE, None, f"photos/apart/{A}.xmp")]
    assert fates(scene.look()) == []


def test_a_companion_that_went_with_its_picture_is_told_beside_it(scene: Scene) -> None:
    scene.at(f"{A}.xmp").write_bytes(SIDECAR)
    scene.look()
    scene.move(A, f"rome/{A}")
    scene.move(f"{A}.xmp", f"rome/{A}.xmp")
    report = scene.look()
    assert [each.new_path for each in report.moved_files] == [f"photos/rome/{A}"]
    assert fates(report) == [(CompanionFate.MOVED, f"photos/rome/{A}.xmp", f"photos/{A}.xmp")]
