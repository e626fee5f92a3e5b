"""``/photos/join``, ``/photos/split``, ``…/explain`` and ``/hothash``: which files are of one photo, and why."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from imalink.answers.likeness import explanation_json, identified_json
from imalink.answers.photos import photo_json
from imalink.api.awaited import ACCEPTED, Prefer, answered
from imalink.api.context import Asked, Right, Server, needs
from imalink.api.envelope import success
from imalink.api.parameters import Hothash, named
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.photo_groups import (
    Explanation,
    GroupedPhoto,
    Identified,
    Identifying,
    Joining,
    Split,
    Splitting,
)
from imalink.api.work import Planned
from imalink.core.job import Holds, JobRequest
from imalink.core.progress import Progress
from imalink.workflows.choose_photos import choose_by_hothashes
from imalink.workflows.delete_photos import storages_of_photos
from imalink.workflows.explain import explain_pictures
from imalink.workflows.group_photos import join_photos, split_photo
from imalink.workflows.identify import identify

router = APIRouter(tags=["photos"])
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]
_STATUSES = (409, 423, 503, 507)


@router.post("/photos/join", dependencies=_EDIT, responses=answers(Success[GroupedPhoto], *_STATUSES))
def join(server: Asked, body: Joining) -> Response:
    """Make one photo of those that hold these pictures; no file is touched, and an undo takes it back.

    All storages that hold one of their files must be reachable.
    """
    with _turns(server, body.hothashes):
        photo = join_photos(server.tools, body.hothashes)
    return success(photo_json(photo))


@router.post("/photos/split", dependencies=_EDIT, responses=answers(Success[Split], *_STATUSES))
def split(server: Asked, body: Splitting) -> Response:
    """Make a picture a photo of its own; what was said stays with the photo that it leaves. An undo takes it back.

    All storages that hold a file of the photo must be reachable.
    """
    with _turns(server, [body.hothash]):
        found = split_photo(server.tools, body.hothash)
    return success({"photo": photo_json(found.alone), "left": photo_json(found.left)})


@router.get("/photos/{hothash}/explain", dependencies=_READ, responses=answers(Success[Explanation], 409, 503))
def explain(
    server: Asked,
    hothash: Hothash,
    other: Annotated[
        str, Query(pattern="^[0-9a-fA-F]{8,64}$", description="The hothash of the other picture, or its first digits.")
    ],
) -> Response:
    """Say in plain words why two pictures are, or are not, the same picture or photo, by what the catalog knows."""
    return success(explanation_json(explain_pictures(server.tools, named(hothash), named(other))))


@router.post("/hothash", dependencies=_EDIT, responses=answers(Success[Identified], 503) | ACCEPTED)
def identify_files(server: Asked, body: Identifying, prefer: Prefer = None) -> Response:
    """Tell which picture each of these files of the server's machine holds, without importing it."""
    paths = [server.folders.check(path, field="paths") for path in body.paths]

    def work(progress: Progress) -> Mapping[str, object]:
        progress.start_phase("hash", total_files=len(paths))
        found: list[dict[str, object]] = []
        for path in paths:
            progress.checkpoint()
            found.append(identified_json(identify(path, analyser=server.tools.analyser)))
            progress.advance(files=1, current=path.name)
        return {"files": found}

    asked = JobRequest(kind="hothash", request={"paths": list(body.paths)}, holds=Holds.NOTHING)
    return answered(server, Planned(asked=asked, work=work), prefer)


@contextmanager
def _turns(server: Server, hothashes: Sequence[str]) -> Generator[None]:
    """Hold the turns of the storages that hold the photos of these pictures. Raises NotFoundError, AmbiguousError."""
    wanted = choose_by_hothashes(server.tools, hothashes)
    with server.turns.of(*storages_of_photos(server.tools, wanted)):
        yield
