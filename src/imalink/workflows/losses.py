"""The circuit breaker of every look at a storage: suspiciously much that is gone is a fault, not the user's doing."""

from __future__ import annotations

from collections.abc import Collection

from imalink.core.relative_path import RelativePath
from imalink.core.suspicious_loss import suspicious_loss
from imalink.errors import MassMissingError


def refuse_suspicious_loss(known: Collection[RelativePath], missing: Collection[RelativePath]) -> None:
    """Refuse to believe that so many of the known files are gone. Raises MassMissingError."""
    reason = suspicious_loss(known, missing)
    if reason is not None:
        raise MassMissingError(
            f"{reason} are not where they were. That looks like a disk or folder that is not there rather than "
            "deletions, so nothing was changed.",
            hint="Check that everything is plugged in and mounted. If you really removed them, run the same "
            "command with --accept-missing.",
        )
