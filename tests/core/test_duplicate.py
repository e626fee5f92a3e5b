"""What a policy says of pictures that are archived already."""

from __future__ import annotations

import pytest

from imalink.core.duplicate import DuplicateChoice, DuplicatePolicy, Fate, choice_of, fate_of


@pytest.mark.parametrize(
    ("policy", "same_bytes", "other_metadata"),
    [
        (DuplicatePolicy.SKIP, DuplicateChoice.SKIP, DuplicateChoice.KEEP_BOTH),
        (DuplicatePolicy.KEEP_BOTH, DuplicateChoice.KEEP_BOTH, DuplicateChoice.KEEP_BOTH),
        (DuplicatePolicy.ASK, None, None),
    ],
)
def test_a_policy_decides_on_same_bytes_and_on_the_same_picture(
    policy: DuplicatePolicy, same_bytes: DuplicateChoice | None, other_metadata: DuplicateChoice | None
) -> None:
    assert choice_of(policy, is_same_bytes=True) is same_bytes
    assert choice_of(policy, is_same_bytes=False) is other_metadata


def test_every_choice_is_a_fate_and_none_is_undecided() -> None:
    assert [fate_of(choice).value for choice in DuplicateChoice] == [choice.value for choice in DuplicateChoice]
    assert fate_of(None) is Fate.UNDECIDED
