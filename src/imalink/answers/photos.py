"""Photos, spelled as JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from imalink.answers import json_text
from imalink.core.user_facts import said_fields

if TYPE_CHECKING:
    from imalink.catalog.photos import PhotoRecord
    from imalink.catalog.search import FoundPhoto
    from imalink.core.photo_facts import PhotoFacts
    from imalink.core.picture import GpsPosition
    from imalink.core.search_query import PhotoStatus
    from imalink.workflows.edit_photos import EditReport
    from imalink.workflows.flush_outbox import WaitingEdits
    from imalink.workflows.look_at_photo import FileView, PhotoView

FIELD_WORDS: Mapping[str, str] = {
    "title": "title",
    "caption": "caption",
    "rating": "rating",
    "rejected": "rejected",
    "label": "label",
    "tags": "tags",
    "author": "author",
    "capture_time": "taken",
    "gps": "place",
    "custom": "custom",
}
"""The words for the facts that a user may say something of, in the order in which they are shown."""


def groups_of(fields: Collection[str]) -> list[str]:
    """Give which facts these fields belong to, single tags to the tags and so on, in the order of FIELD_WORDS."""
    plain = {name.partition(".")[0] for name in fields}
    return [name for name in FIELD_WORDS if name in plain]


def photo_json(photo: PhotoRecord) -> dict[str, object]:
    """Spell a photo and the pictures that are files of it, its primary one first."""
    return {
        "photo_uuid": photo.photo.photo_uuid,
        "primary": photo.files[0].hothash,
        "title": None if photo.facts.title is None else json_text(photo.facts.title),
        "rating": photo.facts.rating,
        "files": [
            {
                "hothash": file.hothash,
                "original_filename": json_text(file.original_filename),
                "file_format": file.file_format,
            }
            for file in photo.files
        ],
    }


def found_json(photo: FoundPhoto) -> dict[str, object]:
    """Spell what a list shows of a photo."""
    return {
        "photo_uuid": photo.photo_uuid,
        "hothash": photo.hothash,
        "title": _text(photo.title),
        "caption": _text(photo.caption),
        "author": _text(photo.author),
        "tags": [json_text(tag) for tag in photo.tags],
        "rating": photo.rating,
        "label": _text(photo.label),
        "rejected": photo.rejected,
        "taken_at": photo.taken_at,
        "taken_at_local": photo.taken_at_local,
        "taken_at_offset": photo.taken_at_offset,
        "taken_at_source": photo.taken_at_source,
        "camera_make": _text(photo.camera_make),
        "camera_model": _text(photo.camera_model),
        "width": photo.width,
        "height": photo.height,
        "file_format": photo.file_format,
        "original_filename": json_text(photo.original_filename),
    }


def listed_json(photo: FoundPhoto, status: PhotoStatus) -> dict[str, object]:
    """Spell what a gallery shows of a photo."""
    return {
        "id": photo.id,
        **found_json(photo),
        "hotpreview_rendition": photo.hotpreview_rendition,
        "has_gps": photo.has_gps,
        "has_raw": photo.has_raw,
        "file_status": status.value,
    }


def view_json(view: PhotoView) -> dict[str, object]:
    """Spell all of a photo: what holds, what of it the user said, and its files with their places."""
    facts = view.record.facts
    camera = facts.camera
    return {
        "photo_uuid": view.record.photo.photo_uuid,
        "primary": view.files[0].file.hothash,
        "hothash": view.files[0].file.hothash,
        **facts_json(facts),
        "taken_at": facts.capture_time and facts.capture_time.taken_at,
        "camera": {
            "make": _text(camera.make),
            "model": _text(camera.model),
            "lens": _text(camera.lens),
            "iso": camera.iso,
            "exposure_seconds": camera.exposure_seconds,
            "f_number": camera.f_number,
            "focal_length_mm": camera.focal_length_mm,
        },
        "width": facts.width,
        "height": facts.height,
        "file_format": facts.file_format,
        "said": sorted(json_text(name) for name in said_fields(view.record.photo)),
        "file_status": view.status.value,
        "files": [_file_json(each) for each in view.files],
    }


def _file_json(view: FileView) -> dict[str, object]:
    file = view.file
    width, height = view.facts.shown_size
    first = min(file.locations, key=lambda place: place.imported_at, default=None)
    return {
        "hothash": file.hothash,
        "original_filename": json_text(file.original_filename),
        "file_format": file.file_format,
        "width": width,
        "height": height,
        "hotpreview_rendition": file.hotpreview_rendition,
        "imported_at": file.imported_at,
        "session_id": None if first is None else first.session_number,
        "file_status": view.status.value,
        "locations": [
            {
                "storage_uuid": place.storage_uuid,
                "display_name": json_text(place.display_name),
                "relative_path": json_text(place.relative_path),
                "status": place.status,
            }
            for place in view.places
        ],
        "companions": [
            {
                "storage_uuid": each.storage_uuid,
                "relative_path": json_text(each.relative_path),
                "kind": each.kind,
                "file_size": each.size_bytes,
            }
            for each in view.companions
        ],
    }


def edited_json(report: EditReport, *, dry_run: bool, most: int | None = None) -> dict[str, object]:
    """Spell what an edit did; of the photos at most so many."""
    return {
        "edited": len(report.edited),
        "unchanged": report.unchanged,
        "dry_run": dry_run,
        "operation_uuid": report.operation_uuid,
        "photos": [
            {
                "photo_uuid": photo.photo_uuid,
                "hothash": photo.hothash,
                "original_filename": json_text(photo.original_filename),
                "before": facts_json(photo.facts_before, groups_of(photo.after.fields)),
                "after": facts_json(photo.facts, groups_of(photo.after.fields)),
            }
            for photo in report.edited[:most]
        ],
        "waiting": [waiting_json(each) for each in report.waiting],
    }


def waiting_json(waiting: WaitingEdits) -> dict[str, object]:
    """Spell what a storage is still to be told, and why it was not."""
    return {
        "storage_uuid": waiting.storage_uuid,
        "display_name": json_text(waiting.display_name),
        "edits": waiting.edits,
        "status": waiting.status,
        "reason": json_text(waiting.reason),
    }


def facts_json(facts: PhotoFacts, names: Collection[str] = tuple(FIELD_WORDS)) -> dict[str, object]:
    """Spell these facts for ``--json``, with the keys of ``imalink search``."""
    taken = facts.capture_time
    values: dict[str, dict[str, object]] = {
        "title": {"title": _text(facts.title)},
        "caption": {"caption": _text(facts.caption)},
        "rating": {"rating": facts.rating},
        "rejected": {"rejected": facts.rejected},
        "label": {"label": _text(facts.label)},
        "tags": {"tags": [json_text(tag) for tag in facts.tags]},
        "author": {"author": _text(facts.author)},
        "capture_time": {
            "taken_at_local": taken and taken.local,
            "taken_at_offset": taken and taken.offset,
            "taken_at_source": taken and taken.source,
        },
        "gps": {"gps": None if facts.gps is None else _gps_json(facts.gps)},
        "custom": {"custom": {json_text(key): json_text(value) for key, value in sorted(facts.custom.items())}},
    }
    return {key: value for name in FIELD_WORDS if name in names for key, value in values[name].items()}


def _text(text: str | None) -> str | None:
    return None if text is None else json_text(text)


def _gps_json(gps: GpsPosition) -> dict[str, object]:
    return {"latitude": gps.latitude, "longitude": gps.longitude, "altitude": gps.altitude}
