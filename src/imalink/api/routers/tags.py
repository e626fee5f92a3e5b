"""``/tags`` and ``/authors``: the words and the people of photos."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from imalink.answers import json_text
from imalink.answers.library import author_json
from imalink.api import work
from imalink.api.awaited import ACCEPTED, Prefer, answered
from imalink.api.context import Asked, Right, needs
from imalink.api.envelope import page_of, success
from imalink.api.parameters import Limit, Offset, number_of
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.library import Author, AuthorChange, Authors, Deleted, NewAuthor, TagRename, Tags
from imalink.api.schemas.photos import Edited
from imalink.catalog.tags import TagCount
from imalink.workflows import edit_library, look_at_library

router = APIRouter()
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]

AuthorId = Annotated[
    str, Path(description="The author's `id`.", examples=["1"], json_schema_extra={"pattern": "^[0-9]{1,9}$"})
]


@router.get("/tags", tags=["tags"], dependencies=_READ, responses=answers(Success[Tags], 503))
def list_tags(
    server: Asked,
    part: Annotated[
        str, Query(max_length=200, description="What one of its levels begins with.", examples=["ro"])
    ] = "",
    offset: Offset = 0,
    limit: Limit = 50,
) -> Response:
    """List tags, those of most photos first: what may be meant by the letters that were typed so far."""
    found = look_at_library.list_tags(server.tools, part=part)
    return success(page_of("tags", found, offset=offset, limit=limit, spell=_tag_json))


@router.post("/tags/rename", tags=["tags"], dependencies=_EDIT, responses=answers(Success[Edited], 409, 503) | ACCEPTED)
def rename_tag(server: Asked, body: TagRename, prefer: Prefer = None) -> Response:
    """Give a tag another name on all photos at once, with the levels below it, or take it away.

    Letters count the same in either case; a photo that has both names keeps one. It is one operation, which can be
    undone.
    """
    return answered(server, work.renaming_tag(server, body), prefer)


@router.get("/authors", tags=["authors"], dependencies=_READ, responses=answers(Success[Authors], 503))
def list_authors(server: Asked, offset: Offset = 0, limit: Limit = 100) -> Response:
    """List the authors, by name."""
    found = look_at_library.list_authors(server.tools)
    return success(page_of("authors", found, offset=offset, limit=limit, spell=author_json))


@router.post(
    "/authors", tags=["authors"], status_code=201, dependencies=_EDIT,
    responses=answers(Success[Author], 409, 503, status=201),
)  # fmt: skip
def create_author(server: Asked, body: NewAuthor) -> Response:
    """Make an author. Every storage is told, so that a recovery brings it back."""
    made = edit_library.create_author(server.tools, body.name, email=body.email, bio=body.bio)
    return success(author_json(made), status=201)


@router.get("/authors/{author}", tags=["authors"], dependencies=_READ, responses=answers(Success[Author], 503))
def show_author(server: Asked, author: AuthorId) -> Response:
    """Show an author."""
    return success(author_json(look_at_library.get_author(server.tools, number_of("author", author))))


@router.patch("/authors/{author}", tags=["authors"], dependencies=_EDIT, responses=answers(Success[Author], 409, 503))
def change_author(server: Asked, author: AuthorId, body: AuthorChange) -> Response:
    """Give an author another name, address or biography. Photos under the first name stay theirs."""
    number = number_of("author", author)
    return success(
        author_json(edit_library.edit_author(server.tools, number, name=body.name, email=body.email, bio=body.bio))
    )


@router.delete("/authors/{author}", tags=["authors"], dependencies=_EDIT, responses=answers(Success[Deleted], 409, 503))
def delete_author(server: Asked, author: AuthorId) -> Response:
    """Take an author away of whom no session is; photos keep the name that they have."""
    number = number_of("author", author)
    edit_library.delete_author(server.tools, number)
    return success({"id": number, "deleted": True})


def _tag_json(tag: TagCount) -> dict[str, object]:
    return {"name": json_text(tag.name), "photo_count": tag.photo_count}
