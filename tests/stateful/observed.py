"""What stands on the disk and what indexes say of it, read with the standard library alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.crash import oracle
from tests.crash.oracle import Facts, Place
from tests.crash.oracle_fold import entries_by_hothash
from tests.stateful.pictures import picture_in

Places = frozenset[tuple[str, str]]
"""Paths with checksums."""
SIDECAR = ".xmp"
TRASH, QUARANTINE = oracle.KEEPING


@dataclass(frozen=True)
class Known:
    """What a storage's indexes say of one picture: where it stands, and where it is missing, in all sessions."""

    places: Places = frozenset()
    missing_at: frozenset[str] = frozenset()
    companions: Places = frozenset()
    sessions: frozenset[str] = frozenset()
    photos: frozenset[str] = frozenset()

    @property
    def where(self) -> tuple[Places, frozenset[str]]:
        return self.places, frozenset() if self.places else self.missing_at


@dataclass(frozen=True)
class Tombstone:
    """What is said of a deleted picture: how, and where in the trash its files are, with their checksums."""

    mode: str
    kept: Mapping[str, str]
    sums: Places
    session: str


@dataclass(frozen=True)
class Standing:
    """One storage at a moment: the user's files, what trash and quarantine keep, and what the indexes say."""

    files: Mapping[str, Facts]
    trash: Mapping[str, str]
    quarantine: Mapping[str, str]
    known: Mapping[str, Known]
    times: Mapping[str, int]
    """When each known file was written, as the indexes have it, in ns since 1970."""
    tombstones: Mapping[str, Tombstone]
    orphans: frozenset[str]
    sessions: Mapping[str, str]
    """How each session ended, by its UUID."""
    said: Mapping[str, Sequence[Mapping[str, Any]]]
    """What each session says of a photo, by its UUID."""
    hothashes: Mapping[str, str]
    """Which picture each of the user's files is; sidecars are none."""

    def sums(self) -> set[str]:
        """The checksums of everything that is kept anywhere."""
        return {facts[2] for facts in self.files.values()} | self.kept_sums()

    def kept_sums(self) -> set[str]:
        return {*self.trash.values(), *self.quarantine.values()}

    def misrecorded(self) -> list[str]:
        """Say which files of the trash are not those that their records tell of."""
        return [
            f"{path} is {self.trash[path][:8]} in the trash and is recorded as {sha256[:8]}"
            for stone in self.tombstones.values()
            for path, sha256 in stone.kept.items()
            if self.trash.get(path, sha256) != sha256
        ]

    def unknown_sums(self) -> set[str]:
        """The checksums of the user's files of which no index tells, or not that they are such."""
        known = {place for each in self.known.values() for place in each.places | each.companions}
        return {facts[2] for path, facts in self.files.items() if (path, facts[2]) not in known}

    def at(self, hothash: str) -> Places:
        """Where the picture really stands."""
        return frozenset((path, self.files[path][2]) for path, each in self.hothashes.items() if each == hothash)


def look_at(place: Place) -> Standing:
    """Read everything anew."""
    files = place.pictures()
    documents = list(place.sessions().values())
    conflicts = place.document(place.shape.master)["conflicts"]
    return Standing(
        files=files,
        trash={path: facts[2] for path, facts in oracle.tree(place.root / TRASH).items()},
        quarantine={path: facts[2] for path, facts in oracle.tree(place.root / QUARANTINE).items()},
        known=_known(documents),
        times=_times(documents),
        tombstones=dict(_tombstones(documents)),
        orphans=frozenset(oracle.path_of(each, "path") for each in conflicts if each["type"] == "orphan_file"),
        sessions={
            (head := document.get("import_session", document))["session_uuid"]: head.get("status", "completed")
            for document in documents
        },
        said=_said(documents),
        hothashes={name: picture_in((place.base / name).read_bytes())[1] for name in files if not is_sidecar(name)},
    )


def is_sidecar(name: str) -> bool:
    return name.lower().endswith(SIDECAR)


def read_file(place: Place, name: str) -> bytes:
    return Path(place.base / name).read_bytes()


def _known(documents: list[dict[str, Any]]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for document in documents:
        session = document.get("import_session", document)["session_uuid"]
        for hothash, entry in entries_by_hothash(document):
            was = found.get(hothash, Known())
            is_missing = entry.get("status") == "missing"
            places = _places((entry, *entry.get("copies", ())))
            found[hothash] = Known(
                places=was.places if is_missing else was.places | places,
                missing_at=was.missing_at | (frozenset(path for path, _ in places) if is_missing else frozenset[str]()),
                companions=was.companions | _places(entry.get("companions", ())),
                sessions=was.sessions | {session},
                photos=was.photos | {entry["photo_uuid"]},
            )
    return found


def _times(documents: list[dict[str, Any]]) -> dict[str, int]:
    return {
        oracle.path_of(record): _nanoseconds(record["file_modified"])
        for document in documents
        for _, entry in entries_by_hothash(document)
        for record in (entry, *entry.get("copies", ()), *entry.get("companions", ()))
    }


def _nanoseconds(instant: str) -> int:
    whole, _, fraction = instant.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 10**9 + int(fraction.ljust(9, "0"))


def _places(records: tuple[dict[str, Any], ...]) -> Places:
    return frozenset((oracle.path_of(record), record["sha256"]) for record in records)


def _tombstones(documents: list[dict[str, Any]]) -> Iterator[tuple[str, Tombstone]]:
    for document in documents:
        for hothash, tombstone in document.get("deleted", {}).items():
            entry = tombstone.get("entry")
            parts = () if entry is None else (entry, *entry.get("companions", ()), *entry.get("copies", ()))
            sums = {oracle.path_of(record): record["sha256"] for record in parts}
            kept = {
                oracle.path_of(file, "kept"): sums[oracle.path_of(file, "path")] for file in tombstone.get("kept", ())
            }
            session = document.get("import_session", document)["session_uuid"]
            yield hothash, Tombstone(tombstone["mode"], kept, _places(parts), session)


def _said(documents: list[dict[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents:
        for photo_uuid, photo in document.get("photos", {}).items():
            found.setdefault(photo_uuid, []).append(photo)
    return found
