"""Photos: what the user sees, held by one or more image files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imalink.core.ids import Hothash, PhotoUuid, WriterId
from imalink.core.session import Author


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldClock:
    """Who set a user fact last: the higher (counter, writer) wins, never wall time."""

    counter: int
    writer: WriterId


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One photo as a session keeps it: its files, and what the user said of it in ImaLink.

    A user fact of None means that the user said nothing and the primary file's own fact holds.
    ``clocks`` says per field who set it.
    """

    photo_uuid: PhotoUuid
    files: tuple[Hothash, ...]
    primary: Hothash
    title: str | None = None
    caption: str | None = None
    rating: int | None = None
    label: str | None = None
    rejected: bool | None = None
    tags: tuple[str, ...] | None = None
    author: Author | None = None
    clocks: Mapping[str, FieldClock] = field(default_factory=dict[str, FieldClock])
