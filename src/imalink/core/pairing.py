"""Pairing: which files are of one photo, which clip goes with which picture, and which file stands for the photo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from imalink.core.photo_facts import Rank
from imalink.core.picture import Camera, PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.shot_names import ShotName, may_be_one_shot, read_name
from imalink.core.timestamps import CaptureTime

SAME_SHOT_SECONDS = 2.0
LIVE_SECONDS = 3.0
LIVE_CLIP_SECONDS = 6.0
BURST_SECONDS = 60.0
MAX_FILES = 200

_RENDERED = ("JPEG", "HEIC", "AVIF", "JXL", "WEBP")
_PROCESSED = ("TIFF", "PSD", "PNG", "BMP", "GIF")
_ORDER = {name: place for place, name in enumerate((*_RENDERED, *_PROCESSED, "RAW", "UNKNOWN", "VIDEO"))}
_GUESSED = frozenset({"filename", "mtime"})
# Minutes by which some place's clocks are, or in summer were, ahead of UTC.
_ZONE_MINUTES = (
    *range(-12 * 60, 15 * 60, 60),
    *(-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotFile:
    """One file as pairing sees it: the folder it lies in, its bare name, and what its bytes tell."""

    folder: str
    name: str
    facts: PictureFacts
    shot_name: ShotName = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shot_name", read_name(self.name))

    @property
    def is_film(self) -> bool:
        """Whether it is a video."""
        return self.facts.file_format == "VIDEO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """The files of one photo by their positions, the one that stands for it first.

    ``clips`` maps each clip that goes with it to its picture; clips are not among ``files``.
    """

    files: tuple[int, ...]
    clips: Mapping[int, int]


def candidates(paths: Iterable[RelativePath]) -> list[tuple[RelativePath, ...]]:
    """Sort paths into the smallest sets beyond which no photo reaches, by their first path; each set is in order.

    Only the names are looked at: in one set stand the files of one folder whose names may be those of one shot. What
    would be a set of more than 200 is no shot of any camera and falls apart.
    """
    sets: dict[tuple[str, str], list[RelativePath]] = defaultdict(list)
    for path in sorted(paths):
        sets[path.rpartition("/")[0], read_name(path.name).key].append(path)
    found: list[tuple[RelativePath, ...]] = []
    for members in sets.values():
        found.extend([tuple(members)] if len(members) <= MAX_FILES else [(path,) for path in members])
    return found


def pair_files(files: Sequence[ShotFile]) -> list[Shot]:
    """Decide which of ``files`` are of one photo; every file is in exactly one shot, the shots in settled order.

    The result does not depend on the order of ``files`` but for the positions in it.
    Rules: docs/decisions/0023-what-belongs-to-one-photo.md.
    """
    order = sorted(range(len(files)), key=lambda at: (files[at].folder, _rank_with_name(files[at]), at))
    sets: dict[tuple[str, str], list[int]] = defaultdict(list)
    shot_keys = {(file.folder, file.shot_name.key) for file in files if file.shot_name.stem == file.shot_name.key}
    for at in order:
        folder, read = files[at].folder, files[at].shot_name
        is_own_shot = read.is_numbered and (folder, read.key) not in shot_keys
        sets[folder, read.stem if is_own_shot else read.key].append(at)
    shots: list[Shot] = []
    for members in sets.values():
        if len(members) > MAX_FILES:
            shots.extend(Shot(files=(at,), clips={}) for at in members)
        else:
            shots.extend(_pair_set(files, members))
    return shots


def primary_rank(name: str, file_format: str) -> Rank:
    """Give what to sort a photo's files by to have the one that stands for it first.

    What any program shows comes before TIFF and the like, these before RAW, RAW before film; among them an edited
    version before what it was made from, and the camera's own cover before its other pictures.
    """
    read = read_name(name)
    place = _ORDER.get(file_format, _ORDER["UNKNOWN"])
    group = 0 if file_format in _RENDERED else 1 if file_format in _PROCESSED else place
    return group, not read.is_edited, not read.is_cover, place


def is_one_shot(first: ShotFile, second: ShotFile) -> bool:
    """Tell whether two pictures are of one shot by their names and by when they were taken, which both tell."""
    if not may_be_one_shot(first.shot_name, second.shot_name):
        return False
    return _gap_seconds(first, second) is not None and _fits(first, second, SAME_SHOT_SECONDS)


def is_live_clip(picture: ShotFile, clip: ShotFile) -> bool:
    """Tell whether ``clip`` is the moving part of ``picture``: a live photo, not a film that shares its name.

    What the camera wrote into both decides; without that, name, time and a length below six seconds.
    """
    if not clip.is_film or picture.is_film or picture.folder != clip.folder:
        return False
    ours, theirs = picture.facts.content_identifier, clip.facts.content_identifier
    if ours is not None and theirs is not None:
        return ours == theirs
    length = clip.facts.duration_seconds
    if length is None or length > LIVE_CLIP_SECONDS or not may_be_one_shot(picture.shot_name, clip.shot_name):
        return False
    gap = _clip_gap_seconds(picture, clip)
    return gap is not None and gap <= LIVE_SECONDS and _is_same_camera(picture.facts.camera, clip.facts.camera)


def why_apart(first: ShotFile, second: ShotFile) -> str | None:
    """Give in words what keeps two files from being of one photo; None when nothing does."""
    if first.folder != second.folder:
        return "they lie in different folders"
    if not may_be_one_shot(first.shot_name, second.shot_name):
        return "their names are not those of one shot"
    if not _is_same_camera(first.facts.camera, second.facts.camera):
        return "they were taken with different cameras"
    gap = _gap_seconds(first, second)
    if gap is not None and gap > _tolerance(first, second):
        return f"they were taken {gap:.0f} seconds apart"
    if gap is None and not _needs_no_time(first, second):
        return "one of them does not tell when it was taken"
    return None


def _pair_set(files: Sequence[ShotFile], members: Sequence[int]) -> list[Shot]:
    pictures = [at for at in members if not files[at].is_film]
    films = [at for at in members if files[at].is_film]
    groups = _group(files, pictures)
    shots: list[Shot] = []
    owners = {film: owner for film in films if (owner := _owner_of(files, film, groups)) is not None}
    for group in groups:
        clips = {film: owner for film, owner in owners.items() if owner in group}
        zones = {
            film: zone for film, owner in clips.items() if (zone := _zone_of(files[owner], files[film])) is not None
        }
        if len(set(zones.values())) > 1:  # two films, each of the shot if it was taken elsewhere
            for film in zones:
                del owners[film], clips[film]
        shots.append(Shot(files=tuple(group), clips=clips))
    shots.extend(Shot(files=(film,), clips={}) for film in films if film not in owners)
    return shots


def _zone_of(picture: ShotFile, clip: ShotFile) -> int | None:
    """Give the zone on which alone it rests that a clip goes with a picture; None where there is a better proof."""
    if picture.facts.content_identifier is not None and clip.facts.content_identifier is not None:
        return None
    return _guessed_zone(picture, clip)


def _owner_of(files: Sequence[ShotFile], film: int, groups: Sequence[Sequence[int]]) -> int | None:
    """Give the picture a clip goes with: of one group only, there the one of its own name, else the first that fits."""
    fitting = [[at for at in group if is_live_clip(files[at], files[film])] for group in groups]
    fitting = [group for group in fitting if group]
    if len(fitting) != 1:
        return None
    stem = files[film].shot_name.stem
    return next((at for at in fitting[0] if files[at].shot_name.stem == stem), fitting[0][0])


def _group(files: Sequence[ShotFile], pictures: Sequence[int]) -> list[list[int]]:
    """Sort the pictures of one set into photos; where it is not clear what belongs together, each is its own."""
    if not pictures:
        return []
    if files[pictures[0]].shot_name.is_burst:
        return _group_burst(files, pictures)
    dated = [at for at in pictures if _told(files[at]) is not None]
    undated = [at for at in pictures if _told(files[at]) is None]
    groups: list[list[int]] = []
    loose: list[int] = []
    for component in _components(dated, lambda one, other: _fits(files[one], files[other], SAME_SHOT_SECONDS)):
        if all(_fits(files[one], files[other], SAME_SHOT_SECONDS) for one in component for other in component):
            groups.append(component)
        else:  # a chain of shots, each close to the next: which of them are one cannot be told
            loose.extend(component)
    homes: dict[int, list[list[int]]] = {
        at: [group for group in groups if _joins_undated(files, at, group)] for at in undated
    }
    waiting: list[int] = []
    joined: list[tuple[list[int], int]] = []
    for at in undated:
        if len(homes[at]) == 1:
            joined.append((homes[at][0], at))
        elif homes[at] or any(_needs_no_time(files[at], files[other]) for other in loose):
            loose.append(at)
        else:
            waiting.append(at)
    for group, at in joined:
        group.append(at)
    groups.extend(_group_undated(files, waiting))
    groups.extend([at] for at in loose)
    place = {at: number for number, at in enumerate(pictures)}
    ordered = [sorted(group, key=place.__getitem__) for group in groups]
    return sorted(ordered, key=lambda group: place[group[0]])


def _group_burst(files: Sequence[ShotFile], pictures: Sequence[int]) -> list[list[int]]:
    """A series is one photo if its camera said which picture stands for it; otherwise each is a picture to look at."""
    covers = [at for at in pictures if files[at].shot_name.is_cover and files[at].facts.file_format in _RENDERED]
    if len(covers) != 1:
        return [[at] for at in pictures]
    cover = covers[0]
    series = [at for at in pictures if at == cover or _fits(files[cover], files[at], BURST_SECONDS)]
    return [series, *([at] for at in pictures if at not in series)]


def _group_undated(files: Sequence[ShotFile], pictures: Sequence[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    for component in _components(pictures, lambda one, other: _needs_no_time(files[one], files[other])):
        fits = all(
            _is_same_camera(files[one].facts.camera, files[other].facts.camera)
            for one in component
            for other in component
        )
        groups.extend([component] if fits else [[at] for at in component])
    return groups


def _joins_undated(files: Sequence[ShotFile], undated: int, group: Sequence[int]) -> bool:
    return any(_needs_no_time(files[undated], files[at]) for at in group) and all(
        _is_same_camera(files[undated].facts.camera, files[at].facts.camera) for at in group
    )


def _components(members: Sequence[int], are_linked: Callable[[int, int], bool]) -> list[list[int]]:
    components: list[list[int]] = []
    for at in members:
        touching = [component for component in components if any(are_linked(at, other) for other in component)]
        merged = [other for component in touching for other in component]
        components = [component for component in components if component not in touching]
        components.append([*merged, at])
    return components


def _rank_with_name(file: ShotFile) -> tuple[object, ...]:
    return (*primary_rank(file.name, file.facts.file_format), file.shot_name.stem, file.name)


def _needs_no_time(first: ShotFile, second: ShotFile) -> bool:
    """Tell whether the names say enough where a time is unknown: a RAW and what was made of it, named alike."""
    if first.shot_name.is_burst and second.shot_name.is_burst:
        return first.shot_name.key == second.shot_name.key
    formats = {first.facts.file_format, second.facts.file_format}
    return "RAW" in formats and bool(formats & set(_RENDERED)) and first.shot_name.stem == second.shot_name.stem


def _tolerance(first: ShotFile, second: ShotFile) -> float:
    return BURST_SECONDS if first.shot_name.is_burst and second.shot_name.is_burst else SAME_SHOT_SECONDS


def _fits(first: ShotFile, second: ShotFile, seconds: float) -> bool:
    gap = _gap_seconds(first, second)
    return (gap is None or gap <= seconds) and _is_same_camera(first.facts.camera, second.facts.camera)


def _told(file: ShotFile) -> CaptureTime | None:
    """Give the time that somebody told; one guessed from the name or from the disk proves nothing."""
    taken = file.facts.capture_time
    return None if taken is None or taken.source in _GUESSED else taken


def _gap_seconds(first: ShotFile, second: ShotFile) -> float | None:
    """Give how far apart two files were taken; None when one of them does not tell. No zone is the other's."""
    one, other = _told(first), _told(second)
    if one is None or other is None:
        return None
    if one.offset is not None and other.offset is not None:
        return _seconds_between(one.taken_at, other.taken_at)
    return _seconds_between(one.local, other.local)


