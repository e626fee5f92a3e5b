"""``/photos/delete``, ``/trash`` and ``/quarantine``: what is deleted, comes back, or goes for good."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from imalink.answers.trash import quarantine_json, trash_json
from imalink.api import photo_changes, trash_work
from imalink.api.awaited import ACCEPTED, Prefer, answered
from imalink.api.context import Asked, Right, Server, needs, require
from imalink.api.envelope import page_meta, success
from imalink.api.parameters import Limit, Offset
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.trash import (
    Deleting,
    Deletion,
    Emptied,
    EmptiedQuarantine,
    Emptying,
    LetOut,
    Quarantine,
    Restored,
    Restoring,
    Trash,
)
from imalink.workflows.look_at_quarantine import list_quarantine
from imalink.workflows.look_at_trash import list_trash

router = APIRouter(tags=["trash"])
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]
_ADMINISTER = [Depends(needs(Right.ADMINISTER))]
_STATUSES = (409, 423, 503, 507)

Storage = Annotated[str | None, Query(max_length=64, description="Only there: a storage's UUID or `id`.")]


@router.post("/photos/delete", dependencies=_EDIT, responses=answers(Success[Deletion], *_STATUSES) | ACCEPTED)
def delete_photos(request: Request, server: Asked, body: Deleting, prefer: Prefer = None) -> Response:
    """Delete photos: all files of each (RAW, JPEG, clip, sidecars, copies) in every storage that can be reached.

    They go to the trash of their storage, and one undo brings them back; `hard` removes them for good, which takes an
    administrator and `confirm`. A file whose bytes are not those that the index knows stays, with its whole picture. A
    storage that is away stays as it is and stands in `left_storages`.
    """
    if body.mode == "hard":
        require(request, Right.ADMINISTER)
    planned = trash_work.deleting(server, photo_changes.chosen_of_many(server, body), body)
    return answered(server, planned, prefer)


@router.get("/trash", dependencies=_READ, responses=answers(Success[Trash], 503))
def show_trash(server: Asked, storage: Storage = None, offset: Offset = 0, limit: Limit = 100) -> Response:
    """List what was deleted, the newest first: what, when, by which operation, and how large it is.

    The storages are asked, so it takes as long as their disks.
    """
    found = list_trash(server.tools, storage=_uuid_of(server, storage))
    meta = page_meta(total=len(found.items), offset=offset, limit=limit)
    return success({**trash_json(found, offset=offset, limit=limit), "meta": meta})


@router.post("/trash/restore", dependencies=_EDIT, responses=answers(Success[Restored], *_STATUSES) | ACCEPTED)
def restore(server: Asked, body: Restoring, prefer: Prefer = None) -> Response:
    """Bring pictures back to where they stood, with all that was known of them.

    Where the name is taken by now, a file comes back beside it under a free one.
    """
    return answered(server, trash_work.restoring(server, body), prefer)


@router.post("/trash/empty", dependencies=_ADMINISTER, responses=answers(Success[Emptied], *_STATUSES) | ACCEPTED)
def empty(server: Asked, body: Emptying, prefer: Prefer = None) -> Response:
    """Remove for good what is in the trash. It cannot be undone.

    Only files that ImaLink knows of go, and only with the bytes that it knows. Without `storage` it waits until no job
    is at work on any of them.
    """
    return answered(server, trash_work.emptying(server, body), prefer)


@router.get("/quarantine", dependencies=_READ, responses=answers(Success[Quarantine], 503))
def show_quarantine(server: Asked, storage: Storage = None) -> Response:
    """List damaged files that were healed or replaced, the newest first."""
    return success(quarantine_json(list_quarantine(server.tools, storage=_uuid_of(server, storage))))


@router.post("/quarantine/restore", dependencies=_EDIT, responses=answers(Success[LetOut], *_STATUSES) | ACCEPTED)
def let_out(server: Asked, body: Restoring, prefer: Prefer = None) -> Response:
    """Bring damaged files back, to where they stood if that is free, else beside it; what was healed stays.

    They are named by the place where they stood or are kept, or by their operation.
    """
    return answered(server, trash_work.letting_out(server, body), prefer)


@router.post(
    "/quarantine/empty", dependencies=_ADMINISTER, responses=answers(Success[EmptiedQuarantine], *_STATUSES) | ACCEPTED
)
def empty_quarantine(server: Asked, body: Emptying, prefer: Prefer = None) -> Response:
    """Remove for good what is in quarantine; only what ImaLink put there, and only while a file stands at its place."""
    return answered(server, trash_work.emptying_quarantine(server, body), prefer)


def _uuid_of(server: Server, key: str | None) -> str | None:
    return None if key is None else server.storage(key).storage_uuid
