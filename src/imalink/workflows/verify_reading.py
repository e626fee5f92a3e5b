"""Reading an archived file as it stands on the disk, and judging it: the part of a verification that threads do."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from imalink.core.analyser import Analyser
from imalink.core.comparison import FileRole, KnownFile
from imalink.core.damage import Verdict
from imalink.core.ids import Sha256
from imalink.core.picture import Fingerprint
from imalink.core.verdict import FoundBytes, verdict_of
from imalink.durable_files import storage_errors
from imalink.errors import NotFoundError, StorageIoError, UnsafePathError
from imalink.storage.reading import FolderReader

TRIES = 3
_CHUNK_BYTES = 1 << 20
_NO_CACHE_TO_DROP = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ESPIPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at one file came to.

    ``is_refused`` says that it is unreadable because this user may not read it, which is no damage. ``is_cached`` says
    that the system may have answered from memory.
    """

    file: KnownFile
    verdict: Verdict
    bytes_read: int = 0
    why: str = ""
    found: Sha256 | None = None
    is_refused: bool = False
    is_cached: bool = False


class FileJudge:
    """Judges files of one storage; without state, so safe to share between threads.

    ``sums`` are the checksums of all that the storage's index knows.
    """

    def __init__(self, pictures: FolderReader, analyser: Analyser, *, sums: Collection[Sha256]) -> None:
        self._pictures = pictures
        self._analyser = analyser
        self._sums = sums

    def look(self, file: KnownFile) -> Look:
        """Read all bytes of a file. Raises StorageOfflineError, never anything for what is wrong with the file."""
        trouble: StorageIoError | OSError | None = None
        for _ in range(TRIES):
            try:
                return self._read(file)
            except NotFoundError:
                return Look(file=file, verdict=Verdict.MISSING)
            except UnsafePathError as error:
                return Look(file=file, verdict=Verdict.MISSING, why=error.message)
            except (StorageIoError, OSError) as error:
                trouble = error
        assert trouble is not None
        self._pictures.root.verify_identity()
        cause = trouble.__cause__ if isinstance(trouble, StorageIoError) else trouble
        is_refused = isinstance(cause, OSError) and cause.errno in (errno.EACCES, errno.EPERM)
        why = trouble.message if isinstance(trouble, StorageIoError) else str(trouble)
        return Look(file=file, verdict=Verdict.UNREADABLE, why=why, is_refused=is_refused)

    def glance(self, file: KnownFile) -> Look:
        """Compare size and time, and read only what has others. Raises as ``look``."""
        try:
            facts = self._pictures.find_facts(file.path)
        except UnsafePathError as error:
            return Look(file=file, verdict=Verdict.MISSING, why=error.message)
        except StorageIoError:
            return self.look(file)
        if facts is None:
            return Look(file=file, verdict=Verdict.MISSING)
        is_as_known = (facts.size_bytes, facts.modified_ns) == (file.size_bytes, file.modified_ns)
        if facts.is_file and is_as_known and file.damage is None:
            return Look(file=file, verdict=Verdict.OK)
        return self.look(file)

    def _read(self, file: KnownFile) -> Look:
        path = file.path.printable()
        calls = self._pictures.calls
        with self._pictures.open_for_reading(file.path) as descriptor, storage_errors("read", path):
            is_cached = not self._drop_cache(descriptor)
            digest = hashlib.sha256()
            size = 0
            while chunk := calls.pread(descriptor, _CHUNK_BYTES, size):
                digest.update(chunk)
                size += len(chunk)
            sha256 = Sha256(digest.hexdigest())
            if sha256 == file.sha256:
                return Look(file=file, verdict=Verdict.OK, bytes_read=size, found=sha256, is_cached=is_cached)
            found = self._take_apart(file, descriptor)
        verdict = verdict_of(file, found, sums=self._sums)
        return Look(file=file, verdict=verdict, bytes_read=size, found=found.fingerprint.sha256, is_cached=is_cached)

    def _take_apart(self, file: KnownFile, descriptor: int) -> FoundBytes:
        """Read a file that is not as it was archived for what has become of it."""
        modified_ns = self._pictures.calls.fstat(descriptor).st_mtime_ns
        fingerprint: Fingerprint = self._analyser.fingerprint(descriptor)
        decodes = True
        if file.role is not FileRole.COMPANION and not file.is_broken_by(fingerprint):
            analysis = self._analyser.analyse(descriptor, filename=file.path.name)
            decodes = all(each.code not in _UNDECODABLE for each in analysis.findings)
        return FoundBytes(fingerprint=fingerprint, modified_ns=modified_ns, decodes=decodes)

    def _drop_cache(self, descriptor: int) -> bool:
        """Have the disk asked instead of memory; False where the system does not know how."""
        try:
            self._pictures.calls.drop_cache(descriptor)
        except OSError as error:
            if error.errno not in _NO_CACHE_TO_DROP:
                raise
            return False
        return True


_UNDECODABLE = ("preview-failed", "preview-from-thumbnail", "decode-crashed", "picture-damaged")
