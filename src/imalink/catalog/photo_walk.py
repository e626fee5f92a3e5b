"""The walk along the order of photos: the keys of those that fit, from a place on, as many as a page needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, Select, bindparam, literal, select, tuple_
from sqlalchemy.orm import Session

from imalink.catalog.bulk import table_of
from imalink.catalog.column_types import Instant
from imalink.catalog.models import Photo

NEAR = 3000
"""So many photos are looked at one by one before a condition is asked that costs by all that fit it."""

Key = tuple[int, str | None]
"""A photo's id and when it was taken."""

Conditions = Sequence[ColumnElement[bool]]

_PHOTOS = table_of(Photo)
_KEY = tuple_(_PHOTOS.c.taken_at, _PHOTOS.c.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoWalk:
    """A walk from the latest taken to the first and then the undated, of equals from the newest row; or backward.

    ``conditions`` gives what must hold, and is asked once it is needed. ``near``, where there is one, says the same in
    a form that is better for few photos: those next to the place are asked by it first.
    """

    db: Session
    conditions: Callable[[], Conditions]
    near: Conditions | None = None
    is_backward: bool = False

    def keys(self, place: Key | None, *, limit: int, is_dated: bool) -> list[Key]:
        """Give the keys of the photos behind a place, or of the first ones; ``is_dated`` leaves the undated out."""
        found: list[Key] = []
        # Two questions and not one: only so both engines walk the index (PostgreSQL has no date before all dates).
        has_begun = place is None
        for has_date in (False, True) if self.is_backward else (True, False):
            is_place_here = place is not None and (place[1] is not None) is has_date
            has_begun = has_begun or is_place_here
            if has_begun and len(found) < limit and (has_date or (not is_dated and self._has_undated())):
                walk = self._dated if has_date else self._undated
                found.extend(walk(place if is_place_here else None, limit - len(found)))
        return found

    def _dated(self, place: Key | None, limit: int) -> list[Key]:
        if self.near is None:
            return self._ask(place, limit, self.conditions())
        edge = self._ask(place, 1, skipped=NEAR - 1)
        conditions = list(self.near)
        if edge:
            last = tuple_(literal(edge[0][1], Instant), literal(edge[0][0], Integer))
            conditions.append(last >= _KEY if self.is_backward else last <= _KEY)
        found = self._ask(place, limit, conditions)
        if not edge or len(found) == limit:
            return found
        return [*found, *self._ask(edge[0], limit - len(found), self.conditions())]

    def _undated(self, place: Key | None, limit: int) -> list[Key]:
        query = select(_PHOTOS.c.id).where(_PHOTOS.c.taken_at.is_(None), *self.conditions())
        if place is not None:
            query = query.where(_PHOTOS.c.id > place[0] if self.is_backward else _PHOTOS.c.id < place[0])
        query = query.order_by(_PHOTOS.c.id if self.is_backward else _PHOTOS.c.id.desc()).limit(limit)
        return [(photo_id, None) for photo_id in self.db.connection().execute(query).scalars()]

    def _ask(self, place: Key | None, limit: int, conditions: Conditions = (), *, skipped: int = 0) -> list[Key]:
        query = _DATED[self.is_backward, place is not None]
        if conditions:
            query = query.where(*conditions)
        told: dict[str, object] = {"wanted": limit, "skipped": skipped}
        if place is not None:
            told |= {"photo_id": place[0], "taken_at": place[1]}
        return [(photo_id, taken_at) for photo_id, taken_at in self.db.connection().execute(query, told).all()]

    def _has_undated(self) -> bool:
        """Tell whether any photo is undated: few libraries have one, and the conditions need not be asked then."""
        return self.db.connection().execute(_UNDATED).first() is not None


def _walk_of_dated(*, is_backward: bool, has_place: bool) -> Select[int, str | None]:
    place = tuple_(bindparam("taken_at", type_=Instant), bindparam("photo_id", type_=Integer))
    query = select(_PHOTOS.c.id, _PHOTOS.c.taken_at).where(_PHOTOS.c.taken_at.is_not(None))
    if has_place:
        query = query.where(place < _KEY if is_backward else place > _KEY)
    order = [each if is_backward else each.desc() for each in (_PHOTOS.c.taken_at, _PHOTOS.c.id)]
    return query.order_by(*order).limit(bindparam("wanted")).offset(bindparam("skipped"))


_DATED = {
    (is_backward, has_place): _walk_of_dated(is_backward=is_backward, has_place=has_place)
    for is_backward in (False, True)
    for has_place in (False, True)
}
"""By whether it walks backward, and from a place. Made once: making a statement takes as long as asking it."""
_UNDATED = select(_PHOTOS.c.id).where(_PHOTOS.c.taken_at.is_(None)).limit(1)
