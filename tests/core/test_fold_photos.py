"""Any sequence of joins, splits, edits and deletions leaves each file in one photo, however the folding is cut."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from imalink.core.fold import SessionFold
from imalink.core.ids import Hothash, PhotoUuid, WriterId
from imalink.core.index import SessionIndex
from imalink.core.journal import (
    FileDeleted,
    FileEdited,
    FileRehashed,
    JournalLine,
    Observation,
    PhotoJoined,
    PhotoSplit,
)
from tests.support.indexes import hash_of, make_entry, make_facts, make_index, uuid_of

FORMATS = ("RAW", "JPEG", "TIFF", "VIDEO", "HEIC")
ENTRIES = [make_entry(name, facts=make_facts(file_format=name)) for name in FORMATS]
# The last two are of another session: what is said of them concerns this index only as far as its own files go.
OWN = ENTRIES[:3]
UUIDS = [*(entry.photo_uuid for entry in ENTRIES), PhotoUuid(uuid_of("alone")), PhotoUuid(uuid_of("alone 2"))]

_entries = st.sampled_from(ENTRIES)
_uuids = st.sampled_from(UUIDS)
_observations: st.SearchStrategy[Observation] = st.one_of(
    st.builds(
        PhotoJoined,
        photo_uuid=_uuids,
        hothashes=st.lists(_entries.map(lambda entry: entry.hothash), min_size=1, max_size=4, unique=True).map(tuple),
        joined=st.lists(_uuids, max_size=3, unique=True).map(tuple),
    ),
    st.builds(PhotoSplit, hothash=_entries.map(lambda entry: entry.hothash), photo_uuid=_uuids),
    _entries.map(
        lambda entry: FileEdited(
            old_hothash=entry.hothash,
            path=entry.relative_path,
            entry=replace(make_entry(f"{entry.facts.file_format} edited"), relative_path=entry.relative_path),
        )
    ),
    st.builds(
        FileRehashed,
        old_hothash=_entries.map(lambda entry: entry.hothash),
        hothash=st.sampled_from([*(entry.hothash for entry in ENTRIES), Hothash(hash_of("anew"))]),
        method=st.just(ENTRIES[0].method),
    ),
    _entries.map(
        lambda entry: FileDeleted(
            hothash=entry.hothash, path=entry.relative_path, deleted_at="", by="me", mode="missing"
        )
    ),
)


def _lines(observations: list[Observation]) -> list[JournalLine]:
    return [
        JournalLine(
            writer=WriterId(uuid_of("one")),
            seq=seq,
            lamport=seq,
            at="",
            prev="",
            digest=hash_of(seq)[:16],
            observations=(observation,),
        )
        for seq, observation in enumerate(observations, 1)
    ]


def _folded(index: SessionIndex, lines: list[JournalLine]) -> tuple[SessionIndex, SessionFold]:
    fold = SessionFold(index)
    for line in lines:
        fold.add_line(line)
    return fold.result(generated_at="now"), fold


@given(st.lists(_observations, max_size=8))
def test_each_file_is_in_the_one_photo_it_names(observations: list[Observation]) -> None:
    index, fold = _folded(make_index(OWN), _lines(observations))
    paths = [place.relative_path for entry in index.files.values() for place in (entry, *entry.copies)]
    assert len(paths) + len(index.deleted) <= len(OWN)
    assert len(paths) == len(set(paths))
    for hothash, entry in index.files.items():
        assert [photo.photo_uuid for photo in index.photos.values() if hothash in photo.files] == [entry.photo_uuid]
    for photo_uuid, photo in index.photos.items():
        assert photo.photo_uuid == photo_uuid
        assert photo.primary in photo.files
        assert set(photo.files) <= set(index.files)
    before = make_index(OWN)
    moved = {each for each, entry in index.files.items() if entry != before.files.get(each)}
    assert moved <= fold.changed


@given(st.lists(_observations, max_size=8), st.integers(0, 8))
def test_folding_in_two_pieces_is_folding_at_once(observations: list[Observation], cut: int) -> None:
    lines = _lines(observations)
    whole, _ = _folded(make_index(OWN), lines)
    first, _ = _folded(make_index(OWN), lines[:cut])
    again, _ = _folded(first, lines)
    assert replace(again, generation=0) == replace(whole, generation=0)
