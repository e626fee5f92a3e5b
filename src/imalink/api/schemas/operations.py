"""Operations over HTTP: what was done to many things at once, and taking it back."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking, Finding, Paged
from imalink.api.schemas.photos import EditedPhoto, Waiting
from imalink.api.schemas.storages import UUID_EXAMPLE


class OperationStorage(BaseModel):
    """A storage that an operation touched."""

    storage_uuid: str
    display_name: str


class FieldChange(BaseModel):
    """What was said of one field before and after; null for nothing."""

    field: str
    before: str | None
    after: str | None


class OperationEdit(BaseModel):
    """What an edit changed of one photo."""

    photo_uuid: str
    changes: list[FieldChange]


class ItemChange(BaseModel):
    """What an edit changed of an author, a collection or a saved search; `key` is what the item is called everywhere.

    `photo_count` is of how many photos it changed where in the collection they stand.
    """

    kind: str = Field(examples=["collection"])
    key: str = Field(examples=[UUID_EXAMPLE])
    changes: list[FieldChange]
    photo_count: int


class Operation(BaseModel):
    """What was done, and how it stands; imports are listed too, and taken back as sessions."""

    operation_uuid: str = Field(examples=[UUID_EXAMPLE])
    kind: str = Field(examples=["edit"])
    title: str = Field(examples=["Photos: 12 edited"])
    recorded_at: str
    storages: list[OperationStorage]
    counts: dict[str, int]
    state: Literal["done", "undone", "partly-undone", "not-undoable"]
    undoes: str | None
    undone_by: str | None
    session_id: int | None
    edits: list[OperationEdit] = Field(description="Only where one operation is asked for.")
    item: ItemChange | None = Field(description="Only where one operation is asked for.")


class Operations(Paged):
    """Operations, the newest first."""

    operations: list[Operation]


class FoundOperation(BaseModel):
    """One operation."""

    operation: Operation


class Undoing(Asking):
    """How to undo."""

    dry_run: bool = Field(default=False, description="Say what would be known again; write nothing.", examples=[True])


class RestoredFile(BaseModel):
    """A picture of which something else is known after an undo; null where nothing is."""

    storage_uuid: str
    hothash: str
    path_now: str | None
    path_then: str | None


class MovedPath(BaseModel):
    """A file that goes back to where it was."""

    old_path: str
    new_path: str


class Undone(BaseModel):
    """What was undone, or would be. `undo_uuid` is the operation that did it; undoing that does it again."""

    dry_run: bool
    undone: str
    kind: str
    title: str
    undo_uuid: str | None
    storages: list[str]
    files: list[RestoredFile]
    photos: list[EditedPhoto]
    moved_files: list[MovedPath]
    item: ItemChange | None
    waiting: list[Waiting]
    findings: list[Finding]
    seconds: float
