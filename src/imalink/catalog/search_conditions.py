"""From a query value to conditions on photos; what a user typed only ever becomes a bound value.

A condition that few photos fit is asked once, as a set of ids. One that many fit is looked at photo by photo on the
walk along the order, which then ends early. Which of both it is a bounded count tells; so both rare and common answers
come quickly, whatever an engine guesses about them. Decision: docs/decisions/0059-rare-sets-and-common-walks.md.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta
from enum import Enum

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    exists,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from imalink.catalog import full_text
from imalink.catalog.authors import names_of
from imalink.catalog.bulk import table_of
from imalink.catalog.collections import photos_in
from imalink.catalog.column_types import Instant
from imalink.catalog.derivation import day_number
from imalink.catalog.models import Author, FileLocation, FileStorage, ImageFile, ImportSession, Photo, Tag, photo_tags
from imalink.catalog.text_matching import Pattern, TextMatcher, glob, part, whole
from imalink.core.ids import StorageUuid
from imalink.core.index import FileStatus
from imalink.core.search_query import BoundingBox, PhotoStatus, SearchQuery

FEW = 2000
"""Up to so many photos are a set."""

MANY = 100_000
"""Up to so many photos that have a text are a set of which the walk asks; of more it soon meets some anyway."""

_PHOTOS = table_of(Photo)

IS_MISSING = FileLocation.status == literal_column(f"'{FileStatus.MISSING.value}'")
"""A file is missing; spelt out, for only then the engines see that an index has just those."""

_MAX_OFFSET_DAYS = 5
"""More than any offset that a capture time can have (±99:59): as far as UTC can be from the camera's day."""


class Reach(Enum):
    """What conditions are for."""

    ALL = "all photos that fit"
    PAGE = "the next that fit, of all photos"
    NEAR = "those that fit of a few photos"


