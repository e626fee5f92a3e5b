"""Keys that another program, or a later ImaLink, put into a file survive at every level."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError
from imalink.formats.documents import decode_document
from imalink.formats.layouts import hybrid
from imalink.formats.layouts.hybrid_records import SessionIndexRecord
from tests.formats.examples import (
    DOCUMENTS,
    REGISTRY,
    SESSION_FILE,
    WRITER,
    DocumentKind,
    Json,
    as_json,
    full_entry,
    session_index,
)
from tests.formats.strategies import json_values
from tests.support.indexes import make_entry, make_index

SESSION = DOCUMENTS["session-index"]
ALL = {**DOCUMENTS, "registry": REGISTRY}
Steps = tuple[str | int, ...]
HOTHASH = full_entry().hothash


def objects_of(value: object, tables: frozenset[str], steps: Steps = ()) -> Iterator[tuple[Steps, Json]]:
    """Give every object with keys of its own, with the steps that lead to it; tables are passed through."""
    if isinstance(value, dict):
        members = cast(Json, value)
        if not (steps and steps[-1] in tables):
            yield steps, members
        for key, member in members.items():
            yield from objects_of(member, tables, (*steps, key))
    elif isinstance(value, list):
        for index, item in enumerate(cast(list[object], value)):
            yield from objects_of(item, tables, (*steps, index))


def places(kind: DocumentKind) -> list[Steps]:
    return [steps for steps, _ in objects_of(as_json(kind.data()), kind.tables)]


def at(document: Json, steps: Steps) -> Json:
    value: Any = document
    for step in steps:
        value = value[step]
    return value


def rewritten(kind: DocumentKind, document: Json) -> Json:
    """Read a document and write it again."""
    return as_json(kind.dump(kind.parse(msgspec.json.encode(document))[0]))


EVERY_PLACE = [
    pytest.param(kind, steps, id=f"{name}:{'.'.join(str(step)[:12] for step in steps) or 'top'}")
    for name, kind in ALL.items()
    for steps in places(kind)
]


SPELLINGS = ['{"b":1.0,"a":1e3}', "0.10", "-0.0", "1E22", '"\\u00e9\\/"', "123456789012345678901234567890", "[1.50,{}]"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", ALL.values(), ids=ALL.keys())
def test_an_unknown_value_stays_as_it_is_spelt_and_the_digest_fits(kind: DocumentKind, spelling: str) -> None:
    planted = b'{"a_later":%b,' % spelling.encode() + kind.data().lstrip()[1:]
    written = kind.dump(kind.parse(planted)[0])
    assert f'"a_later":{spelling}'.encode() in msgspec.json.format(written, indent=-1)
    again, is_intact = kind.parse(written)
    assert is_intact is not False
    assert kind.dump(again) == written


@pytest.mark.parametrize(("kind", "steps"), EVERY_PLACE)
def test_an_unknown_key_survives_at_this_place(kind: DocumentKind, steps: Steps) -> None:
    document = as_json(kind.data())
    at(document, steps)["x_custom"] = 1
    assert rewritten(kind, document) == document


@pytest.mark.parametrize("kind", ALL.values(), ids=ALL.keys())
def test_unknown_keys_at_all_places_at_once_survive_each_at_its_own(kind: DocumentKind) -> None:
    document = as_json(kind.data())
    for number, (_, members) in enumerate(list(objects_of(document, kind.tables))):
        members["x_custom"] = {"number": number}
    assert rewritten(kind, document) == document


def test_the_examples_have_objects_at_every_level_that_a_file_can_have() -> None:
    named = {step for _, kind in ALL.items() for steps in places(kind) for step in steps if isinstance(step, str)}
    wanted = """import_session default_author statistics sources journals errors files camera gps embedded companions
    copies photos author deleted storage_info import_sessions last_scan_result conflicts storages""".split()
    assert set(wanted) <= named
    assert len(EVERY_PLACE) >= 39


@given(json_values)
def test_the_value_of_an_unknown_key_may_be_anything(value: object) -> None:
    document = as_json(SESSION.data())
    document["x_custom"] = value
    document["files"][HOTHASH]["x_custom"] = value
    assert rewritten(SESSION, document) == document


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_unknown_key_may_have_any_name(name: str) -> None:
    document = as_json(SESSION.data())
    for steps in ((), ("import_session",), ("files", HOTHASH), ("files", HOTHASH, "copies", 1)):
        at(document, steps).setdefault(name, "x")
    document.pop("content_sha256", None)
    for table in ("files", "import_session"):  # a known name with a wrong value is another test
        if name in as_json(SESSION.data()).get(table, {}):
            return
    try:
        result = rewritten(SESSION, document)
    except IndexDamagedError:
        assert name.isidentifier()  # it was the name of an optional key
    else:
        assert result == document


def test_unknown_keys_come_with_the_digest_of_the_whole(kind: DocumentKind = SESSION) -> None:
    document = as_json(kind.data())
    document["x_custom"] = 1
    data = kind.dump(kind.parse(msgspec.json.encode(document))[0])
    value, is_intact = kind.parse(data)
    assert is_intact
    assert value.extras == {"": {"x_custom": 1}}
    assert kind.dump(value) == data


def test_an_unknown_key_never_overrides_what_is_known() -> None:
    index = replace(session_index(), extras={"": {"generation": 99}, "import_session": {"title": "Other"}})
    assert as_json(hybrid.dump_session(index)) == as_json(SESSION.data())


def test_the_keys_of_an_entry_go_with_it_when_it_moves() -> None:
    document = as_json(SESSION.data())
    document["files"][HOTHASH]["x_custom"] = 1
    index, _ = hybrid.parse_session(msgspec.json.encode(document), file=SESSION_FILE)
    moved = replace(index.files[HOTHASH], relative_path=RelativePath("photos/elsewhere.jpg"))
    back = as_json(hybrid.dump_session(replace(index, files={**index.files, HOTHASH: moved})))
    assert back["files"][HOTHASH]["x_custom"] == 1


def test_the_keys_of_an_entry_go_away_with_it() -> None:
    document = as_json(SESSION.data())
    document["files"][HOTHASH]["x_custom"] = 1
    document["files"][HOTHASH]["camera"]["x_custom"] = 1
    index, _ = hybrid.parse_session(msgspec.json.encode(document), file=SESSION_FILE)
    rest = {hothash: entry for hothash, entry in index.files.items() if hothash != HOTHASH}
    data = hybrid.dump_session(replace(index, files=rest))
    assert HOTHASH not in as_json(data)["files"]
    assert b"x_custom" not in data


@pytest.mark.parametrize("name", ["camera", "embedded"])
def test_an_object_of_which_only_unknown_keys_are_left_is_kept_for_them(name: str) -> None:
    document = as_json(SESSION.data())
    document["files"][HOTHASH][name] = {"x_custom": 1}
    assert rewritten(SESSION, document)["files"][HOTHASH][name] == {"x_custom": 1}


def test_copies_with_the_same_bytes_keep_their_own_keys() -> None:
    document = as_json(SESSION.data())
    copies = document["files"][HOTHASH]["copies"]
    assert copies[0]["sha256"] == copies[1]["sha256"]
    copies[0]["x_custom"], copies[1]["x_custom"] = "first", "second"
    assert rewritten(SESSION, document)["files"][HOTHASH]["copies"] == copies


def test_the_keys_of_a_companion_stay_with_it_when_another_comes_before_it() -> None:
    document = as_json(SESSION.data())
    document["files"][HOTHASH]["companions"][0]["x_custom"] = 1
    index, _ = hybrid.parse_session(msgspec.json.encode(document), file=SESSION_FILE)
    entry = index.files[HOTHASH]
    other = make_entry("other", copies=entry.copies).copies[0]
    more = replace(
        entry,
        companions=(replace(entry.companions[0], sha256=HOTHASH, kind="other"), *entry.companions),
        copies=(other,),
    )
    back = as_json(hybrid.dump_session(replace(index, files={HOTHASH: more})))["files"][HOTHASH]["companions"]
    assert [companion.get("x_custom") for companion in back] == [None, 1]


def test_the_keys_of_a_session_stay_with_it_when_the_overview_gains_one_before_it() -> None:
    kind = DOCUMENTS["overview"]
    document = as_json(kind.data())
    document["import_sessions"][0]["x_custom"] = 1
    value, _ = kind.parse(msgspec.json.encode(document))
    first = replace(value.sessions[0], number=1, session_uuid=WRITER)
    back = as_json(kind.dump(replace(value, sessions=(first, *value.sessions))))
    assert [summary.get("x_custom") for summary in back["import_sessions"]] == [None, 1, None]


def test_a_conflict_of_a_kind_that_this_version_does_not_know_is_passed_over() -> None:
    kind = DOCUMENTS["master"]
    document = as_json(kind.data())
    known = copy.deepcopy(document["conflicts"])
    document["conflicts"].insert(1, {"type": "from_the_future", "filename": "a.jpg", "instances": []})
    assert rewritten(kind, document)["conflicts"] == known


def test_a_finding_of_a_code_that_this_version_does_not_know_is_no_damage() -> None:
    document = as_json(SESSION.data())
    document["errors"].append({"code": "from-the-future", "path": "x", "facts": {}})
    index, _ = hybrid.parse_session(msgspec.json.encode(document), file=SESSION_FILE)
    assert index.findings == session_index().findings


def test_a_digest_among_the_unknown_keys_is_not_written_back() -> None:
    data = SESSION.data()
    doubled = data.replace(b"{", b'{"content_sha256": "old",', 1)
    value, _ = SESSION.parse(doubled)
    assert value.extras == {}
    assert SESSION.dump(value).count(b"content_sha256") == 1


def test_keys_at_a_place_that_is_a_table_are_entries_and_are_checked() -> None:
    document = as_json(SESSION.data())
    document["files"]["x_custom"] = 1
    with pytest.raises(IndexDamagedError) as caught:
        SESSION.parse(msgspec.json.encode(document))
    assert caught.value.place == "files.x_custom"


@pytest.mark.parametrize("depth", [1, 15, 16])
def test_an_unknown_value_may_be_nested_as_deep_as_sixteen_levels(depth: int) -> None:
    value: object = 1
    for _ in range(depth - 1):
        value = [value]
    document = as_json(SESSION.data()) | {"x_custom": value}
    assert rewritten(SESSION, document) == document


def test_an_unknown_value_that_might_be_too_deep_to_write_again_is_refused() -> None:
    value: object = 1
    for _ in range(16):
        value = {"deeper": value}
    document = as_json(SESSION.data())
    document["files"][HOTHASH]["x_custom"] = value
    with pytest.raises(IndexDamagedError, match="deeper than 16") as caught:
        SESSION.parse(msgspec.json.encode(document))
    assert caught.value.place == f"files.{HOTHASH}.x_custom"


def test_a_document_without_unknown_keys_has_no_extras() -> None:
    for kind in DOCUMENTS.values():
        assert kind.parse(kind.data())[0].extras == {}


def test_a_document_is_read_the_slow_way_to_the_same_value() -> None:
    data = hybrid.dump_session(make_index([full_entry()]))
    strict = decode_document(data, SessionIndexRecord, file="f")
    loose = decode_document(data.replace(b"{", b'{"x_custom": 1,', 1), SessionIndexRecord, file="f")
    assert msgspec.structs.asdict(loose.wire).items() <= msgspec.structs.asdict(strict.wire).items()
    assert loose.extras == {"": {"x_custom": 1}}
