"""All tables of the first catalog.

Revision 0001, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from imalink.errors import CatalogError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FIRST_AUTHOR_NAME = "Photographer"


def upgrade() -> None:
    _create_catalog_tables()
    _create_photo_tables()
    _create_image_file_tables()
    _create_index_record_tables()
    authors = sa.table(
        "authors", sa.column("name", sa.Text()), sa.column("email", sa.Text()), sa.column("is_self", sa.Boolean())
    )
    library_state = sa.table("library_state", sa.column("id", sa.Integer()), sa.column("library_rev", sa.BigInteger()))
    # Without an explicit id, so that PostgreSQL's sequence counts it too: it is the first, hence 1.
    op.execute(sa.insert(authors).values(name=FIRST_AUTHOR_NAME, email="", is_self=sa.true()))
    op.execute(sa.insert(library_state).values(id=1, library_rev=0))


def downgrade() -> None:
    raise CatalogError(
        "A catalog is not taken back to an older version; nothing was changed.",
        hint="Use the backup made beside it before the migration, or run `imalink recover`.",
    )


def _create_catalog_tables() -> None:
    op.create_table(
        "library_state",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("library_rev", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "authors",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("is_self", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("name", "email"),
    )
    op.create_table(
        "file_storages",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("storage_uuid", sa.String(36), nullable=False),
        sa.Column("directory_name", sa.Text(), nullable=False),
        sa.Column("base_path", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_accessible", sa.Boolean(), nullable=False),
        sa.Column("total_files", sa.BigInteger(), nullable=False),
        sa.Column("total_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("last_scan_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("master_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("inode", sa.Text(), nullable=True),
        sa.Column("file_system_uuid", sa.Text(), nullable=True),
        sa.UniqueConstraint("storage_uuid"),
    )
    op.create_table(
        "import_sessions",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("session_uuid", sa.String(36), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), nullable=True),
        sa.Column("default_author_id", sa.Integer(), sa.ForeignKey("authors.id"), nullable=True),
        sa.Column("original_source_path", sa.Text(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("copy_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("copy_completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("total_scanned", sa.BigInteger(), nullable=False),
        sa.Column("new_imports", sa.BigInteger(), nullable=False),
        sa.Column("duplicates_skipped", sa.BigInteger(), nullable=False),
        sa.Column("companions", sa.BigInteger(), nullable=False),
        sa.Column("ignored", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.BigInteger(), nullable=False),
        sa.Column("total_size_bytes", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("session_uuid"),
    )
    op.create_index("ix_import_sessions_file_storage_id", "import_sessions", ["file_storage_id"])
    op.create_table(
        "scan_snapshots",
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), primary_key=True),
        sa.Column("master_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )


def _create_photo_tables() -> None:
    op.create_table(
        "photos",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("photo_uuid", sa.String(36), nullable=False),
        sa.Column("primary_hothash", sa.LargeBinary(32), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("caption", sa.Text(), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at_local", sa.Text(), nullable=True),
        sa.Column("taken_at_offset", sa.Text(), nullable=True),
        sa.Column("taken_at_source", sa.Text(), nullable=True),
        sa.Column("camera_make", sa.Text(), nullable=True),
        sa.Column("camera_model", sa.Text(), nullable=True),
        sa.Column("lens", sa.Text(), nullable=True),
        sa.Column("width", sa.BigInteger(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("latitude", sa.Float(53), nullable=True),
        sa.Column("longitude", sa.Float(53), nullable=True),
        sa.Column("altitude", sa.Float(53), nullable=True),
        sa.Column("file_format", sa.Text(), nullable=False),
        sa.Column("user_facts", sa.Text(), nullable=True),
        sa.UniqueConstraint("photo_uuid"),
    )
    op.create_index("ix_photos_camera_model_taken_at_id", "photos", ["camera_model", "taken_at", "id"])
    op.create_index("ix_photos_rating_taken_at_id", "photos", ["rating", "taken_at", "id"])
    op.create_index("ix_photos_taken_at_id", "photos", ["taken_at", "id"])
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "photo_tags",
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photos.id"), primary_key=True),
        sa.Column("tag_id", sa.Integer(), sa.ForeignKey("tags.id"), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
    )
    op.create_index("ix_photo_tags_tag_id_photo_id", "photo_tags", ["tag_id", "photo_id"])


def _create_image_file_tables() -> None:
    op.create_table(
        "image_files",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("hothash", sa.LargeBinary(32), nullable=False),
        sa.Column("hothash_method", sa.Text(), nullable=False),
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photos.id"), nullable=False),
        sa.Column("import_session_id", sa.Integer(), sa.ForeignKey("import_sessions.id"), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("original_filename", sa.Text(), nullable=False),
        sa.Column("original_path", sa.Text(), nullable=False),
        sa.Column("file_format", sa.Text(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("orientation", sa.Integer(), nullable=False),
        sa.Column("hotpreview_rendition", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("previous_hothashes", sa.Text(), nullable=True),
        sa.UniqueConstraint("hothash"),
    )
    op.create_index("ix_image_files_import_session_id", "image_files", ["import_session_id"])
    op.create_index("ix_image_files_photo_id", "image_files", ["photo_id"])
    op.create_table(
        "file_locations",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("image_file_id", sa.Integer(), sa.ForeignKey("image_files.id"), nullable=False),
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), nullable=False),
        sa.Column("import_session_id", sa.Integer(), sa.ForeignKey("import_sessions.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("relative_path", sa.Text(), nullable=False),
        sa.Column("relative_path_bytes", sa.LargeBinary(), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.UniqueConstraint("import_session_id", "file_storage_id", "image_file_id", "number"),
    )
    op.create_index("ix_file_locations_file_size", "file_locations", ["file_size"])
    op.create_index(
        "ix_file_locations_file_storage_id_relative_path", "file_locations", ["file_storage_id", "relative_path"]
    )
    op.create_index("ix_file_locations_image_file_id", "file_locations", ["image_file_id"])
    op.create_index("ix_file_locations_sha256", "file_locations", ["sha256"])
    op.create_table(
        "companion_files",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("image_file_id", sa.Integer(), sa.ForeignKey("image_files.id"), nullable=False),
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), nullable=False),
        sa.Column("import_session_id", sa.Integer(), sa.ForeignKey("import_sessions.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("relative_path", sa.Text(), nullable=False),
        sa.Column("relative_path_bytes", sa.LargeBinary(), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.UniqueConstraint("import_session_id", "file_storage_id", "image_file_id", "number"),
    )
    op.create_index("ix_companion_files_image_file_id", "companion_files", ["image_file_id"])


def _create_index_record_tables() -> None:
    op.create_table(
        "session_files",
        sa.Column("import_session_id", sa.Integer(), sa.ForeignKey("import_sessions.id"), primary_key=True),
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("generated_at", sa.Text(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
    )
    op.create_index("ix_session_files_file_storage_id_number", "session_files", ["file_storage_id", "number"])
    op.create_table(
        "session_photos",
        sa.Column("import_session_id", sa.Integer(), sa.ForeignKey("import_sessions.id"), primary_key=True),
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), primary_key=True),
        sa.Column("photo_uuid", sa.String(36), primary_key=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
    )
    op.create_index("ix_session_photos_photo_uuid", "session_photos", ["photo_uuid"])
    op.create_table(
        "deleted_files",
        sa.Column("import_session_id", sa.Integer(), sa.ForeignKey("import_sessions.id"), primary_key=True),
        sa.Column("file_storage_id", sa.Integer(), sa.ForeignKey("file_storages.id"), primary_key=True),
        sa.Column("hothash", sa.LargeBinary(32), primary_key=True),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("tombstone", sa.Text(), nullable=False),
    )
    op.create_index("ix_deleted_files_hothash", "deleted_files", ["hothash"])
    op.create_index("ix_deleted_files_sha256", "deleted_files", ["sha256"])
