"""The files that observations move: which they are, what takes them back, and what they come to together."""

from __future__ import annotations

from collections.abc import Iterable

from imalink.core.journal import FileTrashed, FileUntrashed, Observation
from imalink.core.operation import FileShift, SessionRestored
from imalink.core.relative_path import RelativePath


def shifts_of(observation: Observation) -> tuple[FileShift, ...]:
    """Give the files that have to move because of an observation, in this order."""
    match observation:
        case FileTrashed() | FileUntrashed():
            return () if observation.are_shifted else observation.shifts
        case SessionRestored():
            return observation.shifts
        case _:
            return ()


def reversed_shifts(shifts: Iterable[FileShift]) -> tuple[FileShift, ...]:
    """Give what takes them back, the last one first."""
    back = [
        FileShift(hothash=shift.hothash, source=shift.target, target=shift.source, sha256=shift.sha256)
        for shift in shifts
    ]
    return tuple(reversed(back))


def net_shifts(shifts: Iterable[FileShift]) -> tuple[FileShift, ...]:
    """Give what several shifts, one after another, come to: each file from where it first was to where it is last."""
    at: dict[RelativePath, FileShift] = {}
    for shift in shifts:
        first = at.pop(shift.source, shift)
        at[shift.target] = FileShift(
            hothash=shift.hothash, source=first.source, target=shift.target, sha256=shift.sha256
        )
    return tuple(shift for shift in at.values() if shift.source != shift.target)
