"""Fills the cache of previews by itself: pictures nobody has looked at yet are seen, too, while their disk is away.

It goes through the pictures that came since it last looked, slowly: whoever asks for something comes first.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from imalink.catalog import shown_pictures
from imalink.core.preview_key import PreviewKey, PreviewSize
from imalink.errors import CatalogError
from imalink.storage.preview_cache import PreviewCache
from imalink.workflows.open_picture import find_hotpreview
from imalink.workflows.tools import Tools

_LOG = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
"""So often it looks for pictures that came."""
_BATCH: Final = 200
_BATCH_PAUSE_SECONDS: Final = 0.02
_PAUSE_SHARE: Final = 4.0
"""After each preview it rests so many times as long as that took."""


class PreviewFiller:
    """Keeps the small previews of all pictures in reach, as long as there is room. Start it, and close it.

    What is out of reach is passed over, and looked for again by the next server.
    """

    def __init__(self, tools: Tools, cache: PreviewCache) -> None:
        self._tools = tools
        self._cache = cache
        self._closing = threading.Event()
        self._last_id = 0

    def start(self) -> None:
        """Go on until it is closed, in a thread of its own."""
        threading.Thread(target=self._fill_on_and_on, name="preview-filler", daemon=True).start()

    def close(self) -> None:
        """Begin with no further preview."""
        self._closing.set()

    def fill(self) -> int:
        """Keep the previews of what came since the last time; give how many were kept. Raises CatalogError."""
        count = 0
        while not self._closing.is_set() and self._cache.has_room():
            with self._tools.catalog.read() as db:
                batch = shown_pictures.list_after(db, self._last_id, limit=_BATCH)
            if not batch:
                break
            for image_id, hothash, rendition in batch:
                if self._closing.is_set() or not self._cache.has_room():
                    return count
                key = PreviewKey(hothash=hothash, rendition=rendition, size=PreviewSize.HOT)
                if not self._cache.has(key):
                    began = time.monotonic()
                    count += self._keep(key)
                    self._closing.wait((time.monotonic() - began) * _PAUSE_SHARE)
                self._last_id = image_id
            self._closing.wait(_BATCH_PAUSE_SECONDS)
        return count

    def _keep(self, key: PreviewKey) -> bool:
        with self._tools.catalog.read() as db:
            picture = shown_pictures.find_shown(db, key.hothash)
        data = None if picture is None or picture.rendition != key.rendition else find_hotpreview(self._tools, picture)
        return data is not None and self._cache.keep(key, data)

    def _fill_on_and_on(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            try:
                self.fill()
            except CatalogError as error:
                _LOG.warning("previews are not kept for now: %s", error.message)
