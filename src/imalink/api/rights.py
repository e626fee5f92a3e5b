"""What each route needs, seen as a whole: told in the description of the API, and lacking nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from imalink.api.account_gate import COOKIE
from imalink.core.account import Right

SOCKETS = frozenset({"/api/v1/events"})
"""The sockets, which ask the gate themselves."""
_FOR = {
    Right.ANYONE: "anyone",
    Right.READ: "read-only and above",
    Right.EDIT: "editors and above",
    Right.ADMINISTER: "administrators",
}
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token that `imalink token add` made."},
    "login": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "What `POST auth/login` sets."},
}


class Application(FastAPI):
    """FastAPI, with the right that each route needs in its description."""

    def openapi(self) -> dict[str, object]:
        """Give the description of the API."""
        if self.openapi_schema is None:
            document = cast("dict[str, object]", super().openapi())
            cast("dict[str, object]", document.setdefault("components", {}))["securitySchemes"] = _SCHEMES
            paths = cast("dict[str, dict[str, dict[str, object]]]", document["paths"])
            for path, method, right in iter_rights(self):
                operation = paths.get(path, {}).get(method.lower())
                if operation is not None:
                    operation["x-right"] = _FOR[right]
                    operation["security"] = [] if right is Right.ANYONE else [{"token": []}, {"login": []}]
            self.openapi_schema = document
        return self.openapi_schema


def iter_rights(app: FastAPI) -> Iterator[tuple[str, str, Right]]:
    """Give the path, method and right of every route but sockets. A route that asks for none is an AssertionError."""
    for context in iter_route_contexts(app.routes):
        route, path = context.original_route, context.path or ""
        if isinstance(route, APIWebSocketRoute):
            assert path in SOCKETS, f"the socket {path} is not known to ask the gate"
            continue
        assert isinstance(route, APIRoute), f"{route} cannot ask for a right"
        asked = [getattr(each.dependency, "right", None) for each in route.dependencies]
        rights = [right for right in asked if isinstance(right, Right)]
        assert len(rights) == 1, f"{path} asks for {len(rights)} rights"
        for method in sorted(context.methods or ()):
            yield path, method, rights[0]


def check_rights(app: FastAPI) -> None:
    """See to it that no route is open by being forgotten. Raises AssertionError."""
    for _ in iter_rights(app):
        pass
