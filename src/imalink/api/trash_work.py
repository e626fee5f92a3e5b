"""What deleting does as jobs, bringing back, and removing for good."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from imalink.answers.trash import deletion_json, emptied_json, quarantine_json, restored_json
from imalink.api.context import Server
from imalink.api.schemas.envelope import Asking
from imalink.api.schemas.trash import Deleting, Emptying, Restoring
from imalink.api.work import MAX_TOLD, Planned
from imalink.core.ids import PhotoUuid, StorageUuid
from imalink.core.index import DeletionMode
from imalink.core.job import Holds, JobRequest
from imalink.core.progress import Progress
from imalink.errors import UsageError
from imalink.workflows.delete_photos import delete_chosen, storages_of_photos
from imalink.workflows.empty_trash import empty_trash
from imalink.workflows.look_at_quarantine import empty_quarantine, restore_from_quarantine
from imalink.workflows.look_at_storages import last_known_storages
from imalink.workflows.restore_trash import restore_from_trash


def deleting(server: Server, wanted: Sequence[PhotoUuid], body: Deleting) -> Planned:
    """Delete photos. Raises UsageError, NotFoundError."""
    mode = DeletionMode(body.mode)
    if mode is DeletionMode.HARD:
        _require_confirmed(body.confirm, dry_run=body.dry_run)
    only = _storage_of(server, body.storage)
    storages = storages_of_photos(server.tools, wanted)
    held = () if body.dry_run else [each for each in storages if only in (None, each)]

    def work(progress: Progress) -> Mapping[str, object]:
        with server.turns.of(*held):
            report = delete_chosen(
                server.tools,
                wanted,
                mode=mode,
                storage=only,
                reason=body.reason,
                dry_run=body.dry_run,
                progress=progress,
            )
        return deletion_json(report, most=MAX_TOLD)

    which = hashlib.sha256("\n".join(wanted).encode("utf-8", "backslashreplace")).hexdigest()
    said = body.model_dump(mode="json", include={"mode", "storage", "reason", "dry_run"}, exclude_defaults=True)
    return Planned(asked=_on_all("delete", {"photos": len(wanted), "digest": which, **said}, held), work=work)


def restoring(server: Server, body: Restoring) -> Planned:
    """Bring back from the trash. Raises NotFoundError where nothing is meant, AmbiguousError, StorageError."""
    storage = _storage_of(server, body.storage)
    found = restore_from_trash(server.tools, body.names, storage=storage, dry_run=True)
    items = [*(each.item for each in found.restored), *(item for item, _ in found.left)]
    held = () if body.dry_run else {item.storage.storage_uuid for item in items}

    def work(_: Progress) -> Mapping[str, object]:
        with server.turns.of(*held):
            report = restore_from_trash(server.tools, body.names, storage=storage, dry_run=body.dry_run)
        return restored_json(report)

    return Planned(asked=_on_all("trash-restore", _said(body), held), work=work)


def emptying(server: Server, body: Emptying) -> Planned:
    """Remove for good what is in the trash. Raises UsageError without a confirmation, NotFoundError."""
    _require_confirmed(body.confirm, dry_run=body.dry_run)
    storage, held = _emptied(server, body)

    def work(_: Progress) -> Mapping[str, object]:
        with server.turns.of(*held):
            report = empty_trash(
                server.tools, storage=storage, older_than_days=body.older_than_days, dry_run=body.dry_run
            )
        return emptied_json(report, most=MAX_TOLD)

    return Planned(asked=_on_all("trash-empty", _said(body), held), work=work)


def letting_out(server: Server, body: Restoring) -> Planned:
    """Bring damaged files back. Raises NotFoundError where nothing is meant, StorageError."""
    storage = _storage_of(server, body.storage)
    found = restore_from_quarantine(server.tools, body.names, storage=storage, dry_run=True)
    files = [*found.files, *(file for file, _ in found.left)]
    held = () if body.dry_run else {file.storage.storage_uuid for file in files}

    def work(_: Progress) -> Mapping[str, object]:
        with server.turns.of(*held):
            report = restore_from_quarantine(server.tools, body.names, storage=storage, dry_run=body.dry_run)
        return {"dry_run": body.dry_run, **quarantine_json(report)}

    return Planned(asked=_on_all("quarantine-restore", _said(body), held), work=work)


def emptying_quarantine(server: Server, body: Emptying) -> Planned:
    """Remove for good what is in quarantine. Raises UsageError without a confirmation, NotFoundError."""
    _require_confirmed(body.confirm, dry_run=body.dry_run)
    storage, held = _emptied(server, body)

    def work(_: Progress) -> Mapping[str, object]:
        with server.turns.of(*held):
            report = empty_quarantine(
                server.tools, storage=storage, older_than_days=body.older_than_days, dry_run=body.dry_run
            )
        return {"dry_run": body.dry_run, **quarantine_json(report)}

    return Planned(asked=_on_all("quarantine-empty", _said(body), held), work=work)


def _emptied(server: Server, body: Emptying) -> tuple[StorageUuid | None, Collection[StorageUuid]]:
    """Give the storage that is meant, if it is one, and those of which the turns are needed."""
    only = _storage_of(server, body.storage)
    if body.dry_run:
        return only, ()
    if only is not None:
        return only, (only,)
    return None, [record.storage_uuid for record in last_known_storages(server.tools) if record.is_active]


def _require_confirmed(confirmed: bool, *, dry_run: bool) -> None:
    if not confirmed and not dry_run:
        raise UsageError(
            "Removing files for good has to be confirmed. Nothing was changed.",
            hint="Look first with dry_run; then say confirm.",
        )


def _storage_of(server: Server, key: str | None) -> StorageUuid | None:
    return None if key is None else server.storage(key).storage_uuid


def _said(body: Asking) -> dict[str, object]:
    said: dict[str, object] = body.model_dump(mode="json", exclude_defaults=True)
    return said


def _on_all(kind: str, request: Mapping[str, object], storages: Collection[StorageUuid]) -> JobRequest:
    """Give a job on these storages; one on none only looks."""
    first, *further = sorted(storages) or [None]
    return JobRequest(
        kind=kind,
        storage_uuid=first,
        further_storages=tuple(each for each in further if each is not None),
        request=request,
        holds=Holds.NOTHING if first is None else Holds.STORAGE,
    )
