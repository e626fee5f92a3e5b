"""An import that is to come in whole or not at all: what fails is taken back at once, and nothing else with it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from imalink.core.progress import SilentProgress
from imalink.core.session import SessionStatus
from imalink.errors import CancelledError, OutOfSpaceError, StorageReadOnlyError, UsageError
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.look_at_sessions import list_sessions
from imalink.workflows.rollback_session import rollback_session
from tests.support.faults import InterposedCalls
from tests.support.workbench import Workbench, make_source, photos_below, sha256_of, snapshot


class Failing(InterposedCalls):
    """Fails when a file of this name is placed, and with ``is_forever`` whatever is to be written after that."""

    def __init__(self, name: str, number: int, *, is_forever: bool = False) -> None:
        super().__init__()
        self._name, self._number, self._is_forever = name, number, is_forever
        self._has_failed = False

    def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        if to_name == self._name:
            self._has_failed = True
            raise OSError(self._number, os.strerror(self._number))
        super().rename_noreplace(from_directory, from_name, to_directory, to_name)

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        if self._has_failed and self._is_forever:
            raise OSError(self._number, os.strerror(self._number))
        return super().create_exclusive(directory, name, mode)


class StoppedOnce(SilentProgress):
    """The user presses Ctrl-C once two pictures are decided, and goes on wanting to stop."""

    def __init__(self) -> None:
        super().__init__()
        self._decided = 0

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        self._decided += files if phase == "analyse" else 0

    def checkpoint(self) -> None:
        if self._decided >= 2:
            raise CancelledError("stopped")


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imalink.workflows.staged_group.GROUP_FILES", 2)


def whole(source: Path, title: str = "All or nothing") -> ImportRequest:
    return ImportRequest(source=source, title=title, takes_back_on_failure=True)


def test_what_came_in_before_the_failure_is_in_the_trash_and_all_else_is_as_it_was(
    bench: Workbench, tmp_path: Path
) -> None:
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "earlier", 2, first_seed=50))
    card = make_source(tmp_path / "card", 6)
    photos, source = photos_below(bench.root(record)), snapshot(card)
    with bench.restart(Failing("IMG_0005.jpg", errno.ENOSPC)) as again:
        with pytest.raises(OutOfSpaceError) as caught:
            import_photos(again.tools, record, whole(card))
        assert "The import was taken back, as you asked: the 4 files that had come in went to the trash." in (
            caught.value.message
        )
        assert "still needed" in caught.value.message
        assert "resume" not in caught.value.hint
        assert photos_below(again.root(record)) == photos
        assert snapshot(card) == source
        trash = again.root(record) / ".imalink-trash"
        assert len([path for path in trash.rglob("*") if path.is_file()]) == 4
        statuses = {each.session.title: each.session.status for each in list_sessions(again.tools)}
        assert statuses == {"Italy": SessionStatus.COMPLETED, "All or nothing": SessionStatus.ROLLED_BACK}
    with again.restart() as later:
        report = import_photos(later.tools, record, whole(card, "Once more"))
        assert report.statistics.new_imports == 6
        assert sorted(photos_below(later.root(record)).values()) == sorted(
            [*photos.values(), *map(sha256_of, card.iterdir())]
        )


def test_an_import_that_the_user_stops_is_taken_back_too(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    card = make_source(tmp_path / "card", 8)
    with pytest.raises(CancelledError) as caught:
        import_photos(bench.tools, record, whole(card), progress=StoppedOnce())
    assert "taken back" in caught.value.message
    assert photos_below(bench.root(record)) == {}
    assert [each.session.status for each in list_sessions(bench.tools)] == [SessionStatus.ROLLED_BACK]


def test_where_the_disk_does_not_allow_it_the_error_says_how_to_take_it_back_later(
    bench: Workbench, tmp_path: Path
) -> None:
    record = bench.create()
    card = make_source(tmp_path / "card", 6)
    with bench.restart(Failing("IMG_0005.jpg", errno.EROFS, is_forever=True)) as again:
        with pytest.raises(StorageReadOnlyError) as caught:
            import_photos(again.tools, record, whole(card))
        assert "could not be taken back now" in caught.value.message
        assert "4 of 6 pictures are imported and verified; nothing is lost." in caught.value.message
        assert "`imalink sessions rollback 1` takes it back" in caught.value.hint
    with again.restart() as later:
        assert len(rollback_session(later.tools, "1").files) >= 4
        assert photos_below(later.root(record)) == {}


def test_without_the_option_what_came_in_stays(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    card = make_source(tmp_path / "card", 6)
    with bench.restart(Failing("IMG_0005.jpg", errno.ENOSPC)) as again:
        with pytest.raises(OutOfSpaceError) as caught:
            again.import_(record, card)
        assert "4 of 6 pictures are imported and verified; nothing is lost. The source is still needed." in (
            caught.value.message
        )
        assert len(photos_below(again.root(record))) == 4


def test_a_file_that_cannot_be_read_is_no_failure(bench: Workbench, tmp_path: Path) -> None:
    card = make_source(tmp_path / "card", 3)
    (card / "notes.txt").write_text("ideas")
    report = import_photos(bench.tools, bench.create(), whole(card))
    assert (report.statistics.new_imports, report.status) == (3, SessionStatus.COMPLETED_WITH_FINDINGS)


def test_a_session_that_has_earlier_imports_is_not_put_at_stake(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "card", 2))
    request = ImportRequest(source=tmp_path / "card", session="1", takes_back_on_failure=True)
    with pytest.raises(UsageError, match="would be taken back too"):
        import_photos(bench.tools, record, request)
