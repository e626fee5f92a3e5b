"""What becomes of a source file whose picture is archived already or was deleted: the words, the rule, the question."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class DuplicatePolicy(StrEnum):
    """What the user wants done with pictures that are archived already."""

    SKIP = "skip"
    KEEP_BOTH = "keep-both"
    ASK = "ask"


class DuplicateChoice(StrEnum):
    """What is done with one of them."""

    SKIP = "skip"
    """Leave it at the source."""
    KEEP_BOTH = "keep-both"
    """Take it in as a further file of the photo."""


class Fate(StrEnum):
    """What becomes of one source file."""

    NEW = "new"
    """It comes in; should its picture be known, as a further version of that photo."""
    SKIP = "skip"
    """It is archived already and stays at the source."""
    KEEP_BOTH = "keep-both"
    """It is archived already and comes in as a further file, because the user said so."""
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

    ``is_same_bytes`` tells byte-identical files from those that differ in metadata alone.
    """

    source: DuplicateSide
    known: DuplicateSide
    storage: str
    is_same_bytes: bool


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
        case DuplicatePolicy.ASK:
            return None


def fate_of(choice: DuplicateChoice | None) -> Fate:
    """Give what becomes of a known picture's file by what was chosen; None: nobody could choose."""
    return Fate.UNDECIDED if choice is None else Fate(choice.value)
