"""Effective facts of a photo: what the user said of it in ImaLink, else what its primary file says itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TypeVar

from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.photo import FieldClock, Photo, UserFacts
from imalink.core.picture import Camera, Embedded, GpsPosition, PictureFacts
from imalink.core.timestamps import CaptureTime
from imalink.core.user_facts import clock_of, live_value, merge_said, tag_field

_Text = TypeVar("_Text", bound=str)

Rank = tuple[int, bool, bool, int]
"""What files of one photo are sorted by: see ``pairing.primary_rank``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFacts:
    """What holds for a photo. ``width`` and ``height`` are as shown, after its orientation is applied."""

    file_format: str
    title: str | None = None
    caption: str | None = None
    rating: int | None = None
    label: str | None = None
    rejected: bool = False
    tags: tuple[str, ...] = ()
    author: str | None = None
    capture_time: CaptureTime | None = None
    camera: Camera = Camera()
    gps: GpsPosition | None = None
    width: int | None = None
    height: int | None = None
    custom: Mapping[str, str] = field(default_factory=dict[str, str])


def effective_facts(photo: UserFacts, primary: PictureFacts, others: Sequence[PictureFacts] = ()) -> PhotoFacts:
    """Give what holds for ``photo``, whose primary file has the facts ``primary`` and whose other files ``others``.

    A user fact that is not None wins, an empty text or tuple too: that is how a user takes an embedded fact away. What
    people say of the picture, and where it was taken, may stand with any file of a photo: beside a JPEG of a camera it
    is mostly the sidecar of the RAW. The primary is asked first.
    """
    if others:
        primary = replace(
            primary,
            embedded=_said_of(primary.embedded, *(other.embedded for other in others)),
            gps=next((facts.gps for facts in (primary, *others) if facts.gps is not None), None),
        )
    embedded = primary.embedded
    width, height = primary.shown_size
    return PhotoFacts(
        file_format=primary.file_format,
        title=_first(photo.title, embedded.title),
        caption=_first(photo.caption, embedded.caption),
        rating=photo.rating if photo.rating is not None else embedded.rating,
        label=_first(photo.label, embedded.label),
        rejected=photo.rejected if photo.rejected is not None else embedded.rejected,
        tags=_tags(photo, embedded_tags(primary)),
        author=_first(photo.author.name if photo.author is not None else None, embedded.author),
        capture_time=photo.capture_time or primary.capture_time,
        camera=primary.camera,
        gps=photo.gps or primary.gps,
        width=width,
        height=height,
        custom=photo.custom,
    )


def _tags(photo: UserFacts, embedded: tuple[str, ...]) -> tuple[str, ...]:
    """Give the user's list of tags or else the file's, without those taken away; added ones come last, by name."""
    changes = {tag: live_value(photo, tag_field(tag)) for tag in photo.tag_changes}
    kept = (tag for tag in (embedded if photo.tags is None else photo.tags) if changes.get(tag) is not False)
    return _distinct((*kept, *sorted(tag for tag, has in changes.items() if has)))


def _said_of(*files: Embedded) -> Embedded:
    """Give what the files of a photo say together, the first that says a thing being believed.

    A rating of 0 is no word: cameras write it into every file.
    """
    stars = next((file for file in files if file.rejected or file.rating), files[0])
    keywords = next((file for file in files if file.keywords or file.hierarchical_keywords), files[0])

    def first(text_of: Callable[[Embedded], str | None]) -> str | None:
        return next((text for text in map(text_of, files) if text is not None), None)

    return Embedded(
        rating=stars.rating,
        rejected=stars.rejected,
        label=first(lambda file: file.label),
        keywords=keywords.keywords,
        hierarchical_keywords=keywords.hierarchical_keywords,
        title=first(lambda file: file.title),
        caption=first(lambda file: file.caption),
        author=first(lambda file: file.author),
        copyright=first(lambda file: file.copyright),
    )


def embedded_tags(facts: PictureFacts) -> tuple[str, ...]:
    """Give the file's own tags: its flat keywords or, without any, the last level of each hierarchical one."""
    embedded = facts.embedded
    if embedded.keywords:
        return embedded.keywords
    return tuple(keyword.rpartition("|")[2] for keyword in embedded.hierarchical_keywords)


def merge_photos(records: Sequence[Photo]) -> Photo:
    """Give one photo from what several indexes say of it.

    Each user fact comes from the record with the higher (counter, writer) clock. Equal clocks, or none: for a user
    fact a said value before None, then the greater; for ``primary`` the earlier record. So the result does not
    depend on the order of ``records`` except by that last rule, for which the caller gives a settled order.
    ``files`` are all files, in the order met. Raises ValueError without records.
    """
    if not records:
        raise ValueError("a photo needs at least one record")
    first = records[0]
    if len(records) == 1:
        return first
    said = reduce(merge_said, records)
    return replace(
        said,
        files=_distinct(hothash for record in records for hothash in record.files),
        primary=max(records, key=lambda record: clock_of(record, "primary")).primary,
        clocks=_merge_clocks(records),
    )


def plain_photo(photo_uuid: PhotoUuid, hothash: Hothash) -> Photo:
    """Give the photo of which nothing is known but its one file."""
    return Photo(photo_uuid=photo_uuid, files=(hothash,), primary=hothash)


def choose_primary(photo: Photo, present: Iterable[Hothash], rank: Callable[[Hothash], Rank] | None = None) -> Hothash:
    """Give the photo's primary among the files it really has.

    The user's choice holds while it is there. Otherwise only the files of the lowest ``rank`` count; of these the
    photo's own primary, else the first it names, else any. Raises ValueError when ``present`` is empty.
    """
    candidates = set(present)
    is_chosen = "primary" in photo.clocks and photo.primary in candidates
    if rank is not None and len(candidates) > 1 and not is_chosen:
        ranks = {hothash: rank(hothash) for hothash in candidates}
        best = min(ranks.values())
        candidates = {hothash for hothash in candidates if ranks[hothash] == best}
    if photo.primary in candidates:
        return photo.primary
    return next((hothash for hothash in photo.files if hothash in candidates), None) or min(candidates)


def _merge_clocks(records: Sequence[Photo]) -> Mapping[str, FieldClock]:
    merged: dict[str, FieldClock] = {}
    for record in records:
        for name, clock in record.clocks.items():
            known = merged.get(name)
            if known is None or (clock.counter, clock.writer) > (known.counter, known.writer):
                merged[name] = clock
    return merged


def _first(user: str | None, embedded: str | None) -> str | None:
    return (user if user is not None else embedded) or None


def _distinct(values: Iterable[_Text]) -> tuple[_Text, ...]:
    return tuple(dict.fromkeys(values))
