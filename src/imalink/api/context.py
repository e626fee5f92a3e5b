"""What a request is answered with: the open catalog behind the workflows, and who may ask for what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request

from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import StorageUuid, parse_uuid
from imalink.errors import NotFoundError
from imalink.runtime.folder_policy import FolderPolicy
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


def server_of(request: Request) -> Server:
    """Give what the application was made with."""
    found: object = request.app.state.server
    assert isinstance(found, Server)
    return found


Asked = Annotated[Server, Depends(server_of)]
"""A route's first argument: the server it is asked of."""


class Right(StrEnum):
    """What somebody may do; each also may do what stands before it."""

    READ = "read"
    EDIT = "edit"
    ADMINISTER = "administer"


Gate = Callable[[Request, Right], None]
"""Lets a request pass that may do what it asks for, or raises. It stands in ``app.state.gate``."""


def open_gate(request: Request, right: Right) -> None:
    """Let everyone pass: for a server that listens on this machine alone and knows no accounts."""
    del request, right


def needs(right: Right) -> Callable[[Request], None]:
    """Give the dependency of a route that asks the gate; every route has one, which a test sees to."""

    def ask(request: Request) -> None:
        gate: Gate = request.app.state.gate
        gate(request, right)

    ask.__dict__["right"] = right
    return ask
