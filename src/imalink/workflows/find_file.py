"""Find a picture by its hothash: a path that opens now, or every place it is known to have."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from imalink.catalog import file_storages, locations
from imalink.catalog.locations import FoundImageFile, FoundLocation
from imalink.core.ids import Hothash, PhotoUuid, StorageUuid, parse_hothash_prefix
from imalink.core.index import FileStatus
from imalink.errors import AmbiguousError, NotFoundError, StorageError
from imalink.workflows.file_finder import FileFinder
from imalink.workflows.storage_access import open_known
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlace:
    """One place of a picture; ``status`` is ``present``, ``damaged``, ``missing`` or ``offline`` as of now.

    Damaged is what stands there and was found not to be what was archived when it was last read.
    """

    storage_uuid: StorageUuid
    display_name: str
    relative_path: str
    full_path: str
    status: str
    is_active: bool


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
            known[text] = get_pictures(tools, [text])[0].hothash
    found = find_files(tools, [*known.values()], heals=heals)
    pictures = dict(zip(known, found, strict=True))
    return [Answer(asked=text, picture=pictures.get(text)) for text in prefixes]


def find_files(tools: Tools, prefixes: list[str], *, heals: bool = False) -> list[FoundPicture]:
    """Look pictures up by hothash or a unique prefix of 8 digits or more; existence is tested on the disk.

    With ``heals``, a storage that answers and does not have a picture where it should is re-indexed first. Raises
    UsageError, NotFoundError, AmbiguousError.
    """
    found = [_look_everywhere(tools, picture) for picture in get_pictures(tools, prefixes)]
    lost = [picture.hothash for picture in found if heals and picture.path is None]
    if lost:
        with FileFinder(tools) as finder:
            healed = [finder.find(hothash) for hothash in lost]
            if any(path is not None for path in healed):
                return find_files(tools, [picture.hothash for picture in found])
    return found


def get_pictures(tools: Tools, prefixes: Iterable[str]) -> list[FoundImageFile]:
    """Give the pictures that a user means by hothashes or unique prefixes of them.

    Raises UsageError, NotFoundError, AmbiguousError.
    """
    hothashes: list[Hothash] = []
    with tools.catalog.read() as db:
        for text in prefixes:
            prefix = parse_hothash_prefix(text)
            found = locations.find_hothashes(db, prefix, limit=10)
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
    return [pictures[hothash] for hothash in hothashes]


def _look_everywhere(tools: Tools, picture: FoundImageFile) -> FoundPicture:
    return FoundPicture(
        hothash=picture.hothash,
        photo_uuid=picture.photo_uuid,
        places=tuple(
            sorted(
                (_look(tools, place) for place in picture.locations),
                key=lambda place: ("present", "damaged", "missing", "offline").index(place.status),
            )
        ),
    )


def _look(tools: Tools, place: FoundLocation) -> FoundPlace:
    """See whether the file really stands there now, through the handle of its storage."""
    folder = Path(place.base_path) / place.directory_name
    status = "offline"
    with tools.catalog.read() as db:
        record = file_storages.get_storage(db, place.storage_uuid)
    try:
        with open_known(tools, record) as storage:
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
