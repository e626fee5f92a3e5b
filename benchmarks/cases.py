"""What is measured, and against what: each case gives its lines of the table."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.album_import import measure_album_import
from benchmarks.archive import Archive, CountingCalls, FilledArchive, UnflushedCalls, open_archive
from benchmarks.catalog import measure_catalog
from benchmarks.editing import measure_edits
from benchmarks.gallery import measure_gallery
from benchmarks.measuring import Figure, alternate, at_least, at_most, in_time, shown, timed
from benchmarks.photos import MADE_KINDS, SAMPLE_KINDS, make_large_photos
from benchmarks.pictures import measure_analysis, measure_bombs, measure_previews
from benchmarks.scale import measure_lookups, measure_reindex, measure_session
from benchmarks.serving import measure_browsing, measure_memory, measure_previews_served
from benchmarks.verifying import measure_verification
from imalink.media.analyser import PictureAnalyser
from imalink.storage.file_storage import FileStorage
from imalink.storage.syscalls import SystemCalls
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates

FULL_COUNT = 10_000
MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every case is given: where, how often, how much, and the archive that they share."""

    folder: Path
    rounds: int
    large_bytes: int
    filled: FilledArchive

    @property
    def is_full_size(self) -> bool:
        """Whether limits that are meant for 10,000 files hold here."""
        return self.filled.count >= FULL_COUNT


def reindex_unchanged(bench: Bench) -> list[Figure]:
    """Re-index, nothing changed."""
    archive = bench.filled.archive
    archive.reindex()  # the first look of this machine takes the snapshot
    reports = [archive.reindex()]
    things: dict[str, Callable[[], object]] = {"reindex": lambda: reports.append(archive.reindex())}
    find = _find_command(archive.photos)
    if find is not None:
        things["find"] = partial(_run, *find)
    rounds = alternate(bench.rounds, things)
    calls = CountingCalls()
    reports.append(archive.reindex(calls=calls))
    command = alternate(2, {"run": partial(_run_imalink, archive, "reindex", "Bench", "--json")}).best("run")
    figures = [in_time("time", rounds.best("reindex"), 1.0)]
    if find is None:
        figures.append(Figure(what="against find -printf", measured="not compared", note="no find with -printf here"))
    else:
        note = f"find takes {rounds.median('find') * 1000:.1f} ms"
        ratio = rounds.ratio("reindex", "find")
        figures.append(at_most("against find -printf", ratio, 4.0, unit="×", holds=bench.is_full_size, note=note))
    return [
        *figures,
        at_most("bodies read, by its report", max(report.files_hashed for report in reports), 0),
        at_most("bodies read, by the driver", calls.bodies_below(archive.photos), 0),
        at_most("changes found", sum(report.changes_detected for report in reports), 0),
        shown("as a command, start-up and all", command, unit="s"),
    ]


def master_load(bench: Bench) -> list[Figure]:
    """Load the master index."""
    archive = bench.filled.archive
    path = archive.root / "imalink-master.json"
    with FileStorage.open(archive.root, clock=archive.tools.clock) as storage:
        rounds = alternate(
            bench.rounds * 3,
            {"load": storage.indexes.load_master, "json": lambda: json.loads(path.read_bytes())},
            clock=time.process_time,
        )
        entries = len(storage.indexes.load_master().index.files)
    note = f"json.loads takes {rounds.best('json') * 1000:.1f} ms for {path.stat().st_size / MB:.1f} MB"
    return [
        at_most("entries lacking", bench.filled.count - entries, 0),
        in_time("time on the processor", rounds.best("load"), 0.050, holds=bench.is_full_size),
        shown("against json.loads, without any check", rounds.ratio("load", "json"), unit="×", note=note),
    ]


def moves(bench: Bench) -> list[Figure]:
    """Re-index after moving 3 files."""
    archive = bench.filled.archive
    figures: list[Figure] = []
    for number, state in enumerate(("with the last walk's snapshot", "with the snapshot dropped")):
        archive.reindex()
        for path in sorted(path for path in archive.photos.rglob("*.jpg") if path.is_file())[number * 3 :][:3]:
            target = archive.photos / f"moved {number}" / f"renamed {path.name}"
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
        if number:
            archive.forget_walk()
        calls = CountingCalls()
        report = archive.reindex(calls=calls)
        figures += [
            at_most(f"moves not found, {state}", 3 - len(report.moved_files), 0),
            at_most(f"bodies read by its report, {state}", report.files_hashed, 3),
            at_most(f"bodies read by the driver, {state}", calls.bodies_below(archive.photos), 3),
            shown(f"time, {state}", report.seconds, unit="s"),
        ]
    return figures


