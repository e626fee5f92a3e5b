"""A full verification beside plain SHA-256 over the same files, with as many threads and processes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from benchmarks.archive import open_archive
from benchmarks.measuring import Figure, alternate, at_least
from benchmarks.photos import make_large_photos
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest

_ROUNDS = 5
_LIMIT = 0.8


def measure_verification(folder: Path, total_bytes: int) -> list[Figure]:
    """Measure both in turn; the cached pages of every file are dropped before it is read, by either."""
    card = folder / "verify card"
    make_large_photos(card, total_bytes, kind="jpeg")
    with open_archive(folder / "verify") as archive:
        archive.bring_in(card)
        paths = sorted(path for path in (archive.root / "photos").rglob("*") if path.is_file())
        threads = archive.tools.threads
        with ProcessPoolExecutor(threads) as processes:
            rounds = alternate(
                _ROUNDS,
                {
                    "verify": lambda: verify(archive.tools, archive.record, VerifyRequest()),
                    "threads": lambda: _in_threads(paths, threads),
                    "processes": lambda: list(processes.map(_sum_of, paths)),
                },
            )
    size = sum(path.stat().st_size for path in paths) / 1e6
    return [
        at_least(
            f"against hashlib in {threads} {kind}",
            1 / rounds.ratio("verify", kind),
            _LIMIT,
            note=f"{size / rounds.median('verify'):.0f} and {size / rounds.median(kind):.0f} MB/s",
        )
        for kind in ("threads", "processes")
    ]


def _in_threads(paths: Sequence[Path], threads: int) -> None:
    with ThreadPoolExecutor(threads) as executor:
        list(executor.map(_sum_of, paths))


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(file, "sha256").hexdigest()