class Conditions:
    """Turns queries into conditions. ``session_number`` and ``storage_uuid`` are what the query names."""

    def __init__(
        self, db: Session, *, session_number: int | None, storage_uuid: StorageUuid | None, reach: Reach
    ) -> None:
        self._reach = reach
        self._db = db
        self._matches = TextMatcher(db).matches
        self._session_number = session_number
        self._storage_uuid = storage_uuid

    def of(self, query: SearchQuery) -> list[ColumnElement[bool]]:
        """Give the conditions, all of which must hold."""
        conditions = _days(query.taken_from, query.taken_to)
        # In this order SQLite looks at them: first what stands in the photo's own row.
        if query.rating_min:
            # The sum keeps the engine from sorting all of an index's photos instead of walking along the order.
            conditions.append(self._few_or(Photo.rating >= query.rating_min, Photo.rating + 0 >= query.rating_min))
        conditions += [
            *(self._is_tagged(_levels_from(tag)) for tag in query.tags),
            *self._has_file(query),
            *(self._has_word(part(word)) for word in query.words),
        ]
        if query.camera is not None:
            conditions.append(self._is_taken_with(query.camera))
        if query.lens is not None:
            conditions.append(self._has_lens(query.lens))
        if query.author is not None:
            conditions.append(self._is_by_name(query.author))
        if query.author_id is not None:
            conditions.append(self._is_by_number(query.author_id))
        if query.text is not None:
            conditions.extend(self._has_text(query.text))
        if query.place is not None:
            conditions.append(self._is_in(query.place))
        if query.place_name is not None:
            conditions.append(self._is_tagged(_levels_within(query.place_name)))
        if query.has_gps is not None:
            known, walked = Photo.latitude.is_not(None), (Photo.latitude + 0).is_not(None)
            conditions.append(self._few_or(known, walked) if query.has_gps else (Photo.latitude + 0).is_(None))
        if query.has_raw is not None:
            raws = select(ImageFile.photo_id).where(ImageFile.file_format == "RAW")
            conditions.append(self._few_of(raws, Photo.has_raw.is_(True)) if query.has_raw else ~Photo.has_raw)
        if query.collection is not None:
            conditions.append(Photo.id.in_(photos_in(query.collection)))
        if query.status is not None:
            conditions.append(self._stands(query.status))
        return conditions

    def _few_of(self, ids: Select[int], walked: ColumnElement[bool]) -> ColumnElement[bool]:
        """Give the condition that a photo's id is in ``ids``: as a set if few are, else as ``walked`` tells of each."""
        return Photo.id.in_(ids) if self._count(ids, FEW) <= FEW else walked

    def _count(self, ids: Select[int], most: int) -> int:
        """Tell how many ids there are; one more than ``most`` where there are more."""
        bounded = ids.limit(most + 1).subquery()
        return self._db.execute(select(func.count()).select_from(bounded)).scalar_one()

    def _few_or(self, indexed: ColumnElement[bool], walked: ColumnElement[bool]) -> ColumnElement[bool]:
        return self._few_of(select(Photo.id).where(indexed), walked)

    def _has_word(self, pattern: Pattern) -> ColumnElement[bool]:
        in_photo = or_(self._matches(Photo.title, pattern), self._matches(Photo.caption, pattern))
        in_name = self._matches(ImageFile.original_filename, pattern)
        tagged = select(photo_tags.c.photo_id).where(photo_tags.c.tag_id.in_(self._tag_ids([pattern])))
        found = union(select(Photo.id).where(in_photo), tagged, select(ImageFile.photo_id).where(in_name))
        return Photo.id.in_(found)

    def _tag_ids(self, patterns: Sequence[Pattern]) -> list[int]:
        fitting = or_(*(self._matches(Tag.name, pattern) for pattern in patterns))
        return list(self._db.execute(select(Tag.id).where(fitting)).scalars())

    def _is_tagged(self, patterns: Sequence[Pattern]) -> ColumnElement[bool]:
        ids = self._tag_ids(patterns)
        of_tags = photo_tags.c.tag_id.in_(ids)
        walked = exists().where(photo_tags.c.photo_id == Photo.id, of_tags)
        return self._few_of(select(photo_tags.c.photo_id).where(of_tags), walked)

    def _has_text(self, text: str) -> list[ColumnElement[bool]]:
        found = full_text.matches(self._db, text)
        if found is None:
            return [false()]
        if not isinstance(found, Select):
            return [found]
        if self._reach is Reach.NEAR:
            return [full_text.met_on_walk(text)]
        count = self._count(found, MANY) if self._reach is Reach.PAGE else 0
        if count <= FEW:
            return [Photo.id.in_(found)]
        # The sum keeps the engine from sorting all that fit: it walks along the order, and asks the set.
        return [(Photo.id + 0).in_(found) if count <= MANY else full_text.met_on_walk(text)]

    def _is_taken_with(self, camera: str) -> ColumnElement[bool]:
        """By the few cameras there are, and not photo by photo."""
        found = [each for each in list_cameras(self._db) if _has_part(f"{each[0] or ''} {each[1] or ''}", camera)]
        if len(found) == 1:  # the engine walks along the order by the index of cameras
            return and_(_is(Photo.camera_make, found[0][0]), _is(Photo.camera_model, found[0][1]))
        indexed = [and_(_is(Photo.camera_make, make), _is(Photo.camera_model, model)) for make, model in found]
        walked = [
            and_(
                func.coalesce(Photo.camera_make, "") == (make or ""),
                func.coalesce(Photo.camera_model, "") == (model or ""),
            )
            for make, model in found
        ]
        return self._few_or(or_(*indexed), or_(*walked)) if found else literal(False)

    def _has_lens(self, lens: str) -> ColumnElement[bool]:
        found = [each for each in list_lenses(self._db) if _has_part(each, lens)]
        if len(found) == 1:
            return Photo.lens == found[0]
        return self._few_or(Photo.lens.in_(found), func.coalesce(Photo.lens, "").in_(found))

    def _is_by_name(self, name: str) -> ColumnElement[bool]:
        """The photo's own author or, where it has none, the one its session was imported for.

        By the few authors there are, and not photo by photo.
        """
        found = [each for each in self._db.connection().execute(_AUTHORS).scalars() if _has_part(each, name)]
        authors = list(self._db.execute(select(Author.id).where(self._matches(Author.name, part(name)))).scalars())
        own = self._few_or(Photo.author.in_(found), func.coalesce(Photo.author, "").in_(found))
        return or_(own, and_(Photo.author.is_(None), self._comes_by(authors))) if authors else own

    def _is_by_number(self, author_id: int) -> ColumnElement[bool]:
        names = names_of(self._db, author_id)
        if not names:
            return literal(False)
        return or_(Photo.author.in_(names), and_(Photo.author.is_(None), self._comes_by([author_id])))

    def _comes_by(self, authors: Select[int] | list[int]) -> ColumnElement[bool]:
        sessions = select(ImportSession.id).where(ImportSession.default_author_id.in_(authors))
        of_sessions = ImageFile.import_session_id.in_(list(self._db.execute(sessions).scalars()))
        walked = exists().where(ImageFile.photo_id == Photo.id, of_sessions)
        return self._few_of(select(ImageFile.photo_id).where(of_sessions), walked)

    def _is_in(self, box: BoundingBox) -> ColumnElement[bool]:
        def within(latitude: ColumnElement[float], longitude: ColumnElement[float]) -> ColumnElement[bool]:
            west, east = longitude >= box.west, longitude <= box.east
            return latitude.between(box.south, box.north) & (west | east if box.west > box.east else west & east)

        return self._few_or(
            within(_plain(Photo.latitude), _plain(Photo.longitude)), within(Photo.latitude + 0, Photo.longitude + 0)
        )

    def _stands(self, status: PhotoStatus) -> ColumnElement[bool]:
        of_photo = select(FileLocation.id).join(ImageFile, ImageFile.id == FileLocation.image_file_id)
        standing = of_photo.where(ImageFile.photo_id == Photo.id, FileLocation.status == FileStatus.PRESENT.value)
        if status is PhotoStatus.MISSING:
            lost = select(ImageFile.photo_id).join(FileLocation, FileLocation.image_file_id == ImageFile.id)
            return Photo.id.in_(lost.where(IS_MISSING)) & ~standing.exists()
        is_within_reach = FileStorage.is_accessible & FileStorage.is_active
        reached = list(self._db.execute(select(FileStorage.id).where(is_within_reach)).scalars())
        if not reached:  # nor need each photo be looked at to find that out
            return literal(False) if status is PhotoStatus.PRESENT else standing.exists()
        here = standing.where((FileLocation.file_storage_id + 0).in_(reached)).exists()
        if status is PhotoStatus.PRESENT:
            return here
        away = select(FileStorage.id).where(~is_within_reach)
        if self._db.execute(away.limit(1)).first() is None:
            return literal(False)
        return standing.exists() & ~here

    def _has_file(self, query: SearchQuery) -> list[ColumnElement[bool]]:
        """One and the same file must have format and name, be in the session and storage, and be missing or damaged."""
        pictures: list[ColumnElement[bool]] = []
        if query.file_format is not None:
            pictures.append(ImageFile.file_format == query.file_format)
        if query.filename is not None:
            pictures.append(self._matches(ImageFile.original_filename, glob(query.filename)))
        places: list[ColumnElement[bool]] = []
        walked: list[ColumnElement[bool]] = []
        if self._session_number is not None:
            places.append(FileLocation.import_session_id == self._session_number)
            walked.append(FileLocation.import_session_id + 0 == self._session_number)
        if self._storage_uuid is not None:
            storage_id = select(FileStorage.id).where(FileStorage.storage_uuid == self._storage_uuid)
            wanted = self._db.execute(storage_id).scalar()
            places.append(FileLocation.file_storage_id == wanted)
            walked.append(FileLocation.file_storage_id + 0 == wanted)
        states = (
            (query.has_missing, IS_MISSING),
            (query.has_damaged, FileLocation.damage.is_not(None)),
        )
        conditions: list[ColumnElement[bool]] = [
            Photo.id.not_in(_files(pictures, [*places, state])) for is_wanted, state in states if is_wanted is False
        ]
        for is_wanted, state in states:
            if is_wanted:
                places.append(state)
                walked.append(state)
        if pictures or places:
            # The sums keep the engine from going through all files of a storage for each photo.
            of_photo = _files([*pictures, ImageFile.photo_id == Photo.id], walked).correlate(Photo)
            conditions.append(self._few_of(_files(pictures, places), of_photo.exists()))
        return conditions


