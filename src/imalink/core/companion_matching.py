"""Which companion goes with which picture, by their names, and whose facts count for which picture.

Names of sidecars: darktable and digiKam write ``IMG.jpg.xmp``, Lightroom ``IMG.xmp``, darktable ``IMG_01.jpg.xmp`` for
a further development of ``IMG.jpg``. Google Takeout writes ``IMG.jpg.supplemental-metadata.json``, cuts that down to 46
characters before ``.json``, and puts the number of ``IMG(2).jpg`` behind it: ``IMG.jpg.supplemental-metadata(2).json``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from imalink.core.relative_path import RelativePath
from imalink.core.sidecar_facts import SidecarFacts

ReadClue = Callable[[RelativePath], SidecarFacts | None]
"""Gives what a sidecar says, None if it cannot be read; asked only where names do not tell."""

_TAKEOUT_LIMIT = 46
_TAKEOUT_SUFFIX = ".supplemental-metadata"
_COUNTER = re.compile(r"(?P<name>.*)(?P<counter>\(\d{1,4}\))", re.DOTALL)
_NUMBERED = re.compile(r"(?P<stem>.*)(?P<counter>\(\d{1,4}\))(?P<suffix>\.[^.]*)", re.DOTALL)
_DUPLICATE = re.compile(r"(?P<stem>.+)_\d{2,3}(?P<suffix>\.[^.]+)\.xmp", re.DOTALL | re.IGNORECASE)
_EDITED = (
    "-edited",
    "-bearbeitet",
    "-bewerkt",
    "-edytowane",
    "-editado",
    "-modificato",
    "-modifié",
    "-muokattu",
    "-redigerad",
    "-redigeret",
    "-redigert",
    "-編集済み",
)


def match_companions(
    companions: Iterable[RelativePath],
    pictures: Iterable[RelativePath],
    *,
    is_raw_name: Callable[[str], bool],
    read_clue: ReadClue | None = None,
) -> dict[RelativePath, RelativePath]:
    """Say which picture of the same folder each companion goes with; one without a picture is left out.

    ``IMG.jpg.xmp`` goes with ``IMG.jpg``. ``IMG.xmp`` goes with the file it names itself (``read_clue``), else with the
    RAW of that stem if there is one, for that is what programs write it for, else with the first picture by name.
    Takeout's go with the picture whose name they were made from; the picture of an edited one is the unedited one
    where that is there. Case does not count, unless it is all that tells two pictures apart.
    """
    matcher = _Matcher(pictures, is_raw_name, read_clue)
    found = ((companion, matcher.find(companion)) for companion in companions)
    return {companion: picture for companion, picture in found if picture is not None}


def telling_sidecars(picture: RelativePath, companions: Iterable[RelativePath]) -> tuple[RelativePath, ...]:
    """Give those of a picture's companions whose facts count for it, the one to believe first.

    ``IMG.jpg.xmp`` before ``IMG.xmp`` before Takeout's. XMP of another name tells of something else: of a further
    development (``IMG_01.jpg.xmp``), or of a picture that is not there.
    """
    by_name = _folded(picture.name) + ".xmp"
    by_stem = _folded(picture.name.removesuffix(picture.suffix)) + ".xmp"
    ranked: list[tuple[int, RelativePath]] = []
    for companion in companions:
        name = _folded(companion.name)
        if is_takeout_sidecar(companion):
            ranked.append((2, companion))
        elif name in (by_name, by_stem):
            ranked.append((0 if name == by_name else 1, companion))
    return tuple(companion for _, companion in sorted(ranked))


def shared_sidecars(
    owners: Mapping[RelativePath, RelativePath], pictures: Iterable[RelativePath]
) -> dict[RelativePath, RelativePath]:
    """Give by picture the sidecar of another one that speaks of it too; ``owners`` is what ``match_companions`` gave.

    Takeout writes none for ``IMG-edited.jpg``: that of ``IMG.jpg`` holds for both.
    """
    by_stem: dict[tuple[str, str], list[tuple[RelativePath, RelativePath]]] = defaultdict(list)
    for companion, owner in owners.items():
        if is_takeout_sidecar(companion):
            by_stem[_place(owner)].append((owner, companion))
    shared: dict[RelativePath, RelativePath] = {}
    for picture in pictures if by_stem else ():
        folder, stem = _place(picture)
        unedited = _unedited_stem(stem)
        if unedited is None:
            continue
        candidates = by_stem.get((folder, unedited), [])
        alike = [pair for pair in candidates if pair[0].suffix.casefold() == picture.suffix.casefold()] or candidates
        owners_alike = {owner for owner, _ in alike}
        if len({_folded(owner.name) for owner in owners_alike}) < len(owners_alike):
            wanted = _unedited_stem(_spelt(picture.name.removesuffix(picture.suffix)))
            alike = [pair for pair in alike if _spelt(pair[0].name.removesuffix(pair[0].suffix)) == wanted]
        if alike:
            shared[picture] = min(alike)[1]
    return shared


def tells_of(picture: RelativePath, sidecar: RelativePath, facts: SidecarFacts) -> bool:
    """Tell whether what a sidecar says is of this picture, to which it goes by its name.

    Takeout's `IMG.gif.json` beside an `IMG.jpg` alone is carried along, but was made for another file; only the title
    that it holds can prove that it speaks of this one.
    """
    if not is_takeout_sidecar(sidecar):
        return True
    name, (_, stem) = _folded(picture.name), _place(picture)
    made_for = _folded(sidecar.name.removesuffix(sidecar.suffix))
    if name in _takeout_picture_names(made_for) or made_for == stem or _unedited_stem(stem) is not None:
        return True
    if made_for in map(_folded, _cut_takeout_names(picture.name)):
        return True
    return _is_cut_from(name, _folded(facts.picture_name) if facts.picture_name else None)


def is_takeout_sidecar(path: RelativePath) -> bool:
    """Tell whether a companion is one of Google Takeout's."""
    return path.suffix.lower() == ".json"


