"""Photos over HTTP: what is told of one and of many."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking, Paged
from imalink.api.schemas.photo_filters import PhotoFilters
from imalink.api.schemas.storages import UUID_EXAMPLE, UUID_PATTERN
from imalink.core.edit_request import (
    MAX_CAPTION_CHARACTERS,
    MAX_CUSTOM_FIELDS,
    MAX_KEY_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_TAG_CHARACTERS,
    MAX_TAGS,
    MAX_TITLE_CHARACTERS,
    MAX_VALUE_CHARACTERS,
)

HOTHASH_PATTERN = "^[0-9a-f]{64}$"
HOTHASH_EXAMPLE = "a1b2c3d4" * 8
MAX_CHOSEN = 10_000
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


class Cameras(Paged):
    """Every camera that took a photo, by make and model."""

    cameras: list[CameraModel]


class Lenses(Paged):
    """Every lens with which a photo was taken."""

    lenses: list[str]


# --- one photo


class Place(BaseModel):
    """Where a file of a picture stands: `present`, `damaged`, `missing`, `offline` or `deleted`."""

    storage_uuid: str
    display_name: str
    relative_path: str
    status: str


class Companion(BaseModel):
    """A sidecar, clip or the like beside a picture."""

    storage_uuid: str
    relative_path: str
    kind: str = Field(examples=["xmp"])
    file_size: int


class PhotoFile(BaseModel):
    """One picture that is a file of a photo: a JPEG and its RAW, an edited version, a frame of a burst."""

    hothash: str = Field(pattern=HOTHASH_PATTERN)
    original_filename: str
    file_format: str
    width: int | None
    height: int | None
    hotpreview_rendition: str | None
    imported_at: str
    session_id: int | None = Field(description="The import session it first came with.")
    file_status: FileStatus
    locations: list[Place]
    companions: list[Companion]


class Position(BaseModel):
    """Where: WGS 84 degrees, south and west negative; metres above the sea."""

    latitude: float
    longitude: float
    altitude: float | None


class CameraFacts(BaseModel):
    """What took the picture and how: seconds, millimetres."""

    make: str | None
    model: str | None
    lens: str | None
    iso: int | None
    exposure_seconds: float | None
    f_number: float | None
    focal_length_mm: float | None


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
    taken_at: str | None
    taken_at_local: str | None
    taken_at_offset: str | None
    taken_at_source: str | None
    gps: Position | None
    camera: CameraFacts
    width: int | None
    height: int | None
    file_format: str
    custom: dict[str, str]
    said: list[str] = Field(description="The fields of which somebody said something, such as `rating`, `custom.roll`.")
    file_status: FileStatus
    files: list[PhotoFile]


# --- what is said of photos

Text500 = Annotated[str, Field(max_length=MAX_TITLE_CHARACTERS)]
TagText = Annotated[str, Field(min_length=1, max_length=MAX_TAG_CHARACTERS)]
Key = Annotated[str, Field(min_length=1, max_length=MAX_KEY_CHARACTERS)]
Value = Annotated[str, Field(min_length=1, max_length=MAX_VALUE_CHARACTERS)]


class NewPosition(Asking):
    """Where: WGS 84 degrees, south and west negative; metres above the sea."""

    latitude: float = Field(ge=-90, le=90, examples=[41.89])
    longitude: float = Field(ge=-180, le=180, examples=[12.49])
    altitude: float | None = Field(default=None, ge=-100_000, le=100_000, examples=[37])


class PhotoChange(Asking):
    """What is said of photos. What is not named stays; null takes back what was said, so that the file's word holds."""

    title: Text500 | None = Field(default=None, description="Empty: it has none.", examples=["Night by the sea"])
    caption: str | None = Field(default=None, max_length=MAX_CAPTION_CHARACTERS, description="Empty: it has none.")
    rating: int | None = Field(default=None, ge=0, le=5, description="Stars.", examples=[4])
    label: str | None = Field(default=None, max_length=MAX_NAME_CHARACTERS, description="A colour label.")
    rejected: bool | None = Field(default=None, description="Whether it is sorted out.")
    author: str | None = Field(
        default=None,
        min_length=1,
        max_length=2 * MAX_NAME_CHARACTERS,
        description="A name, or `Name <address>`.",
        examples=["Anna Berg"],
    )
    tags: list[TagText] | None = Field(
        default=None, max_length=MAX_TAGS, description="All that it shall have.", examples=[["rome", "night"]]
    )
    add_tags: list[TagText] = Field(default=[], max_length=MAX_TAGS, description="Further ones.")
    remove_tags: list[TagText] = Field(default=[], max_length=MAX_TAGS, description="Those to take away.")
    taken_at: str | None = Field(
        default=None,
        max_length=60,
        description="When it was taken; without an offset, the one that is known stays.",
        examples=["2024-07-10T14:30:00+02:00"],
    )
    shift_time: str | None = Field(
        default=None, max_length=40, description="How far its time was off: `+1h`, `-2d3h`, `-00:30`."
    )
    gps: NewPosition | None = Field(default=None, description="Where it was taken.")
    custom: dict[Key, Value | None] | None = Field(
        default=None,
        max_length=MAX_CUSTOM_FIELDS,
        description="Fields of one's own; null takes one away. They stand in the indexes and survive a recovery.",
        examples=[{"film.roll": "K-64"}],
    )


