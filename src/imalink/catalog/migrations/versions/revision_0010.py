"""What edits of authors, collections and saved searches said before and after, so that they can be undone.

Revision 0010, after 0009.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from imalink.errors import CatalogError

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "library_operations",
        sa.Column("operation_uuid", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("undoes", sa.String(36), nullable=True),
        sa.Column("item_kind", sa.String(40), nullable=False),
        sa.Column("item_key", sa.String(100), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
    )
    op.create_index("ix_library_operations_item_key", "library_operations", ["item_key"])


def downgrade() -> None:
    raise CatalogError(
        "A catalog is not taken back to an older version; nothing was changed.",
        hint="Use the backup made beside it before the migration, or run `imalink recover`.",
    )
