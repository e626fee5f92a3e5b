"""Journal files: read up to the tear, with what this version does not know passed over."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from imalink.core.journal import FileMissing
from imalink.errors import IndexDamagedError
from imalink.formats.journal_file import dump_journal_line, parse_journal
from imalink.formats.json_lines import frame_line, line_digest
from tests.formats.examples import IMPORTED_AT, WRITER, full_entry, journal_lines, observations
from tests.formats.test_damaged_documents import BAD_PATHS
from tests.formats.test_run_files import DEEP

LINES = journal_lines()
DATA = b"".join(LINES)
ENDS = list(itertools.accumulate(map(len, LINES), initial=0))


def values() -> list[dict[str, Any]]:
    return [msgspec.json.decode(line[9:]) for line in LINES]


def refusal(data: bytes) -> IndexDamagedError:
    with pytest.raises(IndexDamagedError) as caught:
        parse_journal(data, writer=WRITER, file="f")
    assert caught.value.file == "f"
    return caught.value


def test_a_journal_torn_at_any_byte_is_read_up_to_the_tear() -> None:
    whole, _ = parse_journal(DATA, writer=WRITER, file="f")
    for length in range(len(DATA) + 1):
        lines, is_whole = parse_journal(DATA[:length], writer=WRITER, file="f")
        good = sum(end <= length for end in ENDS) - 1
        assert lines == whole[:good]
        assert is_whole == (length in ENDS)


def test_from_a_flipped_byte_on_nothing_is_read() -> None:
    whole, _ = parse_journal(DATA, writer=WRITER, file="f")
    for position in range(0, len(DATA), 3):
        broken = bytearray(DATA)
        broken[position] ^= 0x04
        lines, is_whole = parse_journal(bytes(broken), writer=WRITER, file="f")
        assert lines == whole[: sum(end <= position for end in ENDS) - 1]
        assert not is_whole


def test_an_empty_journal_is_whole() -> None:
    assert parse_journal(b"", writer=WRITER, file="f") == ([], True)


def test_each_line_carries_its_own_digest_and_that_of_the_line_before() -> None:
    lines, _ = parse_journal(DATA, writer=WRITER, file="f")
    assert [line.digest for line in lines] == [line_digest(line[9:-1]) for line in LINES]
    assert [line.prev for line in lines] == ["", *(line.digest for line in lines[:-1])]


def test_an_operation_of_a_newer_version_is_passed_over_and_its_line_is_kept() -> None:
    first = values()[0]
    first["items"].insert(0, {"op": "tag-renamed", "old": "a", "new": "b"})
    lines, is_whole = parse_journal(frame_line(first) + LINES[1], writer=WRITER, file="f")
    assert is_whole
    assert [line.observations for line in lines] == [(observations()[0],), (observations()[1],)]
    assert lines[0].digest == line_digest(frame_line(first)[9:-1])


def test_a_line_of_nothing_but_unknown_operations_still_counts() -> None:
    only = values()[0] | {"items": [{"op": "from-the-future"}]}
    lines, is_whole = parse_journal(frame_line(only), writer=WRITER, file="f")
    assert is_whole
    assert (lines[0].seq, lines[0].observations) == (1, ())


def test_unknown_keys_are_passed_over_in_lines_and_in_all_they_hold() -> None:
    all_values = values()
    for value in all_values:
        value["x_custom"] = 1
        for item in value["items"]:
            item["x_custom"] = 1
            for part in (item.get("entry"), *item.get("companions", [])):
                if part is not None:
                    part["x_custom"] = {"deep": [1]}
    lines, _ = parse_journal(b"".join(map(frame_line, all_values)), writer=WRITER, file="f")
    assert tuple(observation for line in lines for observation in line.observations) == observations()


BAD_LINES: list[bytes] = [
    b"",
    b"{}",
    b"[]",
    b"5",
    b'{"items":[]}',
    b'{"v":1,"seq":1,"prev":"","lamport":1,"at":"x","items":{}}',
    b'{"v":1,"seq":1,"prev":"","lamport":1,"at":"x","items":[{}]}',
    b'{"v":1,"seq":1,"prev":"","lamport":1,"at":"x","items":[{"op":5}]}',
    b'{"v":1,"seq":1,"prev":"","lamport":1,"at":"x","items":[{"op":"missing"}]}',
    b'{"v":1,"seq":"1","prev":"","lamport":1,"at":"x","items":[]}',
    b'{"v":1,"seq":1e999,"prev":"","lamport":1,"at":"x","items":[]}',
    b'{"v":1,"seq":99999999999999999999,"prev":"","lamport":1,"at":"x","items":[]}',
    b'{"v":1,"seq":1,"prev":"","lamport":NaN,"at":"x","items":[]}',
    b'{"v":1,"seq":1,"prev":"\xff","lamport":1,"at":"x","items":[]}',
    b'{"v":1,"seq":1,"prev":"","lamport":1,"at":"x","items":[],"x":' + DEEP.encode() + b"}",
    b'{"v":1,"seq":1,"prev":"","lamport":1,"at":"x","items":' + DEEP.encode() + b"}",
]


@pytest.mark.parametrize("payload", BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_whole_line_of_impossible_content_is_damage_with_its_number(payload: bytes) -> None:
    assert refusal(LINES[0] + frame_line(msgspec.Raw(payload))).place.startswith("line 2")


PATH_KEYS = [
    (number, key)
    for number, value in enumerate(values())
    for key in value["items"][0]
    if key in ("path", "old_path", "new_path")
]


@pytest.mark.parametrize(("number", "key"), PATH_KEYS)
@pytest.mark.parametrize("path", BAD_PATHS.values(), ids=BAD_PATHS.keys())
def test_a_path_that_could_lead_elsewhere_is_damage_in_every_operation(number: int, key: str, path: str) -> None:
    value = values()[number]
    value["items"][0].pop(f"{key}_bytes", None)
    value["items"][0][key] = path
    error = refusal(frame_line(value))
    assert error.place == "line 1"
    assert "is not a path below a storage" in error.reason


def test_every_operation_with_a_path_was_tried() -> None:
    assert len(PATH_KEYS) == 11


@pytest.mark.parametrize("encoded", ["!", "é", "", "Li4veA=="])
def test_path_bytes_that_could_lead_elsewhere_are_damage(encoded: str) -> None:
    value = values()[3]
    value["items"][0]["path_bytes"] = encoded
    assert refusal(frame_line(value)).place == "line 1"


BAD_KEYS: list[tuple[int, str, object]] = [
    (0, "hothash", "x"),
    (0, "file_modified", "x"),
    (1, "file_size", -1),
    (1, "sha256", "x"),
    (3, "hothash", 5),
    (4, "session_uuid", "x"),
    (5, "old_hothash", "x"),
    (5, "hothash", "x"),
    (6, "companions", 5),
    (7, "session_uuid", "x"),
]


@pytest.mark.parametrize(("number", "key", "value"), BAD_KEYS)
def test_a_wrong_value_in_an_operation_is_damage(number: int, key: str, value: object) -> None:
    line = values()[number]
    line["items"][0][key] = value
    error = refusal(frame_line(line))
    assert error.place in ("line 1", f"line 1.items.{key}")


def test_a_wrong_value_in_the_entry_of_an_operation_is_named() -> None:
    line = values()[5]
    line["items"][0]["entry"]["relative_path"] = "../x"
    assert refusal(frame_line(line)).place == "line 1.relative_path"


def test_a_line_that_would_be_too_long_is_refused_when_written() -> None:
    missing = FileMissing(hothash=full_entry().hothash, path=full_entry().relative_path, last_seen_at=IMPORTED_AT)
    with pytest.raises(ValueError, match="longer"):
        dump_journal_line([missing] * 1000, seq=1, prev="", lamport=1, at=IMPORTED_AT)
