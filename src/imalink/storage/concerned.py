"""Which sessions of a storage observations are about, told from the master, so that no other need be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from imalink.core.ids import Hothash
from imalink.core.index import MasterIndex
from imalink.core.journal import (
    Commit,
    FileEdited,
    FileRehashed,
    FileTrashed,
    FileUntrashed,
    Observation,
    PhotoEdited,
    PhotoJoined,
    SessionEdited,
    StorageVerified,
    TrashEmptied,
)
from imalink.core.library import LibraryEdited
from imalink.core.operation import OrphansRestored, SessionRestored


def find_concerned(
    observations: Iterable[Observation],
    master: MasterIndex | None,
    commits: Mapping[int, Sequence[Commit]] = {},
) -> Iterator[int]:
    """Give the numbers of the sessions that observations, in their order, and new commits are about; some twice."""
    yield from commits
    by_hash: dict[Hothash, set[int]] = defaultdict(set)
    for number, session_commits in commits.items():
        for commit in session_commits:
            for plan in commit.plans:
                by_hash[plan.entry.hothash].add(number)
    for observation in observations:
        match observation:
            case SessionEdited() | SessionRestored() | FileTrashed() | FileUntrashed() | TrashEmptied():
                yield observation.session_number
            case OrphansRestored() | StorageVerified() | LibraryEdited():
                continue
            case PhotoEdited() | PhotoJoined():
                for each in observation.hothashes:
                    yield from by_hash.get(each, ())
                    yield from _sessions_of(each, master)
            case FileEdited():
                numbers = by_hash.get(observation.old_hothash, set[int]()) | _sessions_of(
                    observation.old_hothash, master
                )
                by_hash[observation.entry.hothash] |= numbers
                yield from numbers
            case FileRehashed():
                numbers = by_hash.get(observation.old_hothash, set[int]()) | _sessions_of(
                    observation.old_hothash, master
                )
                by_hash[observation.hothash] |= numbers
                yield from numbers
            case _:
                yield from by_hash.get(observation.hothash, ())
                yield from _sessions_of(observation.hothash, master)


def _sessions_of(hothash: Hothash, master: MasterIndex | None) -> set[int]:
    entry = master.files.get(hothash) if master is not None else None
    return {place.session_number for place in entry.places()} if entry is not None else set()
