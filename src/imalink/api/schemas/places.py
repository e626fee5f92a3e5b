"""Pictures over HTTP: which they are and where they stand."""

from __future__ import annotations

from pydantic import BaseModel, Field


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
    version: str | None
    library_rev: int | None
