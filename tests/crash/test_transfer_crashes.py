"""R1–R4 for what comes over the network and what leaves the archive: uploads and exports stopped anywhere.

An upload counts whole or not at all, and one that was accepted is there, or archived, for ever. An export has its name
only when all of it is there; an archive file that breaks off cannot be opened.
"""

from __future__ import annotations

import errno
import hashlib
import io
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.ids import Sha256
from imalink.core.relative_path import RelativePath
from imalink.core.search_query import SearchQuery
from imalink.errors import ImalinkError, NameTakenError
from imalink.storage.file_storage import FileStorage
from imalink.storage.uploads import Uploads
from imalink.workflows.create_session import create_session
from imalink.workflows.export_pictures import (
    REPORT_NAME,
    SUMS_NAME,
    ExportRequest,
    export_to_folder,
    iter_archive,
    plan_export,
)
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.look_at_sessions import get_session
from imalink.workflows.upload_files import list_uploads, open_uploads, remove_archived
from tests.crash.commit_kills import dies
from tests.crash.crash_states import Disk, as_image, states_now
from tests.crash.long_form import IS_LONG, points
from tests.crash.stage import HOME, Stage
from tests.support.disk_log import RecordingCalls
from tests.support.faults import CrashingCalls, FailingCalls
from tests.support.folder_image import FolderImage
from tests.support.photos import make_jpeg
from tests.support.workbench import SMALL, Workbench, make_source

ReportCount = Callable[[str, int, int], None]
EVERYTHING = ExportRequest(query=SearchQuery())
MIXED = 40 if IS_LONG else 3


