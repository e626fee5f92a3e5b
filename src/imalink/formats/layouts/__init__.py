"""One codec per layout over the one model of ``core.index``."""
