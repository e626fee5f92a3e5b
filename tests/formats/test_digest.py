"""The digest inside a document: it holds for what was written, whatever the indentation, and for nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
import pytest

from imalink.core.index import SessionIndex
from imalink.core.picture import Camera
from imalink.errors import IndexDamagedError
from imalink.formats.documents import READABLE_BYTES, check_digest, content_digest
from imalink.formats.layouts import hybrid
from tests.formats.examples import DOCUMENTS, DocumentKind, Json, as_json, small_session_index
from tests.formats.test_unknown_keys import objects_of
from tests.support.indexes import make_entry, make_facts, make_index

KINDS = pytest.mark.parametrize("kind", DOCUMENTS.values(), ids=DOCUMENTS.keys())
SESSION = DOCUMENTS["session-index"]


def with_digest(data: bytes) -> Json:
    return cast(Json, json.loads(data))


def large_index() -> SessionIndex:
    return make_index([make_entry(number) for number in range(400)])


@KINDS
def test_what_was_written_is_intact(kind: DocumentKind) -> None:
    assert kind.parse(kind.data())[1] is True


@KINDS
def test_the_digest_is_that_of_the_canonical_form_as_another_program_makes_it(kind: DocumentKind) -> None:
    document = with_digest(kind.data())
    claimed = document.pop("content_sha256")
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(canonical.encode()).hexdigest() == claimed


@KINDS
def test_the_digest_is_the_last_key(kind: DocumentKind) -> None:
    assert list(with_digest(kind.data()))[-1] == "content_sha256"
    assert content_digest(kind.data()) == with_digest(kind.data())["content_sha256"]


def _turned_round(value: Json) -> str:
    return json.dumps(dict(reversed(list(value.items()))))


RESHAPED: Mapping[str, Callable[[Json], str]] = {
    "compact": lambda value: json.dumps(value, separators=(",", ":")),
    "indented by four": lambda value: json.dumps(value, indent=4),
    "indented by tabs": lambda value: json.dumps(value, indent="\t"),
    "with DOS line ends": lambda value: json.dumps(value, indent=2).replace("\n", "\r\n"),
    "escaped": lambda value: json.dumps(value, ensure_ascii=True),
    "sorted, the digest among the keys": lambda value: json.dumps(value, sort_keys=True),
    "with the keys turned round": _turned_round,
    "with much space at the end": lambda value: json.dumps(value) + " " * 500,
}


@KINDS
@pytest.mark.parametrize("shape", RESHAPED.values(), ids=RESHAPED.keys())
def test_indentation_and_order_do_not_matter(kind: DocumentKind, shape: Callable[[Json], str]) -> None:
    assert kind.parse(shape(with_digest(kind.data())).encode()) == (kind.example(), True)


@KINDS
def test_without_a_digest_nothing_is_claimed(kind: DocumentKind) -> None:
    assert kind.parse(msgspec.json.encode(as_json(kind.data()))) == (kind.example(), None)


@KINDS
@pytest.mark.parametrize("claim", ["", "0" * 64, "x", None, 5, True, [], {}])
def test_a_digest_that_is_another_or_none_at_all_does_not_fit(kind: DocumentKind, claim: object) -> None:
    document = as_json(kind.data()) | {"content_sha256": claim}
    assert kind.parse(json.dumps(document).encode())[1] is False


def test_a_digest_in_upper_case_does_not_fit() -> None:
    document = with_digest(SESSION.data())
    document["content_sha256"] = document["content_sha256"].upper()
    assert SESSION.parse(json.dumps(document).encode())[1] is False


@KINDS
def test_a_key_added_at_any_level_breaks_the_digest(kind: DocumentKind) -> None:
    count = 0
    while True:
        document = with_digest(kind.data())
        places = list(objects_of(document, kind.tables))
        if count == len(places):
            break
        places[count][1]["x_custom"] = 1
        shape = json.dumps(document, indent=2 if count % 2 else None)
        assert kind.parse(shape.encode())[1] is False
        count += 1
    assert count > 1 or kind.name == "signature"


@KINDS
def test_a_value_changed_at_any_level_breaks_the_digest(kind: DocumentKind) -> None:
    changed = 0
    for steps, members in objects_of(as_json(kind.data()), kind.tables):
        for key, value in members.items():
            if isinstance(value, bool | str | int) and not (isinstance(value, str) and len(value) > 30):
                document = with_digest(kind.data())
                target: Any = document
                for step in steps:
                    target = target[step]
                target[key] = f"{value}1" if isinstance(value, str) else 1 - value
                assert _verdict(kind, json.dumps(document, indent=2).encode()) is not True
                changed += 1
    assert changed > 5


def _verdict(kind: DocumentKind, data: bytes) -> bool | None:
    try:
        return kind.parse(data)[1]
    except IndexDamagedError:
        return False


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
@pytest.mark.parametrize("is_compact", [False, True], ids=["indented", "compact"])
def test_no_flipped_bit_goes_unseen(flip: int, is_compact: bool) -> None:
    """A changed byte is seen, or it changed nothing that counts: space between the tokens, or how a sign is spelt."""
    index = small_session_index()
    data = hybrid.dump_session(index)
    if is_compact:
        data = json.dumps(json.loads(data), separators=(",", ":")).encode()
    told = 0
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= flip
        try:
            value, is_intact = hybrid.parse_session(bytes(changed), file="f")
        except IndexDamagedError:
            told += 1
            continue
        if is_intact is True:
            assert value == index
            assert bytes(changed).split() == data.split() or chr(data[position]).isspace()
        else:
            told += 1
    assert told > len(data) * (0.9 if is_compact else 0.5)


def test_a_duplicate_key_counts_with_its_last_value_in_the_digest_as_in_what_is_read() -> None:
    data = SESSION.data()
    before = data.replace(b'"generation": 3', b'"generation": 4, "generation": 3')
    after = data.replace(b'"generation": 3', b'"generation": 3, "generation": 4')
    assert before != data != after
    assert SESSION.parse(before) == (SESSION.example(), True)
    value, is_intact = SESSION.parse(after)
    assert (value.generation, is_intact) == (4, False)


def test_a_digest_of_an_inner_object_is_none_of_the_document() -> None:
    document = as_json(SESSION.data()) | {"zzz": {"content_sha256": "0" * 64}}
    assert SESSION.parse(msgspec.json.encode(document))[1] is None


def test_the_claimed_digest_is_found_in_the_last_bytes_alone() -> None:
    for index in (small_session_index(), large_index()):
        data = hybrid.dump_session(index)
        assert content_digest(data[-160:]) == with_digest(data)["content_sha256"]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"content_sha256":"x"}', b'{"a":1}'])
def test_a_document_that_ends_otherwise_claims_nothing(data: bytes) -> None:
    assert content_digest(data) is None


def test_a_document_of_nothing_but_a_digest_is_checked_too() -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    assert check_digest(f'{{"content_sha256": "{digest}"}}'.encode(), "f")[0] is True


def test_a_small_document_is_indented_for_people() -> None:
    data = hybrid.dump_session(small_session_index())
    assert len(data) < READABLE_BYTES
    assert data.startswith(b'{\n  "')
    assert data.endswith(b'"\n}\n')


def test_a_large_document_is_compact_and_still_ends_with_its_digest() -> None:
    index = large_index()
    data = hybrid.dump_session(index)
    assert len(data) > READABLE_BYTES
    assert b"\n" not in data
    assert b'": ' not in data
    assert re.search(rb',"content_sha256":"[0-9a-f]{64}"}$', data) is not None
    assert hybrid.parse_session(data, file="f") == (index, True)


def test_the_limit_between_the_two_is_the_compact_size() -> None:
    few = hybrid.dump_session(make_index([make_entry(number) for number in range(150)]))
    many = hybrid.dump_session(make_index([make_entry(number) for number in range(350)]))
    assert len(json.dumps(json.loads(few), separators=(",", ":"))) <= READABLE_BYTES < len(many)
    assert few.startswith(b"{\n")
    assert many.startswith(b'{"')


def test_the_shape_of_a_document_does_not_change_its_digest() -> None:
    index = large_index()
    data = hybrid.dump_session(index)
    assert check_digest(msgspec.json.format(data, indent=2), "f")[0] is True
    assert check_digest(data.replace(b'"JPEG"', b'"JPEX"', 1), "f")[0] is False


def test_a_tiny_number_spelt_another_way_is_the_same_number() -> None:
    facts = make_facts(camera=Camera(exposure_seconds=1 / 32000))
    data = hybrid.dump_session(make_index([make_entry("fast", facts=facts)]))
    assert b"0.00003125" in data
    assert SESSION.parse(data.replace(b"0.00003125", b"3.125e-05"))[1] is True
