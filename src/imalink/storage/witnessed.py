"""Opening a storage whose signature is gone or damaged, only to read it: all else in it must say which one it is."""

from __future__ import annotations

from pathlib import Path

from imalink.core.finding import Finding
from imalink.core.ids import StorageUuid
from imalink.core.timestamps import Clock
from imalink.durable_files import FileCalls
from imalink.errors import SignatureDamagedError, StorageError
from imalink.formats.signature_file import SIGNATURE_NAME
from imalink.storage.file_storage import FileStorage
from imalink.storage.fs import StorageFiles
from imalink.storage.identity import ask_witnesses
from imalink.storage.picture_folder import open_picture_folder
from imalink.storage.root import StorageRoot


def open_to_read(
    path: Path,
    *,
    clock: Clock,
    expected_uuid: StorageUuid | None = None,
    calls: FileCalls | None = None,
    needs_pictures: bool = True,
    is_home: bool = False,
) -> FileStorage:
    """Open a storage as ``FileStorage.open`` does, or by its commits and indexes where only its signature is damaged.

    Of such a one ``signature_trouble`` says what is wrong: it can be read, and its lock cannot be had, so that nothing
    is written into it before ``imalink regenerate`` repaired it. It must be trusted, for its indexes are read whole.
    Raises as ``FileStorage.open``, SignatureDamagedError only where it cannot be told whose storage that is.
    """
    try:
        return FileStorage.open(
            path,
            clock=clock,
            expected_uuid=expected_uuid,
            calls=calls,
            needs_pictures=needs_pictures,
            is_home=is_home,
        )
    except SignatureDamagedError as error:
        trouble = error
    root = StorageRoot.open(path, calls=calls)
    try:
        witnesses = ask_witnesses(StorageFiles(root), is_reference=is_home, clock=clock)
        storage_uuid = witnesses.storage_uuid(path)
        described = None if witnesses.earlier is None else witnesses.earlier.pictures
        if expected_uuid not in (None, storage_uuid) or (is_home and described is None):
            raise trouble
        apart: StorageRoot | StorageError | None = None
        if is_home and described is not None:
            try:
                apart, described = open_picture_folder(described, calls=calls)
            except StorageError as error:
                if needs_pictures:
                    raise
                apart = error
        signature = witnesses.signature(
            storage_uuid,
            directory_name=path.name,
            display_name=path.name,
            created_at="" if witnesses.overview is None else witnesses.overview.created_at,
            pictures=described if is_home else None,
        )
        return FileStorage(root, signature, clock=clock, apart=apart, signature_trouble=trouble)
    except BaseException:
        root.close()
        raise


def signature_findings(storage: FileStorage) -> tuple[Finding, ...]:
    """Tell of a storage's signature if it is gone or damaged."""
    trouble = storage.signature_trouble
    if trouble is None:
        return ()
    facts = {"why": trouble.message, "next": trouble.hint}
    return (Finding(code="signature-damaged", path=SIGNATURE_NAME, facts=facts),)
