"""What a sidecar is to say of a photo: what the user said of it, and nothing that its files say themselves."""

from __future__ import annotations

from dataclasses import dataclass

from imalink.core.photo import Photo
from imalink.core.photo_facts import effective_facts
from imalink.core.picture import PictureFacts
from imalink.core.sidecar_facts import SidecarFacts, SidecarSort

_REJECTED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFacts:
    """The facts for a sidecar, and the tags, whose levels a sidecar spells in its own ways."""

    facts: SidecarFacts
    tags: tuple[str, ...]

    @property
    def says_anything(self) -> bool:
        """Whether there is anything to write at all."""
        return bool(self.tags) or self.facts != SidecarFacts(sort=SidecarSort.XMP)


def told_facts(photo: Photo, primary: PictureFacts) -> ToldFacts:
    """Give what the user said of a photo whose primary file has the facts ``primary``.

    Tags are all that hold as soon as the user said anything of them: a list in a sidecar takes the place of the file's.
    A text that the user took away is not told: a sidecar has no word for that. Fields of the user's own have none
    either.
    """
    holds = effective_facts(photo, primary)
    stars = None if photo.rating is None else holds.rating
    return ToldFacts(
        facts=SidecarFacts(
            sort=SidecarSort.XMP,
            capture_time=photo.capture_time,
            gps=photo.gps,
            stars=_REJECTED if photo.rejected else stars,
            label=photo.label or None,
            title=photo.title or None,
            caption=photo.caption or None,
            author=photo.author.name if photo.author is not None else None,
        ),
        tags=holds.tags if photo.tags is not None or photo.tag_changes else (),
    )
