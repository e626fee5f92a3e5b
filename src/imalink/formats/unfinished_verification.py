"""How far a verification came that was stopped, kept in the catalog: this machine's note, never a truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from imalink.core.damage import Verdict
from imalink.core.relative_path import RelativePath
from imalink.errors import InvalidPathError

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedVerification:
    """What was asked for, what was counted, and the last file that was looked at, in the order of paths.

    ``asked`` is the caller's own spelling of the request. ``chosen`` are the files of a sample, None for all.
    ``judged`` are the files that are not as they were archived, each with what was seen.
    """

    asked: str
    started_at: str
    after: RelativePath
    chosen: tuple[RelativePath, ...] | None
    checked: int
    bytes_read: int
    seconds: float
    verdicts: Mapping[Verdict, int]
    judged: Mapping[RelativePath, tuple[Verdict, str]] = field(default_factory=dict[RelativePath, tuple[Verdict, str]])


class _Wire(msgspec.Struct, array_like=True):
    version: int
    asked: str
    started_at: str
    after: bytes
    chosen: list[bytes] | None
    checked: int
    bytes_read: int
    seconds: float
    verdicts: dict[str, int]
    judged: dict[bytes, tuple[str, str]]


def dump_unfinished(unfinished: UnfinishedVerification) -> bytes:
    """Write it; paths as bytes, so that none is lost."""
    chosen = unfinished.chosen
    return msgspec.msgpack.encode(
        _Wire(
            version=VERSION,
            asked=unfinished.asked,
            started_at=unfinished.started_at,
            after=unfinished.after.as_bytes(),
            chosen=None if chosen is None else [path.as_bytes() for path in chosen],
            checked=unfinished.checked,
            bytes_read=unfinished.bytes_read,
            seconds=unfinished.seconds,
            verdicts={verdict.value: count for verdict, count in unfinished.verdicts.items()},
            judged={path.as_bytes(): (verdict.value, why) for path, (verdict, why) in unfinished.judged.items()},
        )
    )


def parse_unfinished(data: bytes) -> UnfinishedVerification | None:
    """Read it; None when it is of another version or unreadable: then the verification begins anew."""
    try:
        wire = msgspec.msgpack.decode(data, type=_Wire)
        if wire.version != VERSION:
            return None
        return UnfinishedVerification(
            asked=wire.asked,
            started_at=wire.started_at,
            after=RelativePath.from_bytes(wire.after),
            chosen=None if wire.chosen is None else tuple(map(RelativePath.from_bytes, wire.chosen)),
            checked=wire.checked,
            bytes_read=wire.bytes_read,
            seconds=wire.seconds,
            verdicts={Verdict(verdict): count for verdict, count in wire.verdicts.items()},
            judged={
                RelativePath.from_bytes(path): (Verdict(verdict), why) for path, (verdict, why) in wire.judged.items()
            },
        )
    except (msgspec.DecodeError, ValueError, InvalidPathError):
        return None
