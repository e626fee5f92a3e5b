"""Walk a folder through its open root: every regular file with size, time and inode, and what could not be seen."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import DirEntry

from imalink.core.finding import Finding
from imalink.core.relative_path import MAX_PART_BYTES, MAX_PATH_BYTES, RelativePath
from imalink.core.scan import JUNK_NAMES, ScannedFile, ScanResult, is_of_the_system
from imalink.durable_files import storage_error, storage_errors
from imalink.errors import ImalinkError, NotFoundError, StorageOfflineError
from imalink.storage.ignore_rules import IgnoreRules
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot

CHECKPOINT_FILES = 1000
NOTHING = IgnoreRules()
SIGNATURE_NAME = ".imalink-storage"

MAX_OPEN_FOLDERS = 32
"""Handles a walk holds at most; deeper down, the outer folders are closed and opened anew from the root."""

_SHORT_NAME = MAX_PART_BYTES // 4
_SHORT_PATH = MAX_PATH_BYTES // 4

Checkpoint = Callable[[int], None]
"""Called with the number of files seen so far, where stopping is safe; it may raise CancelledError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkRules:
    """What differs between walking a storage and walking an import source."""

    symlink_code: str
    special_code: str
    unreadable_code: str
    own_names: frozenset[str] | None
    """Leave out these and ``.imalink…`` at the root, and folders that are a storage of their own; None: neither."""


def storage_rules(own_names: frozenset[str]) -> WalkRules:
    """Give the rules for walking a storage whose layout has these names."""
    return WalkRules(
        symlink_code="storage-symlink",
        special_code="storage-special",
        unreadable_code="storage-unreadable",
        own_names=own_names,
    )


SOURCE_RULES = WalkRules(
    symlink_code="source-symlink",
    special_code="source-special",
    unreadable_code="source-unreadable",
    own_names=None,
)


def scan_storage(
    files: FolderReader,
    *,
    photo_root: RelativePath | None,
    own_names: frozenset[str],
    ignore: IgnoreRules = NOTHING,
    checkpoint: Checkpoint | None = None,
) -> ScanResult:
    """Walk a storage's pictures; ``photo_root`` is where they stand (None: the root, but for ``own_names``).

    Paths in the result are relative to the storage root. Nothing is opened but folders, and no link is followed:
    findings ``storage-symlink``, ``storage-special``, ``storage-unreadable``, ``foreign-storage-inside``,
    ``name-too-long``, ``name-not-utf8``. Hidden and junk names are left out silently. A folder that vanishes meanwhile
    is taken as gone. The root's identity is verified at the end, so that a disk unplugged half-way never looks like
    missing files: StorageOfflineError. Raises NotFoundError when ``photo_root`` is not there, StorageIoError when it
    cannot be listed, and what ``checkpoint`` raises.
    """
    rules = storage_rules(own_names)
    result = walk(files.root, start=photo_root, rules=rules, ignore=ignore, checkpoint=checkpoint)
    files.root.verify_identity()
    return result


def scan_source(
    root: StorageRoot, *, ignore: IgnoreRules = NOTHING, checkpoint: Checkpoint | None = None
) -> ScanResult:
    """Walk an import source, only reading; as ``scan_storage``, with findings ``source-…``, and lists hidden names."""
    result = walk(root, start=None, rules=SOURCE_RULES, ignore=ignore, checkpoint=checkpoint)
    root.verify_identity()
    return result


def scan_hidden(root: StorageRoot, path: RelativePath, *, checkpoint: Checkpoint | None = None) -> ScanResult:
    """Walk a hidden folder of an import source, only reading; as ``scan_source``."""
    return walk(root, start=path, rules=SOURCE_RULES, checkpoint=checkpoint)


def walk(
    root: StorageRoot,
    *,
    start: RelativePath | None,
    rules: WalkRules,
    ignore: IgnoreRules = NOTHING,
    checkpoint: Checkpoint | None = None,
) -> ScanResult:
    """Walk everything below ``start`` but what ``ignore`` leaves out; the engine under both scans."""
    return _Walk(root, rules, ignore, checkpoint).run(start)


