"""``/photos``: found, looked at, and what is said of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from imalink.answers import json_text
from imalink.answers.photos import listed_json
from imalink.api.context import Asked, Right, needs
from imalink.api.envelope import success
from imalink.api.photo_filters import page_of
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.photo_filters import PhotoPaging
from imalink.api.schemas.photos import Cameras, Lenses, PhotoList
from imalink.workflows import search_photos

router = APIRouter(prefix="/photos", tags=["photos"])
_READ = [Depends(needs(Right.READ))]


@router.get("", dependencies=_READ, responses=answers(Success[PhotoList], 409, 503))
def list_photos(server: Asked, asked: Annotated[PhotoPaging, Query()]) -> Response:
    """List the photos that fit all filters, the latest taken first and the undated last, page by page.

    What is on storages that are away is found too. A photo that is changed between two pages may be in neither or in
    both; all others are in exactly one.
    """
    found = search_photos.page_of_photos(server.tools, page_of(server, asked), counts=asked.count)
    photos = [listed_json(photo, found.statuses[photo.id]) for photo in found.page.photos]
    count = None if found.count is None else {"count": found.count.count, "is_exact": found.count.is_exact}
    return success({"photos": photos, "next": found.page.next, "previous": found.page.previous, "count": count})


@router.get("/cameras", dependencies=_READ, responses=answers(Success[Cameras], 503))
def list_cameras(server: Asked) -> Response:
    """List every camera that took a photo, by make and model."""
    found = search_photos.list_cameras(server.tools)
    return success({"cameras": [{"make": _text(make), "model": _text(model)} for make, model in found]})


@router.get("/lenses", dependencies=_READ, responses=answers(Success[Lenses], 503))
def list_lenses(server: Asked) -> Response:
    """List every lens with which a photo was taken."""
    return success({"lenses": [json_text(lens) for lens in search_photos.list_lenses(server.tools)]})


def _text(text: str | None) -> str | None:
    return None if text is None else json_text(text)
