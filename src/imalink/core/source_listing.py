"""Sorting what a source holds: pictures, the companions that go with them, and what is left where it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from imalink.core.companion_matching import ReadClue, match_companions, shared_sidecars, telling_sidecars
from imalink.core.finding import Finding
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePicture:
    """One picture at the source with its companions, by path.

    ``sidecars`` are those whose facts count for it, the one to believe first; one of them may be another picture's
    companion.
    """

    file: ScannedFile
    companions: tuple[ScannedFile, ...]
    sidecars: tuple[ScannedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceListing:
    """What a source holds, pictures by path; each file is in one place. ``ignored`` stay at the source."""

    pictures: tuple[SourcePicture, ...]
    ignored: tuple[ScannedFile, ...]
    findings: tuple[Finding, ...]

    @property
    def total_files(self) -> int:
        """How many files there are."""
        return len(self.ignored) + sum(1 + len(picture.companions) for picture in self.pictures)

    @property
    def total_bytes(self) -> int:
        """How many bytes would be copied if nothing were known."""
        return sum(map(size_with_companions, self.pictures))


def size_with_companions(picture: SourcePicture) -> int:
    """Give the bytes of a picture and its companions."""
    return picture.file.size_bytes + sum(companion.size_bytes for companion in picture.companions)


def list_source(
    files: Mapping[RelativePath, ScannedFile],
    *,
    is_picture_name: Callable[[str], bool],
    is_companion_name: Callable[[str], bool],
    is_raw_name: Callable[[str], bool],
    is_album_name: Callable[[str], bool] = lambda _: False,
    read_clue: ReadClue | None = None,
) -> SourceListing:
    """Sort the files of a source by their names.

    Files with the ``is_album_name`` that Takeout gives its own notes on an album are left without a word.
    ``read_clue`` is asked about a sidecar that may belong to several pictures.
    """
    pictures: list[ScannedFile] = []
    companions: list[ScannedFile] = []
    ignored: list[ScannedFile] = []
    findings: list[Finding] = []
    for path in sorted(files):
        file = files[path]
        if is_picture_name(path.name):
            if file.size_bytes == 0:
                ignored.append(file)
                findings.append(Finding(code="empty-file", path=path.printable()))
            else:
                pictures.append(file)
        elif is_companion_name(path.name):
            companions.append(file)
        elif is_album_name(path.name):
            ignored.append(file)
        else:
            ignored.append(file)
            code = "not-a-picture" if file.size_bytes else "empty-file"
            findings.append(Finding(code=code, path=path.printable()))
    matches = match_companions(
        (companion.relative_path for companion in companions),
        (picture.relative_path for picture in pictures),
        is_raw_name=is_raw_name,
        read_clue=read_clue,
    )
    belonging: dict[RelativePath, list[ScannedFile]] = defaultdict(list)
    for companion in companions:
        picture = matches.get(companion.relative_path)
        if picture is None:
            ignored.append(companion)
            findings.append(Finding(code="companion-without-picture", path=companion.relative_path.printable()))
        else:
            belonging[picture].append(companion)
    shared = shared_sidecars(matches, (picture.relative_path for picture in pictures))

    def sidecars_of(picture: RelativePath) -> tuple[ScannedFile, ...]:
        own = (companion.relative_path for companion in belonging.get(picture, ()))
        others = (shared[picture],) if picture in shared else ()
        return tuple(files[path] for path in telling_sidecars(picture, (*own, *others)))

    return SourceListing(
        pictures=tuple(
            SourcePicture(
                file=picture,
                companions=tuple(belonging.get(picture.relative_path, ())),
                sidecars=sidecars_of(picture.relative_path),
            )
            for picture in pictures
        ),
        ignored=tuple(ignored),
        findings=tuple(findings),
    )
