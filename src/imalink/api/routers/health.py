"""``/health`` and ``/metrics``: whether the server answers, how the storages are, and figures for Prometheus."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from imalink import __version__
from imalink.api.context import Asked, AskedBy, Right, needs
from imalink.api.envelope import success, success_both
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.places import Health
from imalink.runtime.health_words import health_json
from imalink.runtime.metrics import CONTENT_TYPE
from imalink.workflows.look_at_health import list_health, look_at_health

router = APIRouter(tags=["health"])
metrics_router = APIRouter(tags=["health"])
_READ = [Depends(needs(Right.READ))]


@router.get("/health", dependencies=[Depends(needs(Right.ANYONE))], responses=answers(Success[Health], 503))
def show_health(server: Asked, asker: AskedBy) -> Response:
    """Tell that the server answers, and that its catalog can be read. No disk of a storage is asked.

    Who would have to log in for more is told no more than that: `version` and `library_rev` are null.
    """
    library_rev = server.tools.catalog.get_library_rev()
    is_known = asker.right.covers(Right.READ)
    told = {"version": __version__, "library_rev": library_rev} if is_known else {"version": None, "library_rev": None}
    return success_both({"status": "ok", **told})


@router.get("/health/report", dependencies=_READ, responses=answers(Success[dict[str, object]], 503))
def show_report(server: Asked) -> Response:
    """Look at every storage in use: reach, room, indexes, what is missing or damaged, growth, speed, and alerts.

    No picture is read. docs/reference/health.md has every key; reports are kept by the timetable, not by asking.
    """
    times = server.live.metrics.response_times()
    return success(health_json(look_at_health(server.tools, response_times=times)))


@router.get("/health/reports", dependencies=_READ, responses=answers(Success[dict[str, list[dict[str, object]]]], 503))
def list_reports(
    server: Asked, limit: Annotated[int, Query(ge=1, le=1000, description="How many to give at most.")] = 30
) -> Response:
    """List the reports that were kept, the newest first."""
    return success({"reports": list_health(server.tools, limit=limit)})


@metrics_router.get("/metrics", dependencies=_READ)
def show_metrics(server: Asked) -> Response:
    """Give figures for Prometheus; no disk of a storage is asked."""
    return Response(server.live.metrics.spell(), media_type=CONTENT_TYPE)
