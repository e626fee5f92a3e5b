"""The books of R14 see what they are there to see."""

from __future__ import annotations

from collections.abc import Mapping

from tests.stateful.books import UNSAID, Sayings, Told, looked_at, unexplained, untouched
from tests.stateful.observed import Known, Standing

A, B, C = "a" * 64, "b" * 64, "c" * 64


def standing(
    files: Mapping[str, str], known: Mapping[str, Known], *, orphans: frozenset[str] = frozenset()
) -> Standing:
    """Files by name with the picture that each is; the checksum is the picture's first letter."""
    return Standing(
        files={name: (1, 1, hothash[0]) for name, hothash in files.items()},
        trash={},
        quarantine={},
        known=known,
        times={},
        tombstones={},
        orphans=orphans,
        sessions={},
        said={},
        hothashes=files,
    )


def at(*places: str) -> Known:
    return Known(places=frozenset((each[2:], each[0]) for each in places))


BEFORE = standing({"y.jpg": A, "b.jpg": C}, {A: at("a:x.jpg"), B: at("b:b.jpg")})
"""A was moved from x to y, and in the place of B stands C now, which nobody knew."""


def look(known: Mapping[str, Known]) -> list[str]:
    return looked_at(BEFORE, standing({"y.jpg": A, "b.jpg": C}, known))


def test_a_look_that_tells_what_happened_is_right() -> None:
    assert look({A: at("a:y.jpg"), C: at("c:b.jpg")}) == []


def test_whatever_a_look_tells_wrongly_is_seen() -> None:
    for known in (
        {C: at("c:b.jpg")},
        {A: at("a:x.jpg"), C: at("c:b.jpg")},
        {A: Known(missing_at=frozenset({"x.jpg"})), C: at("c:b.jpg")},
        {A: at("a:y.jpg"), B: Known(missing_at=frozenset({"b.jpg"}))},
        {A: at("a:y.jpg"), B: at("b:b.jpg"), C: at("c:b.jpg")},
        {A: at("a:y.jpg"), C: at("c:elsewhere.jpg")},
    ):
        assert look(known) != [], known


def test_what_nobody_knows_and_nobody_tells_of_is_seen() -> None:
    assert unexplained(standing({"a.jpg": A}, {})) != []
    assert unexplained(standing({"a.jpg": A}, {A: at("a:a.jpg")}, orphans=frozenset({"a.jpg"}))) != []
    assert unexplained(standing({"a.jpg": A}, {}, orphans=frozenset({"a.jpg"}))) == []


def test_a_picture_of_which_something_else_is_known_is_named() -> None:
    assert untouched(BEFORE, BEFORE) == []
    changed = standing({}, {A: at("a:y.jpg"), B: at("b:b.jpg")})
    assert [each[:8] for each in untouched(BEFORE, changed)] == [A[:8]]
    assert untouched(BEFORE, changed, [A]) == []


def test_what_was_said_after_another_word_was_heard_takes_its_place_and_else_either_may_hold() -> None:
    sayings, told = Sayings(), Told()
    first = sayings.say(1, [])
    after = sayings.say(2, [first])
    unaware = sayings.say(3, [])
    told.surely[A, "rating"] = {first}
    assert sayings.allowed(told, [A], "rating") == {1}
    told.surely[A, "rating"] |= {after, unaware}
    assert sayings.allowed(told, [A], "rating") == {2, 3}
    assert sayings.allowed(told, [B], "rating") == {UNSAID}
    told.doubt(A)
    assert sayings.allowed(told, [A], "rating") == {1, 2, 3, UNSAID}
    told.remember(A)
    assert sayings.allowed(told, [A], "rating") == {2, 3}
