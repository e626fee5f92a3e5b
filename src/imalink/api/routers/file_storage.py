"""``/file-storage``: storages made, taken in, looked at, changed and left out of use."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from imalink.answers import import_json
from imalink.answers.places import browsed_json
from imalink.answers.storages import (
    accessibility_json,
    last_known_json,
    loss_json,
    statistics_json,
)
from imalink.api import recovery_work, work
from imalink.api.awaited import ACCEPTED, Prefer, answered
from imalink.api.context import Asked, Right, needs
from imalink.api.envelope import page_meta, success
from imalink.api.parameters import Limit, Offset, StorageKey
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.storages import (
    Accessibility,
    AdoptedFolder,
    Browsed,
    ChangedStorage,
    ForgottenStorage,
    MadeStorage,
    NewStorage,
    Recovery,
    RecoveryPreview,
    Roots,
    Storage,
    StorageChange,
    StorageDetails,
    StorageList,
    StorageStatistics,
    Verification,
    Verified,
    WritingSidecars,
    WrittenSidecars,
)
from imalink.catalog.file_storages import StorageRecord
from imalink.core.session import check_description
from imalink.errors import StorageInUseError, UsageError
from imalink.runtime.local_files import make_directory
from imalink.runtime.restored_sessions import RestoredSession
from imalink.workflows.activate_storage import set_storage_active
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.browse_storage import browse_storage
from imalink.workflows.create_or_adopt import create_or_adopt
from imalink.workflows.forget_storage import forget_storage, look_before_forgetting
from imalink.workflows.look_at_sessions import list_sessions
from imalink.workflows.look_at_storages import check_accessibility, last_known_storages
from imalink.workflows.relocate_storage import relocate_storage
from imalink.workflows.rename_storage import rename_storage
from imalink.workflows.storage_access import home_of

router = APIRouter(prefix="/file-storage", tags=["file-storage"])
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]
_ADMINISTER = [Depends(needs(Right.ADMINISTER))]


@router.post(
    "/create",
    status_code=201,
    dependencies=_ADMINISTER,
    responses=answers(Success[MadeStorage], 409, 423, 503, 507, status=201),
)
@router.post(
    "",
    status_code=201,
    dependencies=_ADMINISTER,
    responses=answers(Success[MadeStorage], 409, 423, 503, 507, status=201),
)
def create_storage(server: Asked, body: NewStorage) -> Response:
    """Make a storage in a folder of its own below `base_path`.

    If a storage of just this name stands there that the catalog does not know, it is taken in instead with all it
    holds, and `adopted` is true.
    """
    base_path = server.folders.check(body.base_path, field="base_path")
    if body.create_base_path and not base_path.exists():
        make_directory(base_path)
    made = create_or_adopt(
        server.tools,
        base_path=base_path,
        display_name=body.display_name,
        description=check_description(body.description or ""),
    )
    if made.recovered is not None:
        server.restored.offer(
            RestoredSession(
                session_uuid=each.session.session_uuid,
                storage_uuid=made.record.storage_uuid,
                title=each.session.title,
                description=each.session.description,
            )
            for each in list_sessions(server.tools, storage=made.record.storage_uuid)
        )
    recovered = made.recovered
    return success(
        {
            **last_known_json(made.record),
            "adopted": recovered is not None,
            "restored_sessions": 0 if recovered is None else recovered.restored_sessions,
            "restored_files": 0 if recovered is None else recovered.restored_files,
        },
        status=201,
    )


@router.post(
    "/adopt",
    status_code=201,
    dependencies=_ADMINISTER,
    responses=answers(Success[Storage], 409, 423, 503, 507, status=201),
)
def adopt(server: Asked, body: AdoptedFolder) -> Response:
    """Make the user's own folder a storage in place; no picture in it is touched."""
    report = adopt_folder(
        server.tools,
        folder=server.folders.check(body.folder, field="folder"),
        display_name=body.display_name,
        description=check_description(body.description or ""),
        is_indexed=body.index,
    )
    indexed = None if report.indexed is None else import_json(report.indexed)
    record = server.storage(report.record.storage_uuid)
    return success({**last_known_json(record), "indexed": indexed}, status=201)


