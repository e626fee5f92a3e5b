"""Rolling an import back: what it brought goes to the trash, what is the user's stays, and nothing hinders the next."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.duplicate import DuplicatePolicy
from imalink.core.edit_request import EditRequest
from imalink.core.session import SessionStatus
from imalink.core.user_facts import FactChange
from imalink.errors import NotFoundError, StorageOfflineError, UsageError
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.look_at_trash import list_trash
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.rollback_session import RollbackReport, rollback_session
from imalink.workflows.undo_operation import undo_operation
from tests.support.faults import CrashingCalls, SimulatedCrash
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.scenes import Scene, memory_folder
from tests.support.states import state_of
from tests.support.workbench import Workbench, make_source, snapshot

A, B, C = "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """Three pictures, imported and looked at once; the first has a sidecar."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        card = make_source(folder / "card", 3)
        (card / "IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
        made.import_(card)
        made.look()
        yield made


def rollback(scene: Scene, session: str = "1", *, dry_run: bool = False) -> RollbackReport:
    report = rollback_session(scene.bench.tools, session, dry_run=dry_run)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    return report


def below(scene: Scene) -> set[str]:
    return {str(path.relative_to(scene.photos)) for path in scene.photos.rglob("*") if path.is_file()}


def staying(report: RollbackReport) -> set[str]:
    return {each.path.removeprefix("photos/") for each in report.staying}


def going(report: RollbackReport) -> set[str]:
    return {each.path.removeprefix("photos/") for each in report.files}


def test_a_rollback_is_previewed_carried_out_and_undone(scene: Scene) -> None:
    edit_photos(scene.bench.tools, [scene.hothash(A)], EditRequest(said=FactChange.of({"rating": 4})))
    before, files = state_of(scene), snapshot(scene.photos)
    whole = snapshot(scene.root)
    preview = rollback(scene, dry_run=True)
    assert going(preview) == {A, "IMG_0001.xmp", B, C}
    assert snapshot(scene.root) == whole
    report = rollback(scene)
    assert going(report) == going(preview)
    assert below(scene) == set()
    index = scene.bench.session(scene.record)
    assert (index.session.status, index.files) == (SessionStatus.ROLLED_BACK, {})
    assert [item.kind for item in list_trash(scene.bench.tools).items] == ["rolled-back"] * 3
    with pytest.raises(UsageError, match="already"):
        rollback(scene)
    undo_operation(scene.bench.tools)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    assert snapshot(scene.photos) == files
    assert state_of(scene) == before
    scene.settle()


def test_the_same_card_can_be_imported_again(scene: Scene) -> None:
    rollback(scene)
    report = scene.bench.import_(scene.record, scene.folder / "card", title="Again")
    assert (report.statistics.new_imports, report.deleted_before) == (3, 0)
    assert below(scene) == {A, "IMG_0001.xmp", B, C}


def test_what_the_user_moved_is_found_and_what_he_changed_or_added_stays(scene: Scene) -> None:
    scene.move(A, "Rome/x.jpg")
    set_rating_in_place(scene.photos / B, 5)
    make_jpeg(scene.at("Rome/own.jpg"), seed=90)
    preview = rollback(scene, dry_run=True)
    assert {"Rome/x.jpg", C} <= going(preview)
    report = rollback(scene)
    assert {"Rome/x.jpg", C} <= going(report)
    assert below(scene) - {"IMG_0001.xmp"} == {B, "Rome/own.jpg"}
    assert {B, "Rome/own.jpg"} <= staying(report)


def test_a_copy_that_the_user_made_stays(scene: Scene) -> None:
    shutil.copyfile(scene.photos / A, scene.at("copies/a.jpg"))
    scene.look()
    report = rollback(scene)
    assert below(scene) == {"copies/a.jpg"}
    assert staying(report) == {"copies/a.jpg"}


def test_a_sidecar_that_the_user_wrote_stays(scene: Scene) -> None:
    (scene.photos / "IMG_0002.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'>mine</x:xmpmeta>")
    (scene.photos / "IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'>changed</x:xmpmeta>")
    report = rollback(scene)
    assert below(scene) == {"IMG_0001.xmp", "IMG_0002.xmp"}
    assert "IMG_0001.xmp" in staying(report)


def test_the_files_of_other_sessions_stay(scene: Scene) -> None:
    hothash = scene.hothash(A)
    scene.bench.import_(scene.record, scene.folder / "card", title="Twice", duplicates=DuplicatePolicy.KEEP_BOTH)
    scene.look()
    rollback(scene, "2")
    assert below(scene) == {A, "IMG_0001.xmp", B, C}
    assert scene.place_of(hothash) == A
    scene.settle()


def test_taking_in_place_is_taken_back_and_no_file_is_touched(scene: Scene) -> None:
    make_jpeg(scene.at("own/a.jpg"), seed=90)
    scene.look(adds_orphans=True)
    before, files = state_of(scene), snapshot(scene.photos)
    report = rollback(scene, "2")
    assert (going(report), report.files[0].is_in_place) == ({"own/a.jpg"}, True)
    assert snapshot(scene.photos) == files
    assert list_trash(scene.bench.tools).items == ()
    assert list(scene.look().orphans) == ["photos/own/a.jpg"]
    undo_operation(scene.bench.tools)
    undo_operation(scene.bench.tools)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    assert state_of(scene) == before


def test_a_folder_that_is_only_read_is_left_alone(scene: Scene) -> None:
    lent = make_source(scene.folder / "lent", 2, first_seed=50)
    files = snapshot(lent)
    referred = refer_to_folder(scene.bench.tools, ImportRequest(source=lent, title="Lent"))
    report = rollback(scene, str(referred.report.session_id))
    assert len(report.files) == 2
    assert snapshot(lent) == files
    assert all(file.is_in_place for file in report.files)
    again = refer_to_folder(scene.bench.tools, ImportRequest(source=lent, title="Again"))
    assert again.report.statistics.new_imports == 2


def test_an_interrupted_import_can_be_taken_back(tmp_path: Path, empty_catalog: Path) -> None:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as bench:
        record = bench.create()
        card = make_source(tmp_path / "card", 3)
    bench = bench.restart(CrashingCalls(95))
    with pytest.raises(SimulatedCrash):
        bench.import_(record, card)
    bench = bench.restart()
    report = rollback_session(bench.tools, "1")
    assert bench.session(record).session.status is SessionStatus.ROLLED_BACK
    assert report.files
    assert not any(path.is_file() for path in (bench.root(record) / "photos").rglob("*"))
    bench.close()


def test_a_new_machine_knows_that_it_was_rolled_back(scene: Scene, empty_catalog: Path) -> None:
    rollback(scene)
    with Workbench(scene.folder, empty_catalog=empty_catalog, name="new machine") as new:
        candidates, _ = find_candidates(new.tools, [scene.root])
        recover(new.tools, candidates)
        assert new.dump() == scene.bench.dump()


def test_an_unplugged_storage_or_an_unknown_session_is_an_error(scene: Scene) -> None:
    with pytest.raises(NotFoundError):
        rollback(scene, "9")
    scene.root.rename(scene.root.with_name("unplugged"))
    with pytest.raises(StorageOfflineError):
        rollback(scene)
