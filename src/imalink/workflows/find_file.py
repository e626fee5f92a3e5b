"""Find a picture by its hothash: a path that opens now, or every place it is known to have."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from imalink.catalog import file_storages, locations, tombstones
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.locations import FoundImageFile, FoundLocation
from imalink.catalog.tombstones import FoundTombstone
from imalink.core.ids import Hothash, PhotoUuid, StorageUuid, parse_hothash_prefix
from imalink.core.index import FileStatus
from imalink.errors import AmbiguousError, NotFoundError, StorageError
from imalink.workflows.file_finder import FileFinder
from imalink.workflows.named_by_file import find_named
from imalink.workflows.storage_access import open_known_to_read
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """When a picture was deleted somewhere, by whom, in which mode and why, and where it stood until then."""

    at: str
    by: str
    mode: str
    reason: str
    stood_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlace:
    """One place of a picture; ``status``, as of now: ``present``, ``damaged``, ``missing``, ``offline`` or ``deleted``.

    Damaged is what stands there and was found not to be what was archived when it was last read. Of a deleted one the
    path is that in the trash or, if its file is not there, the one at which it last stood; ``deleted`` tells the rest.
    """

    storage_uuid: StorageUuid
    display_name: str
    relative_path: str
    full_path: str
    status: str
    is_active: bool
    deleted: Deletion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPicture:
    """One picture and its places, those that can be opened first."""

    hothash: Hothash
    photo_uuid: PhotoUuid
    places: tuple[FoundPlace, ...]

    @property
    def path(self) -> str | None:
        """A full path that opens now, in a storage that the user wants used, whole if any is; or None."""
        standing = (place for place in self.places if place.status in ("present", "damaged") and place.is_active)
        return next((place.full_path for place in standing), None)

    @property
    def is_deleted(self) -> bool:
        """Whether nothing is left of it but what was deleted."""
        return bool(self.places) and all(place.status == "deleted" for place in self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a look-up found for the text it was asked; None where no such picture is known."""

    asked: str
    picture: FoundPicture | None


def answer_each(tools: Tools, prefixes: list[str], *, heals: bool = False) -> list[Answer]:
    """Look pictures up as ``find_files`` does, in the order asked; unknown ones keep no other from being found.

    Raises UsageError, AmbiguousError.
    """
    known: dict[str, Hothash] = {}
    for text in prefixes:
        with suppress(NotFoundError):
            [known[text]] = _hothashes(tools, [text])
    found = find_files(tools, [*known.values()], heals=heals)
    pictures = dict(zip(known, found, strict=True))
    return [Answer(asked=text, picture=pictures.get(text)) for text in prefixes]


def find_files(tools: Tools, prefixes: list[str], *, heals: bool = False) -> list[FoundPicture]:
    """Look pictures up by hothash or a unique prefix of 8 digits or more; existence is tested on the disk.

    With ``heals``, a storage that answers and does not have a picture where it should is re-indexed first. Raises
    UsageError, NotFoundError, AmbiguousError.
    """
    found = [_look_everywhere(tools, hothash) for hothash in _hothashes(tools, prefixes)]
    lost = [picture.hothash for picture in found if heals and picture.path is None and not picture.is_deleted]
    if lost:
        with FileFinder(tools) as finder:
            healed = [finder.find(hothash) for hothash in lost]
            if any(path is not None for path in healed):
                return find_files(tools, [picture.hothash for picture in found])
    return found


