"""One line of text becomes a search, or an error that names what is wrong and what is known."""

from __future__ import annotations

import typing
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.ids import SessionUuid
from imalink.core.search_query import (
    FILE_FORMATS,
    KEYS,
    MAX_TEXT_LENGTH,
    MAX_WORDS,
    SearchQuery,
    join_arguments,
    parse_query,
)
from imalink.errors import UsageError
from imalink.media import kinds

SESSION_UUID = "7f2c9a34-0e1d-4a2b-9c3d-1a2b3c4d5e6f"


def test_no_text_asks_for_everything() -> None:
    assert parse_query(" \t\n") == SearchQuery()


def test_words_without_a_key_are_words() -> None:
    assert parse_query("sunset  12:30 beach").words == ("sunset", "12:30", "beach")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date:2024", SearchQuery(taken_from=date(2024, 1, 1), taken_to=date(2024, 12, 31))),
        ("date:2024-02", SearchQuery(taken_from=date(2024, 2, 1), taken_to=date(2024, 2, 29))),
        ("date:2024-07-14", SearchQuery(taken_from=date(2024, 7, 14), taken_to=date(2024, 7, 14))),
        ("date:2024-07-01..2024-07-31", SearchQuery(taken_from=date(2024, 7, 1), taken_to=date(2024, 7, 31))),
        ("date:2023..2024-02", SearchQuery(taken_from=date(2023, 1, 1), taken_to=date(2024, 2, 29))),
        ("date:2024..", SearchQuery(taken_from=date(2024, 1, 1))),
        ("date:..2024", SearchQuery(taken_to=date(2024, 12, 31))),
        ("from:2024-07 to:2024-08", SearchQuery(taken_from=date(2024, 7, 1), taken_to=date(2024, 8, 31))),
        ("date:0001..9999", SearchQuery(taken_from=date.min, taken_to=date.max)),
        ("rating:4", SearchQuery(rating_min=4)),
        ("rating:0", SearchQuery(rating_min=0)),
        ("tag:rome tag:beach tag:rome", SearchQuery(tags=("rome", "beach"))),
        ('camera:"Canon EOS 5D"', SearchQuery(camera="Canon EOS 5D")),
        ("author:anna", SearchQuery(author="anna")),
        ("session:42", SearchQuery(session=42)),
        (f"session:{SESSION_UUID.upper()}", SearchQuery(session=SessionUuid(SESSION_UUID))),
        ('storage:"Blue Samsung"', SearchQuery(storage="Blue Samsung")),
        ("format:raw", SearchQuery(file_format="RAW")),
        ("format:jpg", SearchQuery(file_format="JPEG")),
        ("name:IMG_00*", SearchQuery(filename="IMG_00*")),
        ("missing:yes", SearchQuery(has_missing=True)),
        ("missing:NO", SearchQuery(has_missing=False)),
        ("Rating:5 TAG:x", SearchQuery(rating_min=5, tags=("x",))),
    ],
)
def test_a_key_and_its_value_are_read(text: str, expected: SearchQuery) -> None:
    assert parse_query(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"grand canyon"', ("grand canyon",)),
        ('"tag:rome"', ("tag:rome",)),
        ('""', ()),
        ('gr"and can"yon', ("grand canyon",)),
        (r'"say \"hi\" C:\\x \n"', (r'say "hi" C:\x \n',)),
        (r"back\slash", (r"back\slash",)),
        ("it's", ("it's",)),
    ],
)
def test_quotes_hold_a_phrase_together(text: str, words: tuple[str, ...]) -> None:
    assert parse_query(text).words == words


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour:red", "colour"),
        ("http://example.org", "http"),
        ("date:2024-13", "2024-13"),
        ("date:2023-02-29", "2023-02-29"),
        ("date:0000", "0000"),
        ("date:24-07", "24-07"),
        ("date:٢٠٢٤", "date"),
        ("date:..", "date"),
        ("date:2024..x", "x"),
        ("from:yesterday", "yesterday"),
        ("date:2024 from:2023", "date"),
        ("rating:6", "rating"),
        ("rating:-1", "rating"),
        ("rating:four", "four"),
        ("session:x", "session"),
        ("session:99999999999", "session"),
        ("session:2147483648", "session"),
        ("format:jepg", "jepg"),
        ("missing:maybe", "maybe"),
        ("tag:", "tag"),
        ("tag: rome", "tag"),
        ('camera:""', "camera"),
        ("author:a author:b", "author"),
        ('camera:"Canon', "quote"),
    ],
)
def test_what_cannot_be_read_is_named_together_with_the_known_keys(text: str, named: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_query(text)
    assert named in raised.value.message
    assert all(key in raised.value.hint for key in KEYS)


@pytest.mark.parametrize(
    "text", ["x" * (MAX_TEXT_LENGTH + 1), "a " * (MAX_WORDS + 1), " ".join(f"tag:{n}" for n in range(MAX_WORDS + 1))]
)
def test_a_search_without_end_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_query(text)


def test_days_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(UsageError, match="end before"):
        parse_query("from:2024-07-02 to:2024-07-01")


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_from_1_to_1000_photos(limit: int) -> None:
    with pytest.raises(UsageError, match=str(limit)):
        SearchQuery(limit=limit)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["camera:Canon EOS 5D"], SearchQuery(camera="Canon EOS 5D")),
        (["sunset", "storage:Blue Samsung", "rating:4"], parse_query('sunset storage:"Blue Samsung" rating:4')),
        (["sunset", "beach"], SearchQuery(words=("sunset", "beach"))),
        (["tag:rome rating:4"], SearchQuery(tags=("rome",), rating_min=4)),
        (['tag:rome "grand canyon"'], SearchQuery(tags=("rome",), words=("grand canyon",))),
        (["rating:4 beach"], SearchQuery(rating_min=4, words=("beach",))),
        (["name:back\\slash 1.jpg"], SearchQuery(filename="back\\slash 1.jpg")),
        ([], SearchQuery()),
    ],
)
def test_what_a_shell_made_of_quotes_is_understood(arguments: list[str], expected: SearchQuery) -> None:
    assert parse_query(join_arguments(arguments)) == expected


def test_every_format_that_a_picture_can_have_can_be_searched() -> None:
    tables = typing.cast(
        list[dict[object, str]],
        [getattr(kinds, name) for name in ("_FORMAT_OF_EXTENSION", "_FORMAT_OF_KIND")],
    )
    words = {word for table in tables for word in table.values()}
    assert words <= set(FILE_FORMATS)


def test_every_key_has_an_example_that_can_be_read() -> None:
    for key, example in KEYS.items():
        assert example.startswith(f"{key}:")
        parse_query(example.partition(" (")[0].partition(",")[0].partition(" or ")[0])


@given(st.text(alphabet=st.characters() | st.sampled_from(list('" \\:.*?'))))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        query = parse_query(text)
    except UsageError:
        return
    assert all(query.words)


@given(st.text(min_size=1).map(lambda text: text.replace("\\", "/").replace('"', "'")))
def test_a_quoted_value_is_taken_as_it_is(text: str) -> None:
    assert parse_query(f'tag:"{text}"').tags == (text,)