@dataclass
class Uploading:
    """A session to which one file was sent whole before; then another comes, and both are imported."""

    stage: Stage

    def __post_init__(self) -> None:
        self.data = {
            name: make_jpeg(self.stage.folder / "sent" / name, seed=seed, size=SMALL).read_bytes()
            for seed, name in enumerate(("first.jpg", "DCIM/second.jpg"), start=1)
        }
        self.sums = {name: Sha256(hashlib.sha256(data).hexdigest()) for name, data in self.data.items()}
        with self.stage.process() as bench:
            record = bench.create()
            session = create_session(bench.tools, title="Sent", storage=record.storage_uuid).session
            self.session_uuid, self.root = session.session_uuid, bench.root(record)
            self.send(bench, "first.jpg")
        self.stage.keep()
        self.accepted: set[str] = set()

    def known(self, bench: Workbench) -> tuple[SessionRecord, StorageRecord]:
        [record] = bench.records()
        return get_session(bench.tools, self.session_uuid), record

    def send(self, bench: Workbench, name: str) -> None:
        data = self.data[name]
        with open_uploads(bench.tools, self.known(bench)[0]) as opened:
            coming = opened.uploads.receive(RelativePath(name), sha256=self.sums[name], modified_ns=10**18)
            try:
                for first in range(0, len(data), 1 + len(data) // 3):
                    coming.write(data[first : first + 1 + len(data) // 3])
                coming.finish()
            finally:
                coming.abandon()

    def import_all(self, bench: Workbench) -> None:
        known, record = self.known(bench)
        with open_uploads(bench.tools, known) as opened:
            opened.uploads.prepare()
            source = opened.uploads.path
        import_photos(bench.tools, record, ImportRequest(source=source, session=known.session.session_uuid))
        remove_archived(bench.tools, known)

    def operate(self, bench: Workbench, note: Callable[[], None] = lambda: None) -> None:
        self.accepted = {"first.jpg"}
        self.send(bench, "DCIM/second.jpg")
        self.accepted.add("DCIM/second.jpg")
        note()
        self.import_all(bench)

    def archived(self) -> dict[Sha256, int]:
        """How many files of the photos have these bytes."""
        found: dict[Sha256, int] = {}
        for path in (self.root / "photos").rglob("*"):
            if path.is_file():
                sha256 = Sha256(hashlib.sha256(path.read_bytes()).hexdigest())
                found[sha256] = found.get(sha256, 0) + 1
        return found

    def judge(self, waiting: dict[str, Sha256], accepted: set[str]) -> Iterator[str]:
        """See that what counts as uploaded is whole, and that what was accepted is there or archived."""
        archived = self.archived()
        for name, sha256 in waiting.items():
            here = self.root / ".imalink/uploads" / self.session_uuid / "files" / name
            if self.sums.get(name) != sha256 or here.read_bytes() != self.data[name]:
                yield f"{name} counts as uploaded and is not whole"
        for name in accepted - waiting.keys():
            if self.sums[name] not in archived:
                yield f"{name} was accepted and is lost"

    def waiting(self, bench: Workbench) -> dict[str, Sha256]:
        return {str(each.path): each.sha256 for each in list_uploads(bench.tools, self.known(bench)[0])}

    def go_on(self, bench: Workbench) -> None:
        """What a client does: ask what came, send what did not, import."""
        waiting, archived = self.waiting(bench), self.archived()
        for name in self.data.keys() - waiting.keys():
            if self.sums[name] not in archived:
                self.send(bench, name)
        self.import_all(bench)

    def violations(self) -> list[str]:
        with self.stage.process() as bench:
            found = list(self.judge(self.waiting(bench), self.accepted))
            self.go_on(bench)
            if self.waiting(bench):
                found.append("what is archived still waits")
        if self.archived() != dict.fromkeys(self.sums.values(), 1):
            found.append("what was sent is not in the archive, once each")
        return found


@pytest.mark.parametrize("is_torn", [False, True], ids=["whole", "torn"])
def test_an_upload_killed_at_any_call_is_whole_or_not_there(
    stage: Stage, is_torn: bool, report_count: ReportCount
) -> None:
    uploading = Uploading(stage)
    violations: list[str] = []
    tried = 0
    for at in points(11 if is_torn else 5):
        with stage.attempt(CrashingCalls(at, is_torn=is_torn)) as bench:
            has_died = dies(lambda: uploading.operate(bench))
        if not has_died:
            break
        tried += 1
        violations += [f"{at}: {each}" for each in uploading.violations()]
    report_count("R1: kills in an upload and its import", tried, 4 if is_torn else 12)
    assert violations == []


def test_an_upload_killed_twice_is_whole_or_not_there(stage: Stage, report_count: ReportCount) -> None:
    uploading = Uploading(stage)
    violations: list[str] = []
    tried = 0
    for first in range(2, 60, 5 if IS_LONG else 19):
        for second in range(1, 60, 5 if IS_LONG else 21):
            with stage.attempt(CrashingCalls(first)) as bench:
                dies(lambda: uploading.operate(bench))
            with stage.process(CrashingCalls(second)) as bench:
                dies(lambda: uploading.go_on(bench))
            tried += 1
            violations += [f"{first}, {second}: {each}" for each in uploading.violations()]
    report_count("R3: second kills of an upload", tried, 9)
    assert violations == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_an_upload_that_fails_is_whole_or_not_there(stage: Stage, number: int, report_count: ReportCount) -> None:
    uploading = Uploading(stage)
    violations: list[str] = []
    tried = 0
    for at in points(9):
        calls = FailingCalls(at, number, is_forever=at % 2 == 0)
        with stage.attempt(calls) as bench, suppress(ImalinkError):
            uploading.operate(bench)
        if calls.failed is None:
            break
        tried += 1
        violations += [f"{at} {calls.failed.name}: {each}" for each in uploading.violations()]
    report_count("R2: errors in an upload and its import", tried, 5)
    assert violations == []


def test_an_upload_outlives_a_power_cut_once_it_is_accepted(stage: Stage, report_count: ReportCount) -> None:
    uploading = Uploading(stage)
    stage.put_back()
    recorder = RecordingCalls(stage.folder)
    moments: list[int] = []
    with stage.process(recorder) as bench:
        uploading.operate(bench, lambda: moments.append(len(recorder.log)))
    apart = stage.make_machine_apart()
    violations: list[str] = []
    total = 0
    for done, image in power_cuts(recorder):
        image.put(stage.folder)
        total += 1
        with FileStorage.open(uploading.root, clock=apart.tools.clock) as storage:
            files = Uploads(storage.files, uploading.session_uuid).list_files()
        accepted = {"first.jpg", "DCIM/second.jpg"} if done >= moments[0] else {"first.jpg"}
        waiting = {str(each.path): each.sha256 for each in files}
        violations += [f"after {done}: {each}" for each in uploading.judge(waiting, accepted)]
    report_count("R4: states after a power cut in an upload and its import", total, 200)
    assert violations == []


def power_cuts(recorder: RecordingCalls) -> Iterator[tuple[int, FolderImage]]:
    """Give what a power cut may leave after each thing done; without the machine's own files."""
    chance, disk, seen = random.Random(7), Disk(recorder.begin.copy()), set[object]()
    for done in range(len(recorder.log) + 1):
        if done:
            disk.do(recorder.log[done - 1])
        for now in states_now(disk, chance, MIXED):
            image = as_image(now, lambda path: path.startswith(f"{HOME}/") or path.endswith(".imalink-storage.lock"))
            if (done == len(recorder.log), image.digest) not in seen:
                seen.add((done == len(recorder.log), image.digest))
                yield done, image


class Exporting:
    """A storage with four pictures, and a folder to which they are exported."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        card = make_source(stage.folder / "card", 4)
        self.data = {path.name: path.read_bytes() for path in card.iterdir()}
        self.target = stage.folder / "stick"
        self.target.mkdir()
        with stage.process() as bench:
            bench.import_(bench.create(), card)
        self.image = stage.keep()

    def export(self, bench: Workbench) -> None:
        export_to_folder(bench.tools, plan_export(bench.tools, EVERYTHING), self.target)

    def looks_whole(self) -> list[Path]:
        """What stands in the folder and is not marked as ImaLink's own."""
        return [path for path in self.target.iterdir() if not path.name.startswith(".imalink-scratch-")]

    def violations(self) -> Iterator[str]:
        for path in self.looks_whole():
            found = {each.name: each.read_bytes() for each in path.iterdir()} if path.is_dir() else {}
            lines = found.pop(SUMS_NAME, b"").decode().splitlines()
            sums = {line[66:]: line[:64] for line in lines if not line.endswith(REPORT_NAME)}
            if {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name in self.data} != sums:
                yield "an export that looks whole is not as its checksums say"
            if {name: data for name, data in found.items() if name != REPORT_NAME} != self.data:
                yield "an export that looks whole lacks something"
            if REPORT_NAME not in found:
                yield "an export that looks whole has no report"

    def again(self) -> Iterator[str]:
        """See that a new process exports all the same, or finds that it was done."""
        with self.stage.process() as bench:
            with suppress(NameTakenError):  # in the same second: it had its name already
                self.export(bench)
        yield from self.violations()
        if not self.looks_whole():
            yield "nothing was exported"


def test_an_export_killed_at_any_call_leaves_nothing_that_looks_whole(stage: Stage, report_count: ReportCount) -> None:
    exporting = Exporting(stage)
    violations: list[str] = []
    tried = 0
    for at in points(2):
        with stage.attempt(CrashingCalls(at, is_torn=at % 4 == 1)) as bench:
            has_died = dies(lambda: exporting.export(bench))
        if not has_died:
            break
        tried += 1
        found = [*exporting.violations(), *(exporting.again() if tried % 4 == 0 or IS_LONG else ())]
        violations += [f"{at}: {each}" for each in found]
    report_count("R1: kills in an export", tried, 12)
    assert violations == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_an_export_that_fails_leaves_nothing_that_looks_whole(
    stage: Stage, number: int, report_count: ReportCount
) -> None:
    exporting = Exporting(stage)
    violations: list[str] = []
    tried = 0
    for at in points(3):
        calls = FailingCalls(at, number)
        with stage.attempt(calls) as bench, suppress(ImalinkError):
            exporting.export(bench)
        if calls.failed is None:
            break
        tried += 1
        violations += [f"{at} {calls.failed.name}: {each}" for each in exporting.violations()]
    report_count("R2: errors in an export", tried, 8)
    assert violations == []


def test_an_export_outlives_a_power_cut_once_it_has_its_name(stage: Stage, report_count: ReportCount) -> None:
    exporting = Exporting(stage)
    stage.put_back()
    recorder = RecordingCalls(stage.folder)
    with stage.process(recorder) as bench:
        exporting.export(bench)
    violations: list[str] = []
    total = 0
    for done, image in power_cuts(recorder):
        image.put(stage.folder)
        total += 1
        found = list(exporting.violations())
        if done == len(recorder.log) and not exporting.looks_whole():
            found.append("an export that was reported as done is gone")
        violations += [f"after {done}: {each}" for each in found]
    report_count("R4: states after a power cut in an export", total, 30)
    assert violations == []


def test_an_archive_file_that_breaks_off_cannot_be_opened(stage: Stage, report_count: ReportCount) -> None:
    exporting = Exporting(stage)
    with stage.attempt() as bench:
        pieces = list(iter_archive(bench.tools, plan_export(bench.tools, EVERYTHING)))
    whole = b"".join(pieces)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert {name: archive.read(name) for name in exporting.data} == exporting.data
    ends = [*range(0, len(whole), 997), *range(len(whole) - 120, len(whole))]
    opened = [end for end in ends if can_be_opened(whole[:end])]
    report_count("broken archive files", len(ends), 125)
    assert opened == []


def can_be_opened(data: bytes) -> bool:
    try:
        zipfile.ZipFile(io.BytesIO(data)).close()
    except zipfile.BadZipFile:
        return False
    return True
