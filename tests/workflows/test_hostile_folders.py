"""Folders full of what is no picture, has no proper name or cannot be opened: each is told, and the rest is done."""

from __future__ import annotations

import os
import socket
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imalink.core.finding import Finding
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.photos import make_jpeg
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import SMALL

DEEP = "/".join(["d"] * 40)
NAMES = [
    b"plain.jpg",
    b"two\nlines.jpg",
    "right\u202egpj.exe.jpg".encode(),
    b"no utf8 \xff\xe9.jpg",
    b"-rf.jpg",
    b"x" * 251 + b".jpg",
    f"{DEEP}/deep.jpg".encode(),
    "Caf\u00e9.jpg".encode(),
    "Cafe\u0301.jpg".encode(),
    b"Case.jpg",
    b"case.jpg",
]
"""Eleven pictures under names that are legal on the disk."""


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        yield made


def make_hostile(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(NAMES):
        make_jpeg(folder / os.fsdecode(raw), seed=100 + number, size=SMALL)
    os.mkfifo(folder / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.fspath(folder / "socket.jpg"))
    (folder / "loop").symlink_to(".")
    (folder / "up").symlink_to("..")
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    return folder


def import_it(scene: Scene) -> tuple[int, tuple[Finding, ...]]:
    report = scene.bench.import_(scene.record, make_hostile(scene.folder / "card"))
    return report.statistics.new_imports, report.findings


def reindex_it(scene: Scene) -> tuple[int, tuple[Finding, ...]]:
    make_hostile(scene.photos)
    report = scene.look(adds_orphans=True)
    assert report.added is not None
    return report.added.statistics.new_imports, report.findings


def adopt_it(scene: Scene) -> tuple[int, tuple[Finding, ...]]:
    folder = make_hostile(scene.folder / "Pictures")
    adopted = adopt_folder(scene.bench.tools, folder=folder, display_name="Pictures")
    assert adopted.indexed is not None
    return adopted.indexed.statistics.new_imports, adopted.indexed.findings


WAYS = pytest.mark.parametrize(
    ("way", "side"),
    [(import_it, "source"), (reindex_it, "storage"), (adopt_it, "storage")],
    ids=["import", "re-index", "adopt"],
)
Way = Callable[[Scene], tuple[int, tuple[Finding, ...]]]


@WAYS
def test_every_picture_comes_in_and_every_oddity_is_told_once(scene: Scene, way: Way, side: str) -> None:
    brought, findings = way(scene)
    assert brought == len(NAMES)
    told = Counter(finding.code for finding in findings)
    assert (told[f"{side}-special"], told[f"{side}-symlink"], told["name-not-utf8"]) == (2, 5, 1)
    special = {Path(finding.path).name for finding in findings if finding.code == f"{side}-special"}
    assert special == {"pipe.jpg", "socket.jpg"}


@pytest.mark.root
@WAYS
def test_a_device_is_told_and_never_opened(scene: Scene, way: Way, side: str) -> None:
    place = scene.photos if way is reindex_it else scene.folder / ("card" if way is import_it else "Pictures")
    place.mkdir(exist_ok=True)
    os.mknod(place / "tape.jpg", stat.S_IFCHR | 0o600, os.makedev(1, 5))  # a device that could be read for ever
    brought, findings = way(scene)
    assert brought == len(NAMES)
    assert any(each.code == f"{side}-special" and each.path.endswith("tape.jpg") for each in findings)


def test_names_of_all_kinds_are_found_again_after_a_rename(scene: Scene) -> None:
    make_hostile(scene.photos)
    scene.look(adds_orphans=True)
    (scene.photos / "Case.jpg").rename(scene.photos / "CASE.jpg")
    (scene.photos / "Caf\u00e9.jpg").rename(scene.at("nfc/Cafe\u0301.jpg"))
    (scene.photos / os.fsdecode(NAMES[3])).rename(scene.photos / os.fsdecode(b"still \xe9.jpg"))
    (scene.photos / "two\nlines.jpg").rename(scene.photos / "three\n\nlines.jpg")
    report = scene.look()
    assert (len(report.moved_files), report.orphans, report.missing_files) == (4, (), ())
    scene.settle()


def test_a_hundred_thousand_files_in_one_folder_are_all_seen(scene: Scene) -> None:
    folder = scene.photos / "all"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    for number in range(100_000):
        os.close(os.open(f"note {number}.txt", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    make_jpeg(folder / "picture.jpg", seed=1, size=SMALL)
    report = reindex(scene.bench.tools, scene.record, ReindexRequest())
    assert (report.files_seen, report.orphans, report.files_hashed) == (100_001, ("photos/all/picture.jpg",), 1)
    again = reindex(scene.bench.tools, scene.record, ReindexRequest())
    assert (again.changes_detected, again.files_hashed) == (False, 0)
