"""Exports over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking


class Exporting(Asking):
    """What is to be exported, by query or by hothash, and where to."""

    query: str | None = Field(
        default=None,
        max_length=2000,
        examples=["date:2024-07 rating:4"],
        description="As for `imalink search`: the photos that fit. Empty: all.",
    )
    hothashes: list[Annotated[str, Field(pattern="^[0-9a-fA-F]{8,64}$")]] = Field(
        default=[], max_length=10_000, description="These pictures, instead of a query."
    )
    files: Literal["all", "primary"] = Field(
        default="all", description="Of each photo that a query finds: all its files, or only the first."
    )
    destination: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        examples=["/media/stick"],
        description="A folder of the server's machine, in which a new one is made. Without it a ZIP file comes.",
    )


class ExportedFile(BaseModel):
    """A file as it was written."""

    name: str
    hothash: str
    sha256: str
    size_bytes: int
    differs: bool = Field(description="It is not as the index knows it: edited since, or damaged.")


class MissingFile(BaseModel):
    """A picture that could not be exported."""

    name: str
    hothash: str
    status: Literal["missing", "offline"]


class Exported(BaseModel):
    """What was written to a folder."""

    folder: str
    total_files: int
    total_size_bytes: int
    files: list[ExportedFile]
    missing: list[MissingFile]
