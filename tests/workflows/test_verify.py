"""Verification: each verdict by what really happens to a file, what is remembered, and going on where it stopped."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog import verifications
from imalink.core.damage import Verdict
from imalink.core.progress import SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.search_query import parse_query
from imalink.errors import CancelledError, NotFoundError, StorageOfflineError
from imalink.workflows import verify as verify_module
from imalink.workflows.find_file import find_files
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.search_photos import search_photos
from imalink.workflows.undo_operation import undo_operation
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import Depth, VerifyReport, VerifyRequest
from tests.support.photos import make_jpeg
from tests.support.rot import UnreadableCalls, flip_bit, spoil, zero_page
from tests.support.scenes import Scene
from tests.support.workbench import SMALL, make_source


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with Scene(tmp_path, empty_catalog) as made:
        card = make_source(made.folder / "card", 4)
        (card / "IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
        made.import_(card)
        made.look()
        made.compares_files = False
        yield made


def look(scene: Scene, depth: Depth = Depth.FULL, *, session: str | None = None, percent: float = 1.0) -> VerifyReport:
    return verify(scene.bench.tools, scene.record, VerifyRequest(depth=depth, session=session, percent=percent))


def verdicts(report: VerifyReport) -> dict[str, Verdict]:
    return {each.file.path.removeprefix("photos/"): each.verdict for each in report.judged}


def damaged_names(scene: Scene) -> set[str]:
    master = scene.bench.master(scene.record)
    files = [file for entry in master.files.values() for file in (*entry.places(), *entry.companions)]
    return {file.relative_path.name for file in files if file.damage is not None}


def test_a_whole_storage_has_no_findings_at_any_depth(scene: Scene) -> None:
    for depth in Depth:
        report = look(scene, depth, percent=100)
        assert (report.checked, report.ok, report.findings) == (5, 5, ())
        assert report.own_files_damaged == 0
        assert (report.bytes_read > 0) == (depth is not Depth.QUICK)


def test_a_flipped_bit_is_suspected_bit_rot(scene: Scene) -> None:
    flip_bit(scene.at("IMG_0002.jpg"))
    assert verdicts(look(scene)) == {"IMG_0002.jpg": Verdict.SUSPECTED_BIT_ROT}
    assert damaged_names(scene) == {"IMG_0002.jpg"}


def test_a_flipped_bit_in_the_metadata_is_bit_rot_too(scene: Scene) -> None:
    name = scene.at("IMG_0002.jpg")
    flip_bit(name, at=name.read_bytes().index(b"2024:07"))
    assert verdicts(look(scene)) == {"IMG_0002.jpg": Verdict.SUSPECTED_BIT_ROT}


def test_a_spoilt_companion_is_found(scene: Scene) -> None:
    flip_bit(scene.at("IMG_0001.xmp"))
    assert verdicts(look(scene)) == {"IMG_0001.xmp": Verdict.SUSPECTED_BIT_ROT}
    assert damaged_names(scene) == {"IMG_0001.xmp"}


def test_a_picture_that_does_not_decode_is_damaged_whatever_its_time_says(scene: Scene) -> None:
    scene.at("IMG_0001.jpg").write_bytes(b"not a picture any more")
    spoil(scene.at("IMG_0002.jpg"), lambda data: b"")
    assert verdicts(look(scene)) == {"IMG_0001.jpg": Verdict.DAMAGED, "IMG_0002.jpg": Verdict.DAMAGED}


def test_edits_are_told_from_damage(scene: Scene) -> None:
    make_jpeg(scene.at("IMG_0001.jpg"), seed=77, size=SMALL)
    with_other_date = scene.at("IMG_0002.jpg")
    with_other_date.write_bytes(with_other_date.read_bytes().replace(b"2024:07", b"2023:07"))
    scene.at("IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'> </x:xmpmeta>")
    assert verdicts(look(scene)) == {
        "IMG_0001.jpg": Verdict.EDITED,
        "IMG_0001.xmp": Verdict.EDITED,
        "IMG_0002.jpg": Verdict.METADATA_EDITED,
    }
    assert damaged_names(scene) == set()


def test_two_files_that_were_swapped_are_misplaced_and_a_re_index_follows_them(scene: Scene) -> None:
    os.utime(scene.at("IMG_0002.jpg"), (1, 1))
    scene.look()
    scene.move("IMG_0001.jpg", "x.jpg")
    scene.move("IMG_0002.jpg", "IMG_0001.jpg")
    scene.move("x.jpg", "IMG_0002.jpg")
    assert verdicts(look(scene)) == {"IMG_0001.jpg": Verdict.MISPLACED, "IMG_0002.jpg": Verdict.MISPLACED}
    scene.look()
    assert look(scene).findings == ()


def test_a_missing_file_is_missing_and_no_file_is_while_the_storage_is_away(scene: Scene) -> None:
    scene.at("IMG_0003.jpg").unlink()
    assert verdicts(look(scene)) == {"IMG_0003.jpg": Verdict.MISSING}
    scene.root.rename(scene.folder / "unplugged")
    with pytest.raises(StorageOfflineError):
        look(scene)


def test_a_device_that_gives_no_bytes_makes_a_file_unreadable_after_three_tries(
    tmp_path: Path, empty_catalog: Path
) -> None:
    with Scene(tmp_path, empty_catalog) as scene:
        scene.import_pictures(2)
        calls = UnreadableCalls("photos/IMG_0001.jpg")
        with scene.bench.restart(calls) as bench:
            report = verify(bench.tools, scene.record, VerifyRequest())
            assert verdicts(report) == {"IMG_0001.jpg": Verdict.UNREADABLE}
            assert calls.refused == 3
            assert (report.checked, report.ok) == (2, 1)
            assert damaged_names(scene) == {"IMG_0001.jpg"}


def test_a_file_that_may_not_be_read_is_told_and_not_remembered_as_damaged(tmp_path: Path, empty_catalog: Path) -> None:
    with Scene(tmp_path, empty_catalog) as scene:
        scene.import_pictures(2)
        with scene.bench.restart(UnreadableCalls("photos/IMG_0001.jpg", errno.EACCES)) as bench:
            report = verify(bench.tools, scene.record, VerifyRequest())
            assert verdicts(report) == {"IMG_0001.jpg": Verdict.UNREADABLE}
            assert damaged_names(scene) == set()


def test_damage_is_remembered_through_edits_imports_and_undo_until_it_is_found_whole(scene: Scene) -> None:
    path = scene.at("IMG_0002.jpg")
    good = path.read_bytes()
    scene.move("IMG_0004.jpg", "moved.jpg")
    scene.look()
    flip_bit(path)
    look(scene)
    tools = scene.bench.tools
    undo_operation(tools)
    scene.move("moved.jpg", "IMG_0004.jpg")
    assert damaged_names(scene) == {"IMG_0002.jpg"}
    scene.import_(make_source(scene.folder / "more", 2, first_seed=40), "More")
    assert damaged_names(scene) == {"IMG_0002.jpg"}
    assert [photo.hothash for photo in search_photos(tools, parse_query("damaged:yes")).photos]
    [found] = find_files(tools, [next(iter(scene.bench.session(scene.record).files))])
    assert {place.status for place in found.places} <= {"present", "damaged"}
    candidates, _ = find_candidates(tools, [])
    before = scene.bench.dump()
    recover(tools, candidates)
    assert scene.bench.dump() == before
    facts = path.stat()
    path.write_bytes(good)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert look(scene, Depth.QUICK).ok == 7
    assert damaged_names(scene) == set()
    assert search_photos(tools, parse_query("damaged:yes")).photos == ()


def test_a_re_index_remembers_what_it_finds_damaged_and_whole(scene: Scene) -> None:
    path = scene.at("IMG_0002.jpg")
    good = path.read_bytes()
    flip_bit(path)
    flip_bit(scene.at("IMG_0001.xmp"))
    report = scene.look_full()
    assert [each.name for each in report.damaged_files] == ["IMG_0001.xmp", "IMG_0002.jpg"]
    assert damaged_names(scene) == {"IMG_0001.xmp", "IMG_0002.jpg"}
    scene.import_(make_source(scene.folder / "more", 1, first_seed=40), "More")
    assert [each.name for each in scene.look().damaged_files] == ["IMG_0001.xmp", "IMG_0002.jpg"]
    spoil(path, lambda _: good)
    assert [each.name for each in scene.look_full().damaged_files] == ["IMG_0001.xmp"]
    assert damaged_names(scene) == {"IMG_0001.xmp"}


def test_only_the_files_of_a_session_are_looked_at_when_it_is_named(scene: Scene) -> None:
    scene.import_(make_source(scene.folder / "more", 2, first_seed=40), "More")
    flip_bit(scene.at("IMG_0001.jpg"))
    report = look(scene, session="2")
    assert (report.checked, report.findings) == (2, ())
    with pytest.raises(NotFoundError):
        look(scene, session="9")


def test_samples_come_to_every_file_those_verified_longest_ago_first(scene: Scene) -> None:
    seen: list[RelativePath] = []
    for _ in range(5):
        report = look(scene, Depth.SAMPLE, percent=20)
        assert report.checked == 1
        with scene.bench.catalog.read() as db:
            verified = verifications.load_verified(db, scene.record.id)
        seen.append(max(verified, key=lambda path: verified[path].at))
    assert len(set(seen)) == 5
    look(scene, Depth.SAMPLE, percent=20)
    with scene.bench.catalog.read() as db:
        verified = verifications.load_verified(db, scene.record.id)
    assert max(verified, key=lambda path: verified[path].at) == seen[0]


class StopAfter(SilentProgress):
    """Progress that asks to stop after some files."""

    def __init__(self, files: int) -> None:
        self._left = files

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        """Count."""
        self._left -= files

    def checkpoint(self) -> None:
        """Stop when enough was done."""
        if self._left <= 0:
            raise CancelledError("enough")


def test_a_verification_that_is_stopped_is_gone_on_with_by_the_next(scene: Scene) -> None:
    flip_bit(scene.at("IMG_0001.jpg"))
    scene.watch.read_bodies.clear()
    with pytest.raises(CancelledError):
        verify(scene.bench.tools, scene.record, VerifyRequest(), progress=StopAfter(3))
    first = len(scene.watch.read_bodies)
    report = look(scene)
    assert (report.checked, report.resumed_after) == (5, 3)
    assert len(scene.watch.read_bodies) - first == 2
    assert verdicts(report) == {"IMG_0001.jpg": Verdict.SUSPECTED_BIT_ROT}
    assert damaged_names(scene) == {"IMG_0001.jpg"}
    assert look(scene).resumed_after == 0


def test_a_stopped_verification_begins_anew_when_asked_to_or_when_another_is_asked_for(scene: Scene) -> None:
    for request in (VerifyRequest(restarts=True), VerifyRequest(depth=Depth.QUICK)):
        with pytest.raises(CancelledError):
            verify(scene.bench.tools, scene.record, VerifyRequest(), progress=StopAfter(3))
        assert verify(scene.bench.tools, scene.record, request).resumed_after == 0


def test_a_killed_verification_loses_no_more_than_since_its_last_checkpoint(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_module, "CHECKPOINT_FILES", 2)

    class Killed(StopAfter):
        def checkpoint(self) -> None:
            if self._left <= 0:
                os._exit(9)

    child = os.fork()
    if not child:
        verify(scene.bench.tools, scene.record, VerifyRequest(), progress=Killed(3))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    report = look(scene)
    assert (report.checked, report.resumed_after, report.ok) == (5, 2, 5)


def test_what_was_found_is_told_also_where_it_cannot_be_written_down(scene: Scene) -> None:
    flip_bit(scene.at("IMG_0001.jpg"))
    with scene.bench.open(scene.record) as storage, storage.lock("test"):
        report = look(scene)
    assert {finding.code for finding in report.findings} == {"bit-rot-suspected", "verification-not-noted"}
    assert damaged_names(scene) == set()
    again = look(scene)
    assert again.resumed_after == 5
    assert damaged_names(scene) == {"IMG_0001.jpg"}


def test_several_threads_find_the_same(scene: Scene) -> None:
    flip_bit(scene.at("IMG_0001.jpg"))
    zero_page(scene.at("IMG_0003.jpg"))
    tools = replace(scene.bench.tools, threads=3)
    assert verdicts(verify(tools, scene.record, VerifyRequest())).keys() == {"IMG_0001.jpg", "IMG_0003.jpg"}


def test_own_files_that_are_spoilt_are_found_and_not_mended(scene: Scene) -> None:
    own = scene.root / ".imalink"
    spoilt = [
        scene.root / "imalink-master.json",
        scene.root / "index.json",
        scene.root / "imports/session_1.json",
        next(own.glob("metadata/commits/*.jsonl")),
        next(own.glob("hotpreviews/*/*/*.jpg")),
    ]
    for path in spoilt:
        good = path.read_bytes()
        flip_bit(path)
        bad = path.read_bytes()
        report = look(scene)
        names = {finding.path for finding in report.findings}
        assert str(path.relative_to(scene.root)) in names, path
        assert path.read_bytes() == bad
        path.write_bytes(good)
    shutil.rmtree(own / "metadata/manifest")
    assert [finding.code for finding in look(scene).findings] == ["manifest-damaged"]
