"""Decisions of a verification: what a file that is not as it was archived has become, and which files are due."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from imalink.core.comparison import FileRole, KnownFile
from imalink.core.damage import Verdict
from imalink.core.ids import Sha256
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBytes:
    """What was read where an archived file should stand, and when the file system says that it was written.

    ``decodes`` tells whether the picture can be shown; of what is no picture it tells nothing.
    """

    fingerprint: Fingerprint
    modified_ns: int
    decodes: bool


def verdict_of(known: KnownFile, found: FoundBytes, *, sums: Collection[Sha256]) -> Verdict:
    """Say what became of a known file by the bytes that stand in its place; ``sums`` are those of all known files.

    Who writes a file moves its time. So other bytes under the old time are none that anybody wrote, be the picture the
    same or not; and what another archived file held before is that file, moved here by hand.
    """
    fingerprint = found.fingerprint
    if fingerprint.sha256 == known.sha256:
        return Verdict.OK
    is_written = found.modified_ns != known.modified_ns
    if is_written and fingerprint.size_bytes > 0 and fingerprint.sha256 in sums:
        return Verdict.MISPLACED
    if known.role is FileRole.COMPANION:
        is_text = fingerprint.size_bytes > 0
        return Verdict.EDITED if is_written and is_text else _spoilt(is_broken=not is_text)
    if fingerprint.hothash == known.hothash and (is_written or fingerprint.size_bytes != known.size_bytes):
        return Verdict.METADATA_EDITED
    is_broken = fingerprint.size_bytes == 0 or known.is_broken_by(fingerprint) or not found.decodes
    return Verdict.EDITED if is_written and not is_broken else _spoilt(is_broken=is_broken)


def _spoilt(*, is_broken: bool) -> Verdict:
    return Verdict.DAMAGED if is_broken else Verdict.SUSPECTED_BIT_ROT


def choose_due(
    files: Sequence[KnownFile], verified_at: Mapping[RelativePath, str], *, percent: float
) -> list[KnownFile]:
    """Choose the share of files that were verified longest ago, those never verified first; at least one, by path.

    A run a day with one percent so comes to every file in a hundred days. Among files of one time the checksum
    decides, which spreads them over the disk.
    """
    count = min(len(files), max(1, math.ceil(len(files) * percent / 100)))
    due = sorted(files, key=lambda file: (verified_at.get(file.path, ""), file.sha256 or "", file.path))[:count]
    return sorted(due, key=lambda file: file.path)
