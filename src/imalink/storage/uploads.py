"""Uploads: files that came over HTTP, kept whole and flushed on the storage's own disk until an import takes them in.

``.imalink/uploads/<session_uuid>/files/<path>`` holds those that are whole, ``…/<n>.part`` what is coming in, and
``…/sums.jsonl`` the checksums. No lock is held: every file is new under its name, and no other work looks in there. An
import reads ``files/`` as it reads any source. Format page: docs/format/README.md.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imalink.core.ids import SessionUuid, Sha256
from imalink.core.relative_path import RelativePath
from imalink.errors import (
    ImalinkError,
    IndexDamagedError,
    NameTakenError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from imalink.storage.fs import StagedFile, StorageFiles

UPLOADS: Final = RelativePath(".imalink/uploads")
_LEFT_SECONDS: Final = 24 * 3600
_MAX_SUMS_BYTES: Final = 256 * 1024 * 1024
_MODE: Final = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """A file that came whole; ``was_there``: it had come before, byte for byte the same."""

    path: RelativePath
    size_bytes: int
    sha256: Sha256
    was_there: bool = False


_LIKE_A_STORAGE: Final = re.compile("_*imalink_")
"""How names of folders begin that would look like storages, or like what those are called here."""


def kept_path(path: RelativePath) -> RelativePath:
    """Give where a file waits: a folder ``imalink_…`` gets a ``_`` before it, for only a storage is called so.

    Whoever looks for storages by that name finds no other folder. Raises InvalidPathError for a name that is too long.
    """
    *folders, name = path.parts
    kept = [f"_{part}" if _LIKE_A_STORAGE.match(part) else part for part in folders]
    return RelativePath.parse("/".join((*kept, name)))


def sent_path(kept: RelativePath) -> RelativePath:
    """Give what a file that waits there is called by who sent it."""
    *folders, name = kept.parts
    sent = [part[1:] if part.startswith("_") and _LIKE_A_STORAGE.match(part) else part for part in folders]
    return RelativePath("/".join((*sent, name)))


def is_upload(source: Path, storage: Path) -> bool:
    """Tell whether a folder, resolved, is one of uploads to a storage."""
    return storage / UPLOADS in source.parents


class Uploads:
    """The uploads to one session of a storage."""

    def __init__(self, files: StorageFiles, session_uuid: SessionUuid) -> None:
        self._files = files
        self._base = UPLOADS.below(session_uuid)
        self.folder = self._base.below("files")
        self._sums = self._base.below("sums.jsonl")

    @property
    def path(self) -> Path:
        """The folder to import from."""
        return self._files.root.path / self.folder

    def receive(
        self, path: RelativePath, *, sha256: Sha256 | None = None, modified_ns: int | None = None
    ) -> UploadReception:
        """Begin to take a file in. ``sha256`` is what it must have. Raises InvalidPathError, StorageError."""
        final = self.folder.below(kept_path(path))
        self._files.make_directories(self.folder)
        return UploadReception(self, self._files, path=path, final=final, sha256=sha256, modified_ns=modified_ns)

    def list_files(self) -> list[UploadedFile]:
        """Give the files that are whole, by path; one whose checksum was not noted is read. Raises StorageError."""
        sums = self._load_sums()
        found: list[UploadedFile] = []
        for path in sorted(self._walk(self.folder)):
            facts = self._files.get_facts(path)
            name = sent_path(path.relative_to(self.folder))
            noted = sums.get(name)
            sha256 = noted[1] if noted is not None and noted[0] == facts.size_bytes else self._hash(path)
            found.append(UploadedFile(path=name, size_bytes=facts.size_bytes, sha256=sha256))
        return found

    def prepare(self) -> bool:
        """Make the folder if it is not there, and tell whether anything waits in it. Raises StorageError."""
        self._files.make_directories(self.folder)
        return next(self._walk(self.folder), None) is not None

    def remove(self, paths: Iterable[RelativePath]) -> None:
        """Remove these files, and all folders of the uploads that are empty then. Raises StorageError."""
        for path in paths:
            self._files.remove_own(self.folder.below(kept_path(path)))
        if self._remove_empty(self.folder):
            self._files.remove_own(self._sums)
            with suppress(StorageError):  # something is coming in just now
                self._files.remove_own(self._base)

    def discard(self) -> int:
        """Remove all that was uploaded, and give how many files that were. Raises StorageError."""
        paths = [sent_path(path.relative_to(self.folder)) for path in self._walk(self.folder)]
        self.remove(paths)
        return len(paths)

    def new_part(self) -> RelativePath:
        """Give a name for what is coming in; what a killed process left there a day ago is removed."""
        for name in self._names(self._base):
            path = self._base.below(name)
            facts = self._files.find_facts(path) if name.endswith(".part") else None
            if facts is not None and facts.modified_ns < time.time_ns() - _LEFT_SECONDS * 10**9:
                self._files.remove_own(path)
        return self._base.below(f"{secrets.token_hex(8)}.part")

    def note(self, file: UploadedFile) -> None:
        """Note the checksum of a file that is whole."""
        line = json.dumps({"path": file.path, "size": file.size_bytes, "sha256": file.sha256})
        self._files.append(self._sums, f"{line}\n".encode("ascii"))

    def find_file(self, path: RelativePath) -> UploadedFile | None:
        """Give a file that is whole already, read through; None when there is none."""
        final = self.folder.below(kept_path(path))
        facts = self._files.find_facts(final)
        if facts is None or not facts.is_file:
            return None
        return UploadedFile(path=path, size_bytes=facts.size_bytes, sha256=self._hash(final), was_there=True)

    def _load_sums(self) -> dict[RelativePath, tuple[int, Sha256]]:
        try:
            data = self._files.find_bytes(self._sums, _MAX_SUMS_BYTES) or b""
        except IndexDamagedError:
            return {}
        found: dict[RelativePath, tuple[int, Sha256]] = {}
        for line in data.split(b"\n"):
            with suppress(ValueError, KeyError, TypeError):
                document = json.loads(line)
                found[RelativePath(document["path"])] = (int(document["size"]), Sha256(document["sha256"]))
        return found

    def _hash(self, path: RelativePath) -> Sha256:
        digest = hashlib.sha256()
        for chunk in self._files.iter_content(path):
            digest.update(chunk)
        return Sha256(digest.hexdigest())

    def _names(self, folder: RelativePath) -> list[str]:
        try:
            return self._files.list_names(folder)
        except NotFoundError:
            return []

    def _walk(self, folder: RelativePath) -> Iterator[RelativePath]:
        for name in self._names(folder):
            path = RelativePath(f"{folder}/{name}")
            facts = self._files.find_facts(path)
            if facts is not None and facts.is_directory:
                yield from self._walk(path)
            elif facts is not None and facts.is_file:
                yield path

    def _remove_empty(self, folder: RelativePath) -> bool:
        """Remove a folder if nothing but empty folders is in it, and tell."""
        is_empty = True
        for name in self._names(folder):
            path = RelativePath(f"{folder}/{name}")
            facts = self._files.find_facts(path)
            is_empty &= facts is None or (facts.is_directory and self._remove_empty(path))
        if is_empty:
            self._files.remove_own(folder)
        return is_empty


class UploadReception:
    """A file that is coming in. ``write`` …, then ``finish``; or ``abandon``, after which nothing of it is left.

    One thread at a time.
    """

    def __init__(
        self,
        uploads: Uploads,
        files: StorageFiles,
        *,
        path: RelativePath,
        final: RelativePath,
        sha256: Sha256 | None,
        modified_ns: int | None,
    ) -> None:
        self.path = path
        self._uploads = uploads
        self._files = files
        self._final = final
        self._wanted = sha256
        self._modified_ns = modified_ns
        self._digest = hashlib.sha256()
        self._size_bytes = 0
        self._part = uploads.new_part()
        self._held = ExitStack()
        self._staged: StagedFile = self._held.enter_context(files.stage_new(self._part))

    def write(self, data: bytes) -> None:
        """Add to the file. Raises OutOfSpaceError, StorageError."""
        self._staged.write(data)
        self._digest.update(data)
        self._size_bytes += len(data)

    def finish(self) -> UploadedFile:
        """Give the file its name, durably. Whatever is raised, nothing of it is left then.

        Raises VerificationError for another checksum than it must have, NameTakenError where another file has that
        name already, StorageError.
        """
        try:
            return self._finish()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Throw away what came; twice does no harm, and once it is finished does nothing."""
        self._held.close()
        with suppress(ImalinkError):  # a disk that went away keeps it until the next upload
            self._files.remove_own(self._part)

    def _finish(self) -> UploadedFile:
        found = Sha256(self._digest.hexdigest())
        if self._wanted is not None and self._wanted != found:
            raise VerificationError(
                f"{self.path.printable()} came with the SHA-256 {found}, not {self._wanted}. It was not kept.",
                hint="Send it again.",
            )
        if self._modified_ns is not None:
            self._staged.set_modified(self._modified_ns)
        self._staged.set_mode(_MODE)
        self._staged.sync()
        self._held.close()
        file = UploadedFile(path=self.path, size_bytes=self._size_bytes, sha256=found)
        try:
            self._place()
        except NameTakenError as error:
            there = self._uploads.find_file(self.path)
            if there is None or there.sha256 != found:
                raise NameTakenError(
                    f"Another file came as {self.path.printable()} before. Neither was changed.",
                    hint="Import what came, or discard it; or send this one under another name.",
                ) from error
            return there
        self._files.sync_directory(self._final.parent)
        self._uploads.note(file)
        return file

    def _place(self) -> None:
        assert self._final.parent is not None
        self._files.make_directories(self._final.parent)
        try:
            self._files.place(self._part, self._final)
        except NotFoundError:  # an import just removed what it had archived, and the folder that was empty then
            self._files.make_directories(self._final.parent)
            self._files.place(self._part, self._final)
