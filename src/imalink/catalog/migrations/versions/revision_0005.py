"""What is known of damaged files, and what of each storage was verified when.

Revision 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from imalink.errors import CatalogError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("file_locations", sa.Column("damage", sa.Text()))
    op.add_column("companion_files", sa.Column("damage", sa.Text()))
    op.create_table(
        "verified_files",
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), primary_key=True),
        sa.Column("path", sa.LargeBinary(4096), primary_key=True),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "unfinished_verifications",
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), primary_key=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    raise CatalogError(
        "A catalog is not taken back to an older version; nothing was changed.",
        hint="Use the backup made beside it before the migration, or run `imalink recover`.",
    )
