"""Healing: good bytes take the place of damaged ones from wherever they can be had, and nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.duplicate import DuplicatePolicy
from imalink.errors import UsageError
from imalink.workflows.heal import HealReport, heal
from imalink.workflows.look_at_operations import list_operations
from imalink.workflows.undo_operation import undo_operation
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest
from tests.support.photos import make_jpeg
from tests.support.rot import UnreadableCalls, flip_bit, spoil
from tests.support.scenes import Scene
from tests.support.workbench import SMALL, make_source, snapshot


class Twins:
    """Two storages with the same pictures and sidecar."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.bench = scene.bench
        self.card = make_source(scene.folder / "card", 4)
        (self.card / "IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
        scene.import_(self.card)
        other = scene.folder / "other disk"
        other.mkdir()
        self.other = self.bench.create("Second", other)
        self.bench.import_(self.other, self.card, duplicates=DuplicatePolicy.KEEP_BOTH)
        scene.look()
        scene.compares_files = False
        self.good = self.pictures()

    def pictures(self) -> dict[str, tuple[object, ...]]:
        return snapshot(self.scene.photos)

    def verify(self, record: StorageRecord | None = None) -> list[str]:
        report = verify(self.bench.tools, record or self.scene.record, VerifyRequest())
        return [finding.code for finding in report.findings]

    def heal(self, *hothashes: str, dry_run: bool = False) -> HealReport:
        return heal(self.bench.tools, self.scene.record, hothashes=hothashes, dry_run=dry_run)

    def unplug(self) -> None:
        (self.scene.folder / "other disk").rename(self.scene.folder / "unplugged")


@pytest.fixture
def twins(tmp_path: Path, empty_catalog: Path) -> Iterator[Twins]:
    with Scene(tmp_path, empty_catalog) as made:
        yield Twins(made)


def test_damaged_files_are_healed_byte_for_byte_from_another_storage_and_kept(twins: Twins) -> None:
    picture, sidecar = twins.scene.at("IMG_0001.jpg"), twins.scene.at("IMG_0001.xmp")
    flip_bit(picture)
    flip_bit(sidecar)
    spoilt = {picture.read_bytes(), sidecar.read_bytes()}
    assert twins.verify() == ["bit-rot-suspected"] * 2
    report = twins.heal()
    assert [each.path.name for each in report.healed] == ["IMG_0001.jpg", "IMG_0001.xmp"]
    assert all(each.source.startswith("Second: photos/IMG_0001") for each in report.healed)
    assert twins.pictures() == twins.good
    assert {(twins.scene.root / each.kept).read_bytes() for each in report.healed if each.kept is not None} == spoilt
    assert twins.verify() == []
    assert list((twins.scene.root / ".imalink/staging").iterdir()) == []


def test_a_missing_file_is_copied_back_with_the_time_it_had(twins: Twins) -> None:
    twins.scene.at("IMG_0002.jpg").unlink()
    report = twins.heal()
    assert [(each.path.name, each.kept) for each in report.healed] == [("IMG_0002.jpg", None)]
    assert twins.pictures() == twins.good
    assert twins.bench.master(twins.scene.record).missing() == []


def test_a_file_that_was_only_moved_is_not_copied_back(twins: Twins) -> None:
    twins.scene.move("IMG_0002.jpg", "Rome/IMG_0002.jpg")
    report = twins.heal()
    assert (report.healed, report.unhealed) == ([], [])
    assert not twins.scene.at("IMG_0002.jpg").exists()


def test_a_dry_run_says_what_would_be_healed_and_writes_nothing(twins: Twins) -> None:
    flip_bit(twins.scene.at("IMG_0001.jpg"))
    twins.verify()
    before = snapshot(twins.scene.root)
    report = twins.heal(dry_run=True)
    assert [each.source for each in report.healed] == ["Second: photos/IMG_0001.jpg"]
    assert snapshot(twins.scene.root) == before


def test_only_the_pictures_that_are_named_are_healed(twins: Twins) -> None:
    hothash = twins.scene.hothash("IMG_0002.jpg")
    flip_bit(twins.scene.at("IMG_0001.jpg"))
    flip_bit(twins.scene.at("IMG_0002.jpg"))
    twins.verify()
    assert [each.path.name for each in twins.heal(hothash[:12]).healed] == ["IMG_0002.jpg"]
    assert twins.verify() == ["bit-rot-suspected"]


def test_a_copy_that_is_damaged_itself_is_never_used(twins: Twins) -> None:
    flip_bit(twins.scene.at("IMG_0001.jpg"))
    flip_bit(twins.bench.root(twins.other) / "photos/IMG_0001.jpg", at=300)
    twins.verify()
    report = twins.heal()
    assert report.healed == []
    assert {finding.code for finding in report.findings} == {"copy-damaged", "no-good-copy"}
    twins.verify(twins.other)
    assert [finding.code for finding in twins.heal().findings] == ["no-good-copy"]


def test_a_storage_out_of_reach_that_should_have_the_bytes_is_named(twins: Twins) -> None:
    flip_bit(twins.scene.at("IMG_0001.jpg"))
    flip_bit(twins.scene.at("IMG_0001.xmp"))
    twins.verify()
    twins.unplug()
    assert [each.storages_away for each in twins.heal().unhealed] == [("Second",), ("Second",)]


def test_a_copy_in_the_same_storage_or_its_trash_will_do(twins: Twins) -> None:
    twins.unplug()
    first, second = twins.scene.at("IMG_0001.jpg"), twins.scene.at("IMG_0002.jpg")
    twins.scene.at("copies/IMG_0001.jpg").write_bytes(first.read_bytes())
    trash = twins.scene.root / ".imalink-trash/op/photos/IMG_0002.jpg"
    trash.parent.mkdir(parents=True)
    trash.write_bytes(second.read_bytes())
    twins.scene.look()
    flip_bit(first)
    flip_bit(second)
    twins.verify()
    sources = {each.path.name: each.source for each in twins.heal().healed}
    assert sources["IMG_0001.jpg"].endswith("photos/copies/IMG_0001.jpg")
    assert sources["IMG_0002.jpg"].endswith(".imalink-trash/op/photos/IMG_0002.jpg")
    assert twins.verify() == []


def test_what_the_user_wrote_there_meanwhile_is_left_alone(twins: Twins) -> None:
    path = twins.scene.at("IMG_0001.jpg")
    flip_bit(path)
    twins.verify()
    make_jpeg(path, seed=99, size=SMALL)
    edited = path.read_bytes()
    report = twins.heal()
    assert path.read_bytes() == edited
    assert report.healed == []


def test_a_file_that_is_whole_again_by_itself_is_only_taken_note_of(twins: Twins) -> None:
    path = twins.scene.at("IMG_0001.jpg")
    good = path.read_bytes()
    flip_bit(path)
    twins.verify()
    spoil(path, lambda _: good)
    report = twins.heal()
    assert [each.name for each in report.already_whole] == ["IMG_0001.jpg"]
    assert not (twins.scene.root / ".imalink/quarantine").exists()
    assert twins.verify() == []


def test_a_file_that_the_device_does_not_give_is_healed_too(twins: Twins) -> None:
    path = twins.scene.at("IMG_0001.jpg")
    inode = path.stat().st_ino
    with twins.bench.restart(UnreadableCalls(f"{twins.scene.root.name}/photos/IMG_0001.jpg")) as bench:
        verify(bench.tools, twins.scene.record, VerifyRequest())
        report = heal(bench.tools, twins.scene.record)
    assert [each.path.name for each in report.healed] == ["IMG_0001.jpg"]
    assert path.stat().st_ino != inode
    assert twins.pictures() == twins.good


def test_an_error_while_the_good_copy_is_read_is_told_and_harms_nothing(twins: Twins) -> None:
    path = twins.scene.at("IMG_0001.jpg")
    flip_bit(path)
    spoilt = path.read_bytes()
    twins.verify()
    with twins.bench.restart(UnreadableCalls(f"{twins.bench.root(twins.other).name}/photos/IMG_0001.jpg")) as bench:
        report = heal(bench.tools, twins.scene.record)
    assert {finding.code for finding in report.findings} == {"copy-damaged", "no-good-copy"}
    assert path.read_bytes() == spoilt


def test_indexes_manifests_and_previews_are_made_anew(twins: Twins) -> None:
    root = twins.scene.root
    own = [root / "imports/session_1.json", root / ".imalink/metadata/manifest/session_1.sha256"]
    own.append(next(root.glob(".imalink/hotpreviews/*/*/*.jpg")))
    preview = own[-1].read_bytes()
    for path in own:
        flip_bit(path)
    assert len(twins.verify()) == 3 - 1  # a manifest is only compared with an index that can be believed
    report = twins.heal()
    assert report.previews_made == 1
    assert own[-1].read_bytes() == preview
    assert twins.verify() == []


def test_an_index_that_only_lost_its_last_byte_is_found_and_written_again(twins: Twins) -> None:
    master = twins.scene.root / "imalink-master.json"
    spoil(master, lambda data: data[:-1])
    assert twins.verify() == ["index-unreadable"]
    twins.heal()
    assert twins.verify() == []


def test_healing_is_recorded_and_cannot_be_undone(twins: Twins) -> None:
    flip_bit(twins.scene.at("IMG_0001.jpg"))
    twins.verify()
    twins.heal()
    last = list_operations(twins.bench.tools)[0].record.operation
    assert (last.kind, last.title) == ("heal", "Heal: 1 damaged")
    with pytest.raises(UsageError):
        undo_operation(twins.bench.tools, last.operation_uuid)
