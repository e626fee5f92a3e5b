"""Previews kept on this machine, so that pictures are seen while their disk is away; safe to delete at any time.

``<folder>/a1/<hothash>-<rendition>-<size>.jpg``, sealed like those in storages: a spoilt one shows that it is, and is
removed. Nothing is flushed. Above its limit the files that were asked for longest ago go (to some hours).
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from imalink.core.preview_key import PreviewKey
from imalink.durable_files import FileCalls, open_regular, write_all
from imalink.errors import ImalinkError
from imalink.formats.sealed_preview import is_preview_whole, seal_preview, unseal_preview
from imalink.storage.syscalls import SystemCalls

_LOG = logging.getLogger(__name__)

MAX_PREVIEW_BYTES: Final = 8 * 1024 * 1024
TOUCH_SECONDS: Final = 6 * 3600.0
"""A file that was last marked as asked for so long ago is marked anew."""
_KEPT_SHARE: Final = 0.9
_FILLED_SHARE: Final = 0.8
_LEFT_SECONDS: Final = 3600.0
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_UNFINISHED = ".new-"


class PreviewCache:
    """Keeps previews below a folder, at most ``max_bytes`` of them (0: none); safe to share between threads.

    No method raises for what the disk does: what cannot be read is not there, what cannot be written is not kept.
    """

    def __init__(self, folder: Path, *, max_bytes: int, calls: FileCalls | None = None) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._calls = SystemCalls() if calls is None else calls
        self._lock = threading.Lock()
        self._tidying = threading.Lock()
        self._size_bytes: int | None = None  # not known before the first walk
        self._is_trouble_told = False

    def find(self, key: PreviewKey) -> bytes | None:
        """Give a preview as it was kept, to the byte, and note that it was asked for."""
        if not self._max_bytes:
            return None
        try:
            with self._shelf(key) as directory:
                return self._read(directory, key)
        except (OSError, ImalinkError):
            return None

    def has(self, key: PreviewKey) -> bool:
        """Tell whether something is kept under this name; it is not read, nor marked as asked for."""
        try:
            with self._shelf(key) as directory:
                self._calls.stat(directory, f"{key.name}.jpg")
        except OSError:
            return False
        return True

    def has_room(self) -> bool:
        """Tell whether previews that nobody asked for may be kept, too: never in the place of others."""
        with self._lock:
            is_known = self._size_bytes is not None
        if not is_known:
            self.tidy()
        with self._lock:
            return (self._size_bytes or 0) < self._max_bytes * _FILLED_SHARE

    def keep(self, key: PreviewKey, data: bytes) -> bool:
        """Keep a preview, a JPEG; tell whether it is kept."""
        sealed = seal_preview(key.name, data)
        if len(sealed) > min(self._max_bytes, MAX_PREVIEW_BYTES) or not is_preview_whole(key.name, sealed):
            return False
        try:
            self._make_folders(key)
            with self._shelf(key) as directory:
                self._write(directory, f"{key.name}.jpg", sealed)
        except (OSError, ImalinkError) as error:
            if not self._is_trouble_told:
                self._is_trouble_told = True
                _LOG.warning("previews cannot be kept on this machine: %s", error)
            return False
        with self._lock:
            if self._size_bytes is not None:
                self._size_bytes += len(sealed)
            is_due = self._size_bytes is None or self._size_bytes > self._max_bytes
        if is_due:
            self.tidy()
        return True

    def tidy(self) -> None:
        """Measure what is kept, and remove what is too much of it; nothing while another thread does that."""
        if not self._tidying.acquire(blocking=False):
            return
        try:
            kept = sorted(self._walk())
            size_bytes = sum(each_bytes for _, each_bytes, _, _ in kept)
            if size_bytes > self._max_bytes:
                for _, each_bytes, shelf, name in kept:
                    if size_bytes <= self._max_bytes * _KEPT_SHARE:
                        break
                    if self._remove(shelf, name):
                        size_bytes -= each_bytes
            with self._lock:
                self._size_bytes = size_bytes
        finally:
            self._tidying.release()

    def _read(self, directory: int, key: PreviewKey) -> bytes | None:
        name = f"{key.name}.jpg"
        descriptor = open_regular(self._calls, directory, name)
        try:
            facts = self._calls.fstat(descriptor)
            data = self._calls.read(descriptor, facts.st_size) if facts.st_size <= MAX_PREVIEW_BYTES else b""
            if not is_preview_whole(key.name, data):
                with suppress(OSError):
                    self._calls.unlink(directory, name)
                return None
            now = time.time()
            if not now - TOUCH_SECONDS < facts.st_mtime <= now:
                with suppress(OSError):
                    self._calls.set_times(descriptor, time.time_ns())
        finally:
            self._calls.close(descriptor)
        return unseal_preview(data)

    def _write(self, directory: int, name: str, sealed: bytes) -> None:
        unfinished = f"{_UNFINISHED}{secrets.token_hex(8)}"
        descriptor = self._calls.create_exclusive(directory, unfinished, _FILE_MODE)
        try:
            try:
                write_all(self._calls, descriptor, sealed)
            finally:
                self._calls.close(descriptor)
            self._calls.rename_replacing(directory, unfinished, directory, name)
        except (OSError, ImalinkError):
            with suppress(OSError):
                self._calls.unlink(directory, unfinished)
            raise

    @contextmanager
    def _shelf(self, key: PreviewKey) -> Generator[int]:
        with self._opened(key.hothash[:2]) as directory:
            yield directory

    @contextmanager
    def _opened(self, shelf: str) -> Generator[int]:
        descriptor = self._calls.open_root(f"{self._folder}/{shelf}")
        try:
            yield descriptor
        finally:
            self._calls.close(descriptor)

    def _make_folders(self, key: PreviewKey) -> None:
        wanted = self._folder / key.hothash[:2]
        missing: list[str] = []
        while not wanted.is_dir():
            missing.insert(0, wanted.name)
            wanted = wanted.parent
        for name in missing:
            above = self._calls.open_root(str(wanted))
            try:
                with suppress(FileExistsError):
                    self._calls.mkdir(above, name, _FOLDER_MODE)
            finally:
                self._calls.close(above)
            wanted /= name

    def _walk(self) -> Generator[tuple[float, int, str, str]]:
        """Give for each file when it was asked for, its size, shelf and name; remove what was never finished."""
        for number in range(256):
            shelf = f"{number:02x}"
            try:
                with self._opened(shelf) as directory, self._calls.scan(directory) as entries:
                    found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
            except OSError:
                continue
            for name, facts in found:
                if name.startswith(_UNFINISHED):
                    if facts.st_mtime < time.time() - _LEFT_SECONDS:
                        self._remove(shelf, name)
                elif name.endswith(".jpg"):
                    yield facts.st_mtime, facts.st_size, shelf, name

    def _remove(self, shelf: str, name: str) -> bool:
        try:
            with self._opened(shelf) as directory:
                self._calls.unlink(directory, name)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True
