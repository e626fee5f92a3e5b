"""Files after accidents, for tests that let two readers disagree if they can."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

_ANY_BYTE = st.integers(0, 255)


@st.composite
def mutated_files(
    draw: st.DrawFn,
    seeds: Sequence[bytes],
    inserted: Sequence[bytes],
    *,
    changed_to: st.SearchStrategy[int] = _ANY_BYTE,
    most: int = 6,
) -> bytes:
    """A sound file after at most ``most`` cuts, changed bytes and things put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["change", "change", "insert", "cut", "end"])):
            case "change" if at < len(data):
                data[at] = draw(changed_to)
            case "insert":
                data[at:at] = draw(st.sampled_from(inserted) | st.binary(max_size=6))
            case "cut":
                del data[at : at + draw(st.integers(1, 40))]
            case "end" if draw(st.booleans()):
                del data[at:]
            case _:
                pass
    return bytes(data)
