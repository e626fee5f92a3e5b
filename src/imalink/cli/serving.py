"""``imalink serve``: the REST API on this machine."""

from __future__ import annotations

import click

from imalink.cli.context import Output, common_options
from imalink.cli.render import show_note

_APPLICATION = "imalink.server:make_app"
"""By its name: the command line knows nothing of the server, which reads the settings itself."""


@click.command("serve")
@click.option("--host", default=None, help="The address to listen on.  [default: this machine alone]")
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="The port to listen on.  [default: 8000]")
@common_options
def serve_command(output: Output, host: str | None, port: int | None) -> None:
    """Serve the REST API under http://localhost:8000/api/v1 until Ctrl-C; its reference is at /docs.

    It answers on this machine alone, where everyone who can log in can use it: nobody has to say who they are.
    """
    import os

    import uvicorn

    from imalink.runtime.listening import check_listening, listening_sockets
    from imalink.runtime.logging_setup import set_up_logging
    from imalink.runtime.settings import load_settings

    if host is not None:
        os.environ["IMALINK_HOST"] = host
    if port is not None:
        os.environ["IMALINK_PORT"] = str(port)
    settings = load_settings()
    check_listening(settings.host, asks_for_login=False)
    set_up_logging(settings.log_level)
    config = uvicorn.Config(
        _APPLICATION,
        factory=True,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=64 * 1024,
    )
    config.load()
    with listening_sockets(settings.host, settings.port) as sockets:
        if not output.is_quiet:
            show_note(f"ImaLink serves http://localhost:{settings.port}/api/v1 to this machine; Ctrl-C ends it.")
        uvicorn.Server(config).run(sockets=sockets)
