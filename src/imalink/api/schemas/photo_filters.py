"""What photos may be asked for by, the same for lists, the timeline and edits of many."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from imalink.api.parameters import MAX_PAGE
from imalink.core.search_query import FILE_FORMATS, MAX_TEXT_LENGTH, MAX_WORDS, PhotoStatus

_PLAIN = r"^[^\x00]*$"
_DAY = "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"
Words = Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)]


class PhotoFilters(BaseModel):
    """Conditions, all of which must hold; what is not named says nothing, and what is not known is refused."""

    model_config = ConfigDict(extra="forbid")

    q: str | None = Field(
        default=None,
        max_length=MAX_TEXT_LENGTH,
        pattern=_PLAIN,
        description="What a user typed, as `imalink search` takes it: words and `key:value`.",
        examples=["rome rating:4"],
    )
    taken_from: str | None = Field(
        default=None,
        alias="from",
        pattern=_DAY,
        description="The first day, as the camera said it: a year, a month or a day.",
        examples=["2024-07"],
    )
    taken_to: str | None = Field(
        default=None,
        alias="to",
        pattern=_DAY,
        description="The last day, included: a year, a month or a day.",
        examples=["2024-07-31"],
    )
    rating_min: int | None = Field(default=None, ge=0, le=5, description="At least so many stars.", examples=[4])
    tag: list[Words] = Field(
        default=[],
        max_length=MAX_WORDS,
        description="A tag, or the first levels of one; may be repeated, and all must be there.",
        examples=[["places/italy"]],
    )
    camera: Words | None = Field(default=None, description="Part of make and model.", examples=["EOS 5D"])
    lens: Words | None = Field(default=None, description="Part of the lens.", examples=["24-70"])
    author: Words | None = Field(
        default=None, description="Part of the author's name, or of that of its session.", examples=["anna"]
    )
    author_id: int | None = Field(default=None, ge=1, le=2**31 - 1, description="The author with this `id`.")
    session_id: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Has a file of the import session with this `id`.", examples=[42]
    )
    storage_uuid: str | None = Field(
        default=None, max_length=64, description="Has a file in the storage with this UUID."
    )
    format: str | None = Field(
        default=None,
        max_length=20,
        description=f"Has a file of this format: {', '.join(each.lower() for each in FILE_FORMATS)}.",
        examples=["raw"],
    )
    name: Words | None = Field(
        default=None, description="Has a file of this original name; `*` and `?` stand for others.", examples=["IMG_*"]
    )
    text: Words | None = Field(
        default=None, description="Words of title, caption, tags and names, the last one begun.", examples=["rome nig"]
    )
    place: Words | None = Field(
        default=None,
        description="A tag or a level of one, or a part of the map: `south,west..north,east` in degrees.",
        examples=["41.8,12.4..42.0,12.6"],
    )
    has_raw: bool | None = Field(default=None, description="Whether one of its files is a RAW.")
    has_gps: bool | None = Field(default=None, description="Whether it is known where it was taken.")
    collection: str | None = Field(
        default=None, max_length=64, pattern=_PLAIN, description="Is in the collection with this `id`."
    )
    status: PhotoStatus | None = Field(
        default=None,
        description="`present`: a file can be opened; `offline`: only in storages that are away; `missing`: all files "
        "are missing.",
    )


class PhotoPaging(PhotoFilters):
    """Which photos, and which page of them."""

    limit: int = Field(default=100, ge=1, le=MAX_PAGE, description="How many to give at most.", examples=[100])
    after: str | None = Field(
        default=None, max_length=200, description="Go on behind a page: its `next`. Nothing is counted or skipped."
    )
    before: str | None = Field(default=None, max_length=200, description="Go back in front of a page: its `previous`.")
    count: bool = Field(default=False, description="Also tell how many fit in all, exactly up to 10,000.")
