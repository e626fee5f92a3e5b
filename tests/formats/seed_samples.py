"""The samples of seeds 000 and 001 as they stand there, but with real hothashes and UUIDs for their stand-ins."""

from __future__ import annotations

from typing import Any

from tests.support.indexes import hash_of, uuid_of

Json = dict[str, Any]
FIRST, SECOND, LOST = hash_of("IMG_001.jpg"), hash_of("IMG_002.CR2"), hash_of("IMG_OLD.jpg")

SEED_OVERVIEW: Json = {
    "storage_info": {
        "uuid": uuid_of("abc123-def456-ghi789"),
        "directory_name": "imalink_20241018_143052_a1b2c3d4",
        "base_path": "/external/photos",
        "display_name": "External Drive Photos",
        "created_at": "2024-10-18T14:30:52Z",
        "last_scan": "2024-10-18T16:45:00Z",
        "is_accessible": True,
        "total_files": 324,
        "total_size_mb": 1250.5,
    },
    "import_sessions": [
        {
            "id": 42,
            "title": "Italy Summer 2024",
            "imported_at": "2024-07-15T10:00:00Z",
            "file_count": 127,
            "index_file": "imports/session_42.json",
        },
        {
            "id": 43,
            "title": "Wedding Photos",
            "imported_at": "2024-08-20T14:30:00Z",
            "file_count": 89,
            "index_file": "imports/session_43.json",
        },
    ],
    "imalink_version": "2.0",
}

SEED_SESSION: Json = {
    "import_session": {
        "id": 42,
        "title": "Italy Summer 2024",
        "description": "Family vacation to Rome, Venice, Florence",
        "imported_at": "2024-07-15T10:00:00Z",
        "default_author_id": 1,
        "file_storage_id": 5,
        "storage_directory": "imalink_20241018_143052_a1b2c3d4",
    },
    "files": {
        FIRST: {
            "filename": "IMG_001.jpg",
            "file_size": 2048576,
            "taken_at": "2024-07-10T14:30:00Z",
            "created_at": "2024-07-15T10:15:00Z",
            "original_filename": "IMG_001.jpg",
            "file_format": "JPEG",
            "width": 4000,
            "height": 3000,
            "has_hotpreview": True,
        },
        SECOND: {
            "filename": "IMG_002.CR2",
            "file_size": 25600000,
            "taken_at": "2024-07-10T15:45:00Z",
            "created_at": "2024-07-15T10:16:00Z",
            "original_filename": "IMG_002.CR2",
            "file_format": "RAW",
            "width": 6000,
            "height": 4000,
            "has_hotpreview": True,
        },
    },
    "statistics": {"total_files": 127, "index_generated": "2024-10-18T16:45:00Z", "imalink_version": "2.0"},
}

SEED_SIGNATURE: Json = {
    "imalink_storage_version": "1.0",
    "storage_uuid": uuid_of("uuid-1234-5678-90ab-cdef"),
    "display_name": "Main Photo Archive",
    "created_at": "2024-01-15T12:00:00Z",
    "last_indexed": "2024-10-19T20:30:45Z",
    "photo_count": 15432,
    "total_size_bytes": 45678901234,
    "backend_url": "http://localhost:8000/api/v1",
    "notes": "Vacation photos and family archives",
    "tags": ["vacation", "family", "2020-2024"],
}

SEED_MIGRATED_SIGNATURE: Json = {
    "imalink_storage_version": "1.0",
    "storage_uuid": uuid_of("legacy"),
    "display_name": "Old storage",
    "created_at": "2023-01-15T12:00:00Z",
    "migrated_from": "legacy_v0",
    "notes": "Migrated from legacy storage",
}

SEED_MASTER: Json = {
    "index_version": "1.0",
    "storage_uuid": uuid_of("uuid-1234-5678-90ab-cdef"),
    "indexed_at": "2024-10-19T20:30:45Z",
    "total_files": 15432,
    "total_size_bytes": 45678901234,
    "files": {
        FIRST: {
            "hothash": FIRST,
            "filename": "IMG_1234.jpg",
            "relative_path": "photos/2024/01-January/IMG_1234.jpg",
            "file_size": 4567890,
            "import_session_id": 123,
            "indexed_at": "2024-10-19T20:30:45Z",
            "file_modified": "2024-01-15T10:30:00Z",
        },
        SECOND: {
            "hothash": SECOND,
            "filename": "IMG_2345.jpg",
            "relative_path": "photos/2024/02-February/IMG_2345.jpg",
            "file_size": 3456789,
            "import_session_id": 124,
            "indexed_at": "2024-10-19T20:30:45Z",
            "file_modified": "2024-02-10T14:20:00Z",
        },
    },
    "conflicts": [
        {
            "type": "missing_file",
            "hothash": LOST,
            "filename": "IMG_OLD.jpg",
            "expected_path": "photos/2023/IMG_OLD.jpg",
            "last_seen": "2024-10-15T10:00:00Z",
        },
        {
            "type": "orphan_file",
            "path": "photos/unknown/IMG_9999.jpg",
            "file_size": 2345678,
            "detected_at": "2024-10-19T20:30:45Z",
            "reason": "File not in any import session",
        },
        {
            "type": "duplicate_filename",
            "filename": "IMG_1234.jpg",
            "instances": [
                {"hothash": FIRST, "path": "photos/2024/IMG_1234.jpg"},
                {"hothash": SECOND, "path": "photos/Vacation/IMG_1234.jpg"},
            ],
        },
    ],
}
