"""What is archived already, asked while importing: by bytes, by picture, and by size before anything is read.

That an index says so is not enough to leave a source file behind: the archived copy is read and compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from imalink.catalog import file_storages, locations, shots
from imalink.catalog.locations import FoundLocation
from imalink.catalog.shots import ClipPlace
from imalink.core.ids import Hothash, PhotoUuid, Sha256, StorageUuid
from imalink.core.index import FileStatus, MasterIndex
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.errors import StorageError
from imalink.formats.layouts.known import is_reference_layout
from imalink.storage.file_storage import FileStorage
from imalink.workflows.storage_access import open_known
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import holds_bytes


class Proof(StrEnum):
    """How sure it is that the same bytes are archived."""

    HERE = "here"
    """In the target storage, read just now (or brought by this import)."""
    ELSEWHERE = "elsewhere"
    """In another storage, read just now."""
    OUT_OF_REACH = "out-of-reach"
    """In another storage that cannot be reached now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPlace:
    """Where the same bytes or the same picture stand: in which storage (with its name) and under which path.

    ``proof`` is that of the same bytes. Size and time are as last known, None where that was not asked.
    """

    storage_uuid: StorageUuid
    storage: str
    path: RelativePath
    photo_uuid: PhotoUuid | None
    proof: Proof | None = None
    sha256: Sha256 | None = None
    size_bytes: int | None = None
    modified_ns: int | None = None


