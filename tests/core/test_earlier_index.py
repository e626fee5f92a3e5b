"""A session index completed with what an earlier reading of it said."""

from __future__ import annotations

from dataclasses import replace

from imalink.core.earlier_index import complete
from imalink.core.ids import WriterId
from imalink.core.index import SessionIndex
from imalink.core.photo import FieldClock
from imalink.core.photo_facts import plain_photo
from tests.support.indexes import make_entry, make_index, make_tombstone

NOW = make_index([make_entry("a"), make_entry("b")])
BEFORE = replace(make_index([make_entry("a"), make_entry("b"), make_entry("c")]), generation=7)


def said(index: SessionIndex, seed: str, rating: int, counter: int) -> SessionIndex:
    """Give ``index`` with a rating said of the photo of ``seed``."""
    photo_uuid = make_entry(seed).photo_uuid
    photo = replace(
        plain_photo(photo_uuid, make_entry(seed).hothash),
        rating=rating,
        clocks={"rating": FieldClock(counter=counter, writer=WriterId("w"))},
    )
    return replace(index, photos={**index.photos, photo_uuid: photo})


def test_a_picture_that_is_no_longer_named_is_named_again() -> None:
    completed = complete(NOW, BEFORE)
    assert completed is not None
    assert completed.index.files == BEFORE.files
    assert set(completed.index.photos) == set(BEFORE.photos)
    assert (completed.index.generation, completed.lost_files, completed.lost_words) == (8, 1, 0)


def test_an_index_that_lacks_nothing_stands_as_it_is() -> None:
    assert complete(BEFORE, NOW) is None
    assert complete(NOW, NOW) is None


def test_of_a_picture_that_both_name_the_disk_says_where_it_is() -> None:
    moved = replace(BEFORE, files={**BEFORE.files, **make_index([make_entry("a", path="photos/moved.jpg")]).files})
    completed = complete(NOW, moved)
    assert completed is not None
    assert completed.index.files[make_entry("a").hothash].relative_path == "photos/a.jpg"


def test_what_was_said_holds_by_its_clock_whichever_index_says_it() -> None:
    completed = complete(said(NOW, "a", 2, counter=5), said(BEFORE, "a", 4, counter=9))
    assert completed is not None
    assert completed.index.photos[make_entry("a").photo_uuid].rating == 4
    assert completed.lost_words == 1
    kept = complete(said(NOW, "a", 2, counter=9), said(BEFORE, "a", 4, counter=5))
    assert kept is not None
    assert (kept.index.photos[make_entry("a").photo_uuid].rating, kept.lost_words) == (2, 0)


def test_what_the_disk_says_was_deleted_is_not_named_again_and_earlier_tombstones_are_kept() -> None:
    deleted = complete(
        replace(NOW, deleted={make_entry("c").hothash: make_tombstone("c", session=NOW.session)}), BEFORE
    )
    assert deleted is None
    older = replace(
        BEFORE, deleted={make_entry(seed).hothash: make_tombstone(seed, session=NOW.session) for seed in ("a", "d")}
    )
    completed = complete(NOW, older)
    assert completed is not None
    assert list(completed.index.deleted) == [make_entry("d").hothash], "a stands on the disk again"
