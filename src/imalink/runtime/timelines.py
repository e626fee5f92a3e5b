"""The orders of the timeline that were asked for last, kept in memory with the layouts made of them (decision 75)."""

from __future__ import annotations

import gzip
import hashlib
import struct
import sys
import threading
from array import array
from collections import OrderedDict
from dataclasses import dataclass, replace

from imalink.catalog.models import UNDATED
from imalink.catalog.timeline import TimelineOrder, day_of
from imalink.core.search_query import SearchQuery
from imalink.errors import StaleViewError
from imalink.workflows.look_at_timeline import TimelineState, digest_days, look_at_state, read_order
from imalink.workflows.search_photos import Meaning, look_up
from imalink.workflows.tools import Tools

MAX_KEPT = 16
MAX_KEPT_PHOTOS = 4_000_000
"""So many photos the kept orders have together, each of which takes some 13 bytes; one order is kept always."""

MAGIC = b"ILTL"
VERSION = 1
HEADER = struct.Struct("<4sHH8sIIQ")
"""Magic, version, 0, rev, number of photos, number of days, library_rev; see docs/api/timeline.md."""

_EPOCH_ORDINAL = 719_163
_GZIP_LEVEL = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All photos that fit a query, in order, as they stood in ``state``.

    ``rev`` names this very content: the same photos in the same order have the same. ``days`` is a digest of how many
    photos each day of the whole library had then. ``layout`` is the binary form,
    ``packed`` the same gzipped.
    """

    rev: str
    state: TimelineState
    days: str
    order: TimelineOrder
    layout: bytes
    packed: bytes

    def day_at(self, offset: int) -> str | None:
        """Give the day (``YYYY-MM-DD``) of the photo at this place; None for an undated one."""
        day = day_of(self.order.days[offset])
        return None if day is None else day.isoformat()


_Key = tuple[SearchQuery, Meaning]


class Timelines:
    """Gives the timeline of a query, read anew only when something may be different; safe from any thread."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, Timeline] = OrderedDict()
        self._reading: dict[_Key, threading.Lock] = {}

    def get(self, query: SearchQuery) -> Timeline:
        """Give the timeline as it is now. Raises as ``search_photos``."""
        key = self._key(query)
        kept = self._find(key)
        if kept is not None and kept.state == look_at_state(self._tools, query):
            return kept
        return self._read(key)

    def get_seen(self, query: SearchQuery, rev: str) -> Timeline:
        """Give the timeline that a client saw, to show more of it. Raises StaleViewError when another holds by now.

        What cannot have brought or taken photos, such as a rating, does not count where no filter was asked for.
        """
        key = self._key(query)
        kept = self._find(key)
        if kept is not None and kept.rev == rev:
            if kept.state == look_at_state(self._tools, query):
                return kept
            is_whole = key[0] == SearchQuery()
            if is_whole and kept.days == digest_days(self._tools):
                return kept
        return self._same(self._read(key), rev)

    def get_exactly(self, query: SearchQuery, rev: str) -> Timeline:
        """Give the timeline that a client saw, if just that holds now. Raises StaleViewError."""
        return self._same(self.get(query), rev)

    def _same(self, timeline: Timeline, rev: str) -> Timeline:
        if timeline.rev != rev:
            raise StaleViewError(
                "The photos are others by now than when this was looked at. Nothing was changed.",
                hint="Ask for the layout of the timeline again, and find the place with locate.",
            )
        return timeline

    def _key(self, query: SearchQuery) -> _Key:
        asked = replace(query, limit=SearchQuery().limit, after=None, before=None)
        return asked, look_up(self._tools, asked)

    def _find(self, key: _Key) -> Timeline | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
            return kept

    def _read(self, key: _Key) -> Timeline:
        """Read the order, once for all who ask for it at one time."""
        with self._lock:
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:
            kept = self._find(key)
            query, meant = key
            if kept is not None and kept.state == look_at_state(self._tools, query):
                return kept
            state, days, order = read_order(self._tools, query, meant)
            rev = rev_of(order)
            if kept is not None and kept.rev == rev:
                timeline = replace(kept, state=state, days=days)
            else:
                layout = layout_of(order, rev, state.library_rev)
                packed = gzip.compress(layout, _GZIP_LEVEL, mtime=0)
                timeline = Timeline(rev=rev, state=state, days=days, order=order, layout=layout, packed=packed)
            self._keep(key, timeline)
            return timeline

    def _keep(self, key: _Key, timeline: Timeline) -> None:
        with self._lock:
            self._kept[key] = timeline
            self._kept.move_to_end(key)
            self._reading.pop(key, None)
            while len(self._kept) > 1 and (
                len(self._kept) > MAX_KEPT or sum(len(each.order) for each in self._kept.values()) > MAX_KEPT_PHOTOS
            ):
                self._kept.popitem(last=False)


def rev_of(order: TimelineOrder) -> str:
    """Give the name of an order: 16 hex digits of its content."""
    digest = hashlib.blake2b(digest_size=8)
    for column in (order.ids, order.aspects, order.days):
        digest.update(column)
    return digest.hexdigest()


def layout_of(order: TimelineOrder, rev: str, library_rev: int) -> bytes:
    """Spell days with their counts, and the shape of every photo, as docs/api/timeline.md has it."""
    days = list(order.day_counts())
    numbers = [UNDATED if each.day is None else each.day.toordinal() - _EPOCH_ORDINAL for each in days]
    header = HEADER.pack(MAGIC, VERSION, 0, bytes.fromhex(rev), len(order), len(days), library_rev)
    counts = [each.photo_count for each in days]
    return b"".join(
        (
            header,
            struct.pack(f"<{len(days)}i", *numbers),
            struct.pack(f"<{len(days)}I", *counts),
            _little_endian(order),
        )
    )


def _little_endian(order: TimelineOrder) -> bytes:
    if sys.byteorder == "little":
        return order.aspects.tobytes()
    swapped = array("H", order.aspects)
    swapped.byteswap()
    return swapped.tobytes()
