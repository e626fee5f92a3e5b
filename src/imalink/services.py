"""The two services of the hybrid storage design, for Python programs: storages and their indexes, by simple calls.

Names, arguments and results are a promise (docs/reference/services.md); each call is one workflow.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from imalink.answers import finding_json, reindex_json
from imalink.catalog import file_storages
from imalink.catalog.models import FileStorage, ImportSession
from imalink.core.ids import SessionUuid
from imalink.runtime.container import Container
from imalink.runtime.settings import load_settings
from imalink.workflows.activate_storage import set_storage_active
from imalink.workflows.create_storage import create_storage
from imalink.workflows.look_at_conflicts import find_elsewhere
from imalink.workflows.look_at_sessions import list_sessions
from imalink.workflows.look_at_storages import check_accessibility
from imalink.workflows.read_indexes import (
    current_overview,
    export_session_index,
    place_of_session,
    read_overview,
    read_session_index,
)
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.storage_access import get_storage, open_storage
from imalink.workflows.tools import Tools

_MIB = 1024 * 1024


@contextmanager
def open_services() -> Generator[tuple[FileStorageService, StorageIndexService]]:
    """Hold both services open for a block, on the catalog and with the settings that the command line would use.

    Raises CatalogError, UsageError.
    """
    with Container(load_settings()) as container:
        tools = container.tools()
        yield FileStorageService(tools), StorageIndexService(tools)


class FileStorageService:
    """Storages: made, counted, looked at, left out of use. An unknown UUID raises NotFoundError in every call."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def create_storage(self, base_path: str, display_name: str) -> FileStorage:
        """Make a storage in a folder of its own below ``base_path``, which must be there.

        Raises UsageError, StorageError.
        """
        record = create_storage(self._tools, base_path=Path(base_path), display_name=display_name)
        with self._tools.catalog.read() as db:
            return file_storages.get_model(db, record.storage_uuid)

    def get_storage_statistics(self, storage_uuid: str) -> dict[str, object]:
        """Give what is indexed: ``total_files``, ``total_size_bytes``, ``total_size_mb`` (MiB), ``import_sessions``.

        Also of a storage that cannot be reached: then as last known, with ``is_accessible`` False.
        """
        record = get_storage(self._tools, storage_uuid)
        sessions = list_sessions(self._tools, storage=record.storage_uuid)
        return {
            "storage_uuid": record.storage_uuid,
            "display_name": record.display_name,
            "is_active": record.is_active,
            "is_accessible": self.check_accessibility(storage_uuid),
            "total_files": record.total_files,
            "total_size_bytes": record.total_size_bytes,
            "total_size_mb": round(record.total_size_bytes / _MIB, 2),
            "last_scan": record.last_scan_at,
            "import_sessions": [
                {"id": each.session.number, "title": each.session.title, "file_count": each.file_count}
                for each in sessions
            ],
        }

    def check_accessibility(self, storage_uuid: str) -> bool:
        """Tell whether the storage with this UUID stands where it should, and note it in the catalog."""
        return check_accessibility(self._tools, storage_uuid).is_accessible

    def deactivate_storage(self, storage_uuid: str) -> bool:
        """Leave a storage out of use; give whether it was in use. Nothing of it is touched."""
        return self._set_active(storage_uuid, is_active=False)

    def reactivate_storage(self, storage_uuid: str) -> bool:
        """Use a storage again; give whether it was out of use."""
        return self._set_active(storage_uuid, is_active=True)

    def _set_active(self, storage_uuid: str, *, is_active: bool) -> bool:
        record = get_storage(self._tools, storage_uuid)
        set_storage_active(self._tools, record, is_active=is_active)
        return record.is_active is not is_active


class StorageIndexService:
    """The index files of storages: spelled, written, read, and brought in step with the folders.

    Every call but ``generate_session_index`` needs the storage within reach and raises StorageError otherwise.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def generate_session_index(self, session: ImportSession) -> dict[str, object]:
        """Give the complete index of a session; where its storage is out of reach, by what the catalog knows."""
        return dict(export_session_index(self._tools, SessionUuid(session.session_uuid)))

    def write_session_index(self, session: ImportSession) -> str:
        """Write a session's index, if it is not there and sound already; give its full path."""
        record, number = place_of_session(self._tools, SessionUuid(session.session_uuid))
        regenerate_indexes(self._tools, record, session=session.session_uuid)
        with open_storage(self._tools, record) as storage:
            return str(storage.path / storage.layout.session_path(number))

    def generate_master_index(self, storage: FileStorage) -> dict[str, object]:
        """Give the overview of a storage's imports as it would be written now."""
        return dict(current_overview(self._tools, get_storage(self._tools, storage.storage_uuid)))

    def write_master_index(self, storage: FileStorage) -> str:
        """Write the overview of a storage's imports, and whatever else of its indexes is not sound; give its path."""
        record = get_storage(self._tools, storage.storage_uuid)
        regenerate_indexes(self._tools, record)
        with open_storage(self._tools, record) as opened:
            return str(opened.path / opened.layout.overview_path)

    def generate_all_indexes(self, storage_uuid: str) -> dict[str, object]:
        """Write every index file of a storage again; give which, and what was found wrong."""
        report = regenerate_indexes(self._tools, get_storage(self._tools, storage_uuid))
        return {
            "storage_uuid": report.storage_uuid,
            "sessions": list(report.sessions),
            "total_files": report.total_files,
            "findings": [finding_json(finding) for finding in report.findings],
            "seconds": report.seconds,
        }

    def scan_storage_for_changes(self, storage_uuid: str) -> dict[str, object]:
        """Bring indexes and catalog in step with the folder; give what was moved, is missing and is new.

        Raises MassMissingError, with nothing changed, when suspiciously much would be marked missing.
        """
        record = get_storage(self._tools, storage_uuid)
        report = reindex(self._tools, record, ReindexRequest())
        elsewhere = find_elsewhere(self._tools, record, report.missing_files)
        return reindex_json(report, dry_run=False, storage_uuid=record.storage_uuid, elsewhere=elsewhere)

    def read_session_index(self, session: ImportSession) -> dict[str, object]:
        """Give a session's index as its file has it. Raises NotFoundError, IndexDamagedError."""
        return dict(read_session_index(self._tools, SessionUuid(session.session_uuid)))

    def read_master_index(self, storage: FileStorage) -> dict[str, object]:
        """Give the overview of a storage's imports as its file has it. Raises NotFoundError, IndexDamagedError."""
        return dict(read_overview(self._tools, get_storage(self._tools, storage.storage_uuid)))
