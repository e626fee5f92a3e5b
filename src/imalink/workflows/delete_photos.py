"""Delete photos: mark them, move their files to the trash, or remove them for good."""

from __future__ import annotations

import time
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from imalink.catalog import file_storages, photos
from imalink.catalog.file_storages import StorageRecord
from imalink.core.audit import AuditAction
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, OperationUuid, PhotoUuid, StorageUuid
from imalink.core.index import DeletionMode
from imalink.core.operation import OperationKind
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.errors import NotFoundError, StorageError, UsageError, WrongStateError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.empty_trash import remove_kept_files
from imalink.workflows.mend_indexes import mend_indexes, peek_master
from imalink.workflows.move_files import write_down_and_move
from imalink.workflows.named_pictures import get_named_pictures
from imalink.workflows.new_operation import new_operation
from imalink.workflows.plan_deletion import DeletionPlan, DeletionPlanner
from imalink.workflows.storage_access import get_storage, open_storage
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note

BY_USER = "user"
_MODES = (DeletionMode.TRASH, DeletionMode.SOFT, DeletionMode.HARD)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedFile:
    """A file of a deleted picture; ``kept`` is where in the trash it is, None where it is not there.

    One that is not ``is_picture`` goes with a picture: a sidecar, a clip.
    """

    path: RelativePath
    kept: RelativePath | None
    size_bytes: int
    is_picture: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedPicture:
    """A picture that was deleted in one storage, or would be, with all its files there."""

    storage: StorageRecord
    hothash: Hothash
    photo_uuid: PhotoUuid
    original_filename: str
    files: tuple[DeletedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftPicture:
    """A picture that was not deleted in a storage, and why."""

    storage: StorageRecord
    hothash: Hothash
    path: RelativePath
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftStorage:
    """A storage in which nothing could be done now, and why."""

    storage: StorageRecord
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteReport:
    """What was deleted, or would be (``operation_uuid`` None), and what was not."""

    mode: DeletionMode
    operation_uuid: OperationUuid | None
    pictures: tuple[DeletedPicture, ...]
    left: tuple[LeftPicture, ...]
    left_storages: tuple[LeftStorage, ...]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def file_count(self) -> int:
        """How many files were deleted, or would be."""
        return sum(len(picture.files) for picture in self.pictures)

    @property
    def size_bytes(self) -> int:
        """Their bytes."""
        return sum(file.size_bytes for picture in self.pictures for file in picture.files)


def delete_photos(
    tools: Tools,
    texts: Sequence[str],
    *,
    mode: DeletionMode = DeletionMode.TRASH,
    storage: str | None = None,
    reason: str = "",
    dry_run: bool = False,
    progress: Progress | None = None,
) -> DeleteReport:
    """Delete the photos that hold these pictures: all their files, in every storage that can be reached, or in one.

    Named by hothash, by a prefix of it, or by a file in a storage. A file whose bytes are not those that the index
    knows is left with its whole picture. Storages out of reach are left too and named: nothing is done there later. An
    operation that ``undo`` takes back, unless the files were removed for good. Raises UsageError, NotFoundError,
    AmbiguousError, CancelledError, and StorageError when no storage could be worked on.
    """
    chosen = list(dict.fromkeys(picture.photo_uuid for picture in get_named_pictures(tools, texts)))
    return delete_chosen(
        tools,
        chosen,
        mode=mode,
        storage=storage,
        reason=reason,
        dry_run=dry_run,
        progress=progress,
        named_count=len(texts),
    )


def delete_chosen(
    tools: Tools,
    photo_uuids: Collection[PhotoUuid],
    *,
    mode: DeletionMode = DeletionMode.TRASH,
    storage: str | None = None,
    reason: str = "",
    dry_run: bool = False,
    progress: Progress | None = None,
    named_count: int | None = None,
) -> DeleteReport:
    """Delete these photos, as ``delete_photos`` does; ``named_count`` is how many were named to mean them.

    Raises UsageError, NotFoundError, CancelledError, StorageError.
    """
    started = time.monotonic()
    if mode not in _MODES:
        raise UsageError(f"{mode.value} is no way to delete: it is one of {', '.join(_MODES)}.")
    wanted = _by_storage(tools, photo_uuids)
    if storage is not None:
        only = get_storage(tools, storage).storage_uuid
        wanted = {uuid: hothashes for uuid, hothashes in wanted.items() if uuid == only}
        if not wanted:
            raise WrongStateError(f"{storage} has none of these pictures. Nothing was changed.")
    count = len(photo_uuids) if named_count is None else named_count
    work = _Deleting(tools, mode, reason, progress or SilentProgress(), dry_run=dry_run, count=count)
    troubles: list[StorageError] = []
    with tools.catalog.read() as db:
        known = {each.storage_uuid: each for each in file_storages.list_storages(db)}
    for storage_uuid in sorted(wanted):
        record = known[storage_uuid]
        if not record.is_active:
            work.left_storages.append(LeftStorage(storage=record, why="The storage is deactivated."))
            continue
        before = len(work.pictures)
        try:
            work.delete_in(record, wanted[storage_uuid])
        except StorageError as error:
            troubles.append(error)
            work.left_storages.append(LeftStorage(storage=record, why=error.message))
        finally:  # one that was stopped has deleted something too
            deleted = len(work.pictures) - before
            if deleted and not dry_run:
                where = f"{record.display_name} ({record.storage_uuid})"
                operation = work.operation.operation_uuid
                note(
                    tools,
                    AuditAction.PHOTOS_DELETED,
                    where,
                    operation=operation,
                    mode=mode.value,
                    pictures=deleted,
                    reason=reason,
                )
    if troubles and not (work.pictures or work.left):
        raise troubles[0]
    return DeleteReport(
        mode=mode,
        operation_uuid=None if dry_run or not work.pictures else work.operation.operation_uuid,
        pictures=tuple(work.pictures),
        left=tuple(work.left),
        left_storages=tuple(work.left_storages),
        findings=tuple(work.findings),
        seconds=round(time.monotonic() - started, 3),
    )


def storages_of_photos(tools: Tools, photo_uuids: Collection[PhotoUuid]) -> list[StorageUuid]:
    """Give the storages that are known to hold any file of these photos. Raises NotFoundError."""
    with tools.catalog.read() as db:
        _require_known(photo_uuids, photos.find_ids(db, photo_uuids))
        return sorted(photos.find_storages(db, photo_uuids))


def _by_storage(tools: Tools, photo_uuids: Collection[PhotoUuid]) -> dict[StorageUuid, set[Hothash]]:
    """Give by storage all pictures of these photos. Raises NotFoundError for one that is not known."""
    with tools.catalog.read() as db:
        found = photos.find_photos(db, photo_uuids)
    _require_known(photo_uuids, found)
    hothashes: dict[StorageUuid, set[Hothash]] = {}
    for photo in found.values():
        for file in photo.files:
            for place in file.locations:
                hothashes.setdefault(place.storage_uuid, set()).add(file.hothash)
    return hothashes


def _require_known(photo_uuids: Iterable[PhotoUuid], known: Container[PhotoUuid]) -> None:
    unknown = next((photo_uuid for photo_uuid in photo_uuids if photo_uuid not in known), None)
    if unknown is not None:
        raise NotFoundError(
            f"The photo {unknown} is not known any more. Nothing was changed.", hint="`imalink search` lists photos."
        )


class _Deleting:
    """One deletion over several storages: one operation."""

    def __init__(
        self, tools: Tools, mode: DeletionMode, reason: str, progress: Progress, *, dry_run: bool, count: int
    ) -> None:
        self._tools = tools
        self._progress = progress
        self._mode = mode
        self._reason = reason
        self._dry_run = dry_run
        how = {DeletionMode.SOFT: "marked", DeletionMode.HARD: "removed"}.get(mode, "to the trash")
        counts = {"photos": count}
        self.operation = new_operation(
            tools, OperationKind.DELETE, f"Delete: {count:,} photo{'s' * (count != 1)}, {how}", counts=counts
        )
        self.pictures: list[DeletedPicture] = []
        self.left: list[LeftPicture] = []
        self.left_storages: list[LeftStorage] = []
        self.findings: list[Finding] = []

    def delete_in(self, record: StorageRecord, hothashes: Iterable[Hothash]) -> None:
        """Delete these pictures in one storage. Raises StorageError."""
        with ExitStack() as stack:
            storage = stack.enter_context(open_storage(self._tools, record))
            if self._dry_run:
                master = peek_master(storage)
            else:
                stack.enter_context(storage.lock("delete"))
                mended = mend_indexes(self._tools, record, storage)
                self.findings.extend(mended.findings)
                master = mended.master
            planner = DeletionPlanner(
                self._tools,
                storage,
                master,
                operation_uuid=self.operation.operation_uuid,
                mode=self._mode,
                by=BY_USER,
                reason=self._reason,
                progress=self._progress,
            )
            plan = planner.plan(hothashes)
            refused: Mapping[Hothash, tuple[RelativePath, str]] = {}
            if not self._dry_run:
                refused = self._carry_out(record, storage, plan)
            self.left.extend(
                LeftPicture(storage=record, hothash=each.hothash, path=each.path, why=each.why) for each in plan.left
            )
            self.left.extend(
                LeftPicture(storage=record, hothash=hothash, path=path, why=why)
                for hothash, (path, why) in refused.items()
            )
            self.pictures.extend(self._deleted(record, plan, refused))

    def _carry_out(
        self, record: StorageRecord, storage: FileStorage, plan: DeletionPlan
    ) -> dict[Hothash, tuple[RelativePath, str]]:
        moved = write_down_and_move(self._tools, record, storage, self.operation, plan.observations, seen=plan.seen)
        self.findings.extend(moved.findings)
        refused = {each.hothash: (each.path, each.why) for each in moved.refused}
        if self._mode is DeletionMode.HARD:
            done = {(number, hothash) for number, hothash in plan.pictures if hothash not in refused}
            refused.update(
                remove_kept_files(self._tools, record, storage, self.operation, done, mode=DeletionMode.HARD)
            )
        return refused

    def _deleted(
        self, record: StorageRecord, plan: DeletionPlan, refused: Mapping[Hothash, object]
    ) -> Iterator[DeletedPicture]:
        for deletion in plan.deletions:
            entry = deletion.entry
            if entry.hothash in refused:
                continue
            is_kept = self._mode is DeletionMode.TRASH and not self._dry_run
            kept = {shift.source: shift.target for shift in deletion.observation.shifts} if is_kept else {}
            yield DeletedPicture(
                storage=record,
                hothash=entry.hothash,
                photo_uuid=entry.photo_uuid,
                original_filename=entry.original_filename,
                files=tuple(
                    DeletedFile(
                        path=file.path,
                        kept=kept.get(file.path),
                        size_bytes=file.size_bytes,
                        is_picture=file.is_picture,
                    )
                    for file in deletion.files
                ),
            )
