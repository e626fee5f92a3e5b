"""Deleting over HTTP: what goes, what is in the trash and in quarantine, what comes back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking, Finding, Meta
from imalink.api.schemas.photos import HOTHASH_EXAMPLE, ManySelection
from imalink.api.schemas.storages import UUID_EXAMPLE

_PLAIN = r"^[^\x00-\x1f\x7f]*$"
StorageName = Annotated[str, Field(min_length=1, max_length=64, description="Only there: a storage's UUID or `id`.")]
_CONFIRM = "What is removed for good cannot come back: it takes a `true` here, or `dry_run`."


class Deleting(ManySelection):
    """Which photos to delete, and how."""

    mode: Literal["trash", "soft", "hard"] = Field(
        default="trash",
        examples=["trash"],
        description="`trash`: their files go to the storage's trash; `soft`: they are only marked, their files stay; "
        "`hard`: their files are removed for good, which is for administrators.",
    )
    storage: StorageName | None = None
    reason: str = Field(
        default="",
        max_length=500,
        pattern=_PLAIN,
        description="A note, kept with what is left of them.",
        examples=["blurred"],
    )
    confirm: bool = Field(default=False, description=_CONFIRM + " Asked for by `hard` alone.")
    dry_run: bool = Field(default=False, description="Tell every file that would go; change nothing.")


class KeptFile(BaseModel):
    """A file that was deleted: where it stood, and where in the trash it is; null if it is not there."""

    relative_path: str
    kept: str | None
    file_size: int


class DeletedPicture(BaseModel):
    """A picture that was deleted in one storage, with all its files there."""

    storage_uuid: str
    hothash: str
    photo_uuid: str
    original_filename: str
    files: list[KeptFile]


class LeftPicture(BaseModel):
    """A picture that was not deleted in a storage, and why."""

    storage_uuid: str
    hothash: str
    relative_path: str
    why: str


class LeftStorage(BaseModel):
    """A storage in which nothing could be done now, and why: it stays as it is, and may be asked again."""

    storage_uuid: str
    why: str


class Deletion(BaseModel):
    """What was deleted, or would be. An undo takes `operation_uuid` back, unless files were removed for good."""

    mode: Literal["trash", "soft", "hard"]
    dry_run: bool = Field(description="Also true where there was nothing to delete.")
    operation_uuid: str | None
    picture_count: int
    file_count: int
    size_bytes: int
    deleted: list[DeletedPicture] = Field(description="The first 500 of them.")
    left: list[LeftPicture]
    left_storages: list[LeftStorage]
    findings: list[Finding]
    seconds: float


class TrashFile(BaseModel):
    """A file in the trash: where it stood, and where it is; what is only marked deleted stands where it stood."""

    relative_path: str
    kept: str
    file_size: int
    is_there: bool


class TrashItem(BaseModel):
    """A picture in the trash with its files, or a file of which nothing is known (`unknown`): that is never removed."""

    storage_uuid: str
    kind: Literal["deleted", "marked", "rolled-back", "replaced", "returned", "unknown"]
    operation: str = Field(description="The operation or import that put it there; empty for `unknown`.")
    title: str
    hothash: str | None
    original_filename: str
    deleted_at: str | None
    size_bytes: int
    files: list[TrashFile]


class Trash(BaseModel):
    """What was deleted in the storages in reach, the newest first."""

    items: list[TrashItem]
    left_storages: list[LeftStorage]
    meta: Meta


class Restoring(Asking):
    """What is to come back."""

    names: list[Annotated[str, Field(min_length=4, max_length=4096, pattern=_PLAIN)]] = Field(
        min_length=1,
        max_length=1000,
        description="Hothashes, operations (or 4 first digits of either, or more), or paths as the list has them.",
        examples=[[HOTHASH_EXAMPLE]],
    )
    storage: StorageName | None = None
    dry_run: bool = Field(default=False, description="Tell what would come back, and where; change nothing.")


class RestoredItem(TrashItem):
    """A picture that came back."""

    paths: list[str] = Field(description="Where its files stand now: beside their old places where those were taken.")


class LeftItem(TrashItem):
    """What did not come back, and why."""

    why: str


class Restored(BaseModel):
    """What came back from the trash, or would."""

    dry_run: bool
    operation_uuid: str | None = Field(examples=[UUID_EXAMPLE])
    restored: list[RestoredItem]
    left: list[LeftItem]
    left_storages: list[LeftStorage]
    findings: list[Finding]
    seconds: float


class Emptying(Asking):
    """What is to be removed for good."""

    storage: StorageName | None = None
    older_than_days: int | None = Field(
        default=None, ge=0, le=36_500, description="Only what went there earlier than so many days ago.", examples=[30]
    )
    confirm: bool = Field(default=False, description=_CONFIRM, examples=[True])
    dry_run: bool = Field(default=False, description="Tell what would be removed; change nothing.")


class LeftFile(BaseModel):
    """A file that was not removed, and why."""

    storage_uuid: str
    kept: str
    why: str


class Emptied(BaseModel):
    """What was removed from the trash for good, or would be."""

    dry_run: bool
    operation_uuid: str | None
    removed: list[TrashItem] = Field(description="The first 500 of them.")
    file_count: int
    size_bytes: int
    left: list[LeftFile]
    left_storages: list[LeftStorage]
    seconds: float


class QuarantinedFile(BaseModel):
    """A damaged file that was healed or replaced: where it stood, and where it is kept.

    Of a file of which nothing is known `operation`, `title` and `at` are empty; such are never removed.
    """

    storage_uuid: str
    operation: str
    title: str
    at: str
    relative_path: str
    kept: str
    file_size: int
    stands_again: bool = Field(description="Whether a file stands at its old place.")


class LeftQuarantined(QuarantinedFile):
    """A damaged file that stays in quarantine, and why."""

    why: str


class Quarantine(BaseModel):
    """What is in quarantine in the storages in reach, the newest first."""

    files: list[QuarantinedFile]
    left: list[LeftQuarantined]
    left_storages: list[LeftStorage]


class LetOutFile(QuarantinedFile):
    """A damaged file that came back."""

    path: str = Field(description="Where it stands now; no index knows it until a re-index.")


class LetOut(BaseModel):
    """What came back out of quarantine, or would."""

    dry_run: bool
    files: list[LetOutFile]
    left: list[LeftQuarantined]
    left_storages: list[LeftStorage]


class EmptiedQuarantine(Quarantine):
    """What was removed from quarantine for good, or would be."""

    dry_run: bool
