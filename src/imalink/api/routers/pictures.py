"""``/photos``, ``/images`` and ``/storage``: single pictures and their files; archives on mounted disks."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from imalink.answers import json_text
from imalink.answers.places import picture_json
from imalink.api.context import Asked, Right, Server, needs
from imalink.api.envelope import json_response, success
from imalink.api.parameters import Hothash, ImageId, named
from imalink.api.schemas.envelope import MEANINGS, Failure, Success, answers
from imalink.api.schemas.places import Locations
from imalink.api.schemas.storages import ScanLocation
from imalink.api.streaming import FileAnswer, SentFile
from imalink.errors import NotFoundError
from imalink.workflows.find_archives import find_archives, mount_points
from imalink.workflows.find_file import find_files
from imalink.workflows.open_picture import hothash_of_image, open_picture

router = APIRouter()
_READ = [Depends(needs(Right.READ))]
_FILE_ANSWERS: dict[int | str, dict[str, object]] = {
    **answers(None, 409, 503),
    200: {
        "description": "The file, byte by byte.",
        "content": {"application/octet-stream": {}, "image/*": {}, "video/*": {}},
    },
    206: {
        "description": "The parts that were asked for by Range, five at most.",
        "content": {"application/octet-stream": {}, "image/*": {}, "video/*": {}, "multipart/byteranges": {}},
    },
    304: {"description": "It is as the caller has it."},
    416: {"model": Failure, "description": MEANINGS[416]},
}


@router.get(
    "/photos/{hothash}/locations", tags=["photos"], dependencies=_READ, responses=answers(Success[Locations], 409, 503)
)
def show_locations(server: Asked, hothash: Hothash) -> Response:
    """List every known place of a picture, offline ones too, each looked at now."""
    [picture] = find_files(server.tools, [named(hothash)])
    return success(picture_json(picture))


@router.get("/photos/{hothash}/file", tags=["photos"], dependencies=_READ, responses=_FILE_ANSWERS)
def send_file(server: Asked, hothash: Hothash) -> Response:
    """Send the picture's own file, whole or in parts; the ETag is the SHA-256 of what was archived."""
    return _sent(server, named(hothash))


@router.get("/images/{image_id}/file", tags=["images"], dependencies=_READ, responses=_FILE_ANSWERS)
def send_image(server: Asked, image_id: ImageId) -> Response:
    """Send the file of the picture with this number in the catalog."""
    if not (image_id.isascii() and image_id.isdecimal() and len(image_id) < 10):
        raise NotFoundError(f"No image {json_text(image_id)!r} is known.")
    return _sent(server, hothash_of_image(server.tools, int(image_id)))


@router.get(
    "/storage/scan-locations",
    tags=["storage"],
    dependencies=_READ,
    responses={**answers(None, 503), 200: {"model": list[ScanLocation]}},
)
def scan_locations(server: Asked) -> Response:
    """List the mounted disks that have directories of imports, as a bare list."""
    return json_response(
        [
            {
                "path": json_text(str(place.path)),
                "session_count": len(place.names),
                "sessions": [json_text(name) for name in place.names],
            }
            for place in find_archives(mount_points(), server.tools.calls)
        ]
    )


def _sent(server: Server, hothash: str) -> Response:
    opened = open_picture(server.tools, hothash)
    return FileAnswer(
        SentFile(
            descriptor=opened.descriptor,
            size_bytes=opened.size_bytes,
            modified_ns=opened.modified_ns,
            etag=opened.sha256,
            filename=opened.filename,
            file_format=opened.file_format,
            held=opened.held,
        )
    )
