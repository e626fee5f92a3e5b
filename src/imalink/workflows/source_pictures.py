"""What a walk found, as pictures with their companions, in sets beyond which no photo reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imalink.core.analyser import Analyser
from imalink.core.finding import Finding
from imalink.core.pairing import candidates
from imalink.core.progress import Progress
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile, ScanResult
from imalink.core.source_listing import SourceListing, SourcePicture, list_source
from imalink.errors import NotFoundError, StorageError
from imalink.media.kinds import (
    is_companion_name,
    is_film_name,
    is_picture_name,
    is_raw_name,
    is_takeout_album_name,
)
from imalink.storage.fs import OWN_FOLDER
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot
from imalink.storage.scanner import scan_hidden
from imalink.workflows.verified_copy import read_source_sidecar


def list_pictures(
    walked: FolderReader, files: Mapping[RelativePath, ScannedFile], *, analyser: Analyser
) -> SourceListing:
    """Sort files by their names; sidecars whose names leave it open are read in ``walked``, where the files stand."""
    return list_source(
        files,
        is_picture_name=is_picture_name,
        is_companion_name=is_companion_name,
        is_raw_name=is_raw_name,
        is_album_name=is_takeout_album_name,
        read_clue=lambda path: read_source_sidecar(walked, path, analyser=analyser).facts,
    )


def picture_sets(listing: SourceListing) -> Iterator[list[SourcePicture]]:
    """Give the pictures in sets beyond which no photo reaches; in each the films last, for they may be clips."""
    pictures = {picture.file.relative_path: picture for picture in listing.pictures}
    for paths in candidates(pictures):
        yield [pictures[path] for path in sorted(paths, key=lambda path: (is_film_name(path.name), path))]


def find_hidden_pictures(root: StorageRoot, scanned: ScanResult, progress: Progress) -> list[Finding]:
    """Tell of pictures under hidden names of a source, which are left where they are; one finding a hidden name."""
    findings: list[Finding] = []
    waiting = sorted(scanned.hidden, reverse=True)
    while waiting:
        path = waiting.pop()
        facts = FolderReader(root).find_facts(path)
        if facts is None:
            continue
        if facts.is_file:
            count = int(is_picture_name(path.name))
        elif facts.is_directory:
            # Of our own folder only what was set aside holds pictures; the rest are previews.
            folder = path.below("quarantine") if path.name == OWN_FOLDER else path
            try:
                below = scan_hidden(root, folder, checkpoint=lambda _: progress.checkpoint())
            except (NotFoundError, StorageError):
                below = ScanResult(files={})
            count = sum(is_picture_name(each.name) for each in below.files)
            waiting.extend(sorted(below.hidden, reverse=True))
        else:
            continue
        if count:
            findings.append(Finding(code="hidden-pictures", path=path.printable(), facts={"pictures": count}))
    return findings
