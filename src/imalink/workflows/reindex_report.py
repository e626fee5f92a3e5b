"""What a re-index found, for people, scripts and the next re-index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from imalink.core.conflict import MissingFile, OrphanFile
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReindexReport:
    """What a re-index found. ``missing_files``, ``duplicates``, ``orphans`` and ``once_deleted`` (of the orphans) are
    what holds now, the rest this run.

    ``changes_detected`` is about this run alone. ``files_hashed`` counts the files whose bodies were read. ``added`` is
    the session that took in the orphans, if that was wanted and there were any.
    """

    strategy: str
    changes_detected: bool = False
    moved_files: tuple[MovedFile, ...] = ()
    missing_files: tuple[MissingFile, ...] = ()
    newly_missing: tuple[MissingFile, ...] = ()
    returned_files: tuple[RelativePath, ...] = ()
    new_files: tuple[RelativePath, ...] = ()
    orphans: tuple[RelativePath, ...] = ()
    once_deleted: tuple[OnceDeleted, ...] = ()
    removed_files: tuple[RemovedFile, ...] = ()
    modified_files: tuple[ModifiedFile, ...] = ()
    damaged_files: tuple[RelativePath, ...] = ()
    duplicates: tuple[DuplicateFile, ...] = ()
    files_hashed: int = 0
    files_seen: int = 0
    added: ImportReport | None = None
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    @property
    def has_findings(self) -> bool:
        """Whether something waits for the user: a conflict, or a finding that is more than information."""
        return bool(self.missing_files or self.orphans or self.damaged_files) or any(
            finding.severity is not Severity.INFO for finding in self.findings
        )

    def standing(self) -> StandingReport:
        """Give the part that holds until something changes."""
        return StandingReport(
            missing_files=self.missing_files,
            duplicates=self.duplicates,
            orphans=self.orphans,
            once_deleted=self.once_deleted,
            damaged_files=self.damaged_files,
        )


_StandingWire = tuple[
    list[tuple[str, bytes, str]], list[tuple[str, bytes, bytes]], list[bytes], list[tuple[bytes, str]], list[bytes]
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingReport:
    """The conflicts that stand, as kept with a walk's snapshot."""

    missing_files: tuple[MissingFile, ...]
    duplicates: tuple[DuplicateFile, ...]
    orphans: tuple[RelativePath, ...]
    once_deleted: tuple[OnceDeleted, ...]
    damaged_files: tuple[RelativePath, ...]

    def dump(self) -> bytes:
        """Write it for the snapshot; paths as bytes, so that none is lost."""
        return msgspec.msgpack.encode(
            (
                [(each.hothash, each.expected_path.as_bytes(), each.last_seen_at) for each in self.missing_files],
                [(each.hothash, each.path.as_bytes(), each.of.as_bytes()) for each in self.duplicates],
                [path.as_bytes() for path in self.orphans],
                [(each.path.as_bytes(), each.deleted_at) for each in self.once_deleted],
                [path.as_bytes() for path in self.damaged_files],
            )
        )

    @classmethod
    def parse(cls, data: bytes) -> StandingReport:
        """Read what ``dump`` wrote."""
        missing, duplicates, orphans, once_deleted, damaged = msgspec.msgpack.decode(data, type=_StandingWire)
        return cls(
            missing_files=tuple(
                MissingFile(
                    hothash=Hothash(hothash), expected_path=RelativePath.from_bytes(path), last_seen_at=last_seen_at
                )
                for hothash, path, last_seen_at in missing
            ),
            duplicates=tuple(
                DuplicateFile(
                    hothash=Hothash(hothash), path=RelativePath.from_bytes(path), of=RelativePath.from_bytes(of)
                )
                for hothash, path, of in duplicates
            ),
            orphans=tuple(RelativePath.from_bytes(path) for path in orphans),
            once_deleted=tuple(
                OnceDeleted(path=RelativePath.from_bytes(path), deleted_at=deleted_at)
                for path, deleted_at in once_deleted
            ),
            damaged_files=tuple(RelativePath.from_bytes(path) for path in damaged),
        )


def once_deleted(orphans: Iterable[OrphanFile]) -> tuple[OnceDeleted, ...]:
    """Give those of the orphans that were deleted once."""
    return tuple(
        OnceDeleted(path=orphan.path, deleted_at=orphan.deleted_at)
        for orphan in orphans
        if orphan.deleted_at is not None
    )
