"""Folding a storage whose index files were damaged, lost or edited: everything they held comes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imalink.core.index import MasterIndex, SessionIndex
from imalink.storage.fold import FoldResult
from imalink.storage.manifest import dump_manifest
from imalink.workflows.edit_session import edit_session
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from tests.crash import oracle
from tests.support.indexes import make_entry, make_index
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import SMALL, make_source

SESSIONS = (1, 2, 3)
Document = dict[str, Any]
Content = tuple[dict[int, SessionIndex], MasterIndex]


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """Three sessions, one of them mostly of duplicates, and of every kind of thing a user does since."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as scene:
        card = make_source(folder / "card", 5)
        (card / "IMG_0002.xmp").write_text("<x/>")
        scene.import_(card, "Italy")
        make_jpeg(card / "IMG_0006.jpg", seed=6, size=SMALL)
        scene.import_(card, "Italy again")
        scene.look()
        second = make_source(folder / "second card", 2, first_seed=10)
        shutil.copy(card / "IMG_0003.jpg", second / "rated.jpg")
        set_rating_in_place(second / "rated.jpg", 5)
        scene.import_(second, "Norway")
        scene.look()
        scene.move("IMG_0001.jpg", "Rome/IMG_0001.jpg")
        set_rating_in_place(scene.photos / "IMG_0002.jpg", 3)
        shutil.copy(scene.photos / "IMG_0004.jpg", scene.at("best of/four.jpg"))
        scene.look()
        (scene.photos / "IMG_0005.jpg").unlink()
        scene.move("IMG_0010.jpg", "Oslo/ten.jpg")
        scene.look()
        edit_session(scene.bench.tools, "3", title="Norway 2024")
        scene.record = scene.bench.record(scene.record.storage_uuid)
        yield scene


def content_of(scene: Scene) -> Content:
    """Everything the indexes hold, but for how often and when they were written, and orphans, which a walk finds."""
    with scene.bench.open(scene.record) as storage:
        sessions: dict[int, SessionIndex] = {}
        for number in storage.indexes.list_sessions():
            loaded = storage.indexes.load_session(number)
            assert loaded.is_intact
            sessions[number] = replace(
                loaded.index, generation=0, generated_at="", sources=type(loaded.index.sources)()
            )
        master = storage.indexes.load_master()
        assert master.is_intact
        assert storage.indexes.load_overview().is_intact
        files = {hothash: entry._replace(indexed_at="") for hothash, entry in master.index.files.items()}
        return sessions, replace(
            master.index, files=files, orphans=(), generation=0, indexed_at="", sources=type(master.index.sources)()
        )


def fold(scene: Scene) -> FoldResult:
    with scene.bench.open(scene.record) as storage:
        return scene.bench.fold(scene.record, tuple({*SESSIONS, *storage.indexes.list_sessions()}))


def kept(scene: Scene) -> list[bytes]:
    return [path.read_bytes() for path in (scene.root / ".imalink/metadata/backup").iterdir() if path.is_file()]


def drop(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero_a_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[: min(4096, len(data))] = bytes(min(4096, len(data)))
    path.write_bytes(data)


def flip_a_digit(path: Path) -> None:
    """Damage that leaves good JSON: one digit of a checksum."""
    data = path.read_bytes()
    key = b'"sha256": "' if b'"sha256": "' in data else b'"generation": '
    at = data.index(key) + len(key)
    digit = b"1" if data[at : at + 1] != b"1" else b"2"
    path.write_bytes(data[:at] + digit + data[at + 1 :])


def flip_a_brace(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"{", 1)] ^= 0x04
    path.write_bytes(data)


INDEXES = ("imports/session_1.json", "imports/session_2.json", "imports/session_3.json", "imalink-master.json")


