"""One module per revision of the tables, listed in ``catalog.schema.REVISIONS``."""
