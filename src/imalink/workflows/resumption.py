"""Going on with an interrupted import: which one it is, and what of its source is in already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from imalink.catalog.import_sessions import SessionRecord
from imalink.core.index import MasterIndex
from imalink.core.journal import RunPlan, RunReplacement
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import OriginFile, all_as_they_were
from imalink.core.source_listing import SourceListing, SourcePicture
from imalink.storage.file_storage import FileStorage
from imalink.storage.root import StorageRoot
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.import_source import is_same_source, require_source_of
from imalink.workflows.interrupted_imports import (
    InterruptedImport,
    find_interrupted_imports,
    peek_interrupted_imports,
)
from imalink.workflows.run_session import number_in
from imalink.workflows.source_pictures import picture_sets
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """An interrupted import that goes on.

    ``settled`` are the source files that are in, as they were when they were read. Of the source's pictures ``done``
    are in and need not be looked at again; ``rest`` is what is left to be read, settled files among it where a photo
    has others that are not, or where the source may be another one.
    """

    interrupted: InterruptedImport
    settled: Mapping[RelativePath, OriginFile]
    done: tuple[SourcePicture, ...]
    rest: SourceListing


def find_resumption(
    tools: Tools,
    storage: FileStorage,
    source: StorageRoot,
    request: ImportRequest,
    known: SessionRecord,
    listing: SourceListing,
    master: MasterIndex,
) -> Resumption | None:
    """Give the interrupted import of a session that an import of this source goes on with; None if it is another one.

    It is the one that is asked for, or one of the same folder. Raises SourceOfflineError.
    """
    number = number_in(tools, storage, known)
    imports = find_interrupted_imports(storage, number)
    if request.dry_run:
        imports = peek_interrupted_imports(storage, known.session.session_uuid, number, imports)
    source_path = RelativePath(str(source.path)).printable()
    for interrupted in imports:
        if request.resumes is None:
            if interrupted.source_path != source_path:
                continue
        elif interrupted.import_uuid != request.resumes:
            continue
        settled = find_settled(storage, interrupted, master)
        asked = interrupted.request
        if asked is None:
            return Resumption(interrupted=interrupted, settled=settled, done=(), rest=listing)
        if request.resumes is not None:
            require_source_of(source, asked, listing, settled_count=len(interrupted.plans))
        rest, done = without_settled(listing, settled) if is_same_source(source, asked) else (listing, [])
        return Resumption(interrupted=interrupted, settled=settled, done=tuple(done), rest=rest)
    return None


def find_settled(
    storage: FileStorage, interrupted: InterruptedImport, master: MasterIndex
) -> Mapping[RelativePath, OriginFile]:
    """Give the source files of which the storage has the copy that was verified when it came in, by their paths.

    A copy counts that stands with the size and time it had then, wherever it was moved since; one that does not is
    looked at anew.
    """
    settled: dict[RelativePath, OriginFile] = {}
    for plan in interrupted.plans:
        if plan.origin is not None and _stands(storage, plan, master):
            settled.update((file.relative_path, file) for file in plan.origin.files)
    return settled


def _stands(storage: FileStorage, plan: RunPlan | RunReplacement, master: MasterIndex) -> bool:
    entry = plan.entry
    places = [(entry.relative_path, entry.size_bytes, entry.modified_ns)]
    known = master.files.get(entry.hothash)
    if known is not None:
        places.extend(
            (place.relative_path, place.size_bytes, place.modified_ns)
            for place in known.places()
            if place.sha256 == entry.sha256
        )
    for path, size_bytes, modified_ns in places:
        facts = storage.pictures.find_facts(path)
        if facts is not None and facts.is_file and (facts.size_bytes, facts.modified_ns) == (size_bytes, modified_ns):
            return True
    return False


def without_settled(
    listing: SourceListing, settled: Mapping[RelativePath, OriginFile]
) -> tuple[SourceListing, list[SourcePicture]]:
    """Part a source into what is still to be read and the pictures that are in, with all that may be of their photo."""
    rest: list[SourcePicture] = []
    done: list[SourcePicture] = []
    for pictures in picture_sets(listing):
        files = [file for picture in pictures for file in (picture.file, *picture.companions)]
        (done if all_as_they_were(files, settled) else rest).extend(pictures)
    rest.sort(key=lambda picture: picture.file.relative_path)
    return replace(listing, pictures=tuple(rest)), done
