"""``/photos``: found, looked at, and what is said of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from imalink.answers import json_text
from imalink.answers.photos import edited_json, listed_json, view_json
from imalink.api import photo_changes, work
from imalink.api.awaited import ACCEPTED, Prefer, answered, prefers_async
from imalink.api.context import Asked, Right, needs
from imalink.api.envelope import page_of, success
from imalink.api.parameters import Hothash, Limit, Offset, named
from imalink.api.photo_filters import query_of_page
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.photo_filters import PhotoPaging
from imalink.api.schemas.photos import Cameras, Edited, EditedOne, Lenses, Photo, PhotoChange, PhotoList, PhotosChange
from imalink.core.progress import SilentProgress
from imalink.workflows import search_photos
from imalink.workflows.choose_photos import choose_by_hothashes
from imalink.workflows.look_at_photo import view_photo

router = APIRouter(prefix="/photos", tags=["photos"])
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]

AT_ONCE = 500
"""What is said of more photos is a job."""


@router.get("", dependencies=_READ, responses=answers(Success[PhotoList], 409, 503))
def list_photos(server: Asked, asked: Annotated[PhotoPaging, Query()]) -> Response:
    """List the photos that fit all filters, the latest taken first and the undated last, page by page.

    What is on storages that are away is found too. A photo that is changed between two pages may be in neither or in
    both; all others are in exactly one.
    """
    found = search_photos.page_of_photos(server.tools, query_of_page(server, asked), counts=asked.count)
    photos = [listed_json(photo, found.statuses[photo.id]) for photo in found.page.photos]
    count = None if found.count is None else {"count": found.count.count, "is_exact": found.count.is_exact}
    return success({"photos": photos, "next": found.page.next, "previous": found.page.previous, "count": count})


@router.patch("", dependencies=_EDIT, responses=answers(Success[Edited], 409, 503) | ACCEPTED)
def change_photos(server: Asked, body: PhotosChange, prefer: Prefer = None) -> Response:
    """Say something of many photos at once: of all of them, or of none.

    It holds at once, is told to every storage that holds one of them a few seconds later, and is one operation, which
    can be undone. A storage that is away is told when it returns; `waiting` says so. Of more than 500 photos it is a
    job.
    """
    request = photo_changes.request_of(body.change, where="body.change.")
    wanted = photo_changes.chosen_of_many(server, body)
    planned = work.editing(server, wanted, request, dry_run=body.dry_run)
    if len(wanted) > AT_ONCE or prefers_async(prefer):
        return answered(server, planned, prefer)
    return success(planned.work(SilentProgress()))


@router.get("/cameras", dependencies=_READ, responses=answers(Success[Cameras], 503))
def list_cameras(server: Asked, offset: Offset = 0, limit: Limit = 500) -> Response:
    """List every camera that took a photo, by make and model."""
    found = search_photos.list_cameras(server.tools)
    return success(page_of("cameras", found, offset=offset, limit=limit, spell=_camera_json))


@router.get("/lenses", dependencies=_READ, responses=answers(Success[Lenses], 503))
def list_lenses(server: Asked, offset: Offset = 0, limit: Limit = 500) -> Response:
    """List every lens with which a photo was taken."""
    found = search_photos.list_lenses(server.tools)
    return success(page_of("lenses", found, offset=offset, limit=limit, spell=json_text))


@router.get("/{hothash}", dependencies=_READ, responses=answers(Success[Photo], 409, 503))
def show_photo(
    server: Asked,
    hothash: Hothash,
    look: Annotated[
        bool, Query(description="Whether to look on the disks now; otherwise as the indexes have it, at once.")
    ] = True,
) -> Response:
    """Show the photo that holds a picture; the hothash of any of its files will do.

    Digits that fit several pictures are answered with 409 and the candidates.
    """
    return success(view_json(view_photo(server.tools, named(hothash), looks=look)))


@router.patch("/{hothash}", dependencies=_EDIT, responses=answers(Success[EditedOne], 409, 503))
def change_photo(server: Asked, hothash: Hothash, body: PhotoChange) -> Response:
    """Say something of a photo. No picture file is touched; it is an operation, which can be undone.

    It holds at once and is told to every storage that holds the photo a few seconds later; one that is away is told
    when it returns.
    """
    [wanted] = choose_by_hothashes(server.tools, [named(hothash)])
    report = work.edit(server, [wanted], photo_changes.request_of(body), dry_run=False)
    edited = edited_json(report, dry_run=False)
    shown = view_json(view_photo(server.tools, named(hothash), looks=False))
    return success({**shown, **{name: edited[name] for name in ("edited", "operation_uuid", "waiting")}})


def _camera_json(camera: tuple[str | None, str | None]) -> dict[str, object]:
    make, model = camera
    return {"make": _text(make), "model": _text(model)}


def _text(text: str | None) -> str | None:
    return None if text is None else json_text(text)