def _clip_gap_seconds(picture: ShotFile, clip: ShotFile) -> float | None:
    """As between pictures; but beside a picture without a zone a film in UTC is as far as in the nearest zone."""
    zone = _guessed_zone(picture, clip)
    if zone is None:
        return _gap_seconds(picture, clip)
    one, other = _told(picture), _told(clip)
    assert one is not None
    assert other is not None
    return abs(_seconds_from(one.local, other.local) - 60 * zone)


def _guessed_zone(picture: ShotFile, clip: ShotFile) -> int | None:
    """Give the zone, in minutes, in which a picture that names none was taken nearest to a film in UTC."""
    one, other = _told(picture), _told(clip)
    if one is None or other is None or one.offset is not None or other.offset != "+00:00":
        return None
    ahead = _seconds_from(one.local, other.local)
    return min(_ZONE_MINUTES, key=lambda minutes: abs(ahead - 60 * minutes))


def _seconds_between(one: str, other: str) -> float:
    return abs(_seconds_from(one, other))


def _seconds_from(one: str, other: str) -> float:
    """Give by how much ``one`` is later than ``other``."""
    first, second = _parts(one), _parts(other)
    return (first[0] - second[0]).total_seconds() + first[1] - second[1]


def _parts(text: str) -> tuple[datetime, float]:
    fraction = text[19:].removesuffix("Z")
    return datetime.fromisoformat(text[:19]), float(f"0{fraction}") if fraction else 0.0


def _is_same_camera(first: Camera, second: Camera) -> bool:
    """Tell whether nothing says that two cameras were used; programs write a model with its maker or without."""
    if first.model is not None and second.model is not None:
        one, other = _words(first.model), _words(second.model)
        return one == other or one.endswith(" " + other) or other.endswith(" " + one)
    if first.make is not None and second.make is not None:
        return _words(first.make).split(" ")[0] == _words(second.make).split(" ")[0]
    return True


def _words(text: str) -> str:
    return " ".join(text.casefold().split())
