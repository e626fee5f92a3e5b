"""What holds for a photo: the user's word, else its primary file's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imalink.core.ids import Hothash, PhotoUuid, WriterId
from imalink.core.photo import FieldClock, Photo
from imalink.core.photo_facts import choose_primary, effective_facts, merge_photos, plain_photo
from imalink.core.picture import Embedded, GpsPosition, PictureFacts
from imalink.core.session import Author
from imalink.core.timestamps import CaptureTime
from imalink.core.user_facts import has_user_facts

A, B, C = Hothash("a" * 64), Hothash("b" * 64), Hothash("c" * 64)
PHOTO = plain_photo(PhotoUuid("11111111-1111-4111-8111-111111111111"), A)
EMBEDDED = Embedded(
    rating=3, rejected=True, label="Red", keywords=("sea", "sand", "sea"), title="Beach", caption="Long", author="Kari"
)
FACTS = PictureFacts(file_format="JPEG", width=6000, height=4000, orientation=6, embedded=EMBEDDED)


def clocked(photo: Photo, counter: int, writer: str = "w", field: str = "rating") -> Photo:
    return replace(photo, clocks={field: FieldClock(counter=counter, writer=WriterId(writer))})


def test_without_a_word_of_the_user_the_file_speaks() -> None:
    facts = effective_facts(PHOTO, FACTS)
    assert (facts.title, facts.caption, facts.rating, facts.label) == ("Beach", "Long", 3, "Red")
    assert facts.rejected
    assert facts.tags == ("sea", "sand")
    assert facts.author == "Kari"


def test_the_word_of_the_user_wins_field_by_field() -> None:
    said = replace(PHOTO, rating=0, rejected=False, tags=(), title="", author=Author(name="Ola"))
    facts = effective_facts(said, FACTS)
    assert (facts.rating, facts.rejected, facts.tags, facts.author) == (0, False, (), "Ola")
    assert facts.title is None
    assert facts.caption == "Long"


def test_the_size_is_as_shown() -> None:
    facts = effective_facts(PHOTO, FACTS)
    assert (facts.width, facts.height) == (4000, 6000)


def test_hierarchical_keywords_serve_where_flat_ones_are_not_there() -> None:
    embedded = Embedded(hierarchical_keywords=("Places|Italy|Rome", "Kari"))
    assert effective_facts(PHOTO, replace(FACTS, embedded=embedded)).tags == ("Rome", "Kari")


def test_a_photo_without_a_word_of_the_user_is_plain() -> None:
    assert not has_user_facts(PHOTO)
    assert has_user_facts(replace(PHOTO, tags=()))
    assert has_user_facts(clocked(PHOTO, 1))


def test_the_higher_clock_wins_even_with_nothing() -> None:
    old, new = clocked(replace(PHOTO, rating=5), 1), clocked(PHOTO, 2)
    for records in ([old, new], [new, old]):
        merged = merge_photos(records)
        assert merged.rating is None
        assert merged.clocks["rating"].counter == 2


def test_equal_counters_are_settled_by_the_writer() -> None:
    one, two = clocked(replace(PHOTO, rating=5), 1, "a"), clocked(replace(PHOTO, rating=1), 1, "b")
    assert merge_photos([one, two]) == merge_photos([two, one])
    assert merge_photos([one, two]).rating == 1


def test_fields_are_merged_one_by_one() -> None:
    titled = clocked(replace(PHOTO, title="Sea"), 5, field="title")
    rated = clocked(replace(PHOTO, rating=4), 1)
    merged = merge_photos([titled, rated])
    assert (merged.title, merged.rating) == ("Sea", 4)
    assert set(merged.clocks) == {"title", "rating"}


def test_files_are_joined_and_the_first_record_names_the_primary() -> None:
    other = replace(PHOTO, files=(B, A), primary=B)
    assert merge_photos([PHOTO, other]).files == (A, B)
    assert merge_photos([PHOTO, other]).primary == A
    assert merge_photos([PHOTO, clocked(other, 1, field="primary")]).primary == B


def test_a_photo_needs_a_record() -> None:
    with pytest.raises(ValueError, match="at least one record"):
        merge_photos([])


def test_the_primary_is_one_of_the_files_there_are() -> None:
    photo = replace(PHOTO, files=(A, B))
    assert choose_primary(photo, [B, A]) == A
    assert choose_primary(photo, [C, B]) == B
    assert choose_primary(photo, [C]) == C


def test_the_best_rank_decides_the_primary_unless_the_user_chose_one() -> None:
    photo = replace(PHOTO, files=(A, B))
    ranks = {A: (2, True, True, 0), B: (0, True, True, 0), C: (0, True, True, 0)}
    assert choose_primary(photo, [A, B, C], ranks.__getitem__) == B
    assert choose_primary(photo, [A, C], ranks.__getitem__) == C
    assert choose_primary(photo, [A], ranks.__getitem__) == A
    chosen = replace(photo, clocks={"primary": FieldClock(counter=1, writer=WriterId("w"))})
    assert choose_primary(chosen, [A, B, C], ranks.__getitem__) == A
    assert choose_primary(chosen, [B, C], ranks.__getitem__) == B


def test_what_is_said_beside_any_file_of_a_photo_holds_and_the_primary_is_asked_first() -> None:
    camera = replace(FACTS, embedded=Embedded(rating=0, title="Beach"))
    raw = PictureFacts(
        file_format="RAW",
        embedded=Embedded(rating=4, keywords=("sea",), title="Other"),
        gps=GpsPosition(latitude=1, longitude=2),
    )
    facts = effective_facts(PHOTO, camera, [raw])
    assert (facts.rating, facts.tags, facts.title, facts.file_format) == (4, ("sea",), "Beach", "JPEG")
    assert facts.gps == raw.gps
    assert effective_facts(PHOTO, replace(raw, embedded=Embedded(rating=2)), [raw]).rating == 2
    assert effective_facts(replace(PHOTO, rating=1), camera, [raw]).rating == 1


def test_a_rejection_beside_another_file_holds_unless_the_primary_has_stars() -> None:
    rejected = PictureFacts(file_format="RAW", embedded=Embedded(rejected=True))
    plain = PictureFacts(file_format="JPEG")
    assert effective_facts(PHOTO, plain, [rejected]).rejected
    assert not effective_facts(PHOTO, replace(plain, embedded=Embedded(rating=3)), [rejected]).rejected


def test_single_tags_are_added_to_the_file_s_own_and_taken_from_them() -> None:
    said = replace(PHOTO, tag_changes={"rome": True, "sand": False, "absent": False})
    assert effective_facts(said, FACTS).tags == ("sea", "rome")


def test_added_tags_stand_by_name_after_the_file_s_own() -> None:
    said = replace(PHOTO, tag_changes={"b": True, "a": True, "sand": True})
    assert effective_facts(said, FACTS).tags == ("sea", "sand", "a", "b")


def test_single_tags_said_before_the_whole_list_are_void() -> None:
    clocks = {name: FieldClock(counter=at, writer=WriterId("w")) for name, at in (("tags.b", 1), ("tags", 2))}
    said = replace(PHOTO, tags=("x",), tag_changes={"b": True}, clocks=clocks)
    assert effective_facts(said, FACTS).tags == ("x",)


def test_corrections_stand_before_time_and_place_of_the_file() -> None:
    own = replace(
        FACTS,
        capture_time=CaptureTime(local="2007-01-01T00:00:00", offset=None, source="exif"),
        gps=GpsPosition(latitude=1, longitude=2),
    )
    corrected = CaptureTime(local="2024-07-10T14:30:00", offset="+02:00", source="user")
    said = replace(PHOTO, capture_time=corrected, gps=GpsPosition(latitude=3, longitude=4))
    facts = effective_facts(said, own)
    assert (facts.capture_time, facts.gps) == (corrected, said.gps)
    assert effective_facts(PHOTO, own).capture_time == own.capture_time
