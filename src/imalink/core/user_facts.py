"""User facts field by field: which are said, who said each last, and what several records of them say together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from operator import attrgetter
from typing import Self, TypeVar

from imalink.core.photo import FieldClock, UserFacts
from imalink.core.picture import GpsPosition
from imalink.core.session import Author
from imalink.core.timestamps import CaptureTime

PLAIN_FIELDS = ("title", "caption", "rating", "label", "rejected", "tags", "author", "capture_time", "gps")
"""The fields that have one value; tags and custom fields have one for each name besides."""

TAG_PREFIX = "tags."
CUSTOM_PREFIX = "custom."

UserValue = str | int | tuple[str, ...] | Author | CaptureTime | GpsPosition
"""What a field may hold; bool, which ``rejected`` and single tags have, is an int."""

Facts = TypeVar("Facts", bound=UserFacts)

_NEVER = (0, "")
_NOTHING = UserFacts()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactChange:
    """Which fields are said anew, by the names of their clocks, and ``values`` (without clocks) that hold them.

    A field of ``fields`` without a value is taken back: the file's own fact holds again.
    """

    fields: frozenset[str] = frozenset()
    values: UserFacts = UserFacts()

    @classmethod
    def of(cls, values: Mapping[str, UserValue | None]) -> Self:
        """Give the change that says this of each field, by name; None takes a field back."""
        return cls(fields=frozenset(values), values=_with(UserFacts(), values))

    def clocked(self, clock: FieldClock) -> UserFacts:
        """Give it as said at that moment."""
        return replace(self.values, clocks=dict.fromkeys(sorted(self.fields), clock))


def tag_field(tag: str) -> str:
    """Give the name of the field that says whether a photo has a tag."""
    return TAG_PREFIX + tag


def custom_field(key: str) -> str:
    """Give the name of a field of the user's own."""
    return CUSTOM_PREFIX + key


def is_field(name: str) -> bool:
    """Tell whether this version knows such a field; a clock may have the name of a newer one."""
    return name in PLAIN_FIELDS or (
        name.startswith((TAG_PREFIX, CUSTOM_PREFIX)) and name not in (TAG_PREFIX, CUSTOM_PREFIX)
    )


def value_of(facts: UserFacts, name: str) -> UserValue | None:
    """Give what is said of a field; None when nothing is."""
    if name.startswith(TAG_PREFIX):
        return facts.tag_changes.get(name.removeprefix(TAG_PREFIX))
    if name.startswith(CUSTOM_PREFIX):
        return facts.custom.get(name.removeprefix(CUSTOM_PREFIX))
    value: UserValue | None = getattr(facts, name)
    return value


def live_value(facts: UserFacts, name: str) -> UserValue | None:
    """Give what is said of a field and holds: a single tag said before the whole list is void."""
    is_void = name.startswith(TAG_PREFIX) and clock_of(facts, name) < clock_of(facts, "tags")
    return None if is_void else value_of(facts, name)


def said_fields(facts: UserFacts) -> Iterator[str]:
    """Give the names of the fields that have a value, in a settled order."""
    yield from (name for name in PLAIN_FIELDS if value_of(facts, name) is not None)
    yield from (tag_field(tag) for tag in sorted(facts.tag_changes))
    yield from (custom_field(key) for key in sorted(facts.custom))


_plain_values = attrgetter(*PLAIN_FIELDS)
_UNSAID = (None,) * len(PLAIN_FIELDS)


def has_user_facts(facts: UserFacts) -> bool:
    """Tell whether the user said anything of the photo, be it that a field is as in the file again."""
    # Asked of every photo of a recovery, so without a look at each field by its name.
    return bool(facts.clocks or facts.tag_changes or facts.custom) or _plain_values(facts) != _UNSAID


def clock_of(facts: UserFacts, name: str) -> tuple[int, str]:
    """Give who said a field last, to compare; what was never said comes before all."""
    clock = facts.clocks.get(name)
    return _NEVER if clock is None else (clock.counter, clock.writer)


