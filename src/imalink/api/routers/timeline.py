"""``/timeline``: all photos that fit at once, for a gallery that lays them out itself."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from imalink.answers.timeline import items_json
from imalink.api.context import Asked, Right, Server, needs
from imalink.api.envelope import success
from imalink.api.photo_filters import query_of
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.photo_filters import PhotoFilters
from imalink.api.schemas.timeline import TimelineDays, TimelineFound, TimelineItems, TimelinePlace, TimelineRange
from imalink.core.ids import Hothash
from imalink.errors import UsageError
from imalink.runtime.timelines import Timeline
from imalink.workflows.look_at_timeline import find_photo_id, read_items

router = APIRouter(prefix="/timeline", tags=["timeline"])
_READ = [Depends(needs(Right.READ))]
_LAYOUT_ANSWERS: dict[int | str, dict[str, object]] = {
    **answers(None, 409, 503),
    200: {
        "description": "Days and shapes, as docs/api/timeline.md has them.",
        "content": {"application/octet-stream": {}},
    },
    304: {"description": "It is as the caller has it."},
}


@router.get("/layout", dependencies=_READ, responses=_LAYOUT_ANSWERS)
def send_layout(server: Asked, request: Request, asked: Annotated[PhotoFilters, Query()]) -> Response:
    """Send the days with their counts and the shape of every photo that fits, in a binary form.

    A gallery lays out all of its height from it, exactly. The ETag is the `rev`, which names this very order.
    """
    timeline = server.timelines.get(query_of(server, asked))
    is_packed = _takes_gzip(request.headers.get("accept-encoding", ""))
    tag = f'"{timeline.rev}{"-gz" if is_packed else ""}"'
    headers = {
        "etag": tag,
        "cache-control": "private, no-cache",
        "vary": "accept-encoding",
        "x-imalink-rev": timeline.rev,
    }
    if timeline.rev in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if is_packed:
        headers["content-encoding"] = "gzip"
    data = timeline.packed if is_packed else timeline.layout
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/days", dependencies=_READ, responses=answers(Success[TimelineDays], 409, 503))
def list_days(server: Asked, asked: Annotated[PhotoFilters, Query()]) -> Response:
    """List the days with photos that fit, the latest first: those of their cameras, and the undated last."""
    timeline = server.timelines.get(query_of(server, asked))
    days = [
        {"day": None if each.day is None else each.day.isoformat(), "count": each.photo_count}
        for each in timeline.order.day_counts()
    ]
    return success({"rev": timeline.rev, "total": len(timeline.order), "days": days})


@router.get("/items", dependencies=_READ, responses=answers(Success[TimelineItems], 409, 503))
def list_items(server: Asked, asked: Annotated[TimelineRange, Query()]) -> Response:
    """List a part of the order, by columns. Where photos came or went since, the answer is 409 `stale-rev`."""
    timeline = server.timelines.get_seen(query_of(server, asked), asked.rev)
    part = slice(asked.offset, asked.offset + asked.limit)
    ids, aspects = timeline.order.ids[part].tolist(), timeline.order.aspects[part].tolist()
    columns = items_json(ids, read_items(server.tools, ids))
    return success(
        {"rev": timeline.rev, "offset": asked.offset, "total": len(timeline.order), "aspect": aspects, **columns}
    )


@router.get("/locate", dependencies=_READ, responses=answers(Success[TimelineFound], 409, 503))
def locate(server: Asked, asked: Annotated[TimelinePlace, Query()]) -> Response:
    """Tell where a photo or a day stands in the order: to go there, or to find the place again after a 409."""
    if sum(each is not None for each in (asked.id, asked.hothash, asked.date)) != 1:
        raise UsageError("One thing is located at a time.", hint="Give one of id, hothash and date.")
    timeline = server.timelines.get(query_of(server, asked))
    offset = _offset(server, timeline, asked)
    is_there = offset is not None and offset < len(timeline.order)
    return success(
        {
            "rev": timeline.rev,
            "offset": offset,
            "id": timeline.order.ids[offset] if offset is not None and is_there else None,
            "day": timeline.day_at(offset) if offset is not None and is_there else None,
        }
    )


def _offset(server: Server, timeline: Timeline, asked: TimelinePlace) -> int | None:
    if asked.date is not None:
        try:
            return timeline.order.offset_of_day(date.fromisoformat(asked.date))
        except ValueError as error:
            raise UsageError(f"There is no day {asked.date}.", field="query.date") from error
    photo_id = asked.id
    if asked.hothash is not None:
        photo_id = find_photo_id(server.tools, Hothash(asked.hothash))
    return None if photo_id is None else timeline.order.find_offset(photo_id)


def _takes_gzip(accepted: str) -> bool:
    codings = (each.strip().lower().split(";") for each in accepted.split(","))
    return any(coding[0].strip() == "gzip" and "q=0" not in [each.strip() for each in coding] for coding in codings)
