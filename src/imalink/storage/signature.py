"""The signature of a folder: read, told from one that is damaged, and from a folder in which nothing is ours."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from imalink.core.relative_path import RelativePath
from imalink.core.signature import Signature
from imalink.errors import IndexDamagedError, NotFoundError, SignatureDamagedError, StorageOfflineError
from imalink.formats.layouts.known import LAYOUTS
from imalink.formats.layouts.layout import session_number_of
from imalink.formats.signature_file import MAX_SIGNATURE_BYTES, SIGNATURE_NAME, parse_signature
from imalink.storage import staging
from imalink.storage.fs import StorageFiles

SIGNATURE_PATH = RelativePath(SIGNATURE_NAME)
_TRACES = (*{each for known in LAYOUTS.values() for each in (known.overview_path, known.master_path)}, staging.COMMITS)


def read_signature(files: StorageFiles, path: Path) -> Signature:
    """Read which storage a folder is; ``path`` is where it stands, for messages.

    Raises SignatureDamagedError when our files are there without a readable signature, StorageOfflineError when nothing
    of ours is there, NewerFormatError.
    """
    try:
        return parse_signature(files.read_bytes(SIGNATURE_PATH, MAX_SIGNATURE_BYTES))
    except NotFoundError as error:
        if any(files.exists(trace) for trace in _TRACES) or has_sessions(files):
            raise SignatureDamagedError(
                f"The storage at {path} has indexes but no signature ({SIGNATURE_NAME}). Its pictures are safe; "
                "nothing was changed.",
                hint="Put the signature back from a backup of the storage.",
            ) from error
        raise StorageOfflineError(
            f"There is no storage at {path}: the folder is there, but nothing of ImaLink's in it.",
            hint="If its disk is unplugged, plug it in. Nothing was written into the empty folder.",
        ) from error
    except IndexDamagedError as error:
        raise SignatureDamagedError(
            f"The signature of the storage at {path} cannot be read ({error.place or 'no JSON'}: {error.reason}). Its "
            "pictures are safe; nothing was changed.",
            hint="Put the signature back from a backup of the storage.",
        ) from error


def has_sessions(files: StorageFiles) -> bool:
    """Tell whether a folder has the index of any session, of any layout."""
    for layout in LAYOUTS.values():
        with suppress(NotFoundError):
            if any(session_number_of(name) is not None for name in files.list_names(layout.sessions_directory)):
                return True
    return False
