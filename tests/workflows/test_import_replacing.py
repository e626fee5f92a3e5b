"""Importing with ``--duplicates replace``: new bytes take the place of archived ones, which are kept aside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.duplicate import DuplicateAnswer, DuplicateChoice, DuplicatePolicy, DuplicateQuestion
from imalink.core.index import FileStatus
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.import_report import ImportReport
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import SMALL, Workbench, make_source, sha256_of, snapshot

REPLACE = DuplicatePolicy.REPLACE
NAME = "IMG_0001.jpg"


def codes(report: ImportReport) -> list[str]:
    return sorted(finding.code for finding in report.findings)


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


@pytest.fixture
def card(scene: Scene) -> Path:
    """The card of the scene again, a rating written into its first picture."""
    card = make_source(scene.folder / "card again", 3)
    set_rating_in_place(card / NAME, 5)
    return card


def replace_from(scene: Scene, card: Path) -> ImportReport:
    report = scene.bench.import_(scene.record, card, duplicates=REPLACE)
    counts = report.statistics
    parts = counts.new_imports + counts.duplicates_skipped + counts.companions + counts.ignored + counts.errors
    assert counts.total_scanned == parts
    scene.record = scene.bench.record(scene.record.storage_uuid)
    return report


def kept(scene: Scene, folder: str = ".imalink-trash") -> dict[str, str]:
    """Give the SHA-256 of every file that was kept aside, by its path below the run's folder."""
    files = [path for path in (scene.root / folder).glob("*/**/*") if path.is_file()]
    return {"/".join(path.relative_to(scene.root / folder).parts[1:]): sha256_of(path) for path in files}


def test_the_same_picture_with_other_metadata_takes_the_place_of_the_archived_file(scene: Scene, card: Path) -> None:
    old = sha256_of(scene.photos / NAME)
    report = replace_from(scene, card)
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (1, 2)
    assert (report.duplicates_replaced, report.photos_created, codes(report)) == (1, 0, ["replaced"])
    assert sha256_of(scene.photos / NAME) == sha256_of(card / NAME) != old
    assert (scene.photos / NAME).stat().st_mtime_ns == (card / NAME).stat().st_mtime_ns
    assert kept(scene) == {f"photos/{NAME}": old}
    assert len(list(scene.photos.iterdir())) == 3
    [entry] = [each for each in scene.bench.session(scene.record).files.values() if each.original_filename == NAME]
    assert (entry.sha256, entry.facts.embedded.rating) == (sha256_of(card / NAME), 5)
    scene.settle()


def test_what_was_kept_is_named_by_the_finding(scene: Scene, card: Path) -> None:
    old = sha256_of(scene.photos / NAME)
    [finding] = replace_from(scene, card).findings
    assert finding.facts["known_path"] == f"photos/{NAME}"
    assert sha256_of(scene.root / str(finding.facts["kept"])) == old


def test_what_stands_there_byte_for_byte_is_left_alone(scene: Scene) -> None:
    before = snapshot(scene.photos)
    inodes = [path.stat().st_ino for path in sorted(scene.photos.iterdir())]
    report = replace_from(scene, make_source(scene.folder / "same", 3))
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (0, 3)
    assert (snapshot(scene.photos), kept(scene)) == (before, {})
    assert [path.stat().st_ino for path in sorted(scene.photos.iterdir())] == inodes


def test_a_damaged_file_is_healed_and_what_is_left_of_it_kept(scene: Scene) -> None:
    path = scene.photos / NAME
    facts = path.stat()
    data = bytearray(path.read_bytes())
    data[-40] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    damaged = sha256_of(path)
    card = make_source(scene.folder / "same", 3)
    report = replace_from(scene, card)
    assert (report.statistics.new_imports, codes(report)) == (1, ["brought-back"])
    assert sha256_of(path) == sha256_of(card / NAME)
    assert (kept(scene), kept(scene, ".imalink/quarantine")) == ({}, {f"photos/{NAME}": damaged})
    scene.settle()


