"""Sorting what a source holds: pictures, the companions that go with them, and what is left where it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from imalink.core.finding import Finding
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePicture:
    """One picture at the source with its companions, by path."""

    file: ScannedFile
    companions: tuple[ScannedFile, ...]


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
        return sum(
            picture.file.size_bytes + sum(companion.size_bytes for companion in picture.companions)
            for picture in self.pictures
        )


def list_source(
    files: Mapping[RelativePath, ScannedFile],
    *,
    is_picture_name: Callable[[str], bool],
    is_companion_name: Callable[[str], bool],
    is_raw_name: Callable[[str], bool],
) -> SourceListing:
    """Sort the files of a source by their names."""
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
        else:
            ignored.append(file)
            code = "not-a-picture" if file.size_bytes else "empty-file"
            findings.append(Finding(code=code, path=path.printable()))
    matches = match_companions(
        (companion.relative_path for companion in companions),
        (picture.relative_path for picture in pictures),
        is_raw_name=is_raw_name,
    )
    belonging: dict[RelativePath, list[ScannedFile]] = defaultdict(list)
    for companion in companions:
        picture = matches.get(companion.relative_path)
        if picture is None:
            ignored.append(companion)
            findings.append(Finding(code="companion-without-picture", path=companion.relative_path.printable()))
        else:
            belonging[picture].append(companion)
    return SourceListing(
        pictures=tuple(
            SourcePicture(file=picture, companions=tuple(belonging.get(picture.relative_path, ())))
            for picture in pictures
        ),
        ignored=tuple(ignored),
        findings=tuple(findings),
    )


def match_companions(
    companions: Iterable[RelativePath],
    pictures: Iterable[RelativePath],
    *,
    is_raw_name: Callable[[str], bool],
) -> dict[RelativePath, RelativePath]:
    """Say which picture of the same folder each companion goes with; one without a picture is left out.

    ``IMG.jpg.xmp`` goes with ``IMG.jpg``. ``IMG.xmp`` goes with the RAW of that stem if there is one, for that is
    what programs write it for, else with the first picture by name. Case does not count.
    """
    by_name: dict[tuple[str, str], RelativePath] = {}
    by_stem: dict[tuple[str, str], list[RelativePath]] = defaultdict(list)
    for picture in pictures:
        folder, _, name = picture.rpartition("/")
        by_name[folder, name.casefold()] = picture
        by_stem[folder, name.removesuffix(picture.suffix).casefold()].append(picture)
    matches: dict[RelativePath, RelativePath] = {}
    for companion in companions:
        folder, _, name = companion.rpartition("/")
        rest = name.casefold()
        while "." in rest:
            rest = rest.rpartition(".")[0]
            if (folder, rest) in by_name:
                matches[companion] = by_name[folder, rest]
                break
            if (folder, rest) in by_stem:
                candidates = sorted(by_stem[folder, rest])
                matches[companion] = next((each for each in candidates if is_raw_name(each.name)), candidates[0])
                break
    return matches
