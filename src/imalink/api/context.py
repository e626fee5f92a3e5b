"""What a request is answered with: the open catalog behind the workflows, and who may ask for what."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from imalink.api.account_gate import AccountGate
from imalink.api.known_parameters import refuse_unknown
from imalink.catalog.file_storages import StorageRecord
from imalink.core.account import Asker, Right
from imalink.core.ids import StorageUuid, parse_uuid
from imalink.errors import NotFoundError
from imalink.runtime.folder_policy import FolderPolicy
from imalink.runtime.kept_backups import KeptBackups
from imalink.runtime.live import Live
from imalink.runtime.previews import Previews
from imalink.runtime.restored_sessions import RestoredSessions
from imalink.runtime.timelines import Timelines
from imalink.runtime.turns import StorageTurns
from imalink.workflows.look_at_storages import get_storage_by_id
from imalink.workflows.storage_access import get_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What all requests share. ``turns`` are held around whatever takes a storage's lock."""

    tools: Tools
    live: Live
    previews: Previews
    turns: StorageTurns
    folders: FolderPolicy
    restored: RestoredSessions
    timelines: Timelines
    data_directory: Path
    """Where ImaLink's own data are on this machine."""
    backups: KeptBackups
    last_scans: dict[StorageUuid, dict[str, object]] = field(default_factory=dict[StorageUuid, dict[str, object]])
    """By storage, what its last re-index over HTTP told."""

    def storage(self, key: str) -> StorageRecord:
        """Give the storage with this UUID, or this number in the catalog. Raises NotFoundError."""
        if key.isascii() and key.isdecimal() and len(key) < 10:
            return get_storage_by_id(self.tools, int(key))
        try:
            return get_storage(self.tools, parse_uuid(key))
        except ValueError as error:
            raise NotFoundError(
                f"No storage {key!r} is known.", hint="GET /api/v1/file-storage lists the known ones by UUID."
            ) from error


def session_text(key: str) -> str:
    """Give what a path calls a session, if it can be one: a number or a UUID. Raises NotFoundError."""
    if key.isascii() and key.isdecimal() and len(key) < 10:
        return str(int(key))
    try:
        return parse_uuid(key)
    except ValueError as error:
        raise NotFoundError(
            f"No import session {key!r} is known.", hint="GET /api/v1/import-sessions lists the known ones."
        ) from error


async def server_of(request: Request) -> Server:
    """Give what the application was made with; what is done by it is done in the name of who asks."""
    # Asynchronous, for it waits for nothing: a function of the other kind would cost each request a thread.
    found: object = request.app.state.server
    assert isinstance(found, Server)
    asker = find_asker(request)
    return found if asker is None else replace(found, tools=replace(found.tools, asker=asker))


Asked = Annotated[Server, Depends(server_of)]
"""A route's first argument: the server it is asked of."""

Gate = Callable[[HTTPConnection, Right], Asker]
"""Tells who asks if they may do what they ask for, or raises. It stands in ``app.state.gate``."""


def needs(right: Right) -> Callable[[Request], Coroutine[object, object, None]]:
    """Give the dependency of a route that asks the gate; every route has one, or the server does not start."""

    async def ask(request: Request) -> None:
        if request.scope["query_string"]:
            refuse_unknown(request)
        gate: Gate = request.app.state.gate
        # Where nobody has to say who they are the gate knows at once, and the request is spared a thread.
        asker = gate.find_local(request) if isinstance(gate, AccountGate) else None
        if asker is None or not asker.right.covers(right):
            asker = await run_in_threadpool(gate, request, right)
        request.state.asker = asker

    ask.__dict__["right"] = right
    return ask


def find_asker(connection: HTTPConnection) -> Asker | None:
    """Give who asks, as the gate told; None before it was asked."""
    found: object = getattr(connection.state, "asker", None)
    return found if isinstance(found, Asker) else None


async def asker_of(request: Request) -> Asker:
    """Give who asks, as the gate told."""
    found = find_asker(request)
    assert found is not None, "a route that asks nobody"
    return found


AskedBy = Annotated[Asker, Depends(asker_of)]
"""An argument of a route: who asks."""


def require(request: Request, right: Right) -> None:
    """Ask the gate once more, where only the body tells what is needed. Raises AccessError."""
    gate: Gate = request.app.state.gate
    request.state.asker = gate(request, right)
