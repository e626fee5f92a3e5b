"""A forgotten storage is out of sight with what only it had; its files stay, and it can come back whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from imalink.core.duplicate import DuplicatePolicy
from imalink.errors import NotFoundError
from imalink.workflows.activate_storage import set_storage_active
from imalink.workflows.edit_session import edit_session
from imalink.workflows.find_file import find_files
from imalink.workflows.forget_storage import forget_storage, look_before_forgetting
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.refer_to_folder import refer_to_folder
from tests.support.scenes import hothash_of
from tests.support.workbench import Workbench, make_source, snapshot


def copy_in(bench: Workbench, name: str, source: Path, title: str) -> None:
    record = next((each for each in bench.records() if each.display_name == name), None) or bench.create(name)
    request = ImportRequest(source=source, title=title, duplicates=DuplicatePolicy.KEEP_BOTH)
    import_photos(bench.tools, record, request)


@pytest.fixture
def card(bench: Workbench) -> Path:
    return make_source(bench.folder / "card", 3)


def test_what_only_it_had_goes_and_what_others_have_stays(bench: Workbench, card: Path) -> None:
    copy_in(bench, "Green", card, "Both have it")
    alone = bench.dump()
    copy_in(bench, "Blue", card, "Once more")
    copy_in(bench, "Blue", make_source(bench.folder / "other", 2, first_seed=30), "Only in Blue")
    edit_session(bench.tools, "2", title="Once more, renamed")
    blue = next(each for each in bench.records() if each.display_name == "Blue")
    before = snapshot(bench.disk)
    loss = look_before_forgetting(bench.tools, blue)
    assert (loss.file_count, loss.photo_count, loss.lost_photo_count, loss.lost_session_count) == (5, 5, 2, 2)
    with_blue = bench.dump()
    assert forget_storage(bench.tools, blue) == loss
    assert bench.dump() == alone
    assert snapshot(bench.disk) == before
    assert blue.storage_uuid not in bench.tools.registry.places()
    with pytest.raises(NotFoundError):
        find_files(bench.tools, [hothash_of(bench.folder / "other" / "IMG_0030.jpg")])
    candidates, _ = find_candidates(bench.tools, [bench.root(blue)])
    assert not candidates[0].is_trusted
    recover(bench.tools, candidates)
    assert bench.dump() == with_blue


def test_the_last_storage_can_go_too(bench: Workbench, card: Path) -> None:
    nothing = bench.dump()
    copy_in(bench, "Blue", card, "All there is")
    forget_storage(bench.tools, bench.records()[0])
    assert bench.dump() == nothing
    with pytest.raises(NotFoundError):
        find_candidates(bench.tools, [])


def test_a_forgotten_reference_storage_comes_back_when_its_folder_is_named(bench: Workbench, card: Path) -> None:
    request = ImportRequest(source=card, title="Lent")
    record = refer_to_folder(bench.tools, request).record
    assert record is not None
    with_it = bench.dump()
    home = snapshot(bench.tools.references.home_of(record.storage_uuid))
    for again in ("recover", "import"):
        forget_storage(bench.tools, record)
        assert not bench.records()
        assert snapshot(bench.tools.references.home_of(record.storage_uuid)) == home
        with pytest.raises(NotFoundError):
            find_candidates(bench.tools, [])
        if again == "recover":
            recover(bench.tools, find_candidates(bench.tools, [card])[0])
            assert bench.dump() == with_it
        else:
            found = refer_to_folder(bench.tools, request)
            assert not found.is_new and found.report.session_id is None
            assert [each.storage_uuid for each in bench.records()] == [record.storage_uuid]
            assert bench.records()[0].total_files == 3


def test_the_folder_around_a_forgotten_one_may_be_taken_in(bench: Workbench, card: Path) -> None:
    request = ImportRequest(source=card, title="Lent")
    inner = make_source(card / "inner", 1, first_seed=70)
    record = refer_to_folder(bench.tools, ImportRequest(source=inner, title="Inner")).record
    assert record is not None
    forget_storage(bench.tools, record)
    found = refer_to_folder(bench.tools, request)
    assert found.is_new and found.report.statistics.new_imports == 4


def test_no_file_of_an_inactive_storage_is_found(bench: Workbench, card: Path) -> None:
    copy_in(bench, "Blue", card, "Here")
    copy_in(bench, "Green", card, "There")
    blue, green = sorted(bench.records(), key=lambda each: each.display_name)
    wanted = hothash_of(card / "IMG_0001.jpg")
    set_storage_active(bench.tools, blue, is_active=False)
    found = find_files(bench.tools, [wanted])[0]
    assert found.path is not None and found.path.startswith(green.full_path)
    assert [place.status for place in found.places] == ["present", "present"]
    set_storage_active(bench.tools, green, is_active=False)
    assert find_files(bench.tools, [wanted], heals=True)[0].path is None
    set_storage_active(bench.tools, blue, is_active=True)
    found = find_files(bench.tools, [wanted])[0]
    assert found.path is not None and found.path.startswith(blue.full_path)
    noted = {storage.display_name: storage.is_active for storage in bench.tools.registry.storages()}
    assert noted == {"Blue": True, "Green": False}
