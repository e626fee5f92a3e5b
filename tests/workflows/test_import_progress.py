"""What an import says of itself as it goes: two phases side by side, never backwards, and files that do not get on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.cli.progress import line_of
from imalink.core.progress import ANALYSE_PHASE, COPY_PHASE, PhaseCount, SilentProgress
from imalink.errors import CancelledError
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.resume_session import resume_session
from tests.support.faults import InterposedCalls
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source, photos_below, sha256_of

COUNT = 200


class Recording(SilentProgress):
    """Keeps every count; may stop the work at a moment."""

    def __init__(self) -> None:
        self.seen: list[PhaseCount] = []
        self.phases: dict[str, PhaseCount] = {}
        self.stalls: list[str] = []
        self.stops_at = float("inf")
        self._lock = threading.Lock()
        self._latest = ""

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        now = time.monotonic()
        self._latest = name
        self.phases[name] = PhaseCount(
            name=name, total_files=total_files, total_bytes=total_bytes, begun_at=now, seen_at=now
        )

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        with self._lock:
            name = phase or self._latest
            count = self.phases[name].advanced(time.monotonic(), files=files, size_bytes=size_bytes, current=current)
            self.phases[name] = count
            self.seen.append(count)

    def stalled(self, current: str, seconds: float) -> None:
        self.stalls.append(current)

    def tell(self, counts: Mapping[str, int]) -> None:
        pass

    def checkpoint(self) -> None:
        if time.monotonic() > self.stops_at:
            raise CancelledError("Stopped.")


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with memory_folder(tmp_path) as folder, Workbench(folder, empty_catalog=empty_catalog) as made:
        made.tools = replace(made.tools, threads=3)
        yield made


def test_both_phases_of_an_import_of_200_files_go_on_monotonically_to_their_ends(bench: Workbench) -> None:
    card = make_source(bench.folder / "card", COUNT)
    (card / "IMG_0001.xmp").write_text("<x/>")
    size = sum(path.stat().st_size for path in card.iterdir())
    progress = Recording()
    import_photos(bench.tools, bench.create(), ImportRequest(source=card, title="T"), progress=progress)
    for name in (COPY_PHASE, ANALYSE_PHASE):
        counts = [count for count in progress.seen if count.name == name]
        assert len(counts) == COUNT
        assert [count.files for count in counts] == list(range(1, COUNT + 1))
        for before, after in zip(counts, counts[1:], strict=False):
            assert before.size_bytes < after.size_bytes
            assert before.seen_at <= after.seen_at
            assert before.share is not None
            assert after.share is not None
            assert before.share <= after.share
        last = counts[-1]
        assert (last.total_files, last.total_bytes, last.size_bytes, last.share) == (COUNT, size, size, 1.0)
        assert {count.current for count in counts} == {f"IMG_{number:04}.jpg" for number in range(1, COUNT + 1)}


def test_a_count_tells_its_speed_and_what_is_left() -> None:
    count = PhaseCount(name="copy", total_files=10, total_bytes=100_000_000, begun_at=5.0, seen_at=5.0)
    assert (count.share, count.bytes_per_second(5.1), count.seconds_left(5.1)) == (0.0, None, None)
    count = count.advanced(7.0, files=4, size_bytes=40_000_000, current="a.jpg").advanced(6.0)
    assert (count.seen_at, count.current, count.share) == (7.0, "a.jpg", 0.4)
    assert (count.bytes_per_second(7.0), count.seconds_left(7.0)) == (20_000_000, 3.0)
    assert line_of(count, 7.0) == "Copying: 4 of 10 files, 40.0 MB, 20.0 MB/s, 3 s left (a.jpg)"
    named = PhaseCount(name="previews", total_files=400, begun_at=5.0, seen_at=5.0).advanced(7.0, files=100)
    assert line_of(named, 7.0) == "Looking at previews: 100 of 400 files, 50 files/s, 6 s left"
    assert PhaseCount(name="scan", begun_at=0, seen_at=0).advanced(1.0, files=3).share is None


class Stalling(InterposedCalls):
    """A source whose disk does not answer for some files, until it is let go."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.released = threading.Event()
        self._names = names

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if "/card/" in path and path.endswith(self._names):
            assert self.released.wait(60)
        return super().pread(descriptor, count, offset)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds instead of minutes."""
    monkeypatch.setattr("imalink.workflows.read_pictures.TOLD_AFTER", 0.2)
    monkeypatch.setattr("imalink.workflows.read_pictures.ASIDE_AFTER", 0.5)
    monkeypatch.setattr("imalink.workflows.read_pictures.GIVE_UP_AFTER", 2.0)


def on(bench: Workbench, calls: InterposedCalls) -> Workbench:
    again = bench.restart(calls)
    again.tools = replace(again.tools, threads=3)
    return again


@pytest.mark.usefixtures("impatient")
def test_a_file_whose_disk_does_not_answer_is_told_and_given_up_and_the_rest_comes_in(bench: Workbench) -> None:
    card = make_source(bench.folder / "card", 30)
    record = bench.create()
    calls, progress = Stalling("IMG_0004.jpg", "IMG_0009.jpg"), Recording()
    with on(bench, calls) as again:
        request = ImportRequest(source=card, title="T")
        report = import_photos(again.tools, record, request, progress=progress)
        assert (report.statistics.new_imports, report.statistics.errors) == (28, 2)
        assert {(each.code, each.path) for each in report.findings} == {
            ("source-stalled", "IMG_0004.jpg"),
            ("source-stalled", "IMG_0009.jpg"),
        }
        assert set(progress.stalls) == {"IMG_0004.jpg", "IMG_0009.jpg"}
        calls.released.set()
        time.sleep(0.3)  # what wakes up late does no harm
        assert len(photos_below(again.root(record))) == 28
        request = replace(request, title="Again")
        assert import_photos(again.tools, record, request).statistics.new_imports == 2


@pytest.mark.usefixtures("impatient")
def test_a_stop_is_granted_within_seconds_while_a_disk_does_not_answer_and_the_import_goes_on_later(
    bench: Workbench,
) -> None:
    card = make_source(bench.folder / "card", 30)
    record = bench.create()
    calls, progress = Stalling("IMG_0001.jpg"), Recording()
    with on(bench, calls) as again:
        progress.stops_at = time.monotonic() + 1.5
        with pytest.raises(CancelledError) as caught:
            import_photos(again.tools, record, ImportRequest(source=card, title="T"), progress=progress)
        assert time.monotonic() - progress.stops_at < 5
        assert "of 30 pictures are imported and verified; nothing is lost." in caught.value.message
        assert "`imalink sessions resume 1`" in caught.value.hint
        calls.released.set()
        report = resume_session(again.tools, "1").report
        assert (report.statistics.new_imports, report.statistics.errors) == (30, 0)
        assert sorted(photos_below(again.root(record)).values()) == sorted(map(sha256_of, card.iterdir()))
