"""Tags: the words of photos, each kept once, exactly as written."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks, insert_rows, table_of
from imalink.catalog.models import Tag, photo_tags


def set_tags(db: Session, tags: Mapping[int, tuple[str, ...]], *, are_new: bool = False) -> None:
    """Give each photo (by id) exactly these tags, in this order; ``are_new`` says that the photos have none yet."""
    current: dict[int, tuple[str, ...]] = {} if are_new else load_tags(db, tags)
    changed = {photo_id: names for photo_id, names in tags.items() if current.get(photo_id, ()) != names}
    for chunk in chunks(photo_id for photo_id in changed if photo_id in current):
        db.connection().execute(delete(photo_tags).where(photo_tags.c.photo_id.in_(chunk)))
    wanted = {name for names in changed.values() for name in names}
    if not wanted:
        return
    ids = _find_ids(db, wanted)
    if missing := wanted - ids.keys():
        insert_rows(db, table_of(Tag), ["name"], [(name,) for name in sorted(missing)])
        ids.update(_find_ids(db, missing))
    rows = [
        (photo_id, ids[name], position) for photo_id, names in changed.items() for position, name in enumerate(names)
    ]
    insert_rows(db, photo_tags, ["photo_id", "tag_id", "position"], rows)


def load_tags(db: Session, photo_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Give the tags of those photos that have any, in their order."""
    found: dict[int, tuple[str, ...]] = {}
    for chunk in chunks(photo_ids):
        rows = db.execute(
            select(photo_tags.c.photo_id, Tag.name)
            .join(Tag, Tag.id == photo_tags.c.tag_id)
            .where(photo_tags.c.photo_id.in_(chunk))
            .order_by(photo_tags.c.photo_id, photo_tags.c.position)
        )
        for photo_id, name in rows:
            found[photo_id] = (*found.get(photo_id, ()), name)
    return found


def _find_ids(db: Session, names: Collection[str]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for chunk in chunks(names):
        ids.update(iter(db.execute(select(Tag.name, Tag.id).where(Tag.name.in_(chunk)))))
    return ids
