"""Logging: one line a record on stderr, with control characters escaped."""

from __future__ import annotations

import logging

from imalink.errors import UsageError

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class EscapingFormatter(logging.Formatter):
    """Escapes what could forge a line or command a terminal: names in logs come from disks we do not trust."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record as one printable line."""
        text = super().format(record)
        return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def set_up_logging(level: str) -> None:
    """Send records of ``level`` and above to stderr. Raises UsageError for a level that is none."""
    if level.lower() not in _LEVELS:
        raise UsageError(f"{level!r} is no log level.", hint=f"Use one of: {', '.join(_LEVELS)}.")
    handler = logging.StreamHandler()
    handler.setFormatter(EscapingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=_LEVELS[level.lower()], handlers=[handler], force=True)
