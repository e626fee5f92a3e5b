"""Run files: a torn one is read up to the tear; a commit is whole, or it is none."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from imalink.core.journal import RunEnd
from imalink.errors import IndexDamagedError
from imalink.formats.commit_file import RunContent, RunWriter, parse_commit, parse_run
from imalink.formats.json_lines import frame_line
from tests.formats.examples import commit, full_entry, run_lines
from tests.support.indexes import make_entry

LINES = run_lines()
DATA = b"".join(LINES)
ENDS = list(itertools.accumulate(map(len, LINES), initial=0))
OPS = ["begin", "plan", "plan", "plan", "drop", "finding", "end"]


def values(lines: list[bytes]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line[9:]) for line in lines]


def changed(number: int, **keys: object) -> bytes:
    """Give the example with other keys in one line, its checksum made right again."""
    lines = list(LINES)
    lines[number] = frame_line(values(LINES)[number] | keys)
    return b"".join(lines)


def refusal(data: bytes) -> IndexDamagedError:
    with pytest.raises(IndexDamagedError) as caught:
        parse_commit(data, file="f")
    assert caught.value.file == "f"
    return caught.value


def test_the_example_has_a_line_of_every_kind() -> None:
    assert [value["op"] for value in values(LINES)] == OPS


def test_a_plan_that_was_taken_back_is_none() -> None:
    content = parse_run(DATA, file="f")
    assert [plan.staged_name for plan in content.plans] == ["1.part", "2.part"]
    assert len(content.payloads) == 7


def test_of_two_plans_for_one_staged_file_the_later_counts() -> None:
    writer = RunWriter()
    run = commit()
    again = replace(run.plans[0], entry=make_entry("full", path="photos/a (2).jpg"))
    lines = [writer.begin(run.begin), *(writer.plan(plan) for plan in (*run.plans, again))]
    assert parse_run(b"".join(lines), file="f").plans == (run.plans[1], again)


def test_a_run_torn_at_any_byte_is_read_up_to_the_tear() -> None:
    whole = parse_run(DATA, file="f")
    for length in range(len(DATA)):
        content = parse_run(DATA[:length], file="f")
        good = sum(end <= length for end in ENDS) - 1
        assert content.payloads == whole.payloads[:good]
        assert content.good_bytes == ENDS[good]
        assert (content.begin is None) == (good < 1)
        assert content.end is None
        expected = min(good, 4) - 1 if good < 5 else 2
        assert len(content.plans) == max(0, expected)
        assert len(content.findings) == (good >= 6)


def test_a_run_torn_at_any_byte_is_no_commit() -> None:
    for length in range(len(DATA)):
        error = refusal(DATA[:length])
        good = sum(end <= length for end in ENDS) - 1
        assert (error.place, error.reason) == (f"line {good + 1}", "the commit is not whole")


def test_a_commit_with_a_flipped_byte_is_none() -> None:
    for position in range(len(DATA)):
        broken = bytearray(DATA)
        broken[position] ^= 0x01
        refusal(bytes(broken))


@pytest.mark.parametrize("number", range(len(LINES)))
def test_a_commit_without_one_of_its_lines_is_not_whole(number: int) -> None:
    assert refusal(b"".join(LINES[:number] + LINES[number + 1 :])).reason == "the commit is not whole"


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(range(len(LINES)), 2)))
def test_a_commit_with_two_lines_swapped_is_not_whole(first: int, second: int) -> None:
    lines = list(LINES)
    lines[first], lines[second] = lines[second], lines[first]
    assert refusal(b"".join(lines)).reason == "the commit is not whole"


@pytest.mark.parametrize("number", range(len(LINES)))
def test_a_commit_with_a_line_twice_is_not_whole(number: int) -> None:
    data = b"".join([*LINES[: number + 1], LINES[number], *LINES[number + 1 :]])
    assert refusal(data).reason == "the commit is not whole"


@pytest.mark.parametrize("number", range(6))
def test_a_commit_with_a_line_behind_its_end_is_not_whole(number: int) -> None:
    assert refusal(DATA + LINES[number]).reason == "the commit is not whole"


def test_rubbish_behind_the_end_of_a_commit_does_it_no_harm() -> None:
    for tail in (b"\0" * 512, b"x", LINES[1][:-1]):
        assert parse_commit(DATA + tail, file="f") == commit()


def test_a_commit_with_another_line_of_the_right_checksum_is_not_whole() -> None:
    assert refusal(changed(1, staged="9.part")).reason == "the commit is not whole"
    assert refusal(changed(0, lamport=12)).reason == "the commit is not whole"
    assert refusal(changed(5, extra=1)).reason == "the commit is not whole"


@pytest.mark.parametrize(("key", "value"), [("count", 5), ("count", 7), ("digest", "0" * 64), ("digest", "")])
def test_an_end_that_counts_or_sums_otherwise_ends_nothing(key: str, value: object) -> None:
    assert refusal(changed(6, **{key: value})).reason == "the commit is not whole"


def test_an_empty_file_is_no_commit() -> None:
    assert refusal(b"").place == "line 1"
    content = parse_run(b"", file="f")
    assert content == RunContent(begin=None, plans=(), findings=(), end=None, payloads=(), good_bytes=0)


def test_a_run_goes_on_after_an_interruption_and_is_then_whole() -> None:
    for kept in range(1, 6):
        torn = DATA[: ENDS[kept] + 5]
        content = parse_run(torn, file="f")
        writer = RunWriter()
        writer.resume(content.payloads)
        run = commit()
        rest = [writer.plan(replace(run.plans[0], staged_name="r.part")), writer.end(run.end)]
        data = torn[: content.good_bytes] + b"".join(rest)
        assert parse_commit(data, file="f").plans[-1].staged_name == "r.part"


def test_a_run_that_was_ended_and_goes_on_counts_with_its_last_end() -> None:
    writer = RunWriter()
    writer.resume(parse_run(DATA, file="f").payloads)
    later = RunEnd(finished_at="2025-01-01T00:00:00Z", session=commit().end.session, statistics=commit().end.statistics)
    data = DATA + writer.plan(replace(commit().plans[0], staged_name="r.part")) + writer.end(later)
    assert parse_commit(data, file="f").end == later


def test_unknown_keys_of_a_newer_version_are_passed_over_in_every_line() -> None:
    lines = values(LINES)
    lines[0]["session"]["x_custom"] = 1
    lines[1]["entry"]["x_custom"] = {"deep": [1]}
    lines[1]["entry"]["camera"]["x_custom"] = 1
    lines[1]["entry"]["copies"][0]["x_custom"] = 1
    for line in lines:
        line["x_custom"] = 1
    content = parse_run(b"".join(frame_line(line) for line in lines), file="f")
    assert (content.begin, content.plans) == (commit().begin, commit().plans)
    assert content.findings == commit().findings


def test_a_commit_whose_lines_have_unknown_keys_is_whole() -> None:
    writer = RunWriter()
    lines = [frame_line(value | {"x_custom": 1}) for value in values(LINES[:-1])]
    writer.resume(tuple(line[9:-1] for line in lines))
    assert parse_commit(b"".join(lines) + writer.end(commit().end), file="f") == commit()


def test_a_line_of_an_unknown_kind_is_not_passed_over_for_a_commit_is_the_truth() -> None:
    data = b"".join(LINES[:2]) + frame_line({"op": "from-the-future"})
    with pytest.raises(IndexDamagedError) as caught:
        parse_run(data, file="f")
    assert (caught.value.file, caught.value.place) == ("f", "line 3")


DEEP = "[" * 10_000 + "]" * 10_000
BAD_LINES: list[tuple[bytes, str]] = [
    (b"", "line 2"),
    (b"{}", "line 2"),
    (b"[]", "line 2"),
    (b'{"op":5}', "line 2"),
    (b'{"op":"plan"}', "line 2"),
    (b'{"op":"drop","staged":5}', "line 2"),
    (b'{"op":"drop","staged":"\xff"}', "line 2"),
    (b'{"op":"drop","staged":NaN}', "line 2"),
    (b'{"op":"drop","staged":' + DEEP.encode() + b"}", "line 2"),
    (b'{"op":"drop","staged":"x","x":' + DEEP.encode() + b"}", "line 2"),
    (b'{"x":' + DEEP.encode() + b"}", "line 2"),
]


@pytest.mark.parametrize(("payload", "place"), BAD_LINES)
def test_a_whole_line_of_impossible_content_is_damage_with_its_number(payload: bytes, place: str) -> None:
    with pytest.raises(IndexDamagedError) as caught:
        parse_run(LINES[0] + frame_line(msgspec.Raw(payload)), file="f")
    assert caught.value.file == "f"
    assert caught.value.place.startswith(place)


BAD_KEYS: list[tuple[int, str, object, str]] = [
    (0, "run_uuid", "x", "line 1"),
    (0, "storage_uuid", "x", "line 1"),
    (0, "session", values(LINES)[0]["session"] | {"status": "x"}, "line 1.status"),
    (0, "v", "1", "line 1"),
    (1, "hothash", "x", "line 2"),
    (1, "entry", values(LINES)[1]["entry"] | {"relative_path": "../x"}, "line 2.relative_path"),
    (1, "entry", values(LINES)[1]["entry"] | {"relative_path": "/x"}, "line 2.relative_path"),
    (1, "entry", values(LINES)[1]["entry"] | {"relative_path": "a\0"}, "line 2.relative_path"),
    (1, "entry", values(LINES)[1]["entry"] | {"file_size": -1}, "line 2.file_size"),
    (1, "entry", values(LINES)[1]["entry"] | {"file_size": "1"}, "line 2.entry.file_size"),
    (1, "entry", values(LINES)[1]["entry"] | {"sha256": "x"}, "line 2.sha256"),
    (6, "session", values(LINES)[6]["session"] | {"imported_at": "x"}, "line 7.imported_at"),
]


@pytest.mark.parametrize(("number", "key", "value", "place"), BAD_KEYS)
def test_a_wrong_value_in_a_line_is_named(number: int, key: str, value: object, place: str) -> None:
    with pytest.raises(IndexDamagedError) as caught:
        parse_run(changed(number, **{key: value}), file="f")
    assert (caught.value.file, caught.value.place.removesuffix(f".{key}")) == ("f", place)


def test_a_finding_of_a_code_that_this_version_does_not_know_is_left_out() -> None:
    content = parse_run(changed(5, finding={"code": "from-the-future"}), file="f")
    assert content.findings == ()


def test_the_entry_of_a_plan_stands_whole_in_its_line() -> None:
    assert parse_run(b"".join(LINES[:2]), file="f").plans[0].entry == full_entry()