class _Matcher:
    def __init__(
        self, pictures: Iterable[RelativePath], is_raw_name: Callable[[str], bool], read_clue: ReadClue | None
    ) -> None:
        self._is_raw_name = is_raw_name
        self._read_clue = read_clue
        self._by_name: dict[tuple[str, str], list[RelativePath]] = defaultdict(list)
        self._by_stem: dict[tuple[str, str], list[RelativePath]] = defaultdict(list)
        self._by_takeout: dict[tuple[str, str], list[RelativePath]] = defaultdict(list)
        for picture in pictures:
            folder, _, name = picture.rpartition("/")
            self._by_name[folder, _folded(name)].append(picture)
            self._by_stem[_place(picture)].append(picture)
            for cut in set(_cut_takeout_names(name)):
                self._by_takeout[folder, _folded(cut)].append(picture)

    def find(self, companion: RelativePath) -> RelativePath | None:
        """Give the picture a companion goes with."""
        folder, _, name = companion.rpartition("/")
        name = _spelt(name)
        if is_takeout_sidecar(companion):
            return self._find_of_takeout(companion, folder, name[: -len(".json")])
        found = self._find_by_name(companion, folder, name)
        duplicated = _duplicated_name(name)
        if found is None and duplicated is not None:
            found = self._named(folder, duplicated)
        return found

    def _named(self, folder: str, name: str) -> RelativePath | None:
        """Give the picture of a name, of twins that differ in case the one spelt so; None where that is not clear."""
        twins = self._by_name.get((folder, _folded(name)), [])
        alike = [each for each in twins if _spelt(each.name) == _spelt(name)] if len(twins) > 1 else twins
        return alike[0] if len(alike) == 1 else None

    def _find_by_name(self, companion: RelativePath, folder: str, rest: str) -> RelativePath | None:
        while "." in rest:
            rest = rest.rpartition(".")[0]
            place = (folder, _folded(rest))
            if place in self._by_name:
                return self._named(folder, rest)
            if place in self._by_stem:
                return self._choose(companion, self._of_stem(sorted(self._by_stem[place]), rest))
        return None

    def _of_stem(self, candidates: list[RelativePath], stem: str) -> list[RelativePath]:
        """Keep of the pictures of a stem those spelt so, if there are twins that differ in case."""
        if len({_folded(each.name) for each in candidates}) == len(candidates):
            return candidates
        return [each for each in candidates if _spelt(each.name.removesuffix(each.suffix)) == _spelt(stem)]

    def _choose(self, companion: RelativePath, candidates: list[RelativePath]) -> RelativePath | None:
        if not candidates:
            return None
        if len(candidates) > 1 and companion.suffix.lower() == ".xmp":
            clue = self._clue(companion)
            extension = clue.for_extension if clue is not None else None
            for picture in candidates:
                if extension is not None and picture.suffix.lower() == f".{extension}":
                    return picture
        return next((each for each in candidates if self._is_raw_name(each.name)), candidates[0])

    def _find_of_takeout(self, companion: RelativePath, folder: str, stem: str) -> RelativePath | None:
        for name in _takeout_picture_names(stem):
            if (folder, _folded(name)) in self._by_name:
                return self._named(folder, name)
        candidates = self._by_takeout.get((folder, _folded(stem)), [])
        originals = [each for each in candidates if _unedited_stem(_place(each)[1]) is None] or candidates
        if len(originals) > 1:
            clue = self._clue(companion)
            wanted = _folded(clue.picture_name) if clue is not None and clue.picture_name else None
            originals = [each for each in originals if _is_cut_from(_folded(each.name), wanted)]
        if originals:
            return originals[0] if len(originals) == 1 else None
        # Only the edited one was exported.
        for name in _takeout_picture_names(stem):
            picture_stem, dot, extension = name.rpartition(".")
            for ending in _EDITED if dot else ():
                edited = self._named(folder, f"{picture_stem}{ending}.{extension}")
                if edited is not None:
                    return edited
        # `IMG.HEIC.json` of an `IMG.jpg`; but `IMG.jpg(2).json` is of no `IMG.jpg`.
        is_unclear = bool(candidates) or _COUNTER.fullmatch(stem) is not None
        return None if is_unclear else self._find_by_name(companion, folder, f"{stem}.json")

    def _clue(self, companion: RelativePath) -> SidecarFacts | None:
        return self._read_clue(companion) if self._read_clue is not None else None


