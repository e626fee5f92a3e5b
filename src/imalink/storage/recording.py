"""Writing down an operation: each line carries what takes it back, found by trying it on the indexes as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from imalink.core.fold import SessionFold
from imalink.core.index import MasterIndex
from imalink.core.inverse import Inverse, Trial
from imalink.core.journal import Observation
from imalink.core.operation import Operation, OperationPart, OrphansRestored
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.formats.journal_file import TARGET_LINE_BYTES, spelled_bytes
from imalink.formats.json_lines import MAX_LINE_BYTES
from imalink.formats.operation_records import SpelledDigests
from imalink.storage.concerned import find_concerned
from imalink.storage.indexes import IndexFiles
from imalink.storage.journal import UnwrittenLine

_HEAD_BYTES = 2048
"""Room for what a line says besides observations and inverse."""
_ORPHANS_A_LINE = 40


def record_lines(
    indexes: IndexFiles,
    master: MasterIndex,
    operation: Operation,
    observations: Sequence[Observation],
    *,
    takes_back: OrphansRestored | None = None,
    is_final: bool = False,
) -> Iterator[UnwrittenLine]:
    """Cut an operation's observations into lines that each carry their inverse, in the order of the observations.

    ``takes_back`` is what takes back what the operation did to the list of orphans without any observation. The
    indexes must be up to date. Lines of a session whose index cannot be read have no inverse: they cannot be undone.
    Nor have those of what ``is_final``.
    """
    numbers = set(find_concerned(observations, master))
    trial = None if is_final else _begin_trial(indexes, master, numbers)
    lines = _lines_of(operation, observations, trial)
    has_any = False
    for line in lines:
        # What changes nothing needs no undoing: an operation of such lines alone is none.
        is_idle = line.part is not None and line.part.inverse == ()
        has_any = has_any or not is_idle
        yield UnwrittenLine(observations=line.observations) if is_idle else line
    for orphans in _cut(takes_back):
        has_any = True
        yield UnwrittenLine(observations=(), part=OperationPart(operation=operation, inverse=(orphans,)))
    if not has_any and operation.run_uuid is not None:
        yield UnwrittenLine(observations=(), part=OperationPart(operation=operation, inverse=()))


def _begin_trial(indexes: IndexFiles, master: MasterIndex, numbers: Collection[int]) -> Trial | None:
    try:
        folds = {number: SessionFold(indexes.load_session(number).index) for number in sorted(numbers)}
    except (IndexDamagedError, NotFoundError):
        return None
    return Trial(folds, orphans=master.orphans, digests=SpelledDigests())


def _lines_of(
    operation: Operation, observations: Iterable[Observation], trial: Trial | None
) -> Iterator[UnwrittenLine]:
    batch: list[Observation] = []
    inverse = Inverse()
    size = _HEAD_BYTES
    for observation in observations:
        back = trial.apply(observation) if trial is not None else ()
        length = spelled_bytes(observation) + sum(map(spelled_bytes, back))
        if batch and size + length > TARGET_LINE_BYTES:
            yield _line(operation, batch, inverse if trial is not None else None)
            batch, inverse, size = [], Inverse(), _HEAD_BYTES
        batch.append(observation)
        size += length
        if size <= MAX_LINE_BYTES:
            inverse.go_on_with(back)
        else:  # one observation that fills a line by itself, and what takes it back does not fit
            yield _line(operation, batch, None)
            batch, inverse, size = [], Inverse(), _HEAD_BYTES
    if batch:
        yield _line(operation, batch, inverse if trial is not None else None)


def _line(operation: Operation, observations: Sequence[Observation], inverse: Inverse | None) -> UnwrittenLine:
    back = None if inverse is None else inverse.result()
    return UnwrittenLine(observations=observations, part=OperationPart(operation=operation, inverse=back))


def _cut(orphans: OrphansRestored | None) -> Iterator[OrphansRestored]:
    """Cut what takes back a change of the list of orphans into pieces that fit in a line each."""
    if orphans is None:
        return
    for at in range(0, len(orphans.gone), _ORPHANS_A_LINE):
        yield OrphansRestored(gone=orphans.gone[at : at + _ORPHANS_A_LINE])
    for at in range(0, len(orphans.back), _ORPHANS_A_LINE):
        yield OrphansRestored(back=orphans.back[at : at + _ORPHANS_A_LINE])
