"""The web server: the REST API over one container, behind guards that every request passes."""

from __future__ import annotations

import sys
from asyncio import to_thread
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.types import Lifespan
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from imalink import __version__
from imalink.api.account_gate import AccountGate
from imalink.api.context import Server
from imalink.api.counting import CountRequests
from imalink.api.ending import AnswerAtTheEnd
from imalink.api.errors import add_error_answers
from imalink.api.guards import JsonBodies, KnownHosts, PlainPaths, SameOrigin, SecurityHeaders
from imalink.api.heads import HeadsAsGets
from imalink.api.preview_shortcut import PreviewShortcut
from imalink.api.reference import add_reference_page
from imalink.api.rights import Application, check_rights
from imalink.api.routers import (
    auth,
    care,
    collections,
    events,
    export,
    file_storage,
    health,
    import_sessions,
    jobs,
    operations,
    photo_groups,
    photos,
    pictures,
    previews,
    storage_index,
    tags,
    timeline,
    trash,
    uploads,
)
from imalink.api.schemas.envelope import MEANINGS, Failure
from imalink.api.timetable_work import planned_task
from imalink.runtime.container import Container
from imalink.runtime.folder_policy import FolderPolicy
from imalink.runtime.kept_backups import KeptBackups
from imalink.runtime.listening import check_listening, host_names, is_any_address
from imalink.runtime.live import Live
from imalink.runtime.outbox_writer import OutboxWriter
from imalink.runtime.preview_filler import PreviewFiller
from imalink.runtime.previews import Previews
from imalink.runtime.restored_sessions import RestoredSessions
from imalink.runtime.settings import Settings, load_settings
from imalink.runtime.timelines import Timelines
from imalink.runtime.turns import StorageTurns
from imalink.storage.preview_cache import PreviewCache

API = "/api/v1"
ROUTERS: tuple[APIRouter, ...] = (
    file_storage.router,
    storage_index.router,
    import_sessions.router,
    uploads.router,
    care.router,
    export.router,
    photos.router,
    photo_groups.router,
    pictures.router,
    previews.router,
    trash.router,
    tags.router,
    timeline.router,
    collections.router,
    operations.router,
    jobs.router,
    health.router,
    auth.router,
)
ROOT_ROUTERS: tuple[APIRouter, ...] = (previews.address_router,)
"""Beside the API: addresses for browsers."""
SWITCH_SECONDS = 0.0002
"""So long a thread of an import may keep the interpreter while a request waits for it; Python's 5 ms add up."""
_UPLOADS = ("/upload",)


def make_app() -> FastAPI:
    """Give the application by the settings of this machine; for servers that are told its name.

    Raises UsageError, CatalogError.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = load_settings()
    return create_app(settings, fills_previews=True)


def create_app(
    settings: Settings,
    *,
    container: Container | None = None,
    further_hosts: Sequence[str] = (),
    fills_previews: bool = False,
) -> FastAPI:
    """Put the application together; it opens the catalog now, and closes it when the server ends.

    ``container``, where one is given, stays its giver's. ``further_hosts`` are names by which it may be called beside
    those of the settings. With ``fills_previews`` it keeps previews before anybody asks for them. Raises UsageError,
    CatalogError.
    """
    check_listening(settings.reached_by, has_roots=bool(settings.storage_roots))
    asks_always = settings.asks_always
    own = Container(settings, serves=True) if container is None else None
    held = container or own
    assert held is not None

    server = _server_of(settings, held)
    filler = PreviewFiller(server.tools, server.previews.cache)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        try:
            server.live.start(partial(planned_task, server), enabled=settings.scheduled_tasks)
            if fills_previews:
                filler.start()
            yield
        finally:
            filler.close()
            await to_thread(server.live.close)
            server.previews.close()
            if own is not None:
                own.close()

    app = make_routes(lifespan)
    check_rights(app)
    app.state.server = server
    app.state.begin_ending = server.live.jobs.close
    app.state.gate = AccountGate(server.tools, asks_always=asks_always)
    # The last one added is the first that a request passes.
    app.add_middleware(PreviewShortcut)
    app.add_middleware(HeadsAsGets)
    app.add_middleware(CountRequests, metrics=server.live.metrics)
    app.add_middleware(JsonBodies, uploads=_UPLOADS)
    app.add_middleware(PlainPaths)
    app.add_middleware(SameOrigin)
    app.add_middleware(
        KnownHosts,
        hosts=host_names(settings.host, settings.port, (*settings.allowed_hosts, *further_hosts)),
        is_any_address=is_any_address(settings.host),
    )
    app.add_middleware(AnswerAtTheEnd)
    app.add_middleware(SecurityHeaders)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    return app


def make_routes(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Give an application with every route and nothing behind them: enough to describe the API."""
    app = Application(
        title="ImaLink",
        version=__version__,
        summary="A photo archive in which pictures stay ordinary files and nothing is ever lost.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses={422: {"model": Failure, "description": MEANINGS[422]}},
    )
    add_error_answers(app)
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    for router in ROOT_ROUTERS:
        app.include_router(router)
    app.include_router(events.router, prefix=API)  # a socket, which asks the gate itself
    app.include_router(health.router, include_in_schema=False)
    app.include_router(health.metrics_router, include_in_schema=False)
    add_reference_page(app)
    return app


def _server_of(settings: Settings, container: Container) -> Server:
    turns = StorageTurns()
    tools = container.tools()
    # No more threads than wait for decode workers: each further one takes its turns from requests.
    tools = replace(tools, turn=turns.briefly, threads=min(tools.threads, settings.workers + 1))
    outbox = OutboxWriter(tools)
    turns.when_free = outbox.wake
    tools = replace(tools, tells_later=outbox.note)
    folders = FolderPolicy(
        roots=settings.storage_roots,
        own=(settings.data_directory, settings.config_directory, settings.state_directory),
        home=Path.home(),
    )
    return Server(
        tools=tools,
        live=Live(tools, outbox),
        previews=Previews(
            tools,
            PreviewCache(settings.preview_directory, max_bytes=settings.preview_cache_bytes),
            makers=max(1, settings.workers),
        ),
        turns=turns,
        folders=folders,
        restored=RestoredSessions(clock=tools.clock),
        timelines=Timelines(tools),
        data_directory=settings.data_directory,
        backups=KeptBackups(folder=settings.data_directory / "backups", registry_path=settings.registry_path),
    )
