"""Pairing at import: which of the files that come in are of one photo, and of a photo that is archived already."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from imalink.catalog import shots
from imalink.catalog.shots import ShotImage
from imalink.core.ids import Hothash, PhotoUuid, StorageUuid, photo_uuid_of
from imalink.core.pairing import ShotFile, is_live_clip, is_one_shot, pair_files
from imalink.core.picture import Fingerprint, PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.shot_names import read_name
from imalink.core.source_listing import SourcePicture
from imalink.workflows.known_pictures import KnownPictures
from imalink.workflows.tools import Tools

_MARGIN = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file that is read and may be of a photo with others; ``target`` is where it goes, None if it is archived."""

    picture: SourcePicture
    fingerprint: Fingerprint
    facts: PictureFacts
    target: RelativePath | None
    photo_uuid: PhotoUuid | None = None

    @property
    def path(self) -> RelativePath:
        """Where it stands at the source."""
        return self.picture.file.relative_path


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedShot:
    """The files of one photo that come in, by position, the one to stand for it first.

    ``clips`` gives for the position of a picture those of the clips that go with it. ``is_new`` tells that the photo
    was not known in any form.
    """

    photo_uuid: PhotoUuid
    files: tuple[int, ...]
    clips: Mapping[int, tuple[int, ...]]
    is_new: bool


class ShotPairing:
    """Decides for one import at a time; asks the catalog for partners that came in earlier."""

    def __init__(self, tools: Tools, known: KnownPictures, storage_uuid: StorageUuid) -> None:
        self._tools = tools
        self._known = known
        self._storage_uuid = storage_uuid

    def find_archived(self, picture: SourcePicture, fingerprint: Fingerprint) -> Member | None:
        """Give a source file whose bytes are archived as a member, with the facts and the photo it has there."""
        with self._tools.catalog.read() as db:
            image = shots.find_images(db, [fingerprint.hothash]).get(fingerprint.hothash)
        if image is None:
            return None
        return Member(
            picture=picture, fingerprint=fingerprint, facts=image.facts, target=None, photo_uuid=image.photo_uuid
        )

    def pair(self, members: Sequence[Member]) -> list[PairedShot]:
        """Sort the members that come in into photos. Rules: docs/decisions/0023-what-belongs-to-one-photo.md."""
        paired = pair_files([_shot_file(member) for member in members])
        found: list[PairedShot] = []
        for shot in paired:
            owners = {film: owner for film, owner in shot.clips.items() if members[film].target is not None}
            # The clip of a picture that is archived already cannot go with it any more; it joins its photo.
            loose = [film for film, owner in owners.items() if members[owner].target is None]
            coming = [at for at in (*shot.files, *loose) if members[at].target is not None]
            if not coming:
                continue
            clips: dict[int, tuple[int, ...]] = {}
            for film in sorted(owners.keys() - set(loose), key=lambda at: members[at].path):
                clips[owners[film]] = (*clips.get(owners[film], ()), film)
            photo_uuid = self._find_photo([members[at] for at in (*shot.files, *loose)])
            first = members[coming[0]].fingerprint
            found.append(
                PairedShot(
                    photo_uuid=photo_uuid or photo_uuid_of(first.hothash, first.method),
                    files=tuple(coming),
                    clips=clips,
                    is_new=photo_uuid is None,
                )
            )
        return found

    def _find_photo(self, members: Sequence[Member]) -> PhotoUuid | None:
        """Give the one photo that is known of any of the files, else the one that has a partner of them."""
        known = {photo_uuid for member in members if (photo_uuid := self._photo_known(member)) is not None}
        if not known:
            known = {image.photo_uuid for member in members for image in self._partners(member)}
        return known.pop() if len(known) == 1 else None

    def _photo_known(self, member: Member) -> PhotoUuid | None:
        if member.photo_uuid is not None:
            return member.photo_uuid
        place = self._known.find_picture(member.fingerprint)
        return None if place is None else place.photo_uuid

    def _partners(self, member: Member) -> list[ShotImage]:
        """Find archived pictures of the same shot: so named, taken then, of such a folder or where this one goes."""
        taken, own = member.facts.capture_time, _shot_file(member)
        if taken is None or member.target is None or own.shot_name.is_burst:
            return []
        key = own.shot_name.key
        windows = {_window(taken.taken_at), _window(taken.local)}
        found: dict[Hothash, ShotImage] = {}
        with self._tools.catalog.read() as db:
            for first, last in windows:
                for image in shots.find_namesakes(db, first, last, is_namesake=lambda name: read_name(name).key == key):
                    found[image.hothash] = image
        return [image for image in found.values() if self._is_partner(member, own, image)]

    def _is_partner(self, member: Member, own: ShotFile, image: ShotImage) -> bool:
        folders: Collection[RelativePath | None] = [
            path.parent for storage_uuid, path in image.places if storage_uuid == self._storage_uuid
        ]
        is_near = member.target is not None and member.target.parent in folders
        if not is_near and RelativePath(image.original_path).parent != RelativePath(member.path.printable()).parent:
            return False
        other = ShotFile(folder=own.folder, name=image.original_filename, facts=image.facts)
        if own.facts.file_format == other.facts.file_format and own.shot_name.stem == other.shot_name.stem:
            return False  # a namesake: two cameras of one model may both have called a picture so
        if own.is_film or other.is_film:
            return is_live_clip(other, own) or is_live_clip(own, other)
        return is_one_shot(own, other)


def _shot_file(member: Member) -> ShotFile:
    return ShotFile(folder=member.path.rpartition("/")[0], name=member.path.name, facts=member.facts)


def _window(text: str) -> tuple[str, str]:
    """Give a span of UTC around a moment, or around local digits read as UTC, as the catalog keeps a time."""
    moment = datetime.fromisoformat(text[:19])
    try:
        return (moment - _MARGIN).isoformat() + "Z", (moment + _MARGIN).isoformat() + "Z"
    except OverflowError:
        return moment.isoformat() + "Z", moment.isoformat() + "Z"