@router.get("", dependencies=_READ, responses=answers(Success[StorageList], 503))
def list_storages(
    server: Asked,
    active: Annotated[bool | None, Query(description="Only those that are in use, or only those that are not.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """List the known storages by name, as the catalog knows them; no disk is asked."""
    records = [each for each in last_known_storages(server.tools) if active is None or each.is_active is active]
    return success(
        {
            "storages": [last_known_json(record) for record in records[offset : offset + limit]],
            "total_count": len(records),
            "meta": page_meta(total=len(records), offset=offset, limit=limit),
        }
    )


@router.post(
    "/recover",
    dependencies=_ADMINISTER,
    responses=answers(Success[Recovery | RecoveryPreview], 409, 423, 503, 507) | ACCEPTED,
)
def recover_storages(server: Asked, body: Roots | None = None, prefer: Prefer = None) -> Response:
    """Rebuild the catalog from what storages say of themselves: sessions, photos, files and all that was said of them.

    Nothing is removed from the catalog. Asking for it is trusting the storages found; `dry_run` shows first what each
    that is not trusted yet says of itself, and takes nothing in.
    """
    return answered(server, recovery_work.recovery(server, body or Roots()), prefer)


@router.get("/{storage}", dependencies=_READ, responses=answers(Success[StorageDetails], 503))
def show_storage(server: Asked, storage: StorageKey) -> Response:
    """Show one storage as the catalog knows it."""
    record = server.storage(storage)
    sessions = list_sessions(server.tools, storage=record.storage_uuid)
    return success({**last_known_json(record), "import_sessions_count": len(sessions)})


@router.patch("/{storage}", dependencies=_ADMINISTER, responses=answers(Success[ChangedStorage], 409, 423, 503, 507))
@router.put(
    "/{storage}",
    dependencies=_ADMINISTER,
    responses=answers(Success[ChangedStorage], 409, 423, 503, 507),
)
def change_storage(server: Asked, storage: StorageKey, body: StorageChange) -> Response:
    """Tell where a storage stands now, or call it something else.

    What stands at a new `base_path` must be this storage by its own signature. Names are written into the storage, so
    it must be reachable.
    """
    record = server.storage(storage)
    if body.base_path is None and body.display_name is None and body.description is None:
        raise UsageError("Nothing was said of the storage, so nothing was changed.")
    left: str | None = None
    with server.turns.of(record.storage_uuid):
        if body.base_path is not None:
            relocated = relocate_storage(server.tools, record, server.folders.check(body.base_path, field="base_path"))
            record, left = relocated.record, relocated.copy_left_at
        if body.display_name is not None or body.description is not None:
            record = rename_storage(server.tools, record, display_name=body.display_name, description=body.description)
    return success({**last_known_json(record), "copy_left_at": left})


@router.delete("/{storage}", dependencies=_ADMINISTER, responses=answers(Success[ForgottenStorage], 409, 503))
def forget(
    server: Asked,
    storage: StorageKey,
    force: Annotated[bool, Query(description="Forget it although the library loses sight of photos by it.")] = False,
    dry_run: Annotated[bool, Query(description="Only count what the library would lose sight of.")] = False,
) -> Response:
    """Take a storage out of the catalog; its files are not touched, and `recover` brings it back.

    One of which sessions are known is only forgotten by `force=true`.
    """
    record = server.storage(storage)
    loss = look_before_forgetting(server.tools, record)
    with server.turns.of(record.storage_uuid):
        if not dry_run:
            if not force and list_sessions(server.tools, storage=record.storage_uuid):
                raise _holds_sessions(record)
            loss = forget_storage(server.tools, record)
    return success(loss_json(record, loss, dry_run=dry_run))


@router.get("/{storage}/statistics", dependencies=_READ, responses=answers(Success[StorageStatistics], 503))
def count_storage(server: Asked, storage: StorageKey) -> Response:
    """Count what is indexed in a storage, also while it is away: then as last known."""
    record = server.storage(storage)
    return success(statistics_json(record, list_sessions(server.tools, storage=record.storage_uuid)))


@router.post("/{storage}/accessibility", dependencies=_READ, responses=answers(Success[Accessibility], 503))
def check_storage(server: Asked, storage: StorageKey) -> Response:
    """Ask whether a storage stands where it should, can be written, and has room; the numbers are never null."""
    return success(accessibility_json(check_accessibility(server.tools, server.storage(storage).storage_uuid)))


@router.post("/{storage}/deactivate", dependencies=_EDIT, responses=answers(Success[Storage], 503))
def deactivate(server: Asked, storage: StorageKey) -> Response:
    """Leave a storage out of look-ups; it stays known, and nothing in it is touched."""
    record = set_storage_active(server.tools, server.storage(storage), is_active=False)
    return success(last_known_json(record))


@router.post("/{storage}/reactivate", dependencies=_EDIT, responses=answers(Success[Storage], 503))
def reactivate(server: Asked, storage: StorageKey) -> Response:
    """Use a deactivated storage again."""
    record = set_storage_active(server.tools, server.storage(storage), is_active=True)
    server.live.outbox.wake()
    return success(last_known_json(record))


@router.post(
    "/{storage}/verify", dependencies=_EDIT, responses=answers(Success[Verified], 409, 423, 503, 507) | ACCEPTED
)
def verify_storage(
    server: Asked, storage: StorageKey, body: Verification | None = None, prefer: Prefer = None
) -> Response:
    """Compare the files of a storage with its indexes, and heal them from other storages if that is asked for."""
    return answered(server, work.verification(server, server.storage(storage), body or Verification()), prefer)


@router.post(
    "/{storage}/sidecars",
    dependencies=_EDIT,
    responses=answers(Success[WrittenSidecars], 409, 423, 503, 507) | ACCEPTED,
)
def write_sidecars(
    server: Asked, storage: StorageKey, body: WritingSidecars | None = None, prefer: Prefer = None
) -> Response:
    """Write what was said of photos into XMP files beside their pictures, for other programs to read.

    A sidecar that another program made, or wrote into since, is left as it is. No picture is touched.
    """
    return answered(server, work.sidecars(server, server.storage(storage), body or WritingSidecars()), prefer)


@router.get("/{storage}/browse", dependencies=_READ, responses=answers(Success[Browsed], 409, 503))
def browse(
    server: Asked,
    storage: StorageKey,
    session: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="Only the session of this number.")] = None,
) -> Response:
    """Show what a storage's own indexes tell, without the catalog; nothing is written."""
    record = server.storage(storage)
    found = browse_storage(
        home_of(server.tools, record),
        clock=server.tools.clock,
        references=server.tools.references,
        number=session,
        is_trusted=True,
    )
    return success(browsed_json(found))


def _holds_sessions(record: StorageRecord) -> StorageInUseError:
    return StorageInUseError(
        f"The catalog knows sessions in {record.display_name}. Nothing was changed.",
        hint="Say force=true to forget it all the same; its files stay as they are.",
    )
