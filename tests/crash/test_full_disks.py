"""Really full disks: storage and catalog on one small file system that another program fills in mid-import."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imalink.errors import CatalogError, ImalinkError, OutOfSpaceError
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.empty_trash import empty_trash
from tests.crash.scenes import IMPORT
from tests.crash.stage import Stage
from tests.crash.test_two_hosts import AtCall
from tests.crash.trial import Trial
from tests.support.workbench import Workbench, make_source

ReportCount = Callable[[str, int, int], None]
pytestmark = pytest.mark.root

MB = 1024 * 1024
POINTS = 20
REFUSED = {0: 15, 24 * 1024: 5}
"""How many of them at least stop the import, by the bytes that are left."""
SPACED = 7
"""An import of the scene has about 140 mutating calls; the points are spread over them."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory with room for 90 MB."""
    disk = tmp_path / "small disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "small", disk], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


class Ballast:
    """What another program writes until nothing more fits, and takes away again."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "ballast"

    def fill(self, *, but_bytes: int = 0) -> None:
        facts = os.statvfs(self._path.parent)
        size = facts.f_bavail * facts.f_frsize - but_bytes
        with self._path.open("wb") as file:
            if size > 0:
                os.posix_fallocate(file.fileno(), 0, size)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


@pytest.mark.parametrize("but_bytes", [0, 24 * 1024], ids=["no byte left", "a few kilobytes left"])
def test_a_disk_that_fills_up_in_an_import_is_named_and_nothing_is_lost_or_doubled(
    small_disk: Path, but_bytes: int, report_count: ReportCount
) -> None:
    ballast = Ballast(small_disk)
    trial = Trial(Stage(small_disk), IMPORT)
    violations: list[str] = []
    met = refused = 0
    for number in range(POINTS):
        at = 1 + SPACED * number
        calls = AtCall(at, lambda: ballast.fill(but_bytes=but_bytes))
        with trial.stage.attempt(calls) as bench:
            is_refused, wrong = told(lambda bench=bench: IMPORT.operate(bench))
        violations += [f"{at}: {each}" for each in wrong]
        met += calls.has_met
        refused += is_refused
        violations += [f"{at}: while it is full: {each}" for each in trial.at_crash()]
        ballast.remove()
        with trial.stage.process() as bench:
            IMPORT.go_on(bench)
            after = trial.settled(bench)
            after += trial.recovers_as_it_is(bench) if number % 3 == 0 else []
            violations += [f"{at}: {each}" for each in after if not each.startswith("preview: ")]
    report_count(f"R8: points at which a disk was full but for {but_bytes} bytes", met, POINTS - 3)
    report_count(f"imports refused on a disk full but for {but_bytes} bytes", refused, REFUSED[but_bytes])
    assert violations == []


def told(operation: Callable[[], object]) -> tuple[bool, list[str]]:
    """Run an import on a disk that fills up; tell whether it stopped, and what is wrong with what it says then."""
    try:
        operation()
    except (OutOfSpaceError, CatalogError) as error:
        names_it = "full" in error.message or "bytes free" in error.message  # the latter before anything was begun
        return True, [] if names_it and "Make room" in error.hint else [f"{error.message} / {error.hint}"]
    except (ImalinkError, OSError) as error:
        return True, [f"another cause is named: {error!r}"]
    return False, []


def test_where_only_the_catalog_s_disk_is_full_an_import_says_so_and_copies_nothing(
    small_disk: Path, tmp_path: Path, empty_catalog: Path
) -> None:
    card = make_source(tmp_path / "card", 2)
    (small_disk / "home").mkdir()
    (tmp_path / "home of machine").symlink_to(small_disk / "home")
    with Workbench(tmp_path, empty_catalog=empty_catalog) as bench:
        record = bench.create()
    Ballast(small_disk).fill(but_bytes=MB)
    with Workbench(tmp_path) as bench:
        with pytest.raises(OutOfSpaceError, match="The catalog's disk") as caught:
            bench.import_(record, card)
        assert "Nothing was copied" in caught.value.message
        assert "database_url" in caught.value.hint
        assert [path for path in (bench.root(record) / "photos").rglob("*") if path.is_file()] == []
        Ballast(small_disk).remove()
        assert bench.import_(record, card).statistics.new_imports == 2


def test_the_trash_of_a_full_disk_can_be_emptied(small_disk: Path, tmp_path: Path, empty_catalog: Path) -> None:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as bench:
        record = bench.create(base_path=small_disk)
        bench.import_(record, make_source(tmp_path / "card", 4))
        hothashes = sorted(bench.master(record).files)[:3]
        delete_photos(bench.tools, hothashes)
        Ballast(small_disk).fill()
        with pytest.raises(OSError, match="No space left"):
            (bench.root(record) / "photos" / "more").write_bytes(bytes(4096))
        report = empty_trash(bench.tools)
        assert (report.file_count, report.left) == (3, ())
        assert not list((bench.root(record) / ".imalink-trash").rglob("*.jpg"))
        tombstones = bench.session(record).deleted
        assert set(tombstones) == set(hothashes)
        assert all(not tombstone.kept for tombstone in tombstones.values()), "the index says so"
        assert empty_trash(bench.tools).removed == ()
