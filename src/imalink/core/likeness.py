"""How two files stand to each other: the same bytes, picture, photo or only name; and what says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from imalink.core.ids import FILE_METHOD, Hothash, HothashMethod, PhotoUuid, Sha256
from imalink.core.pairing import ShotFile, is_live_clip, pair_files, why_apart
from imalink.core.picture import PictureFacts


class Relation(StrEnum):
    """What two files are to each other; of several that hold, the first in this order."""

    SAME_FILE = "same-file"
    SAME_BYTES = "same-bytes"
    SAME_PICTURE = "same-picture"
    LIVE_PHOTO = "live-photo"
    SAME_PHOTO = "same-photo"
    DAMAGED = "damaged"
    SAME_NAME = "same-name"
    SAME_MOMENT = "same-moment"
    NOT_COMPARABLE = "not-comparable"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One of the two: a file, or what the catalog knows of a picture.

    ``sha256s`` are the checksums of all its known files. ``photo_uuid`` is that of the catalog, None if the picture is
    unknown there; ``damage`` says what is broken in its structure.
    """

    label: str
    folder: str
    name: str
    hothash: Hothash
    method: HothashMethod
    sha256s: frozenset[Sha256]
    facts: PictureFacts
    photo_uuid: PhotoUuid | None = None
    damage: str = ""

    def as_shot_file(self) -> ShotFile:
        """Give it as pairing sees it."""
        return ShotFile(folder=self.folder, name=self.name, facts=self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A fact that two files tell differently; None where one tells nothing."""

    fact: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How two files stand to each other, in sentences, and which facts differ."""

    relation: Relation
    reasons: tuple[str, ...]
    differences: tuple[Difference, ...]


def compare_subjects(first: Subject, second: Subject, *, is_one_file: bool = False) -> Likeness:
    """Say what two files are to each other and why."""
    relation, reasons = _relate(first, second, is_one_file)
    return Likeness(relation=relation, reasons=tuple(reasons), differences=_differences(first.facts, second.facts))


def _relate(first: Subject, second: Subject, is_one_file: bool) -> tuple[Relation, list[str]]:
    if is_one_file:
        return Relation.SAME_FILE, ["Both are one and the same file."]
    if first.sha256s & second.sha256s:
        return Relation.SAME_BYTES, ["Their bytes are the same, one for one."]
    if first.hothash == second.hothash:
        return Relation.SAME_PICTURE, [
            "They hold the same picture: what is coded of it is the same, bit for bit.",
            "Only what is written about it differs, or an embedded preview does.",
        ]
    one, other = first.as_shot_file(), second.as_shot_file()
    in_one_photo = first.photo_uuid is not None and first.photo_uuid == second.photo_uuid
    for picture, clip in ((one, other), (other, one)):
        if is_live_clip(picture, clip):
            said = picture.facts.content_identifier is not None and clip.facts.content_identifier is not None
            why = "the camera wrote the same identifier into both" if said else "name, time and length say so"
            return Relation.LIVE_PHOTO, [f"{clip.name} is the clip of the live photo {picture.name}: {why}."]
    is_settled = first.photo_uuid is not None and second.photo_uuid is not None
    if in_one_photo or (not is_settled and _are_paired(one, other)):
        return Relation.SAME_PHOTO, _why_one_photo(one, other, in_one_photo)
    damaged = [each for each in (first, second) if each.damage or _should_have_method(each)]
    if damaged:
        return Relation.DAMAGED, [
            *(f"{each.label} is damaged{f': {each.damage}' if each.damage else ''}." for each in damaged),
            "A damaged file is known by all its bytes alone, so it cannot be told whether the picture was the same.",
        ]
    return _relate_strangers(first, second)


def _relate_strangers(first: Subject, second: Subject) -> tuple[Relation, list[str]]:
    one, other = first.as_shot_file(), second.as_shot_file()
    reasons: list[str] = []
    if first.photo_uuid is not None and second.photo_uuid is not None:
        reasons.append("Your archive has them as two photos.")
    if one.shot_name.key == other.shot_name.key:
        why = why_apart(one, other)
        if why is not None:
            reasons.append(f"Their names are those of one shot, but {why}.")
        else:
            reasons.append(
                "Their names, times and cameras are those of one shot: `imalink photos join` makes them one."
            )
        return Relation.SAME_NAME, reasons
    reasons.append("What is coded of the picture differs.")
    taken, other_taken = first.facts.capture_time, second.facts.capture_time
    told = taken is not None and other_taken is not None and "mtime" not in (taken.source, other_taken.source)
    if told and taken is not None and other_taken is not None and taken.taken_at == other_taken.taken_at:
        reasons.append(
            "They were taken at the same moment: one may be a smaller, cropped or newly saved version of the other. "
            "ImaLink does not compare what pictures look like."
        )
        return Relation.SAME_MOMENT, reasons
    if first.method != second.method:
        reasons.append(
            f"They are of different kinds ({first.method} and {second.method}), so their coded pictures cannot be "
            "compared: a picture saved in another format is another picture here."
        )
        return Relation.NOT_COMPARABLE, reasons
    return Relation.DIFFERENT, reasons


def _are_paired(one: ShotFile, other: ShotFile) -> bool:
    return len(pair_files([one, other])) == 1


def _why_one_photo(one: ShotFile, other: ShotFile, in_one_photo: bool) -> list[str]:
    if _are_paired(one, other):
        reasons = ["They are two files of one shot: the names say so, and time and camera do not speak against it."]
    else:
        reasons = ["They are files of one photo: an edited version, or joined, or paired where they came from."]
    if in_one_photo:
        reasons.append("Your archive has them as one photo.")
    return reasons


def _should_have_method(subject: Subject) -> bool:
    """Tell whether a file is known by all its bytes although its kind has a better method."""
    return subject.method == FILE_METHOD and subject.facts.file_format in ("JPEG", "PNG", "WEBP", "GIF")


def _differences(first: PictureFacts, second: PictureFacts) -> tuple[Difference, ...]:
    return tuple(
        Difference(fact=name, first=one, second=other)
        for name, read in _FACTS
        if (one := read(first)) != (other := read(second))
    )


def _joined(texts: Sequence[str]) -> str | None:
    return ", ".join(texts) or None


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"


_FACTS: tuple[tuple[str, Callable[[PictureFacts], str | None]], ...] = (
    ("file_format", lambda facts: facts.file_format),
    ("size", lambda facts: None if facts.width is None else f"{facts.width} × {facts.height}"),
    ("orientation", lambda facts: str(facts.orientation)),
    ("duration_seconds", lambda facts: _number(facts.duration_seconds)),
    ("taken_at", lambda facts: None if facts.capture_time is None else facts.capture_time.local),
    ("taken_at_offset", lambda facts: None if facts.capture_time is None else facts.capture_time.offset),
    ("content_identifier", lambda facts: facts.content_identifier),
    ("camera", lambda facts: _joined([each for each in (facts.camera.make, facts.camera.model) if each])),
    ("lens", lambda facts: facts.camera.lens),
    ("gps", lambda facts: None if facts.gps is None else f"{facts.gps.latitude:.6f}, {facts.gps.longitude:.6f}"),
    ("rating", lambda facts: _number(facts.embedded.rating)),
    ("rejected", lambda facts: "yes" if facts.embedded.rejected else None),
    ("label", lambda facts: facts.embedded.label),
    ("keywords", lambda facts: _joined(facts.embedded.keywords)),
    ("title", lambda facts: facts.embedded.title),
    ("caption", lambda facts: facts.embedded.caption),
    ("author", lambda facts: facts.embedded.author),
    ("copyright", lambda facts: facts.embedded.copyright),
)