def test_a_missing_file_is_brought_back_to_its_place(scene: Scene) -> None:
    (scene.photos / NAME).unlink()
    scene.look()
    report = replace_from(scene, make_source(scene.folder / "same", 3))
    assert (report.statistics.new_imports, codes(report)) == (1, ["brought-back"])
    [entry] = [each for each in scene.bench.session(scene.record).files.values() if each.original_filename == NAME]
    assert (entry.relative_path, entry.status) == (f"photos/{NAME}", FileStatus.PRESENT)
    assert kept(scene) == {}
    scene.settle()


def test_a_missing_file_comes_back_with_its_folder(scene: Scene) -> None:
    scene.move(NAME, "2024/Italy/a.jpg")
    scene.look()
    (scene.photos / "2024/Italy/a.jpg").unlink()
    (scene.photos / "2024/Italy").rmdir()
    replace_from(scene, make_source(scene.folder / "same", 3))
    assert (scene.photos / "2024/Italy/a.jpg").is_file()
    scene.settle()


def test_what_the_user_made_of_the_file_is_never_replaced(scene: Scene) -> None:
    own = make_jpeg(scene.photos / NAME, seed=77, size=SMALL)
    os.utime(own, ns=(1, 1_700_000_000_000_000_000))
    edited = sha256_of(own)
    report = replace_from(scene, make_source(scene.folder / "same", 3))
    assert (report.statistics.new_imports, report.duplicates_replaced) == (1, 0)
    assert sha256_of(own) == edited
    assert (scene.photos / "IMG_0001 (2).jpg").is_file()
    assert kept(scene) == {}


def test_what_changes_while_the_import_is_at_work_is_not_replaced(scene: Scene, card: Path) -> None:
    own = scene.photos / NAME

    class SlowUser:
        def ask(self, question: DuplicateQuestion) -> DuplicateAnswer:
            own.write_bytes(b"the user's own")
            return DuplicateAnswer(choice=DuplicateChoice.REPLACE, is_for_all=True)

    report = scene.bench.import_(scene.record, card, duplicates=DuplicatePolicy.ASK, asker=SlowUser())
    assert own.read_bytes() == b"the user's own"
    assert (report.statistics.errors, report.duplicates_replaced, codes(report)) == (1, 0, ["replace-refused"])
    assert kept(scene) == {}
    assert not list((scene.root / ".imalink/staging").iterdir())


def test_a_file_is_replaced_once_by_two_versions_of_its_picture(scene: Scene, card: Path) -> None:
    make_jpeg(card / "other.jpg", seed=1, size=SMALL, taken="2024:07:01 12:00:00", rating=2)
    report = replace_from(scene, card)
    assert (report.statistics.new_imports, report.duplicates_replaced) == (2, 1)
    assert codes(report) == ["replaced", "same-picture"]
    assert len(list(scene.photos.iterdir())) == 4
    scene.settle()


def test_a_picture_that_is_only_in_another_storage_is_not_replaced_there(scene: Scene, card: Path) -> None:
    second = scene.bench.create("Second disk")
    before = snapshot(scene.photos)
    report = scene.bench.import_(second, card, duplicates=REPLACE)
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped, report.duplicates_replaced) == (
        1,
        2,
        0,
    )
    assert snapshot(scene.photos) == before


