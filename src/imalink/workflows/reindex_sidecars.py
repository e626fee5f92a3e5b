"""What sidecars have to say in a re-index: whose facts are to be read again, and completed from which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from imalink.core.analyser import Analyser
from imalink.core.companion_matching import shared_sidecars, telling_sidecars, tells_of
from imalink.core.finding import Finding
from imalink.core.ids import Hothash
from imalink.core.index import Companion, FileEntry
from imalink.core.relative_path import RelativePath
from imalink.core.sidecar_facts import SidecarFacts, complete_facts, telling_facts
from imalink.errors import NotFoundError, StorageError
from imalink.storage.reading import FolderReader
from imalink.workflows.verified_copy import read_stored_sidecar


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingSidecars:
    """By picture, the sidecars whose facts count for it; ``renewed`` are the pictures of which one came or changed.

    A sidecar that is gone renews nothing: what it said is known, and the user may only have mislaid it.
    """

    by_picture: Mapping[RelativePath, tuple[RelativePath, ...]]
    renewed: Sequence[RelativePath]


def find_telling_sidecars(
    pictures: Mapping[RelativePath, Hothash],
    before: Mapping[Hothash, Set[Companion]],
    now: Mapping[Hothash, Set[Companion]],
) -> TellingSidecars:
    """Decide from the companions that each picture had and has; ``pictures`` are those that stand on the disk."""
    by_picture: dict[RelativePath, tuple[RelativePath, ...]] = {}
    owners: dict[RelativePath, RelativePath] = {}
    arrived: set[RelativePath] = set()
    for path, hothash in pictures.items():
        companions = now.get(hothash, frozenset[Companion]())
        if not companions:
            continue
        sums = {companion.sha256 for companion in before.get(hothash, ())}
        by_picture[path] = telling_sidecars(path, (companion.relative_path for companion in companions))
        owners |= dict.fromkeys(by_picture[path], path)
        arrived |= {companion.relative_path for companion in companions if companion.sha256 not in sums}
    for path, shared in shared_sidecars(owners, pictures).items():
        by_picture[path] = telling_sidecars(path, (*by_picture.get(path, ()), shared))
    renewed = sorted(path for path, sidecars in by_picture.items() if not arrived.isdisjoint(sidecars))
    return TellingSidecars(by_picture=by_picture, renewed=renewed)


def with_sidecars(
    entry: FileEntry,
    path: RelativePath,
    sidecars: Sequence[RelativePath],
    *,
    files: FolderReader,
    analyser: Analyser,
) -> tuple[FileEntry, tuple[Finding, ...]]:
    """Give the entry with its facts completed, and what was odd in the sidecars."""
    found: list[SidecarFacts] = []
    findings: list[Finding] = []
    for sidecar in sidecars:
        try:
            reading = read_stored_sidecar(files, sidecar, analyser=analyser)
        except (NotFoundError, StorageError):
            findings.append(Finding(code="storage-unreadable", path=sidecar.printable()))
            continue
        findings.extend(replace(finding, path=sidecar.printable()) for finding in reading.findings)
        if reading.facts is not None and tells_of(path, sidecar, reading.facts):
            found.append(reading.facts)
    facts = complete_facts(entry.facts, telling_facts(path, found))
    return replace(entry, facts=facts), tuple(findings)
