"""Copying one source file into staging so that what is staged is proved to be what the source held."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from imalink.core.analyser import Analyser, Analysis, SidecarReading
from imalink.core.ids import Sha256
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.sidecar_facts import MAX_SIDECAR_BYTES
from imalink.durable_files import storage_errors
from imalink.errors import (
    CancelledError,
    ImalinkError,
    MachineShortageError,
    NotFoundError,
    SourceChangedError,
    SourceError,
    UnsafePathError,
    VerificationError,
)
from imalink.storage.fs import PLACED_MODE, StagedFile
from imalink.storage.reading import FolderReader
from imalink.storage.staging import ImportRun

TRIES = 3
_CHUNK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedCopy:
    """A verified copy: read back from the device and equal to what was read from the source."""

    staged_name: str
    fingerprint: Fingerprint
    modified_ns: int


def stage_verified(
    source: FolderReader,
    file: ScannedFile,
    run: ImportRun,
    *,
    staged_name: str,
    analyser: Analyser,
    beat: Callable[[], None],
) -> StagedCopy:
    """Copy ``file`` into the run's staging folder, flush it, read it back and compare.

    ``beat`` is called whenever it gets on, and may raise CancelledError. A source that changes meanwhile, or a copy
    that reads back otherwise, is copied again, three times in all. Raises SourceError, SourceChangedError or
    VerificationError for this file, StorageError when the storage is in trouble.
    """
    trouble: ImalinkError | None = None
    for _ in range(TRIES):
        beat()
        run.discard(staged_name)
        try:
            with run.stage(staged_name) as staged:
                checksum, modified_ns = _copy(source, file, staged, beat)
                staged.set_modified(modified_ns)
                staged.set_mode(PLACED_MODE)
                staged.sync()
                beat()
                staged.drop_cache()
                with storage_errors("read back the copy of", file.relative_path.printable()):
                    fingerprint = analyser.fingerprint(staged.descriptor)
                if fingerprint.sha256 != checksum:
                    raise VerificationError(
                        f"The copy of {file.relative_path.printable()} did not read back as it was written.",
                        hint="The target disk may be failing: check it before you trust it with more.",
                    )
                return StagedCopy(
                    staged_name=staged_name, fingerprint=fingerprint, modified_ns=staged.facts().modified_ns
                )
        except (SourceChangedError, VerificationError) as error:
            trouble = error
    run.discard(staged_name)
    assert trouble is not None
    raise trouble


def fingerprint_source(source: FolderReader, file: ScannedFile, *, analyser: Analyser) -> Fingerprint:
    """Read a source file without copying it. Raises SourceError."""
    try:
        with source.open_for_reading(file.relative_path) as descriptor:
            return analyser.fingerprint(descriptor)
    except (ImalinkError, OSError) as error:
        raise _source_error(file, error) from error


def analyse_source(source: FolderReader, file: ScannedFile, *, analyser: Analyser) -> Analysis:
    """Tell a source file's facts without copying it. Raises SourceError, CancelledError, MachineShortageError."""
    try:
        with source.open_for_reading(file.relative_path) as descriptor:
            return analyser.analyse(descriptor, filename=file.relative_path.name)
    except (CancelledError, MachineShortageError):
        raise
    except (ImalinkError, OSError) as error:
        raise _source_error(file, error) from error


def analyse_stored(files: FolderReader, path: RelativePath, *, filename: str, analyser: Analyser) -> Analysis:
    """Tell the facts of a file in the storage, staged or placed. Raises NotFoundError, StorageError."""
    with files.open_for_reading(path) as descriptor, storage_errors("read", path.printable()):
        return analyser.analyse(descriptor, filename=filename)


def read_source_sidecar(source: FolderReader, path: RelativePath, *, analyser: Analyser) -> SidecarReading:
    """Tell what a sidecar at the source says; nothing of one that cannot be read, which copying it will tell."""
    try:
        return read_stored_sidecar(source, path, analyser=analyser)
    except ImalinkError:
        return SidecarReading()


def read_stored_sidecar(files: FolderReader, path: RelativePath, *, analyser: Analyser) -> SidecarReading:
    """Tell what a sidecar says. Raises NotFoundError, UnsafePathError, StorageError."""
    pieces: list[bytes] = []
    missing = MAX_SIDECAR_BYTES + 1
    for chunk in files.iter_content(path):
        pieces.append(chunk[:missing])
        missing -= len(pieces[-1])
        if not missing:
            break
    return analyser.read_sidecar(b"".join(pieces), filename=path.name)


def holds_bytes(files: FolderReader, path: RelativePath, sha256: Sha256, *, analyser: Analyser) -> bool:
    """Tell whether a file with this checksum stands at ``path``. Raises StorageError when it cannot be read."""
    try:
        with files.open_for_reading(path) as descriptor, storage_errors("read", path.printable()):
            return analyser.fingerprint(descriptor).sha256 == sha256
    except (NotFoundError, UnsafePathError):
        return False


def _copy(source: FolderReader, file: ScannedFile, staged: StagedFile, beat: Callable[[], None]) -> tuple[Sha256, int]:
    """Copy the bytes; give their SHA-256 and the source's time. Source trouble is told from storage trouble."""
    digest = hashlib.sha256()
    copied = 0
    try:
        opened = source.open_for_reading(file.relative_path)
        descriptor = opened.__enter__()
    except (ImalinkError, OSError) as error:
        raise _source_error(file, error) from error
    try:
        before = _facts(source, descriptor, file)
        while True:
            try:
                chunk = source.calls.pread(descriptor, _CHUNK_BYTES, copied)
            except OSError as error:
                raise _source_error(file, error) from error
            if not chunk:
                break
            digest.update(chunk)
            staged.write(chunk)
            copied += len(chunk)
            beat()
        after = _facts(source, descriptor, file)
    finally:
        opened.__exit__(None, None, None)
    if before != after or copied != after[0]:
        raise SourceChangedError(
            f"{file.relative_path.printable()} changed while it was copied.",
            hint="Import again when no other program is writing it.",
        )
    return Sha256(digest.hexdigest()), after[1]


def _facts(source: FolderReader, descriptor: int, file: ScannedFile) -> tuple[int, int]:
    try:
        found = source.calls.fstat(descriptor)
    except OSError as error:
        raise _source_error(file, error) from error
    return found.st_size, found.st_mtime_ns


def _source_error(file: ScannedFile, error: Exception) -> SourceError:
    reason = error.message if isinstance(error, ImalinkError) else (getattr(error, "strerror", None) or str(error))
    return SourceError(f"{file.relative_path.printable()} could not be read: {reason}")
