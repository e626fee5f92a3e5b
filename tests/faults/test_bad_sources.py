"""A source that gives errors, flips bits, grows or vanishes amid an import: damage never comes in, the rest does."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.crash import oracle
from tests.support.faults import InterposedCalls
from tests.support.photos import make_jpeg
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import SMALL, sha256_of

ReportCount = Callable[[str, int, int], None]

PICTURES = ("a.jpg", "deep/b.jpg", "deep/c.jpg")
TROUBLES = ("error", "flips", "grows", "vanishes")
SIZE_BYTES = 4_000
ALWAYS = 1_000
PARTS = 4


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as found:
        yield found


class BadSource(InterposedCalls):
    """Does ``trouble`` to what is read of one source file, from the ``at``-th reading on and so many times.

    Readings are cut into small pieces, so that trouble also comes in the midst of a file.
    """

    def __init__(self, path: Path, trouble: str, *, at: int, times: int) -> None:
        super().__init__()
        self._path = path
        self._piece = path.stat().st_size // PARTS + 1
        self._trouble = trouble
        self._at = at
        self._left = times
        self.done = 0

    def read(self, descriptor: int, count: int) -> bytes:
        return self._reading(descriptor, lambda piece: self.inner.read(descriptor, piece), count)

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        return self._reading(descriptor, lambda piece: self.inner.pread(descriptor, piece, offset), count)

    def _reading(self, descriptor: int, read: Callable[[int], bytes], count: int) -> bytes:
        if not self._is_it(descriptor):
            return read(count)
        self._at -= 1
        if self._at > 0 or self._left <= 0:
            return read(min(count, self._piece))
        self._left -= 1
        self.done += 1
        if self._trouble == "error":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self._trouble == "grows":
            with self._path.open("ab") as file:
                file.write(b"more")
        elif self._trouble == "vanishes":
            self._path.unlink(missing_ok=True)
        data = read(min(count, self._piece))
        if self._trouble == "flips" and data:
            return bytes([data[0] ^ 4]) + data[1:]
        return data

    def _is_it(self, descriptor: int) -> bool:
        return os.readlink(f"/proc/self/fd/{descriptor}").removesuffix(" (deleted)") == os.fspath(self._path)


def make_card(folder: Path) -> Path:
    """Give a card on which every picture is as large as an archived one: each is read before it is copied."""
    for seed, name in enumerate(PICTURES, start=1):
        of_one_size(make_jpeg(folder / name, seed=seed, size=SMALL))
    return folder


def of_one_size(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(SIZE_BYTES)


def go_wrong(folder: Path, empty_catalog: Path, victim: str, trouble: str, *, at: int, times: int) -> list[str]:
    """Import from a source that gives trouble, then from one that is well again, and give what was wrong.

    That no trouble came is wrong too: then nothing was tried.
    """
    card = make_card(folder / "card")
    archived = make_jpeg(folder / "earlier/other.jpg", seed=50, size=SMALL)
    of_one_size(archived)
    calls = BadSource(card / victim, trouble, at=at, times=times)
    before = {facts[2]: name for name, facts in oracle.tree(card).items()}
    violations: list[str] = []
    with Scene(folder, empty_catalog, calls) as scene:
        scene.import_(folder / "earlier", "Earlier")
        report = scene.bench.import_(scene.record, card)
        after = {facts[2]: name for name, facts in oracle.tree(card).items()}
        standing = {facts[2] for facts in oracle.tree(scene.photos).values()} - {sha256_of(archived)}
        told = {finding.path for finding in report.findings}
        violations += [f"{each} came in, which is no whole file" for each in standing - before.keys() - after.keys()]
        in_by_name = {{**before, **after}.get(each) for each in standing}
        violations += [f"{name} was kept out" for name in PICTURES if name not in in_by_name and name != victim]
        if victim not in in_by_name and victim not in told:
            violations.append("what was kept out was not told")
    if not calls.done:
        violations.append("the source gave no trouble")
    with Scene(folder, empty_catalog) as scene:
        scene.bench.import_(scene.record, card)
        sources = {**oracle.tree(folder / "earlier"), **oracle.tree(card)}
        if trouble == "vanishes":
            return violations  # there is nothing to be complete with
        violations += oracle.check_settled(oracle.Place(scene.root), oracle.Before(sources), is_complete=True)
    return violations


def test_a_bad_source_brings_no_damage_keeps_nothing_else_out_and_is_told(
    folder: Path, empty_catalog: Path, report_count: ReportCount
) -> None:
    violations: list[str] = []
    cases = list(product(TROUBLES, PICTURES, (1, PARTS // 2 + 1, PARTS + 1), (1, ALWAYS)))
    tried = 0
    for tried, (trouble, victim, at, times) in enumerate(cases, start=1):
        found = go_wrong(folder / str(tried), empty_catalog, victim, trouble, at=at, times=times)
        violations += [f"{victim} {trouble} at {at}, {times} times: {each}" for each in found]
    report_count("R9: sources gone bad", tried, 60)
    assert not violations, "\n".join(violations)
