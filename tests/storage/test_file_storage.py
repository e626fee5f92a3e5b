"""Opening and making storages: by signature, through one handle, never into an empty mount point."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imalink.core.ids import StorageUuid
from imalink.errors import (
    ForeignStorageError,
    NewerFormatError,
    SignatureDamagedError,
    StorageLockedError,
    StorageOfflineError,
    UsageError,
)
from imalink.storage.file_storage import FileStorage
from imalink.storage.founding import found_in_place, found_storage
from tests.support.indexes import uuid_of
from tests.support.workbench import SteppingClock, snapshot

UUID = StorageUuid(uuid_of("storage"))
SIGNATURE = ".imalink-storage"


def create(base: Path, uuid: StorageUuid = UUID) -> Path:
    with found_storage(
        base, storage_uuid=uuid, display_name="Blue", description="The blue one", storage_id=None, clock=SteppingClock()
    ) as storage:
        return storage.root.path


def open_(path: Path, expected: StorageUuid | None = None) -> FileStorage:
    return FileStorage.open(path, clock=SteppingClock(), expected_uuid=expected)


def test_a_new_storage_is_named_by_time_and_uuid_and_has_all_its_files(tmp_path: Path) -> None:
    root = create(tmp_path)
    assert root.name == f"imalink_20241018_143053_{UUID[:8]}"
    assert {path.name for path in root.iterdir()} == {
        "index.json", "imports", "imalink-master.json", "photos", SIGNATURE, ".imalink"
    }  # fmt: skip
    with open_(root, UUID) as storage:
        assert storage.storage_uuid == UUID
        assert (storage.signature.display_name, storage.signature.description) == ("Blue", "The blue one")
        assert storage.indexes.load_overview().is_intact
        assert storage.indexes.load_master().is_intact
        assert storage.is_folded(storage.indexes.load_master().index)


def test_a_storage_is_not_made_where_no_folder_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        create(tmp_path / "mount point that is not there")
    assert list(tmp_path.iterdir()) == []


def test_a_storage_is_not_made_over_a_folder_that_is_there(tmp_path: Path) -> None:
    root = create(tmp_path)
    before = snapshot(root)
    with pytest.raises(UsageError):
        create(tmp_path)
    assert snapshot(root) == before


def adopt(folder: Path) -> FileStorage:
    return found_in_place(
        folder, storage_uuid=UUID, display_name="Mine", description="", storage_id=None, clock=SteppingClock()
    )


def test_an_adopted_folder_gains_only_names_that_begin_with_imalink(tmp_path: Path) -> None:
    for name in ("a.jpg", "imports/b.jpg", "photos/c.jpg", "index.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    before = snapshot(tmp_path)
    with adopt(tmp_path) as storage:
        assert storage.photo_root is None
        assert set(storage.scan().files) == {"a.jpg", "imports/b.jpg", "photos/c.jpg", "index.json"}
    after = snapshot(tmp_path)
    assert {name: after[name] for name in before} == before
    added = {name.split("/")[0] for name in after.keys() - before.keys()}
    assert added == {SIGNATURE, "imalink-master.json", "imalink-sessions", ".imalink"}
    with open_(tmp_path, UUID) as storage:
        assert (storage.signature.layout, storage.signature.photo_root) == ("indexed", ".")
        assert storage.is_folded(storage.indexes.load_master().index)


def test_a_storage_is_not_adopted_again_nor_what_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    adopt(tmp_path).close()
    before = snapshot(tmp_path)
    for folder in (tmp_path, tmp_path / "below"):
        with pytest.raises(UsageError):
            adopt(folder)
    assert snapshot(tmp_path) == before


def test_an_adoption_that_was_killed_before_the_signature_can_be_done_again(tmp_path: Path) -> None:
    adopt(tmp_path).close()
    (tmp_path / SIGNATURE).unlink()
    with adopt(tmp_path) as storage:
        assert storage.indexes.load_master().is_intact


def test_a_folder_that_is_not_there_is_not_adopted(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        adopt(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


def test_a_layout_of_a_later_version_is_refused_and_let_be(tmp_path: Path) -> None:
    adopt(tmp_path).close()
    text = (tmp_path / SIGNATURE).read_text().replace('"indexed"', '"hologram"')
    (tmp_path / SIGNATURE).write_text(text)
    before = snapshot(tmp_path)
    with pytest.raises(NewerFormatError):
        open_(tmp_path)
    assert snapshot(tmp_path) == before


def test_an_empty_folder_is_an_offline_storage_and_stays_empty(tmp_path: Path) -> None:
    with pytest.raises(StorageOfflineError):
        open_(tmp_path)
    with pytest.raises(StorageOfflineError):
        open_(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


def test_another_storage_at_the_place_is_not_taken_for_ours(tmp_path: Path) -> None:
    root = create(tmp_path)
    before = snapshot(root)
    with pytest.raises(ForeignStorageError):
        open_(root, StorageUuid(uuid_of("another")))
    assert snapshot(root) == before


@pytest.mark.parametrize("data", [b"", b"{", b"\x00" * 100, b"[]", b'{"storage_uuid": "no"}', b"x" * 70_000])
def test_a_signature_that_cannot_be_read_is_told_and_let_be(tmp_path: Path, data: bytes) -> None:
    root = create(tmp_path)
    (root / SIGNATURE).write_bytes(data)
    with pytest.raises(SignatureDamagedError):
        open_(root)
    assert (root / SIGNATURE).read_bytes() == data


def test_indexes_without_a_signature_are_a_damaged_storage_not_an_offline_one(tmp_path: Path) -> None:
    root = create(tmp_path)
    (root / SIGNATURE).unlink()
    with pytest.raises(SignatureDamagedError):
        open_(root)


def test_what_another_hand_wrote_into_the_signature_survives_a_fold(tmp_path: Path) -> None:
    root = create(tmp_path)
    with open_(root) as storage:
        document = json.loads((root / SIGNATURE).read_bytes())
        document["notes"] = "in the cupboard"
        document["shelf"] = 3
        (root / SIGNATURE).write_text(json.dumps(document))
        with storage.lock("test"):
            storage.fold()
    after = json.loads((root / SIGNATURE).read_bytes())
    assert (after["notes"], after["shelf"]) == ("in the cupboard", 3)


def test_one_lock_is_held_at_a_time(tmp_path: Path) -> None:
    root = create(tmp_path)
    with open_(root) as one, open_(root) as other, one.lock("import"):
        with pytest.raises(StorageLockedError), other.lock("reindex"):
            pass
    with open_(root) as storage, storage.lock("again"):
        pass


def test_a_storage_that_was_renamed_away_takes_no_more_scans(tmp_path: Path) -> None:
    root = create(tmp_path)
    with open_(root) as storage:
        root.rename(tmp_path / "elsewhere")
        (tmp_path / root.name).mkdir()
        with pytest.raises(StorageOfflineError):
            storage.scan()
    assert list((tmp_path / root.name).iterdir()) == []
