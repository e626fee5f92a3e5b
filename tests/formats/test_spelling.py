"""What stands in an index unchanged is not spelt anew, and yet the file is the one that spelling it all would give."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imalink.core.index import MasterIndex, SessionIndex
from imalink.formats.layouts import hybrid, indexed, master_codec
from imalink.formats.layouts.layout import Layout
from tests.formats import strategies
from tests.support.indexes import make_entry, make_index

LAYOUTS = pytest.mark.parametrize("layout", [hybrid.HYBRID, indexed.INDEXED], ids=["hybrid", "indexed"])


@LAYOUTS
@given(strategies.session_indexes, strategies.session_indexes, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_session_of_old_and_new_parts_is_written_as_if_all_were_new(
    layout: Layout, old: SessionIndex, new: SessionIndex, random: Random
) -> None:
    read = layout.read_session(layout.dump_session(old), "f")
    mixed = replace(
        read.index,
        files={h: entry for h, entry in {**new.files, **read.index.files}.items() if random.random() < 0.5},
        photos={p: photo for p, photo in {**new.photos, **read.index.photos}.items() if random.random() < 0.5},
    )
    assert layout.dump_session(mixed, read.spelling) == layout.dump_session(mixed)


@given(strategies.master_indexes, strategies.master_indexes)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_master_of_old_and_new_entries_is_written_as_if_all_were_new(old: MasterIndex, new: MasterIndex) -> None:
    read = master_codec.read_master(master_codec.dump_master(old))
    mixed = replace(read.index, files={**read.index.files, **new.files})
    assert master_codec.dump_master(mixed, read.spelling) == master_codec.dump_master(mixed)


@LAYOUTS
def test_an_entry_is_spelt_anew_when_what_is_said_of_its_photo_changed(layout: Layout) -> None:
    read = layout.read_session(layout.dump_session(make_index([make_entry("a"), make_entry("b")])), "f")
    one = next(iter(read.index.files.values()))
    photo = replace(read.index.photos[one.photo_uuid], title="Rome", rating=4)
    edited = replace(read.index, photos={**read.index.photos, photo.photo_uuid: photo})
    data = layout.dump_session(edited, read.spelling)
    assert data == layout.dump_session(edited)
    assert data.count(b'"Rome"') == 2  # with the photo, and repeated in its file
    assert read.spelling is not None
    assert [
        read.spelling.find_entry_of(each, edited.photos[each.photo_uuid], each.photo_uuid) is None
        for each in edited.files.values()
    ] == [True, False]


@LAYOUTS
@pytest.mark.parametrize("forged", ["edited", "without digest"])
def test_a_file_that_another_program_wrote_is_spelt_anew_as_a_whole(layout: Layout, forged: str) -> None:
    data = layout.dump_session(make_index([make_entry("a")]))
    document = msgspec.json.decode(data, type=dict[str, object])
    document.pop("content_sha256")
    data = msgspec.json.encode(document) if forged == "without digest" else data.replace(b'"a.jpg"', b'"z.jpg"')
    assert layout.read_session(data, "f").spelling is None