class _Folder:
    """A folder on the way down: its handle (-1: closed to save handles) and the subfolders still to visit."""

    __slots__ = ("descriptor", "path", "waiting")

    def __init__(self, path: RelativePath | None, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.waiting: list[str] = []


class _Walk:
    """One walk, depth first, without recursion."""

    def __init__(self, root: StorageRoot, rules: WalkRules, ignore: IgnoreRules, checkpoint: Checkpoint | None) -> None:
        self._root = root
        self._ignore = ignore
        self._start_length = 0
        self._excluded: set[RelativePath] = set()
        self._hidden: set[RelativePath] = set()
        self._calls = root.calls
        self._rules = rules
        self._checkpoint = checkpoint
        self._next_checkpoint = CHECKPOINT_FILES
        self._files: dict[RelativePath, ScannedFile] = {}
        self._findings: list[Finding] = []
        self._unseen: set[RelativePath] = set()
        self._directories_count = 0

    def run(self, start: RelativePath | None) -> ScanResult:
        trail: list[_Folder] = []
        self._start_length = 0 if start is None else len(start) + 1
        try:
            self._enter(trail, start, self._root.open_directory(start))
            while trail:
                folder = trail[-1]
                if not folder.waiting:
                    self._leave(trail)
                    continue
                name = folder.waiting.pop()
                path = RelativePath(name if folder.path is None else f"{folder.path}/{name}")
                descriptor = self._open_below(folder, name, path)
                if descriptor is not None:
                    self._enter(trail, path, descriptor)
        finally:
            for folder in trail:
                if folder.descriptor >= 0:
                    self._calls.close(folder.descriptor)
        return ScanResult(
            files=self._files,
            findings=tuple(self._findings),
            unseen=frozenset(self._unseen),
            excluded=frozenset(self._excluded),
            hidden=frozenset(self._hidden),
            directories_count=self._directories_count,
        )

    def _enter(self, trail: list[_Folder], path: RelativePath | None, descriptor: int) -> None:
        folder = _Folder(path, descriptor)
        trail.append(folder)
        if len(trail) > MAX_OPEN_FOLDERS:
            outer = trail[-1 - MAX_OPEN_FOLDERS]
            if outer.descriptor >= 0:
                self._calls.close(outer.descriptor)
                outer.descriptor = -1
        self._directories_count += 1
        is_start = len(trail) == 1
        try:
            with self._calls.scan(descriptor) as entries:
                self._list(folder, entries, is_start=is_start)
        except OSError as error:
            if is_start:
                raise storage_error(error, "list", path.printable() if path else "the folder") from error
            self._note_unreadable(path, error)
        folder.waiting.sort(reverse=True)
        if self._checkpoint is not None and len(self._files) >= self._next_checkpoint:
            self._checkpoint(len(self._files))
            self._next_checkpoint = len(self._files) + CHECKPOINT_FILES

    def _leave(self, trail: list[_Folder]) -> None:
        folder = trail.pop()
        if folder.descriptor >= 0:
            self._calls.close(folder.descriptor)

    def _open_below(self, folder: _Folder, name: str, path: RelativePath) -> int | None:
        try:
            if folder.descriptor >= 0:
                with storage_errors("open the folder", path.printable()):
                    return self._calls.open_directory(folder.descriptor, name)
            return self._root.open_directory(path)
        except NotFoundError:
            return None
        except ImalinkError as error:
            cause = error.__cause__
            if isinstance(error, StorageOfflineError) or not isinstance(cause, OSError):
                raise
            self._note_unreadable(path, cause)
            return None

    def _list(self, folder: _Folder, entries: Iterator[DirEntry[str]], *, is_start: bool) -> None:
        """Take in one folder's entries. The loop is the product's hottest in a re-index: measured, not pretty."""
        files, waiting = self._files, folder.waiting
        before = len(files)
        prefix = f"{folder.path}/" if folder.path is not None else ""
        may_overflow = len(prefix) > _SHORT_PATH - _SHORT_NAME
        ignore = self._ignore if self._ignore else None
        own_names = self._rules.own_names
        filtered = own_names if not prefix else None
        new_file = ScannedFile
        for entry in entries:
            name = entry.name
            if name[0] == ".":
                if name == SIGNATURE_NAME and prefix and not is_start and own_names is not None:
                    self._forget_foreign(folder, before)
                    return
                if own_names is None and not is_of_the_system(name):
                    self._hidden.add(RelativePath(prefix + name))
                continue
            if name in JUNK_NAMES:
                continue
            path = RelativePath(prefix + name)
            if (may_overflow or len(name) > _SHORT_NAME or not name.isascii()) and not self._is_keepable(path):
                continue
            if filtered is not None and path.is_ours(filtered):
                continue
            try:
                facts = entry.stat(follow_symlinks=False)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    self._note_unreadable(path, error)
                continue
            kind = facts.st_mode & 0o170000
            if ignore and ignore.leaves_out(path[self._start_length :], is_folder=kind == stat.S_IFDIR):
                self._excluded.add(path)
                continue
            if kind == stat.S_IFREG:
                files[path] = new_file(path, facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_dev)
            elif kind == stat.S_IFDIR:
                waiting.append(name)
            else:
                code = self._rules.symlink_code if kind == stat.S_IFLNK else self._rules.special_code
                self._findings.append(Finding(code=code, path=path.printable()))

    def _is_keepable(self, path: RelativePath) -> bool:
        """Check a long or unusual name, with its findings."""
        raw = path.as_bytes()
        if len(raw) > MAX_PATH_BYTES or len(raw) - raw.rfind(b"/") - 1 > MAX_PART_BYTES:
            self._findings.append(Finding(code="name-too-long", path=path.printable()))
            self._unseen.add(path)
            return False
        if not path.is_utf8:
            self._findings.append(Finding(code="name-not-utf8", path=path.printable()))
        return True

    def _forget_foreign(self, folder: _Folder, before: int) -> None:
        """Take back what was seen of a folder that turns out to be a storage of its own."""
        while len(self._files) > before:
            self._files.popitem()
        folder.waiting.clear()
        if folder.path is not None:
            self._unseen.add(folder.path)
            self._findings.append(Finding(code="foreign-storage-inside", path=folder.path.printable()))

    def _note_unreadable(self, path: RelativePath | None, error: OSError) -> None:
        """Report a file or folder that cannot be looked at. Raises StorageOfflineError when the device went away."""
        shown = path.printable() if path is not None else ""
        told = storage_error(error, "read", shown)
        if isinstance(told, StorageOfflineError):
            raise told from error
        reason = errno.errorcode.get(error.errno or 0, "unknown")
        self._findings.append(Finding(code=self._rules.unreadable_code, path=shown, facts={"reason": reason}))
        if path is not None:
            self._unseen.add(path)
