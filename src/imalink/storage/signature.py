"""The signature of a folder: read, told from a damaged one and from a folder without anything of ours; replaced."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from imalink.core.relative_path import RelativePath
from imalink.core.signature import Signature
from imalink.errors import (
    IndexDamagedError,
    NotFoundError,
    SignatureDamagedError,
    StorageError,
    StorageOfflineError,
)
from imalink.formats.documents import check_digest
from imalink.formats.layouts.hybrid import HYBRID
from imalink.formats.layouts.known import LAYOUTS
from imalink.formats.layouts.layout import session_number_of
from imalink.formats.signature_file import MAX_SIGNATURE_BYTES, SIGNATURE_NAME, dump_signature, parse_signature
from imalink.storage import staging
from imalink.storage.backups import Backups
from imalink.storage.fs import StorageFiles
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot

SIGNATURE_PATH = RelativePath(SIGNATURE_NAME)
_OWN_TRACES = tuple(
    sorted(
        {each for known in LAYOUTS.values() for each in (known.overview_path, known.master_path)}
        - {HYBRID.overview_path}
        | {staging.COMMITS}
    )
)
"""What no other program makes; an ``index.json`` may be anybody's."""
_OVERVIEW_GLANCE_BYTES = 64 * 1024 * 1024
_SAYS_IT_IS_ONE = b'"storage_info"'


def read_signature(files: StorageFiles, path: Path) -> Signature:
    """Read which storage a folder is; ``path`` is where it stands, for messages.

    Raises SignatureDamagedError when our files are there without a readable signature, StorageOfflineError when nothing
    of ours is there, NewerFormatError.
    """
    try:
        return parse_signature(files.read_bytes(SIGNATURE_PATH, MAX_SIGNATURE_BYTES))
    except NotFoundError as error:
        if any(files.exists(trace) for trace in (*_OWN_TRACES, HYBRID.overview_path)) or has_sessions(files):
            raise SignatureDamagedError(
                f"The storage at {path} has indexes but no signature ({SIGNATURE_NAME}). Its pictures are safe; "
                "nothing was changed.",
                hint=repair_hint(path),
            ) from error
        raise StorageOfflineError(
            f"There is no storage at {path}: the folder is there, but nothing of ImaLink's in it.",
            hint="If its disk is unplugged, plug it in. Nothing was written into the empty folder.",
        ) from error
    except IndexDamagedError as error:
        raise SignatureDamagedError(
            f"The signature of the storage at {path} cannot be read ({error.place or 'no JSON'}: {error.reason}). Its "
            "pictures are safe; nothing was changed.",
            hint=repair_hint(path),
        ) from error


def repair_hint(path: Path) -> str:
    """Say how a signature is repaired."""
    return (
        f"Run `imalink regenerate {shlex.quote(str(path))}`: it writes the signature again from what the storage's "
        "commits and indexes say, and keeps the damaged one."
    )


def save_signature(files: StorageFiles, backups: Backups, signature: Signature) -> Signature:
    """Replace the signature, keeping the one before as a good generation; give what was written.

    What another hand wrote into notes and tags meanwhile is not ours to overwrite.
    """
    try:
        now = parse_signature(files.read_bytes(SIGNATURE_PATH, MAX_SIGNATURE_BYTES))
        signature = replace(signature, notes=now.notes, tags=now.tags, extras=now.extras)
        backups.keep_generation(SIGNATURE_PATH, signature.generation - 1)
    except (IndexDamagedError, NotFoundError):
        pass
    files.replace(SIGNATURE_PATH, dump_signature(signature))
    return signature


def find_earlier_signature(files: StorageFiles, backups: Backups) -> Signature | None:
    """Give the newest good generation of the signature that was kept, just as ImaLink wrote it; else None."""
    for path in reversed(backups.list_generations(SIGNATURE_PATH)):
        with suppress(IndexDamagedError, NotFoundError):
            data = files.read_bytes(path, MAX_SIGNATURE_BYTES)
            if check_digest(data, path)[0]:
                return parse_signature(data)
    return None


def has_sessions(files: StorageFiles) -> bool:
    """Tell whether a folder has the index of any session, of any layout."""
    for layout in LAYOUTS.values():
        with suppress(NotFoundError):
            if any(session_number_of(name) is not None for name in files.list_names(layout.sessions_directory)):
                return True
    return False


def looks_like_storage(folder: Path) -> bool:
    """Tell whether a folder has a signature, or what only a storage has beside one; no for one nobody may look into."""
    try:
        with StorageRoot.open(folder) as root:
            return holds_storage(FolderReader(root), None)
    except (StorageError, NotFoundError):
        return False


def holds_storage(reader: FolderReader, folder: RelativePath | None) -> bool:
    """Tell the same of a folder below an open one; no link is followed. Raises StorageError."""

    def inside(name: str) -> RelativePath:
        return RelativePath(name if folder is None else f"{folder}/{name}")

    if any(reader.exists(inside(trace)) for trace in (SIGNATURE_NAME, *_OWN_TRACES)):
        return True
    facts = reader.find_facts(inside(HYBRID.overview_path))
    if facts is None or not facts.is_file:
        return False
    before, seen_bytes = b"", 0
    for chunk in reader.iter_content(inside(HYBRID.overview_path)):
        if _SAYS_IT_IS_ONE in before + chunk:
            return True
        seen_bytes += len(chunk)
        if seen_bytes > _OVERVIEW_GLANCE_BYTES:
            return False
        before = chunk[-len(_SAYS_IT_IS_ONE) :]
    return False