def current(facts: UserFacts, fields: Iterable[str]) -> FactChange:
    """Give what is said of these fields now, as the change that brings just that back.

    With the whole list of tags go the single ones, which a new list would make void.
    """
    names = set(fields)
    if "tags" in names:
        names.update(map(tag_field, facts.tag_changes))
    return FactChange.of({name: live_value(facts, name) for name in names})


def contains(facts: UserFacts, others: UserFacts) -> bool:
    """Tell whether ``facts`` already has every field of ``others``, or says it later."""
    return all(clock_of(facts, name) >= clock_of(others, name) for name in others.clocks)


def merge_said(facts: Facts, other: UserFacts) -> Facts:
    """Give ``facts`` with the fields that ``other`` says later, whose values then hold.

    Of equal clocks, or without any, a said value comes before None, then the greater one. So the order in which
    records are merged makes no difference, nor whether one is merged twice.
    """
    values: dict[str, UserValue | None] = {}
    clocks = dict(facts.clocks)
    for name in {*said_fields(other), *filter(is_field, other.clocks)}:
        if _rank(other, name) > _rank(facts, name):
            values[name] = value_of(other, name)
            if name in other.clocks:
                clocks[name] = other.clocks[name]
    return replace(_with(facts, values), clocks=clocks) if values else facts


def without_taken_back(facts: Facts) -> Facts:
    """Give ``facts`` without the clocks of fields that were taken back: between two photos, no word outranks one."""
    kept = {
        name: clock for name, clock in facts.clocks.items() if not is_field(name) or value_of(facts, name) is not None
    }
    return facts if len(kept) == len(facts.clocks) else replace(facts, clocks=kept)


def with_said(facts: Facts, said: UserFacts) -> Facts:
    """Give ``facts`` with all that is said in ``said``, and nothing else."""
    if said == _NOTHING:
        return facts
    names = (each.name for each in dataclass_fields(UserFacts))
    values: dict[str, object] = {name: getattr(said, name) for name in names}
    return replace(facts, **values)


def cut_in_pieces(facts: UserFacts, most: int) -> Iterator[UserFacts]:
    """Give all that has a clock in records of at most so many fields, which together say the same."""
    names = sorted(facts.clocks)
    for first in range(0, len(names), most):
        piece = names[first : first + most]
        values = {name: value_of(facts, name) for name in piece}
        yield replace(_with(UserFacts(), values), clocks={name: facts.clocks[name] for name in piece})


def highest_counter(records: Iterable[UserFacts]) -> int:
    """Give the highest counter of any clock; 0 without any."""
    return max((clock.counter for facts in records for clock in facts.clocks.values()), default=0)


def _rank(facts: UserFacts, name: str) -> tuple[int, str, bool, str]:
    value = value_of(facts, name)
    return (*clock_of(facts, name), value is not None, repr(value))


def _with(facts: Facts, values: Mapping[str, UserValue | None]) -> Facts:
    """Give ``facts`` with these values; None takes one away."""
    plain: dict[str, object] = {name: value for name, value in values.items() if name in PLAIN_FIELDS}
    tags = {name.removeprefix(TAG_PREFIX): value for name, value in values.items() if name.startswith(TAG_PREFIX)}
    custom = {
        name.removeprefix(CUSTOM_PREFIX): value for name, value in values.items() if name.startswith(CUSTOM_PREFIX)
    }
    if tags:
        kept = {tag: has for tag, has in facts.tag_changes.items() if tag not in tags}
        plain["tag_changes"] = kept | {tag: bool(has) for tag, has in tags.items() if has is not None}
    if custom:
        others = {key: text for key, text in facts.custom.items() if key not in custom}
        plain["custom"] = others | {key: str(text) for key, text in custom.items() if text is not None}
    return replace(facts, **plain) if plain else facts
