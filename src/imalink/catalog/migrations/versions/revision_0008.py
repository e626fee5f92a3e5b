"""The library: what is said of authors, collections and saved searches, and what storages are to be told of it.

Revision 0008, after 0007.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from imalink.core.library import author_key
from imalink.errors import CatalogError

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "library_fields",
        sa.Column("kind", sa.String(40), primary_key=True),
        sa.Column("key", sa.String(100), primary_key=True),
        sa.Column("field", sa.String(200), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
    )
    op.create_table(
        "waiting_library_edits",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), nullable=False),
        sa.Column("edit", sa.Text(), nullable=False),
    )
    op.create_index("ix_waiting_library_edits_file_storage_id_id", "waiting_library_edits", ["file_storage_id", "id"])
    op.add_column("authors", sa.Column("author_key", sa.String(36), nullable=False, server_default=""))
    op.add_column("authors", sa.Column("known_as", sa.Text(), nullable=False, server_default=""))
    op.add_column("authors", sa.Column("bio", sa.Text(), nullable=False, server_default=""))
    op.add_column("authors", sa.Column("is_deleted", sa.Boolean(), nullable=False, server_default=sa.false()))
    connection = op.get_bind()
    authors = sa.table("authors", *map(sa.column, ("id", "name", "email", "author_key", "known_as")))
    for author_id, name, email in connection.execute(sa.select(authors.c.id, authors.c.name, authors.c.email)).all():
        of_author = sa.update(authors).where(authors.c.id == author_id)
        connection.execute(of_author.values(author_key=author_key(name, email), known_as=name))
    op.create_index("ix_authors_author_key", "authors", ["author_key"], unique=True)


def downgrade() -> None:
    raise CatalogError(
        "A catalog is not taken back to an older version; nothing was changed.",
        hint="Use the backup made beside it before the migration, or run `imalink recover`.",
    )
