"""Which pictures belong to no session after a re-index, and which of them are new."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from imalink.core.comparison import Comparison
from imalink.core.conflict import OrphanFile
from imalink.core.ids import Hothash
from imalink.core.reconcile import Reconciliation
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledOrphans:
    """The orphans there are now, sorted by path, and those of them that are ``new``, as they were found."""

    orphans: tuple[OrphanFile, ...] = ()
    new: tuple[RelativePath, ...] = ()
    are_changed: bool = False


def settle_orphans(
    before: Sequence[OrphanFile],
    comparison: Comparison,
    outcome: Reconciliation,
    *,
    moved_to: Collection[RelativePath],
    seen: Mapping[RelativePath, ScannedFile],
    deletions: Mapping[Hothash, str],
    now: str,
) -> SettledOrphans:
    """Decide which stand as they stood, which are others' now, and which arrived.

    ``moved_to`` are places that indexed pictures moved to, acted on or not; ``deletions`` tells when pictures that
    arrived were deleted.
    """
    known = {orphan.path: orphan for orphan in before}
    standing = known.keys() & (comparison.unchanged.keys() | comparison.unreachable.keys())
    standing -= outcome.orphans.keys()
    standing -= {copy.path for copy in outcome.copies}
    standing -= set(moved_to)
    orphans = [known[path] for path in standing]
    new: list[RelativePath] = []
    left = {
        orphan.fingerprint.hothash: orphan
        for orphan in known.values()
        if orphan.fingerprint is not None
        and orphan.path not in standing
        # One that was looked at anew and found as it was has not left its place: a copy of it is a new file.
        and outcome.orphans.get(orphan.path) != orphan.fingerprint
    }
    arrived = {fingerprint.hothash for fingerprint in outcome.orphans.values() if fingerprint is not None}
    edited = {orphan.path: orphan for hothash, orphan in left.items() if hothash not in arrived}
    for path, fingerprint in outcome.orphans.items():
        file = seen[path]
        earlier = known.get(path)
        if earlier is None or (earlier.fingerprint not in (None, fingerprint)):
            earlier = left.get(fingerprint.hothash) if fingerprint is not None else None
            earlier = earlier or edited.get(path)
        orphans.append(
            OrphanFile(
                path=path,
                size_bytes=file.size_bytes,
                modified_ns=file.modified_ns,
                detected_at=earlier.detected_at if earlier is not None else now,
                fingerprint=fingerprint,
                deleted_at=deletions.get(fingerprint.hothash) if fingerprint is not None else None,
            )
        )
        if earlier is None:
            new.append(path)
    settled = tuple(sorted(orphans, key=lambda orphan: orphan.path))
    return SettledOrphans(
        orphans=settled,
        new=tuple(new),
        are_changed=settled != tuple(sorted(known.values(), key=lambda orphan: orphan.path)),
    )
