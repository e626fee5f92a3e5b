"""Photos: what the user sees, held by one or more image files, and what the user said of them in ImaLink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imalink.core.ids import Hothash, PhotoUuid, WriterId
from imalink.core.picture import GpsPosition
from imalink.core.session import Author
from imalink.core.timestamps import CaptureTime


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldClock:
    """Who set a user fact last: the higher (counter, writer) wins, never wall time."""

    counter: int
    writer: WriterId


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFacts:
    """What the user said of a photo in ImaLink, each field on its own.

    None means that nothing is said and the primary file's own fact holds. ``tags`` stand in the place of the file's
    keywords; ``tag_changes`` add single tags to these or those (True) or take them away (False). ``capture_time`` and
    ``gps`` are corrections; ``custom`` are fields of the user's own.

    ``clocks`` says who set each field last: by the field's name, single tags as ``tags.<tag>`` and custom fields as
    ``custom.<key>``. A field with a clock and without a value was taken back.
    """

    title: str | None = None
    caption: str | None = None
    rating: int | None = None
    label: str | None = None
    rejected: bool | None = None
    tags: tuple[str, ...] | None = None
    tag_changes: Mapping[str, bool] = field(default_factory=dict[str, bool])
    author: Author | None = None
    capture_time: CaptureTime | None = None
    gps: GpsPosition | None = None
    custom: Mapping[str, str] = field(default_factory=dict[str, str])
    clocks: Mapping[str, FieldClock] = field(default_factory=dict[str, FieldClock])


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo(UserFacts):
    """One photo as a session keeps it: its files, and what the user said of it.

    ``clocks`` has ``primary`` too where the user chose it.
    """

    photo_uuid: PhotoUuid
    files: tuple[Hothash, ...]
    primary: Hothash
