"""How far a session index reaches into journals is read from its bytes alone, in every layout."""

from __future__ import annotations

import json

import pytest

from imalink.core.ids import WriterId
from imalink.errors import IndexDamagedError
from imalink.formats.session_sources import peek_journal_seqs
from tests.formats.examples import DOCUMENTS

SESSIONS = pytest.mark.parametrize("name", ["session-index", "indexed-session-index"])
WRITER = "b" * 16


def with_sources(name: str, sources: object) -> bytes:
    return json.dumps({**json.loads(DOCUMENTS[name].data()), "sources": sources}).encode()


@SESSIONS
def test_each_writer_has_the_highest_number_that_the_index_contains(name: str) -> None:
    index, _ = DOCUMENTS[name].parse(DOCUMENTS[name].data())
    expected = {writer: position.seq for writer, position in index.sources.journals.items()}
    assert expected
    assert peek_journal_seqs(DOCUMENTS[name].data(), file="session_1.json") == expected


@SESSIONS
def test_keys_of_a_later_version_do_not_hide_the_number(name: str) -> None:
    position = {"seq": 7, "digest": "", "until": "later"}
    data = with_sources(name, {"runs": [], "journals": {WRITER: position}, "more": [1]})
    assert peek_journal_seqs(data, file="session_1.json") == {WriterId(WRITER): 7}


@SESSIONS
@pytest.mark.parametrize("sources", [None, {}], ids=["null", "empty"])
def test_an_index_that_names_no_journal_knows_none(name: str, sources: object) -> None:
    assert peek_journal_seqs(with_sources(name, sources), file="session_1.json") == {}


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"sources": 1}', b'{"sources"', b'{"sources": {"journals": {"a": {}}}}']
)
def test_what_is_no_session_index_is_refused_with_its_file(data: bytes) -> None:
    with pytest.raises(IndexDamagedError) as caught:
        peek_journal_seqs(data, file="session_1.json")
    assert caught.value.file == "session_1.json"
