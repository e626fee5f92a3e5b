"""``/collections`` and ``/saved-searches``: what users put together and look for again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from imalink.answers.library import collection_json, search_json
from imalink.answers.photos import listed_json
from imalink.api.context import Asked, Right, needs
from imalink.api.envelope import page_meta, page_of, success
from imalink.api.parameters import Limit, Offset, item_key
from imalink.api.photo_changes import chosen, chosen_or_none
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.library import (
    AddedPhotos,
    Collection,
    CollectionChange,
    CollectionPhotos,
    Collections,
    Deleted,
    NewCollection,
    NewSearch,
    RemovedPhotos,
    SavedSearch,
    SavedSearches,
    SearchChange,
)
from imalink.api.schemas.storages import UUID_EXAMPLE, UUID_PATTERN
from imalink.core.ids import PhotoUuid
from imalink.workflows import edit_library, look_at_library

router = APIRouter()
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]

CollectionKey = Annotated[
    str,
    Path(description="The collection's `id`.", examples=[UUID_EXAMPLE], json_schema_extra={"pattern": UUID_PATTERN}),
]
SearchKey = Annotated[
    str, Path(description="The search's `id`.", examples=[UUID_EXAMPLE], json_schema_extra={"pattern": UUID_PATTERN})
]
_OF_COLLECTION = answers(Success[Collection], 409, 503)


@router.get("/collections", tags=["collections"], dependencies=_READ, responses=answers(Success[Collections], 503))
def list_collections(server: Asked, offset: Offset = 0, limit: Limit = 100) -> Response:
    """List the collections, by title."""
    found = look_at_library.list_collections(server.tools)
    return success(page_of("collections", found, offset=offset, limit=limit, spell=collection_json))


@router.post(
    "/collections", tags=["collections"], status_code=201, dependencies=_EDIT,
    responses=answers(Success[Collection], 409, 503, status=201),
)  # fmt: skip
def create_collection(server: Asked, body: NewCollection) -> Response:
    """Make a collection. Every storage is told of it, so that a recovery brings it back."""
    made = edit_library.create_collection(
        server.tools, body.title, description=body.description, photo_uuids=chosen_or_none(server, body)
    )
    return success(collection_json(made), status=201)


@router.get("/collections/{collection}", tags=["collections"], dependencies=_READ, responses=_OF_COLLECTION)
def show_collection(server: Asked, collection: CollectionKey) -> Response:
    """Show a collection."""
    return success(collection_json(look_at_library.get_collection(server.tools, item_key("collection", collection))))


@router.patch("/collections/{collection}", tags=["collections"], dependencies=_EDIT, responses=_OF_COLLECTION)
def change_collection(server: Asked, collection: CollectionKey, body: CollectionChange) -> Response:
    """Give a collection another title or description."""
    key = item_key("collection", collection)
    changed = edit_library.edit_collection(server.tools, key, title=body.title, description=body.description)
    return success(collection_json(changed))


@router.delete(
    "/collections/{collection}", tags=["collections"], dependencies=_EDIT, responses=answers(Success[Deleted], 503)
)
def delete_collection(server: Asked, collection: CollectionKey) -> Response:
    """Take a collection away; its photos stay."""
    key = item_key("collection", collection)
    edit_library.delete_collection(server.tools, key)
    return success({"id": key, "deleted": True})


@router.get(
    "/collections/{collection}/photos",
    tags=["collections"],
    dependencies=_READ,
    responses=answers(Success[CollectionPhotos], 503),
)
def list_collection_photos(
    server: Asked, collection: CollectionKey, offset: Offset = 0, limit: Limit = 100
) -> Response:
    """List the photos of a collection in its order; `GET photos?collection=` has them in that of time."""
    page = look_at_library.page_of_collection(
        server.tools, item_key("collection", collection), offset=offset, limit=limit
    )
    return success(
        {
            "collection": collection_json(page.collection),
            "photos": [listed_json(photo, page.statuses[photo.id]) for photo in page.photos],
            "meta": page_meta(total=page.known_count, offset=offset, limit=limit),
        }
    )


@router.post("/collections/{collection}/photos", tags=["collections"], dependencies=_EDIT, responses=_OF_COLLECTION)
def add_photos(server: Asked, collection: CollectionKey, body: AddedPhotos) -> Response:
    """Put photos into a collection, in the order given: at its end, or before one of its photos.

    Those that are in it already are moved there, which is how its order is changed.
    """
    before = None if body.before is None else PhotoUuid(body.before)
    key = item_key("collection", collection)
    return success(
        collection_json(edit_library.add_to_collection(server.tools, key, chosen(server, body), before=before))
    )


@router.post(
    "/collections/{collection}/photos/remove", tags=["collections"], dependencies=_EDIT, responses=_OF_COLLECTION
)
def remove_photos(server: Asked, collection: CollectionKey, body: RemovedPhotos) -> Response:
    """Take photos out of a collection; those that are not in it are passed over."""
    key = item_key("collection", collection)
    return success(collection_json(edit_library.remove_from_collection(server.tools, key, chosen(server, body))))


@router.get(
    "/saved-searches", tags=["saved-searches"], dependencies=_READ, responses=answers(Success[SavedSearches], 503)
)
def list_searches(server: Asked, offset: Offset = 0, limit: Limit = 100) -> Response:
    """List the saved searches: favourites first, by title."""
    found = look_at_library.list_searches(server.tools)
    return success(page_of("saved_searches", found, offset=offset, limit=limit, spell=search_json))


@router.post(
    "/saved-searches", tags=["saved-searches"], status_code=201, dependencies=_EDIT,
    responses=answers(Success[SavedSearch], 503, status=201),
)  # fmt: skip
def save_search(server: Asked, body: NewSearch) -> Response:
    """Keep a search under a name. Every storage is told of it, so that a recovery brings it back."""
    made = edit_library.save_search(server.tools, body.title, body.query, is_favorite=body.is_favorite)
    return success(search_json(made), status=201)


@router.get(
    "/saved-searches/{search}",
    tags=["saved-searches"],
    dependencies=_READ,
    responses=answers(Success[SavedSearch], 503),
)
def show_search(server: Asked, search: SearchKey) -> Response:
    """Show a saved search."""
    return success(search_json(look_at_library.get_search(server.tools, item_key("saved search", search))))


@router.patch(
    "/saved-searches/{search}",
    tags=["saved-searches"],
    dependencies=_EDIT,
    responses=answers(Success[SavedSearch], 503),
)
def change_search(server: Asked, search: SearchKey, body: SearchChange) -> Response:
    """Give a saved search another title or query, or make it a favourite."""
    key = item_key("saved search", search)
    changed = edit_library.edit_search(
        server.tools, key, title=body.title, query=body.query, is_favorite=body.is_favorite
    )
    return success(search_json(changed))


@router.delete(
    "/saved-searches/{search}", tags=["saved-searches"], dependencies=_EDIT, responses=answers(Success[Deleted], 503)
)
def delete_search(server: Asked, search: SearchKey) -> Response:
    """Forget a saved search."""
    key = item_key("saved search", search)
    edit_library.delete_search(server.tools, key)
    return success({"id": key, "deleted": True})