def _takeout_picture_names(stem: str) -> Iterator[str]:
    """Give the names of the pictures that a JSON file of this stem may be made for."""
    yield stem
    match = _COUNTER.fullmatch(stem)
    name, counter = (match["name"], match["counter"]) if match is not None else (stem, "")
    for bare in (name, _without_takeout_suffix(name)):
        picture_stem, dot, extension = bare.rpartition(".")
        if dot:
            # The number stands before the extension in the picture's name: `IMG.jpg(2).json` is of `IMG(2).jpg`.
            yield f"{picture_stem}{counter}.{extension}"
        yield bare + counter


def _without_takeout_suffix(name: str) -> str:
    stem, dot, last = name.rpartition(".")
    return stem if dot and last and _TAKEOUT_SUFFIX.startswith("." + last.casefold()) else name


def _unedited_stem(stem: str) -> str | None:
    """Give the folded stem of the picture that one of this folded stem was edited from: `img` of `img-edited`."""
    match = _COUNTER.fullmatch(stem)
    name, counter = (match["name"], match["counter"]) if match is not None else (stem, "")
    ending = next((each for each in _EDITED if name.endswith(each)), None)
    return name[: -len(ending)] + counter if ending is not None else None


def _place(path: RelativePath) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, _folded(name.removesuffix(path.suffix))


def _cut_takeout_names(picture: str) -> Iterator[str]:
    """Give the stems of 46 characters, and their number, to which Takeout cuts the name of a picture's sidecar."""
    match = _NUMBERED.fullmatch(picture)
    plain, counter = (match["stem"] + match["suffix"], match["counter"]) if match is not None else (picture, "")
    full = plain + _TAKEOUT_SUFFIX
    if len(full) > _TAKEOUT_LIMIT:
        yield full[:_TAKEOUT_LIMIT] + counter
        if counter:  # the number is part of the picture's own name
            yield (picture + _TAKEOUT_SUFFIX)[:_TAKEOUT_LIMIT]


def _is_cut_from(name: str, wanted: str | None) -> bool:
    """Tell whether a picture's file name is ``wanted`` or, too long for an export, the beginning of it."""
    if wanted is None:
        return False
    stem, _, extension = name.rpartition(".")
    wanted_stem, _, wanted_extension = wanted.rpartition(".")
    if name == wanted:
        return True
    return extension == wanted_extension and len(stem) >= _TAKEOUT_LIMIT and wanted_stem.startswith(stem)


def _duplicated_name(name: str) -> str | None:
    """Give the name of the picture of which a sidecar describes a further development."""
    match = _DUPLICATE.fullmatch(name)
    return match["stem"] + match["suffix"] if match is not None else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _spelt(name: str) -> str:
    return unicodedata.normalize("NFC", name)