@pytest.mark.parametrize("damage", [truncate, empty, zero_a_page, flip_a_brace])
@pytest.mark.parametrize("name", [*INDEXES, "index.json"])
def test_a_damaged_index_is_kept_told_and_rebuilt(scene: Scene, name: str, damage: Callable[[Path], None]) -> None:
    before = content_of(scene)
    damage(scene.root / name)
    damaged = (scene.root / name).read_bytes()
    found = [finding for finding in fold(scene).findings if finding.path == name]
    assert [finding.code for finding in found] == ["index-damaged"]
    assert damaged in kept(scene)
    assert (scene.root / str(found[0].facts["kept"])).read_bytes() == damaged
    assert found[0].facts["why"]
    assert content_of(scene) == before


@pytest.mark.parametrize("name", [*INDEXES, "index.json"])
def test_an_index_with_a_wrong_digit_is_kept_told_and_rebuilt(scene: Scene, name: str) -> None:
    before = content_of(scene)
    flip_a_digit(scene.root / name)
    damaged = (scene.root / name).read_bytes()
    result = fold(scene)
    assert [finding.code for finding in result.findings if finding.path == name] == ["index-edited"]
    assert damaged in kept(scene)
    assert content_of(scene) == before


@pytest.mark.parametrize("name", [*INDEXES, "index.json"])
def test_a_lost_index_is_told_and_rebuilt(scene: Scene, name: str) -> None:
    before = content_of(scene)
    (scene.root / name).unlink()
    result = fold(scene)
    assert [finding.code for finding in result.findings if finding.path == name] == ["index-missing"]
    assert content_of(scene) == before


LOSSES = {
    "all session indexes": ["imports"],
    "master and overview": ["imalink-master.json", "index.json"],
    "all indexes": ["imports", "imalink-master.json", "index.json"],
    "all indexes and backups": ["imports", "imalink-master.json", "index.json", ".imalink/metadata/backup"],
    "session indexes and backups": ["imports", ".imalink/metadata/backup"],
    "manifests": [".imalink/metadata/manifest"],
    "what is hidden": [".imalink"],
    "what is hidden and the master": [".imalink", "imalink-master.json"],
    "all but the session indexes": [".imalink", "imalink-master.json", "index.json"],
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_remains_is_enough_after_the_loss_of(scene: Scene, loss: str) -> None:
    before = content_of(scene)
    for name in LOSSES[loss]:
        drop(scene.root / name)
    fold(scene)
    assert content_of(scene) == before


@pytest.mark.parametrize("loss", LOSSES)
def test_the_catalog_equals_what_is_left_after_the_loss_of(scene: Scene, loss: str) -> None:
    catalog = scene.bench.dump()
    for name in LOSSES[loss]:
        drop(scene.root / name)
    fold(scene)
    assert scene.bench.dump() == catalog
    candidates, _ = find_candidates(scene.bench.tools, [scene.root])
    assert recover(scene.bench.tools, candidates, is_check=True).differences == ()


def test_without_index_backup_and_commit_the_master_still_knows_where_the_files_are(scene: Scene) -> None:
    before = content_of(scene)[0][1]
    drop(scene.root / ".imalink")
    drop(scene.root / "imports/session_1.json")
    result = fold(scene)
    assert "imports/session_1.json" in {finding.path for finding in result.findings}
    after = content_of(scene)[0][1]
    assert {
        hothash: (entry.relative_path, entry.sha256, entry.status, entry.copies, entry.companions)
        for hothash, entry in before.files.items()
    } == {
        hothash: (entry.relative_path, entry.sha256, entry.status, entry.copies, entry.companions)
        for hothash, entry in after.files.items()
    }
    assert (after.session.title, after.session.session_uuid) == (before.session.title, before.session.session_uuid)


def test_folding_twice_is_folding_once(scene: Scene) -> None:
    fold(scene)
    before = content_of(scene)
    files = oracle.tree(scene.root / "imports")
    fold(scene)
    assert content_of(scene) == before
    assert oracle.tree(scene.root / "imports") == files


def test_orphans_lost_with_the_master_are_found_by_the_next_look(scene: Scene) -> None:
    scene.add("new.jpg", seed=99)
    scene.look()
    drop(scene.root / "imalink-master.json")
    report = scene.look()
    assert report.orphans == ("photos/new.jpg",)


# --- other hands ----------------------------------------------------------------------------------------------------


def edit(path: Path, change: Callable[[Document], object]) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document, indent=4))