def test_sidecars_come_with_what_replaces_their_picture(scene: Scene, card: Path) -> None:
    first = make_source(scene.folder / "with sidecar", 1, first_seed=9)
    (first / "IMG_0009.xmp").write_text("<x>old</x>")
    scene.import_(first)
    set_rating_in_place(first / "IMG_0009.jpg", 1)
    (first / "IMG_0009.xmp").write_text("<x>new</x>")
    (first / "IMG_0009.jpg.xmp").write_text("<x>further</x>")
    report = replace_from(scene, first)
    assert (report.statistics.new_imports, report.statistics.companions, report.statistics.total_scanned) == (1, 2, 3)
    assert (scene.photos / "IMG_0009.xmp").read_text() == "<x>new</x>"
    assert (scene.photos / "IMG_0009.jpg.xmp").read_text() == "<x>further</x>"
    assert set(kept(scene)) == {"photos/IMG_0009.jpg", "photos/IMG_0009.xmp"}
    assert scene.companions()["IMG_0009.jpg"] == ["IMG_0009.jpg.xmp", "IMG_0009.xmp"]
    again = replace_from(scene, first)
    assert (again.statistics.new_imports, again.statistics.duplicates_skipped) == (0, 3)
    scene.settle()


def test_a_sidecar_that_the_user_changed_in_the_archive_is_not_replaced(scene: Scene) -> None:
    first = make_source(scene.folder / "with sidecar", 1, first_seed=9)
    (first / "IMG_0009.xmp").write_text("<x>old</x>")
    scene.import_(first)
    (scene.photos / "IMG_0009.xmp").write_text("<x>the user's</x>")
    set_rating_in_place(first / "IMG_0009.jpg", 1)
    (first / "IMG_0009.xmp").write_text("<x>new</x>")
    replace_from(scene, first)
    assert (scene.photos / "IMG_0009.xmp").read_text() == "<x>the user's</x>"
    assert (scene.photos / "IMG_0009 (2).xmp").read_text() == "<x>new</x>"


def test_a_dry_run_says_what_would_be_replaced_and_touches_nothing(scene: Scene, card: Path) -> None:
    before = snapshot(scene.root)
    report = scene.bench.import_(scene.record, card, duplicates=REPLACE, dry_run=True)
    assert (report.statistics.new_imports, report.duplicates_replaced) == (1, 1)
    assert [file.target for file in report.files] == [f"photos/{NAME}"]
    assert snapshot(scene.root) == before


def test_a_file_of_an_adopted_folder_is_replaced_and_kept_in_the_trash(bench: Workbench, tmp_path: Path) -> None:
    own, card = make_source(tmp_path / "own pictures", 2), make_source(tmp_path / "card", 2)
    record = adopt_folder(bench.tools, folder=own, display_name="Own", description="").record
    old = sha256_of(own / NAME)
    set_rating_in_place(card / NAME, 5)
    report = bench.import_(record, card, duplicates=REPLACE)
    assert (report.duplicates_replaced, report.statistics.duplicates_skipped) == (1, 1)
    assert sha256_of(own / NAME) == sha256_of(card / NAME)
    [trashed] = (own / ".imalink-trash").glob(f"*/{NAME}")
    assert sha256_of(trashed) == old
    again = reindex(bench.tools, record, ReindexRequest())
    assert (again.changes_detected, again.new_files, again.missing_files) == (False, (), ())
    kept_both = bench.import_(record, card, duplicates=DuplicatePolicy.KEEP_BOTH)
    assert kept_both.duplicates_kept == 2
    assert sorted(path.name for path in own.glob("*.jpg")) == [
        "IMG_0001 (2).jpg", "IMG_0001.jpg", "IMG_0002 (2).jpg", "IMG_0002.jpg"
    ]  # fmt: skip


def test_replace_can_be_the_answer_to_a_question(scene: Scene, card: Path) -> None:
    questions: list[DuplicateQuestion] = []

    class Asker:
        def ask(self, question: DuplicateQuestion) -> DuplicateAnswer:
            questions.append(question)
            return DuplicateAnswer(choice=DuplicateChoice.REPLACE, is_for_all=True)

    report = scene.bench.import_(scene.record, card, duplicates=DuplicatePolicy.ASK, asker=Asker())
    assert (report.duplicates_replaced, report.statistics.duplicates_skipped) == (1, 2)
    assert [(question.is_same_bytes, question.can_replace) for question in questions] == [(False, True)]
