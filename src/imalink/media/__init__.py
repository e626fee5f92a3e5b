"""Picture bytes to facts: identity, metadata and previews. Importing it loads no decoder."""
