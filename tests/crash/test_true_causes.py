"""The message names the true cause: full, broken, read-only, not yours, gone and locked are told apart (I13)."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imalink import errors
from imalink.catalog.file_storages import StorageRecord
from imalink.workflows.edit_session import edit_session
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.crash.conftest import Stage
from tests.support.faults import MUTATING, FailingCalls
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source

ReportCount = Callable[[str, int, int], None]

FULL, QUOTA, BROKEN, READ_ONLY, NOT_YOURS, GONE = (
    "is full",
    "quota on the storage's disk is used up",
    "device reported an error",
    "read-only",
    "not let you write",
    "went away",
)
CAUSES: dict[int, tuple[type[errors.StorageError], str]] = {
    errno.ENOSPC: (errors.OutOfSpaceError, FULL),
    errno.EDQUOT: (errors.OutOfSpaceError, QUOTA),
    errno.EIO: (errors.StorageIoError, BROKEN),
    errno.EBADMSG: (errors.StorageIoError, BROKEN),
    errno.EROFS: (errors.StorageReadOnlyError, READ_ONLY),
    errno.EACCES: (errors.StorageReadOnlyError, NOT_YOURS),
    errno.ESTALE: (errors.StorageOfflineError, GONE),
    errno.ENODEV: (errors.StorageOfflineError, GONE),
    errno.ENOTCONN: (errors.StorageOfflineError, GONE),
    errno.ETIMEDOUT: (errors.StorageOfflineError, GONE),
}
WORDS = (FULL, QUOTA, BROKEN, READ_ONLY, NOT_YOURS, GONE, "damaged", "in use by")


def import_(bench: Workbench) -> None:
    [record] = bench.records()
    bench.import_(record, bench.folder / "second card")


def reindex_(bench: Workbench) -> None:
    [record] = bench.records()
    reindex(bench.tools, record, ReindexRequest())


def edit(bench: Workbench) -> None:
    edit_session(bench.tools, "1", title="Rome")


OPERATIONS: dict[str, Callable[[Workbench], object]] = {"import": import_, "re-index": reindex_, "edit": edit}


def prepare(bench: Workbench) -> StorageRecord:
    """A storage with a session, a picture that was moved since, and a card to import."""
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card", 2))
    make_source(bench.folder / "second card", 2, first_seed=40)
    [first, *_] = sorted((bench.root(record) / "photos").rglob("*.jpg"))
    first.rename(first.with_name("moved.jpg"))
    return record


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_error_of_a_disk_is_told_as_what_it_is(stage: Stage, operation: str, report_count: ReportCount) -> None:
    with stage.process() as bench:
        prepare(bench)
    stage.keep()
    wrong: list[str] = []
    points = 0
    for number, (kind, words) in CAUSES.items():
        for at in (1, 9):  # while the lock is taken, and in the middle of the work
            calls = FailingCalls(at, number, is_forever=True, among=MUTATING)
            name = f"{operation}, {errno.errorcode[number]} from call {at} on"
            with stage.attempt(calls) as bench:
                try:
                    OPERATIONS[operation](bench)
                    wrong.append(f"{name}: went through")
                except errors.ImalinkError as error:
                    others = [each for each in WORDS if each != words and each in error.message]
                    is_right = type(error) is kind and words in error.message and not others and error.hint
                    wrong += [] if is_right else [f"{name}: {error!r} {error.hint!r}"]
            points += 1
    report_count(f"causes of failure of {operation}", points, 20)
    assert wrong == []


@pytest.mark.root
def test_a_disk_that_turned_read_only_is_called_that(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "small", disk], check=True)
    try:
        with Workbench(tmp_path) as bench:
            prepare(bench)
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            for name, operation in OPERATIONS.items():
                with pytest.raises(errors.StorageReadOnlyError, match="mounted read-only") as caught:
                    operation(bench)
                assert "EROFS" in caught.value.message, name
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@contextmanager
def another_user() -> Generator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.root
def test_a_storage_of_another_user_is_called_that(tmp_path: Path) -> None:
    with memory_folder(tmp_path) as folder:
        folder.chmod(0o755)
        with Workbench(folder) as bench:
            prepare(bench)
            subprocess.run(["chmod", "-R", "a+rwX", bench.home], check=True)
            for name, operation in OPERATIONS.items():
                with (
                    another_user(),
                    pytest.raises(errors.StorageReadOnlyError, match="does not let you write") as caught,
                ):
                    operation(bench)
                assert "permissions" in caught.value.hint, name
