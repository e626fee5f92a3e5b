"""Clips of live photos that a walk found at another place: they are companions there too, not films of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from imalink.core.comparison import Comparison, FileRole
from imalink.core.ids import Sha256
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.media.kinds import is_film_name, is_picture_name


def find_arrived_clips(
    comparison: Comparison, fingerprints: Mapping[RelativePath, Fingerprint | None], seen: Iterable[RelativePath]
) -> frozenset[RelativePath]:
    """Tell which appeared films are known clips: moved with their picture, moved alone, or copied with its copy.

    Known by their bytes. As many as are gone from their places are moved, those of the old name first; a further one
    is a clip where a picture of its stem stands beside it.
    """
    groups = (comparison.unchanged, comparison.changed, comparison.gone, comparison.unreachable)
    clips = [
        file
        for group in groups
        for file in group.values()
        if file.role is FileRole.COMPANION and is_film_name(file.path.name)
    ]
    known = {file.sha256 for file in clips}
    if not known:
        return frozenset()
    gone: Counter[Sha256 | None] = Counter(file.sha256 for file in clips if file.path in comparison.gone)
    names = {(file.sha256, file.path.name) for file in clips}
    arrived = {
        path: read.sha256
        for path in comparison.appeared
        if is_film_name(path.name) and (read := fingerprints.get(path)) is not None and read.sha256 in known
    }
    stills = {_stem(path) for path in seen if is_picture_name(path.name) and not is_film_name(path.name)}
    found: set[RelativePath] = set()
    for path in sorted(arrived, key=lambda path: ((arrived[path], path.name) not in names, path)):
        is_moved = gone[arrived[path]] > 0
        if is_moved:
            gone[arrived[path]] -= 1
        if is_moved or _stem(path) in stills:
            found.add(path)
    return frozenset(found)


def _stem(path: RelativePath) -> str:
    return f"{path.rpartition('/')[0]}/{path.stem}".casefold()
