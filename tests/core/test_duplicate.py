"""What a policy says of pictures that are archived already."""

from __future__ import annotations

import pytest

from imalink.core.duplicate import DuplicateChoice, DuplicatePolicy, Fate, Standing, choice_of, fate_of, standing_of
from imalink.core.ids import Hothash, HothashMethod, Sha256
from imalink.core.picture import Fingerprint


@pytest.mark.parametrize(
    ("policy", "same_bytes", "other_metadata"),
    [
        (DuplicatePolicy.SKIP, DuplicateChoice.SKIP, DuplicateChoice.KEEP_BOTH),
        (DuplicatePolicy.KEEP_BOTH, DuplicateChoice.KEEP_BOTH, DuplicateChoice.KEEP_BOTH),
        (DuplicatePolicy.REPLACE, DuplicateChoice.SKIP, DuplicateChoice.REPLACE),
        (DuplicatePolicy.ASK, None, None),
    ],
)
def test_a_policy_decides_on_same_bytes_and_on_the_same_picture(
    policy: DuplicatePolicy, same_bytes: DuplicateChoice | None, other_metadata: DuplicateChoice | None
) -> None:
    assert choice_of(policy, is_same_bytes=True) is same_bytes
    assert choice_of(policy, is_same_bytes=False) is other_metadata


def test_what_is_chosen_is_done_where_it_can_be() -> None:
    for choice in DuplicateChoice:
        assert fate_of(choice, is_same_bytes=False, can_replace=True).value == choice.value
    assert fate_of(DuplicateChoice.REPLACE, is_same_bytes=True) is Fate.SKIP
    assert fate_of(DuplicateChoice.REPLACE, is_same_bytes=False) is Fate.NEW
    assert fate_of(None, is_same_bytes=True) is Fate.UNDECIDED


def print_of(hothash: str, sha256: str, *, method: str = "jpeg-1", size_bytes: int = 9) -> Fingerprint:
    return Fingerprint(
        hothash=Hothash(hothash), method=HothashMethod(method), sha256=Sha256(sha256), size_bytes=size_bytes
    )


@pytest.mark.parametrize(
    ("found", "found_modified_ns", "standing"),
    [
        (None, 0, Standing.VACANT),
        (print_of("h", "s"), 7, Standing.WANTED),
        (print_of("h", "t"), 1, Standing.SAME_PICTURE),
        (print_of("h", "t"), 7, Standing.SAME_PICTURE),
        (print_of("x", "t"), 1, Standing.DAMAGED),
        (print_of("t", "t", method="file-1"), 7, Standing.DAMAGED),
        (print_of("t", "t", size_bytes=0), 7, Standing.DAMAGED),
        (print_of("x", "t"), 7, Standing.OTHER),
    ],
)
def test_what_stands_at_an_archived_place_is_told_from_what_is_wanted(
    found: Fingerprint | None, found_modified_ns: int, standing: Standing
) -> None:
    told = standing_of(print_of("h", "s"), found, known_modified_ns=1, found_modified_ns=found_modified_ns)
    assert told is standing
