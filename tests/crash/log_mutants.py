"""Recorded runs as other programs would have left them: each flush and each change of names left out, or out of turn.

A mutant is one line of the product altered, as it is reached by one way (``Done.site``): wherever the run came by,
its step is missing or comes after the next one. Flushes change nothing that the process itself sees, so that the run
would have gone on all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.support.disk_log import Done

FLUSH = frozenset({"fsync"})
NAMING = frozenset({"rename", "link", "exchange", "unlink"})
STEPS = FLUSH | NAMING
MAKING = frozenset({"create", "mkdir"})

WITHOUT_PROMISE = {
    "storage/lock_files.py": "locks: whoever held one is gone after a power cut",
    "storage/previews.py": "previews: made again from their pictures",
    "storage/backups.py": "older generations: further names of what is sure, which nothing is read from but by people",
}
"""Whose steps are no part of the protocol, by where they are asked for, and why no power cut matters to them."""


class How(StrEnum):
    """What is done to a step."""

    LEFT_OUT = "left out"
    AFTER_NAMING = "after the next change of names"
    AFTER_FLUSH = "after the next flush"


@dataclass(frozen=True)
class Mutant:
    """An altered run. ``name`` is the same in every scene; ``at`` is where its log first differs from the true one."""

    kind: str
    site: str
    how: How
    log: Sequence[Done]
    at: int

    @property
    def name(self) -> str:
        return f"{self.kind} {self.how}: {self.site}"


def mutants(log: Sequence[Done]) -> Iterator[Mutant]:
    """Give every mutant of a run once, and none that is the run itself."""
    seen = {tuple(id(done) for done in log)}
    sites = dict.fromkeys((done.kind, done.site) for done in log if done.kind in STEPS and has_promise(done))
    for kind, site in sites:
        # A name that goes later than it might does no harm; that it goes too early is tried with the step before it.
        for how in How if kind != "unlink" else (How.LEFT_OUT,):
            altered = _altered(log, lambda done, kind=kind, site=site: (done.kind, done.site) == (kind, site), how)
            key = tuple(id(done) for done in altered)
            if key not in seen:
                seen.add(key)
                at = next((each for each, done in enumerate(altered) if done is not log[each]), len(altered))
                yield Mutant(kind, site, how, altered, at)


def has_promise(done: Done) -> bool:
    """Tell whether a step is part of the protocol."""
    return not any(each in done.site for each in WITHOUT_PROMISE)


def _altered(log: Sequence[Done], is_meant: Callable[[Done], bool], how: How) -> list[Done]:
    if how is How.LEFT_OUT:
        return [done for done in log if not is_meant(done)]
    altered = list(log)
    for at in range(len(altered) - 1, -1, -1):
        done = altered[at]
        if not is_meant(done):
            continue
        for later in range(at + 1, len(altered)):
            other = altered[later]
            if not has_promise(other) or is_meant(other):
                continue
            wanted = FLUSH if how is How.AFTER_FLUSH else (NAMING | MAKING if done.kind in FLUSH else NAMING)
            if other.kind in wanted and not (done.kind in FLUSH and how is How.AFTER_FLUSH):
                altered.insert(later, altered.pop(at))
                break
    return altered
