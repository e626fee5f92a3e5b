"""The demo plays to its end, and would not if a step went wrong."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from scripts import demo
from scripts.demo import DemoFailedError, Mess
from scripts.demo_photos import make_photo, put_rating
from tests.support.photos import split_jpeg

SCRIPT = Path(demo.__file__)
OLD, NEW, GONE, ADDED = "photos/a.jpg", "photos/somewhere/b.jpg", "photos/gone.jpg", "photos/new.jpg"
MESS = Mess(moved={OLD: NEW}, rated={NEW: 4}, deleted=frozenset({GONE}), added=frozenset({ADDED}))


def play(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, "TMPDIR": str(tmp_path), "DEMO_PHOTOS": "14", "NO_COLOR": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


# --- the whole of it -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    return play(tmp_path_factory.mktemp("demo"))


@pytest.mark.slow
def test_the_demo_plays_to_its_end(played: subprocess.CompletedProcess[str]) -> None:
    assert played.returncode == 0, played.stdout + played.stderr
    assert "✗" not in played.stdout
    decisive = (
        "16 files moved and renamed into",
        "missing: exactly the 2 deleted; new: exactly the 3 added",
        "`imalink find` gives the new path of all 13 pictures, and none for the deleted",
        "the new ratings are in the index: ★",
        "not one of 19 files was read",
        "no session is known any more",
        "`recover --check` finds no difference either",
        "All as it should be",
    )
    for line in decisive:
        assert line in played.stdout


@pytest.mark.slow
def test_what_it_says_to_go_on_with_works(played: subprocess.CompletedProcess[str]) -> None:
    commands = re.findall(r"^  (IMALINK_HOME=.*)$", played.stdout, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        assert subprocess.run(command, shell=True, capture_output=True, check=False).returncode in (0, 4)


@pytest.mark.slow
def test_it_leaves_nothing_when_asked(tmp_path: Path) -> None:
    assert play(tmp_path, DEMO_KEEP="0").returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_it_fails_loudly_when_a_command_fails(tmp_path: Path) -> None:
    ran = play(tmp_path, IMALINK_DATABASE_URL="nonsense://")
    assert ran.returncode == 1
    assert "✗" in ran.stdout
    assert "THE DEMO FAILED" in ran.stdout


@pytest.mark.slow
def test_it_fails_when_a_file_is_lost_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Sabotaged(demo.Demo):
        def make_a_mess(self) -> Mess:
            mess = super().make_a_mess()
            next(path for new in sorted(mess.moved.values()) if (path := self.root / new).suffix == ".png").unlink()
            return mess

    monkeypatch.setattr(demo, "Demo", Sabotaged)
    monkeypatch.setenv("DEMO_PHOTOS", "14")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert demo.main() == 1
    assert "✗ moved: 1 lacking" in capsys.readouterr().out


# --- its checks ------------------------------------------------------------------------------------------------------


def report() -> dict[str, Any]:
    """What a re-index says when all went well."""
    return {
        "moved_files": [{"old_path": OLD, "new_path": NEW}],
        "missing_files": [{"expected_path": GONE}],
        "newly_missing": [{"expected_path": GONE}],
        "new_files": [ADDED],
        "modified_files": [{"path": NEW, "kind": "metadata"}],
    }


def indexes() -> tuple[dict[str, Any], dict[str, Any]]:
    """A session index before and after."""
    a = {"relative_path": OLD, "filename": "a.jpg", "taken_at": "2024-01-01T00:00:00Z", "sha256": "1", "width": 4}
    gone = {"relative_path": GONE, "filename": "gone.jpg", "taken_at": "2024-01-02T00:00:00Z", "sha256": "2"}
    before: dict[str, Any] = {"import_session": {"id": 1, "title": "T"}, "files": {"aa": a, "bb": gone}}
    after = deepcopy(before)
    after["files"]["aa"].update(relative_path=NEW, filename="somewhere/b.jpg", sha256="3", rating=4)
    after["files"]["bb"].update(status="missing", last_seen_at="2024-02-01T00:00:00Z")
    return before, after


def test_a_true_report_passes() -> None:
    demo.check_reindex(report(), MESS, pictures={OLD, GONE})
    demo.check_facts(*indexes(), MESS)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("moved_files", []),
        ("moved_files", [{"old_path": OLD, "new_path": "photos/elsewhere.jpg"}]),
        ("missing_files", []),
        ("missing_files", [{"expected_path": GONE}, {"expected_path": OLD}]),
        ("newly_missing", []),
        ("new_files", []),
        ("new_files", [ADDED, NEW]),
        ("modified_files", []),
        ("modified_files", [{"path": NEW, "kind": "content"}]),
    ],
)
def test_a_false_report_fails(key: str, value: object) -> None:
    with pytest.raises(DemoFailedError):
        demo.check_reindex({**report(), key: value}, MESS, pictures={OLD, GONE})


@pytest.mark.parametrize(
    ("hothash", "key", "value"),
    [
        ("aa", "relative_path", OLD),
        ("aa", "taken_at", "2025-01-01T00:00:00Z"),
        ("aa", "width", None),
        ("aa", "rating", None),
        ("aa", "rating", 3),
        ("aa", "title", "a fact from nowhere"),
        ("bb", "status", "present"),
        ("bb", "taken_at", None),
    ],
)
def test_a_false_index_fails(hothash: str, key: str, value: object) -> None:
    before, after = indexes()
    after["files"][hothash][key] = value
    with pytest.raises(DemoFailedError):
        demo.check_facts(before, after, MESS)


def test_another_session_or_another_hothash_fails() -> None:
    before, after = indexes()
    with pytest.raises(DemoFailedError):
        demo.check_facts(before, {**after, "import_session": {"id": 2, "title": "T"}}, MESS)
    after["files"]["cc"] = after["files"].pop("aa")
    with pytest.raises(DemoFailedError):
        demo.check_facts(before, after, MESS)


def test_a_second_look_that_reads_or_finds_something_fails() -> None:
    quiet: dict[str, object] = {"changes_detected": False, "files_hashed": 0}
    quiet |= {"moved_files": [], "newly_missing": [], "new_files": [], "modified_files": []}
    demo.check_unchanged(quiet)
    for change in ({"files_hashed": 1}, {"changes_detected": True}, {"new_files": ["photos/x.jpg"]}):
        with pytest.raises(DemoFailedError):
            demo.check_unchanged({**quiet, **change})


def test_differences_are_named_by_their_place() -> None:
    assert demo.differences({"a": {"b": 1}}, {"a": {"b": 1}}) == []
    assert demo.differences({"a": {"b": 1}}, {"a": {"b": 2}}) == [".a.b: was 1, is 2"]
    assert demo.differences({"a": 1}, {}) == [".a: was 1, is None"]


# --- its photos ------------------------------------------------------------------------------------------------------


def test_a_rating_leaves_the_picture_data_alone(tmp_path: Path) -> None:
    path = make_photo(tmp_path / "a.jpg", random.Random(1))
    before = split_jpeg(path.read_bytes())
    for rating in (3, 5):
        put_rating(path, rating)
        segments, rest = split_jpeg(path.read_bytes())
        assert hashlib.sha256(rest).digest() == hashlib.sha256(before[1]).digest()
        ours = [payload for _, payload in segments if f'xmp:Rating="{rating}"'.encode() in payload]
        assert len(ours) == 1
        assert [each for each in segments if each[1] not in ours] == before[0]
