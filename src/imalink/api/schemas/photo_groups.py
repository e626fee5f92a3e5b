"""Over HTTP: which files are of one photo, how two pictures stand to each other, and which picture a file holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking
from imalink.api.schemas.photos import HOTHASH_EXAMPLE

Named = Annotated[str, Field(pattern="^[0-9a-fA-F]{8,64}$")]


class Joining(Asking):
    """Which photos become one."""

    hothashes: list[Named] = Field(
        min_length=2,
        max_length=1000,
        description="Of a file of each, or unique beginnings of them; the first one's photo goes on.",
        examples=[[HOTHASH_EXAMPLE, "b2c3d4e5" * 8]],
    )


class Splitting(Asking):
    """Which picture becomes a photo of its own."""

    hothash: Named = Field(examples=[HOTHASH_EXAMPLE])


class GroupedFile(BaseModel):
    """A picture that is a file of a photo."""

    hothash: str
    original_filename: str
    file_format: str


class GroupedPhoto(BaseModel):
    """A photo and its files, the primary one first."""

    photo_uuid: str
    primary: str
    title: str | None
    rating: int | None
    files: list[GroupedFile]


class Split(BaseModel):
    """The photo of the picture that was split off, and the photo that it leaves, with which what was said stays."""

    photo: GroupedPhoto
    left: GroupedPhoto


class ComparedPicture(BaseModel):
    """One of two pictures that are compared; `sha256` are the checksums of all its known files."""

    name: str
    hothash: str
    hothash_method: str
    sha256: list[str]
    photo_uuid: str | None


class ComparedFact(BaseModel):
    """A fact in which two pictures differ; null where one has none."""

    fact: str
    a: str | None
    b: str | None


class Explanation(BaseModel):
    """How two pictures stand to each other, and what says so in plain words."""

    relation: Literal[
        "same-file",
        "same-bytes",
        "same-picture",
        "live-photo",
        "same-photo",
        "damaged",
        "same-name",
        "same-moment",
        "not-comparable",
        "different",
    ]
    reasons: list[str]
    a: ComparedPicture
    b: ComparedPicture
    differences: list[ComparedFact]


class Identifying(Asking):
    """Files of the server's machine."""

    paths: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(
        min_length=1,
        max_length=100,
        description="Absolute paths of files, where folders may be named.",
        examples=[["/media/anna/card/DCIM/IMG_0001.JPG"]],
    )


class IdentifiedFile(BaseModel):
    """Which picture a file holds: the same `hothash` whatever its name, place and metadata; `sha256` is of its bytes.

    Of a file that could not be read only `path` and `error` are there.
    """

    path: str
    hothash: str = ""
    hothash_method: str = ""
    sha256: str = ""
    file_size: int = 0
    error: str = ""


class Identified(BaseModel):
    """Which pictures files hold, in the order in which they were named."""

    files: list[IdentifiedFile]
