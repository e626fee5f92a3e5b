"""What the user wants left out is left out of walks, and never looks like a loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.errors import UsageError
from imalink.formats.layouts.hybrid import HYBRID
from imalink.storage.fs import StorageFiles
from imalink.storage.ignore_rules import IGNORE_NAME, MAX_IGNORE_BYTES, IgnoreRules, load_ignore_rules
from imalink.storage.root import StorageRoot
from imalink.storage.scanner import scan_source, scan_storage
from tests.support.scenes import Scene, memory_folder

FILES: tuple[str, ...] = (
    "a.jpg",
    "a.tmp.jpg",
    "private/b.jpg",
    "private/keep/c.jpg",
    "work/private/d.jpg",
    "exports/e.jpg",
    "f.PNG",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def left(folder: Path, *patterns: str) -> set[str]:
    with StorageRoot.open(folder) as root:
        return set(FILES) - {str(path) for path in scan_source(root, ignore=IgnoreRules(patterns)).files}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), set[str]()),
        (("*.tmp.jpg",), {"a.tmp.jpg"}),
        (("private/",), {"private/b.jpg", "private/keep/c.jpg", "work/private/d.jpg"}),
        (("/private/",), {"private/b.jpg", "private/keep/c.jpg"}),
        (("work/**/d.jpg",), {"work/private/d.jpg"}),
        (("*.jpg", "!a.jpg"), set(FILES) - {"a.jpg", "f.PNG"}),
        (("/private/", "!/private/keep/"), {"private/b.jpg", "private/keep/c.jpg"}),
        (("# a note", "", "exports"), {"exports/e.jpg"}),
        (("a.jpg/",), set[str]()),
        (("*.png",), set[str]()),
    ],
)
def test_patterns_mean_what_they_mean_in_gitignore(folder: Path, patterns: tuple[str, ...], expected: set[str]) -> None:
    assert left(folder, *patterns) == expected


def test_a_pattern_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UsageError):
        IgnoreRules(["a.jpg", "!"]).check()


def test_patterns_are_read_from_the_folder_itself(folder: Path) -> None:
    (folder / IGNORE_NAME).write_bytes(b"# mine\r\n*.tmp.jpg\nexports/\n")
    with StorageRoot.open(folder) as root:
        files = StorageFiles(root)
        found = scan_storage(files, photo_root=None, own_names=HYBRID.own_names, ignore=load_ignore_rules(files, None))
    assert set(FILES) - {str(path) for path in found.files} == {"a.tmp.jpg", "exports/e.jpg"}
    assert {str(path) for path in found.excluded} == {"a.tmp.jpg", "exports"}


def test_a_file_of_patterns_that_is_too_long_is_refused_and_not_half_read(folder: Path) -> None:
    (folder / IGNORE_NAME).write_bytes(b"x\n" * MAX_IGNORE_BYTES)
    with StorageRoot.open(folder) as root, pytest.raises(UsageError):
        load_ignore_rules(StorageFiles(root), None)


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


def test_archived_files_that_are_left_out_later_are_not_missing(scene: Scene) -> None:
    hothash = scene.hothash("IMG_0002.jpg")
    scene.move("IMG_0001.jpg", "private/a.jpg")
    scene.look()
    (scene.photos / IGNORE_NAME).write_text("private/\n*_0002.jpg\n")
    scene.add("private/new.jpg", 50)
    report = scene.look()
    assert (report.newly_missing, report.new_files, report.changes_detected) == ((), (), False)
    assert scene.place_of(hothash) == "IMG_0002.jpg"
    (scene.photos / IGNORE_NAME).unlink()
    assert [path.removeprefix("photos/") for path in scene.look().new_files] == ["private/new.jpg"]