def test_keys_that_another_program_wrote_into_a_session_index_stay(scene: Scene) -> None:
    before = content_of(scene)
    path = scene.root / "imports/session_1.json"

    def change(document: Document) -> None:
        document["album"] = {"cover": 3}
        document["import_session"]["weather"] = "sunny"
        next(iter(document["files"].values()))["stars"] = [1, 2]

    edit(path, change)
    fold(scene)
    document = json.loads(path.read_bytes())
    assert document["album"] == {"cover": 3}
    assert document["import_session"]["weather"] == "sunny"
    assert [entry["stars"] for entry in document["files"].values() if "stars" in entry] == [[1, 2]]
    sessions, master = content_of(scene)
    sessions[1] = replace(sessions[1], extras={})
    assert (sessions, master) == before


@pytest.mark.parametrize("name", ["imalink-master.json", "index.json"])
def test_keys_that_another_program_wrote_into_master_or_overview_stay(scene: Scene, name: str) -> None:
    edit(scene.root / name, lambda document: document.update(album="mine"))
    fold(scene)
    assert json.loads((scene.root / name).read_bytes())["album"] == "mine"


def test_unknown_keys_follow_a_picture_that_was_edited(scene: Scene) -> None:
    path = scene.root / "imports/session_1.json"
    hothash = scene.hothash("IMG_0004.jpg")
    edit(path, lambda document: document["files"][hothash].update(stars=4))
    fold(scene)
    drop(scene.photos / "best of/four.jpg")
    scene.look()
    shutil.copy(make_source(scene.folder / "other", 1, first_seed=70) / "IMG_0070.jpg", scene.photos / "IMG_0004.jpg")
    scene.look()
    now = scene.hothash("IMG_0004.jpg")
    assert now != hothash
    assert json.loads(path.read_bytes())["files"][now]["stars"] == 4


def test_an_index_written_again_by_another_program_without_change_is_believed(scene: Scene) -> None:
    path = scene.root / "imports/session_1.json"
    edit(path, lambda document: None)
    assert fold(scene).findings == ()


def test_a_title_that_another_program_changed_in_an_index_does_not_count(scene: Scene) -> None:
    edit(
        scene.root / "imports/session_3.json",
        lambda document: document["import_session"].update(title="Hacked"),
    )
    fold(scene)
    assert content_of(scene)[0][3].session.title == "Norway 2024"


# --- journals and commits -------------------------------------------------------------------------------------------


def journal_of(scene: Scene) -> Path:
    [path] = (scene.root / ".imalink/metadata/journal").rglob("*.jsonl")
    return path


def test_a_torn_journal_line_is_void_and_the_lines_before_it_hold(scene: Scene) -> None:
    before = content_of(scene)
    with journal_of(scene).open("ab") as file:
        file.write(b'0badc0de {"v":1,"seq":99,"items":[{"op":"mo')
    drop(scene.root / "imalink-master.json")
    result = fold(scene)
    assert [finding.code for finding in result.findings] == ["index-missing"]
    assert content_of(scene) == before


def test_a_journal_goes_on_behind_a_torn_line(scene: Scene) -> None:
    with journal_of(scene).open("ab") as file:
        file.write(b"0badc0de {half")
    scene.move("Oslo/ten.jpg", "Bergen/ten.jpg")
    scene.look()
    before = content_of(scene)
    for name in ("imports", "imalink-master.json", ".imalink/metadata/backup"):
        drop(scene.root / name)
    fold(scene)
    assert content_of(scene) == before


def test_a_journal_damaged_inside_is_told_and_what_was_folded_from_it_stays(scene: Scene) -> None:
    before = content_of(scene)
    data = bytearray(journal_of(scene).read_bytes())
    data[40] ^= 0x01
    journal_of(scene).write_bytes(data)
    scene.move("Oslo/ten.jpg", "Bergen/ten.jpg")
    scene.look()
    assert bytes(data) == journal_of_segment(scene, "1.jsonl").read_bytes(), "a damaged journal is evidence"
    scene.move("Bergen/ten.jpg", "Oslo/ten.jpg")
    scene.look()
    assert content_of(scene) == before
    drop(scene.root / "imalink-master.json")
    result = fold(scene)
    assert "journal-damaged" in {finding.code for finding in result.findings}
    assert content_of(scene) == before


