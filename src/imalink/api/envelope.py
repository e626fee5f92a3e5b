"""The one shape of every answer: what was asked for under ``data``, or what went wrong under ``error``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
from starlette.responses import Response

T = TypeVar("T")


def success(data: object, *, status: int = 200, beside: Mapping[str, object] | None = None) -> Response:
    """Give ``{"success": true, "data": …}``; ``beside`` stands at the top level, for readers who look for it there."""
    return json_response({"success": True, **(beside or {}), "data": data}, status=status)


def success_both(data: Mapping[str, object], *, status: int = 200) -> Response:
    """Give the fields of ``data`` both under ``data`` and at the top level."""
    return success(data, status=status, beside=data)


def failure(
    *,
    code: str,
    message: str,
    status: int,
    details: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Give ``{"success": false, "error": {…}, "detail": …}``; ``detail`` repeats the message for older readers."""
    document = {
        "success": False,
        "error": {"code": code, "message": message, "details": details or {}},
        "detail": message,
    }
    return json_response(document, status=status, headers=headers)


def json_response(document: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Give a document as JSON."""
    return Response(
        msgspec.json.encode(document), status_code=status, media_type="application/json", headers=dict(headers or {})
    )


def page_of(
    name: str, items: Sequence[T], *, offset: int, limit: int, spell: Callable[[T], object]
) -> dict[str, object]:
    """Give a page of a list that is at hand whole: under ``name``, with how many there are in all."""
    return {
        name: [spell(each) for each in items[offset : offset + limit]],
        "total_count": len(items),
        "meta": page_meta(total=len(items), offset=offset, limit=limit),
    }


def page_meta(*, total: int, offset: int, limit: int) -> dict[str, int]:
    """Give where in a list an answer stands; pages count from 1."""
    return {
        "total": total,
        "offset": offset,
        "limit": limit,
        "page": offset // limit + 1,
        "pages": max(1, -(-total // limit)),
    }
