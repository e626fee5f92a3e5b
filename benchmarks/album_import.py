"""What an import of camera-sized photos costs, beside its bare parts and beside the customary programs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import pyvips

from benchmarks.measuring import Figure, alternate, at_least, at_most, shown, timed
from benchmarks.photos import make_album
from imalink.media.analyser import PictureAnalyser
from imalink.media.previews import HOTPREVIEW_SIDE

_WORKERS = 2
_MOST_MEMORY_MB = 1_000
_MB = 1_000_000


def measure_album_import(folder: Path, *, of_12_mp: int, of_24_mp: int, rounds: int) -> list[Figure]:
    """Import an album by the command, with previews, verified copies and indexes; compare, and say what it consists of.

    Every round has a storage, a home and target folders of its own, removed before the next.
    """
    paths = [path for paths in make_album(folder / "album", of_12_mp=of_12_mp, of_24_mp=of_24_mp) for path in paths]
    size = sum(path.stat().st_size for path in paths)
    memory: list[float] = []
    things: dict[str, Callable[[], object]] = {
        "ours": _Fresh(folder, "ours", partial(_import, folder / "album", memory)),
        "bare": _Fresh(folder, "bare", partial(_bare_parts, paths)),
    }
    missing = [name for name in ("exiftool", "vipsthumbnail", "sha256sum") if shutil.which(name) is None]
    if not missing:
        things["programs"] = _Fresh(folder, "programs", partial(_programs, folder / "album"))
    timings = alternate(rounds, things)
    seconds = timings.best("ours")
    figures = [
        shown(
            f"{len(paths)} photos of {size / len(paths) / _MB:.1f} MB, {_WORKERS} workers",
            len(paths) / seconds,
            unit="photos/s",
            note=f"{seconds:.1f} s, {size / seconds / _MB:,.0f} MB/s",
        ),
        at_most(
            "against copy + fsync, one hash pass, one 200-pixel shrink, by as many threads",
            timings.ratio("ours", "bare"),
            2.0,
            unit="×",
            note=f"these take {timings.best('bare'):.1f} s",
        ),
    ]
    what = "times as fast as exiftool's copy by date, vipsthumbnail and sha256sum"
    if missing:
        told = f"*** missing here: {', '.join(missing)} (Debian: libimage-exiftool-perl, libvips-tools) ***"
        figures.append(Figure(what=what, measured="NOT COMPARED", limit="≥ 2.50 ×", note=told))
    else:
        note = f"these take {timings.best('programs'):.1f} s"
        figures.append(at_least(what, timings.ratio("programs", "ours"), 2.5, note=note))
    figures.append(at_most("memory at most, workers included", max(memory), _MOST_MEMORY_MB, unit="MB"))
    figures.extend(_parts(folder, paths, seconds))
    shutil.rmtree(folder / "album")
    return figures


def _parts(folder: Path, paths: list[Path], seconds: float) -> list[Figure]:
    """Time each thing an import does to every photo on its own, in one thread, and what that leaves unexplained."""
    analyser = PictureAnalyser()
    target = folder / "parts"
    target.mkdir()

    def copy_and_hash() -> None:
        for path in paths:
            data = path.read_bytes()
            hashlib.sha256(data)
            (target / path.name).write_bytes(data)

    def flush() -> None:
        for path in paths:
            with (target / path.name).open("rb+") as file:
                os.fsync(file.fileno())

    def forget() -> None:
        for path in paths:
            with (target / path.name).open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def fingerprint() -> None:
        for path in paths:
            with (target / path.name).open("rb") as file:
                analyser.fingerprint(file.fileno())

    def analyse() -> None:
        for path in paths:
            with (target / path.name).open("rb") as file:
                analyser.analyse(file.fileno(), filename=path.name)

    parts = {
        "copying and hashing the source": timed(copy_and_hash),
        "flushing": timed(flush),
        "reading back from the disk, SHA-256 and hothash": timed(forget) + timed(fingerprint),
        "facts and preview": timed(analyse),
    }
    shutil.rmtree(target)
    each = {name: took / len(paths) * 1000 for name, took in parts.items()}
    note = f"together {sum(each.values()):.1f}; {_WORKERS} workers had {seconds * _WORKERS / len(paths) * 1000:.1f}"
    return [
        shown(f"of a photo in one thread: {name}", took, unit="ms", note=note if number == 0 else "")
        for number, (name, took) in enumerate(each.items())
    ]


class _Fresh:
    """Does something in a new folder each time, and removes the one before, untimed by the next round's start."""

    def __init__(self, folder: Path, name: str, do: Callable[[Path], None]) -> None:
        self._folder = folder / name
        self._do = do
        self._numbers = count()

    def __call__(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        target = self._folder / str(next(self._numbers))
        target.mkdir(parents=True)
        self._do(target)


def _import(album: Path, memory: list[float], target: Path) -> None:
    environment = {**os.environ, "IMALINK_HOME": str(target / "home"), "IMALINK_WORKERS": str(_WORKERS)}
    imalink = str(Path(sys.executable).parent / "imalink")
    create = [imalink, "storage", "create", str(target), "--name", "Album"]
    subprocess.run(create, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    with subprocess.Popen(
        [imalink, "import", str(album), "--storage", "Album", "--title", "Album", "--quiet"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        most = _Watched(process.pid)
        with most:
            code = process.wait()
    if code != 0:
        raise RuntimeError(f"the import ended with {code}")
    memory.append(most.megabytes)


class _Watched:
    """Looks 20 times a second how much memory a process and those it started have together."""

    def __init__(self, process_id: int) -> None:
        self.megabytes = 0.0
        self._process_id = process_id
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.05):
            self.megabytes = max(self.megabytes, self._resident(self._process_id) / _MB)

    def _resident(self, process_id: int) -> int:
        """Give the bytes of a process and all below it; a process that ended meanwhile has none."""
        try:
            pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
            tasks = list(Path(f"/proc/{process_id}/task").iterdir())
            below = [child for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE") + sum(self._resident(int(child)) for child in below)


def _bare_parts(paths: list[Path], target: Path) -> None:
    def one(path: Path) -> None:
        copy = target / path.name
        shutil.copyfile(path, copy)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
            hashlib.file_digest(file, "sha256")
        image = pyvips.Image.thumbnail(str(copy), HOTPREVIEW_SIDE, height=HOTPREVIEW_SIDE, size="down")
        image.jpegsave(f"{copy}.preview.jpg", Q=85)

    with ThreadPoolExecutor(_WORKERS) as executor:
        list(executor.map(one, paths))


def _programs(album: Path, target: Path) -> None:
    (target / "previews").mkdir()
    by_date = ["exiftool", "-q", "-r", "-o", ".", "-d", f"{target}/%Y/%m", "-Directory<DateTimeOriginal", str(album)]
    subprocess.run(by_date, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    copies = [str(path) for path in sorted(target.rglob("*.jpg"))]
    if not copies:
        raise RuntimeError("exiftool copied nothing")
    out = f"{target}/previews/%s.jpg"
    for command in (["vipsthumbnail", "-s", str(HOTPREVIEW_SIDE), "-o", out, *copies], ["sha256sum", *copies]):
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
