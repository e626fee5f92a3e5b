"""Make the JSON Schemas of every file ImaLink writes, from the types that read and write them.

    python scripts/make_schemas.py            # write src/imalink/formats/schemas/*.schema.json
    python scripts/make_schemas.py --check    # say which of them are out of date, and change nothing

The wire types say which keys there are and of what type. This script adds what they cannot say: which keys every
reader of the format may count on, and what hashes, UUIDs, times and paths look like. Keys that are not named are
allowed at every level.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from imalink.core.index import FileStatus
from imalink.core.session import SessionStatus
from imalink.formats.commit_file import RunLine
from imalink.formats.journal_file import LineRecord
from imalink.formats.layouts.hybrid_records import MasterRecord, OverviewRecord, SessionIndexRecord
from imalink.formats.layouts.indexed import IndexedSessionRecord
from imalink.formats.layouts.master_codec import MASTER_VERSION
from imalink.formats.layouts.overview_codec import IMALINK_VERSION
from imalink.formats.library_file import LibraryRecord
from imalink.formats.records import MAX_SIZE_BYTES
from imalink.formats.registry_file import RegistryRecord
from imalink.formats.signature_file import SIGNATURE_VERSION, SignatureRecord

Schema = dict[str, Any]
FOLDER = Path(__file__).resolve().parent.parent / "src" / "imalink" / "formats" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_HEX64 = "^[0-9a-f]{64}$"
_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_LOCAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
_END = r"(?![\s\S])"  # unlike `$`, no dialect lets it stand before a last line break
_PART = rf"(?!\.{{1,2}}(/|{_END}))[^/\u0000]+"

HOTHASH: Schema = {"pattern": _HEX64, "description": "Which picture: a hothash, 64 lower-case hex digits."}
SHA256: Schema = {"pattern": _HEX64, "description": "Which bytes: SHA-256, 64 lower-case hex digits."}
UUID: Schema = {"pattern": _UUID, "description": "A UUID in lower case."}
UUID_OR_NONE: Schema = {
    "pattern": f"^$|{_UUID}",
    "description": "A UUID in lower case; empty where it goes without saying.",
}
INSTANT: Schema = {"pattern": f"^{_LOCAL}Z$", "description": "ISO 8601 in UTC, with Z."}
INSTANT_OR_NONE: Schema = {"pattern": f"^$|^{_LOCAL}Z$", "description": "ISO 8601 in UTC, with Z; or empty."}
LINE_DIGEST: Schema = {
    "pattern": "^([0-9a-f]{16})?$",
    "description": "The first 16 hex digits of a journal line's SHA-256.",
}
PATH: Schema = {
    "pattern": f"^{_PART}(/{_PART})*{_END}",
    "description": "A path below the storage's root, with slashes; for people only where its bytes stand beside it.",
}
PATH_BYTES: Schema = {
    "pattern": "^[A-Za-z0-9+/]+={0,2}$",
    "contentEncoding": "base64",
    "description": "The path's bytes in base64; only for a path that is not UTF-8.",
}

BY_NAME: Mapping[str, Schema] = {
    **dict.fromkeys(["hothash", "old_hothash", "primary", "previous_hothashes", "hothashes"], HOTHASH),
    **dict.fromkeys(["sha256", "content_sha256"], SHA256),
    **dict.fromkeys(["uuid", "storage_uuid", "session_uuid", "run_uuid", "photo_uuid", "previous_uuids"], UUID),
    **dict.fromkeys(
        """at created_at imported_at indexed_at last_indexed last_scan last_seen last_seen_at file_modified taken_at
        index_generated deleted_at detected_at started_at finished_at copy_started_at copy_completed_at
        last_used""".split(),
        INSTANT,
    ),
    **dict.fromkeys(["relative_path", "expected_path", "path", "old_path", "new_path"], PATH),
    **dict.fromkeys(["relative_path_bytes", "path_bytes", "old_path_bytes", "new_path_bytes"], PATH_BYTES),
    "file_size": {"minimum": 0, "maximum": MAX_SIZE_BYTES, "description": "Bytes."},
    "prev": LINE_DIGEST,
    "taken_at_local": {"pattern": f"^{_LOCAL}$", "description": "What the camera's clock said."},
    "taken_at_offset": {"pattern": "^[+-][0-9]{2}:[0-9]{2}$", "description": "The camera clock's offset from UTC."},
}
"""What the values of a key look like, wherever it stands; for a list, its items."""

_FILE_STATUS: Schema = {"enum": [status.value for status in FileStatus]}
BY_PLACE: Mapping[tuple[str, str], Schema] = {
    ("FileRecord", "status"): _FILE_STATUS,
    ("CopyRecord", "status"): _FILE_STATUS,
    ("MasterFileRecord", "status"): _FILE_STATUS,
    ("SessionRecord", "status"): {"enum": [status.value for status in SessionStatus]},
    ("SessionRecord", "storage_uuid"): UUID_OR_NONE,
    ("IndexedSessionRecord", "status"): {"enum": [status.value for status in SessionStatus]},
    ("IndexedSessionRecord", "import_date"): INSTANT,
    ("IndexedSessionRecord", "imalink_version"): {"const": IMALINK_VERSION},
    ("IndexedFileRecord", "status"): _FILE_STATUS,
    ("FindingRecord", "path"): {"description": "The path as people know it; empty where none is concerned."},
    ("PhotoRecord", "files"): HOTHASH,
    ("JoinedItem", "joined"): UUID,
    ("PositionRecord", "digest"): LINE_DIGEST,
    ("EndLine", "digest"): SHA256,
    ("RegistryRecord", "last_updated"): INSTANT_OR_NONE,
    ("SummaryRecord", "index_file"): {"pattern": r"^(imports|imalink-sessions)/session_[0-9]{1,9}\.json$"},
    ("SignatureRecord", "imalink_storage_version"): {"const": SIGNATURE_VERSION},
    ("OverviewRecord", "imalink_version"): {"const": IMALINK_VERSION},
    ("StatisticsRecord", "imalink_version"): {"const": IMALINK_VERSION},
    ("MasterRecord", "index_version"): {"const": MASTER_VERSION},
    ("RegistryRecord", "version"): {"const": "1.0"},
}
"""The same for a key of one type, instead of what its name says."""

KEYS: Mapping[tuple[str, str], Schema] = {
    ("SessionIndexRecord", "files"): HOTHASH,
    ("SessionIndexRecord", "deleted"): HOTHASH,
    ("SessionIndexRecord", "photos"): UUID,
    ("IndexedSessionRecord", "deleted"): HOTHASH,
    ("IndexedSessionRecord", "photos"): UUID,
    ("MasterRecord", "files"): HOTHASH,
    ("RegistryRecord", "storages"): UUID,
}
"""What the keys of an object look like that is used as a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file or line: its wire type, and which keys a reader may count on where fewer than we write."""

    wire: Any
    description: str
    required: Mapping[str, str] = field(default_factory=dict[str, str])
    has_digest: bool = False
    is_open: bool = False
    """Whether a reader skips list items of a kind it does not know."""


KINDS: Mapping[str, Kind] = {
    "signature": Kind(
        wire=SignatureRecord,
        description=".imalink-storage at a storage's root: which storage it is.",
        has_digest=True,
        required={
            "SignatureRecord": "imalink_storage_version storage_uuid display_name created_at last_indexed "
            "photo_count total_size_bytes backend_url notes tags",
        },
    ),
    "overview": Kind(
        wire=OverviewRecord,
        description="index.json at a storage's root: the storage and its import sessions.",
        has_digest=True,
        required={
            "OverviewRecord": "storage_info import_sessions imalink_version",
            "StorageInfoRecord": "uuid directory_name base_path display_name created_at last_scan is_accessible "
            "total_files total_size_mb",
            "SummaryRecord": "id title imported_at file_count index_file",
        },
    ),
    "library": Kind(
        wire=LibraryRecord,
        description=".imalink/metadata/library.json: what was said of authors, collections and saved searches.",
        has_digest=True,
        required={
            "LibraryRecord": "imalink_library_version generated_at generation items",
            "ItemRecord": "kind key fields",
            "FieldRecord": "value clock",
        },
    ),
    "session-index": Kind(
        wire=SessionIndexRecord,
        description="imports/session_N.json: all that came in with one import session.",
        has_digest=True,
        required={
            "SessionIndexRecord": "import_session files statistics",
            "SessionRecord": "id title description imported_at default_author_id file_storage_id storage_directory",
            "FileRecord": "filename file_size taken_at created_at original_filename file_format width height "
            "has_hotpreview",
            "StatisticsRecord": "total_files index_generated imalink_version",
        },
    ),
    "indexed-session-index": Kind(
        wire=IndexedSessionRecord,
        description="imalink-sessions/session_N.json in a folder of the user's own: all that came in with one import "
        "session.",
        has_digest=True,
        required={
            "IndexedSessionRecord": "session_id session_title import_date source_path storage_uuid backend_session_id "
            "files stats errors",
            "IndexedFileRecord": "original_filename storage_filename relative_path hothash file_size imported_at "
            "exif_extracted sent_to_backend",
            "CountsRecord": "total_scanned new_imports duplicates_skipped errors total_size_bytes",
        },
    ),
    "master": Kind(
        wire=MasterRecord,
        description="imalink-master.json at a storage's root: where every file is, and what is wrong.",
        has_digest=True,
        is_open=True,
        required={
            "MasterRecord": "index_version storage_uuid indexed_at total_files total_size_bytes files conflicts",
            "MasterFileRecord": "hothash filename relative_path file_size import_session_id indexed_at file_modified",
            "OrphanFileRecord": "type path file_size detected_at reason",
        },
    ),
    "commit-line": Kind(
        wire=RunLine,
        description="The JSON of one line of .imalink/metadata/commits/<run>.jsonl.",
    ),
    "journal-line": Kind(
        wire=LineRecord,
        description="The JSON of one line of .imalink/metadata/journal/<writer>/<n>.jsonl.",
        is_open=True,
    ),
    "registry": Kind(
        wire=RegistryRecord,
        description="storage_config.json: this machine's list of storages.",
    ),
}


def make_schemas() -> dict[str, str]:
    """Give the text of every schema by its file name."""
    return {
        f"{name}.schema.json": json.dumps(_schema(name, kind), indent=2, ensure_ascii=False) + "\n"
        for name, kind in KINDS.items()
    }


def _schema(name: str, kind: Kind) -> Schema:
    (root,), components = msgspec.json.schema_components([kind.wire], ref_template="#/$defs/{name}")
    for component, schema in components.items():
        _complete(component, schema, kind)
    if kind.has_digest:
        top: Schema = components[kind.wire.__name__]
        top["properties"]["content_sha256"] = {"type": "string", **SHA256}
    return {
        "$schema": DIALECT,
        "$id": f"urn:imalink:schema:{name}:1",
        "title": name,
        "description": kind.description,
        **{key: value for key, value in root.items() if key != "discriminator"},
        "$defs": dict(sorted(components.items())),
    }


def _complete(component: str, schema: Schema, kind: Kind) -> None:
    schema["title"] = re.sub(r"(?<=.)(Record|Item|Line)$", "", component)
    schema["description"] = schema.get("description", "").split("\n\n")[0].replace("``", "`").replace("\n", " ")
    schema["additionalProperties"] = True
    if component in kind.required:
        schema["required"] = kind.required[component].split()
    for key, property_ in schema["properties"].items():
        looks = BY_PLACE.get((component, key), BY_NAME.get(key))
        if looks is not None:
            _add_looks(property_, looks)
        if (component, key) in KEYS:
            property_["propertyNames"] = {"pattern": KEYS[component, key]["pattern"]}
        if kind.is_open and "discriminator" in (property_.get("items") or {}):
            _open(property_["items"])


def _add_looks(property_: Schema, looks: Schema) -> None:
    """Add what its values look like: to the type itself, to the one that is not null, or to the items of a list."""
    looks = dict(looks)
    if "description" in looks:
        property_["description"] = looks.pop("description")
    for target in property_.get("anyOf", [property_]):
        if target.get("type") == "null":
            continue
        (target["items"] if target.get("type") == "array" else target).update(looks)


def _open(items: Schema) -> None:
    """Allow list items of kinds that a later version may bring."""
    discriminator: Schema = items.pop("discriminator")
    tag = discriminator["propertyName"]
    known = list(discriminator["mapping"])
    other: Schema = {
        "type": "object",
        "properties": {tag: {"type": "string", "not": {"enum": known}}},
        "required": [tag],
    }
    items["anyOf"].append(other)


def outdated(folder: Path = FOLDER) -> list[str]:
    """Name the files in ``folder`` that differ from what this script makes, too many and too few ones included."""
    made = make_schemas()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.schema.json")}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the JSON Schemas of ImaLink's files.")
    parser.add_argument("--check", action="store_true", help="only say which are out of date")
    options = parser.parse_args()
    names = outdated()
    for name in names:
        print(f"{'out of date' if options.check else 'written'}: {name}")
    if options.check:
        return 1 if names else 0
    FOLDER.mkdir(exist_ok=True)
    made = make_schemas()
    for name in names:
        if name in made:
            (FOLDER / name).write_text(made[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
