"""Tags, authors, collections and saved searches over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking, Meta, Paged
from imalink.api.schemas.photos import ListedPhoto, Selection
from imalink.api.schemas.storages import UUID_EXAMPLE, UUID_PATTERN
from imalink.core.plain_text import LINE_PATTERN, TEXT_PATTERN
from imalink.core.search_query import MAX_TEXT_LENGTH
from imalink.workflows.edit_library import MAX_TEXT_LENGTH as MAX_DESCRIPTION
from imalink.workflows.edit_library import MAX_TITLE_LENGTH

_PLAIN = r"^[^\x00]*$"
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE_LENGTH, pattern=LINE_PATTERN)]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION, pattern=TEXT_PATTERN)]


class Tag(BaseModel):
    """A tag in lower case, its levels parted by `/`, and how many photos have it."""

    name: str = Field(examples=["places/italy/rome"])
    photo_count: int


class Tags(Paged):
    """Tags, those of most photos first."""

    tags: list[Tag]


class TagRename(Asking):
    """A tag that is to be called otherwise on all photos, with the levels below it."""

    tag: Title = Field(examples=["rome"], description="As it is called now, in any case.")
    new_name: str = Field(
        max_length=MAX_TITLE_LENGTH, pattern=_PLAIN, examples=["places/rome"], description="Empty: take the tag away."
    )
    dry_run: bool = Field(default=False, description="Say what would change; write nothing.")


class Author(BaseModel):
    """Who took pictures; `id` is its number in this catalog, `key` what it is called on every machine."""

    id: int
    key: str
    name: str
    email: str | None
    bio: str
    is_self: bool = Field(description="The user of this installation.")
    session_count: int


class Authors(Paged):
    """All authors, by name."""

    authors: list[Author]


class NewAuthor(Asking):
    """Who took pictures."""

    name: Title = Field(examples=["Anna Berg"])
    email: str = Field(default="", max_length=MAX_TITLE_LENGTH, pattern=LINE_PATTERN, examples=["anna@example.org"])
    bio: Description = Field(default="")


class AuthorChange(Asking):
    """What is to be different about an author; what is not named stays."""

    name: Title | None = Field(default=None, examples=["Anna Berg"])
    email: str | None = Field(default=None, max_length=MAX_TITLE_LENGTH, pattern=LINE_PATTERN)
    bio: Description | None = None


class Collection(BaseModel):
    """An ordered choice of photos; the first of those that this catalog knows is its cover."""

    id: str = Field(pattern=UUID_PATTERN, examples=[UUID_EXAMPLE])
    title: str
    description: str
    photo_count: int
    known_count: int = Field(description="So many of them this catalog knows now.")
    cover: str | None = Field(description="The hothash of the first of these.")


class Collections(Paged):
    """All collections, by title."""

    collections: list[Collection]


class CollectionPhotos(BaseModel):
    """A page of the photos of a collection, in its order."""

    collection: Collection
    photos: list[ListedPhoto]
    meta: Meta


class NewCollection(Selection):
    """A collection to be made, of these photos in this order, or of none yet."""

    title: Title = Field(examples=["Best of Italy"])
    description: Description = Field(default="", examples=["For the printer"])


class CollectionChange(Asking):
    """What is to be different about a collection; what is not named stays."""

    title: Title | None = Field(default=None, examples=["Best of Italy"])
    description: Description | None = None


class AddedPhotos(Selection):
    """Photos to be put into a collection, in this order; those that are in it already are moved."""

    before: str | None = Field(
        default=None,
        pattern=UUID_PATTERN,
        description="The `photo_uuid` of a photo of the collection to put them before; without it they come last.",
    )


class RemovedPhotos(Selection):
    """Photos to be taken out of a collection."""


class SavedSearch(BaseModel):
    """A search under a name; `query` is what `GET photos?q=` takes."""

    id: str = Field(pattern=UUID_PATTERN, examples=[UUID_EXAMPLE])
    title: str
    query: str
    is_favorite: bool


class SavedSearches(Paged):
    """All saved searches: favourites first, by title."""

    saved_searches: list[SavedSearch]


class NewSearch(Asking):
    """A search to be kept under a name."""

    title: Title = Field(examples=["The best of Rome"])
    query: str = Field(max_length=MAX_TEXT_LENGTH, pattern=_PLAIN, examples=["place:rome rating:4"])
    is_favorite: bool = False


class SearchChange(Asking):
    """What is to be different about a saved search; what is not named stays."""

    title: Title | None = Field(default=None, examples=["The best of Rome"])
    query: str | None = Field(default=None, max_length=MAX_TEXT_LENGTH, pattern=_PLAIN)
    is_favorite: bool | None = None


class Deleted(BaseModel):
    """What is no more."""

    id: str | int
    deleted: bool
