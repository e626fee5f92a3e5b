"""The catalog: a derived database that can be deleted at any time. Workflows decide; the catalog finds and stores.

Importing this package imports nothing else: SQLAlchemy comes with ``catalog.catalog``, Alembic only with a migration.
"""