def fingerprint(bench: Bench) -> list[Figure]:
    """Hothash and SHA-256 of large photos."""
    analyser = PictureAnalyser()
    figures: list[Figure] = []
    for kind in (*MADE_KINDS, *SAMPLE_KINDS):
        is_main = kind == "jpeg"
        paths = make_large_photos(
            bench.folder / kind, bench.large_bytes if is_main else bench.large_bytes // 3, kind=kind
        )
        if not paths:
            told = "*** no sample photos here ***"
            figures.append(Figure(what=f"{kind}, against two plain SHA-256", measured="NOT COMPARED", note=told))
            continue
        ours, plain = partial(_fingerprint, analyser, paths), partial(_hash_twice, paths)
        rounds = alternate(max(3, bench.rounds // 3), {"ours": ours, "plain": plain})
        size = sum(path.stat().st_size for path in paths)
        note = f"{len(paths)} files, {size / MB:,.0f} MB; {size / rounds.best('ours') / MB:,.0f} MB/s"
        ratio = rounds.ratio("ours", "plain")
        what = f"{kind}, against two plain SHA-256"
        # The limit is one for photos; a GIF's data lie in blocks of 255 bytes.
        is_limited = kind.startswith("jpeg")
        figures.append(
            at_most(what, ratio, 1.5, unit="×", note=note) if is_limited else shown(what, ratio, unit="×", note=note)
        )
        shutil.rmtree(bench.folder / kind)
    return figures


def previews(bench: Bench) -> list[Figure]:
    """Previews of large photos."""
    return measure_previews(bench.folder, count=12 if bench.is_full_size else 4, rounds=max(3, bench.rounds // 2))


def analysis(bench: Bench) -> list[Figure]:
    """Identity, facts and hotpreview of an album, and of bombs."""
    of_12_mp, of_24_mp = (140, 60) if bench.is_full_size else (14, 6)
    return [
        *measure_analysis(bench.folder, of_12_mp=of_12_mp, of_24_mp=of_24_mp, rounds=3),
        *measure_bombs(bench.folder),
    ]


def start_up(bench: Bench) -> list[Figure]:
    """Start of the command."""
    rounds = alternate(
        bench.rounds,
        {
            "help": partial(_run, *_imalink(), "--help"),
            "python": partial(_run, sys.executable, "-c", "pass"),
        },
    )
    note = f"python -c pass takes {rounds.best('python') * 1000:.0f} ms"
    return [
        in_time("imalink --help", rounds.best("help"), 0.200),
        shown("against python -c pass", rounds.ratio("help", "python"), unit="×", note=note),
    ]


def importing(bench: Bench) -> list[Figure]:
    """Import."""
    filled = bench.filled
    filled.archive  # noqa: B018 - made when first asked for
    figures = [
        shown("tiny photos", filled.count / filled.import_seconds, unit="files/s", note="with previews, all flushed"),
        at_most("flushes a photo", filled.fsyncs / filled.count, 3.0),
    ]
    source = bench.folder / "large"
    paths = make_large_photos(source, bench.large_bytes // 3, kind="jpeg")
    size = sum(path.stat().st_size for path in paths)
    with open_archive(bench.folder / "large archive") as archive:
        ours = timed(partial(archive.bring_in, source))
        copied = timed(partial(_run, "cp", "-r", str(source), str(bench.folder / "copied")))
    note = f"{size / MB / ours:,.0f} MB/s; cp -r alone, not flushed: {size / MB / copied:,.0f} MB/s"
    figures.append(shown(f"photos of {size / MB / len(paths):.1f} MB", len(paths) / ours, unit="files/s", note=note))
    figures.append(_cost_of_flushing(bench, source))
    for folder in (source, bench.folder / "copied", bench.folder / "large archive"):
        shutil.rmtree(folder)
    return figures


def _cost_of_flushing(bench: Bench, source: Path) -> Figure:
    """Import the same photos with and without flushing, onto the same disk, each time into a new storage."""

    def bring_in(calls: SystemCalls) -> None:
        folder = bench.folder / "flushed or not"
        with open_archive(folder) as archive:
            archive.bring_in(source, calls)
        shutil.rmtree(folder)

    rounds = alternate(
        3, {"flushed": partial(bring_in, SystemCalls()), "unflushed": partial(bring_in, UnflushedCalls())}
    )
    note = f"{rounds.best('flushed'):.2f} s against {rounds.best('unflushed'):.2f} s"
    return at_least("as fast as the same without a flush", rounds.ratio("unflushed", "flushed"), 0.7, note=note)


def album_import(bench: Bench) -> list[Figure]:
    """Import an album of a camera's photos."""
    of_12_mp, of_24_mp = (140, 60) if bench.is_full_size else (14, 6)
    return measure_album_import(bench.folder, of_12_mp=of_12_mp, of_24_mp=of_24_mp, rounds=3)


def reindex_full(bench: Bench) -> list[Figure]:
    """Re-index, reading everything."""
    archive = bench.filled.archive
    rounds = alternate(
        1,
        {"full": partial(archive.reindex, is_full=True), "sums": partial(_hash_below, archive.photos)},
    )
    speed = bench.filled.count / rounds.best("full")
    note = "against reading and SHA-256 of each in Python"
    return [shown("speed", speed, unit="files/s"), shown("ratio", rounds.ratio("full", "sums"), unit="×", note=note)]


def recovery(bench: Bench) -> list[Figure]:
    """Recover the catalog from the storage."""
    archive = bench.filled.archive
    with open_archive(bench.folder / "another machine") as other:
        candidates, _ = find_candidates(other.tools, [archive.root])
        seconds = timed(partial(recover, other.tools, candidates))
    with_check = timed(partial(recover, archive.tools, candidates, is_check=True))
    shutil.rmtree(bench.folder / "another machine")
    return [
        shown("into an empty catalog", bench.filled.count / seconds, unit="files/s", note=f"{seconds:.2f} s"),
        shown("recover --check", bench.filled.count / with_check, unit="files/s", note=f"{with_check:.2f} s"),
    ]


def editing(bench: Bench) -> list[Figure]:
    """Say something of photos."""
    return measure_edits(bench.filled.archive, rounds=bench.rounds)


def reindex_at_scale(bench: Bench) -> list[Figure]:
    """Re-index ten times as many files."""
    folder = bench.folder / "scale"
    figures = measure_reindex(
        folder,
        count=bench.filled.count * 10,
        rounds=max(3, bench.rounds // 2),
        is_full_size=bench.is_full_size,
        find=_find_command,
        imalink=_imalink()[0],
    )
    shutil.rmtree(folder)
    return figures


def lookups_at_scale(bench: Bench) -> list[Figure]:
    """Look up pictures in three storages of ten times as many files."""
    folder = bench.folder / "lookups"
    figures = measure_lookups(folder, count=bench.filled.count * 10, is_full_size=bench.is_full_size)
    shutil.rmtree(folder)
    return figures


def large_session(bench: Bench) -> list[Figure]:
    """Write and read a session of thirty times as many entries."""
    folder = bench.folder / "large session"
    figures = measure_session(folder, count=bench.filled.count * 30)
    shutil.rmtree(folder)
    return figures


def catalog_at_scale(bench: Bench) -> list[Figure]:
    """Ask the catalog of a hundred times as many photos, and a server over it."""
    folder = bench.folder / "large catalog"
    folder.mkdir()
    figures = measure_catalog(folder, count=bench.filled.count * 100, is_full_size=bench.is_full_size)
    figures.extend(measure_gallery(folder, is_full_size=bench.is_full_size))
    shutil.rmtree(folder)
    return figures


def serving_previews(bench: Bench) -> list[Figure]:
    """Previews from a server."""
    folder = bench.folder / "served previews"
    folder.mkdir()
    figures = measure_previews_served(folder, count=bench.filled.count // 10)
    shutil.rmtree(folder)
    return figures


def serving_memory(bench: Bench) -> list[Figure]:
    """Memory of a server with ten times as many photos."""
    folder = bench.folder / "served catalog"
    figures = measure_memory(folder, count=bench.filled.count * 10, is_full_size=bench.is_full_size)
    shutil.rmtree(folder)
    return figures


def serving_browsing(bench: Bench) -> list[Figure]:
    """Fifty clients that browse while a server imports."""
    folder = bench.folder / "browsing"
    figures = measure_browsing(folder, clients=50, pictures=bench.filled.count // 10, is_full_size=bench.is_full_size)
    shutil.rmtree(folder)
    return figures


def verification(bench: Bench) -> list[Figure]:
    """Full verification, beside plain SHA-256."""
    return measure_verification(bench.folder, bench.large_bytes)


CASES: dict[str, Callable[[Bench], list[Figure]]] = {
    "reindex-unchanged": reindex_unchanged,
    "master-load": master_load,
    "moves": moves,
    "fingerprint": fingerprint,
    "previews": previews,
    "analysis": analysis,
    "start-up": start_up,
    "import": importing,
    "album": album_import,
    "reindex-full": reindex_full,
    "recover": recovery,
    "verify": verification,
    "edit": editing,
    "scale-reindex": reindex_at_scale,
    "scale-lookup": lookups_at_scale,
    "scale-session": large_session,
    "catalog": catalog_at_scale,
    "serving-previews": serving_previews,
    "serving-memory": serving_memory,
    "serving-browsing": serving_browsing,
}
"""By the name that a filter looks in; in the order in which they run."""


def _find_command(folder: Path) -> list[str] | None:
    try:
        version = subprocess.run(["find", "--version"], capture_output=True, check=False).stdout
    except OSError:
        return None
    return ["find", str(folder), "-printf", "%s %T@\\n"] if b"GNU" in version else None


def _imalink() -> list[str]:
    return [str(Path(sys.executable).parent / "imalink")]


def _run(*command: str) -> None:
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def _run_imalink(archive: Archive, *arguments: str) -> None:
    subprocess.run(
        [*_imalink(), *arguments],
        env={**os.environ, "IMALINK_HOME": str(archive.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


def _fingerprint(analyser: PictureAnalyser, paths: list[Path]) -> None:
    for path in paths:
        with path.open("rb") as file:
            analyser.fingerprint(file.fileno())


def _hash_twice(paths: list[Path]) -> None:
    for path in paths:
        for _ in range(2):
            with path.open("rb") as file:
                hashlib.file_digest(file, "sha256")


def _hash_below(folder: Path) -> None:
    for path in folder.rglob("*.jpg"):
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")
