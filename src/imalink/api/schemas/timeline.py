"""The timeline over HTTP: all photos that fit in their order, by days and by columns."""

from __future__ import annotations

from pydantic import BaseModel, Field

from imalink.api.parameters import MAX_PAGE
from imalink.api.schemas.photo_filters import PhotoFilters
from imalink.api.schemas.photos import HOTHASH_PATTERN, FileStatus

REV_PATTERN = "^[0-9a-f]{16}$"
REV_EXAMPLE = "5f3a9c0d1e2b4a67"
DAY_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class TimelineRange(PhotoFilters):
    """Which photos, and which part of their order."""

    rev: str = Field(pattern=REV_PATTERN, description="Of the layout that was seen.", examples=[REV_EXAMPLE])
    offset: int = Field(default=0, ge=0, le=2**31 - 1, description="Where the part begins.", examples=[0])
    limit: int = Field(default=100, ge=1, le=MAX_PAGE, description="How many to give at most.", examples=[100])


class TimelinePlace(PhotoFilters):
    """Which photos, and what to find among them: one of `id`, `hothash` and `date`."""

    id: int | None = Field(default=None, ge=1, le=2**31 - 1, description="A photo, by the `id` of lists.", examples=[1])
    hothash: str | None = Field(
        default=None, pattern=HOTHASH_PATTERN, description="The photo that holds this picture, all 64 digits."
    )
    date: str | None = Field(
        default=None,
        pattern=DAY_PATTERN,
        description="A day: where its photos begin, or would.",
        examples=["2024-07-10"],
    )


class TimelineDay(BaseModel):
    """A day of the cameras, and how many photos it has; null for those without one."""

    day: str | None = Field(examples=["2024-07-10"])
    count: int


class TimelineDays(BaseModel):
    """The days, the latest first and the undated last."""

    rev: str = Field(pattern=REV_PATTERN, examples=[REV_EXAMPLE])
    total: int
    days: list[TimelineDay]


class TimelineItems(BaseModel):
    """A part of the order by columns of one length; of a photo that is no more only `id` and `aspect` tell."""

    rev: str = Field(pattern=REV_PATTERN, examples=[REV_EXAMPLE])
    offset: int
    total: int
    id: list[int]
    aspect: list[int] = Field(description="Width by height in thousandths; 0 where unknown.")
    photo_uuid: list[str | None]
    hothash: list[str | None]
    hotpreview_rendition: list[str | None]
    taken_at_local: list[str | None]
    title: list[str | None]
    rating: list[int | None]
    rejected: list[bool | None]
    label: list[str | None]
    file_format: list[str | None]
    has_raw: list[bool | None]
    has_gps: list[bool | None]
    file_status: list[FileStatus | None]


class TimelineFound(BaseModel):
    """Where something stands; `offset` is null for a photo that is not among those that fit."""

    rev: str = Field(pattern=REV_PATTERN, examples=[REV_EXAMPLE])
    offset: int | None
    id: int | None = Field(description="The photo there; null behind the last.")
    day: str | None
