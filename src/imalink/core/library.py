"""What belongs to the library and to no single photo: authors, collections, saved searches, sessions to be.

Each is an *item* of a kind with a key, and everything said of it is a *field* with a clock of its own, as user facts of
photos have: the higher (counter, writer) holds, never wall time. So what several machines said is merged in any order,
and told twice is told once. Decision: docs/decisions/0060-the-library-is-items-with-fields.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from imalink.core.ids import PhotoUuid
from imalink.core.photo import FieldClock

MAX_FIELDS_AT_ONCE = 400
"""So many fields of an item are told together; of a collection's photos they fit a journal line."""

AUTHOR_NAMESPACE = uuid.UUID("f2a5e1c0-53c3-5f0a-8f39-0c7b6e3a9d21")
PHOTO_PREFIX = "photo."
"""How fields of a collection begin that say where in it a photo stands: a number; None takes the photo out."""

DELETED = "deleted"
"""The field of any item that says that it is no more."""

_STEP = 1 << 20
"""How far apart places in a collection are at first."""

FieldValue = str | int | bool | None
"""What a field says; None takes back what it said."""


class ItemKind(StrEnum):
    """What an item is. A newer version may know more kinds; what they say is kept."""

    AUTHOR = "author"
    COLLECTION = "collection"
    SEARCH = "saved-search"
    SESSION = "session"
    """An import session into which nothing came yet (``core.planned_session``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryEdited:
    """The user said something of an item of the library: each field in ``values``, all at the moment of ``clock``."""

    kind: str
    key: str
    values: Mapping[str, FieldValue]
    clock: FieldClock


@dataclass(frozen=True, slots=True)
class FieldFact:
    """What a field says, and who said so when."""

    value: FieldValue
    clock: FieldClock

    def rank(self) -> tuple[int, str, str]:
        """Give what the later of two facts has more of; of equal clocks any settled order will do."""
        return self.clock.counter, self.clock.writer, repr(self.value)


Library = dict[tuple[str, str], dict[str, FieldFact]]
"""All that is said: fields by name, of items by kind and key."""


def merge_into(library: Library, edits: Iterable[LibraryEdited]) -> bool:
    """Let what was said hold in ``library`` where nothing later was; tell whether anything changed."""
    is_changed = False
    for edit in edits:
        fields = library.setdefault((edit.kind, edit.key), {})
        for name, value in edit.values.items():
            fact = FieldFact(value, edit.clock)
            known = fields.get(name)
            if known is None or fact.rank() > known.rank():
                fields[name] = fact
                is_changed = True
    return is_changed


def edits_of(library: Library) -> Iterator[LibraryEdited]:
    """Give what makes this library again, item by item, cut into pieces that fit a line each."""
    for (kind, key), fields in sorted(library.items()):
        said: dict[FieldClock, dict[str, FieldValue]] = {}
        for name, fact in sorted(fields.items()):
            said.setdefault(fact.clock, {})[name] = fact.value
        for clock, values in sorted(said.items(), key=lambda each: (each[0].counter, each[0].writer)):
            yield from cut(LibraryEdited(kind=kind, key=key, values=values, clock=clock))


def cut(edit: LibraryEdited) -> Iterator[LibraryEdited]:
    """Give an edit in pieces that fit a journal line each."""
    names = list(edit.values)
    for first in range(0, len(names), MAX_FIELDS_AT_ONCE):
        piece = names[first : first + MAX_FIELDS_AT_ONCE]
        yield LibraryEdited(
            kind=edit.kind, key=edit.key, values={name: edit.values[name] for name in piece}, clock=edit.clock
        )


def first_places(count: int) -> list[int]:
    """Give places for so many photos of a collection, with room between them."""
    return [(number + 1) * _STEP for number in range(count)]


def places_between(low: int | None, high: int | None, count: int) -> list[int] | None:
    """Give so many places that grow, after ``low`` and before ``high``; None where there is no room for them."""
    if low is None and high is None:
        return first_places(count)
    if high is None:
        return [(low or 0) + step for step in first_places(count)]
    if low is None:
        return [high - step for step in reversed(first_places(count))]
    if high - low <= count:
        return None
    return [low + (high - low) * (number + 1) // (count + 1) for number in range(count)]


def author_key(name: str, email: str) -> str:
    """Give the key of an author first met under this name and email; machines that meet the same one agree."""
    return str(uuid.uuid5(AUTHOR_NAMESPACE, f"{name}\n{email}"))


def photo_field(photo_uuid: PhotoUuid) -> str:
    """Give the field of a collection that says where this photo stands in it."""
    return f"{PHOTO_PREFIX}{photo_uuid}"
