"""``imalink serve``: the REST API on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from imalink.cli.context import Output, common_options
from imalink.cli.render import show_note

if TYPE_CHECKING:
    from imalink.runtime.settings import Settings

_APPLICATION = "imalink.server:make_app"
"""By its name: the command line knows nothing of the server, which reads the settings itself."""
_CONNECTION = "imalink.api.connections:TimedConnection"


MAX_CONNECTIONS = 500
"""Connections at a time; any further one is answered with 503."""


@click.command("serve")
@click.option("--host", default=None, help="The address to listen on.  [default: this machine alone]")
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="The port to listen on.  [default: 8000]")
@common_options
def serve_command(output: Output, host: str | None, port: int | None) -> None:
    """Serve the REST API under http://localhost:8000/api/v1 until Ctrl-C; its reference is at /docs.

    It answers on this machine alone, and nobody has to say who they are, until `imalink user add` adds an account. With
    --host it answers others too: then everybody has to log in, and storage_roots has to be set.
    """
    import os

    import uvicorn

    from imalink.runtime.ending import ENDING_SECONDS, EndingServer
    from imalink.runtime.listening import check_listening, listening_sockets
    from imalink.runtime.logging_setup import set_up_logging
    from imalink.runtime.settings import load_settings

    if host is not None:
        os.environ["IMALINK_HOST"] = host
    if port is not None:
        os.environ["IMALINK_PORT"] = str(port)
    settings = load_settings()
    check_listening(settings.reached_by, has_roots=bool(settings.storage_roots))
    set_up_logging(settings.log_level)
    config = uvicorn.Config(
        _APPLICATION,
        factory=True,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=_CONNECTION,
        timeout_graceful_shutdown=ENDING_SECONDS,
        limit_concurrency=MAX_CONNECTIONS,
        ws_max_size=64 * 1024,
        h11_max_incomplete_event_size=64 * 1024,
    )
    config.load()
    with listening_sockets(settings.host, settings.port) as sockets:
        if settings.asks_always:
            _show_setup(settings)
        if not output.is_quiet:
            show_note(_greeting(settings))
        EndingServer(config).run(sockets=sockets)


def _greeting(settings: Settings) -> str:
    if not settings.reached_by:
        return f"ImaLink serves http://localhost:{settings.port}/api/v1 to this machine; Ctrl-C ends it."
    where = f"ImaLink serves port {settings.port} {settings.reached_by}, to all who log in; Ctrl-C ends it."
    if settings.trusted_proxies:
        return where
    return f"{where} What is sent, passwords too, is not encrypted: put a proxy with HTTPS in front (docs/running.md)."


def _show_setup(settings: Settings) -> None:
    """Where nobody can log in yet, show with what the first account is made; also to those who want it quiet."""
    from imalink.runtime.container import Container
    from imalink.workflows.accounts import prepare_setup

    with Container(settings) as container:
        token = prepare_setup(container.tools())
    if token is not None:
        show_note("Nobody can log in yet. Make the first account with `imalink user add NAME`, or within a day with")
        show_note(f"the set-up token  {token}")
        show_note("and POST /api/v1/auth/setup. Until then every other request is refused.")
