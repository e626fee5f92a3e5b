"""Which storages a recovery may begin with: those found at or below folders, and what each says of itself."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from imalink.catalog import file_storages
from imalink.core.finding import Finding
from imalink.core.ids import StorageUuid
from imalink.core.index import Overview
from imalink.errors import (
    ImalinkError,
    IndexDamagedError,
    NotFoundError,
    SignatureDamagedError,
    StorageOfflineError,
    WrongStateError,
)
from imalink.storage.caps import UNTRUSTED
from imalink.storage.file_storage import FileStorage
from imalink.workflows.storage_places import find_places
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A storage found for recovery. ``is_trusted`` says that this machine knows it already.

    ``path`` is the folder of its pictures, ``home`` that of ImaLink's own files: the same but for reference storages.
    """

    path: Path
    home: Path
    storage_uuid: StorageUuid
    display_name: str
    is_trusted: bool


def find_candidates(
    tools: Tools, roots: Sequence[Path], *, is_check: bool = False
) -> tuple[list[Candidate], list[Finding]]:
    """Find storages at or a few levels below ``roots``, or, without any, wherever this machine last saw them.

    A second folder with the same UUID is a copy: it is left out with a finding. To a check a storage that is merely
    not plugged in is no finding: its report counts what it could not compare. Raises NotFoundError when there is
    nothing to recover from, WrongStateError when nothing but copies of storages in use is there, SignatureDamagedError
    when nothing but a storage with a damaged signature is.
    """
    trusted = tools.registry.places()
    with tools.catalog.read() as db:
        known = {record.storage_uuid: Path(record.full_path) for record in file_storages.list_storages(db)}
    candidates: dict[StorageUuid, Candidate] = {}
    findings: list[Finding] = []
    refused: list[SignatureDamagedError] = []
    copies: list[tuple[Candidate, Path]] = []
    for path in find_places(tools, roots, {**known, **trusted}):
        try:
            with FileStorage.open(
                path,
                clock=tools.clock,
                calls=tools.calls,
                needs_pictures=False,
                is_home=tools.references.is_home(path),
                caps=UNTRUSTED,
            ) as storage:
                candidate = _candidate(tools, storage, path, {**known, **trusted})
        except ImalinkError as error:
            if not (is_check and isinstance(error, StorageOfflineError)):
                facts = {"why": error.message, "next": error.hint}
                findings.append(Finding(code="storage-not-recovered", path=str(path), facts=facts))
            if isinstance(error, SignatureDamagedError):
                refused.append(error)
            continue
        usual = known.get(candidate.storage_uuid)
        if usual is not None and usual != candidate.path and _answers(tools, usual, candidate.storage_uuid):
            findings.append(Finding(code="storage-copy", path=str(path), facts={"of": str(usual)}))
            copies.append((candidate, usual))
            continue
        first = candidates.setdefault(candidate.storage_uuid, candidate)
        if first.path != candidate.path:
            findings.append(Finding(code="storage-copy", path=str(path), facts={"of": str(first.path)}))
    if refused and not candidates:
        raise refused[0]
    if copies and not candidates:
        raise _in_use(*copies[0])
    if not candidates:
        where = ", ".join(str(root) for root in roots) or "the places this machine knows"
        raise NotFoundError(
            f"No storage was found at {where}. Nothing was changed.",
            hint="Name the folder of a storage, or one above it: imalink recover /media/disk",
        )
    return list(candidates.values()), findings


def _in_use(copy: Candidate, usual: Path) -> WrongStateError:
    return WrongStateError(
        f"{copy.path} is a copy of {copy.display_name!r}, which is in use at {usual}: both are storage "
        f"{copy.storage_uuid}. Nothing was changed.",
        hint=f"To compare or refresh the one in use, name that: imalink recover {shlex.quote(str(usual))}. To use the "
        "copy instead, unplug or rename the other folder first and run the same again. Both at once can only be used "
        "on two machines.",
    )


def _answers(tools: Tools, path: Path, storage_uuid: StorageUuid) -> bool:
    """Tell whether a storage can be reached where this machine knows it: then another folder of its name is a copy."""
    try:
        FileStorage.open(path, clock=tools.clock, expected_uuid=storage_uuid, calls=tools.calls).close()
    except ImalinkError:
        return False
    return True


def _candidate(tools: Tools, storage: FileStorage, home: Path, known: Collection[StorageUuid]) -> Candidate:
    return Candidate(
        path=storage.path,
        home=home,
        storage_uuid=storage.storage_uuid,
        display_name=storage.signature.display_name,
        is_trusted=storage.storage_uuid in known or tools.references.find_home(storage.storage_uuid) is not None,
    )


def overview_of(storage: FileStorage) -> Overview | None:
    """Give what a storage says of its sessions; None where that cannot be read."""
    try:
        return storage.indexes.load_overview().index
    except (NotFoundError, IndexDamagedError):
        return None
