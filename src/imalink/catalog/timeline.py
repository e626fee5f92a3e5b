"""The timeline: how many photos each day has, and all photos in their order at once."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import msgspec
from sqlalchemy import ColumnElement, Integer, Select, Text, cast, delete, func, literal, select, tuple_, update
from sqlalchemy.orm import Session

from imalink.catalog.bulk import insert_rows, table_of
from imalink.catalog.column_types import Instant
from imalink.catalog.models import UNDATED, Photo, PhotoDay
from imalink.catalog.said_models import LibraryState

_DAYS = table_of(PhotoDay)
_PHOTOS = table_of(Photo)
_EPOCH = date(1970, 1, 1).toordinal()
PHOTOS_AT_ONCE = 200_000
"""So many photos of a timeline are asked for at once, which takes some 10 MB for that while."""
_SHAPES = select(
    _PHOTOS.c.id, _PHOTOS.c.aspect, func.coalesce(_PHOTOS.c.local_day, UNDATED).label("day"), _PHOTOS.c.taken_at
)


def count_days(db: Session, changes: Mapping[int | None, int]) -> None:
    """Add to the counts of days (as in ``Photo.local_day``) what photos came, or take away what went."""
    wanted = {UNDATED if day is None else day: change for day, change in changes.items() if change}
    if not wanted:
        return
    connection = db.connection()
    known = set(db.execute(select(_DAYS.c.day).where(_DAYS.c.day.in_(list(wanted)))).scalars())
    insert_rows(db, _DAYS, ["day", "photo_count"], [(day, 0) for day in sorted(wanted.keys() - known)])
    for day, change in wanted.items():
        of_day = _DAYS.c.day == day
        connection.execute(update(_DAYS).where(of_day).values(photo_count=_DAYS.c.photo_count + change))
    connection.execute(delete(_DAYS).where(_DAYS.c.photo_count <= 0))


def day_of(number: int | None) -> date | None:
    """Give the day that a number stands for; None for photos without one."""
    return None if number is None or number == UNDATED else date.fromordinal(number + _EPOCH)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """How many photos were taken on a day of their cameras; ``day`` is None for those without."""

    day: date | None
    photo_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCount:
    """How many photos were taken in a month of their cameras; ``month`` (``YYYY-MM``) is None for those without."""

    month: str | None
    photo_count: int


def get_library_rev(db: Session) -> int:
    """Give the number that each commit that changes photos raises, as this transaction sees it."""
    return db.execute(select(LibraryState.library_rev)).scalar_one()


def list_days(db: Session) -> list[DayCount]:
    """Give every day with photos, the latest first and the undated last."""
    rows = db.execute(select(PhotoDay.day, PhotoDay.photo_count).order_by(PhotoDay.day.desc()))
    return [DayCount(day=day_of(day), photo_count=count) for day, count in rows]


def list_months(db: Session) -> list[MonthCount]:
    """Give every month with photos, the latest first and the undated last."""
    months = groupby(list_days(db), key=lambda each: None if each.day is None else f"{each.day:%Y-%m}")
    return [MonthCount(month=month, photo_count=sum(each.photo_count for each in days)) for month, days in months]


@dataclass(frozen=True, slots=True)
class TimelineOrder:
    """All photos that fit, in the order of the timeline: the latest day first, the undated last.

    Three columns of one length: ids in this catalog; width by height in thousandths, 0 where unknown; days as numbers
    from 1970-01-01, UNDATED for none. Within a day the latest taken is first, of equals the newest row.
    """

    ids: array[int]
    aspects: array[int]
    days: array[int]

    def __len__(self) -> int:
        return len(self.ids)

    def day_counts(self) -> Iterator[DayCount]:
        """Give the days in their order, with the number of photos of each."""
        for day, photos in groupby(self.days):
            yield DayCount(day=day_of(day), photo_count=sum(1 for _ in photos))

    def offset_of_day(self, day: date | None) -> int:
        """Give where the photos of a day begin, or would begin; None: the undated ones."""
        number = UNDATED if day is None else day.toordinal() - _EPOCH
        return bisect_left(self.days, -number, key=lambda each: -each)

    def find_offset(self, photo_id: int) -> int | None:
        """Give where a photo stands; None where it is not among these."""
        try:
            return self.ids.index(photo_id)
        except ValueError:
            return None


def load_order(db: Session, conditions: Sequence[ColumnElement[bool]] = ()) -> TimelineOrder:
    """Give the order of all photos that fit ``conditions`` (see ``search.conditions_of``).

    Takes about 1 µs and 10 bytes a photo. The database is asked for whole columns, spelled as text: row by row it would
    take three times as long, and most of that in the interpreter, which everybody else waits for.
    """
    order = TimelineOrder(array("i"), array("H"), array("i"))
    taken_at, photo_id = _PHOTOS.c.taken_at, _PHOTOS.c.id
    dated = _SHAPES.where(taken_at.is_not(None), *conditions).order_by(taken_at.desc(), photo_id.desc())
    undated = _SHAPES.where(taken_at.is_(None), *conditions).order_by(photo_id.desc())
    for query in (dated, undated):
        behind: list[ColumnElement[bool]] = []
        while True:
            count, earliest = _add_columns(db, order, query.where(*behind).limit(PHOTOS_AT_ONCE))
            if count < PHOTOS_AT_ONCE:
                break
            place = literal(earliest, Instant), literal(order.ids[-1], Integer)
            behind = [photo_id < place[1] if earliest is None else tuple_(taken_at, photo_id) < tuple_(*place)]
    return _by_day(order)


def _add_columns(db: Session, order: TimelineOrder, query: Select[int, int, int, str | None]) -> tuple[int, str | None]:
    """Add the photos that a query gives, and tell how many those are and when the earliest was taken."""
    part = query.subquery()
    spelled = (func.aggregate_strings(cast(each, Text), ",") for each in (part.c.id, part.c.aspect, part.c.day))
    *columns, earliest = db.connection().execute(select(*spelled, func.min(part.c.taken_at))).one()
    before = len(order)
    for column, text in zip((order.ids, order.aspects, order.days), columns, strict=True):
        column.extend(msgspec.json.decode(f"[{text or ''}]", type=list[int]))
    return len(order) - before, earliest


def _by_day(order: TimelineOrder) -> TimelineOrder:
    """Put days together that UTC has mixed at their borders; the order within a day stays."""
    days = order.days
    if all(map(int.__ge__, days, days[1:])):
        return order
    # Almost sorted, which is what this sort is quick at.
    positions = sorted(range(len(days)), key=days.__getitem__, reverse=True)
    return TimelineOrder(
        array("i", map(order.ids.__getitem__, positions)),
        array("H", map(order.aspects.__getitem__, positions)),
        array("i", map(days.__getitem__, positions)),
    )


def count_again(db: Session) -> Counter[int]:
    """Count the photos of each day from the photos themselves, for comparison with what is kept."""
    day = func.coalesce(Photo.local_day, UNDATED)
    counts: dict[int, int] = dict(iter(db.execute(select(day, func.count()).group_by(day))))
    return Counter(counts)
