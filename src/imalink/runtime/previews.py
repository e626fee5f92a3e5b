"""Previews as they are asked for: from memory, from this machine's cache, from a storage, or made (decision 80).

Every preview is fetched once, however many ask for it; where too many are being fetched, asking raises.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from imalink.catalog.shown_pictures import ShownPicture
from imalink.core.preview_key import UNKNOWN_RENDITION, PreviewKey, PreviewSize
from imalink.errors import NotFoundError, PreviewBusyError
from imalink.storage.preview_cache import PreviewCache
from imalink.workflows.open_picture import find_hotpreview, find_shown, make_preview
from imalink.workflows.tools import Tools

MEMORY_BYTES: Final = 32 * 1024 * 1024
_MEMORY_PREVIEW_BYTES: Final = 64 * 1024
_LOOKERS: Final = 4
"""They ask the catalog and the cache alone, which more of them would not make faster."""
_READERS: Final = 8
_MAX_NOTES: Final = 10_000
RETRY_SECONDS: Final = 600.0
"""So long nobody tries again to make a preview of a picture of which none could be made."""
_Noted = TypeVar("_Noted")
NO_PREVIEW: Final = "No preview can be made of this picture."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPreview:
    """A preview, a JPEG, and which one it is."""

    key: PreviewKey
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPreview:
    """A preview of a known picture that is neither in memory nor in the cache."""

    key: PreviewKey
    picture: ShownPicture


class Previews:
    """Gives previews; safe to share between threads. Close it before the catalog.

    ``makers`` are made at a time, and ``queue_length`` are fetched or wait for that. A preview of one rendition never
    changes, so what is at hand is given without asking the catalog or any disk of the user's.
    """

    def __init__(
        self,
        tools: Tools,
        cache: PreviewCache,
        *,
        makers: int = 2,
        queue_length: int = 200,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._tools = tools
        self.cache = cache
        self._queue_length = queue_length
        self._memory = _Memory(memory_bytes)
        self._lock = threading.Lock()
        self._under_way: dict[PreviewKey, Future[ShownPreview]] = {}
        # The file was edited and not indexed since, or its index says nothing: as what its preview was made.
        self._shown_as: OrderedDict[PreviewKey, PreviewKey] = OrderedDict()
        self._failed_at: OrderedDict[PreviewKey, float] = OrderedDict()
        self.lookers = ThreadPoolExecutor(_LOOKERS, thread_name_prefix="preview-looker")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="preview-reader")
        self._makers = ThreadPoolExecutor(makers, thread_name_prefix="preview-maker")

    def at_hand(self, key: PreviewKey) -> bytes | None:
        """Give a preview that is in memory; never waits."""
        return self._memory.find(key)

    def find(self, key: PreviewKey) -> bytes | None:
        """Give a preview that is on this machine; asks nothing but the cache's disk."""
        data = self._memory.find(key)
        if data is None:
            data = self.cache.find(key)
            if data is not None:
                self._memory.keep(key, data)
        return data

    def look(self, hothash: str, size: PreviewSize) -> ShownPreview | WantedPreview:
        """Give the preview of the picture that a hothash or a prefix of it means, if it is on this machine.

        Raises NotFoundError, AmbiguousError, CatalogError.
        """
        picture = find_shown(self._tools, hothash)
        rendition = picture.rendition or UNKNOWN_RENDITION
        key = PreviewKey(hothash=picture.hothash, rendition=rendition, size=size)
        with self._lock:
            key_shown = self._shown_as.get(key, key)
        data = self.find(key_shown) if key_shown.is_lasting else None
        return WantedPreview(key=key, picture=picture) if data is None else ShownPreview(key=key_shown, data=data)

    def look_at(self, key: PreviewKey) -> ShownPreview | WantedPreview:
        """Give the preview of a key if it is on this machine, else as ``look`` does. Raises as that."""
        data = self.find(key) if key.is_lasting else None
        return self.look(key.hothash, key.size) if data is None else ShownPreview(key=key, data=data)

    def fetch(self, wanted: WantedPreview) -> Future[ShownPreview]:
        """Have a preview fetched from a storage, or made; whoever asks for the same meanwhile gets the same.

        What comes may be of another rendition than the catalog knows: the file was edited and not indexed since. Raises
        PreviewBusyError; NotFoundError, at once or by the future, where no file is in reach, or nothing can be shown.
        """
        with self._lock:
            same = self._under_way.get(wanted.key)
            if same is not None:
                return same
            if self._failed_at.get(wanted.key, -RETRY_SECONDS) > time.monotonic() - RETRY_SECONDS:
                raise NotFoundError(NO_PREVIEW, hint="Its file can be had as it is.")
            if len(self._under_way) >= self._queue_length:
                raise PreviewBusyError(
                    f"{self._queue_length} previews are being made already.", hint="Ask again in some seconds."
                )
            is_read = wanted.key.size is PreviewSize.HOT
            future = (self._readers if is_read else self._makers).submit(self._fetch, wanted)
            self._under_way[wanted.key] = future
        future.add_done_callback(lambda _: self._forget(wanted.key))
        return future

    def close(self) -> None:
        """Fetch nothing more; what is being made is left to end."""
        for each in (self.lookers, self._readers, self._makers):
            each.shutdown(wait=False, cancel_futures=True)

    def _forget(self, key: PreviewKey) -> None:
        with self._lock:
            self._under_way.pop(key, None)

    def _note(self, notes: OrderedDict[PreviewKey, _Noted], key: PreviewKey, what: _Noted) -> None:
        with self._lock:
            notes[key] = what
            if len(notes) > _MAX_NOTES:
                notes.popitem(last=False)

    def _fetch(self, wanted: WantedPreview) -> ShownPreview:
        key, data = wanted.key, None
        if key.size is PreviewSize.HOT:
            data = find_hotpreview(self._tools, wanted.picture)
        if data is None:
            made = make_preview(self._tools, key.hothash, key.size)
            if made is None:
                self._note(self._failed_at, key, time.monotonic())
                raise NotFoundError(NO_PREVIEW, hint="Its file can be had as it is.")
            key, data = replace(key, rendition=made.rendition), made.data
            if key != wanted.key:
                self._note(self._shown_as, wanted.key, key)
        if key.is_lasting:
            self._memory.keep(key, data)
            self.cache.keep(key, data)
        return ShownPreview(key=key, data=data)


class _Memory:
    """Small previews that were asked for last, at most so many bytes of them."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size_bytes = 0
        self._kept: OrderedDict[PreviewKey, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: PreviewKey) -> bytes | None:
        with self._lock:
            data = self._kept.get(key)
            if data is not None:
                self._kept.move_to_end(key)
            return data

    def keep(self, key: PreviewKey, data: bytes) -> None:
        if len(data) > _MEMORY_PREVIEW_BYTES:
            return
        with self._lock:
            self._size_bytes += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._size_bytes > self._max_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._size_bytes -= len(dropped)
