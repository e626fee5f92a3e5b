"""What indexes and catalog say, without the times and generations of whoever wrote it down."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imalink.core.conflict import OrphanFile
from imalink.core.ids import Hothash
from imalink.core.index import MasterEntry, MasterIndex, SessionIndex, Sources
from imalink.core.session import SessionStatus
from tests.support.scenes import Scene


@dataclass(frozen=True)
class State:
    """All that is known of one storage; sessions that were rolled back and are empty are left out."""

    sessions: dict[int, SessionIndex]
    master: dict[Hothash, MasterEntry]
    orphans: tuple[OrphanFile, ...]
    catalog: list[str]


def state_of(scene: Scene) -> State:
    """Read everything anew."""
    with scene.bench.open(scene.record) as storage:
        numbers = storage.indexes.list_sessions()
        sessions = {number: storage.indexes.load_session(number).index for number in numbers}
        master = storage.indexes.load_master().index
    gone = [index for index in sessions.values() if index.session.status is SessionStatus.ROLLED_BACK]
    assert not any(index.files or index.photos for index in gone)
    uuids = {index.session.session_uuid for index in gone}
    return State(
        sessions={number: _bare(index) for number, index in sessions.items() if index not in gone},
        master=_bare_entries(master),
        orphans=master.orphans,
        catalog=[line for line in scene.bench.dump() if not any(uuid in line for uuid in uuids)],
    )


def _bare(index: SessionIndex) -> SessionIndex:
    return replace(index, generated_at="", generation=0, sources=Sources())


def _bare_entries(master: MasterIndex) -> dict[Hothash, MasterEntry]:
    return {hothash: entry._replace(indexed_at="") for hothash, entry in master.files.items()}
