"""``.imalink/metadata/library.json`` of one storage: folded from its journals, so it may be lost or spoilt.

Two machines may replace it in turn: what one of them did not know then stands in a journal, and whoever reads the
library reads these too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from imalink.core.finding import Finding
from imalink.core.journal import JournalLine
from imalink.core.library import Library, LibraryEdited, edits_of, merge_into
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import Clock, format_instant
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.formats.library_file import MAX_LIBRARY_BYTES, LibraryFile, dump_library, parse_library
from imalink.storage.backups import Backups
from imalink.storage.fs import StorageFiles
from imalink.storage.indexes import damaged_index
from imalink.storage.journal import Journals

_FOLDER = RelativePath(".imalink/metadata")
LIBRARY_PATH = RelativePath(f"{_FOLDER}/library.json")
_NOTHING = LibraryFile(library={}, generation=0, extras={})


def library_edits(lines: Iterable[JournalLine]) -> list[LibraryEdited]:
    """Give what lines say of the library."""
    return [each for line in lines for each in line.observations if isinstance(each, LibraryEdited)]


def load_library(files: StorageFiles) -> LibraryFile | None:
    """Read the file; None where there is none. Raises IndexDamagedError."""
    try:
        data = files.read_bytes(LIBRARY_PATH, MAX_LIBRARY_BYTES)
    except NotFoundError:
        return None
    return parse_library(data, file=LIBRARY_PATH)


def fold_library(
    files: StorageFiles,
    lines: Iterable[JournalLine],
    *,
    clock: Clock,
    load_all_lines: Callable[[], Iterable[JournalLine]],
) -> list[Finding]:
    """Bring the file in step with new lines; a damaged one is kept and made again from all of them.

    ``load_all_lines`` is asked only then. The caller holds the lock.
    """
    new = library_edits(lines)
    findings: list[Finding] = []
    try:
        held = load_library(files)
    except IndexDamagedError as error:
        kept = Backups(files, clock=clock).keep_damaged(LIBRARY_PATH)
        findings.append(damaged_index(LIBRARY_PATH, error, kept))
        held, new = None, library_edits(load_all_lines())
    if held is None and not findings:
        new = new and library_edits(load_all_lines())
    file = held or _NOTHING
    library: Library = {item: dict(fields) for item, fields in file.library.items()}
    if not merge_into(library, new) and held is not None:
        return findings
    if library or held is not None:
        after = LibraryFile(library=library, generation=file.generation + 1, extras=file.extras)
        files.make_directories(_FOLDER)
        files.replace(LIBRARY_PATH, dump_library(after, generated_at=format_instant(clock.now())))
    return findings


def read_library(files: StorageFiles, journals: Journals) -> list[LibraryEdited]:
    """Give all that a storage says of the library, from its file and its journals, as far as they can be read."""
    edits = library_edits(journals.read_after({}).lines)
    try:
        held = load_library(files)
    except IndexDamagedError:
        held = None
    return [*(edits_of(held.library) if held is not None else ()), *edits]