def list_cameras(db: Session) -> list[tuple[str | None, str | None]]:
    """Give make and model of every camera that took a photo, by make and model, what is not known last."""
    found = [(make, model) for make, model in db.connection().execute(_CAMERAS)]
    return sorted(found, key=lambda each: (each[0] is None, each[0] or "", each[1] is None, each[1] or ""))


def list_lenses(db: Session) -> list[str]:
    """Give every lens with which a photo was taken, in order."""
    return list(db.connection().execute(_LENSES).scalars())


def _jumping(column: Column[str | None], *conditions: ColumnElement[bool]) -> CTE:
    """Ask for the values of a column that an index begins with, jumping from one to the next; the last one is NULL."""
    values = select(func.min(column).label("value")).where(*conditions).cte(recursive=True)
    following = select(func.min(column)).where(column > values.c.value, *conditions).scalar_subquery()
    return values.union_all(select(following).where(values.c.value.is_not(None)))


def _distinct(column: Column[str | None]) -> Select[str]:
    values = _jumping(column)
    return select(values.c.value).where(values.c.value.is_not(None)).order_by(values.c.value)


def _cameras() -> CompoundSelect[str | None, str | None]:
    """Ask for all cameras at once: of each make, and of none, jumping from one model to the next."""
    make, model = _PHOTOS.c.camera_make, _PHOTOS.c.camera_model
    makes, models_of_none = _jumping(make), _jumping(model, make.is_(None))
    first = select(func.min(model)).where(make == makes.c.value).scalar_subquery()
    known = select(makes.c.value.label("make"), first.label("model")).where(makes.c.value.is_not(None))
    cameras = known.cte(recursive=True)
    following = select(func.min(model)).where(make == cameras.c.make, model > cameras.c.model).scalar_subquery()
    cameras = cameras.union_all(select(cameras.c.make, following).where(cameras.c.model.is_not(None)))
    has_nameless = exists().where(make == makes.c.value, model.is_(None))
    return union_all(
        select(cameras.c.make, cameras.c.model).where(cameras.c.model.is_not(None)),
        select(makes.c.value, null()).where(makes.c.value.is_not(None), has_nameless),
        select(null(), models_of_none.c.value).where(models_of_none.c.value.is_not(None)),
    )


