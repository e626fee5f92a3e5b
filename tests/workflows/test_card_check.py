"""A card is called safe to format only if every file of it is proved to be archived; each way not to be is tried."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from imalink.core.duplicate import DuplicatePolicy
from imalink.errors import NotFoundError, UsageError
from imalink.workflows.card_check import check_card
from imalink.workflows.card_check_report import CardCheckReport, CardCheckRequest, CardFileStatus
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.refer_to_folder import refer_to_folder
from tests.support.photos import make_jpeg
from tests.support.rot import UnreadableCalls, flip_bit
from tests.support.scenes import Scene
from tests.support.workbench import SMALL, make_source, snapshot


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with Scene(tmp_path, empty_catalog) as made:
        (card_of(made)).mkdir()
        make_source(card_of(made), 3)
        (card_of(made) / "IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
        made.import_(card_of(made))
        made.compares_files = False
        yield made


def card_of(scene: Scene) -> Path:
    return scene.folder / "card"


def check(scene: Scene, min_copies: int = 1, trust_days: float = 0, *, ignores_others: bool = False) -> CardCheckReport:
    request = CardCheckRequest(min_copies=min_copies, trust_days=trust_days, ignores_others=ignores_others)
    return check_card(scene.bench.tools, card_of(scene), request)


def add_second(scene: Scene) -> Path:
    folder = scene.folder / "second disk"
    folder.mkdir()
    record = scene.bench.create("Second", folder)
    scene.bench.import_(record, card_of(scene), duplicates=DuplicatePolicy.KEEP_BOTH)
    return scene.bench.root(record)


def unsafe(report: CardCheckReport, status: CardFileStatus, name: str) -> bool:
    """Tell whether it is not safe, and for this reason and file alone."""
    found = {each.path.name: each.status for each in report.files if each.status is not CardFileStatus.SAFE}
    return not report.is_safe and report.sentence.endswith(": not safe to format") and found == {name: status}


def test_a_card_of_which_everything_is_archived_is_safe_and_says_so(scene: Scene) -> None:
    before = snapshot(card_of(scene))
    report = check(scene)
    assert report.is_safe
    assert report.sentence == "4 of 4 stored, verified, on 1 storage: safe to format"
    add_second(scene)
    assert check(scene, 2).sentence == "4 of 4 stored, verified, on 2 storages: safe to format"
    assert snapshot(card_of(scene)) == before


def test_a_picture_or_companion_that_is_not_stored_is_not_safe(scene: Scene) -> None:
    make_jpeg(card_of(scene) / "new.jpg", seed=50, size=SMALL)
    assert unsafe(check(scene), CardFileStatus.NOT_STORED, "new.jpg")
    (card_of(scene) / "new.jpg").unlink()
    (card_of(scene) / "IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'> </x:xmpmeta>")
    assert unsafe(check(scene), CardFileStatus.NOT_STORED, "IMG_0001.xmp")


def test_a_picture_that_is_stored_with_other_metadata_is_not_safe(scene: Scene) -> None:
    path = card_of(scene) / "IMG_0001.jpg"
    path.write_bytes(path.read_bytes().replace(b"2024:07", b"2023:07"))
    assert unsafe(check(scene), CardFileStatus.OTHER_BYTES, "IMG_0001.jpg")


def test_a_picture_whose_archived_file_is_damaged_or_missing_is_not_safe(scene: Scene) -> None:
    flip_bit(scene.at("IMG_0001.jpg"))
    assert unsafe(check(scene), CardFileStatus.DAMAGED, "IMG_0001.jpg")
    scene.at("IMG_0001.jpg").unlink()
    assert unsafe(check(scene), CardFileStatus.DAMAGED, "IMG_0001.jpg")
    scene.look()
    assert unsafe(check(scene), CardFileStatus.DAMAGED, "IMG_0001.jpg")


def test_a_damaged_companion_is_not_safe(scene: Scene) -> None:
    flip_bit(scene.at("IMG_0001.xmp"))
    assert unsafe(check(scene), CardFileStatus.DAMAGED, "IMG_0001.xmp")


def test_what_is_only_on_an_offline_storage_is_not_safe(scene: Scene) -> None:
    scene.root.parent.rename(scene.folder / "unplugged")
    report = check(scene)
    assert not report.is_safe
    assert {each.status for each in report.files} == {CardFileStatus.OFFLINE}
    assert {each.storages_away for each in report.files} == {("Blue Samsung",)}


def test_too_few_copies_are_not_safe(scene: Scene) -> None:
    second = add_second(scene)
    flip_bit(second / "photos/IMG_0002.jpg")
    assert check(scene).is_safe
    assert unsafe(check(scene, 2), CardFileStatus.TOO_FEW_COPIES, "IMG_0002.jpg")


def test_two_files_in_one_storage_are_one_copy(scene: Scene) -> None:
    scene.bench.import_(scene.record, card_of(scene), title="Again", duplicates=DuplicatePolicy.KEEP_BOTH)
    report = check(scene, 2)
    assert {each.status for each in report.files if each.path.name != "IMG_0001.xmp"} == {CardFileStatus.TOO_FEW_COPIES}


def test_a_file_that_the_card_does_not_give_is_not_safe(scene: Scene) -> None:
    with scene.bench.restart(UnreadableCalls("card/IMG_0002.jpg")) as bench:
        report = check_card(bench.tools, card_of(scene), CardCheckRequest())
    assert unsafe(report, CardFileStatus.UNREADABLE, "IMG_0002.jpg")


def test_an_archived_file_that_its_device_does_not_give_is_not_safe(scene: Scene) -> None:
    with scene.bench.restart(UnreadableCalls("photos/IMG_0002.jpg")) as bench:
        report = check_card(bench.tools, card_of(scene), CardCheckRequest())
    assert unsafe(report, CardFileStatus.DAMAGED, "IMG_0002.jpg")


def test_a_file_that_is_no_picture_is_not_safe_unless_it_is_left_out_of_account(scene: Scene) -> None:
    (card_of(scene) / "notes.txt").write_text("ideas")
    assert unsafe(check(scene), CardFileStatus.NOT_A_PICTURE, "notes.txt")
    report = check(scene, ignores_others=True)
    assert (report.is_safe, report.other_count) == (True, 1)


def test_what_the_walk_could_not_look_at_is_not_safe(scene: Scene) -> None:
    (card_of(scene) / "link.jpg").symlink_to(card_of(scene) / "IMG_0001.jpg")
    report = check(scene)
    assert not report.is_safe
    assert [finding.code for finding in report.findings] == ["source-symlink"]


@pytest.mark.parametrize("name", [".hidden.jpg", ".old/x.jpg", "DCIM/.kept/.more/x.jpg", ".imalink/quarantine/1/x.jpg"])
def test_pictures_under_hidden_names_are_not_safe_and_keep_the_source_needed(scene: Scene, name: str) -> None:
    make_jpeg(card_of(scene) / name, seed=50, size=SMALL)
    report = check(scene)
    assert not report.is_safe
    assert [finding.code for finding in report.findings] == ["hidden-pictures"]
    again = scene.bench.import_(scene.record, card_of(scene), title="Again")
    assert "hidden-pictures" in {finding.code for finding in again.findings}
    assert not again.source_no_longer_needed


@pytest.mark.parametrize(
    "name", [".Trashes/501/x.jpg", "._IMG_0001.jpg", ".imalink/hotpreviews/a1/b2/x.jpg", ".old/x.txt"]
)
def test_what_systems_hide_on_every_card_says_nothing_of_its_pictures(scene: Scene, name: str) -> None:
    make_jpeg(card_of(scene) / name, seed=50, size=SMALL)
    assert check(scene).is_safe


def test_an_ignore_file_on_the_card_hides_nothing(scene: Scene) -> None:
    (card_of(scene) / ".imalinkignore").write_text("*.jpg\n")
    make_jpeg(card_of(scene) / "new.jpg", seed=50, size=SMALL)
    assert unsafe(check(scene), CardFileStatus.NOT_STORED, "new.jpg")


def test_an_empty_card_proves_nothing(scene: Scene) -> None:
    for path in card_of(scene).iterdir():
        path.unlink()
    report = check(scene)
    assert not report.is_safe
    assert report.sentence.endswith("not safe to format")


def test_a_storage_that_only_refers_to_the_pictures_does_not_count(scene: Scene) -> None:
    lent = make_source(scene.folder / "lent", 2, first_seed=60)
    refer_to_folder(scene.bench.tools, ImportRequest(source=lent, title="Lent"))
    report = check_card(scene.bench.tools, lent, CardCheckRequest())
    assert {each.status for each in report.files} == {CardFileStatus.NOT_STORED}


def test_a_storage_on_the_card_itself_does_not_count(scene: Scene) -> None:
    inside = card_of(scene) / "disk"
    inside.mkdir()
    record = scene.bench.create("On the card", inside)
    other = make_source(scene.folder / "more", 1, first_seed=70)
    scene.bench.import_(record, other, title="More")
    (other / "IMG_0070.jpg").rename(card_of(scene) / "IMG_0070.jpg")
    report = check(scene)
    [found] = [each for each in report.files if each.path == "IMG_0070.jpg"]
    assert found.status is CardFileStatus.NOT_STORED


@pytest.mark.root
def test_a_storage_beside_the_camera_folders_of_the_same_card_does_not_count(scene: Scene, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "card", mounted], check=True)
    try:
        pictures = make_source(mounted / "DCIM" / "100CANON", 2, first_seed=70)
        (mounted / "backup").mkdir()
        record = scene.bench.create("On the card", mounted / "backup")
        scene.bench.import_(record, pictures, title="More")
        report = check_card(scene.bench.tools, pictures, CardCheckRequest())
        assert {each.status for each in report.files} == {CardFileStatus.NOT_STORED}
    finally:
        subprocess.run(["umount", mounted], check=True)


def test_a_verification_is_trusted_for_as_long_as_is_said_and_only_for_the_file_as_it_stands(scene: Scene) -> None:
    assert check(scene).is_safe
    scene.watch.read_bodies.clear()
    assert check(scene, trust_days=1).is_safe
    assert not any("/photos/" in each for each in scene.watch.read_bodies)
    os.utime(scene.at("IMG_0001.jpg"), (1, 1))
    assert check(scene, trust_days=1).is_safe
    assert any("/photos/IMG_0001.jpg" in each for each in scene.watch.read_bodies)
    flip_bit(scene.at("IMG_0002.jpg"))
    scene.bench.clock._now += timedelta(days=2)
    assert unsafe(check(scene, trust_days=1), CardFileStatus.DAMAGED, "IMG_0002.jpg")


def test_what_makes_no_sense_is_refused(scene: Scene) -> None:
    with pytest.raises(UsageError):
        check(scene, 0)
    with pytest.raises(NotFoundError):
        check_card(scene.bench.tools, scene.folder / "nowhere", CardCheckRequest())
