"""``/file-storage/{storage}/heal`` and the like, ``/card-check``, ``/backup``, ``/recovery-drill``: care taken."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from imalink.api import care_work
from imalink.api.awaited import ACCEPTED, Prefer, answered
from imalink.api.context import Asked, Right, needs
from imalink.api.parameters import StorageKey
from imalink.api.schemas.care import (
    BackingUp,
    Backup,
    CardCheck,
    CardChecking,
    Drill,
    Enriched,
    Healed,
    Healing,
    Unlocked,
    Unlocking,
)
from imalink.api.schemas.envelope import Success, answers

router = APIRouter(tags=["care"])
_EDIT = [Depends(needs(Right.EDIT))]
_ADMINISTER = [Depends(needs(Right.ADMINISTER))]
_STATUSES = (409, 423, 503, 507)


@router.post(
    "/file-storage/{storage}/heal", dependencies=_EDIT, responses=answers(Success[Healed], *_STATUSES) | ACCEPTED
)
def heal(server: Asked, storage: StorageKey, body: Healing | None = None, prefer: Prefer = None) -> Response:
    """Bring back what is known to be damaged or missing in a storage, from any good copy that can be reached.

    What a verification or a re-index found is healed. The damaged file is kept in quarantine and never deleted.
    """
    return answered(server, care_work.healing(server, server.storage(storage), body or Healing()), prefer)


@router.post(
    "/file-storage/{storage}/enrich", dependencies=_EDIT, responses=answers(Success[Enriched], *_STATUSES) | ACCEPTED
)
def enrich(server: Asked, storage: StorageKey, prefer: Prefer = None) -> Response:
    """Ask ExifTool, if it is installed on the server, for lenses and facts of films that only makers' own blocks tell.

    What is known already is not replaced, and no picture is touched.
    """
    return answered(server, care_work.enriching(server, server.storage(storage)), prefer)


@router.post(
    "/file-storage/{storage}/unlock",
    dependencies=_ADMINISTER,
    responses=answers(Success[Unlocked], *_STATUSES) | ACCEPTED,
)
def unlock(server: Asked, storage: StorageKey, body: Unlocking | None = None, prefer: Prefer = None) -> Response:
    """Break the lock of a storage whose holder is gone: a machine that died or was unplugged at work.

    A holder on another machine is given up only when its heartbeat stood still for as long as it is watched, about two
    minutes. While its heartbeat goes on, or the holder is this server, the answer is 423. What was interrupted is
    finished by whatever works on the storage next.
    """
    return answered(server, care_work.unlocking(server, server.storage(storage), body or Unlocking()), prefer)


@router.post("/card-check", dependencies=_EDIT, responses=answers(Success[CardCheck], 409, 503, 507) | ACCEPTED)
def check_card(server: Asked, body: CardChecking, prefer: Prefer = None) -> Response:
    """Prove that everything on a card is archived, so that it may be formatted.

    Every file of the folder is read, and so is what the storages have of it; what is not proved is not safe.
    """
    return answered(server, care_work.checking_card(server, body), prefer)


@router.post("/backup", dependencies=_ADMINISTER, responses=answers(Success[Backup], *_STATUSES) | ACCEPTED)
def back_up(server: Asked, body: BackingUp | None = None, prefer: Prefer = None) -> Response:
    """Write the catalog and the indexes of every storage into a new folder, best on another disk than they are.

    Pictures are not in it. Putting one back (`imalink restore`) is for the command line alone.
    """
    return answered(server, care_work.backing_up(server, body or BackingUp()), prefer)


@router.post("/recovery-drill", dependencies=_ADMINISTER, responses=answers(Success[Drill], *_STATUSES) | ACCEPTED)
def rehearse(server: Asked, prefer: Prefer = None) -> Response:
    """Rehearse the loss of the catalog, and of the indexes too, on copies of the storages' own files.

    A catalog is rebuilt from the copies alone and compared with the live one; nothing is changed. It waits until no
    other job runs.
    """
    return answered(server, care_work.rehearsing(server), prefer)
