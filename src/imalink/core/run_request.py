"""What a run was asked for, and which source files its plans came from: enough to go on after an interruption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from imalink.core.duplicate import DuplicatePolicy, Fate
from imalink.core.finding import Finding
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile

MAX_EXCLUDE_CHARACTERS = 16_000
"""Of all patterns together: what was asked for is written down in one line of a run file."""


class RunKind(StrEnum):
    """How a run brings pictures in."""

    IMPORT = "import"
    """They are copied into the storage."""
    REFER = "refer"
    """They stay where they are, in a folder that is only read."""
    ADOPT = "adopt"
    """They stand in the storage already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a run was asked for. ``source`` is an absolute path, on the file system with the UUID ``volume`` if known.

    ``below`` is the folder that was looked at in a storage whose pictures stay where they are, None for all of it.
    ``picture_count`` and ``size_bytes`` are what the source held when the run began: pictures, and bytes with their
    companions.
    """

    kind: RunKind
    source: str
    volume: str | None = None
    below: RelativePath | None = None
    organization: str = ""
    duplicates: DuplicatePolicy = DuplicatePolicy.SKIP
    exclude: tuple[str, ...] = ()
    includes_deleted: bool = False
    author: str | None = None
    picture_count: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginFile:
    """A source file as it was when it was read."""

    relative_path: RelativePath
    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, file: ScannedFile) -> OriginFile:
        """Give what of a walked file tells it from another one later."""
        return cls(relative_path=file.relative_path, size_bytes=file.size_bytes, modified_ns=file.modified_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOrigin:
    """Where a planned picture came from, and what its import would have told of it at its end.

    ``files`` are the picture's source file, first, and those of the companions planned with it. ``opens_photo``: it is
    of a photo that was not known before.
    """

    files: tuple[OriginFile, ...]
    fate: Fate = Fate.NEW
    opens_photo: bool = False
    findings: tuple[Finding, ...] = ()


def is_as_it_was(file: ScannedFile, known: Mapping[RelativePath, OriginFile]) -> bool:
    """Tell whether a source file is, by path, size and time, one of those that came in already."""
    return known.get(file.relative_path) == OriginFile.of(file)


def all_as_they_were(files: Sequence[ScannedFile], known: Mapping[RelativePath, OriginFile]) -> bool:
    """Tell whether ``is_as_it_was`` holds for each of some files."""
    return all(is_as_it_was(file, known) for file in files)
