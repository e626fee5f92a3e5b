"""Pictures over HTTP: which they are and where they stand."""

from __future__ import annotations

from pydantic import BaseModel, Field

from imalink.api.schemas.storages import UUID_PATTERN


class PhotoFile(BaseModel):
    """One picture that is a file of a photo."""

    hothash: str = Field(pattern="^[0-9a-f]{64}$")
    original_filename: str
    file_format: str


class Photo(BaseModel):
    """A photo: what holds for it, what of it somebody said (`said`), and its files, the primary one first."""

    photo_uuid: str = Field(pattern=UUID_PATTERN)
    primary: str
    hothash: str = Field(description="The same as `primary`.")
    title: str | None
    caption: str | None
    rating: int | None
    rejected: bool
    label: str | None
    tags: list[str]
    author: str | None
    taken_at_local: str | None
    taken_at_offset: str | None
    taken_at_source: str | None
    gps: dict[str, float | None] | None
    custom: dict[str, str]
    said: list[str]
    files: list[PhotoFile]


class Location(BaseModel):
    """One place of a picture: `present`, `damaged`, `missing`, `offline` or `deleted`."""

    storage_uuid: str
    display_name: str
    relative_path: str
    full_path: str
    status: str


class Locations(BaseModel):
    """A picture and every known place of it."""

    hothash: str
    photo_uuid: str
    locations: list[Location]


class Health(BaseModel):
    """That the server answers, and whether its catalog does."""

    status: str = Field(examples=["ok"])
    version: str
    library_rev: int