class Selection(Asking):
    """Which photos: by one of these."""

    hothashes: list[Annotated[str, Field(pattern="^[0-9a-fA-F]{8,64}$")]] = Field(
        default=[], max_length=MAX_CHOSEN, description="Of any of their files, or unique beginnings of them.",
        examples=[[HOTHASH_EXAMPLE]],
    )  # fmt: skip
    photo_uuids: list[Annotated[str, Field(pattern=UUID_PATTERN)]] = Field(default=[], max_length=MAX_CHOSEN)
    ids: list[Annotated[int, Field(ge=1, le=2**31 - 1)]] = Field(
        default=[], max_length=100_000, description="As lists and the timeline give them."
    )


class ManySelection(Selection):
    """Which photos: by one of these, or all that fit a filter."""

    filter: PhotoFilters | None = Field(default=None, description="All that fit, as the timeline with `rev` had them.")
    rev: str | None = Field(
        default=None, pattern="^[0-9a-f]{16}$", description="Of the timeline that was seen with this filter."
    )
    without_ids: list[Annotated[int, Field(ge=1, le=2**31 - 1)]] = Field(
        default=[], max_length=100_000, description="Those of them that are left out."
    )


class PhotosChange(ManySelection):
    """What is said of many photos at once."""

    change: PhotoChange = Field(description="The same for each.", examples=[{"rating": 4}])
    dry_run: bool = Field(default=False, description="Say what would change; write nothing.")


class Waiting(BaseModel):
    """A storage that is still to be told: what was said holds, and is written there in seconds (`soon`) or later."""

    storage_uuid: str
    display_name: str
    edits: int
    status: str = Field(
        examples=["soon"],
        description="`soon`, `inactive` for a deactivated storage, or the code of the error that the last try met.",
    )
    reason: str = Field(examples=["It is told in a few seconds."])


class EditedPhoto(BaseModel):
    """A photo of which something else holds now; `before` and `after` name just that."""

    photo_uuid: str
    hothash: str
    original_filename: str
    before: dict[str, object]
    after: dict[str, object]


class Edited(BaseModel):
    """What an edit did. All of it or nothing was done."""

    edited: int
    unchanged: int = Field(description="Photos for which all was so already.")
    dry_run: bool
    operation_uuid: str | None = Field(description="What `POST operations/{operation}/undo` takes back.")
    photos: list[EditedPhoto] = Field(description="The first 500 of them.")
    waiting: list[Waiting]


class EditedOne(Photo):
    """A photo as it is after an edit, and what the edit did."""

    edited: int
    operation_uuid: str | None
    waiting: list[Waiting]
