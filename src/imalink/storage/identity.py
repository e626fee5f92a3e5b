"""Which storage a folder is, told by everything of ImaLink's in it but its signature; and that signature made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from imalink.core.ids import StorageUuid, parse_uuid
from imalink.core.index import FileCopy, FileStatus, MasterIndex, Overview
from imalink.core.relative_path import RelativePath
from imalink.core.signature import PictureFolder, Signature, Testimony, agreed_uuid
from imalink.core.timestamps import Clock, parse_instant
from imalink.errors import IndexDamagedError, NotFoundError, SignatureDamagedError
from imalink.formats.layouts.hybrid import HYBRID
from imalink.formats.layouts.indexed import INDEXED
from imalink.formats.layouts.known import layout_named
from imalink.formats.layouts.layout import Layout, session_number_of
from imalink.formats.layouts.reference import REFERENCE
from imalink.formats.signature_file import MAX_SIGNATURE_BYTES, SIGNATURE_NAME, find_claimed_uuid
from imalink.storage import staging
from imalink.storage.backups import BACKUPS, Backups
from imalink.storage.file_storage import HERE
from imalink.storage.founding import HOTHASH_METHODS
from imalink.storage.fs import StorageFiles
from imalink.storage.indexes import IndexFiles
from imalink.storage.reading import FolderReader
from imalink.storage.signature import SIGNATURE_PATH, find_earlier_signature

_SAMPLED_FILES = 200
_MAX_GLANCE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """What in a folder tells of the storage it is; ``earlier`` is a signature that was kept, if there is one."""

    layout: Layout
    testimonies: tuple[Testimony, ...]
    earlier: Signature | None
    overview: Overview | None
    master: MasterIndex | None

    def storage_uuid(self, path: Path) -> StorageUuid:
        """Give the storage that all of them name; ``path`` is for messages.

        Raises SignatureDamagedError when they contradict each other, or there are none.
        """
        agreed = agreed_uuid(self.testimonies, () if self.earlier is None else self.earlier.previous_uuids)
        if agreed is None:
            raise _undecided(path, self.testimonies)
        return agreed

    def describe(self) -> str:
        """Say how many tell of it."""
        commits = sum(each.file.startswith(staging.COMMITS) for each in self.testimonies)
        return f"{_count(commits, 'commit')}, {_count(len(self.testimonies) - commits, 'other file')}"

    def signature(
        self,
        storage_uuid: StorageUuid,
        *,
        directory_name: str,
        display_name: str,
        created_at: str,
        pictures: PictureFolder | None,
    ) -> Signature:
        """Give the signature again; the names and the time are what holds where no file tells."""
        overview, master, earlier = self.overview, self.master, self.earlier
        if earlier is None:
            if overview is not None:
                display_name = overview.display_name or display_name
                with suppress(ValueError):
                    parse_instant(overview.created_at)
                    created_at = overview.created_at
            earlier = Signature(
                storage_uuid=storage_uuid,
                display_name=display_name,
                created_at=created_at,
                description="" if overview is None else overview.description,
                layout=self.layout.name,
                photo_root=str(self.layout.photo_root or HERE),
                directory_name=directory_name,
                hothash_methods=HOTHASH_METHODS,
                pictures=pictures,
            )
        return replace(
            earlier,
            storage_uuid=storage_uuid,
            photo_count=earlier.photo_count if master is None else master.total_files,
            total_size_bytes=earlier.total_size_bytes if master is None else master.total_size_bytes,
            generation=earlier.generation + 2,
        )


def ask_witnesses(files: StorageFiles, *, is_reference: bool, clock: Clock) -> Witnesses:
    """Ask every commit, index and kept signature in a folder which storage it is. What cannot be read is left out.

    Raises NewerFormatError, StorageError.
    """
    earlier = find_earlier_signature(files, Backups(files, clock=clock))
    layout = _layout_of(files, earlier, is_reference=is_reference)
    indexes = IndexFiles(files, layout, clock=clock)
    testimonies: list[Testimony] = []
    overview: Overview | None = None
    master: MasterIndex | None = None
    with suppress(IndexDamagedError, NotFoundError):
        overview = indexes.load_overview().index
        testimonies.append(Testimony(file=layout.overview_path, storage_uuid=overview.storage_uuid))
    with suppress(IndexDamagedError, NotFoundError):
        master = indexes.load_master().index
        testimonies.extend(_testimony(layout.master_path, master.storage_uuid))
    testimonies.extend(_of_sessions(indexes))
    testimonies.extend(_of_runs(files))
    if earlier is not None:
        testimonies.append(Testimony(file=f"a signature kept in {BACKUPS}", storage_uuid=earlier.storage_uuid))
    with suppress(IndexDamagedError, NotFoundError):
        claimed = find_claimed_uuid(files.read_bytes(SIGNATURE_PATH, MAX_SIGNATURE_BYTES))
        if claimed is not None:
            testimonies.append(Testimony(file=SIGNATURE_NAME, storage_uuid=claimed))
    return Witnesses(layout=layout, testimonies=tuple(testimonies), earlier=earlier, overview=overview, master=master)


def holds_pictures_of(pictures: FolderReader, witnesses: Witnesses) -> bool:
    """Tell whether the files that a storage's master names stand in a folder: more than half, of up to 200 looked at.

    An empty mount point, and another disk at the place, have none of them.
    """
    places = [] if witnesses.master is None else list(_present(witnesses.master))
    step = max(1, len(places) // _SAMPLED_FILES)
    sample = places[::step][:_SAMPLED_FILES]
    found = sum(_stands(pictures, place) for place in sample)
    return 2 * found > len(sample)


def _present(master: MasterIndex) -> Iterator[FileCopy]:
    for entry in master.files.values():
        yield from (place for place in entry.places() if place.status is FileStatus.PRESENT)


def _stands(pictures: FolderReader, place: FileCopy) -> bool:
    facts = pictures.find_facts(place.relative_path)
    return facts is not None and facts.is_file and facts.size_bytes == place.size_bytes


def _layout_of(files: StorageFiles, earlier: Signature | None, *, is_reference: bool) -> Layout:
    """Tell the layout: where little is left, the one all of whose names are ImaLink's, so that nothing can clash."""
    if is_reference:
        return REFERENCE
    if earlier is not None:
        return layout_named(earlier.layout)
    if files.exists(INDEXED.sessions_directory) or files.exists(INDEXED.overview_path):
        return INDEXED
    try:
        names = files.list_names(HYBRID.sessions_directory)
    except NotFoundError:
        names = []
    is_hybrid = any(session_number_of(name) is not None for name in names)
    if not is_hybrid and files.exists(HYBRID.overview_path):
        with suppress(IndexDamagedError):
            data = files.read_bytes(HYBRID.overview_path, _MAX_GLANCE_BYTES)
            is_hybrid = b'"storage_info"' in data
    return HYBRID if is_hybrid else INDEXED


