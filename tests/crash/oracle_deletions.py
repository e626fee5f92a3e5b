"""What the oracle knows of deleting: every file is at its place with its entry, or in the trash with its record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.crash import oracle


def tombstones(root: Path) -> list[oracle.Document]:
    """Every tombstone of every session index."""
    return [
        tombstone
        for session in sorted((root / "imports").iterdir())
        for tombstone in json.loads(session.read_bytes()).get("deleted", {}).values()
    ]


def recorded_files(root: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The checksums that tombstones give for files in the trash, and for files that are only marked, by path."""
    trashed: dict[str, set[str]] = {}
    marked: dict[str, set[str]] = {}
    for tombstone in tombstones(root):
        entry = tombstone.get("entry")
        if entry is None:
            continue
        parts = (entry, *entry.get("companions", ()), *entry.get("copies", ()))
        sums = {oracle.path_of(record): record["sha256"] for record in parts}
        for file in tombstone.get("kept", ()):
            trashed.setdefault(file["kept"], set()).add(sums[file["path"]])
        if tombstone["mode"] == "soft":
            for path, sha256 in sums.items():
                marked.setdefault(path, set()).add(sha256)
    return trashed, marked


def check_deletions(root: Path, files: Mapping[str, oracle.Facts], may_be_gone: Iterable[str] = ()) -> list[str]:
    """Every one of these files is at a place with its entry, or in the trash with its record: once, and nowhere twice.

    ``may_be_gone`` are the checksums of those whose removal was confirmed.
    """
    violations: list[str] = []
    spared = set(may_be_gone)
    photos = {f"photos/{name}": facts for name, facts in oracle.tree(root / "photos").items()}
    trash = root / ".imalink-trash"
    kept = {f".imalink-trash/{name}": facts for name, facts in (oracle.tree(trash) if trash.exists() else {}).items()}
    indexed = oracle.indexed_files(oracle.Place(root))
    trashed, marked = recorded_files(root)
    for name, (_, modified_ns, sha256) in files.items():
        at = [path for path, facts in {**photos, **kept}.items() if facts[2] == sha256]
        if not at and sha256 in spared:
            continue
        if len(at) != 1:
            violations.append(f"{name} stands {len(at)} times: {at}")
            continue
        [path] = at
        known = trashed if path in kept else {**marked, **indexed}
        if sha256 not in known.get(path, ()):
            violations.append(f"{name} stands at {path}, where nothing says so")
        if {**photos, **kept}[path][1] != modified_ns:
            violations.append(f"{name} has another time now")
    whole = {facts[2] for facts in files.values()}
    violations.extend(
        f"{path} is none of the files that were there"
        for path, facts in {**photos, **kept}.items()
        if facts[2] not in whole
    )
    violations.extend(f"an entry names {path}, which is not there" for path in indexed if path not in photos)
    violations.extend(
        f"a tombstone names {path}, which is not there"
        for path, sums in trashed.items()
        if path not in kept and not sums <= spared
    )
    return violations


def check_catalog_free(root: Path) -> list[str]:
    """What must hold of the storage's own files once something has gone through."""
    place = oracle.Place(root)
    return oracle.check_own_files(place, oracle.indexed_files(place))
