"""Previews: by an address that always shows the same bytes, and by the hothash alone."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from imalink.api.context import Asked, Right, Server, needs
from imalink.api.parameters import Hothash, named
from imalink.api.schemas.envelope import answers
from imalink.core.preview_key import PreviewKey, PreviewSize
from imalink.errors import NotFoundError, PreviewBusyError
from imalink.runtime.previews import ShownPreview, WantedPreview

router = APIRouter(prefix="/photos/{hothash}", tags=["photos"])
address_router = APIRouter(tags=["photos"])
_READ = [Depends(needs(Right.READ))]
_FOR_EVER: Final = "private, max-age=31536000, immutable"
_FOR_NOW: Final = "private, max-age=300, immutable"
_NOT_KEPT: Final = "private, no-cache"
ADDRESS: Final = "/p/{hothash}/{rendition}/{size}.jpg"
WAIT_SECONDS: Final = 30.0
"""So long a request waits for a preview; it is made all the same."""

_ANSWERS: dict[int | str, dict[str, object]] = {
    **answers(None, 409, 503),
    200: {"description": "A JPEG.", "content": {"image/jpeg": {}}},
    304: {"description": "It is as the caller has it."},
}
Digits = Annotated[
    str,
    Path(
        description="The hothash of a picture, whole.",
        examples=["a1b2c3d4" * 8],
        json_schema_extra={"pattern": "^[0-9a-f]{64}$"},
    ),
]
Rendition = Annotated[
    str,
    Path(
        description="How the picture is shown: the `rendition` that lists of photos give.",
        examples=["0a1b2c3d"],
        json_schema_extra={"pattern": "^[0-9a-f]{8}$"},
    ),
]
Size = Annotated[
    str,
    Path(
        description="The pixels of the longer side, at most: 200 or 1600.",
        examples=["200"],
        json_schema_extra={"pattern": "^(200|1600)$"},
    ),
]


@router.get("/hotpreview", dependencies=_READ, responses=_ANSWERS)
async def send_hotpreview(server: Asked, request: Request, hothash: Hothash) -> Response:
    """Send the small preview, 200 pixels at most; also while the picture's disk is away, if it was seen before."""
    return await _by_hothash(server, request, hothash, PreviewSize.HOT)


@router.get("/coldpreview", dependencies=_READ, responses=_ANSWERS)
async def send_coldpreview(server: Asked, request: Request, hothash: Hothash) -> Response:
    """Send the large preview, 1600 pixels at most; it is made from the picture's file when it is first asked for.

    503 with `Retry-After` while it is still being made after half a minute, or too many are.
    """
    return await _by_hothash(server, request, hothash, PreviewSize.COLD)


@address_router.get(ADDRESS, dependencies=_READ, responses=_ANSWERS)
async def send_preview(server: Asked, request: Request, hothash: Digits, rendition: Rendition, size: Size) -> Response:
    """Send a preview by the address that always shows the same bytes, so that it may be kept for ever.

    Where the picture is shown otherwise by now, its preview of today is sent, and may not be kept.
    """
    key = PreviewKey.parse(hothash=hothash, rendition=rendition, size=size)
    if key is None:
        raise NotFoundError("No preview has this address.", hint="Lists of photos give the addresses of previews.")
    if key.is_lasting and _is_had(request, key):
        return Response(status_code=304, headers=_headers(key, _FOR_EVER))
    return preview_answer(request, await shown_at(server, key), key)


async def shown_at(server: Server, key: PreviewKey) -> ShownPreview:
    """Give the preview of a key, or that of today. Raises as ``_shown``."""
    data = server.previews.at_hand(key)
    if data is not None:
        return ShownPreview(key=key, data=data)
    found = await asyncio.get_running_loop().run_in_executor(server.previews.lookers, server.previews.look_at, key)
    return await _awaited(server, found)


def _look_at(coming: asyncio.Future[ShownPreview]) -> None:
    """Take note of what came of it: where nobody waits any more, nobody else does."""
    if not coming.cancelled():
        coming.exception()


def preview_answer(request: Request, shown: ShownPreview, asked: PreviewKey) -> Response:
    """Answer a request for the preview of one key with what there is: the same, or that of today."""
    return _answer(request, shown, _FOR_EVER if shown.key == asked else _NOT_KEPT)


async def _by_hothash(server: Server, request: Request, hothash: str, size: PreviewSize) -> Response:
    shown = await _shown(server, named(hothash), size)
    # This address shows another preview once the picture is turned, so it may be kept for minutes only.
    answer = _answer(request, shown, _FOR_NOW if shown.key.is_lasting else _NOT_KEPT)
    answer.headers["content-location"] = shown.key.address
    return answer


async def _shown(server: Server, hothash: str, size: PreviewSize) -> ShownPreview:
    """Give a preview, from this machine or from wherever it can be had.

    Raises PreviewBusyError, NotFoundError, AmbiguousError, CatalogError.
    """
    previews, loop = server.previews, asyncio.get_running_loop()
    return await _awaited(server, await loop.run_in_executor(previews.lookers, previews.look, hothash, size))


async def _awaited(server: Server, found: ShownPreview | WantedPreview) -> ShownPreview:
    if not isinstance(found, WantedPreview):
        return found
    coming = asyncio.wrap_future(server.previews.fetch(found))
    coming.add_done_callback(_look_at)
    try:
        # Others may wait for the same, so that it is made to its end even if this caller leaves.
        return await asyncio.wait_for(asyncio.shield(coming), WAIT_SECONDS)
    except TimeoutError as error:
        raise PreviewBusyError(
            "This preview is still being made, or its disk does not answer.", hint="Ask again in some seconds."
        ) from error


def _answer(request: Request, shown: ShownPreview, lasts: str) -> Response:
    headers = _headers(shown.key, lasts)
    if _is_had(request, shown.key):
        return Response(status_code=304, headers=headers)
    return Response(shown.data, media_type="image/jpeg", headers=headers)


def _headers(key: PreviewKey, lasts: str) -> dict[str, str]:
    return {"etag": f'"{key.name}"', "cache-control": lasts}


def _is_had(request: Request, key: PreviewKey) -> bool:
    return f'"{key.name}"' in request.headers.get("if-none-match", "")
