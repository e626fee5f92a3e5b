"""``/health``: whether the server and its catalog answer."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from imalink import __version__
from imalink.api.context import Asked, Right, needs
from imalink.api.envelope import success_both
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.places import Health

router = APIRouter(tags=["health"])


@router.get("/health", dependencies=[Depends(needs(Right.READ))], responses=answers(Success[Health], 503))
def show_health(server: Asked) -> Response:
    """Tell that the server answers, and that its catalog can be read. No disk of a storage is asked."""
    return success_both({"status": "ok", "version": __version__, "library_rev": server.tools.catalog.get_library_rev()})
