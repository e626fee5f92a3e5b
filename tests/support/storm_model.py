"""What should be known of a folder after each look, in plain Python over its files; nothing of ImaLink is imported.

A picture is known by its hothash and its places, the main one first; a sidecar goes with the picture beside which it
first stood. What a look should count is worked out from two listings of the folder alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

SIDECAR = ".xmp"


@dataclass(frozen=True)
class File:
    """One file as it stands: its bytes' checksum, and which picture it is (None for a sidecar)."""

    sha256: str
    hothash: str | None


@dataclass
class Picture:
    """What should be known of one picture: its places by path with their checksums; none where it is missing."""

    hothash: str
    places: dict[str, str]
    missing_at: str = ""
    sidecars: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def main(self) -> str:
        return next(iter(self.places))


class StormModel:
    """Keeps books of one folder; every picture at the beginning is taken in."""

    def __init__(self, tree: Mapping[str, File]) -> None:
        self.pictures = [
            Picture(file.hothash, {path: file.sha256})
            for path, file in sorted(tree.items())
            if file.hothash is not None
        ]
        self.orphans: dict[str, str] = {}

    def take_in(self, path: str, file: File) -> None:
        """A picture came in by an import."""
        assert file.hothash is not None
        self.pictures.append(Picture(file.hothash, {path: file.sha256}))

    def look(self, tree: Mapping[str, File]) -> dict[str, int]:
        """Explain what became of everything; give the counts that a report should have, those of zero left out."""
        counts: Counter[str] = Counter()
        left: dict[str, list[tuple[Picture, str]]] = defaultdict(list)
        arrived: dict[str, list[str]] = defaultdict(list)
        explained: set[str] = set()
        for picture in self.pictures:
            for path in list(picture.places) or [picture.missing_at]:
                file = tree.get(path)
                if file is None or file.hothash != picture.hothash:
                    left[picture.hothash].append((picture, path))
                    continue
                explained.add(path)
                counts["returned"] += not picture.places
                counts["modified"] += bool(picture.places) and picture.places[path] != file.sha256
                picture.places[path] = file.sha256
        for path, file in tree.items():
            if file.hothash is not None and path not in explained and self.orphans.get(path) != file.hothash:
                arrived[file.hothash].append(path)
        self._move(left, arrived, tree, counts)
        self._edit(left, arrived, tree, counts)
        self._copy(arrived, tree)
        for picture, path in (each for gone in left.values() for each in gone if each[0].places):
            self._lose(picture, path, counts)
        self._settle_orphans(arrived, tree, counts)
        self._settle_sidecars(tree, counts)
        counts["missing"] = sum(not picture.places for picture in self.pictures)
        counts["orphans"] = len(self.orphans)
        counts["duplicates"] = sum(max(0, len(picture.places) - 1) for picture in self.pictures)
        return dict(+counts)

    def _move(
        self,
        left: dict[str, list[tuple[Picture, str]]],
        arrived: dict[str, list[str]],
        tree: Mapping[str, File],
        counts: Counter[str],
    ) -> None:
        """What left a place and arrived at another was moved."""
        for hothash in left.keys() & arrived.keys():
            gone, new = left[hothash], sorted(arrived[hothash])
            for picture, old in sorted(gone, key=lambda each: (not each[0].places, each[1])):
                if not new:
                    break
                path = next((each for each in new if PurePosixPath(each).name == PurePosixPath(old).name), new[0])
                new.remove(path)
                arrived[hothash].remove(path)
                gone.remove((picture, old))
                counts["moved"] += 1
                sha256 = tree[path].sha256
                if picture.places:
                    picture.places = {path if at == old else at: sha for at, sha in picture.places.items()}
                picture.places[path] = sha256

    def _edit(
        self,
        left: dict[str, list[tuple[Picture, str]]],
        arrived: dict[str, list[str]],
        tree: Mapping[str, File],
        counts: Counter[str],
    ) -> None:
        """Another picture that nobody knew, in the place of one that is nowhere else now, is that one, edited."""
        known = {picture.hothash for picture in self.pictures if picture.places}
        for gone in list(left.values()):
            for picture, path in list(gone):
                file = tree.get(path)
                if file is None or file.hothash is None or not picture.places or file.hothash in known:
                    continue
                gone.remove((picture, path))
                arrived[file.hothash].remove(path)
                known.add(file.hothash)
                counts["modified"] += 1
                was_main = path == picture.main
                del picture.places[path]
                if picture.places:
                    edited = Picture(file.hothash, {path: file.sha256})
                    self.pictures.append(edited)
                    if was_main:
                        picture.places = dict(sorted(picture.places.items()))
                        edited.sidecars, picture.sidecars = picture.sidecars, {}
                else:
                    picture.hothash, picture.places = file.hothash, {path: file.sha256}

    def _copy(self, arrived: dict[str, list[str]], tree: Mapping[str, File]) -> None:
        present = {picture.hothash: picture for picture in self.pictures if picture.places}
        for hothash in arrived.keys() & present.keys():
            for path in sorted(arrived.pop(hothash)):
                present[hothash].places[path] = tree[path].sha256

    def _lose(self, picture: Picture, path: str, counts: Counter[str]) -> None:
        was_main = path == picture.main
        del picture.places[path]
        if not picture.places:
            picture.missing_at = path
            counts["newly_missing"] += 1
        elif was_main:  # a copy takes its place
            picture.places = dict(sorted(picture.places.items()))
            counts["moved"] += 1

    def _settle_orphans(self, arrived: dict[str, list[str]], tree: Mapping[str, File], counts: Counter[str]) -> None:
        found = {path: hothash for hothash, paths in arrived.items() for path in paths}
        standing = {path: hothash for path, hothash in self.orphans.items() if _hothash(tree, path) == hothash}
        gone = {path: hothash for path, hothash in self.orphans.items() if path not in standing}
        moved, edited = set(gone.values()), {path for path, hothash in gone.items() if hothash not in found.values()}
        counts["new"] = sum(hothash not in moved and path not in edited for path, hothash in found.items())
        self.orphans = standing | found

    def _settle_sidecars(self, tree: Mapping[str, File], counts: Counter[str]) -> None:
        """Sidecars are known by their bytes first, then by where they stand; one that is new tells of its picture."""
        known = {path for picture in self.pictures for path in picture.sidecars}
        new = {
            file.sha256: path
            for path, file in sorted(tree.items())
            if file.hothash is None and path.endswith(SIDECAR) and path not in known
        }
        before = [set(picture.sidecars.values()) for picture in self.pictures]
        for picture in self.pictures:
            now: dict[str, str] = {}
            for path, sha256 in picture.sidecars.items():
                if path in tree:
                    now[path] = tree[path].sha256
                elif sha256 in new:
                    now[new.pop(sha256)] = sha256
                elif not picture.places:
                    now[path] = sha256
            picture.sidecars = now
        owners = {
            (picture.main if picture.places else picture.missing_at).rpartition(".")[0]: picture
            for picture in self.pictures
        }
        for sha256, path in new.items():
            owner = owners.get(path.removesuffix(SIDECAR))
            if owner is not None:
                owner.sidecars[path] = sha256
        for picture, sums in zip(self.pictures, before, strict=True):
            counts["modified"] += bool(picture.places) and any(
                sha256 not in sums and path.removesuffix(SIDECAR) == picture.main.rpartition(".")[0]
                for path, sha256 in picture.sidecars.items()
            )

    # what it comes to

    def places(self) -> set[tuple[str, str, str]]:
        """Every place at which a picture should be known: hothash, path, checksum."""
        return {(picture.hothash, path, sha256) for picture in self.pictures for path, sha256 in picture.places.items()}

    def missing(self) -> set[tuple[str, str]]:
        """Every picture that should be known as missing, and where it was."""
        return {(picture.hothash, picture.missing_at) for picture in self.pictures if not picture.places}

    def sidecars(self) -> dict[str, list[str]]:
        """The sidecars of each picture that has any, by its hothash."""
        return {picture.hothash: sorted(picture.sidecars) for picture in self.pictures if picture.sidecars}


def _hothash(tree: Mapping[str, File], path: str) -> str | None:
    return tree[path].hothash if path in tree else None
