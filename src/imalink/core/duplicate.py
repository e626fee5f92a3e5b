"""What becomes of a source file whose picture is archived already or was deleted: the words, the rule, the question."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from imalink.core.ids import FILE_METHOD
from imalink.core.picture import Fingerprint


class DuplicatePolicy(StrEnum):
    """What the user wants done with pictures that are archived already."""

    SKIP = "skip"
    KEEP_BOTH = "keep-both"
    REPLACE = "replace"
    ASK = "ask"


class DuplicateChoice(StrEnum):
    """What is done with one of them."""

    SKIP = "skip"
    """Leave it at the source."""
    KEEP_BOTH = "keep-both"
    """Take it in as a further file of the photo."""
    REPLACE = "replace"
    """Put it in the archived file's place, which is kept aside; never where that has the very bytes."""


class Fate(StrEnum):
    """What becomes of one source file."""

    NEW = "new"
    """It comes in; should its picture be known, as a further version of that photo."""
    SKIP = "skip"
    """It is archived already and stays at the source."""
    KEEP_BOTH = "keep-both"
    """It is archived already and comes in as a further file, because the user said so."""
    REPLACE = "replace"
    """It takes the place of the archived file."""
    UNDECIDED = "undecided"
    """It is archived already, and nobody could be asked; it stays at the source."""
    DELETED = "deleted"
    """The user deleted its picture before; it stays at the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateSide:
    """One side of a question: a file's name for people, its size, and when it changed (None: not known)."""

    name: str
    size_bytes: int | None
    modified_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateQuestion:
    """A source file, and the archived one that holds the same picture, in a storage of that name.

    ``is_same_bytes`` tells byte-identical files from those that differ. ``can_replace`` says that the source file can
    take the place of the archived one, which is in the storage of the import.
    """

    source: DuplicateSide
    known: DuplicateSide
    storage: str
    is_same_bytes: bool
    can_replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateAnswer:
    """What the user chose; with ``is_for_all`` for every further question of this import too."""

    choice: DuplicateChoice
    is_for_all: bool = False


class DuplicateAsker(Protocol):
    """Puts a question to whoever started the import."""

    def ask(self, question: DuplicateQuestion) -> DuplicateAnswer:
        """Give the answer, however long it takes. Raises CancelledError when the user stops the import instead."""
        ...


def choice_of(policy: DuplicatePolicy, *, is_same_bytes: bool) -> DuplicateChoice | None:
    """Give what a policy says of a picture that is archived already; None: the user must say.

    The same picture with other metadata is never skipped unasked: what the other program wrote into it would be lost.
    """
    match policy:
        case DuplicatePolicy.SKIP:
            return DuplicateChoice.SKIP if is_same_bytes else DuplicateChoice.KEEP_BOTH
        case DuplicatePolicy.KEEP_BOTH:
            return DuplicateChoice.KEEP_BOTH
        case DuplicatePolicy.REPLACE:
            return DuplicateChoice.SKIP if is_same_bytes else DuplicateChoice.REPLACE
        case DuplicatePolicy.ASK:
            return None


def fate_of(choice: DuplicateChoice | None, *, is_same_bytes: bool, can_replace: bool = False) -> Fate:
    """Give what becomes of a known picture's file by what was chosen; None: nobody could choose.

    Where there is nothing to replace, the very bytes are archived, or the archived file is in another storage.
    """
    if choice is None:
        return Fate.UNDECIDED
    if choice is DuplicateChoice.REPLACE and not can_replace:
        return Fate.SKIP if is_same_bytes else Fate.NEW
    return Fate(choice.value)


class Standing(StrEnum):
    """What stands at the place of an archived file, seen beside a source file of the same picture.

    In the order in which places are preferred for being replaced.
    """

    SAME_PICTURE = "same-picture"
    """The picture with other metadata."""
    DAMAGED = "damaged"
    """What is left of it: it decodes no more, is empty, or changed though its time did not."""
    VACANT = "vacant"
    """Nothing."""
    WANTED = "wanted"
    """The very bytes: there is nothing to replace."""
    OTHER = "other"
    """Another picture, which the user made of it or put there; never replaced."""


def standing_of(
    wanted: Fingerprint, found: Fingerprint | None, *, known_modified_ns: int, found_modified_ns: int
) -> Standing:
    """Say what ``found`` is, which stands (None: nothing) where the index has the picture with that time."""
    if found is None:
        return Standing.VACANT
    if found.sha256 == wanted.sha256:
        return Standing.WANTED
    if found.hothash == wanted.hothash:
        return Standing.SAME_PICTURE
    is_broken = found.method == FILE_METHOD != wanted.method
    if is_broken or found.size_bytes == 0 or found_modified_ns == known_modified_ns:
        return Standing.DAMAGED
    return Standing.OTHER
