"""What every request passes before any route sees it: host, origin, size, spelling of path and body; and headers after.

Written for the bare protocol, so that nothing of a request is read before it is let in.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imalink.api.envelope import failure

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 60.0
"""So long may the body of a request take to come."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
}


class SecurityHeaders:
    """Adds to every answer what keeps browsers from doing with it what nobody meant."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add headers to what comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
                message["headers"] = headers.raw
            await send(message)

        await self._app(scope, receive, send_with_headers)


class KnownHosts:
    """Answers only to the names the server is known by, so that no other name can be made to lead here.

    ``is_any_address``: it listens on all addresses of this machine; the one that a connection came to is a name too.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], *, is_any_address: bool = False) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._is_any_address = is_any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request under another name."""
        if scope["type"] in ("http", "websocket"):
            named = [value for name, value in scope["headers"] if name == b"host"]
            host = named[0].decode("latin-1").lower() if len(named) == 1 else ""
            if not _HOST.fullmatch(host):
                await _refuse(
                    scope, receive, send, failure(code="bad-host", message="The Host header is malformed.", status=400)
                )
                return
            if host not in self._hosts and not (self._is_any_address and host == _own_address(scope)):
                message = "ImaLink does not answer to this name. The setting allowed_hosts adds names."
                await _refuse(scope, receive, send, failure(code="unknown-host", message=message, status=400))
                return
        await self._app(scope, receive, send)


class SameOrigin:
    """Refuses what a page of another site makes a browser ask for; what is no browser sends neither header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse unsafe methods and sockets from elsewhere."""
        is_unsafe = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in _SAFE_METHODS)
        if is_unsafe and not _is_own(Headers(scope=scope)):
            message = "This was asked by a page of another site. Nothing was changed."
            await _refuse(scope, receive, send, failure(code="cross-site", message=message, status=403))
            return
        await self._app(scope, receive, send)


class PlainPaths:
    """Lets every path be written with and without a trailing slash, without sending anyone elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take trailing slashes off."""
        if scope["type"] in ("http", "websocket") and len(scope["path"]) > 1 and scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"].rstrip("/") or "/"}
        await self._app(scope, receive, send)


class JsonBodies:
    """Takes every body for JSON, whatever its content type says, and none above the limit.

    ``uploads`` are the endings of paths that take something else.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES, uploads: Collection[str] = ()) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._uploads = tuple(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, and hand it on under the type it is taken for."""
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS or scope["path"].endswith(self._uploads or "\0"):
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        body = bytearray()
        is_too_large = not length.isdecimal() or int(length) > self._max_bytes
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while not is_too_large:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    is_too_large = len(body) > self._max_bytes
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            told = f"The body did not come within {BODY_SECONDS:.0f} seconds."
            refusal = failure(code="too-slow", message=told, status=408, headers={"connection": "close"})
            await refusal(scope, receive, send)
            return
        if is_too_large:
            told = f"A body has at most {self._max_bytes:,} bytes."
            # What is still to come is not read, so the connection is of no further use.
            refusal = failure(code="too-large", message=told, status=413, headers={"connection": "close"})
            await refusal(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
        if body:
            headers.append((b"content-type", b"application/json"))
        await self._app({**scope, "headers": headers}, _replayed(bytes(body), receive), send)


def _own_address(scope: Scope) -> str:
    """Give the address and port that the connection came to, as a Host header spells them."""
    address, port = scope.get("server") or ("", 0)
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


def _replayed(body: bytes, receive: Receive) -> Receive:
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _is_own(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin.lower() in {f"{scheme}://{headers['host'].lower()}" for scheme in ("http", "https")}


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the caller sees 403
        return
    await answer(scope, receive, send)