def get_pictures(tools: Tools, prefixes: Iterable[str]) -> list[FoundImageFile]:
    """Give the pictures that a user means by hothashes, unique prefixes of them, or files.

    Raises UsageError, NotFoundError, AmbiguousError, SourceError.
    """
    hothashes: list[Hothash] = []
    named = [(text, find_named(tools, text)) for text in prefixes]
    with tools.catalog.read() as db:
        for text, known in named:
            if known is not None:
                hothashes.append(known)
                continue
            prefix = parse_hothash_prefix(text)
            found = locations.find_hothashes(db, prefix, limit=10)
            deleted = [] if found else tombstones.find_hothashes(db, prefix)
            if deleted:
                raise NotFoundError(
                    f"The picture with a hothash beginning {prefix} was deleted.",
                    hint=f"`imalink trash list` tells when; imalink trash restore {deleted[0][:10]} brings it back.",
                )
            if not found:
                now = ", ".join(each[:16] for each in locations.find_successors(db, prefix))
                raise NotFoundError(
                    f"No picture with a hothash beginning {prefix} is known.",
                    hint=f"One was known by it, was edited or hashed anew, and is {now} now."
                    if now
                    else "Run `imalink hothash FILE` to see a file's hothash.",
                )
            if len(found) > 1:
                names = ", ".join(each[:16] for each in found)
                raise AmbiguousError(f"{prefix} fits several pictures: {names} …", hint="Give more digits.")
            hothashes.append(found[0])
        pictures = locations.find_by_hothash(db, hothashes)
    for text, known in named:
        if known is not None and known not in pictures:
            raise NotFoundError(
                f"The picture of {text} was deleted.",
                hint=f"`imalink whereis {shlex.quote(text)}` tells when; imalink trash restore {known[:10]} brings it "
                "back.",
            )
    return [pictures[hothash] for hothash in hothashes]


def _hothashes(tools: Tools, prefixes: Iterable[str]) -> list[Hothash]:
    """Give the hothashes that a user means, of deleted pictures too. Raises as ``get_pictures``."""
    found: list[Hothash] = []
    for text in prefixes:
        named = find_named(tools, text)
        if named is not None:
            found.append(named)
            continue
        prefix = parse_hothash_prefix(text)
        with tools.catalog.read() as db:
            deleted = tombstones.find_hothashes(db, prefix)
            known = locations.find_hothashes(db, prefix, limit=2) if deleted else []
        if len(deleted) == 1 and (not known or known == deleted):
            found.append(deleted[0])
        else:
            found.append(get_pictures(tools, [text])[0].hothash)
    return found


def _look_everywhere(tools: Tools, hothash: Hothash) -> FoundPicture:
    with tools.catalog.read() as db:
        picture = locations.find_by_hothash(db, [hothash]).get(hothash)
        deleted = tombstones.find_by_hothash(db, [hothash]).get(hothash, ())
        records = {each.storage_uuid: each for each in file_storages.list_storages(db)}
    places = [_look(tools, place) for place in (picture.locations if picture is not None else ())]
    standing = {(place.storage_uuid, place.relative_path) for place in places}
    for each in deleted:
        place = _deleted_place(each, records[each.storage_uuid])
        if place is not None and (place.storage_uuid, place.relative_path) not in standing:
            places.append(place)
    return FoundPicture(
        hothash=hothash,
        photo_uuid=deleted[0].tombstone.photo_uuid if picture is None else picture.photo_uuid,
        places=tuple(
            sorted(
                places,
                key=lambda place: ("present", "damaged", "missing", "offline", "deleted").index(place.status),
            )
        ),
    )


def _deleted_place(found: FoundTombstone, record: StorageRecord) -> FoundPlace | None:
    tombstone = found.tombstone
    if tombstone.path is None:
        return None  # written down by a version that kept no path
    path = next((file.kept for file in tombstone.kept if file.path == tombstone.path), tombstone.path)
    return FoundPlace(
        storage_uuid=found.storage_uuid,
        display_name=found.display_name,
        relative_path=path,
        full_path=str(Path(record.full_path) / path),
        status="deleted",
        is_active=record.is_active,
        deleted=Deletion(
            at=tombstone.deleted_at,
            by=tombstone.by,
            mode=tombstone.mode,
            reason=tombstone.reason,
            stood_at=tombstone.path,
        ),
    )


def _look(tools: Tools, place: FoundLocation) -> FoundPlace:
    """See whether the file really stands there now, through the handle of its storage."""
    folder = Path(place.base_path) / place.directory_name
    status = "offline"
    with tools.catalog.read() as db:
        record = file_storages.get_storage(db, place.storage_uuid)
    try:
        with open_known_to_read(tools, record) as storage:
            folder = storage.path
            facts = storage.pictures.find_facts(place.relative_path)
            if facts is None or not facts.is_file:
                status = FileStatus.MISSING.value
            else:
                status = FileStatus.PRESENT.value if place.damage is None else "damaged"
    except StorageError:
        pass  # whatever keeps it from answering: it is not there to be opened
    return FoundPlace(
        storage_uuid=place.storage_uuid,
        display_name=place.display_name,
        relative_path=place.relative_path,
        full_path=str(folder / place.relative_path),
        status=status,
        is_active=place.is_active,
    )
