"""What the engines of the catalog share: how a transaction asks for what it needs, and words for what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

WRITES = "imalink_writes"
"""Execution option of connections that will write: they take the write lock at once, so that none has to give up
half-way because another wrote in between."""

DURABLE = "imalink_durable"
"""Execution option of connections whose commit must outlive a power cut: nothing else has what they write. All other
commits repeat what storages hold, and are only sure to outlive the process."""

ATTACHED = "imalink_attached"
"""Execution option of connections to SQLite: a tuple of files that stand beside the catalog in the transaction."""

HINT_RECOVER = "Run `imalink recover`: it rebuilds the catalog from the storages and keeps the old one aside."


@dataclass(frozen=True, slots=True)
class RowSource:
    """Rows of a table in the ``number``-th file of ATTACHED: expressions for the columns, a condition, its arguments.

    ``read`` gives the rows of a whole SELECT on that file, for an engine that cannot read it by itself.
    """

    number: int
    values: str
    condition: str
    arguments: tuple[int, ...]
    read: Callable[[str, Sequence[object]], Iterator[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a database said of itself: a message, and what to do about it. ``is_damage``: it cannot be believed."""

    message: str
    hint: str
    is_damage: bool = False


def damaged(shown: str, error: object) -> Trouble:
    """Give the words for a database whose content cannot be read any more."""
    return Trouble(
        f"The catalog {shown} is damaged ({error}). The photos and their indexes are safe.", HINT_RECOVER, True
    )
