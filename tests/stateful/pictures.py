"""The pictures of a storm: made once, told apart by number, and named by the second implementation of the hothash."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from tests.media.reference_hothash import reference_hothash
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.shots import make_pair

TINY = (24, 16)


class Pictures:
    """Gives bytes; what is asked for twice is made once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._trial = folder / "trial.jpg"
        self._folder = folder
        self.plain = cache(self._make_plain)
        self.rated = cache(self._rate)
        self.pair = cache(self._make_pair)

    def _make_plain(self, number: int) -> bytes:
        """One like no other number's."""
        return make_jpeg(self._trial, seed=number, size=TINY, taken=None).read_bytes()

    def _rate(self, data: bytes, stars: int) -> bytes:
        """The same JPEG with other stars in its metadata: the same picture."""
        self._trial.write_bytes(data)
        set_rating_in_place(self._trial, stars)
        return self._trial.read_bytes()

    def _make_pair(self, number: int) -> tuple[bytes, bytes]:
        """The JPEG and the RAW of one shot."""
        hour, minute = divmod(number, 60)
        pair = make_pair(self._folder, "pair", seed=number, taken=f"2024:07:10 {hour % 24:02}:{minute:02}:00")
        jpeg, raw = (path.read_bytes() for path in pair)
        return jpeg, raw


@cache
def picture_in(data: bytes) -> tuple[str, str]:
    """SHA-256 and hothash of a picture's bytes."""
    return hashlib.sha256(data).hexdigest(), reference_hothash(data)[0]
