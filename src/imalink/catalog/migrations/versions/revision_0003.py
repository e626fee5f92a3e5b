"""Operations: what was done to many files at once, and in which storages.

Revision 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from imalink.errors import CatalogError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operations",
        sa.Column("operation_uuid", sa.String(36), primary_key=True),
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lamport", sa.BigInteger(), nullable=False),
        sa.Column("undoes", sa.String(36), nullable=True),
        sa.Column("has_inverse", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_operations_recorded_at", "operations", ["recorded_at"])
    op.create_index("ix_operations_undoes", "operations", ["undoes"])


def downgrade() -> None:
    raise CatalogError(
        "A catalog is not taken back to an older version; nothing was changed.",
        hint="Use the backup made beside it before the migration, or run `imalink recover`.",
    )
