"""What lists, timeline and full-text search ask: days, aspect ratios, RAWs, words, and how many photos a day has.

Revision 0007, after 0006.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import cast

import sqlalchemy as sa
from alembic import op

from imalink.catalog import full_text
from imalink.catalog.derivation import aspect_of, day_number
from imalink.core.search_words import search_text
from imalink.errors import CatalogError

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNDATED = -(2**31) + 1
_AT_ONCE = 5000

_photos = sa.table(
    "photos",
    *map(
        sa.column,
        "id title caption author taken_at_local camera_make camera_model lens width height user_facts local_day aspect "
        "has_raw search_text".split(),
    ),
)


def upgrade() -> None:
    op.add_column("photos", sa.Column("local_day", sa.Integer(), nullable=True))
    op.add_column("photos", sa.Column("aspect", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("photos", sa.Column("has_raw", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("photos", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "photo_days",
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("photo_count", sa.BigInteger(), nullable=False),
    )
    op.drop_index("ix_photos_camera_model_taken_at_id", "photos")
    op.create_index(
        "ix_photos_camera_make_camera_model_taken_at_id", "photos", ["camera_make", "camera_model", "taken_at", "id"]
    )
    op.create_index("ix_photos_lens_taken_at_id", "photos", ["lens", "taken_at", "id"])
    op.create_index("ix_photos_latitude_longitude", "photos", ["latitude", "longitude"])
    op.create_index("ix_photos_author_taken_at_id", "photos", ["author", "taken_at", "id"])
    op.create_index("ix_image_files_file_format_photo_id", "image_files", ["file_format", "photo_id"])
    for name, condition in (("missing", "status = 'missing'"), ("damaged", "damage IS NOT NULL")):
        where = sa.text(condition)
        op.create_index(
            f"ix_file_locations_{name}", "file_locations", ["image_file_id"], sqlite_where=where, postgresql_where=where
        )
    connection = op.get_bind()
    _fill(connection)
    full_text.create_index(connection)


def _fill(connection: sa.Connection) -> None:
    names, raws = _files(connection)
    tags: dict[int, list[str]] = defaultdict(list)
    for photo_id, name in connection.execute(
        sa.text(
            "SELECT photo_tags.photo_id, tags.name FROM photo_tags JOIN tags ON tags.id = photo_tags.tag_id "
            "ORDER BY photo_tags.photo_id, photo_tags.position"
        )
    ):
        tags[photo_id].append(name)
    days: Counter[int] = Counter()
    change = (
        sa.update(_photos)
        .where(_photos.c.id == sa.bindparam("row_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in ("local_day", "aspect", "has_raw", "search_text")})
    )
    for rows in _pages(connection):
        changes: list[dict[str, object]] = []
        for row in rows:
            day = None if row["taken_at_local"] is None else day_number(str(row["taken_at_local"]))
            days[UNDATED if day is None else day] += 1
            key = cast(int, row["id"])
            said = [row[name] for name in ("title", "caption", "author", "camera_make", "camera_model", "lens")]
            texts = [*said, *tags.get(key, ()), *names.get(key, ()), *_custom(row["user_facts"])]
            changes.append(
                {
                    "row_id": key,
                    "new_local_day": day,
                    "new_aspect": aspect_of(cast("int | None", row["width"]), cast("int | None", row["height"])),
                    "new_has_raw": key in raws,
                    "new_search_text": search_text(cast("list[str | None]", texts)),
                }
            )
        connection.execute(change, changes)
    if days:
        table = sa.table("photo_days", sa.column("day", sa.Integer()), sa.column("photo_count", sa.BigInteger()))
        connection.execute(sa.insert(table), [{"day": day, "photo_count": count} for day, count in days.items()])


def _files(connection: sa.Connection) -> tuple[dict[int, list[str]], set[int]]:
    names: dict[int, list[str]] = defaultdict(list)
    raws: set[int] = set()
    for photo_id, name, file_format in connection.execute(
        sa.text("SELECT photo_id, original_filename, file_format FROM image_files ORDER BY id")
    ):
        names[photo_id].append(name)
        if file_format == "RAW":
            raws.add(photo_id)
    return names, raws


def _pages(connection: sa.Connection) -> Iterator[list[dict[str, object]]]:
    after = 0
    while True:
        query = sa.select(_photos).where(_photos.c.id > after).order_by(_photos.c.id).limit(_AT_ONCE)
        rows = [dict(row) for row in connection.execute(query).mappings()]
        if not rows:
            return
        yield rows
        after = cast(int, rows[-1]["id"])


def _custom(user_facts: object) -> list[str]:
    if not isinstance(user_facts, str):
        return []
    custom = json.loads(user_facts).get("custom", {})
    return [str(value) for value in custom.values()]


def downgrade() -> None:
    raise CatalogError(
        "A catalog is not taken back to an older version; nothing was changed.",
        hint="Use the backup made beside it before the migration, or run `imalink recover`.",
    )
