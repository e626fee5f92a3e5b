"""What a re-index found, for people, scripts and the next re-index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from imalink.core.conflict import DuplicateFilename, MissingFile, OrphanFile, PathMismatch
from imalink.core.finding import Finding, Severity
from imalink.core.ids import Hothash
from imalink.core.relative_path import RelativePath
from imalink.workflows.import_report import ImportReport


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedFile:
    """A file found at another path; ``session_number`` is that of its session's file in the storage."""

    hothash: Hothash
    old_path: RelativePath
    new_path: RelativePath
    session_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifiedFile:
    """A picture of which something else is told now: ``kind`` says where.

    ``metadata``: in its file (same picture, other bytes). ``content``: it is an edited picture. ``sidecar``: in a
    sidecar that came or changed; its own bytes are the same.
    """

    kind: str
    path: RelativePath
    old_hothash: Hothash
    new_hothash: Hothash


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedFile:
    """A missing file that was taken out of the index."""

    hothash: Hothash
    path: RelativePath


@dataclass(frozen=True, slots=True, kw_only=True)
class RehashedFile:
    """A picture that has another hothash now, with the path of one of its files."""

    path: RelativePath
    old_hothash: Hothash
    new_hothash: Hothash


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceDeleted:
    """A picture in no session that was deleted once, and stands there again."""

    path: RelativePath
    deleted_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFile:
    """An extra copy of a picture, beside the file at ``of``."""

    hothash: Hothash
    path: RelativePath
    of: RelativePath


class CompanionFate(StrEnum):
    """What became of a companion."""

    MOVED = "moved"
    ARRIVED = "arrived"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionFile:
    """A companion of a picture that is not as it was; ``old_path`` of one that moved, or is gone."""

    fate: CompanionFate
    hothash: Hothash
    path: RelativePath | None
    old_path: RelativePath | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReindexReport:
    """What a re-index found.

    ``missing_files``, ``duplicates``, ``same_names``, ``orphans`` and ``once_deleted`` (of the orphans) are what holds
    now, and so do ``path_mismatches``, moves that were only to be reported; the rest is this run's.

    ``lost_copies`` are files that are gone while another of the same picture stands.

    ``changes_detected`` is about this run alone. ``files_hashed`` counts the files whose bodies were read. ``added`` is
    the session that took in the orphans, if that was wanted and there were any.
    """

    strategy: str
    changes_detected: bool = False
    moved_files: tuple[MovedFile, ...] = ()
    missing_files: tuple[MissingFile, ...] = ()
    newly_missing: tuple[MissingFile, ...] = ()
    lost_copies: tuple[RelativePath, ...] = ()
    returned_files: tuple[RelativePath, ...] = ()
    new_files: tuple[RelativePath, ...] = ()
    orphans: tuple[RelativePath, ...] = ()
    once_deleted: tuple[OnceDeleted, ...] = ()
    removed_files: tuple[RemovedFile, ...] = ()
    rehashed_files: tuple[RehashedFile, ...] = ()
    modified_files: tuple[ModifiedFile, ...] = ()
    companion_files: tuple[CompanionFile, ...] = ()
    damaged_files: tuple[RelativePath, ...] = ()
    duplicates: tuple[DuplicateFile, ...] = ()
    same_names: tuple[DuplicateFilename, ...] = ()
    path_mismatches: tuple[PathMismatch, ...] = ()
    files_hashed: int = 0
    files_seen: int = 0
    added: ImportReport | None = None
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    @property
    def has_findings(self) -> bool:
        """Whether something waits for the user: a conflict, or a finding that is more than information."""
        return bool(self.missing_files or self.orphans or self.damaged_files or self.path_mismatches) or any(
            finding.severity is not Severity.INFO for finding in self.findings
        )

    def counts(self) -> dict[str, int]:
        """Count what it found, for who watches it."""
        return {
            "moved": len(self.moved_files),
            "missing": len(self.missing_files),
            "new": len(self.new_files),
            "duplicates": len(self.duplicates),
        }

    def standing(self) -> StandingReport:
        """Give the part that holds until something changes."""
        return StandingReport(
            missing_files=self.missing_files,
            duplicates=self.duplicates,
            same_names=self.same_names,
            orphans=self.orphans,
            once_deleted=self.once_deleted,
            damaged_files=self.damaged_files,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingReport:
    """The conflicts that stand, as kept with a walk's snapshot; ``is_partial``: something found was left undone."""

    missing_files: tuple[MissingFile, ...]
    duplicates: tuple[DuplicateFile, ...]
    same_names: tuple[DuplicateFilename, ...]
    orphans: tuple[RelativePath, ...]
    once_deleted: tuple[OnceDeleted, ...]
    damaged_files: tuple[RelativePath, ...]
    is_partial: bool = False

    def dump(self) -> bytes:
        """Write it for the snapshot; paths as bytes, so that none is lost."""
        return msgspec.msgpack.encode(
            _StandingWire(
                missing_files=[
                    (each.hothash, each.expected_path.as_bytes(), each.last_seen_at) for each in self.missing_files
                ],
                duplicates=[(each.hothash, each.path.as_bytes(), each.of.as_bytes()) for each in self.duplicates],
                same_names=[
                    [(hothash, path.as_bytes()) for hothash, path in each.instances] for each in self.same_names
                ],
                orphans=[path.as_bytes() for path in self.orphans],
                once_deleted=[(each.path.as_bytes(), each.deleted_at) for each in self.once_deleted],
                damaged_files=[path.as_bytes() for path in self.damaged_files],
                is_partial=self.is_partial,
            )
        )

    @classmethod
    def parse(cls, data: bytes) -> StandingReport:
        """Read what ``dump`` wrote."""
        wire = msgspec.msgpack.decode(data, type=_StandingWire)
        return cls(
            missing_files=tuple(
                MissingFile(hothash=Hothash(hothash), expected_path=_path(path), last_seen_at=last_seen_at)
                for hothash, path, last_seen_at in wire.missing_files
            ),
            duplicates=tuple(
                DuplicateFile(hothash=Hothash(hothash), path=_path(path), of=_path(of))
                for hothash, path, of in wire.duplicates
            ),
            same_names=tuple(
                DuplicateFilename(instances=tuple((Hothash(hothash), _path(path)) for hothash, path in instances))
                for instances in wire.same_names
            ),
            orphans=tuple(map(_path, wire.orphans)),
            once_deleted=tuple(
                OnceDeleted(path=_path(path), deleted_at=deleted_at) for path, deleted_at in wire.once_deleted
            ),
            damaged_files=tuple(map(_path, wire.damaged_files)),
            is_partial=wire.is_partial,
        )


class _StandingWire(msgspec.Struct, array_like=True):
    missing_files: list[tuple[str, bytes, str]]
    duplicates: list[tuple[str, bytes, bytes]]
    same_names: list[list[tuple[str, bytes]]]
    orphans: list[bytes]
    once_deleted: list[tuple[bytes, str]]
    damaged_files: list[bytes]
    is_partial: bool


_path = RelativePath.from_bytes


def once_deleted(orphans: Iterable[OrphanFile]) -> tuple[OnceDeleted, ...]:
    """Give those of the orphans that were deleted once."""
    return tuple(
        OnceDeleted(path=orphan.path, deleted_at=orphan.deleted_at)
        for orphan in orphans
        if orphan.deleted_at is not None
    )