class KnownPictures:
    """Answers from the catalog, the target storage's master, what this import brought so far, and the disks.

    What was there before the import (``may_be_known``, ``find_archived``, ``find_clip``) may be asked by any thread,
    the rest by one.
    """

    def __init__(self, tools: Tools, master: MasterIndex, *, storage: FileStorage) -> None:
        self._tools = tools
        self._storage = storage
        self._by_sha256: dict[Sha256, list[RelativePath]] = defaultdict(list)
        self._brought: dict[Sha256, KnownPlace] = {}
        self._by_hothash: dict[Hothash, KnownPlace] = {}
        self._sizes: set[int] = set()
        # Pairing asks for a picture, then the import does: one question to the catalog, which stays as it is meanwhile.
        self._last_asked: tuple[Hothash, KnownPlace | None] | None = None
        self.companion_sums: dict[Hothash, set[Sha256]] = defaultdict(set)
        for entry in master.files.values():
            for place in entry.places():
                if place.status is FileStatus.PRESENT:
                    self._by_sha256[place.sha256].append(place.relative_path)
                    self._by_hothash.setdefault(entry.hothash, self._place(place.relative_path, None))
                    self._sizes.add(place.size_bytes)
            self.companion_sums[entry.hothash] |= {companion.sha256 for companion in entry.companions}
            for companion in entry.companions:
                if companion.kind == "live":
                    self._by_sha256[companion.sha256].append(companion.relative_path)
                    self._sizes.add(companion.size_bytes)

    def add(self, fingerprint: Fingerprint, path: RelativePath, photo_uuid: PhotoUuid) -> None:
        """Take note of what this import itself brings."""
        place = self._place(path, photo_uuid)
        self._brought.setdefault(fingerprint.sha256, place)
        self._by_hothash.setdefault(fingerprint.hothash, place)
        self._sizes.add(fingerprint.size_bytes)

    def add_bytes(self, fingerprint: Fingerprint, path: RelativePath) -> None:
        """Take note of bytes that come in, before it is settled which photo they are of."""
        self._brought.setdefault(fingerprint.sha256, self._place(path, None))
        self._sizes.add(fingerprint.size_bytes)

    def may_be_known(self, size_bytes: int) -> bool:
        """Tell whether any known file has this size; if none has, the bytes cannot be known."""
        if size_bytes in self._sizes:
            return True
        with self._tools.catalog.read() as db:
            return bool(locations.known_sizes(db, [size_bytes]))

    def find_brought(self, fingerprint: Fingerprint) -> KnownPlace | None:
        """Give where these very bytes go that this import itself brought already."""
        place = self._brought.get(fingerprint.sha256)
        return None if place is None else replace(place, photo_uuid=None, proof=Proof.HERE)

    def find_archived(self, fingerprint: Fingerprint) -> KnownPlace | None:
        """Give where these very bytes stood before this import, with the proof; None when no copy is sound."""
        for path in self._by_sha256.get(fingerprint.sha256, ()):
            if self._holds(self._storage, path, fingerprint.sha256):
                return replace(self._place(path, None), proof=Proof.HERE)
        with self._tools.catalog.read() as db:
            found = locations.find_by_sha256(db, [fingerprint.sha256]).get(fingerprint.sha256, [])
        out_of_reach: KnownPlace | None = None
        for image in found:
            for place in image.locations:
                is_candidate = place.sha256 == fingerprint.sha256 and place.status is FileStatus.PRESENT
                if not is_candidate or not place.is_active or place.storage_uuid == self._storage.storage_uuid:
                    continue
                proof = self._prove_elsewhere(place)
                known = replace(_place_of(place, image.photo_uuid), proof=proof)
                if proof is Proof.ELSEWHERE:
                    return known
                if proof is Proof.OUT_OF_REACH:
                    out_of_reach = known
        return out_of_reach

    def find_clip(self, fingerprint: Fingerprint, pictures: Collection[Hothash]) -> KnownPlace | None:
        """Give where these bytes stand as a companion of one of these archived pictures, with the proof."""
        if not pictures:
            return None
        with self._tools.catalog.read() as db:
            found = shots.find_clips(db, pictures, fingerprint.sha256)
        out_of_reach: KnownPlace | None = None
        for place in found:
            if not place.is_active or place.storage_uuid == self._storage.storage_uuid:
                continue
            proof = self._prove_elsewhere(place)
            known = KnownPlace(
                storage_uuid=StorageUuid(place.storage_uuid),
                storage=place.display_name,
                path=place.relative_path,
                photo_uuid=None,
                proof=proof,
            )
            if proof is Proof.ELSEWHERE:
                return known
            if proof is Proof.OUT_OF_REACH:
                out_of_reach = known
        return out_of_reach

    def find_picture(self, fingerprint: Fingerprint) -> KnownPlace | None:
        """Give where this picture stands, perhaps with other metadata; missing files count, for they have a photo."""
        hothash = fingerprint.hothash
        if self._last_asked is None or self._last_asked[0] != hothash:
            self._last_asked = (hothash, self._find_in_catalog(hothash))
        return self._last_asked[1] or self._by_hothash.get(hothash)

    def is_present(self, hothash: Hothash) -> bool:
        """Tell whether a file of this picture stands somewhere, as far as known."""
        if hothash in self._by_hothash:
            return True
        with self._tools.catalog.read() as db:
            found = locations.find_by_hothash(db, [hothash]).get(hothash)
        return found is not None and any(place.status is FileStatus.PRESENT for place in found.locations)

    def _find_in_catalog(self, hothash: Hothash) -> KnownPlace | None:
        with self._tools.catalog.read() as db:
            found = locations.find_by_hothash(db, [hothash]).get(hothash)
        if found is None or not found.locations:
            return None
        place = found.locations[0]
        return _place_of(place, found.photo_uuid)

    @property
    def _name(self) -> str:
        return self._storage.signature.display_name

    def _place(self, path: RelativePath, photo_uuid: PhotoUuid | None) -> KnownPlace:
        return KnownPlace(storage_uuid=self._storage.storage_uuid, storage=self._name, path=path, photo_uuid=photo_uuid)

    def _prove_elsewhere(self, place: FoundLocation | ClipPlace) -> Proof | None:
        """Read the copy in another storage; None when it is not there, not sound, or only referred to."""
        with self._tools.catalog.read() as db:
            record = file_storages.get_storage(db, place.storage_uuid)
        if is_reference_layout(record.layout):
            return None
        try:
            with open_known(self._tools, record) as storage:
                return Proof.ELSEWHERE if self._holds(storage, place.relative_path, place.sha256) else None
        except StorageError:
            return Proof.OUT_OF_REACH

    def _holds(self, storage: FileStorage, path: RelativePath, sha256: Sha256) -> bool:
        """Read a file of a storage and tell whether it has these bytes; one that cannot be read has not."""
        try:
            return holds_bytes(storage.pictures, path, sha256, analyser=self._tools.analyser)
        except StorageError:
            storage.root.verify_identity()
            return False


def _place_of(place: FoundLocation, photo_uuid: PhotoUuid) -> KnownPlace:
    return KnownPlace(
        storage_uuid=place.storage_uuid,
        storage=place.display_name,
        path=place.relative_path,
        photo_uuid=photo_uuid,
        sha256=place.sha256,
        size_bytes=place.size_bytes,
        modified_ns=place.modified_ns,
    )
