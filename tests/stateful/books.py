"""The books of a storm: what has to be known of pictures, and what users said of them. Nothing of ImaLink is imported.

Where pictures stand is worked out from listings of the folders. What is said is kept as events: one that was said by a
machine that had seen another takes its place; of two that had not seen each other either may hold, but all who know of
both must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.stateful.observed import Known, Standing

UNSAID = "nothing was said"
Field = tuple[str, str]
"""A hothash and the name of a field."""


# where pictures stand


def untouched(before: Standing, now: Standing, besides: Iterable[str] = ()) -> list[str]:
    """Say of which pictures something else is known than before."""
    left_out = set(besides)
    return [
        f"{hothash[:8]} was {_shown(before.known.get(hothash))} and is {_shown(now.known.get(hothash))}"
        for hothash in sorted((before.known.keys() | now.known.keys()) - left_out)
        if before.known.get(hothash, Known()).where != now.known.get(hothash, Known()).where
    ]


def looked_at(
    before: Standing, now: Standing, besides: Iterable[str] = (), *, adds: bool = False, removes: bool = False
) -> list[str]:
    """Say in what the indexes differ from what a look at the folder must find; the folder is that of ``before``."""
    left_out = set(besides)
    wrong: list[str] = []
    successors: set[str] = set()
    for hothash, known in before.known.items():
        edited = set(_edited(before, known))
        if hothash in left_out:
            successors |= edited
            continue
        stands_at = before.at(hothash)
        if stands_at:
            found = now.known.get(hothash, Known()).places
            is_marked = hothash in before.tombstones  # elsewhere; the files that are only marked are let be
            if found != stands_at and not (is_marked and found and found < stands_at):
                wrong.append(f"{hothash[:8]} stands at {sorted(stands_at)} and is {_shown(now.known.get(hothash))}")
            successors |= edited
        elif hothash in now.known:
            if now.known[hothash].places:
                wrong.append(f"{hothash[:8]} stands nowhere and is {_shown(now.known[hothash])}")
            if removes:
                wrong.append(f"{hothash[:8]} is missing and was not taken out")
            if len(known.places) == 1 and edited:
                wrong.append(f"{hothash[:8]} was edited and is called missing")
            successors |= edited
        elif edited:
            successors |= edited
        elif not removes:
            wrong.append(f"{hothash[:8]}, known at {sorted(known.places)}, is known no more")
        elif hothash not in now.tombstones:
            wrong.append(f"{hothash[:8]} was taken out and has no tombstone")
    for hothash in now.known.keys() - before.known.keys() - left_out:
        if not adds and hothash not in successors | before.tombstones.keys():
            wrong.append(f"{hothash[:8]} is known all at once at {sorted(now.known[hothash].places)}")
        elif now.known[hothash].places != before.at(hothash):
            wrong.append(f"{hothash[:8]} stands at {sorted(before.at(hothash))} and is {_shown(now.known[hothash])}")
    return wrong


def _edited(before: Standing, known: Known) -> Iterator[str]:
    """Give the pictures that nobody knew and that stand where this one stood."""
    for path, _ in known.places:
        now = before.hothashes.get(path)
        if now is not None and now not in before.known:
            yield now


def unexplained(standing: Standing) -> list[str]:
    """I4: a picture of the folder is known, or belongs to no session and is told so, or is marked deleted."""
    listed = {path for known in standing.known.values() for path, _ in known.places}
    listed |= {path for known in standing.known.values() for path, _ in known.companions}
    both = listed & standing.orphans
    wrong = [f"{path} is known, and in no session" for path in sorted(both)]
    for path, hothash in standing.hothashes.items():
        is_deleted = hothash in standing.tombstones
        if path not in listed and path not in standing.orphans and not is_deleted:
            wrong.append(f"I4: nobody tells of {path}")
    return wrong


def _shown(known: Known | None) -> str:
    if known is None:
        return "unknown"
    return f"known at {sorted(known.places)}, missing at {sorted(known.missing_at)}"


# what was said


@dataclass
class Told:
    """What someone has been told of each field: surely, or perhaps; ``asleep`` is of pictures that are gone."""

    asleep: dict[Field, set[int]] = field(default_factory=dict[Field, set[int]])
    surely: dict[Field, set[int]] = field(default_factory=dict[Field, set[int]])
    perhaps: dict[Field, set[int]] = field(default_factory=dict[Field, set[int]])

    def take(self, other: Told) -> None:
        for mine, theirs in ((self.surely, other.surely), (self.perhaps, other.perhaps)):
            for each, events in theirs.items():
                mine.setdefault(each, set()).update(events)

    def doubt(self, hothash: str, *, is_asleep: bool = True) -> None:
        """Whoever lets go of a picture may forget what was said of it, and hear nothing of what is said meanwhile."""
        for each in [each for each in self.surely if each[0] == hothash]:
            events = self.surely.pop(each)
            self.perhaps.setdefault(each, set()).update(events)
            if is_asleep:
                self.asleep.setdefault(each, set()).update(events)

    def doubt_all(self) -> None:
        for hothash in {each[0] for each in self.surely}:
            self.doubt(hothash)

    def only(self, hothash: str) -> Told:
        """What was told of one picture."""
        return Told(
            surely={each: set(events) for each, events in self.surely.items() if each[0] == hothash},
            perhaps={each: set(events) for each, events in self.perhaps.items() if each[0] == hothash},
        )

    def remember(self, hothash: str) -> None:
        """Who brings a picture back from the trash knows what was said of it when it went there."""
        for each in [each for each in self.asleep if each[0] == hothash]:
            self.surely.setdefault(each, set()).update(self.asleep.pop(each))

    def take_as_rumour(self, other: Told) -> None:
        """Something of it may have been told."""
        for theirs in (other.surely, other.perhaps):
            for each, events in theirs.items():
                self.perhaps.setdefault(each, set()).update(events)

    def follow(self, old: str, new: str, *, is_sure: bool) -> None:
        """An edited picture is the same photo still."""
        for mine in (self.surely, self.perhaps):
            for hothash, name in [each for each in mine if each[0] == old]:
                target = self.surely if mine is self.surely and is_sure else self.perhaps
                target.setdefault((new, name), set()).update(mine[hothash, name])


class Sayings:
    """Every event there was: what it says, and which others its speaker had seen."""

    def __init__(self) -> None:
        self._values: list[object] = []
        self._before: list[frozenset[int]] = []

    def say(self, value: object, seen: Iterable[int]) -> int:
        known = frozenset(seen)
        self._values.append(value)
        self._before.append(known.union(*(self._before[each] for each in known)))
        return len(self._values) - 1

    def allowed(self, told: Told, hothashes: Iterable[str], name: str) -> set[object]:
        """What may hold of a photo with these pictures for one who was told all that."""
        found: set[object] = set()
        for hothash in hothashes:
            surely = told.surely.get((hothash, name), set[int]())
            settled = set[int]().union(*(self._before[each] for each in surely))
            found |= {self._values[each] for each in (surely | told.perhaps.get((hothash, name), set())) - settled}
            if not surely:
                found.add(UNSAID)
        return found


def said_value(record: Mapping[str, Any] | None, name: str) -> object:
    """What a photo's record says in a field: a rating, a title, or of a tag whether it has it."""
    if record is None or name not in record.get("clocks", ()):
        return UNSAID
    plain, _, tag = name.partition(".")
    return record.get("tag_changes", {}).get(tag) if tag else record.get(plain)
