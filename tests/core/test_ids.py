"""Names of things: which texts are hothashes, prefixes and UUIDs, and which photo a picture makes."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.ids import (
    Hothash,
    HothashMethod,
    is_hex64,
    parse_hothash_prefix,
    parse_uuid,
    photo_uuid_of,
)
from imalink.errors import UsageError

FULL = "0123456789abcdef" * 4


def test_64_lower_case_hex_digits_are_a_hash() -> None:
    assert is_hex64(FULL)


@pytest.mark.parametrize(
    "text", ["", FULL[:-1], FULL + "0", FULL.upper(), FULL[:-1] + "g", FULL + "\n", " " + FULL[1:], FULL[:-1] + "٣"]
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_hex64(text)


@pytest.mark.parametrize("text", [FULL, FULL[:8], f" {FULL[:12]}\n", FULL[:20].upper()])
def test_a_prefix_of_8_to_64_digits_is_taken_in_lower_case_without_blanks(text: str) -> None:
    assert parse_hothash_prefix(text) == text.strip().lower()


@pytest.mark.parametrize("text", ["", FULL[:7], FULL + "0", "xyzxyzxyz", "0123 4567", "0123456٣", "../../../.."])
def test_another_prefix_is_refused_with_what_was_given_and_what_helps(text: str) -> None:
    with pytest.raises(UsageError, match="is not a hothash") as caught:
        parse_hothash_prefix(text)
    assert repr(text) in caught.value.message
    assert "imalink hothash FILE" in caught.value.hint


def test_two_machines_that_import_the_same_picture_make_the_same_photo() -> None:
    expected = uuid.uuid5(uuid.UUID("6d0c6a5e-6c57-5f0e-9d4b-1f5b9a4f7c11"), f"jpeg-1:{FULL}")
    assert photo_uuid_of(Hothash(FULL), HothashMethod("jpeg-1")) == str(expected)


def test_the_photo_depends_on_the_method_and_on_the_hothash() -> None:
    jpeg, file = HothashMethod("jpeg-1"), HothashMethod("file-1")
    other = Hothash(FULL[::-1])
    made = {photo_uuid_of(hothash, method) for hothash in (Hothash(FULL), other) for method in (jpeg, file)}
    assert len(made) == 4


@given(st.uuids())
def test_a_uuid_is_given_in_its_one_canonical_form(value: uuid.UUID) -> None:
    for spelling in (str(value), str(value).upper(), value.hex, f"{{{value}}}", value.urn):
        assert parse_uuid(spelling) == str(value)


@pytest.mark.parametrize(
    "text", ["", "x", "abc123-def456-ghi789", "uuid-1234-5678-90ab-cdef", str(uuid.NAMESPACE_DNS)[:-1]]
)
def test_another_text_is_no_uuid(text: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        parse_uuid(text)
