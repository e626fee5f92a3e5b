"""What a million photos cost in the catalog: recovering them from session files, pages, filters and the timeline."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from benchmarks.measuring import Figure, at_most, in_time, shown
from benchmarks.synthetic import content_of, make_entry, make_session, path_of
from imalink.catalog import tags, timeline
from imalink.catalog.bulk import paused_collection
from imalink.catalog.catalog import Catalog, Db
from imalink.catalog.file_storages import StorageRecord, add_storage
from imalink.catalog.loading import load_parts
from imalink.catalog.parts import Part, PartWriter
from imalink.catalog.search import conditions_of, count_photos, search_photos
from imalink.core.ids import SessionUuid, StorageUuid
from imalink.core.index import FileEntry
from imalink.core.picture import Camera, Embedded, GpsPosition
from imalink.core.search_query import BoundingBox, PhotoStatus, SearchQuery
from imalink.core.timestamps import CaptureTime
from imalink.formats.layouts.hybrid import HYBRID, dump_session
from imalink.workflows.make_parts import MAX_PROCESSES

T = TypeVar("T")

ENTRIES_A_SESSION = 1000
WANTED_ENTRIES_A_SECOND = 60_000
_MB = 1_000_000
_CAMERAS = tuple(
    Camera(make=make, model=f"{make} {number}", lens=f"{make} lens {number % 5}", iso=200, exposure_seconds=0.004)
    for make in ("Canon", "Nikon", "Sony", "Fujifilm")
    for number in range(4)
)
_WORDS = ("rome", "oslo", "night", "beach", "birds", "family", "snow", "forest", "boat", "concert", "garden", "lake")


def measure_catalog(folder: Path, *, count: int, is_full_size: bool) -> list[Figure]:
    """Recover ``count`` photos in sessions of a thousand into a SQLite catalog, then ask it as the gallery does."""
    url = f"sqlite:///{folder / 'catalog.sqlite'}"
    with Catalog.open(url) as catalog:
        with catalog.begin() as db:
            storage = add_storage(
                db,
                storage_uuid=StorageUuid("0357181c-0000-4000-8000-000000000000"),
                directory_name="bench",
                base_path="/media",
                display_name="Bench",
                created_at="2024-10-18T14:30:52Z",
            )
        figures = _recover(catalog, storage, count, folder, is_full_size=is_full_size)
        size = (folder / "catalog.sqlite").stat().st_size
        figures.append(shown("the database", size / _MB, unit="MB", note=f"{size / count:,.0f} bytes a photo"))
        with catalog.read() as db:
            figures.extend(_ask(db, is_full_size=is_full_size))
    return figures


def _recover(catalog: Catalog, storage: StorageRecord, count: int, folder: Path, *, is_full_size: bool) -> list[Figure]:
    """Make a part of all session files and load it, as a recovery does. Only the work itself is counted.

    In processor time: others may use the machine. A recovery lets several processes make parts.
    """
    reading = deriving = 0.0
    chance = random.Random(count)
    path = folder / "part"
    with PartWriter(path, storage_id=storage.id) as writer, paused_collection():
        for number in range(1, 1 + count // ENTRIES_A_SESSION):
            data = _session_file(storage, number, chance)
            began = time.process_time()
            records = HYBRID.read_records(data, f"session_{number}.json")
            parsed = time.process_time()
            assert records is not None
            assert writer.add_records(records)
            reading += parsed - began
            deriving += time.process_time() - parsed
    began = time.process_time()
    with Part(path) as part, catalog.begin(changes_photos=True, beside=[path]) as db:
        left = [each for each in load_parts(db, storage, [part])[0] if each.placed is None]
    loading = time.process_time() - began
    path.unlink()
    processes = min(os.cpu_count() or 1, MAX_PROCESSES)
    rate = count / (reading + deriving + loading)
    spread = count / ((reading + deriving) / processes + loading)
    return [
        at_most("sessions that could not be loaded whole", len(left), 0),
        Figure(
            what="entries recovered in a second of processor time",
            measured=f"{rate:,.0f}",
            limit=f"≥ {WANTED_ENTRIES_A_SECOND:,}" + ("" if is_full_size else " at full size"),
            is_kept=rate >= WANTED_ENTRIES_A_SECOND if is_full_size else None,
            note=f"{spread:,.0f} with {processes} idle processors",
        ),
        shown("of an entry's time: reading its index", reading / count * 1e6, unit="µs"),
        shown("of an entry's time: making its rows", deriving / count * 1e6, unit="µs"),
        shown("of an entry's time: loading them, with all indexes", loading / count * 1e6, unit="µs"),
    ]


def _session_file(storage: StorageRecord, number: int, chance: random.Random) -> bytes:
    first = (number - 1) * ENTRIES_A_SESSION
    entries = [_entry(first + each, chance) for each in range(ENTRIES_A_SESSION)]
    session_uuid = SessionUuid(f"00000000-0000-4000-8000-{number:012}")
    return dump_session(make_session(storage, entries, number=number, session_uuid=session_uuid))


def _entry(number: int, chance: random.Random) -> FileEntry:
    """The entry of a photo: sessions follow each other over ten years, a tenth is RAW, a third has a place."""
    day = number // ENTRIES_A_SESSION * 3650 // 1000
    local = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_400_000_000 + day * 86_400 + chance.randrange(86_400 * 3)))
    made = make_entry(path_of(number), content_of("bench", number), modified_ns=number)
    has_words = chance.random() < 0.3
    facts = replace(
        made.facts,
        file_format="RAW" if chance.random() < 0.1 else "JPEG",
        capture_time=CaptureTime(local=local, offset="+02:00", source="exif"),
        camera=chance.choice(_CAMERAS),
        gps=GpsPosition(latitude=chance.uniform(-60, 70), longitude=chance.uniform(-180, 180))
        if chance.random() < 0.33
        else None,
        embedded=Embedded(
            rating=chance.choice((None, None, None, 1, 2, 3, 4, 5)),
            title=" ".join(chance.sample(_WORDS, 2)) if has_words else None,
            keywords=tuple(chance.sample(_WORDS, 2)) if has_words else (),
        ),
    )
    return replace(made, facts=facts)


_FILTERS: dict[str, SearchQuery] = {
    "rating": SearchQuery(rating_min=4),
    "camera": SearchQuery(camera="Nikon 2"),
    "make": SearchQuery(camera="Nikon"),
    "lens": SearchQuery(lens="Sony lens 1"),
    "tag": SearchQuery(tags=("rome",)),
    "two tags": SearchQuery(tags=("rome", "night")),
    "session": SearchQuery(session=1),
    "storage": SearchQuery(storage="Bench"),
    "format": SearchQuery(file_format="RAW"),
    "RAW": SearchQuery(has_raw=True),
    "place known": SearchQuery(has_gps=True),
    "part of the map": SearchQuery(place=BoundingBox(south=41, west=12, north=42, east=13)),
    "large part of the map": SearchQuery(place=BoundingBox(south=0, west=-90, north=60, east=90)),
    "present": SearchQuery(status=PhotoStatus.PRESENT),
    "missing": SearchQuery(status=PhotoStatus.MISSING),
    "text": SearchQuery(text="oslo"),
    "text, two words": SearchQuery(text="rome bird"),
    "text, nothing": SearchQuery(text="zzzz"),
    "rating, camera and tag": SearchQuery(rating_min=4, camera="Canon 1", tags=("lake",)),
}


def _ask(db: Db, *, is_full_size: bool) -> list[Figure]:
    figures: list[Figure] = []
    pages: list[float] = []
    after: str | None = None
    for _ in range(200):
        page, seconds = _timed(lambda after=after: search_photos(db, SearchQuery(after=after, limit=100)))
        pages.append(seconds)
        after = page.next
        if after is None:
            break
    worst = sorted(pages)[len(pages) * 95 // 100 - 1]
    figures.append(in_time("a page of 100, worst but five in a hundred", worst, 0.005, holds=is_full_size))
    for name, query in _FILTERS.items():
        figures.append(in_time(f"page by {name}", _first_page(db, query), 0.02, holds=is_full_size))
    _, seconds = _timed(lambda: count_photos(db, SearchQuery()))
    figures.append(in_time("how many there are", seconds, 0.02, holds=is_full_size))
    _, seconds = _timed(lambda: timeline.list_months(db))
    figures.append(in_time("photos by month", seconds, 0.02, holds=is_full_size))
    order, seconds = _timed(lambda: timeline.load_order(db))
    figures.append(in_time("the order of the timeline", seconds, 3.0, holds=is_full_size))
    conditions = conditions_of(db, SearchQuery(rating_min=4))
    some, seconds = _timed(lambda: timeline.load_order(db, conditions))
    figures.append(in_time(f"the same of {len(some):,}, by rating", seconds, 3.0, holds=is_full_size))
    figures.append(at_most("bytes a photo of the order", len(order) and _bytes_of(order) / len(order), 10))
    _, seconds = _timed(lambda: tags.list_tags(db, part="b", limit=10))
    figures.append(shown("tags that begin with a letter", seconds, unit="s"))
    return figures


def _first_page(db: Db, query: SearchQuery) -> float:
    def ask() -> object:
        return search_photos(
            db,
            replace(query, limit=100),
            session_number=query.session if isinstance(query.session, int) else None,
            storage_uuid=None if query.storage is None else StorageUuid("0357181c-0000-4000-8000-000000000000"),
        )

    return min(_timed(ask)[1] for _ in range(3))


def _bytes_of(order: timeline.TimelineOrder) -> int:
    return sum(each.itemsize * len(each) for each in (order.ids, order.aspects, order.days))


def _timed(do: Callable[[], T]) -> tuple[T, float]:
    """Give what came of it, and the processor time it took: others may use the machine."""
    began = time.process_time()
    done = do()
    return done, time.process_time() - began
