"""Enrich: ask ExifTool for what stands only in makers' own blocks, and keep it with the pictures' facts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from imalink.catalog.file_storages import StorageRecord
from imalink.core.capture_fallback import is_guessed
from imalink.core.finding import Finding
from imalink.core.ids import StorageUuid
from imalink.core.index import FileEntry, FileStatus, SessionIndex
from imalink.core.journal import FileSeen
from imalink.core.operation import OperationKind
from imalink.core.progress import Progress, SilentProgress
from imalink.errors import IndexDamagedError, NotFoundError, StorageError, UsageError
from imalink.media.exiftool import Answer, ExifTool, ExifToolError, fill_facts, find_exiftool
from imalink.storage.file_storage import FileStorage
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.new_operation import counted, new_operation
from imalink.workflows.storage_access import fold_notes, open_storage, project_fold
from imalink.workflows.tools import Tools

BATCH_FILES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichReport:
    """How many files ExifTool was asked about, and of how many it told something new."""

    storage_uuid: StorageUuid
    files_asked: int
    files_enriched: int
    findings: tuple[Finding, ...]
    seconds: float


def enrich_facts(
    tools: Tools, record: StorageRecord, *, exiftool: ExifTool | None = None, progress: Progress | None = None
) -> EnrichReport:
    """Fill in lenses, and times and places of films, that ImaLink's own readers do not find; nothing else is changed.

    What was told before a cancellation stays. Raises UsageError without ExifTool, StorageError, CancelledError.
    """
    started = time.monotonic()
    tool = exiftool or find_exiftool()
    if tool is None:
        raise UsageError(
            "ExifTool is not installed, so nothing was asked. ImaLink itself does not need it.",
            hint="On Debian and Ubuntu: apt install libimage-exiftool-perl",
        )
    with open_storage(tools, record) as storage, storage.lock("enrich"):
        mended = mend_indexes(tools, record, storage)
        work = _Enriching(tools, record, storage, tool, progress or SilentProgress())
        work.findings.extend(mended.findings)
        work.run()
    return EnrichReport(
        storage_uuid=record.storage_uuid,
        files_asked=work.asked,
        files_enriched=work.enriched,
        findings=tuple(work.findings),
        seconds=round(time.monotonic() - started, 3),
    )


class _Enriching:
    def __init__(
        self, tools: Tools, record: StorageRecord, storage: FileStorage, tool: ExifTool, progress: Progress
    ) -> None:
        self._tools = tools
        self._record = record
        self._storage = storage
        self._tool = tool
        self._progress = progress
        self.findings: list[Finding] = []
        self.asked = 0
        self.enriched = 0

    def run(self) -> None:
        wanted = list(self._wanted())
        self._progress.start_phase("analyse", total_files=len(wanted))
        seen: list[FileSeen] = []
        try:
            for at in range(0, len(wanted), BATCH_FILES):
                self._progress.checkpoint()
                seen.extend(self._ask(wanted[at : at + BATCH_FILES]))
        finally:
            self._write_down(seen)

    def _wanted(self) -> Iterator[tuple[SessionIndex, FileEntry]]:
        """Give the files of which something is open that ExifTool may know."""
        for number in self._storage.indexes.list_sessions():
            try:
                index = self._storage.indexes.load_session(number).index
            except (IndexDamagedError, NotFoundError):
                continue
            for hothash in sorted(index.files):
                entry = index.files[hothash]
                if entry.status is FileStatus.PRESENT and _leaves_open(entry):
                    yield index, entry

    def _ask(self, batch: Sequence[tuple[SessionIndex, FileEntry]]) -> Iterator[FileSeen]:
        with ExitStack() as stack:
            opened: list[tuple[SessionIndex, FileEntry]] = []
            descriptors: list[int] = []
            for index, entry in batch:
                try:
                    context = self._storage.pictures.open_for_reading(entry.relative_path)
                    descriptors.append(stack.enter_context(context))
                except (NotFoundError, StorageError):
                    continue  # a re-index tells what became of it
                opened.append((index, entry))
            answers = self._answers(opened, descriptors)
        for (index, entry), answer in zip(opened, answers, strict=True):
            taken = entry.facts.capture_time
            facts = fill_facts(entry.facts, answer, is_time_told=taken is not None and not is_guessed(taken))
            self.asked += 1
            self._progress.advance(files=1, size_bytes=entry.size_bytes, current=entry.relative_path.printable())
            if facts != entry.facts:
                self.enriched += 1
                yield FileSeen(
                    hothash=entry.hothash,
                    session_uuid=index.session.session_uuid,
                    path=entry.relative_path,
                    size_bytes=entry.size_bytes,
                    sha256=entry.sha256,
                    modified_ns=entry.modified_ns,
                    entry=replace(entry, facts=facts),
                )

    def _answers(self, opened: Sequence[tuple[SessionIndex, FileEntry]], descriptors: Sequence[int]) -> list[Answer]:
        """Ask about all at once; where that fails one by one, so that a file costs only itself."""
        if not descriptors:
            return []
        try:
            return self._tool.read(descriptors)
        except ExifToolError as error:
            if len(descriptors) == 1:
                facts = {"block": "exiftool", "reason": str(error)[:200]}
                path = opened[0][1].relative_path.printable()
                self.findings.append(Finding(code="metadata-unreadable", path=path, facts=facts))
                return [{}]
        return [
            answer
            for one, descriptor in zip(opened, descriptors, strict=True)
            for answer in self._answers([one], [descriptor])
        ]

    def _write_down(self, seen: Sequence[FileSeen]) -> None:
        if not seen:
            return
        counts = {"enriched": len(seen)}
        operation = new_operation(self._tools, OperationKind.ENRICH, counted("ExifTool", counts), counts=counts)
        self._storage.append_operation(self._tools.writer, operation, seen)
        result = self._storage.fold(fold_notes(self._storage, self._record))
        self.findings.extend((*result.findings, *project_fold(self._tools, self._record, result)))


def _leaves_open(entry: FileEntry) -> bool:
    facts = entry.facts
    if facts.file_format == "VIDEO":
        taken = facts.capture_time
        return taken is None or is_guessed(taken) or facts.duration_seconds is None or facts.camera.model is None
    return facts.camera.lens is None and (facts.camera.model is not None or facts.file_format == "RAW")
