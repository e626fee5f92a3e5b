"""What a walk found, as pictures with their companions, in sets beyond which no photo reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imalink.core.analyser import Analyser
from imalink.core.pairing import candidates
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.source_listing import SourceListing, SourcePicture, list_source
from imalink.media.kinds import (
    is_companion_name,
    is_film_name,
    is_picture_name,
    is_raw_name,
    is_takeout_album_name,
)
from imalink.storage.reading import FolderReader
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