def _of_sessions(indexes: IndexFiles) -> Iterator[Testimony]:
    for number in indexes.list_sessions():
        try:
            index = indexes.load_session(number).index
        except (IndexDamagedError, NotFoundError):
            continue
        yield from _testimony(indexes.layout.session_path(number), index.storage_uuid)


def _of_runs(files: StorageFiles) -> Iterator[Testimony]:
    paths: list[RelativePath] = [staging.commit_path(run) for run in staging.list_commits(files)]
    paths.extend(staging.intent_path(run) for run in staging.list_interrupted(files))
    for path in paths:
        with suppress(IndexDamagedError, NotFoundError):
            yield Testimony(file=path, storage_uuid=staging.load_run_begin(files, path).storage_uuid)


def _testimony(file: str, text: str) -> Iterator[Testimony]:
    with suppress(ValueError):
        yield Testimony(file=file, storage_uuid=StorageUuid(parse_uuid(text)))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _undecided(path: Path, testimonies: Sequence[Testimony]) -> SignatureDamagedError:
    if not testimonies:
        return SignatureDamagedError(
            f"The signature of the storage at {path} cannot be read, and no commit or index there says which storage "
            "it is. Its pictures are safe; nothing was changed.",
            hint=f"Put {SIGNATURE_NAME} back from a backup of the storage.",
        )
    first = {each.storage_uuid: each.file for each in reversed(testimonies)}
    said = "; ".join(f"{file} says {storage_uuid}" for storage_uuid, file in first.items())
    return SignatureDamagedError(
        f"The signature of the storage at {path} cannot be read, and what else is there contradicts itself: {said}. "
        "Its pictures are safe; nothing was changed.",
        hint="Move the files of the other storage out of the folder, then run the same command again.",
    )
