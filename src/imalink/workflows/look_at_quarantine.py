"""Look into the quarantine: damaged files that were replaced; bring one back, or remove for good what is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from imalink.catalog.file_storages import StorageRecord
from imalink.core.audit import AuditAction
from imalink.core.ids import RunUuid
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import parse_instant
from imalink.errors import NotFoundError, StorageIoError, StorageReadOnlyError, UnsafePathError
from imalink.storage.file_storage import FileStorage
from imalink.storage.quarantine import Quarantine
from imalink.workflows.look_at_trash import reachable_storages
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.storage_access import open_storage
from imalink.workflows.target_names import TargetNames
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedFile:
    """One file in quarantine: ``path`` is where it stood, ``kept`` where it is.

    ``title`` is of the operation or import that put it there ``at`` that time; both are empty for a file of which
    nothing is known: that is never removed. ``stands_again`` says that a file stands at its old place.
    """

    storage: StorageRecord
    operation: str
    title: str
    at: str
    path: RelativePath
    kept: RelativePath
    size_bytes: int
    stands_again: bool

    @property
    def is_known(self) -> bool:
        """Whether ImaLink put it there."""
        return bool(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineReport:
    """What is in quarantine, or was let out or removed; ``left`` is what stays, with why.

    ``targets`` are the places of files that came back, in the order of ``files``.
    """

    files: tuple[QuarantinedFile, ...]
    targets: tuple[RelativePath, ...] = ()
    left: tuple[tuple[QuarantinedFile, str], ...] = ()
    left_storages: tuple[tuple[StorageRecord, str], ...] = ()


def list_quarantine(tools: Tools, *, storage: str | None = None) -> QuarantineReport:
    """List the quarantine of every storage in reach, or of one; the newest first.

    Raises NotFoundError, AmbiguousError, and StorageError when no storage can be reached.
    """
    records, left = reachable_storages(tools, storage)
    found: list[QuarantinedFile] = []
    for record in records:
        with open_storage(tools, record) as opened:
            found.extend(_look(record, opened))
    found.sort(key=lambda file: (file.at, file.kept), reverse=True)
    return QuarantineReport(files=tuple(found), left_storages=tuple(left))


def restore_from_quarantine(
    tools: Tools, texts: Sequence[str], *, storage: str | None = None, dry_run: bool = False
) -> QuarantineReport:
    """Bring damaged files back, named by the place where they stood or are kept, or by their operation.

    Each goes where it stood if that is free, else beside it under a free name: what was healed stays. No index is told:
    a re-index finds the file as it would any that the user put there. Raises NotFoundError when nothing is meant, and
    as ``list_quarantine``.
    """
    records, left = reachable_storages(tools, storage)
    done: list[QuarantinedFile] = []
    targets: list[RelativePath] = []
    refused: list[tuple[QuarantinedFile, str]] = []
    for record in records:
        with ExitStack() as stack:
            opened = stack.enter_context(open_storage(tools, record))
            if not dry_run:
                if not _meant(_look(record, opened), texts):
                    continue
                stack.enter_context(opened.lock("restore"))
                mend_indexes(tools, record, opened)
            names = TargetNames(opened)
            for file in _meant(_look(record, opened), texts):
                if file.path.is_ours(opened.layout.own_names):
                    refused.append((file, "No picture can have stood there: it is a place of ImaLink's own."))
                    continue
                target = names.give(file.path)
                try:
                    if not dry_run:
                        Quarantine(opened.files).let_out(file.kept, target)
                except (StorageIoError, StorageReadOnlyError, UnsafePathError) as error:
                    refused.append((file, error.message))
                else:
                    done.append(file)
                    targets.append(target)
    if not done and not refused:
        raise NotFoundError(
            f"Nothing in quarantine is called {' or '.join(texts)}. Nothing was changed.",
            hint="`imalink trash list --quarantine` shows what is there. What is unplugged is not looked into.",
        )
    return QuarantineReport(files=tuple(done), targets=tuple(targets), left=tuple(refused), left_storages=tuple(left))


def empty_quarantine(
    tools: Tools, *, storage: str | None = None, older_than_days: int | None = None, dry_run: bool = False
) -> QuarantineReport:
    """Remove for good what is in quarantine; only what ImaLink put there, and only while a file stands at its place.

    ``older_than_days``: only what went there earlier than that. It cannot be undone. Raises as ``list_quarantine``.
    """
    records, left_storages = reachable_storages(tools, storage)
    before = None if older_than_days is None else tools.clock.now() - timedelta(days=older_than_days)
    done: list[QuarantinedFile] = []
    left: list[tuple[QuarantinedFile, str]] = []
    for record in records:
        with ExitStack() as stack:
            opened = stack.enter_context(open_storage(tools, record))
            if not dry_run:
                stack.enter_context(opened.lock("empty-quarantine"))
                mend_indexes(tools, record, opened)
            for file in _look(record, opened):
                if before is not None and not (file.at and parse_instant(file.at) < before):
                    continue
                why = _why_kept(file)
                if not why and not dry_run:
                    try:
                        Quarantine(opened.files).remove(file.kept)
                    except NotFoundError:
                        continue
                    except (StorageIoError, StorageReadOnlyError, UnsafePathError) as error:
                        why = error.message
                if why:
                    left.append((file, why))
                else:
                    done.append(file)
        removed = sum(file.storage == record for file in done)
        if removed and not dry_run:
            where = f"{record.display_name} ({record.storage_uuid})"
            note(tools, AuditAction.QUARANTINE_EMPTIED, where, removed=removed)
    return QuarantineReport(files=tuple(done), left=tuple(left), left_storages=tuple(left_storages))


def _why_kept(file: QuarantinedFile) -> str:
    if not file.is_known:
        return "Nothing is known of it, so it is not ours to remove."
    return "" if file.stands_again else "No file stands at its place, so it may be all that is left of it."


def _look(record: StorageRecord, storage: FileStorage) -> Iterator[QuarantinedFile]:
    """Give what is in the quarantine of one storage. Raises StorageError."""
    there = Quarantine(storage.files).list_files()
    if not there:
        return
    told = {
        str(line.operation.operation_uuid): (line.operation.title, line.at)
        for line in storage.journals.list_operations()
    }
    runs = set(storage.committed_runs())
    for kept, file in there.items():
        parted = Quarantine.parted(kept)
        operation, path = parted if parted is not None else ("", kept)
        if operation not in told and RunUuid(operation) in runs:
            commit = storage.find_commit(RunUuid(operation))
            if commit is not None:
                told[operation] = (f"Import: {commit.end.session.title}", commit.end.finished_at)
        title, at = told.get(operation, ("", ""))
        yield QuarantinedFile(
            storage=record,
            operation=operation,
            title=title,
            at=at,
            path=path,
            kept=kept,
            size_bytes=file.size_bytes,
            stands_again=parted is not None and storage.pictures.find_facts(path) is not None,
        )


def _meant(files: Iterable[QuarantinedFile], texts: Sequence[str]) -> list[QuarantinedFile]:
    return [file for file in files if any(_is_meant(file, text) for text in texts)]


def _is_meant(file: QuarantinedFile, text: str) -> bool:
    if text in (file.path, file.kept, file.path.printable(), file.kept.printable(), file.path.name):
        return True
    wanted = text.strip().lower()
    return len(wanted) >= 4 and file.operation.startswith(wanted)
