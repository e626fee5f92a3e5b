"""``/operations``: what was done to many things at once, and taking it back."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from imalink.answers.operations import operation_json
from imalink.api import work
from imalink.api.awaited import ACCEPTED, Prefer, answered
from imalink.api.context import Asked, Right, Server, needs
from imalink.api.envelope import page_of, success
from imalink.api.parameters import Limit, Offset, item_key
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.operations import FoundOperation, Operations, Undoing, Undone
from imalink.api.schemas.storages import UUID_EXAMPLE, UUID_PATTERN
from imalink.workflows.look_at_operations import OperationView, get_view, list_operations, with_change, with_edits

router = APIRouter(prefix="/operations", tags=["operations"])
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]

OperationKey = Annotated[
    str,
    Path(description="The `operation_uuid`.", examples=[UUID_EXAMPLE], json_schema_extra={"pattern": UUID_PATTERN}),
]


@router.get("", dependencies=_READ, responses=answers(Success[Operations], 503))
def list_all(
    server: Asked,
    storage: Annotated[str | None, Query(max_length=64, description="Only what was done in this storage.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """List operations and imports, the newest first, and whether they can be undone.

    Edits of authors, collections and saved searches are of no storage: `storages` is empty.
    """
    storage_uuid = None if storage is None else server.storage(storage).storage_uuid
    found = list_operations(server.tools, storage=storage_uuid)
    return success(
        page_of("operations", found, offset=offset, limit=limit, spell=partial(operation_json, is_whole=False))
    )


@router.get("/{operation}", dependencies=_READ, responses=answers(Success[FoundOperation], 503))
def show(server: Asked, operation: OperationKey) -> Response:
    """Show an operation; of an edit each photo, or the item, and what was said of it before and after."""
    return success({"operation": operation_json(_view(server, operation), is_whole=True)})


@router.post("/{operation}/undo", dependencies=_EDIT, responses=answers(Success[Undone], 409, 423, 503, 507) | ACCEPTED)
def undo(server: Asked, operation: OperationKey, body: Undoing | None = None, prefer: Prefer = None) -> Response:
    """Bring indexes and catalog back to what they said before an operation. Undoing an undo does it again.

    What cannot be undone is refused with the reason (409): something later changed the same, it is undone already, or
    what it removed is gone for good. Files that you moved stay where you put them; only what the operation itself had
    moved to the trash, or out of it, goes back.
    """
    planned = work.undoing(server, _view(server, operation), body or Undoing())
    return answered(server, planned, prefer)


def _view(server: Server, operation: str) -> OperationView:
    [view] = with_edits(server.tools, [get_view(server.tools, item_key("operation", operation))])
    return with_change(server.tools, view)
