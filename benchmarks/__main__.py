"""Run the measurements and print the table: ``python -m benchmarks [--quick] [--folder DIR] [NAME…]``.

Exits 1 when a limit is broken. Everything is made in a temporary folder and removed afterwards.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks.archive import FilledArchive
from benchmarks.cases import CASES, FULL_COUNT, MB, Bench
from benchmarks.measuring import Figure


def main(arguments: list[str] | None = None) -> int:
    """Measure what was asked for."""
    chosen = _parser().parse_args(arguments)
    names = [name for name in CASES if not chosen.names or any(part in name for part in chosen.names)]
    if not names:
        print(f"No measurement has such a name; there are: {', '.join(CASES)}", file=sys.stderr)
        return 2
    broken: list[str] = []
    unjudged = 0
    with (
        tempfile.TemporaryDirectory(prefix="imalink-bench-", dir=chosen.folder) as folder,
        FilledArchive(Path(folder) / "archive", 1_000 if chosen.quick else FULL_COUNT) as filled,
    ):
        bench = Bench(
            folder=Path(folder),
            rounds=chosen.rounds or (3 if chosen.quick else 11),
            large_bytes=(60 if chosen.quick else 320) * MB,
            filled=filled,
        )
        print(_weather(), flush=True)
        for name in names:
            case = CASES[name]
            print(f"\n{name}: {(case.__doc__ or '').rstrip('.')} ({_size(name, bench)})", flush=True)
            for figure in case(bench):
                print(_line(figure), flush=True)
                unjudged += figure.verdict == "?"
                if figure.is_kept is False:
                    broken.append(f"{name}, {figure.what}: {figure.measured}, limit {figure.limit}")
    print()
    for line in broken:
        print(f"BROKEN  {line}")
    if not broken:
        print(f"No limit is broken; {unjudged} could not be judged here." if unjudged else "Every limit is kept.")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help=f"only those whose name has this in it: {', '.join(CASES)}"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a tenth of the files")
    parser.add_argument("--rounds", type=int, help="how many rounds of what is measured alternately")
    parser.add_argument("--folder", type=Path, help="where to make the data; default: the system's temporary folder")
    return parser


def _weather() -> str:
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load}"


def _size(name: str, bench: Bench) -> str:
    if name == "fingerprint":
        return f"{bench.large_bytes // MB} MB"
    if name in ("previews", "analysis"):
        return "12 and 24 megapixels"
    return f"{bench.rounds} rounds" if name == "start-up" else f"{bench.filled.count:,} files"


def _line(figure: Figure) -> str:
    return f"  {figure.what:<56} {figure.measured:>13}  {figure.limit:<24} {figure.verdict:<7} {figure.note}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
