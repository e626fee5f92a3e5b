"""Repair a signature: a storage whose ``.imalink-storage`` is gone or damaged gets it back from all else that is there.

Never a new UUID, and never one that something in the folder contradicts
(docs/decisions/0039-a-signature-is-repaired-from-witnesses.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.ids import StorageUuid
from imalink.core.signature import PictureFolder
from imalink.core.timestamps import format_instant
from imalink.errors import ForeignStorageError, SignatureDamagedError, StorageOfflineError
from imalink.formats.signature_file import SIGNATURE_NAME, dump_signature
from imalink.storage.backups import Backups
from imalink.storage.file_storage import FileStorage
from imalink.storage.fs import StorageFiles
from imalink.storage.identity import Witnesses, ask_witnesses, holds_pictures_of
from imalink.storage.lock import hold_lock
from imalink.storage.picture_folder import describe_picture_folder
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot
from imalink.storage.signature import SIGNATURE_PATH, read_signature
from imalink.workflows.storage_access import home_of
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedSignature:
    """Which storage a folder is, as its new signature says; ``finding`` tells of the repair."""

    storage_uuid: StorageUuid
    display_name: str
    total_files: int
    finding: Finding


def repair_known(tools: Tools, record: StorageRecord) -> list[Finding]:
    """Repair the signature of a storage the catalog knows, if it is damaged; nothing happens otherwise.

    Raises ForeignStorageError when the folder turns out to be another storage's, and as ``repair_folder``.
    """
    home = home_of(tools, record)
    try:
        FileStorage.open(
            home,
            clock=tools.clock,
            expected_uuid=record.storage_uuid,
            calls=tools.calls,
            needs_pictures=False,
            is_home=tools.references.is_home(home),
        ).close()
    except SignatureDamagedError:
        return [repair_folder(tools, home, record=record).finding]
    except ForeignStorageError as error:
        _explain_exchanged(tools, home, record, error)
        raise
    except StorageOfflineError:
        pass  # whoever opens it next tells of it, and notes it
    return []


def repair_folder(tools: Tools, home: Path, *, record: StorageRecord | None = None) -> RepairedSignature:
    """Write the signature of the storage whose own files are in ``home`` again; a damaged one is kept.

    Whose it is, its commits and indexes say, all of them alike. Names and times come from a signature that was kept,
    else from the overview, else from ``record``. Raises SignatureDamagedError when that cannot be told, or the
    signature is whole; ForeignStorageError when it is not ``record``; StorageOfflineError when the folder with the
    pictures of a reference storage is not there, and StorageError.
    """
    with StorageRoot.open(home, calls=tools.calls) as root:
        files = StorageFiles(root)
        with hold_lock(files, purpose="regenerate", clock=tools.clock):
            _require_damage(files, home)
            expected = tools.references.uuid_of_home(home)
            witnesses = ask_witnesses(files, is_reference=expected is not None, clock=tools.clock)
            storage_uuid = witnesses.storage_uuid(home)
            expected = expected if record is None else record.storage_uuid
            if expected not in (None, storage_uuid):
                raise ForeignStorageError(
                    f"Another storage stands at {home}, not {expected}: it is {storage_uuid} by all that is in it "
                    f"({witnesses.describe()}), and its signature is damaged. Nothing was changed.",
                    hint="Plug in the right disk. To repair this one, mount it at another place and name that.",
                )
            pictures = _find_pictures(tools, witnesses, storage_uuid, record)
            signature = witnesses.signature(
                storage_uuid,
                directory_name=home.name if pictures is None else Path(pictures.path).name,
                display_name=home.name if record is None else record.display_name,
                created_at=format_instant(tools.clock.now()) if record is None else record.created_at,
                pictures=pictures,
            )
            backups = Backups(files, clock=tools.clock)
            kept = backups.keep_damaged(SIGNATURE_PATH) if files.exists(SIGNATURE_PATH) else ""
            files.replace(SIGNATURE_PATH, dump_signature(signature))
    facts = {"storage_uuid": signature.storage_uuid, "told_by": witnesses.describe(), "kept": kept}
    return RepairedSignature(
        storage_uuid=signature.storage_uuid,
        display_name=signature.display_name,
        total_files=signature.photo_count,
        finding=Finding(code="signature-repaired", path=SIGNATURE_NAME, facts=facts),
    )


def _require_damage(files: StorageFiles, home: Path) -> None:
    """Look again under the lock. Raises SignatureDamagedError when there is nothing to repair."""
    try:
        signature = read_signature(files, home)
    except SignatureDamagedError:
        return
    raise SignatureDamagedError(f"The signature of {signature.display_name} at {home} is whole. Nothing was changed.")


def _find_pictures(
    tools: Tools, witnesses: Witnesses, storage_uuid: StorageUuid, record: StorageRecord | None
) -> PictureFolder | None:
    """Describe the folder of a reference storage anew where no kept signature does; None for other storages.

    It must hold the pictures that the indexes name: another disk at its place is not taken for it.
    """
    if not witnesses.layout.is_reference:
        return None
    if witnesses.earlier is not None and witnesses.earlier.pictures is not None:
        return witnesses.earlier.pictures
    noted = tools.registry.places().get(storage_uuid)
    place = Path(record.full_path) if record is not None else noted
    if place is not None:
        with StorageRoot.open(place, calls=tools.calls) as pictures:
            if holds_pictures_of(FolderReader(pictures), witnesses):
                return describe_picture_folder(pictures)
    raise StorageOfflineError(
        f"The signature of the storage {storage_uuid} cannot be written again while the folder of its "
        f"pictures is away: those that it knows are not at {place}. Nothing was changed.",
        hint="Plug its disk in where it was, then run the same command again.",
    )


def _explain_exchanged(tools: Tools, home: Path, record: StorageRecord, error: ForeignStorageError) -> None:
    """Raise SignatureDamagedError if only the signature is another storage's, and all else in the folder is ours."""
    with StorageRoot.open(home, calls=tools.calls) as root:
        files = StorageFiles(root)
        signature = read_signature(files, home)
        is_reference = tools.references.uuid_of_home(home) is not None
        witnesses = ask_witnesses(files, is_reference=is_reference, clock=tools.clock)
    ours = sum(each.storage_uuid == record.storage_uuid for each in witnesses.testimonies)
    if ours:
        raise SignatureDamagedError(
            f"The signature of the storage at {home} says {signature.storage_uuid}, but {ours} of the commits and "
            f"indexes beside it say {record.storage_uuid} ({record.display_name}). Its pictures are safe; nothing was "
            "changed.",
            hint=f"If it is {record.display_name} and only {SIGNATURE_NAME} is another's, move that file out of the "
            "folder and run the same command again. If it is another disk, plug in the right one.",
        ) from error
