"""What a hundred thousand files and more cost: re-index, look-up, and one very large session."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.archive import CountingCalls
from benchmarks.measuring import Figure, Rounds, alternate, at_most, in_time, shown, timed
from benchmarks.synthetic import content_of, fill_storage, hothash_of, make_entry, make_session, path_of
from imalink.catalog import scan_snapshots
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import Hothash, SessionUuid
from imalink.formats.layouts.hybrid import dump_session, parse_session
from imalink.runtime.container import Container
from imalink.runtime.settings import load_settings
from imalink.storage.file_storage import FileStorage
from imalink.workflows.file_finder import FileFinder
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.tools import Tools

MB = 1_000_000
_LAUNCHER = """
import os, subprocess, sys
_, status, usage = os.wait4(subprocess.Popen(sys.argv[1:]).pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A child's figure begins with the memory of the process that started it, so a small one has to."""
_STANDING = 200
_ASKED = 2_000


def measure_reindex(
    folder: Path, *, count: int, rounds: int, is_full_size: bool, find: Callable[[Path], list[str] | None], imalink: str
) -> list[Figure]:
    """Measure every strategy over ``count`` files in one storage, and a tenth of them touched."""
    with Container(load_settings({"IMALINK_HOME": str(folder / "home")})) as container:
        tools = container.tools()
        record = fill_storage(tools, folder / "disk", count=count)
        photos = Path(record.full_path) / "photos"
        look = partial(reindex, tools, record, ReindexRequest())
        first = timed(look)
        things: dict[str, Callable[[], object]] = {
            "smart": look,
            "quick": partial(reindex, tools, record, ReindexRequest(strategy=Strategy.QUICK)),
            "master": partial(_load_master, tools, record),
        }
        command = find(photos)
        if command is not None:
            things["find"] = partial(subprocess.run, command, stdout=subprocess.DEVNULL, check=True)
        measured = alternate(rounds, things)
        figures = [
            in_time("the first look of a machine", first, 10.0, holds=is_full_size),
            in_time("nothing changed", measured.best("smart"), 10.0, holds=is_full_size),
            *_against_find(measured, has_find=command is not None, is_full_size=is_full_size),
            in_time("quick", measured.best("quick"), 1.0, holds=is_full_size),
            in_time("load of the master", measured.best("master"), 1.0, holds=is_full_size),
            *_after_touching(tools, record, count // 10, is_full_size=is_full_size),
        ]
        _touch(photos, count // 10)
    figures.append(_memory("memory, a tenth touched", imalink, folder, is_full_size))
    figures.append(_memory("memory, nothing changed", imalink, folder, is_full_size))
    with Container(load_settings({"IMALINK_HOME": str(folder / "home")})) as container:
        with container.tools().catalog.begin() as db:
            scan_snapshots.drop_snapshot(db, record.id)
    figures.append(_memory("memory, the first look of a machine", imalink, folder, is_full_size))
    return figures


def _against_find(measured: Rounds, *, has_find: bool, is_full_size: bool) -> list[Figure]:
    if not has_find:
        return [Figure(what="against find -printf", measured="not compared", note="no find with -printf here")]
    note = f"find takes {measured.median('find') * 1000:.0f} ms"
    ratio = measured.ratio("smart", "find")
    return [at_most("against find -printf", ratio, 4.0, unit="×", holds=is_full_size, note=note)]


def _load_master(tools: Tools, record: StorageRecord) -> None:
    with FileStorage.open(Path(record.full_path), clock=tools.clock) as storage:
        storage.indexes.load_master()


def _touch(photos: Path, count: int) -> None:
    for path in sorted(photos.rglob("*.jpg"))[:count]:
        os.utime(path)


def _after_touching(tools: Tools, record: StorageRecord, count: int, *, is_full_size: bool) -> list[Figure]:
    """New times on a tenth of the files: each is read once, and nothing of it comes in anew."""
    _touch(Path(record.full_path) / "photos", count)
    report = reindex(tools, record, ReindexRequest())
    for path in (Path(record.full_path) / "photos").rglob("*.jpg"):
        path.chmod(0o640)
    calls = CountingCalls()
    reindex(replace(tools, calls=calls), record, ReindexRequest())
    return [
        in_time(f"{count:,} touched", report.seconds, 10.0, holds=is_full_size),
        at_most("of these read", report.files_hashed, count),
        at_most("of these told as edited, new or moved", _told(report.modified_files, report.orphans), 0),
        at_most("read after new permissions on all", calls.bodies_below(Path(record.full_path) / "photos"), 0),
    ]


def _told(*rows: tuple[object, ...]) -> int:
    return sum(map(len, rows))


def _memory(what: str, imalink: str, folder: Path, is_full_size: bool) -> Figure:
    """Run a re-index as a command and see how much memory it took at most."""
    command = [sys.executable, "-c", _LAUNCHER, imalink, "reindex", "Bench", "-q"]
    environment = {**os.environ, "IMALINK_HOME": str(folder / "home")}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return at_most(what, int(done.stdout) * 1024 / MB, 500, unit="MB", holds=is_full_size)


def measure_lookups(folder: Path, *, count: int, is_full_size: bool) -> list[Figure]:
    """Measure look-ups by hothash over three storages of ``count`` files each."""
    names = ("Anna", "Berta", "Carla")
    chance = random.Random(count)
    with Container(load_settings({"IMALINK_HOME": str(folder / "home")})) as container:
        tools = container.tools()
        for name in names:
            fill_storage(tools, folder / f"disk {name}", count=count, name=name, standing=_STANDING)
        known = [hothash_of(content_of(name, number)) for name in names for number in range(_STANDING)]
        unknown = [hothash_of(content_of("nowhere", number)) for number in range(_ASKED)]
        asked = [chance.choice(known) for _ in range(_ASKED)]
        with FileFinder(tools) as finder:
            cold = [_seconds(finder, hothash) for hothash in known]
            warm = [_seconds(finder, hothash) for hothash in asked]
            misses = [_seconds(finder, hothash, is_known=False) for hothash in unknown]
    return [
        in_time("hit, asked for before (median)", _median(warm), 0.0001, holds=is_full_size),
        in_time("hit, asked for the first time (median)", _median(cold), 0.005, holds=is_full_size),
        shown("the same, worst but one in a hundred", _worst(cold), unit="s"),
        in_time("unknown picture (median)", _median(misses), 0.001, holds=is_full_size),
    ]


def _seconds(finder: FileFinder, hothash: Hothash, *, is_known: bool = True) -> float:
    started = time.perf_counter()
    path = finder.find(hothash)
    took = time.perf_counter() - started
    if (path is not None) != is_known:
        raise RuntimeError(f"{hothash} was {'not ' if is_known else ''}found")
    return took


def _median(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


def _worst(seconds: list[float]) -> float:
    return sorted(seconds)[-1 - len(seconds) // 100]


def measure_session(folder: Path, *, count: int) -> list[Figure]:
    """Write and read one session of ``count`` entries."""
    with Container(load_settings({"IMALINK_HOME": str(folder / "home")})) as container:
        tools = container.tools()
        record = fill_storage(tools, folder / "disk", count=1)
        session_uuid = SessionUuid(tools.new_uuid())
    entries = [make_entry(path_of(number), content_of("one", number), modified_ns=number) for number in range(count)]
    index = make_session(record, entries, number=2, session_uuid=session_uuid)
    written: list[bytes] = []
    seconds = timed(lambda: written.append(dump_session(index)))
    data = written[0]
    found: list[bool] = []
    reading = timed(lambda: found.append(parse_session(data, file="session_2.json")[0].files == index.files))
    return [
        at_most("entries that came back otherwise", 0 if found == [True] else count, 0),
        shown("written", seconds, unit="s", note=f"{len(data) / MB:,.0f} MB"),
        shown("read and compared", reading, unit="s"),
    ]
