"""Framed lines: what stands before a tear is read, nothing after it, and no flipped byte passes for good."""

from __future__ import annotations

import hashlib
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.formats.json_lines import MAX_LINE_BYTES, frame_line, line_digest, parse_lines
from tests.formats.strategies import json_values

LINES = [frame_line({"n": number, "text": "é" * number}) for number in range(5)]
DATA = b"".join(LINES)
ENDS = [len(b"".join(LINES[:number])) for number in range(len(LINES) + 1)]


def test_a_line_is_its_checksum_a_space_its_json_and_a_line_break() -> None:
    payload = b'{"a":"\xc3\xa9","b":1}'
    assert frame_line({"b": 1, "a": "é"}) == b"%08x %b\n" % (zlib.crc32(payload), payload)


def test_whole_lines_are_read() -> None:
    lines = parse_lines(DATA)
    assert [msgspec.json.decode(line)["n"] for line in lines.lines] == [0, 1, 2, 3, 4]
    assert (lines.good_bytes, lines.is_whole) == (len(DATA), True)


def test_an_empty_file_is_whole() -> None:
    lines = parse_lines(b"")
    assert (lines.lines, lines.good_bytes, lines.is_whole) == ((), 0, True)


@pytest.mark.parametrize("length", range(len(DATA) + 1))
def test_a_torn_tail_leaves_what_stands_before_it(length: int) -> None:
    lines = parse_lines(DATA[:length])
    whole = sum(end <= length for end in ENDS) - 1
    assert len(lines.lines) == whole
    assert lines.good_bytes == ENDS[whole]
    assert lines.is_whole == (length in ENDS)


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80, 0xFF])
def test_from_a_flipped_byte_on_nothing_is_read(flip: int) -> None:
    for position in range(len(DATA)):
        broken = bytearray(DATA)
        broken[position] ^= flip
        lines = parse_lines(bytes(broken))
        before = sum(end <= position for end in ENDS) - 1
        assert [frame_line(msgspec.Raw(line)) for line in lines.lines] == LINES[:before]
        assert not lines.is_whole


@pytest.mark.parametrize("tail", [b"\n", b"x", b"\0" * 4096, b"00000000 \n\n", b"ffffffff {}\n", b" " * 70_000])
def test_rubbish_behind_the_lines_is_void(tail: bytes) -> None:
    lines = parse_lines(DATA + tail)
    if tail == b"00000000 \n\n":  # the checksum of nothing is 0: a line of nothing, which no reader takes
        assert lines.lines[-1] == b""
    else:
        assert (len(lines.lines), lines.good_bytes) == (5, len(DATA))
    assert not lines.is_whole


@given(st.binary(max_size=300))
def test_random_bytes_are_never_a_line(data: bytes) -> None:
    lines = parse_lines(data)
    assert all(b"%08x " % zlib.crc32(line) in data for line in lines.lines)
    assert lines.good_bytes <= len(data)


def test_a_checksum_in_upper_case_is_none() -> None:
    upper = next(line for line in (frame_line(number) for number in range(99)) if line[:8].upper() != line[:8])
    assert parse_lines(upper[:8].upper() + upper[8:]).lines == ()


def _of_length(length: int) -> str:
    return "x" * (length - 2)


def test_a_line_of_the_greatest_length_is_written_and_read() -> None:
    line = frame_line(_of_length(MAX_LINE_BYTES))
    assert parse_lines(line + line).lines == (line[9:-1], line[9:-1])


def test_a_longer_line_is_refused_by_the_writer() -> None:
    with pytest.raises(ValueError, match="longer than 65536"):
        frame_line(_of_length(MAX_LINE_BYTES + 1))


def test_a_longer_line_is_void_for_the_reader() -> None:
    payload = msgspec.json.encode(_of_length(MAX_LINE_BYTES + 1))
    assert parse_lines(LINES[0] + b"%08x %b\n" % (zlib.crc32(payload), payload)).lines == (LINES[0][9:-1],)


@given(json_values)
def test_every_value_comes_back(value: object) -> None:
    line = frame_line(value)
    assert line.count(b"\n") == 1
    assert msgspec.json.decode(parse_lines(line).lines[0]) == value


def test_keys_are_sorted_so_that_the_same_line_has_the_same_digest() -> None:
    assert frame_line({"b": {"d": 1, "c": 2}, "a": 3})[9:-1] == b'{"a":3,"b":{"c":2,"d":1}}'


def test_the_digest_of_a_line_is_the_beginning_of_its_sha256() -> None:
    assert line_digest(b"{}") == hashlib.sha256(b"{}").hexdigest()[:16]
