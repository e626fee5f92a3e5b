"""What an edit of the library changed of one item, what takes that back, and whether it still stands.

As with photos it is taken back by another edit: what was said last has to win everywhere, in storages that are away
too. Decision: docs/decisions/0087-edits-of-the-library-are-operations.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from imalink.core.library import DELETED, PHOTO_PREFIX, FieldValue

_NOBODY: tuple[FieldValue, ...] = (None, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryChange:
    """An item's fields from ``before`` to ``after``; of one that was made, ``before`` says only that it is no more.

    ``whole`` is the digest of everything that the item said afterwards, where taking the change back takes the item
    away: whatever was said of it since would go with it.
    """

    kind: str
    key: str
    before: Mapping[str, FieldValue]
    after: Mapping[str, FieldValue]
    whole: str | None = None

    def photo_count(self) -> int:
        """Tell of how many photos it says where in a collection they stand."""
        return sum(1 for name in self.after if name.startswith(PHOTO_PREFIX))


def is_live(known: Mapping[str, FieldValue]) -> bool:
    """Tell whether an item is there: something is said of it, and not that it is no more."""
    return known.get(DELETED) in _NOBODY and any(value is not None for value in known.values())


def plan_change(
    kind: str, key: str, known: Mapping[str, FieldValue], said: Mapping[str, FieldValue]
) -> LibraryChange | None:
    """Work out what saying ``said`` changes of an item of which ``known`` is said; None where that is nothing."""
    after = {name: value for name, value in said.items() if not _is_same(name, known.get(name), value)}
    if not after:
        return None
    before = {name: known.get(name) for name in after} if is_live(known) else {DELETED: True}
    goes = before.get(DELETED) not in _NOBODY
    return LibraryChange(
        kind=kind, key=key, before=before, after=after, whole=_digest({**known, **after}) if goes else None
    )


def is_changed_since(change: LibraryChange, known: Mapping[str, FieldValue]) -> bool:
    """Tell whether an item says something else by now than a change left, as far as taking that back touches it."""
    if any(not _is_same(name, known.get(name), value) for name, value in change.after.items()):
        return True
    if change.whole is not None:
        return _digest(known) != change.whole
    return change.after.get(DELETED) in _NOBODY and not is_live(known)


def _is_same(name: str, one: FieldValue, other: FieldValue) -> bool:
    return one == other or (name == DELETED and one in _NOBODY and other in _NOBODY)


def _digest(known: Mapping[str, FieldValue]) -> str:
    said = {name: value for name, value in sorted(known.items()) if value is not None and name != DELETED}
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()
