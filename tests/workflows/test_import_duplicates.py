"""What an import does with pictures that are archived already: skip, keep both, or ask."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.duplicate import DuplicateAnswer, DuplicateChoice, DuplicatePolicy, DuplicateQuestion
from imalink.core.session import SessionStatus
from imalink.errors import CancelledError
from imalink.workflows.import_report import ImportReport
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.workbench import SMALL, Workbench, make_source, photos_below, sha256_of, snapshot

KEEP_BOTH, ASK = DuplicatePolicy.KEEP_BOTH, DuplicatePolicy.ASK


def codes(report: ImportReport) -> list[str]:
    return sorted(finding.code for finding in report.findings)


def check_sum(report: ImportReport) -> None:
    counts = report.statistics
    parts = counts.new_imports + counts.duplicates_skipped + counts.companions + counts.ignored + counts.errors
    assert counts.total_scanned == parts


class Answers:
    """Gives the answers it was made with, in order, and keeps the questions."""

    def __init__(self, *answers: DuplicateAnswer | None) -> None:
        self._answers = list(answers)
        self.questions: list[DuplicateQuestion] = []

    def ask(self, question: DuplicateQuestion) -> DuplicateAnswer:
        self.questions.append(question)
        answer = self._answers.pop(0)
        if answer is None:
            raise CancelledError("Stopped.")
        return answer


SKIP = DuplicateAnswer(choice=DuplicateChoice.SKIP)
KEEP = DuplicateAnswer(choice=DuplicateChoice.KEEP_BOTH)


# --- keep both --------------------------------------------------------------------------------------------------------


def test_a_duplicate_that_is_kept_is_a_second_file_of_one_photo(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    bench.import_(record, card)
    report = bench.import_(record, card, duplicates=KEEP_BOTH)
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (1, 0)
    assert (report.duplicates_kept, report.photos_created, codes(report)) == (1, 0, ["further-copy"])
    assert list(photos_below(bench.root(record))) == ["IMG_0001 (2).jpg", "IMG_0001.jpg"]
    [entry] = bench.master(record).files.values()
    assert (entry.relative_path, [copy.relative_path for copy in entry.copies]) == (
        "photos/IMG_0001.jpg",
        ["photos/IMG_0001 (2).jpg"],
    )
    assert {file.photo_uuid for number in (1, 2) for file in bench.session(record, number).files.values()} == {
        next(iter(bench.session(record).photos))
    }
    check_sum(report)


def test_what_is_kept_never_overwrites_what_has_the_name(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    bench.import_(record, card)
    own = bench.root(record) / "photos" / "IMG_0001 (2).jpg"
    own.write_bytes(b"the user's own")
    before = snapshot(bench.root(record) / "photos")
    bench.import_(record, card, duplicates=KEEP_BOTH)
    after = snapshot(bench.root(record) / "photos")
    assert {name: after[name] for name in before} == before
    assert (bench.root(record) / "photos" / "IMG_0001 (3).jpg").read_bytes() == (card / "IMG_0001.jpg").read_bytes()


def test_the_same_picture_twice_in_one_source_comes_in_twice_if_kept(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    shutil.copy2(card / "IMG_0001.jpg", card / "again.jpg")
    report = bench.import_(record, card, duplicates=KEEP_BOTH)
    assert (report.statistics.new_imports, report.duplicates_kept, report.photos_created) == (2, 1, 1)
    [entry] = bench.session(record).files.values()
    assert len(entry.copies) == 1
    assert bench.session(record).file_count == 2


def test_the_same_picture_twice_in_one_source_comes_in_once_if_skipped(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    shutil.copy2(card / "IMG_0001.jpg", card / "again.jpg")
    report = bench.import_(record, card)
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (1, 1)


def test_companions_of_a_kept_duplicate_come_with_it(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    (card / "IMG_0001.xmp").write_text("<x/>")
    bench.import_(record, card)
    report = bench.import_(record, card, duplicates=KEEP_BOTH)
    assert (report.statistics.new_imports, report.statistics.companions) == (1, 1)
    assert "IMG_0001 (2).xmp" in photos_below(bench.root(record))


def test_a_card_goes_into_a_second_storage_only_if_kept(bench: Workbench, tmp_path: Path) -> None:
    first, card = bench.create(), make_source(tmp_path / "card", 3)
    second = bench.create("Second disk")
    bench.import_(first, card)
    skipped = bench.import_(second, card)
    assert (skipped.statistics.new_imports, skipped.statistics.duplicates_skipped) == (0, 3)
    assert codes(skipped) == ["duplicate-elsewhere"] * 3
    kept = bench.import_(second, card, duplicates=KEEP_BOTH)
    assert (kept.statistics.new_imports, kept.photos_created) == (3, 0)
    assert photos_below(bench.root(second)) == photos_below(bench.root(first))
    assert sum('"kind":"photo"' in line for line in bench.dump()) == 3


def test_a_dry_run_says_where_a_kept_duplicate_would_go(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    bench.import_(record, card)
    report = bench.import_(record, card, duplicates=KEEP_BOTH, dry_run=True)
    assert [file.target for file in report.files] == ["photos/IMG_0001 (2).jpg"]
    assert len(photos_below(bench.root(record))) == 1


# --- half a card changed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [DuplicatePolicy.SKIP, KEEP_BOTH])
def test_a_card_of_200_imported_again_half_changed(bench: Workbench, tmp_path: Path, policy: DuplicatePolicy) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 200)
    bench.import_(record, card)
    pictures = sorted(card.iterdir())
    for picture in pictures[:50]:
        set_rating_in_place(picture, 4)
    for number, picture in enumerate(pictures[50:100]):
        make_jpeg(picture, seed=1000 + number, size=SMALL)
    report = bench.import_(record, card, duplicates=policy)
    check_sum(report)
    kept = 100 if policy is KEEP_BOTH else 0
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (100 + kept, 100 - kept)
    assert codes(report).count("same-picture") == 50
    assert (report.photos_created, report.duplicates_kept) == (50, kept)
    photos = photos_below(bench.root(record))
    assert len(photos) == 300 + kept
    assert {sha256_of(picture) for picture in pictures} <= set(photos.values())
    assert len(bench.master(record).files) == 250


# --- ask --------------------------------------------------------------------------------------------------------------


def test_each_duplicate_is_asked_about_with_both_sides(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 2)
    bench.import_(record, card)
    asker = Answers(SKIP, KEEP)
    report = bench.import_(record, card, duplicates=ASK, asker=asker)
    assert [question.source.name for question in asker.questions] == ["IMG_0001.jpg", "IMG_0002.jpg"]
    question = asker.questions[0]
    placed = bench.root(record) / "photos/IMG_0001.jpg"
    assert (question.known.name, question.storage) == ("photos/IMG_0001.jpg", "Blue Samsung")
    for side, file in ((question.source, card / "IMG_0001.jpg"), (question.known, placed)):
        assert (side.size_bytes, side.modified_ns) == (file.stat().st_size, file.stat().st_mtime_ns)
    assert question.is_same_bytes
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped, report.duplicates_kept) == (1, 1, 1)


def test_an_answer_for_all_is_the_last_question(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 3)
    bench.import_(record, card)
    set_rating_in_place(card / "IMG_0003.jpg", 2)
    asker = Answers(SKIP, DuplicateAnswer(choice=DuplicateChoice.KEEP_BOTH, is_for_all=True))
    report = bench.import_(record, card, duplicates=ASK, asker=asker)
    assert len(asker.questions) == 2
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (2, 1)


def test_the_same_picture_with_other_metadata_is_asked_about_too(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    bench.import_(record, card)
    make_jpeg(card / "IMG_0001.jpg", seed=1, size=SMALL, taken="2024:07:01 12:00:00", rating=5)
    asker = Answers(SKIP)
    report = bench.import_(record, card, duplicates=ASK, asker=asker)
    assert [question.is_same_bytes for question in asker.questions] == [False]
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (0, 1)
    report = bench.import_(record, card, duplicates=ASK, asker=Answers(KEEP))
    assert (report.statistics.new_imports, report.duplicates_kept, codes(report)) == (1, 0, ["same-picture"])


def test_without_anybody_to_ask_nothing_is_decided_and_the_rest_comes_in(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 2)
    bench.import_(record, card)
    (card / "IMG_0002.xmp").write_text("<x/>")
    make_source(card, 1, first_seed=9)
    report = bench.import_(record, card, duplicates=ASK)
    assert codes(report) == ["duplicate-undecided"] * 2
    assert (report.statistics.new_imports, report.statistics.ignored, report.duplicates_undecided) == (1, 3, 2)
    assert report.status is SessionStatus.COMPLETED_WITH_FINDINGS
    check_sum(report)


def test_a_question_that_is_not_answered_leaves_an_import_that_can_go_on(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1, first_seed=5)
    bench.import_(record, card)
    make_source(card, 8)
    with pytest.raises(CancelledError):
        bench.import_(record, card, duplicates=ASK, asker=Answers(None))
    report = bench.import_(record, card)
    assert len(photos_below(bench.root(record))) == 8
    assert report.statistics.errors == 0
    assert not list((bench.root(record) / ".imalink/staging").iterdir())


def test_a_dry_run_asks_nothing(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    bench.import_(record, card)
    asker = Answers()
    report = bench.import_(record, card, duplicates=ASK, asker=asker, dry_run=True)
    assert (asker.questions, report.duplicates_undecided) == ([], 1)


# --- what was deleted -------------------------------------------------------------------------------------------------


def delete(bench: Workbench, record: StorageRecord, name: str) -> None:
    """Delete a picture as a user does, and say that it is to be known no more."""
    (bench.root(record) / "photos" / name).unlink()
    reindex(bench.tools, record, ReindexRequest(removes_missing=True, accepts_losses=True))


def test_what_was_deleted_is_left_at_the_source_and_listed(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1, first_seed=2)
    bench.import_(record, card)
    delete(bench, record, "IMG_0002.jpg")
    (card / "IMG_0002.jpg").rename(card / "renamed.jpg")
    (card / "renamed.xmp").write_text("<x/>")
    make_source(card, 1)
    report = bench.import_(record, card)
    assert (report.statistics.new_imports, report.statistics.ignored, report.deleted_before) == (1, 2, 1)
    [finding] = [each for each in report.findings if each.code == "deleted-before"]
    assert (finding.path, finding.facts["known_name"], finding.facts["storage"]) == (
        "renamed.jpg", "IMG_0002.jpg", "Blue Samsung"
    )  # fmt: skip
    assert str(finding.facts["deleted_at"]).startswith("2024-10-18T")
    assert list(photos_below(bench.root(record))) == ["IMG_0001.jpg"]
    assert not list((bench.root(record) / ".imalink/staging").iterdir())
    check_sum(report)


def test_what_was_deleted_is_known_by_its_picture_and_in_every_storage(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    second = bench.create("Second disk")
    bench.import_(record, card)
    delete(bench, record, "IMG_0001.jpg")
    set_rating_in_place(card / "IMG_0001.jpg", 3)
    for target in (record, second):
        report = bench.import_(target, card)
        assert (report.statistics.new_imports, report.deleted_before) == (0, 1)
        assert bench.import_(target, card, dry_run=True).deleted_before == 1


def test_what_was_deleted_comes_in_again_if_wanted_and_then_counts_as_there(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    bench.import_(record, card)
    delete(bench, record, "IMG_0001.jpg")
    report = bench.import_(record, card, includes_deleted=True)
    assert (report.statistics.new_imports, report.deleted_before) == (1, 0)
    report = bench.import_(record, card)
    assert (report.statistics.duplicates_skipped, report.deleted_before) == (1, 0)
    set_rating_in_place(card / "IMG_0001.jpg", 3)
    report = bench.import_(record, card)
    assert (report.statistics.new_imports, report.deleted_before, codes(report)) == (1, 0, ["same-picture"])


def test_what_still_stands_in_another_storage_does_not_count_as_deleted(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    second = bench.create("Second disk")
    bench.import_(record, card)
    bench.import_(second, card, duplicates=KEEP_BOTH)
    delete(bench, record, "IMG_0001.jpg")
    report = bench.import_(record, card)
    assert (report.statistics.duplicates_skipped, codes(report)) == (1, ["duplicate-elsewhere"])
    report = bench.import_(record, card, duplicates=KEEP_BOTH)
    assert (report.statistics.new_imports, report.deleted_before) == (1, 0)


def test_a_catalog_that_was_lost_knows_again_what_was_deleted(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 2)
    bench.import_(record, card)
    delete(bench, record, "IMG_0001.jpg")
    bench.close()
    bench.database.unlink()
    with Workbench(tmp_path) as again:
        candidates, _ = find_candidates(again.tools, [bench.root(record)])
        recover(again.tools, candidates)
        [record] = again.records()
        report = again.import_(record, card)
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped, report.deleted_before) == (0, 1, 1)


def test_what_the_user_only_moved_does_not_come_in_once_more(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card" / "x", 3).parent
    record = bench.create()
    bench.import_(record, source)
    photos = bench.root(record) / "photos"
    (photos / "x").rename(photos / "Rome")
    report = bench.import_(record, source, title="again")
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (0, 3)
    assert [finding.code for finding in report.findings] == []
    assert sorted(photos_below(bench.root(record))) == [f"Rome/IMG_{number:04}.jpg" for number in (1, 2, 3)]
    assert {entry.relative_path for entry in bench.master(record).files.values()} == {
        f"photos/Rome/IMG_{number:04}.jpg" for number in (1, 2, 3)
    }


def test_what_is_gone_for_good_comes_in_again(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 8)
    record = bench.create()
    bench.import_(record, source)
    shutil.rmtree(bench.root(record) / "photos")
    (bench.root(record) / "photos").mkdir()
    report = bench.import_(record, source, title="again")
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (8, 0)
    assert len(photos_below(bench.root(record))) == 8
