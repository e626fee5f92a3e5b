"""Regenerate: write a storage's index files again from what is left, and the catalog after them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from imalink.catalog import file_storages, import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.ids import StorageUuid
from imalink.core.index import MasterIndex
from imalink.errors import NotFoundError, SignatureDamagedError
from imalink.storage.file_storage import FileStorage
from imalink.storage.signature import looks_like_storage
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.repair_signature import repair_folder, repair_known
from imalink.workflows.session_key import session_key
from imalink.workflows.storage_access import fold_notes, get_storage, open_storage, project_fold
from imalink.workflows.tools import Tools
from imalink.workflows.verify_own_files import journal_damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class RegenerateReport:
    """Which session indexes were written, by the numbers of their files; ``total_files`` is what they name.

    ``is_known`` is False for a storage that the catalog does not know: of that only the signature was repaired.
    """

    storage_uuid: StorageUuid
    display_name: str
    is_known: bool
    sessions: tuple[int, ...]
    total_files: int
    findings: tuple[Finding, ...]
    seconds: float


def regenerate_storage(tools: Tools, text: str, *, session: str | None = None) -> RegenerateReport:
    """Regenerate the storage that a user means, or repair the signature of one in a folder the catalog does not know.

    ``text`` as for ``get_storage``, or a folder. Errors as there, ``regenerate_indexes`` and ``repair_folder``.
    """
    started = time.monotonic()
    folder = Path(text).absolute()
    try:
        return regenerate_indexes(tools, _find_record(tools, text, folder), session=session)
    except NotFoundError:
        if session is not None or not looks_like_storage(folder) or _is_whole(tools, folder):
            raise
    repaired = repair_folder(tools, folder)
    return RegenerateReport(
        storage_uuid=repaired.storage_uuid,
        display_name=repaired.display_name,
        is_known=False,
        sessions=(),
        total_files=repaired.total_files,
        findings=(repaired.finding,),
        seconds=round(time.monotonic() - started, 3),
    )


def _find_record(tools: Tools, text: str, folder: Path) -> StorageRecord:
    """Give the storage that is meant, also by its folder or by that of its own files. Raises NotFoundError."""
    try:
        return get_storage(tools, text)
    except NotFoundError:
        home = tools.references.uuid_of_home(folder)
        with tools.catalog.read() as db:
            found = file_storages.find_storages(db, home or str(folder))
        if len(found) != 1:
            raise
        return found[0]


def _is_whole(tools: Tools, folder: Path) -> bool:
    """Tell whether a folder's signature can be read, so that nothing in it is ours to repair unasked."""
    try:
        FileStorage.open(
            folder, clock=tools.clock, calls=tools.calls, needs_pictures=False, is_home=tools.references.is_home(folder)
        ).close()
    except SignatureDamagedError:
        return False
    return True


def regenerate_indexes(tools: Tools, record: StorageRecord, *, session: str | None = None) -> RegenerateReport:
    """Write all index files of a storage again, or with ``session`` mend that session's if it is damaged or lost.

    A damaged index is rebuilt from its backups, else from commits and journals, else from the catalog; it is kept. A
    damaged signature is repaired first. What cannot be read of this machine's own journal is set aside, kept with the
    backups. No picture is read. Raises NotFoundError for a session that has no part in the
    storage, StorageError.
    """
    started = time.monotonic()
    repaired = repair_known(tools, record)
    with open_storage(tools, record, needs_pictures=False) as storage, storage.lock("regenerate"):
        numbers = storage.indexes.list_sessions() if session is None else [_number_in(tools, record, session)]
        before = {number: _digest(storage, number) for number in numbers}
        suspects = [number for number in numbers if not storage.indexes.is_session_sound(number)]
        mended = mend_indexes(tools, record, storage, suspects=suspects)
        findings = [*repaired, *mended.findings]
        master = mended.master
        if session is None:
            aside = _set_journals_aside(tools, storage, master)
            told = {(finding.code, finding.path) for finding in aside}
            findings = [*(each for each in findings if (each.code, each.path) not in told), *aside]
            result = storage.fold(fold_notes(storage, record), is_anew=True)
            findings.extend((*result.findings, *project_fold(tools, record, result)))
            master = result.master
            numbers = storage.indexes.list_sessions()
        written = [number for number in numbers if _digest(storage, number) != before.get(number)]
    return RegenerateReport(
        storage_uuid=record.storage_uuid,
        display_name=record.display_name,
        is_known=True,
        sessions=tuple(written),
        total_files=master.total_files,
        findings=tuple(findings),
        seconds=round(time.monotonic() - started, 3),
    )


def _set_journals_aside(tools: Tools, storage: FileStorage, master: MasterIndex) -> list[Finding]:
    """Set aside what cannot be read of one's own journal; the rest of it is folded already. Another machine's stays.

    Until it is set aside, every verification tells of it again.
    """
    own = [damage for damage in storage.journals.find_damage() if damage.writer == tools.writer]
    last_known = storage.last_lines_known(master) if own else {}
    return [journal_damaged(damage, last_known, kept=storage.set_journal_damage_aside(damage)) for damage in own]


def _number_in(tools: Tools, record: StorageRecord, text: str) -> int:
    """Give the number of a session's file in the storage."""
    with tools.catalog.read() as db:
        found = import_sessions.get_session(db, session_key(text))
    for place in found.places:
        if place.storage_uuid == record.storage_uuid:
            return place.number
    raise NotFoundError(
        f"Nothing of session {text} is in {record.display_name}.",
        hint=f"Run `imalink sessions show {text}` to see where it is.",
    )


def _digest(storage: FileStorage, number: int) -> str | None:
    """Give what tells one state of a session's file from another; None when it cannot be read."""
    facts = storage.files.find_facts(storage.layout.session_path(number))
    return None if facts is None else f"{facts.inode} {facts.modified_ns} {facts.size_bytes}"