# Made once: making them takes longer than asking them.
_CAMERAS, _LENSES, _AUTHORS = _cameras(), _distinct(_PHOTOS.c.lens), _distinct(_PHOTOS.c.author)


def _is(column: InstrumentedAttribute[str | None], value: str | None) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _has_part(text: str, wanted: str) -> bool:
    def folded(value: str) -> str:
        return unicodedata.normalize("NFC", value.casefold())

    return folded(wanted) in folded(text)


def _plain(column: InstrumentedAttribute[float | None]) -> ColumnElement[float]:
    return column  # pyright: ignore[reportReturnType]  # NULL is in no range


def _files(pictures: Sequence[ColumnElement[bool]], places: Sequence[ColumnElement[bool]]) -> Select[int]:
    """Give the photos that have such an image file, and of it a file in such a place."""
    found = select(ImageFile.photo_id).where(*pictures)
    return found.join(FileLocation, FileLocation.image_file_id == ImageFile.id).where(*places) if places else found


def _levels_from(tag: str) -> list[Pattern]:
    """A tag is found by itself, and by the levels with which it begins."""
    return [whole(tag), (*whole(f"{tag}/"), *part("")[:1])]


def _levels_within(tag: str) -> list[Pattern]:
    any_text = part("")[:1]
    return [*_levels_from(tag), (*any_text, f"/{tag}"), (*any_text, f"/{tag}/", *any_text)]


def _days(first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    """The camera's days decide; the wider range of UTC only lets the index find them."""
    conditions: list[ColumnElement[bool]] = []
    margin = timedelta(days=_MAX_OFFSET_DAYS)
    if first is not None:
        conditions.append(Photo.local_day >= day_number(first.isoformat()))
        if first - date.min > margin:
            conditions.append(Photo.taken_at >= literal(_midnight(first - margin), Instant))
    if last is not None:
        conditions.append(Photo.local_day <= day_number(last.isoformat()))
        if date.max - last > margin:
            conditions.append(Photo.taken_at < literal(_midnight(last + margin), Instant))
    return conditions


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"
