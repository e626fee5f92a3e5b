"""The JSON Schemas: made from the code, true of every file it writes, and of what the seeds show."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from imalink.core.index import MasterIndex, Overview, SessionIndex
from imalink.core.journal import Commit, Observation
from imalink.core.signature import Signature
from imalink.formats.journal_file import dump_journal_line
from imalink.formats.layouts import hybrid, master_codec, overview_codec
from imalink.formats.signature_file import dump_signature
from scripts import make_schemas
from tests.formats import strategies
from tests.formats.examples import DOCUMENTS, REGISTRY, Json, full_entry, journal_lines, run_lines
from tests.formats.seed_samples import SEED_MASTER, SEED_OVERVIEW, SEED_SESSION, SEED_SIGNATURE
from tests.formats.test_unknown_keys import at, objects_of

pytestmark = pytest.mark.schema_validation

NAMES = list(make_schemas.KINDS)
HOTHASH = full_entry().hothash


def load(name: str) -> Json:
    return cast(Json, json.loads((make_schemas.FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")))


VALIDATORS = {name: Draft202012Validator(load(name)) for name in NAMES}


def complaints(name: str, value: Json) -> list[str]:
    """Say what a schema has against a value."""
    errors = VALIDATORS[name].iter_errors(value)  # pyright: ignore[reportUnknownMemberType] - jsonschema's own types
    return [f"{error.json_path}: {error.message}" for error in errors]


def read(data: bytes) -> Json:
    return cast(Json, json.loads(data))


def payloads(lines: list[bytes]) -> list[Json]:
    return [read(line[9:]) for line in lines]


def examples(name: str) -> list[Json]:
    """Give every example of a kind."""
    match name:
        case "commit-line":
            return payloads(run_lines())
        case "journal-line":
            return payloads(journal_lines())
        case "registry":
            return [read(REGISTRY.data())]
        case "library":
            return [read((Path(__file__).parent.parent / "golden/indexes/v1/library.json").read_bytes())]
        case _:
            return [read(DOCUMENTS[name].data())]


def test_the_committed_schemas_are_the_generated_ones() -> None:
    assert make_schemas.outdated() == [], "run: python scripts/make_schemas.py"


def test_a_schema_that_is_out_of_date_or_missing_or_too_many_is_seen(tmp_path: Path) -> None:
    for name, text in make_schemas.make_schemas().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert make_schemas.outdated(tmp_path) == []
    (tmp_path / "master.schema.json").unlink()
    (tmp_path / "registry.schema.json").write_text("{}")
    (tmp_path / "other.schema.json").write_text("{}")
    assert make_schemas.outdated(tmp_path) == ["master.schema.json", "other.schema.json", "registry.schema.json"]


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_one_itself(name: str) -> None:
    Draft202012Validator.check_schema(load(name))
    assert load(name)["$schema"] == make_schemas.DIALECT


def _schemas_of_objects(name: str) -> Iterator[tuple[str, Json]]:
    yield from cast(dict[str, Json], load(name)["$defs"]).items()


@pytest.mark.parametrize("name", NAMES)
def test_every_object_has_a_title_and_a_description_and_lets_other_keys_be(name: str) -> None:
    assert load(name)["description"]
    for component, schema in _schemas_of_objects(name):
        assert schema["title"], component
        assert schema["description"], component
        assert schema["additionalProperties"] is True, component


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_valid(name: str) -> None:
    for value in examples(name):
        assert complaints(name, value) == []


@pytest.mark.parametrize("name", NAMES)
def test_unknown_keys_are_valid_at_every_level(name: str) -> None:
    tables = frozenset(
        {"files", "photos", "deleted", "journals", "facts", "clocks", "tag_changes", "custom", "counts", "storages"}
        | {"fields", "values"}
    )
    for value in examples(name):
        # A commit's entry and a photo have lists named `files`; what is a table here is one only in documents.
        for _, members in list(objects_of(value, tables)):
            members["x_custom"] = {"any": ["thing"]}
        assert complaints(name, value) == []


@given(strategies.session_indexes)
@settings(max_examples=40)
def test_every_session_index_that_is_written_is_valid(index: SessionIndex) -> None:
    assert complaints("session-index", read(hybrid.dump_session(index))) == []


@given(strategies.master_indexes)
@settings(max_examples=40)
def test_every_master_that_is_written_is_valid(master: MasterIndex) -> None:
    assert complaints("master", read(master_codec.dump_master(master))) == []


@given(strategies.overviews)
@settings(max_examples=40)
def test_every_overview_that_is_written_is_valid(overview: Overview) -> None:
    assert complaints("overview", read(overview_codec.dump_overview(overview))) == []


@given(strategies.signatures)
@settings(max_examples=40)
def test_every_signature_that_is_written_is_valid(signature: Signature) -> None:
    assert complaints("signature", read(dump_signature(signature))) == []


@given(strategies.commits)
@settings(max_examples=40)
def test_every_line_of_a_commit_is_valid(run: Commit) -> None:
    lines = run_lines(run) if run.plans else []
    for value in payloads(lines):
        assert complaints("commit-line", value) == []


@given(strategies.observations)
@settings(max_examples=60)
def test_every_line_of_a_journal_is_valid(observation: Observation) -> None:
    line, _ = dump_journal_line([observation], seq=1, prev="", lamport=1, at="2024-01-01T00:00:00Z")
    assert complaints("journal-line", read(line[9:])) == []


SEED_KEYS = {
    ("overview", "OverviewRecord"): "storage_info import_sessions imalink_version",
    ("overview", "StorageInfoRecord"): """uuid directory_name base_path display_name created_at last_scan is_accessible
        total_files total_size_mb""",
    ("overview", "SummaryRecord"): "id title imported_at file_count index_file",
    ("session-index", "SessionIndexRecord"): "import_session files statistics",
    ("session-index", "SessionRecord"): """id title description imported_at default_author_id file_storage_id
        storage_directory""",
    (
        "session-index",
        "FileRecord",
    ): """filename file_size taken_at created_at original_filename file_format width height
        has_hotpreview""",
    ("session-index", "StatisticsRecord"): "total_files index_generated imalink_version",
    ("signature", "SignatureRecord"): """imalink_storage_version storage_uuid display_name created_at last_indexed
        photo_count total_size_bytes backend_url notes tags""",
    ("master", "MasterRecord"): "index_version storage_uuid indexed_at total_files total_size_bytes files conflicts",
    ("master", "MasterFileRecord"): """hothash filename relative_path file_size import_session_id indexed_at
        file_modified""",
}


@pytest.mark.parametrize(("name", "component"), SEED_KEYS, ids=[":".join(key) for key in SEED_KEYS])
def test_exactly_the_keys_of_the_seeds_are_required(name: str, component: str) -> None:
    schema = dict(_schemas_of_objects(name))[component]
    assert sorted(schema["required"]) == sorted(SEED_KEYS[name, component].split())
    assert set(schema["required"]) <= set(schema["properties"])


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("overview", SEED_OVERVIEW),
        ("session-index", SEED_SESSION),
        ("signature", SEED_SIGNATURE),
        ("master", SEED_MASTER),
    ],
)
def test_the_samples_of_the_seeds_are_valid(name: str, sample: Json) -> None:
    assert complaints(name, sample) == []


WRONG: list[tuple[str, tuple[str | int, ...], object]] = [
    ("overview", ("imalink_version",), "2.1"),
    ("overview", ("storage_info", "uuid"), "abc123-def456"),
    ("overview", ("storage_info", "created_at"), "2024-10-18T14:30:52"),
    ("overview", ("storage_info", "total_size_mb"), "1250.5"),
    ("overview", ("import_sessions", 0, "index_file"), "../session_42.json"),
    ("overview", ("import_sessions", 0, "imported_at"), "2024-10-18 14:30:52Z"),
    ("session-index", ("import_session", "session_uuid"), "X"),
    ("session-index", ("import_session", "status"), "done"),
    ("session-index", ("files", "abc"), {}),
    ("session-index", ("files", HOTHASH, "sha256"), "AB" * 32),
    ("session-index", ("files", HOTHASH, "relative_path"), "../x"),
    ("session-index", ("files", HOTHASH, "relative_path"), "/x"),
    ("session-index", ("files", HOTHASH, "relative_path"), ""),
    ("session-index", ("files", HOTHASH, "relative_path"), "a//b"),
    ("session-index", ("files", HOTHASH, "relative_path"), "a/\0"),
    ("session-index", ("files", HOTHASH, "relative_path_bytes"), "no base64"),
    ("session-index", ("files", HOTHASH, "file_size"), -1),
    ("session-index", ("files", HOTHASH, "file_size"), 2**53),
    ("session-index", ("files", HOTHASH, "width"), 2**63),
    ("session-index", ("files", HOTHASH, "status"), "gone"),
    ("session-index", ("files", HOTHASH, "taken_at_offset"), "CET"),
    ("session-index", ("files", HOTHASH, "taken_at_source"), "guess"),
    ("session-index", ("files", HOTHASH, "file_modified"), "2024-07-10T14:30:00.1234567890Z"),
    ("session-index", ("files", HOTHASH, "previous_hothashes"), ["x"]),
    ("session-index", ("photos", "x"), {"files": [], "primary": HOTHASH}),
    ("session-index", ("statistics", "imalink_version"), "1.0"),
    ("session-index", ("content_sha256",), "x"),
    ("master", ("files", HOTHASH, "hothash"), "x"),
    ("master", ("conflicts", 0), {"type": "orphan_file"}),
    ("master", ("conflicts", 0), {"type": "missing_file", "hothash": "x"}),
    ("master", ("conflicts", 0), {}),
    ("master", ("index_version",), "2.0"),
    ("signature", ("imalink_storage_version",), "2.0"),
    ("signature", ("tags",), "vacation"),
    ("signature", ("previous_uuids",), ["x"]),
    ("registry", ("storages", "x"), {}),
    ("registry", ("last_updated",), "today"),
    ("commit-line", ("op",), "other"),
    ("commit-line", ("session", "title"), None),
    ("journal-line", ("prev",), "x"),
    ("journal-line", ("items", 0), {"op": "moved"}),
]


@pytest.mark.parametrize(("name", "steps", "value"), WRONG)
def test_a_wrong_value_is_invalid(name: str, steps: tuple[str | int, ...], value: object) -> None:
    document: Any = copy.deepcopy(examples(name)[0])
    at(document, steps[:-1])[cast(str, steps[-1])] = value
    assert complaints(name, document) != []


@pytest.mark.parametrize("name", ["overview", "session-index", "signature", "master"])
def test_a_file_without_a_required_key_is_invalid(name: str) -> None:
    for component, schema in _schemas_of_objects(name):
        if (name, component) in SEED_KEYS:
            found = [
                (steps, key)
                for steps, members in objects_of(examples(name)[0], frozenset())
                for key in schema["required"]
                if set(schema["required"]) <= members.keys()
            ]
            assert found, component
            for steps, key in found:
                document = examples(name)[0]
                del at(document, steps)[key]
                assert complaints(name, document) != [], (component, key)


@pytest.mark.parametrize(
    "path", ["a", "...", "a/.hidden", "a/..b", "..\n", "a\n", "photos/Zürich/a b.jpg", "a\\b", "é/."[:1]]
)
def test_a_path_that_a_disk_may_hold_is_valid(path: str) -> None:
    document = examples("session-index")[0]
    document["files"][HOTHASH]["relative_path"] = path
    assert complaints("session-index", document) == []


def test_the_wheel_would_hold_the_schemas() -> None:
    assert make_schemas.FOLDER.name == "schemas"
    assert sorted(path.name for path in make_schemas.FOLDER.iterdir()) == sorted(
        f"{name}.schema.json" for name in NAMES
    )


def test_conflicts_and_operations_of_later_versions_are_valid_where_readers_pass_over_them() -> None:
    master = examples("master")[0]
    master["conflicts"].append({"type": "from_the_future", "filename": "a.jpg"})
    assert complaints("master", master) == []
    line = examples("journal-line")[0]
    line["items"].append({"op": "from-the-future"})
    assert complaints("journal-line", line) == []


def test_json_numbers_of_the_schema_are_those_of_the_reader() -> None:
    schema = dict(_schemas_of_objects("session-index"))["FileRecord"]["properties"]["file_size"]
    assert (schema["minimum"], schema["maximum"]) == (0, 2**53 - 1)
    assert msgspec.json.decode(b"9007199254740991") == schema["maximum"]