def journal_of_segment(scene: Scene, name: str) -> Path:
    return next((scene.root / ".imalink/metadata/journal").rglob(name))


def test_a_commit_damaged_later_is_told_when_it_is_needed_and_nothing_is_lost(scene: Scene) -> None:
    before = content_of(scene)
    for commit in (scene.root / ".imalink/metadata/commits").iterdir():
        data = bytearray(commit.read_bytes())
        data[len(data) // 2] ^= 0x01
        commit.write_bytes(data)
    assert fold(scene).findings == ()
    drop(scene.root / "imalink-master.json")
    result = fold(scene)
    assert {finding.code for finding in result.findings} == {"index-missing", "journal-damaged"}
    assert content_of(scene) == before


def test_a_session_index_that_is_ahead_of_the_master_goes_into_it_whole(scene: Scene) -> None:
    """A fold stopped between the session and the master: the old master comes back."""
    master = (scene.root / "imalink-master.json").read_bytes()
    scene.move("Rome/IMG_0001.jpg", "Milan/IMG_0001.jpg")
    scene.import_(make_source(scene.folder / "third card", 2, first_seed=30), "Late")
    scene.look()
    before = content_of(scene)
    (scene.root / "imalink-master.json").write_bytes(master)
    fold(scene)
    assert content_of(scene) == before


# --- manifests ------------------------------------------------------------------------------------------------------

ODD_NAMES = (b"plain.jpg", b"two words.jpg", b"new\nline.jpg", b"back\\slash.jpg", b"car\rriage.jpg", b"\xff\xfe.jpg",
             b"tab\there.jpg", b" leading.jpg", b"\\n.jpg", "øæå.jpg".encode())  # fmt: skip


def check(root: Path, manifest: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["sha256sum", "--strict", "-c", str(manifest)], cwd=root, capture_output=True, check=False)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_sha256sum_checks_a_manifest_with_odd_names(tmp_path: Path, empty_catalog: Path) -> None:
    with Scene(tmp_path, empty_catalog) as scene:
        card = make_source(tmp_path / "card", len(ODD_NAMES))
        for path, name in zip(sorted(card.iterdir()), ODD_NAMES, strict=True):
            os.rename(path, os.fsencode(card) + b"/" + name)
        scene.import_(card)
        manifest = scene.root / ".imalink/metadata/manifest/session_1.sha256"
        assert manifest.read_bytes().count(b"\n") == len(ODD_NAMES)
        done = check(scene.root, manifest)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.count(b": OK\n") == len(ODD_NAMES)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_the_manifests_hold_every_file_that_is_there_and_see_a_flipped_bit(scene: Scene) -> None:
    manifests = sorted((scene.root / ".imalink/metadata/manifest").iterdir())
    assert [check(scene.root, manifest).returncode for manifest in manifests] == [0, 0, 0]
    listed = b"".join(manifest.read_bytes() for manifest in manifests)
    assert listed.count(b"\n") == len(oracle.tree(scene.photos))
    path = scene.photos / "Rome/IMG_0001.jpg"
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)
    assert any(b"Rome/IMG_0001.jpg: FAILED" in check(scene.root, manifest).stdout for manifest in manifests)


def test_a_manifest_is_ordered_by_path_and_leaves_out_what_is_missing() -> None:
    from imalink.core.index import FileStatus

    there = [make_entry("b", path="photos/b.jpg"), make_entry("a", path="photos/a.jpg")]
    gone = make_entry("c", path="photos/c.jpg", status=FileStatus.MISSING)
    lines = dump_manifest(make_index([*there, gone])).decode().splitlines()
    assert [line[66:] for line in lines] == ["photos/a.jpg", "photos/b.jpg"]
