"""The outbox, and the counter that orders what users said.

Revision 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from imalink.errors import CatalogError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "waiting_edits",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), nullable=False),
        sa.Column("photo_uuid", sa.String(36), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hothashes", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
    )
    op.create_index("ix_waiting_edits_file_storage_id_id", "waiting_edits", ["file_storage_id", "id"])
    op.create_index("ix_waiting_edits_photo_uuid", "waiting_edits", ["photo_uuid"])
    # Catalogs of 0001 wrote no user facts; where another version did, the photo's own clocks are asked besides.
    op.add_column("library_state", sa.Column("edit_counter", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    raise CatalogError(
        "A catalog is not taken back to an older version; nothing was changed.",
        hint="Use the backup made beside it before the migration, or run `imalink recover`.",
    )
