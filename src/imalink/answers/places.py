"""Where pictures are, and what a storage's own indexes tell, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import finding_json, json_text

if TYPE_CHECKING:
    from imalink.workflows.browse_storage import BrowsedFile, BrowsedSession, BrowsedStorage
    from imalink.workflows.find_file import Deletion, FoundPicture


def picture_json(picture: FoundPicture) -> dict[str, object]:
    """Spell a picture with every known place of it."""
    return {
        "hothash": picture.hothash,
        "photo_uuid": picture.photo_uuid,
        "locations": [
            {
                "storage_uuid": place.storage_uuid,
                "display_name": json_text(place.display_name),
                "relative_path": json_text(place.relative_path),
                "full_path": json_text(place.full_path),
                "status": place.status,
                **({} if place.deleted is None else {"deleted": _deletion_json(place.deleted)}),
            }
            for place in picture.places
        ],
    }


def _deletion_json(deleted: Deletion) -> dict[str, object]:
    return {
        "deleted_at": deleted.at,
        "by": json_text(deleted.by),
        "mode": deleted.mode,
        "reason": json_text(deleted.reason),
        "stood_at": json_text(deleted.stood_at),
    }


def browsed_json(found: BrowsedStorage) -> dict[str, object]:
    """Spell a storage as its own indexes tell of it."""
    return {
        "storage_uuid": found.signature.storage_uuid,
        "display_name": json_text(found.signature.display_name),
        "path": json_text(str(found.path)),
        "layout": found.signature.layout,
        "is_accessible": found.has_pictures,
        "sessions": [_session(found, session) for session in found.sessions],
        "findings": [finding_json(finding) for finding in found.findings],
    }


def _session(found: BrowsedStorage, session: BrowsedSession) -> dict[str, object]:
    return {
        "id": session.number,
        "session_uuid": session.session_uuid,
        "title": None if session.title is None else json_text(session.title),
        "description": None if session.description is None else json_text(session.description),
        "imported_at": session.imported_at,
        "file_count": session.file_count,
        "known_from": session.known_from,
        "files": [_file(found, file) for file in session.files],
    }


def _file(found: BrowsedStorage, file: BrowsedFile) -> dict[str, object]:
    taken = file.facts.capture_time if file.facts else None
    return {
        "hothash": file.hothash,
        "relative_path": json_text(file.relative_path),
        "full_path": json_text(str(found.path / file.relative_path)),
        "status": file.status.value,
        "taken_at": taken.taken_at if taken else None,
        "file_format": file.facts.file_format if file.facts else None,
        "rating": file.facts.embedded.rating if file.facts else None,
        "hotpreview": found.hotpreview(file.hothash) if file.has_hotpreview else None,
    }
