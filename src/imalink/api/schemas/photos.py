"""Photos over HTTP: what is told of one and of many."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.storages import UUID_EXAMPLE, UUID_PATTERN

HOTHASH_PATTERN = "^[0-9a-f]{64}$"
HOTHASH_EXAMPLE = "a1b2c3d4" * 8
FileStatus = Literal["present", "offline", "missing"]


class ListedPhoto(BaseModel):
    """A photo as a list shows it; `hothash` is that of its primary file, texts are null where nothing is known."""

    id: int = Field(description="Its number in this catalog; a recovery may give it another.", examples=[1])
    photo_uuid: str = Field(pattern=UUID_PATTERN, examples=[UUID_EXAMPLE])
    hothash: str = Field(pattern=HOTHASH_PATTERN, examples=[HOTHASH_EXAMPLE])
    title: str | None
    caption: str | None
    author: str | None
    tags: list[str]
    rating: int | None = Field(description="0 to 5.")
    label: str | None
    rejected: bool
    taken_at: str | None = Field(description="In UTC, for order.", examples=["2024-07-10T12:30:00Z"])
    taken_at_local: str | None = Field(description="As the camera said it.", examples=["2024-07-10T14:30:00"])
    taken_at_offset: str | None = Field(examples=["+02:00"])
    taken_at_source: str | None = Field(description="`mtime`: nothing but the file's own time is known.")
    camera_make: str | None
    camera_model: str | None
    width: int | None = Field(description="Pixels as shown.")
    height: int | None
    file_format: str = Field(examples=["JPEG"])
    original_filename: str = Field(examples=["IMG_0001.jpg"])
    hotpreview_rendition: str | None = Field(description="How its small preview was made; with it, it never changes.")
    has_gps: bool
    has_raw: bool
    file_status: FileStatus = Field(description="Whether a file of it can be opened, by the indexes.")


class PhotoCount(BaseModel):
    """How many photos fit: so many, or where `is_exact` is false at least so many."""

    count: int
    is_exact: bool


class PhotoList(BaseModel):
    """A page of photos: the latest taken first, the undated last."""

    photos: list[ListedPhoto]
    next: str | None = Field(description="The `after` of the following page; null on the last.")
    previous: str | None = Field(description="The `before` of the page in front; null on the first.")
    count: PhotoCount | None = Field(description="Only where `count` was asked for.")


class CameraModel(BaseModel):
    """A camera that took photos."""

    make: str | None
    model: str | None


class Cameras(BaseModel):
    """Every camera that took a photo, by make and model."""

    cameras: list[CameraModel]


class Lenses(BaseModel):
    """Every lens with which a photo was taken."""

    lenses: list[str]
