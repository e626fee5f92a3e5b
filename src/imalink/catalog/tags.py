"""Tags: the words of photos, each kept once, exactly as written; compared, listed and renamed in any case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks, insert_rows, table_of
from imalink.catalog.models import Photo, Tag, photo_tags
from imalink.core.ids import PhotoUuid

LEVELS = "/"
"""Parts the levels of a tag: ``places/italy/rome``."""


_TAGS = table_of(Tag)
_TAGS_OF = (
    select(photo_tags.c.photo_id, _TAGS.c.name)
    .join(_TAGS, _TAGS.c.id == photo_tags.c.tag_id)
    .where(photo_tags.c.photo_id.in_(bindparam("ids", expanding=True)))
    .order_by(photo_tags.c.photo_id, photo_tags.c.position)
)
"""Made once: making it takes as long as asking it."""


def set_tags(db: Session, tags: Mapping[int, tuple[str, ...]], *, are_new: bool = False) -> None:
    """Give each photo (by id) exactly these tags, in this order; ``are_new`` says that the photos have none yet."""
    current: dict[int, tuple[str, ...]] = {} if are_new else load_tags(db, tags)
    changed = {photo_id: names for photo_id, names in tags.items() if current.get(photo_id, ()) != names}
    for chunk in chunks(photo_id for photo_id in changed if photo_id in current):
        db.connection().execute(delete(photo_tags).where(photo_tags.c.photo_id.in_(chunk)))
    wanted = {name for names in changed.values() for name in names}
    if not wanted:
        return
    ids = remember_tags(db, wanted)
    rows = [
        (photo_id, ids[name], position) for photo_id, names in changed.items() for position, name in enumerate(names)
    ]
    insert_rows(db, photo_tags, ["photo_id", "tag_id", "position"], rows)


def remember_tags(db: Session, names: Collection[str]) -> dict[str, int]:
    """Give the id of each of these tags, which are made where they are new."""
    ids = _find_ids(db, names)
    if missing := set(names) - ids.keys():
        insert_rows(db, table_of(Tag), ["name"], [(name,) for name in sorted(missing)])
        ids.update(_find_ids(db, missing))
    return ids


def load_tags(db: Session, photo_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Give the tags of those photos that have any, in their order."""
    found: dict[int, tuple[str, ...]] = {}
    for chunk in chunks(photo_ids):
        for photo_id, name in db.connection().execute(_TAGS_OF, {"ids": chunk}).all():
            found[photo_id] = (*found.get(photo_id, ()), name)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCount:
    """A tag in lower case, whatever its spellings, and how many photos have it; levels are parted by ``/``."""

    name: str
    photo_count: int


def list_tags(db: Session, *, part: str = "", limit: int | None = 50) -> list[TagCount]:
    """Give the tags a level of which begins with ``part``, those of most photos first; None is no limit."""
    wanted = part.casefold()
    ids: dict[str, list[int]] = {}
    for tag_id, name in db.execute(select(Tag.id, Tag.name)):
        lowered = name.casefold()
        if (
            not wanted
            or lowered.startswith(wanted)
            or any(level.startswith(wanted) for level in lowered.split(LEVELS)[1:])
        ):
            ids.setdefault(lowered, []).append(tag_id)
    counts: Counter[str] = Counter()
    of_tag = {tag_id: name for name, each in ids.items() for tag_id in each}
    for chunk in chunks(of_tag):
        query = select(photo_tags.c.tag_id, func.count()).where(photo_tags.c.tag_id.in_(chunk))
        for tag_id, count in db.execute(query.group_by(photo_tags.c.tag_id)):
            counts[of_tag[tag_id]] += count
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [TagCount(name=name, photo_count=count) for name, count in ordered[:limit]]


def find_photos_tagged(db: Session, tag: str) -> list[PhotoUuid]:
    """Give the photos that have this tag in any spelling, or one of which it is the first levels."""
    ids = [tag_id for tag_id, name in db.execute(select(Tag.id, Tag.name)) if renamed(name, tag, "") != name]
    found: set[PhotoUuid] = set()
    for chunk in chunks(ids):
        query = select(Photo.photo_uuid).join(photo_tags, photo_tags.c.photo_id == Photo.id)
        found.update(map(PhotoUuid, db.execute(query.where(photo_tags.c.tag_id.in_(chunk))).scalars()))
    return sorted(found)


def clean(tag: str) -> str:
    """Give a tag as a user means it: no blanks around it or its levels, none of them empty."""
    return LEVELS.join(level for each in tag.split(LEVELS) if (level := " ".join(each.split())))


def renamed(tag: str, old: str, new: str) -> str:
    """Give what a tag is called when ``old`` is called ``new``; itself if it is neither that nor below it."""
    levels, wanted = tag.split(LEVELS), old.split(LEVELS)
    if [each.casefold() for each in levels[: len(wanted)]] != [each.casefold() for each in wanted]:
        return tag
    return LEVELS.join([*([new] if new else ()), *levels[len(wanted) :]])


def _find_ids(db: Session, names: Collection[str]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for chunk in chunks(names):
        ids.update(iter(db.execute(select(Tag.name, Tag.id).where(Tag.name.in_(chunk)))))
    return ids
