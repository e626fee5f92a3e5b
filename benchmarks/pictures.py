"""What pictures cost: previews, the whole analysis of an album, and files that promise more than they should."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pyvips

from benchmarks.measuring import Figure, alternate, at_least, at_most, shown
from benchmarks.photos import has_sample_photos, make_album
from imalink.core.analyser import Analyser
from imalink.core.picture import PictureFacts
from imalink.media.analyser import PictureAnalyser
from imalink.media.kinds import Kind
from imalink.media.previews import COLDPREVIEW_SIDE, HOTPREVIEW_SIDE, Target, make_preview
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from imalink.runtime.workers import DecodeWorkers
from tests.support.bombs import BOMBS

_WORKERS = 2
_MOST_MEMORY_MB = 500


def measure_previews(folder: Path, *, count: int, rounds: int) -> list[Figure]:
    """Compare previews of large JPEGs with the bare operation of libvips that makes one."""
    figures: list[Figure] = []
    albums = make_album(folder / "previews", of_12_mp=count, of_24_mp=count)
    made_of = "real photos" if has_sample_photos() else "shapes and grain: no sample photos"
    for size, paths in zip(("12 MP", "24 MP"), albums, strict=True):
        for side in (HOTPREVIEW_SIDE, COLDPREVIEW_SIDE):
            timings = alternate(rounds, {"ours": partial(_preview, paths, side), "bare": partial(_shrink, paths, side)})
            each = timings.best("ours") / len(paths) * 1000
            note = f"{each:.0f} ms each; {len(paths)} {made_of}"
            ratio = timings.ratio("ours", "bare")
            what = f"{size} to {side} pixels, against one pyvips shrink"
            # A large preview is made on demand; its limit is nobody's, it is only shown.
            is_hot = side == HOTPREVIEW_SIDE
            figures.append(
                at_most(what, ratio, 1.3, unit="×", note=note) if is_hot else shown(what, ratio, unit="×", note=note)
            )
    shutil.rmtree(folder / "previews")
    return figures


def measure_analysis(folder: Path, *, of_12_mp: int, of_24_mp: int, rounds: int) -> list[Figure]:
    """Compare identity, facts and hotpreview of an album, by two workers, with the customary programs in turn."""
    paths = [path for paths in make_album(folder / "album", of_12_mp=of_12_mp, of_24_mp=of_24_mp) for path in paths]
    previews = folder / "thumbnails"
    previews.mkdir()
    commands = {
        "exiftool": ["exiftool", "-q", "-json", "-n", *map(str, paths)],
        "vipsthumbnail": ["vipsthumbnail", "-s", str(HOTPREVIEW_SIDE), "-o", f"{previews}/%s.jpg", *map(str, paths)],
        "sha256sum": ["sha256sum", *map(str, paths)],
    }
    missing = [name for name in commands if shutil.which(name) is None]
    with DecodeWorkers(_WORKERS) as workers:
        things: dict[str, Callable[[], object]] = {
            "ours": partial(_analyse, workers, paths, threads=_WORKERS),
            "one": partial(_analyse, PictureAnalyser(), paths, threads=1),
        }
        if not missing:
            things["programs"] = partial(_run_all, list(commands.values()))
        timings = alternate(rounds, things)
    seconds = timings.best("ours")
    note = f"{len(paths)} photos, {sum(path.stat().st_size for path in paths) / 1e6:,.0f} MB; {seconds:.1f} s"
    what = "times as fast as exiftool, vipsthumbnail and sha256sum"
    if missing:
        told = f"*** missing here: {', '.join(missing)} (Debian: libimage-exiftool-perl, libvips-tools) ***"
        figures = [Figure(what=what, measured="NOT COMPARED", limit="≥ 2.50 ×", note=told)]
    else:
        ratio = timings.ratio("programs", "ours")
        figures = [at_least(what, ratio, 2.5, note=f"these take {timings.best('programs'):.1f} s")]
    shutil.rmtree(folder / "album")
    shutil.rmtree(previews)
    return [
        shown("with two workers", len(paths) / seconds, unit="photos/s", note=note),
        *figures,
        shown("times as fast as in this process alone", timings.ratio("one", "ours"), unit="×"),
    ]


def measure_bombs(folder: Path) -> list[Figure]:
    """Measure the most memory a worker takes for files that promise 900 megapixels."""
    if sys.platform != "linux":
        return [Figure(what="memory of a worker", measured="not measured", note="it is read from /proc")]
    most, worst = 0.0, ""
    for name, make in BOMBS.items():
        path = folder / name
        make(path)
        with DecodeWorkers(1) as workers, path.open("rb") as file:
            workers.analyse(file.fileno(), filename=name)
            (process,) = workers.process_ids()
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
        path.unlink()
        if found is not None and int(found[1]) / 1024 > most:
            most, worst = int(found[1]) / 1024, name
    note = f"{len(BOMBS)} kinds; the most for {worst}"
    return [at_most("memory of a worker on 900 megapixels", most, _MOST_MEMORY_MB, unit="MB", note=note)]


def _preview(paths: list[Path], side: int) -> None:
    for path in paths:
        reader = MemoryReader(path.read_bytes())
        facts = PictureFacts(file_format="JPEG")
        made = make_preview(reader, walk(reader), Target(longer_side=side), kind=Kind.JPEG, facts=facts)
        if made is None:
            raise RuntimeError(f"no preview of {path.name}")


def _shrink(paths: list[Path], side: int) -> None:
    for path in paths:
        pyvips.Image.thumbnail_buffer(path.read_bytes(), side, height=side, size="down").jpegsave_buffer(Q=85)


def _analyse(analyser: Analyser, paths: list[Path], *, threads: int) -> None:
    def look(path: Path) -> bool:
        with path.open("rb") as file:
            analyser.fingerprint(file.fileno())
            return analyser.analyse(file.fileno(), filename=path.name).hotpreview is not None

    with ThreadPoolExecutor(threads) as executor:
        if not all(executor.map(look, paths)):
            raise RuntimeError("a photo has no preview")


def _run_all(commands: list[list[str]]) -> None:
    for command in commands:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
