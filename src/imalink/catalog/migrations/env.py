"""How Alembic runs the migrations: on the connection that ``catalog.schema.upgrade`` hands over, in its transaction."""

from __future__ import annotations

from typing import cast

from alembic import context
from sqlalchemy import Connection

from imalink.catalog.dialects import settle_text_order
from imalink.catalog.schema import VERSION_TABLE
from imalink.catalog.tables import METADATA
from imalink.errors import CatalogError


def run() -> None:
    """Run the migrations. Raises CatalogError when called by Alembic's own command line."""
    connection = cast(Connection | None, context.config.attributes.get("connection"))
    if connection is None:
        raise CatalogError(
            "Migrations run when ImaLink opens the catalog, after a backup.", hint="Run any `imalink` command."
        )
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        version_table=VERSION_TABLE,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    context.run_migrations()
    settle_text_order(connection)


run()
