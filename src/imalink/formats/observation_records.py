"""The wire shapes of observations, one for each ``op`` that an item of a journal line may have.

Format page: docs/format/commits-and-journals.md.
"""

from __future__ import annotations

from imalink.formats.file_records import CompanionRecord, DamageRecord, FileRecord
from imalink.formats.operation_records import (
    OrphansRestoredItem,
    PathRecord,
    RestorationItem,
    RestoredItem,
    ShiftRecord,
)
from imalink.formats.photo_records import UserFactsRecord
from imalink.formats.records import Integer, Record


class MovedItem(Record, kw_only=True, tag_field="op", tag="moved"):
    """A file found at another path."""

    hothash: str
    session_uuid: str | None = None
    old_path: str
    old_path_bytes: str | None = None
    new_path: str
    new_path_bytes: str | None = None
    file_modified: str
    verified: str


class SeenItem(Record, kw_only=True, tag_field="op", tag="seen"):
    """A file that stands at its path with these bytes."""

    hothash: str
    session_uuid: str | None = None
    path: str
    path_bytes: str | None = None
    file_size: Integer
    sha256: str
    file_modified: str
    entry: FileRecord | None = None


class MissingItem(Record, kw_only=True, tag_field="op", tag="missing"):
    """A file that is not at its path any more."""

    hothash: str
    session_uuid: str | None = None
    path: str
    path_bytes: str | None = None
    last_seen_at: str


class DamagedItem(Record, kw_only=True, tag_field="op", tag="damaged"):
    """A file that stands at its path and is not what was archived any more."""

    hothash: str
    session_uuid: str | None = None
    path: str
    path_bytes: str | None = None
    sha256: str
    damaged: DamageRecord


class WholeItem(Record, kw_only=True, tag_field="op", tag="whole"):
    """A damaged file that was found to be what was archived again."""

    hothash: str
    session_uuid: str | None = None
    path: str
    path_bytes: str | None = None
    sha256: str


class VerifiedItem(Record, kw_only=True, tag_field="op", tag="verified"):
    """A verification that came to its end."""

    at: str
    depth: str
    checked: Integer
    ok: Integer
    size_bytes: Integer
    session_uuid: str | None = None


class CopiedItem(Record, kw_only=True, tag_field="op", tag="copied"):
    """A further file with a known hothash."""

    hothash: str
    path: str
    path_bytes: str | None = None
    session_uuid: str
    file_size: Integer
    sha256: str
    file_modified: str
    imported_at: str


class EditedItem(Record, kw_only=True, tag_field="op", tag="edited"):
    """A picture that was itself changed."""

    old_hothash: str
    hothash: str
    path: str
    path_bytes: str | None = None
    entry: FileRecord


class CompanionsItem(Record, kw_only=True, tag_field="op", tag="companions"):
    """The companions of an image file, all of them."""

    hothash: str
    path: str
    path_bytes: str | None = None
    companions: list[CompanionRecord]


class SessionItem(Record, kw_only=True, tag_field="op", tag="session-edited"):
    """Another title or description of a session."""

    session_uuid: str
    session_id: Integer
    title: str | None = None
    description: str | None = None


class PhotoItem(Record, kw_only=True, tag_field="op", tag="photo-edited"):
    """What the user said of a photo; each field stands for itself, with its clock."""

    photo_uuid: str
    hothashes: list[str]
    said: UserFactsRecord


class JoinedItem(Record, kw_only=True, tag_field="op", tag="photo-joined"):
    """Files that the user made one photo."""

    photo_uuid: str
    hothashes: list[str]
    joined: list[str]


class SplitItem(Record, kw_only=True, tag_field="op", tag="photo-split"):
    """A file that the user made a photo of its own."""

    hothash: str
    photo_uuid: str


class RehashedItem(Record, kw_only=True, tag_field="op", tag="rehashed"):
    """A picture that has another hothash by a newer method."""

    old_hothash: str
    session_uuid: str | None = None
    hothash: str
    hothash_method: str


class DeletedItem(Record, kw_only=True, tag_field="op", tag="deleted"):
    """A file that is to be known no more."""

    hothash: str
    session_uuid: str | None = None
    path: str
    path_bytes: str | None = None
    deleted_at: str
    by: str
    mode: str
    reason: str = ""


class TrashedItem(Record, kw_only=True, tag_field="op", tag="trashed"):
    """A picture that leaves its session with all its files, and can come back."""

    hothash: str
    session_uuid: str
    session_id: Integer
    operation_uuid: str
    deleted_at: str
    by: str
    mode: str
    reason: str = ""
    shifts: list[ShiftRecord] = []
    are_shifted: bool = False


class UntrashedItem(Record, kw_only=True, tag_field="op", tag="untrashed"):
    """A deleted picture that is known again."""

    hothash: str
    session_uuid: str
    session_id: Integer
    shifts: list[ShiftRecord] = []
    are_shifted: bool = False


class EmptiedItem(Record, kw_only=True, tag_field="op", tag="trash-emptied"):
    """Files of a deleted picture that are gone from the trash."""

    hothash: str
    session_uuid: str
    session_id: Integer
    kept: list[PathRecord]
    mode: str


class LibraryItem(Record, kw_only=True, tag_field="op", tag="library-edited"):
    """What the user said of an author, a collection or a saved search; ``clock`` is counter and writer."""

    kind: str
    key: str
    values: dict[str, str | int | bool | None]
    clock: tuple[Integer, str]


ObservationItem = (
    MovedItem
    | SeenItem
    | MissingItem
    | DamagedItem
    | WholeItem
    | VerifiedItem
    | CopiedItem
    | EditedItem
    | CompanionsItem
    | SessionItem
    | PhotoItem
    | JoinedItem
    | SplitItem
    | DeletedItem
    | RehashedItem
    | TrashedItem
    | UntrashedItem
    | EmptiedItem
    | LibraryItem
    | RestorationItem
)

ITEM_KINDS: dict[
    str,
    type[MovedItem]
    | type[SeenItem]
    | type[MissingItem]
    | type[DamagedItem]
    | type[WholeItem]
    | type[VerifiedItem]
    | type[CopiedItem]
    | type[EditedItem]
    | type[CompanionsItem]
    | type[SessionItem]
    | type[PhotoItem]
    | type[JoinedItem]
    | type[SplitItem]
    | type[DeletedItem]
    | type[RehashedItem]
    | type[TrashedItem]
    | type[UntrashedItem]
    | type[EmptiedItem]
    | type[LibraryItem]
    | type[RestoredItem]
    | type[OrphansRestoredItem],
] = {
    "moved": MovedItem,
    "seen": SeenItem,
    "missing": MissingItem,
    "damaged": DamagedItem,
    "whole": WholeItem,
    "verified": VerifiedItem,
    "copied": CopiedItem,
    "edited": EditedItem,
    "companions": CompanionsItem,
    "session-edited": SessionItem,
    "photo-edited": PhotoItem,
    "photo-joined": JoinedItem,
    "photo-split": SplitItem,
    "deleted": DeletedItem,
    "rehashed": RehashedItem,
    "trashed": TrashedItem,
    "untrashed": UntrashedItem,
    "trash-emptied": EmptiedItem,
    "library-edited": LibraryItem,
    "restored": RestoredItem,
    "orphans-restored": OrphansRestoredItem,
}
"""The record of each ``op``."""
