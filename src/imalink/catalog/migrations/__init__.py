"""Alembic migrations of the catalog; run by ``catalog.schema.upgrade``."""
