"""Which companions each picture has after a re-index: those that moved, changed, came or went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from imalink.core.analyser import Analyser
from imalink.core.companion_matching import match_companions
from imalink.core.comparison import Comparison, FileRole, KnownFile
from imalink.core.ids import Hothash, Sha256
from imalink.core.index import Companion, MasterIndex
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.sidecar_facts import SidecarFacts
from imalink.errors import NotFoundError, StorageError
from imalink.media.kinds import companion_kind, is_companion_name, is_raw_name
from imalink.storage.reading import FolderReader
from imalink.workflows.reindex_report import CompanionFate, CompanionFile
from imalink.workflows.verified_copy import read_stored_sidecar


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledCompanions:
    """By picture, the companions it had and has; ``moves`` are those that stand elsewhere now.

    ``left_moves`` are such as were only to be reported, ``missing`` companions of standing pictures that are nowhere,
    ``damaged`` those whose bytes changed although nobody wrote them.
    """

    before: Mapping[Hothash, set[Companion]]
    now: Mapping[Hothash, set[Companion]]
    moves: tuple[tuple[KnownFile, RelativePath], ...]
    left_moves: tuple[tuple[KnownFile, RelativePath], ...]
    missing: tuple[RelativePath, ...]
    damaged: tuple[KnownFile, ...]

    def changed(self) -> list[Hothash]:
        """List the pictures that have other companions now."""
        everything = sorted(self.before.keys() | self.now.keys())
        return [hothash for hothash in everything if self.now.get(hothash, set()) != self.before.get(hothash, set())]

    def rows(self) -> Iterator[CompanionFile]:
        """Tell by path of every companion that moved, came, went, or has other bytes or another picture."""
        old = {each.relative_path: (hothash, each) for hothash, found in self.before.items() for each in found}
        new = {each.relative_path: (hothash, each) for hothash, found in self.now.items() for each in found}
        sources = {path: file.path for file, path in self.moves}
        for path, (hothash, companion) in sorted(new.items()):
            known = old.get(path)
            if path in sources:
                yield _row(CompanionFate.MOVED, hothash, path, sources[path])
            elif known is None:
                yield _row(CompanionFate.ARRIVED, hothash, path, None)
            elif (known[0], known[1].sha256) != (hothash, companion.sha256):
                yield _row(CompanionFate.CHANGED, hothash, path, None)
        for path in sorted(old.keys() - new.keys() - set(sources.values())):
            yield _row(CompanionFate.GONE, old[path][0], None, path)


def settle_companions(
    comparison: Comparison,
    fingerprints: Mapping[RelativePath, Fingerprint | None],
    *,
    clips: Collection[RelativePath],
    master: MasterIndex,
    find_mains: Callable[[], Mapping[Hothash, Sequence[RelativePath]]],
    seen: Mapping[RelativePath, ScannedFile],
    fixes_paths: bool,
    files: FolderReader,
    analyser: Analyser,
) -> SettledCompanions | None:
    """Tell where companions belong now; None when there are none and were none.

    They are known by their bytes first, for a program moves them with their picture; then by where they stand.
    ``clips`` are films that are known to be companions. ``find_mains`` gives where each picture's main files stand.
    Without ``fixes_paths`` they stay where the index has them.
    """

    def as_read(path: RelativePath, fingerprint: Fingerprint) -> Companion:
        return Companion(
            relative_path=path,
            sha256=fingerprint.sha256,
            size_bytes=fingerprint.size_bytes,
            modified_ns=seen[path].modified_ns,
            kind=companion_kind(path.name),
        )

    before: dict[Hothash, set[Companion]] = defaultdict(set)
    now: dict[Hothash, set[Companion]] = defaultdict(set)
    left_moves: list[tuple[KnownFile, RelativePath]] = []
    lost: list[RelativePath] = []
    damaged: list[KnownFile] = []
    arrived = {
        path: fingerprint
        for path in comparison.appeared
        if (is_companion_name(path.name) or path in clips) and (fingerprint := fingerprints.get(path)) is not None
    }
    left: list[KnownFile] = []
    for file in _known_companions(comparison):
        hothash = file.indexed_hothash()
        before[hothash].add(_as_known(file))
        fingerprint = fingerprints.get(file.path) if file.path in comparison.changed else None
        if file.path in comparison.gone:
            left.append(file)
        elif fingerprint is None:
            now[hothash].add(_as_known(file))
        elif fingerprint.sha256 == file.sha256:
            now[hothash].add(as_read(file.path, fingerprint))
        elif _looks_untouched(file, seen[file.path]) or seen[file.path].size_bytes == 0:
            now[hothash].add(_as_known(file))
            damaged.append(file)
        else:
            left.append(file)
            arrived[file.path] = fingerprint
    if not (before or arrived):
        return None
    mains = find_mains()
    beside = _owners_beside(arrived, mains, master, files=files, analyser=analyser) if arrived else {}
    moved = _match_by_bytes(left, arrived, beside)
    for file, path in moved.items():
        companion = as_read(path, arrived.pop(path))
        if not fixes_paths:
            left_moves.append((file, path))
            companion = _as_known(file)
        now[file.indexed_hothash()].add(companion)
    for file in left:
        if file in moved:
            continue
        hothash = file.indexed_hothash()
        if file.path in arrived:  # another program wrote it where it stands
            now[beside.get(file.path, hothash)].add(as_read(file.path, arrived.pop(file.path)))
        elif hothash in mains:
            lost.append(file.path)
        else:  # gone with its picture, and known until that is settled
            now[hothash].add(_as_known(file))
    for path in arrived.keys() & beside.keys():
        now[beside[path]].add(as_read(path, arrived[path]))
    return SettledCompanions(
        before=before,
        now=now,
        moves=tuple(moved.items()) if fixes_paths else (),
        left_moves=tuple(left_moves),
        missing=tuple(lost),
        damaged=tuple(damaged),
    )


def _row(
    fate: CompanionFate, hothash: Hothash, path: RelativePath | None, old_path: RelativePath | None
) -> CompanionFile:
    return CompanionFile(fate=fate, hothash=hothash, path=path, old_path=old_path)


def _looks_untouched(known: KnownFile, now: ScannedFile) -> bool:
    return (now.size_bytes, now.modified_ns) == (known.size_bytes, known.modified_ns)


def _known_companions(comparison: Comparison) -> list[KnownFile]:
    groups = (comparison.unchanged, comparison.changed, comparison.gone, comparison.unreachable)
    return [file for group in groups for file in group.values() if file.role is FileRole.COMPANION]


def _owners_beside(
    companions: Iterable[RelativePath],
    mains: Mapping[Hothash, Iterable[RelativePath]],
    master: MasterIndex,
    *,
    files: FolderReader,
    analyser: Analyser,
) -> dict[RelativePath, Hothash]:
    """Tell of companions which picture in their folder they go with."""

    def read_clue(sidecar: RelativePath) -> SidecarFacts | None:
        try:
            return read_stored_sidecar(files, sidecar, analyser=analyser).facts
        except (NotFoundError, StorageError):
            return None

    owners = {missing.expected_path: missing.hothash for missing in master.missing()}
    owners |= {path: hothash for hothash, paths in mains.items() for path in paths}
    found = match_companions(companions, owners, is_raw_name=is_raw_name, read_clue=read_clue)
    return {path: owners[picture] for path, picture in found.items()}


def _as_known(file: KnownFile) -> Companion:
    assert file.sha256 is not None
    return Companion(
        relative_path=file.path,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        modified_ns=file.modified_ns,
        kind=companion_kind(file.path.name),
        damage=file.damage,
    )


def _match_by_bytes(
    left: Sequence[KnownFile],
    arrived: Mapping[RelativePath, Fingerprint],
    beside: Mapping[RelativePath, Hothash],
) -> dict[KnownFile, RelativePath]:
    """Pair companions that left their place with equal ones that arrived.

    What stands beside its own picture comes first, then what kept its name, then whatever has its bytes.
    """
    passes: tuple[tuple[Callable[[KnownFile], str | None], Callable[[RelativePath], str | None]], ...] = (
        (lambda file: file.hothash, beside.get),
        (lambda file: file.path.name, lambda path: path.name),
        (lambda _: None, lambda _: None),
    )
    found: dict[KnownFile, RelativePath] = {}
    free = sorted(arrived, reverse=True)
    for key_of, key_at in passes:
        places: dict[tuple[Sha256 | None, str | None], list[RelativePath]] = defaultdict(list)
        for path in free:
            places[arrived[path].sha256, key_at(path)].append(path)
        for file in left:
            if file not in found and places[file.sha256, key_of(file)]:
                found[file] = places[file.sha256, key_of(file)].pop()
        taken = set(found.values())
        free = [path for path in free if path not in taken]
    return found
