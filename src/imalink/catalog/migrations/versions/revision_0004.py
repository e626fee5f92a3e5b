"""What edits of photos said before and after, so that they can be undone.

Revision 0004, after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from imalink.errors import CatalogError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operation_edits",
        sa.Column("operation_uuid", sa.String(36), primary_key=True),
        sa.Column("photo_uuid", sa.String(36), primary_key=True),
        sa.Column("edit", sa.Text(), nullable=False),
    )
    op.create_index("ix_operation_edits_photo_uuid", "operation_edits", ["photo_uuid"])


def downgrade() -> None:
    raise CatalogError(
        "A catalog is not taken back to an older version; nothing was changed.",
        hint="Use the backup made beside it before the migration, or run `imalink recover`.",
    )
