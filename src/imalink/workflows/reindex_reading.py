"""Reading what a re-index must read: which files those are, and what several threads find in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from imalink.core.comparison import Comparison
from imalink.core.index import MasterIndex
from imalink.core.picture import Fingerprint
from imalink.core.progress import Progress
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.errors import NotFoundError, StorageError
from imalink.media.kinds import is_companion_name, is_picture_name
from imalink.storage.file_storage import FileStorage
from imalink.workflows.tools import Tools
from imalink.workflows.working_ahead import work_ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesRead:
    """What is known of the bytes now: None of a file that could not be read.

    ``unread`` are the files that could not be, or were gone again; ``hashed_count`` counts those that were.
    """

    fingerprints: Mapping[RelativePath, Fingerprint | None]
    unread: frozenset[RelativePath]
    hashed_count: int

    def telling(self, comparison: Comparison) -> dict[RelativePath, Fingerprint | None]:
        """Leave out files of another name that only happened to have a lost one's size: they are none of ours."""
        lost = {file.hothash for file in comparison.absent()}
        return {
            path: found
            for path, found in self.fingerprints.items()
            if path in comparison.changed
            or is_picture_name(path.name)
            or is_companion_name(path.name)
            or path in comparison.unchanged
            or (found is not None and found.hothash in lost)
        }


def known_fingerprints(master: MasterIndex, comparison: Comparison) -> dict[RelativePath, Fingerprint]:
    """Give what was read before of pictures that belong to no session and stand as they stood."""
    return {
        orphan.path: orphan.fingerprint
        for orphan in master.orphans
        if orphan.fingerprint is not None and orphan.path in comparison.unchanged
    }


def files_to_read(
    master: MasterIndex, comparison: Comparison, *, placed: Collection[RelativePath], hashes_orphans: bool
) -> list[RelativePath]:
    """List changed files, new pictures and companions, and whatever has a lost one's size.

    Pictures that belong to no session are known already; only those that nobody read before are in it. ``placed`` are
    new paths that are explained without reading.
    """
    lost_sizes = {file.size_bytes for file in comparison.absent()}
    return [
        *comparison.changed,
        *(
            path
            for path, file in comparison.appeared.items()
            if path not in placed
            and file.size_bytes > 0
            and (
                is_companion_name(path.name)
                or (hashes_orphans and is_picture_name(path.name))
                or file.size_bytes in lost_sizes
            )
        ),
        *(
            orphan.path
            for orphan in master.orphans
            if orphan.path in comparison.unchanged and orphan.fingerprint is None and hashes_orphans
        ),
    ]


def read_files(
    tools: Tools,
    storage: FileStorage,
    wanted: Sequence[RelativePath],
    *,
    seen: Mapping[RelativePath, ScannedFile],
    known: Mapping[RelativePath, Fingerprint],
    progress: Progress,
) -> FilesRead:
    """Read the wanted files, and put them beside what is known.

    A file that cannot be read stops nothing, unless the storage itself is in trouble: StorageError.
    """
    progress.start_phase("hash", total_files=len(wanted), total_bytes=sum(seen[path].size_bytes for path in wanted))
    fingerprints: dict[RelativePath, Fingerprint | None] = dict(known)
    unread: set[RelativePath] = set()
    hashed_count = 0

    def read(path: RelativePath) -> Fingerprint | NotFoundError | StorageError | OSError:
        try:
            with storage.pictures.open_for_reading(path) as descriptor:
                return tools.analyser.fingerprint(descriptor)
        except (NotFoundError, StorageError, OSError) as error:
            return error

    with work_ahead(wanted, read, threads=tools.threads, checkpoint=progress.checkpoint) as results:
        for path, found in zip(wanted, results, strict=True):
            if isinstance(found, NotFoundError):
                unread.add(path)  # gone again since the walk: the next one will tell
            elif isinstance(found, Exception):
                storage.root.verify_identity()
                fingerprints[path] = None
                unread.add(path)
            else:
                fingerprints[path] = found
                hashed_count += 1
            progress.advance(files=1, size_bytes=seen[path].size_bytes, current=path.printable())
    return FilesRead(fingerprints=fingerprints, unread=frozenset(unread), hashed_count=hashed_count)
