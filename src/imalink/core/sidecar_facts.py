"""What sidecars say of a picture, and how the facts of the picture itself are completed from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from imalink.core.capture_fallback import is_guessed
from imalink.core.picture import Embedded, GpsPosition, PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import CaptureTime

_T = TypeVar("_T")

MAX_SIDECAR_BYTES = 2 * 1024 * 1024
"""A longer sidecar is not read; real ones have some ten thousand."""


class SidecarSort(StrEnum):
    """Who writes such sidecars, and so how far they are believed."""

    XMP = "xmp"
    """Editors, which write there what they may not write into a RAW file."""
    TAKEOUT = "takeout"
    """Google's export, which repeats what Google Photos knew of a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarFacts:
    """What one sidecar says; None or empty where it says nothing.

    ``stars`` is 0–5, or -1 for rejected. ``for_extension`` is the lower-case extension, without its dot, of the file
    that a sidecar shared by several of one stem is meant for. ``picture_name`` is the name of the picture in full,
    where the sidecar's own name was cut.
    """

    sort: SidecarSort
    for_extension: str | None = None
    picture_name: str | None = None
    capture_time: CaptureTime | None = None
    gps: GpsPosition | None = None
    lens: str | None = None
    stars: int | None = None
    label: str | None = None
    keywords: tuple[str, ...] = ()
    hierarchical_keywords: tuple[str, ...] = ()
    title: str | None = None
    caption: str | None = None
    author: str | None = None
    copyright: str | None = None


def telling_facts(picture: RelativePath, sidecars: Iterable[SidecarFacts]) -> tuple[SidecarFacts, ...]:
    """Give those sidecars that are meant for this picture: one that names another extension is of its sibling."""
    extension = picture.suffix.lower().lstrip(".")
    return tuple(each for each in sidecars if each.for_extension in (None, extension))


def complete_facts(facts: PictureFacts, sidecars: Iterable[SidecarFacts]) -> PictureFacts:
    """Give a picture's facts with what its sidecars add; of several sidecars the earlier one is believed.

    What people say of a picture (rating, label, keywords, texts) is taken from an XMP sidecar before the file itself,
    for that is where editors of RAW files write it. Everything else a sidecar says, and all that Takeout says, only
    fills what the file leaves open; a date that was only guessed leaves it open.
    """
    every = tuple(sidecars)
    said = [each for each in every if each.sort is SidecarSort.XMP]
    exported = [each for each in every if each.sort is SidecarSort.TAKEOUT]
    trusted = (*said, *exported)
    own = facts.embedded
    taken = facts.capture_time
    told = (taken,) if taken is not None and not is_guessed(taken) else ()
    stars = _first(*(each.stars for each in said), -1 if own.rejected else own.rating)
    # Flat and hierarchical keywords are one list in two spellings, so they come from the same place.
    keywords = next(
        (
            (each.keywords, each.hierarchical_keywords)
            for each in (*said, own, *exported)
            if each.keywords or each.hierarchical_keywords
        ),
        ((), ()),
    )
    return replace(
        facts,
        capture_time=_first(*told, *(each.capture_time for each in trusted), taken),
        camera=replace(facts.camera, lens=_first(facts.camera.lens, *(each.lens for each in said))),
        gps=_first(facts.gps, *(each.gps for each in trusted)),
        embedded=Embedded(
            rating=None if stars == -1 else stars,
            rejected=stars == -1,
            label=_first(*(each.label for each in said), own.label),
            keywords=keywords[0],
            hierarchical_keywords=keywords[1],
            title=_first(*(each.title for each in said), own.title, *(each.title for each in exported)),
            caption=_first(*(each.caption for each in said), own.caption, *(each.caption for each in exported)),
            author=_first(*(each.author for each in said), own.author),
            copyright=_first(*(each.copyright for each in said), own.copyright),
        ),
    )


def _first(*values: _T | None) -> _T | None:
    return next((value for value in values if value is not None), None)
