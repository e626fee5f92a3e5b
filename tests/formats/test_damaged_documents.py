"""A document that cannot be believed is refused with its file and place, and crashes nothing, whatever is wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imalink.errors import IndexDamagedError, NewerFormatError
from imalink.formats.file_records import FileRecord
from imalink.formats.layouts import hybrid
from imalink.formats.layouts.layout import session_number_of
from imalink.formats.registry_file import parse_installation
from imalink.formats.signature_file import parse_signature
from tests.formats.examples import (
    DOCUMENTS,
    INDEXED_SESSION_FILE,
    REGISTRY,
    SESSION_FILE,
    DocumentKind,
    Json,
    as_json,
    full_entry,
    small_session_index,
)

SESSION, MASTER = DOCUMENTS["session-index"], DOCUMENTS["master"]
EVERY = {**DOCUMENTS, "registry": REGISTRY}
KINDS = pytest.mark.parametrize("kind", EVERY.values(), ids=EVERY.keys())
INDEXES = pytest.mark.parametrize("kind", DOCUMENTS.values(), ids=DOCUMENTS.keys())
FILES = {
    "session-index": SESSION_FILE,
    "indexed-session-index": INDEXED_SESSION_FILE,
    "master": "imalink-master.json",
    "overview": "index.json",
    "signature": ".imalink-storage",
    "registry": "storage_config.json",
}
HOTHASH = full_entry().hothash
WAYS = pytest.mark.parametrize("is_slow", [False, True], ids=["strict", "with an unknown key"])


def refusal(kind: DocumentKind, data: bytes) -> IndexDamagedError:
    """Read what must be refused as damaged, and nothing else."""
    with pytest.raises(IndexDamagedError) as caught:
        kind.parse(data)
    return caught.value


def changed(kind: DocumentKind, *steps: str | int, value: object, is_slow: bool = False) -> bytes:
    """Give the example with another value at one place, and an unknown key where the strict way has to give up."""
    document: Any = as_json(kind.data())
    if is_slow:
        document["x_custom"] = 1
    target = document
    for step in steps[:-1]:
        target = target[step]
    target[steps[-1]] = value
    return msgspec.json.encode(document)


FIELDS = [field.encode_name for field in msgspec.structs.fields(FileRecord)]
REQUIRED = [field.encode_name for field in msgspec.structs.fields(FileRecord) if field.required]


@WAYS
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_a_file_with_a_wrong_type_is_named(field: str, is_slow: bool) -> None:
    error = refusal(SESSION, changed(SESSION, "files", HOTHASH, field, value=[1.5], is_slow=is_slow))
    place = f"files.{HOTHASH}.{field}"
    assert error.file == SESSION_FILE
    assert error.place in (place, f"{place}.0")  # the list, or the item in it
    assert str(error).startswith(f"{SESSION_FILE}: files.{HOTHASH}.{field}")


@WAYS
@pytest.mark.parametrize("field", REQUIRED)
def test_a_field_of_a_file_that_is_missing_is_named(field: str, is_slow: bool) -> None:
    document = as_json(SESSION.data())
    del document["files"][HOTHASH][field]
    if is_slow:
        document["x_custom"] = 1
    error = refusal(SESSION, msgspec.json.encode(document))
    assert (error.place, error.reason) == (f"files.{HOTHASH}.{field}", "is missing")


BAD_PATHS = {
    "empty": "",
    "absolute": "/etc/passwd",
    "with dot-dot": "photos/../../etc/passwd",
    "dot-dot": "..",
    "dot": ".",
    "with a dot": "photos/./a.jpg",
    "ends with a slash": "photos/",
    "with an empty part": "photos//a.jpg",
    "with NUL": "photos/a\0.jpg",
    "too long a part": "x" * 256,
    "too long": "ab/" * 1400 + "a",
}
BAD_HASHES = {
    "empty": "",
    "short": "ab" * 31,
    "long": "ab" * 33,
    "upper case": "AB" * 32,
    "no hex": "zz" * 32,
    "with a line break": "ab" * 32 + "\n",
}
BAD_TIMES = {
    "word": "yesterday",
    "empty": "",
    "no zone": "2024-01-01T00:00:00",
    "offset": "2024-01-01T00:00:00+02:00",
    "day 0": "2024-01-00T00:00:00Z",
    "month 13": "2024-13-01T00:00:00Z",
    "year 0": "0000-01-01T00:00:00Z",
    "date": "2024-01-01",
    "ten digits": "2024-01-01T00:00:00.0123456789Z",
    "line break": "2024-01-01T00:00:00Z\n",
}


def _bytes(path: bytes) -> str:
    return base64.b64encode(path).decode()


BAD_VALUES: list[tuple[str, object]] = [
    *(("relative_path", path) for path in BAD_PATHS.values()),
    ("relative_path_bytes", "not base64!"),
    ("relative_path_bytes", "é"),
    ("relative_path_bytes", ""),
    ("relative_path_bytes", _bytes(b"photos/../x")),
    ("relative_path_bytes", _bytes(b"/etc/passwd")),
    ("relative_path_bytes", _bytes(b"a\0b")),
    *(("sha256", text) for text in BAD_HASHES.values()),
    *(("previous_hothashes", [text]) for text in BAD_HASHES.values()),
    *(("file_modified", text) for text in BAD_TIMES.values()),
    *(("imported_at", text) for text in BAD_TIMES.values()),
    *(("last_seen_at", text) for text in BAD_TIMES.values() if text),
    ("file_size", -1),
    ("file_size", 2**53),
    ("file_size", 10**30),
    ("width", 2**63),
    ("height", -(2**63) - 1),
    ("orientation", 10**400),
    ("photo_uuid", ""),
    ("photo_uuid", "abc123-def456"),
    ("status", ""),
    ("status", "Present"),
    ("taken_at_local", "2024-07-10"),
    ("taken_at_local", "2024-02-30T00:00:00"),
    ("taken_at_offset", "CET"),
    ("taken_at_offset", "+2"),
    ("taken_at_source", "guess"),
    ("companions", [{}]),
    ("copies", [{}]),
]


@WAYS
@pytest.mark.parametrize(("field", "value"), BAD_VALUES)
def test_a_field_of_a_file_with_a_wrong_value_is_named(field: str, value: object, is_slow: bool) -> None:
    error = refusal(SESSION, changed(SESSION, "files", HOTHASH, field, value=value, is_slow=is_slow))
    assert error.file == SESSION_FILE
    assert error.place.startswith(f"files.{HOTHASH}.{field}")
    assert error.place.removeprefix(f"files.{HOTHASH}.{field}")[:1] in ("", ".")


def test_the_capture_time_itself_is_named_when_it_stands_alone() -> None:
    document = as_json(SESSION.data())
    for key in ("taken_at_local", "taken_at_offset", "taken_at_source"):
        del document["files"][HOTHASH][key]
    document["files"][HOTHASH]["taken_at"] = "last summer"
    assert refusal(SESSION, msgspec.json.encode(document)).place == f"files.{HOTHASH}.taken_at"


@pytest.mark.parametrize("part", ["companions", "copies"])
@pytest.mark.parametrize("field", ["relative_path", "sha256", "file_size", "file_modified"])
@pytest.mark.parametrize("kind", [SESSION, MASTER], ids=["session", "master"])
def test_a_wrong_value_in_a_companion_or_copy_names_the_list(kind: DocumentKind, part: str, field: str) -> None:
    data = changed(kind, "files", HOTHASH, part, 0, field, value=-1 if field == "file_size" else "..")
    assert refusal(kind, data).place == f"files.{HOTHASH}.{part}"


@WAYS
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field, value in BAD_VALUES if field in ("relative_path", "relative_path_bytes", "sha256")),
        *((field, value) for field, value in BAD_VALUES if field in ("file_modified", "file_size", "status")),
        ("import_session_id", "42"),
        ("import_session_id", 2**63),
        ("hothash", 5),
        ("companions", {}),
        ("copies", [5]),
    ],
)
def test_a_field_of_the_master_with_a_wrong_value_is_named(field: str, value: object, is_slow: bool) -> None:
    error = refusal(MASTER, changed(MASTER, "files", HOTHASH, field, value=value, is_slow=is_slow))
    assert error.file == "imalink-master.json"
    assert error.place.startswith(f"files.{HOTHASH}.{field}")


@pytest.mark.parametrize("key", BAD_HASHES.values(), ids=BAD_HASHES.keys())
@pytest.mark.parametrize("kind", [SESSION, MASTER], ids=["session", "master"])
def test_a_file_under_a_key_that_is_no_hothash_is_refused(kind: DocumentKind, key: str) -> None:
    record = as_json(kind.data())["files"][HOTHASH]
    assert refusal(kind, changed(kind, "files", key, value=record)).place == f"files.{key}"


OTHER_PLACES: list[tuple[str, tuple[str | int, ...], object, str]] = [
    ("session-index", ("import_session", "session_uuid"), "x", "import_session.session_uuid"),
    ("session-index", ("import_session", "imported_at"), "x", "import_session.imported_at"),
    ("session-index", ("import_session", "status"), "x", "import_session.status"),
    ("session-index", ("import_session", "id"), "42", "import_session.id"),
    ("session-index", ("import_session", "id"), 2**64, "import_session.id"),
    ("session-index", ("import_session", "default_author"), {"email": "x"}, "import_session.default_author.name"),
    ("session-index", ("statistics", "total_files"), None, "statistics.total_files"),
    ("session-index", ("errors",), {}, "errors"),
    ("session-index", ("errors", 0, "code"), 5, "errors.0.code"),
    ("session-index", ("files", HOTHASH, "gps"), {"latitude": 1.0}, f"files.{HOTHASH}.gps.longitude"),
    ("session-index", ("files", HOTHASH, "gps", "latitude"), "N 41", f"files.{HOTHASH}.gps.latitude"),
    ("session-index", ("files", HOTHASH, "camera", "iso"), 1.5, f"files.{HOTHASH}.camera.iso"),
    ("session-index", ("files", HOTHASH, "embedded", "keywords"), "a, b", f"files.{HOTHASH}.embedded.keywords"),
    ("session-index", ("photos",), [], "photos"),
    ("session-index", ("sources", "journals"), [], "sources.journals"),
    ("session-index", ("generation",), "3", "generation"),
    ("master", ("files",), [], "files"),
    ("master", ("files", HOTHASH), [], f"files.{HOTHASH}"),
    ("master", ("conflicts",), {}, "conflicts"),
    ("master", ("conflicts", 1, "path"), "../x", "conflicts.1"),
    ("overview", ("storage_info",), [], "storage_info"),
    ("overview", ("storage_info", "storage_uuid"), "x", "storage_info.storage_uuid"),
    ("overview", ("storage_info", "total_size_mb"), "big", "storage_info.total_size_mb"),
    ("overview", ("import_sessions",), {}, "import_sessions"),
    ("signature", ("storage_uuid",), "x", "storage_uuid"),
    ("signature", ("storage_uuid",), None, "storage_uuid"),
    ("signature", ("created_at",), "x", "created_at"),
    ("signature", ("previous_uuids",), ["x"], "previous_uuids"),
    ("signature", ("tags",), "a, b", "tags"),
    ("signature", ("imalink_storage_version",), "one", "imalink_storage_version"),
    ("signature", ("imalink_storage_version",), "²", "imalink_storage_version"),
    ("signature", ("imalink_storage_version",), "9" * 5000, "imalink_storage_version"),
    ("signature", ("imalink_storage_version",), "", "imalink_storage_version"),
    ("registry", ("storages",), [], "storages"),
]


@pytest.mark.parametrize(("name", "steps", "value", "place"), OTHER_PLACES)
def test_a_wrong_value_anywhere_else_names_file_and_place(
    name: str, steps: tuple[str | int, ...], value: object, place: str
) -> None:
    error = refusal(EVERY[name], changed(EVERY[name], *steps, value=value))
    assert (error.file, error.place) == (FILES[name], place)


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("overview", ("storage_info", "storage_uuid")),
        ("overview", ("storage_info", "uuid")),
        ("overview", ("import_sessions", 1, "id")),
        ("session-index", ("import_session", "session_uuid")),
        ("session-index", ("import_session", "title")),
        ("session-index", ("statistics", "total_files")),
        ("master", ("files", HOTHASH, "relative_path")),
        ("signature", ("display_name",)),
    ],
)
def test_a_missing_key_is_named_itself_and_not_one_of_a_similar_name(name: str, steps: tuple[str | int, ...]) -> None:
    document: Any = as_json(EVERY[name].data())
    target = document
    for step in steps[:-1]:
        target = target[step]
    del target[steps[-1]]
    error = refusal(EVERY[name], msgspec.json.encode(document))
    assert error.reason == "is missing"
    assert error.place.split(".")[-1] == steps[-1]


@KINDS
def test_a_document_cut_off_at_any_byte_is_refused(kind: DocumentKind) -> None:
    data = kind.data() if kind is not SESSION else hybrid.dump_session(small_session_index())
    kind.parse(data[:-1])  # the line break at the end is for people
    for length in range(len(data) - 1):
        error = refusal(kind, data[:length])
        assert error.file == FILES[kind.name]


@KINDS
def test_something_behind_the_document_is_refused(kind: DocumentKind) -> None:
    for tail in (b"x", b"{}", b"\0", b"}", b","):
        refusal(kind, kind.data() + tail)


@KINDS
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"[]",
        b"5",
        b'"x"',
        b"null",
        b"true",
        b"{",
        b"{]",
        b"\0" * 100,
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b"{}",
    ],
)
def test_a_document_that_is_no_object_of_its_kind_is_refused(kind: DocumentKind, data: bytes) -> None:
    if data == b"{}" and kind is REGISTRY:
        return  # a registry of nothing
    error = refusal(kind, data)
    assert error.file == FILES[kind.name]
    assert error.reason


@KINDS
@given(data=st.binary(max_size=200))
@settings(max_examples=50)
def test_random_bytes_are_refused(kind: DocumentKind, data: bytes) -> None:
    refusal(kind, data)


@KINDS
def test_a_document_with_random_changes_is_read_or_refused_and_nothing_else(kind: DocumentKind) -> None:
    data = kind.data() if kind is not SESSION else hybrid.dump_session(small_session_index())
    chance = random.Random(2024)
    refused = 0
    for _ in range(400):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(broken))
            junk = chance.choice([b"", b'"', b"{", b"]", b"\\u", b"-1", b"1e999", b"null", chance.randbytes(3)])
            broken[start : start + chance.randint(0, 6)] = junk
        try:
            kind.parse(bytes(broken))
        except (IndexDamagedError, NewerFormatError):
            refused += 1
    assert refused > 200


NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400, "9" * 5000, "0x10", "01", "1_000", "+1"]


@KINDS
@pytest.mark.parametrize("number", NUMBERS, ids=[number[:12] + str(len(number)) for number in NUMBERS])
def test_a_number_that_is_none_of_json_or_too_large_is_refused(kind: DocumentKind, number: str) -> None:
    place = {"session-index": "generation", "registry": "storages"}.get(kind.name, "generation")
    text = json.dumps(as_json(kind.data()) | {place: "HERE"}).replace('"HERE"', number)
    refusal(kind, text.encode())


@INDEXES
@pytest.mark.parametrize("number", ["NaN", "1e999", "9" * 5000])
def test_such_a_number_under_an_unknown_key_is_refused_too(kind: DocumentKind, number: str) -> None:
    refusal(kind, json.dumps(as_json(kind.data()) | {"x": "HERE"}).replace('"HERE"', number).encode())


def nested(levels: int, *, is_list: bool) -> bytes:
    return b"[" * levels + b"]" * levels if is_list else b'{"a":' * levels + b"1" + b"}" * levels


@KINDS
@pytest.mark.parametrize("is_list", [True, False], ids=["lists", "objects"])
@pytest.mark.parametrize("levels", [100, 990, 10_000, 300_000])
def test_deep_nesting_is_refused_and_crashes_nothing(kind: DocumentKind, levels: int, is_list: bool) -> None:
    deep = nested(levels, is_list=is_list)
    body = msgspec.json.encode(as_json(kind.data()), order="sorted")
    field = b"storages" if kind.name == "registry" else b"generation"
    refusal(kind, deep)
    refusal(kind, body[:-1] + b',"x_custom":' + deep + b"}")
    refusal(kind, body[:-1] + b',"' + field + b'":' + deep + b"}")


@INDEXES
def test_deep_nesting_is_refused_with_a_digest_that_fits_too(kind: DocumentKind) -> None:
    body = msgspec.json.encode(as_json(kind.data()), order="sorted")
    bare = body[:-1] + b',"x_custom":' + nested(10_000, is_list=True) + b"}"
    digest = hashlib.sha256(bare).hexdigest().encode()
    refusal(kind, bare[:-1] + b',"content_sha256":"' + digest + b'"}')


@INDEXES
def test_broken_utf8_is_refused_with_a_digest_that_fits_too(kind: DocumentKind) -> None:
    text, place = {
        "session-index": ("Two weeks", "import_session.description"),
        "indexed-session-index": ("Two weeks", "description"),
        "master": ("File not in any import session", "conflicts.1"),
        "overview": ("Wedding", "import_sessions.1"),
        "signature": ("Vacation photos", "notes"),
    }[kind.name]
    bare = msgspec.json.encode(as_json(kind.data()), order="sorted").replace(text.encode(), b"\xff\xfe", 1)
    digest = hashlib.sha256(bare).hexdigest().encode()
    error = refusal(kind, bare[:-1] + b',"content_sha256":"' + digest + b'"}')
    assert error.file == FILES[kind.name]
    assert error.place == place


def test_half_a_surrogate_pair_is_refused() -> None:
    data = SESSION.data().replace(b"Two weeks", b"\\ud800", 1)
    refusal(SESSION, data)


@KINDS
def test_of_a_duplicate_key_the_last_counts(kind: DocumentKind) -> None:
    field = "storages" if kind.name == "registry" else "generation"
    body = json.dumps({field: 1, **as_json(kind.data())})
    doubled = '{"' + field + '": "wrong", ' + body[1:]
    assert kind.parse(doubled.encode())[0] == kind.example()
    refusal(kind, (body[:-1] + ', "' + field + '": "wrong"}').encode())


def test_a_huge_document_of_nothing_is_refused_in_its_turn() -> None:
    refusal(SESSION, b'{"files": {' + b",".join(b'"%d": {}' % number for number in range(50_000)) + b"}}")
    refusal(SESSION, b"[" + b"0," * 1_000_000 + b"0]")


def test_a_message_of_damage_names_the_file_first_then_the_place_then_the_reason() -> None:
    error = refusal(SESSION, changed(SESSION, "files", HOTHASH, "file_size", value="big"))
    assert str(error) == f"{SESSION_FILE}: files.{HOTHASH}.file_size: expected `int`, got `str`"
    assert error.code == "index-damaged"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"writer": 5}', b"\xff", nested(10_000, is_list=True)])
def test_an_installation_file_that_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(IndexDamagedError) as caught:
        parse_installation(data)
    assert caught.value.file == "installation.json"


@pytest.mark.parametrize("version", ["2.0", "2", "10.1", "999999999"])
def test_a_signature_of_a_newer_format_is_told_apart_from_a_damaged_one(version: str) -> None:
    kind = DOCUMENTS["signature"]
    with pytest.raises(NewerFormatError, match="Nothing was changed|writes 1.0"):
        parse_signature(changed(kind, "imalink_storage_version", value=version))


@pytest.mark.parametrize("version", ["1.0", "1", "1.9", "0.9", "1.x"])
def test_a_signature_of_this_format_or_an_older_one_is_read(version: str) -> None:
    kind = DOCUMENTS["signature"]
    assert parse_signature(changed(kind, "imalink_storage_version", value=version)) == kind.example()


def test_a_signature_that_people_edited_is_read() -> None:
    kind = DOCUMENTS["signature"]
    edited = kind.data().replace(b"Vacation photos", b"Our photos")
    assert parse_signature(edited).notes == "Our photos"


@pytest.mark.parametrize(
    ("name", "number"),
    [("session_1.json", 1), ("session_42.json", 42), ("session_007.json", 7), ("session_999999999.json", 999_999_999)],
)
def test_a_session_file_tells_its_number(name: str, number: int) -> None:
    assert session_number_of(name) == number


@pytest.mark.parametrize(
    "name",
    [
        "session_.json",
        "session_1.json~",
        "session_1.json\n",
        "Session_1.json",
        "session_-1.json",
        "session_1234567890.json",
        "session_٤٢.json",
        "xsession_1.json",
        "session_1.jsonl",
    ],
)
def test_another_file_is_no_session(name: str) -> None:
    assert session_number_of(name) is None


def _document(kind: DocumentKind) -> Json:
    return as_json(kind.data())


def test_what_the_overview_says_of_its_place_is_only_a_note() -> None:
    kind = DOCUMENTS["overview"]
    info = _document(kind)["storage_info"]
    assert info["uuid"] == info["storage_uuid"]
    assert info["full_path"] == f"{info['base_path']}/{info['directory_name']}"
    assert info["is_accessible"] is True


def test_sizes_in_megabytes_are_binary_and_have_two_digits() -> None:
    assert _document(DOCUMENTS["overview"])["storage_info"]["total_size_mb"] == round(4000 / 1024 / 1024, 2)
