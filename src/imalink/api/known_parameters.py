"""Query parameters that a route knows: a slip of the pen must not find, or change, everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

_KEPT = "imalink_known_parameters"
"""Beside the route itself: looked up once."""


def refuse_unknown(request: Request) -> None:
    """Refuse a request one of whose query parameters its route does not know. Raises RequestValidationError."""
    route: object = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = cast("frozenset[str] | None", route.__dict__.get(_KEPT))
    if known is None:
        known = route.__dict__[_KEPT] = frozenset(_names(route.dependant))
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        told = f"Not known here. Known are: {', '.join(sorted(known)) or 'none'}."
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("query", name), "msg": told} for name in unknown]
        )


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model: object = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (info.alias or name for name, info in model.model_fields.items())
        else:
            yield field.alias
    for each in dependant.dependencies:
        yield from _names(each)
