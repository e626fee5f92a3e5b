"""Sidecars come when asked for, beside pictures of which something was said, and never in the place of another's."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from imalink.core.edit_request import EditRequest
from imalink.core.ids import Hothash
from imalink.core.picture import GpsPosition
from imalink.core.timestamps import CaptureTime
from imalink.core.user_facts import FactChange, UserValue
from imalink.durable_files import FileCalls
from imalink.errors import OutOfSpaceError, UsageError
from imalink.media.xmp_writing import is_own_sidecar
from imalink.storage.syscalls import SystemCalls
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.write_sidecars import SidecarReport, write_sidecars
from tests.support.faults import CrashingCalls, FailingCalls, InterposedCalls, SimulatedCrash
from tests.support.poor_media import PoorMediaCalls
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import Workbench, make_source, snapshot

A, B = "photos/IMG_0001.jpg", "photos/IMG_0002.jpg"
FOREIGN = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><mine/></x:xmpmeta>'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as found:
        yield found


@pytest.fixture
def scene(folder: Path, empty_catalog: Path) -> Iterator[Scene]:
    with Scene(folder, empty_catalog) as made:
        made.import_pictures(2)
        yield made


def say(scene: Scene, path: str, **said: UserValue | None) -> None:
    hothash = scene.hothash(Path(path).name)
    edit_photos(scene.bench.tools, [hothash], EditRequest(said=FactChange.of(said)))


def write(scene: Scene, *, dry_run: bool = False) -> SidecarReport:
    [record] = scene.bench.records()
    return write_sidecars(scene.bench.tools, record, dry_run=dry_run)


def companions(bench: Workbench, hothash: Hothash) -> list[str]:
    [record] = bench.records()
    return [str(each.relative_path) for each in bench.master(record).files[hothash].companions]


def test_only_a_picture_of_which_something_was_said_gets_a_sidecar(scene: Scene) -> None:
    say(scene, A, rating=4, title="Trevi")
    report = write(scene)
    assert report.written == (f"{A}.xmp",)
    assert sorted(path.name for path in scene.photos.iterdir()) == ["IMG_0001.jpg", "IMG_0001.jpg.xmp", "IMG_0002.jpg"]
    assert companions(scene.bench, scene.hothash("IMG_0001.jpg")) == [f"{A}.xmp"]


def test_nothing_is_written_before_it_is_asked_for(scene: Scene) -> None:
    say(scene, A, rating=4)
    assert not (scene.root / f"{A}.xmp").exists()
    before = snapshot(scene.photos)
    assert write(scene, dry_run=True).written == (f"{A}.xmp",)
    assert snapshot(scene.photos) == before


def test_a_second_run_changes_nothing(scene: Scene) -> None:
    say(scene, A, rating=4)
    write(scene)
    before = snapshot(scene.photos)
    report = write(scene)
    assert (report.written, report.replaced, report.unchanged) == ((), (), 1)
    assert snapshot(scene.photos) == before


def test_what_is_said_later_takes_the_place_of_what_was_said(scene: Scene) -> None:
    say(scene, A, rating=4)
    write(scene)
    say(scene, A, rating=2)
    assert write(scene).replaced == (f"{A}.xmp",)
    assert b"<xmp:Rating>2<" in (scene.root / f"{A}.xmp").read_bytes()
    assert scene.look().changes_detected is False


def test_what_is_taken_back_is_taken_out(scene: Scene) -> None:
    say(scene, A, rating=4)
    write(scene)
    say(scene, A, rating=None)
    write(scene)
    data = (scene.root / f"{A}.xmp").read_bytes()
    assert is_own_sidecar(data)
    assert b"Rating" not in data


@pytest.mark.parametrize("name", ["IMG_0001.jpg.xmp", "IMG_0001.xmp"])
def test_a_sidecar_of_another_program_is_left_as_it_is(scene: Scene, name: str) -> None:
    (scene.photos / name).write_bytes(FOREIGN)
    scene.look()
    say(scene, A, rating=4)
    before = snapshot(scene.photos)
    report = write(scene)
    assert (report.written, report.replaced, report.left_alone) == ((), (), (A,))
    assert snapshot(scene.photos) == before


def test_a_sidecar_that_nobody_has_seen_yet_is_not_overwritten(scene: Scene) -> None:
    say(scene, A, rating=4)
    (scene.photos / "IMG_0001.jpg.xmp").write_bytes(FOREIGN)
    assert write(scene).left_alone == (A,)
    assert (scene.photos / "IMG_0001.jpg.xmp").read_bytes() == FOREIGN


def test_a_sidecar_into_which_another_program_wrote_is_that_programs(scene: Scene) -> None:
    say(scene, A, rating=4)
    write(scene)
    path = scene.root / f"{A}.xmp"
    edited = path.read_bytes().replace(b">4<", b">1<")
    path.write_bytes(edited)
    say(scene, A, rating=2)
    assert write(scene).left_alone == (A,)
    assert path.read_bytes() == edited


def test_a_link_in_its_place_is_not_followed(scene: Scene) -> None:
    say(scene, A, rating=4)
    elsewhere = scene.folder / "elsewhere.xmp"
    elsewhere.write_bytes(FOREIGN)
    (scene.root / f"{A}.xmp").symlink_to(elsewhere)
    assert write(scene).left_alone == (A,)
    assert elsewhere.read_bytes() == FOREIGN


def test_sidecars_are_companions_after_a_recovery_and_after_a_look(scene: Scene, empty_catalog: Path) -> None:
    say(scene, A, rating=4)
    write(scene)
    assert scene.look().changes_detected is False
    other = Workbench(scene.folder, empty_catalog=empty_catalog, name="another machine")
    candidates, _ = find_candidates(other.tools, [scene.root])
    recover(other.tools, candidates)
    assert other.dump() == scene.bench.dump()
    assert companions(other, scene.hothash("IMG_0001.jpg")) == [f"{A}.xmp"]
    other.close()


def test_another_archive_reads_from_the_sidecar_what_was_said(scene: Scene, empty_catalog: Path) -> None:
    taken = CaptureTime(local="2020-02-03T04:05:06", offset="+01:00", source="user")
    position = GpsPosition(latitude=41.9028, longitude=-12.4964)
    said: dict[str, UserValue | None] = {"rating": 4, "title": "Trevi <&>", "caption": "Über", "label": "Red"}
    say(scene, A, **said, tags=("rome", "night"), gps=position)
    say(scene, B, capture_time=taken)
    write(scene)
    card = scene.folder / "another card"
    shutil.copytree(scene.photos, card)
    other = Workbench(scene.folder, empty_catalog=empty_catalog, name="another machine")
    record = other.create("Other")
    other.import_(record, card)
    facts = next(entry.facts for entry in other.session(record).files.values() if entry.facts.embedded.title)
    found = facts.embedded
    assert (found.rating, found.title, found.caption, found.label) == (4, "Trevi <&>", "Über", "Red")
    assert found.keywords == ("rome", "night")
    assert facts.gps is not None
    assert (facts.gps.latitude, facts.gps.longitude) == pytest.approx((41.9028, -12.4964))
    other.close()


def test_a_storage_that_only_refers_to_its_pictures_is_refused(scene: Scene) -> None:
    lent = make_source(scene.folder / "lent", 1, first_seed=70)
    found = refer_to_folder(scene.bench.tools, ImportRequest(source=lent, title="Lent"))
    assert found.record is not None
    with pytest.raises(UsageError):
        write_sidecars(scene.bench.tools, found.record)
    assert [path.name for path in lent.iterdir()] == ["IMG_0070.jpg"]


def test_an_empty_file_in_its_place_is_filled(scene: Scene) -> None:
    say(scene, A, rating=4)
    (scene.root / f"{A}.xmp").touch()
    assert write(scene).replaced == (f"{A}.xmp",)
    assert is_own_sidecar((scene.root / f"{A}.xmp").read_bytes())


@pytest.mark.parametrize(
    ("make_calls", "step"), [(SystemCalls, 2), (PoorMediaCalls, 3)], ids=["a disk", "a poor stick"]
)
def test_killed_before_any_call_no_half_sidecar_stands_and_the_next_run_ends_the_work(
    folder: Path, empty_catalog: Path, make_calls: Callable[[], FileCalls], step: int
) -> None:
    with Scene(folder / "first", empty_catalog) as scene:
        scene.import_pictures(2)
        say(scene, A, rating=4)
        pictures = snapshot(scene.photos)
        points = 0
        for at in count(1, step):
            calls = CrashingCalls(at, inner=make_calls())
            killed = scene.bench.restart(calls)
            with suppress(SimulatedCrash):
                write_sidecars(killed.tools, killed.records()[0])
            scene.bench = killed.restart(InterposedCalls())
            if not calls.has_crashed:
                break
            points += 1
            standing = {path.name: path.read_bytes() for path in scene.photos.glob("*.xmp")}
            assert all(not data or is_own_sidecar(data) for data in standing.values()), f"killed before call {at}"
            assert all(standing.values()) or make_calls is PoorMediaCalls
            assert {key: value for key, value in snapshot(scene.photos).items() if "xmp" not in key} == pictures
            report = write(scene)
            assert report.left_alone == ()
            assert companions(scene.bench, scene.hothash("IMG_0001.jpg")) == [f"{A}.xmp"]
            assert list((scene.root / ".imalink/staging").iterdir()) == []
            say(scene, A, rating=1 + at % 5)  # so that there is something to write the next time, too
        assert points > 10


def test_a_disk_that_is_full_from_any_call_on_is_told_and_leaves_no_part_of_a_sidecar(
    folder: Path, empty_catalog: Path
) -> None:
    with Scene(folder / "first", empty_catalog) as scene:
        scene.import_pictures(1)
        say(scene, A, rating=4)
        pictures = snapshot(scene.photos)
        told = 0
        for at in count(1):
            calls = FailingCalls(at, errno.ENOSPC, is_forever=True, among=frozenset({"write", "create_exclusive"}))
            full = scene.bench.restart(calls)
            try:
                write_sidecars(full.tools, full.records()[0])
            except OutOfSpaceError:
                told += 1
            scene.bench = full.restart(InterposedCalls())
            standing = list(scene.photos.glob("*.xmp"))
            assert all(is_own_sidecar(path.read_bytes()) for path in standing), f"full before call {at}"
            assert {key: value for key, value in snapshot(scene.photos).items() if "xmp" not in key} == pictures
            if calls.failed is None:
                break
        assert told > 3
        assert write(scene).left_alone == ()
