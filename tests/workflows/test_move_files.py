"""Moves that the journal says: refused where no operation of ours would move anything, and taken back then."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from imalink.core.ids import OperationUuid
from imalink.core.journal import FileTrashed
from imalink.core.operation import FileShift, OperationKind
from imalink.core.relative_path import RelativePath
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.new_operation import new_operation
from tests.support.faults import InterposedCalls
from tests.support.photos import make_jpeg
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import sha256_of, snapshot

T = TypeVar("T")
A, B = "IMG_0001.jpg", "IMG_0002.jpg"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


def begin(scene: Scene, source: str, target: str) -> None:
    """Leave what a deletion leaves that was killed after its journal line, with these paths."""
    index = scene.bench.session(scene.record)
    hothash = scene.hothash(A)
    entry = index.files[hothash]
    operation = new_operation(scene.bench.tools, OperationKind.DELETE, "Made up")
    line = FileTrashed(
        hothash=hothash,
        session_uuid=index.session.session_uuid,
        session_number=1,
        operation_uuid=OperationUuid(operation.operation_uuid),
        deleted_at="2024-10-18T14:30:52Z",
        by="user",
        mode="trash",
        shifts=(
            FileShift(
                hothash=hothash,
                source=RelativePath(source),
                target=RelativePath(target.replace("OPERATION", operation.operation_uuid)),
                sha256=entry.sha256,
            ),
        ),
    )
    with scene.bench.open(scene.record) as storage, storage.lock("test"):
        storage.trash.begin_moves(operation.operation_uuid)
        storage.append_operation(scene.bench.tools.writer, operation, [line])


def finish(scene: Scene) -> list[str]:
    with scene.bench.open(scene.record) as storage, storage.lock("test"):
        findings = mend_indexes(scene.bench.tools, scene.record, storage).findings
    scene.record = scene.bench.record(scene.record.storage_uuid)
    return [finding.code for finding in findings]


def test_an_interrupted_deletion_is_finished(scene: Scene) -> None:
    begin(scene, f"photos/{A}", f".imalink-trash/OPERATION/photos/{A}")
    assert finish(scene) == []
    assert not (scene.photos / A).exists()
    scene.settle()


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (f"photos/{A}", "photos/elsewhere.jpg"),
        (f"photos/{A}", ".imalink/metadata/x.jpg"),
        (f"photos/{A}", ".imalink-trash/x.jpg"),
        (".imalink-storage", ".imalink-trash/OPERATION/signature"),
        ("index.json", ".imalink-trash/OPERATION/index.json"),
    ],
)
def test_a_journal_cannot_move_what_no_operation_of_ours_moves(scene: Scene, source: str, target: str) -> None:
    files = snapshot(scene.photos)
    begin(scene, source, target)
    assert finish(scene) == ["left-in-place"]
    assert snapshot(scene.photos) == files
    assert (scene.root / ".imalink-storage").exists()
    assert (scene.root / "index.json").exists()
    assert scene.place_of(scene.hothash(A)) == A
    scene.settle()


def test_a_file_that_changed_before_the_deletion_was_finished_stays(scene: Scene) -> None:
    begin(scene, f"photos/{A}", f".imalink-trash/OPERATION/photos/{A}")
    make_jpeg(scene.photos / A, seed=77)
    changed = sha256_of(scene.photos / A)
    assert finish(scene) == ["left-in-place"]
    assert sha256_of(scene.photos / A) == changed
    assert len(scene.bench.session(scene.record).files) == 3


class Refusing(InterposedCalls):
    """A folder out of which nothing may be moved."""

    name = ""

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name == "rename_noreplace" and arguments[1] == self.name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self.name)
        return call()


def test_a_file_that_may_not_be_moved_stays_known_and_its_sidecar_goes_back(
    tmp_path: Path, empty_catalog: Path
) -> None:
    calls = Refusing()
    with Scene(tmp_path, empty_catalog, calls) as scene:
        scene.import_pictures(3)
        (scene.photos / "IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
        scene.look()
        files = snapshot(scene.photos)
        calls.name = "IMG_0001.xmp"
        report = delete_photos(scene.bench.tools, [scene.hothash(A), scene.hothash(B)])
        scene.record = scene.bench.record(scene.record.storage_uuid)
        assert [(each.path, "Permission" in each.why) for each in report.left] == [("photos/IMG_0001.xmp", True)]
        assert [picture.original_filename for picture in report.pictures] == [B]
        assert snapshot(scene.photos) == {name: facts for name, facts in files.items() if name != B}
        scene.settle()
