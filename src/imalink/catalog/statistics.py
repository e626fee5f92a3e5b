"""Counts over the whole catalog, made by the database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, extract, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from imalink.catalog.models import FileLocation, ImageFile, ImportSession, Photo


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfImports:
    """What came in during one month (``YYYY-MM``, UTC): imports, pictures not had before, files and their bytes."""

    month: str
    session_count: int
    picture_count: int
    file_count: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryCounts:
    """How much there is in all."""

    photo_count: int
    session_count: int


def count_library(db: Session) -> LibraryCounts:
    """Count the photos and the import sessions."""
    return LibraryCounts(
        photo_count=db.execute(select(func.count(Photo.id))).scalar_one(),
        session_count=db.execute(select(func.count(ImportSession.id))).scalar_one(),
    )


def count_by_month(db: Session) -> list[MonthOfImports]:
    """Give every month in which something came in, in order."""
    first_in = _month(ImageFile.imported_at)
    pictures: dict[int, int] = {}
    for month, count in db.execute(select(first_in, func.count(ImageFile.id)).group_by(first_in)):
        pictures[month] = count
    came_in = _month(FileLocation.imported_at)
    query = (
        select(
            came_in,
            func.count(FileLocation.import_session_id.distinct()),
            func.count(FileLocation.id),
            func.sum(FileLocation.file_size),
        )
        .group_by(came_in)
        .order_by(came_in)
    )
    return [
        MonthOfImports(
            month=f"{month // 100:04}-{month % 100:02}",
            session_count=sessions,
            picture_count=pictures.get(month, 0),
            file_count=files,
            size_bytes=int(size_bytes),
        )
        for month, sessions, files, size_bytes in db.execute(query)
    ]


def _month(moment: InstrumentedAttribute[str]) -> ColumnElement[int]:
    """Give the month of a column as a number such as 202407."""
    return extract("year", moment) * 100 + extract("month", moment)
