"""User facts merge field by field to the same result, in whatever order and however often they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from imalink.core.fold import SessionFold
from imalink.core.ids import PhotoUuid, WriterId
from imalink.core.index import SessionIndex
from imalink.core.journal import JournalLine, PhotoEdited, PhotoJoined
from imalink.core.photo import FieldClock, UserFacts
from imalink.core.photo_facts import plain_photo
from imalink.core.session import Author
from imalink.core.user_facts import (
    CUSTOM_PREFIX,
    TAG_PREFIX,
    FactChange,
    UserValue,
    contains,
    current,
    has_user_facts,
    highest_counter,
    is_field,
    live_value,
    merge_said,
    said_fields,
    value_of,
)
from tests.support.indexes import hash_of, make_entry, make_index, uuid_of

ONE, TWO = WriterId(uuid_of("one")), WriterId(uuid_of("two"))
FIELDS = ("title", "rating", "rejected", "tags", "author", "tags.rome", "tags.sea", "custom.client")
ENTRY = make_entry("a")

_values: dict[str, st.SearchStrategy[UserFacts]] = {
    "title": st.sampled_from(["", "Rome", "Sea"]).map(lambda text: UserFacts(title=text)),
    "rating": st.integers(0, 5).map(lambda stars: UserFacts(rating=stars)),
    "rejected": st.booleans().map(lambda is_so: UserFacts(rejected=is_so)),
    "tags": st.sampled_from([(), ("a", "b")]).map(lambda tags: UserFacts(tags=tags)),
    "author": st.sampled_from(["Kari", "Ola"]).map(lambda name: UserFacts(author=Author(name=name))),
    "tags.rome": st.booleans().map(lambda has: UserFacts(tag_changes={"rome": has})),
    "tags.sea": st.booleans().map(lambda has: UserFacts(tag_changes={"sea": has})),
    "custom.client": st.sampled_from(["A", "B"]).map(lambda text: UserFacts(custom={"client": text})),
}


@st.composite
def edits(draw: st.DrawFn) -> UserFacts:
    """One edit of some fields at one moment, a few of them taken back. A moment may come twice, with other values."""
    fields = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4, unique=True))
    clock = FieldClock(counter=draw(st.integers(1, 4)), writer=draw(st.sampled_from([ONE, TWO])))
    parts = [draw(_values[name]) for name in fields if draw(st.booleans())]
    return FactChange(fields=frozenset(fields), values=reduce(merge_said, parts, UserFacts())).clocked(clock)


def state(facts: UserFacts) -> dict[str, tuple[UserValue | None, FieldClock | None]]:
    """Give value and clock of each field: what is said, whatever order the mappings have."""
    return {name: (value_of(facts, name), facts.clocks.get(name)) for name in {*said_fields(facts), *facts.clocks}}


@given(st.lists(edits(), max_size=6), st.randoms())
def test_the_order_in_which_edits_meet_makes_no_difference(said: list[UserFacts], random: Random) -> None:
    shuffled = said + random.sample(said, len(said) // 2)
    random.shuffle(shuffled)
    assert state(reduce(merge_said, shuffled, UserFacts())) == state(reduce(merge_said, said, UserFacts()))


@given(st.lists(edits(), max_size=4), st.lists(edits(), max_size=4), st.lists(edits(), max_size=4))
def test_it_makes_no_difference_who_merged_first(
    first: list[UserFacts], second: list[UserFacts], third: list[UserFacts]
) -> None:
    a, b, c = (reduce(merge_said, group, UserFacts()) for group in (first, second, third))
    assert state(merge_said(merge_said(a, b), c)) == state(merge_said(a, merge_said(b, c)))


@given(st.lists(edits(), min_size=1, max_size=5))
def test_what_is_merged_is_contained(said: list[UserFacts]) -> None:
    merged = reduce(merge_said, said, UserFacts())
    assert all(contains(merged, each) for each in said)
    assert state(merge_said(merged, said[0])) == state(merged)


@given(edits(), edits())
def test_the_change_back_brings_back_what_was_said(before: UserFacts, edit: UserFacts) -> None:
    later = replace(edit, clocks=dict.fromkeys(edit.clocks, FieldClock(counter=5, writer=ONE)))
    after = merge_said(before, later)
    back = current(before, later.clocks).clocked(FieldClock(counter=6, writer=ONE))
    restored = merge_said(after, back)
    assert {name: live_value(restored, name) for name in FIELDS} == {name: live_value(before, name) for name in FIELDS}


def _line(writer: WriterId, seq: int, said: UserFacts) -> JournalLine:
    edited = PhotoEdited(photo_uuid=ENTRY.photo_uuid, hothashes=(ENTRY.hothash,), said=said)
    return JournalLine(
        writer=writer, seq=seq, lamport=seq, at="", prev="", digest=hash_of(seq)[:16], observations=(edited,)
    )


def _folded(index: SessionIndex, lines: Sequence[JournalLine]) -> SessionIndex:
    fold = SessionFold(index)
    for line in lines:
        fold.add_line(line)
    return fold.result(generated_at="now")


@given(st.lists(edits(), max_size=5), st.lists(edits(), max_size=5))
def test_two_machines_fold_each_other_s_edits_to_the_same(first: list[UserFacts], second: list[UserFacts]) -> None:
    one = [_line(ONE, seq, said) for seq, said in enumerate(first, 1)]
    two = [_line(TWO, seq, said) for seq, said in enumerate(second, 1)]
    index = make_index([ENTRY])
    here = _folded(_folded(index, one), [*two, *one])
    there = _folded(_folded(index, two), [*one, *two])
    assert state(here.photos[ENTRY.photo_uuid]) == state(there.photos[ENTRY.photo_uuid])
    assert here.sources == there.sources


def test_an_edit_folded_marks_the_photo_s_files_as_changed() -> None:
    fold = SessionFold(make_index([ENTRY, make_entry("b")]))
    fold.add_line(_line(ONE, 1, FactChange(fields=frozenset({"rating"}), values=UserFacts(rating=4)).clocked(
        FieldClock(counter=1, writer=ONE)
    )))  # fmt: skip
    assert fold.changed == {ENTRY.hothash}
    assert fold.result(generated_at="now").photos[ENTRY.photo_uuid].rating == 4


def test_an_edit_of_a_photo_that_was_joined_to_another_goes_on_with_that() -> None:
    other = make_entry("b")
    together = PhotoJoined(
        photo_uuid=other.photo_uuid, hothashes=(other.hothash, ENTRY.hothash), joined=(ENTRY.photo_uuid,)
    )
    said = UserFacts(title="Rome", clocks={"title": FieldClock(counter=3, writer=ONE)})
    lines = [replace(_line(TWO, 1, said), observations=(together,)), _line(ONE, 1, said)]
    photos = _folded(make_index([ENTRY, other]), lines).photos
    assert set(photos) == {other.photo_uuid}
    assert photos[other.photo_uuid].title == "Rome"


def test_an_edit_of_another_session_s_photo_changes_nothing() -> None:
    index = make_index([make_entry("b")])
    said = UserFacts(title="Rome", clocks={"title": FieldClock(counter=3, writer=ONE)})
    fold = SessionFold(index)
    fold.add_line(_line(ONE, 1, said))
    assert fold.changed == set()
    assert fold.result(generated_at="now").photos == index.photos


def test_fields_of_a_newer_version_are_left_to_it() -> None:
    clock = FieldClock(counter=3, writer=ONE)
    merged = merge_said(UserFacts(), UserFacts(clocks={"mood": clock, TAG_PREFIX: clock, "title": clock}))
    assert set(merged.clocks) == {"title"}
    assert not is_field(CUSTOM_PREFIX)
    assert is_field("custom.ends with a .")


def test_a_field_taken_back_is_still_a_user_fact() -> None:
    taken_back = UserFacts(clocks={"rating": FieldClock(counter=7, writer=ONE)})
    assert has_user_facts(taken_back)
    assert highest_counter([UserFacts(), taken_back]) == 7
    assert not has_user_facts(plain_photo(PhotoUuid(uuid_of("x")), ENTRY.hothash))
