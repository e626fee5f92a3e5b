"""Rows made straight from the records of a session index are those that its values give."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from imalink.catalog.derivation import IMAGE_COLUMNS, PHOTO_COLUMNS
from imalink.catalog.index_rows import COMPANION_COLUMNS, LOCATION_COLUMNS
from imalink.catalog.parts import Part, PartWriter
from imalink.catalog.record_rows import sort_records
from imalink.core.damage import Damage, Verdict
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import FileEntry, FileStatus, SessionIndex
from imalink.core.photo import Photo
from imalink.core.picture import Camera, Embedded, GpsPosition
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.timestamps import CaptureTime
from imalink.formats.layouts.hybrid import HYBRID
from imalink.formats.layouts.indexed import INDEXED
from imalink.formats.layouts.layout import Layout
from imalink.formats.session_records import SessionRecords
from tests.catalog.test_projection import rich_index
from tests.formats import strategies
from tests.support.indexes import hash_of, make_companion, make_copy, make_entry, make_facts, make_index, make_session

LAYOUTS = pytest.mark.parametrize("layout", [HYBRID, INDEXED], ids=lambda layout: layout.name)
slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def rows_of(fill: Callable[[PartWriter], object]) -> dict[str, list[tuple[object, ...]]]:
    """Give every row of a part, with names in the place of its ids."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part"
        with PartWriter(path, storage_id=7) as part:
            fill(part)
        with closing(sqlite3.connect(path)) as made:
            return {name: sorted(made.execute(query), key=repr) for name, query in _QUERIES.items()}


def _columns(table: str, names: Sequence[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


_QUERIES = {
    "photos": f"SELECT {_columns('p', PHOTO_COLUMNS)} FROM photos p",
    "images": f"SELECT {_columns('i', [name for name in IMAGE_COLUMNS if name != 'photo_id'])}, p.photo_uuid "
    "FROM image_files i JOIN photos p ON p.id = i.photo_id",
    "locations": f"SELECT i.hothash, {_columns('f', LOCATION_COLUMNS[1:])} "
    "FROM file_locations f JOIN image_files i ON i.id = f.image_file_id",
    "companions": f"SELECT i.hothash, {_columns('f', COMPANION_COLUMNS[1:])} "
    "FROM companion_files f JOIN image_files i ON i.id = f.image_file_id",
    "session photos": "SELECT * FROM session_photos",
    "deleted": "SELECT * FROM deleted_files",
    "tags": "SELECT p.photo_uuid, t.position, t.name FROM photo_tags t JOIN photos p ON p.id = t.photo_id",
    "sessions": "SELECT * FROM sessions",
    "ids": "SELECT min(id), max(id), count(*), 'photos' FROM photos "
    "UNION ALL SELECT min(id), max(id), count(*), 'images' FROM image_files",
}


def read(
    index: SessionIndex, layout: Layout = HYBRID, *, has_nul: bool = True
) -> tuple[SessionIndex, SessionRecords | None]:
    """Give an index as its file says it, both ways; without ``has_nul`` every NUL in it is another character."""
    data = layout.dump_session(index)
    if not has_nul:
        data = data.replace(rb"\u0000", rb"\u0001")
    return layout.read_session(data, "session.json").index, layout.read_records(data, "session.json")


def is_told_the_same(index: SessionIndex, layout: Layout = HYBRID, *, has_nul: bool = True) -> bool:
    """See that both ways give the same rows; tell whether the short one could be taken."""
    whole, records = read(index, layout, has_nul=has_nul)
    if records is None:
        return False
    taken: list[bool] = []
    short = rows_of(lambda part: taken.append(part.add_records(records)))
    if not taken[0]:
        return False
    assert short == rows_of(lambda part: part.add(whole))
    return True


@st.composite
def indexes(draw: st.DrawFn) -> SessionIndex:
    """An index of entries most of which are ordinary, in photos most of which are."""
    files: list[FileEntry] = []
    for entry in draw(st.lists(strategies.entries, max_size=4, unique_by=lambda each: each.hothash)):
        if draw(st.integers(0, 5)):
            entry = replace(entry, companions=(), copies=(), previous_hothashes=(), damage=None)
        if not entry.relative_path.is_utf8 and draw(st.integers(0, 9)):
            entry = replace(entry, relative_path=RelativePath(f"photos/{len(files)}.jpg"))
        files.append(entry)
    photos: list[Photo] = []
    for entry in files:
        plain = Photo(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash)
        said = strategies.photos.map(lambda photo, plain=plain: replace(photo, photo_uuid=plain.photo_uuid))
        others = st.sampled_from([each.hothash for each in files]).map(
            lambda other, plain=plain: replace(plain, files=(*plain.files, other))
        )
        photos.extend(draw(st.sampled_from([(), (plain,), (plain,), (draw(said),), (draw(others),)])))
    deleted = draw(st.lists(strategies.tombstones, max_size=1))
    return replace(
        draw(strategies.session_indexes),
        files={each.hothash: each for each in files},
        photos={each.photo_uuid: each for each in photos},
        deleted={each.hothash: each for each in deleted},
    )


@slow
@given(index=indexes(), layout=st.sampled_from([HYBRID, INDEXED]), has_nul=st.sampled_from([False] * 5 + [True]))
@example(index=rich_index(), layout=HYBRID, has_nul=True)
@example(index=rich_index(), layout=INDEXED, has_nul=True)
def test_the_short_way_gives_the_rows_of_the_long_one(index: SessionIndex, layout: Layout, has_nul: bool) -> None:
    event("the short way" if is_told_the_same(index, layout, has_nul=has_nul) else "the long way")


FACTS = {
    "turned": make_facts(orientation=6),
    "no time": make_facts(taken=None),
    "no zone": make_facts(offset=None),
    "the day before": make_facts(taken="2024-01-01T00:30:00", offset="+02:00"),
    "the day after": make_facts(taken="2024-12-31T23:30:00.123456789", offset="-11:30"),
    "the first year": make_facts(taken="0001-01-01T00:30:00", offset="+02:00"),
    "a place": make_facts(gps=GpsPosition(latitude=-1.5, longitude=2.0, altitude=0.0)),
    "words": make_facts(embedded=Embedded(title="Über den Fluß", keywords=("a", "b", "a"), author="Åsa", rating=0)),
    "levels": make_facts(embedded=Embedded(hierarchical_keywords=("places|Rome", "Rome"), label="")),
    "a RAW of no size": replace(make_facts(file_format="RAW"), width=None, height=0),
    "a video": replace(make_facts(file_format="MP4"), duration_seconds=12.0, content_identifier="A-1"),
    "noughts": replace(
        make_facts(
            camera=Camera(make="0", model="", lens="0", iso=0),
            gps=GpsPosition(latitude=0.0, longitude=0.0),
            embedded=Embedded(title="0", caption="0", label="0", author="0", rating=0),
        ),
        width=0,
        height=0,
    ),
    "another source": replace(
        make_facts(), capture_time=CaptureTime(local="2024-07-10T14:30:00", offset=None, source="mtime")
    ),
}


@LAYOUTS
@pytest.mark.parametrize("name", FACTS)
def test_facts_of_every_kind_go_the_short_way(layout: Layout, name: str) -> None:
    index = make_index([make_entry("it", facts=FACTS[name]), make_entry("another")])
    assert is_told_the_same(index, layout)


PLAIN = make_entry("plain")
ENTRIES = {
    "missing": replace(PLAIN, status=FileStatus.MISSING, last_seen_at="2024-11-01T00:00:00.25Z"),
    "without a preview": replace(PLAIN, hotpreview_rendition=None),
    "a long name": replace(PLAIN, original_filename=f"{'x' * 70}.jpg"),
    "a name of letters": replace(PLAIN, original_filename="写真 Über.jpg"),
    "changed long ago": replace(PLAIN, modified_ns=-1),
    "changed in the year 2500": replace(PLAIN, modified_ns=16_725_225_600 * 10**9),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_of_every_kind_go_the_short_way(name: str) -> None:
    index = make_index([ENTRIES[name]])
    _, records = read(index)
    assert records is not None
    sorted_ = sort_records(records)
    assert sorted_ is not None
    assert not sorted_.hothashes
    assert is_told_the_same(index)


SPECIAL = {
    "a companion": replace(PLAIN, companions=(make_companion("photos/plain.xmp"),)),
    "a copy": replace(PLAIN, copies=(make_copy("photos/copy.jpg", session=make_session()),)),
    "damaged": replace(PLAIN, damage=Damage(found_at="2024-11-01T00:00:00Z", verdict=Verdict.DAMAGED)),
    "another before": replace(PLAIN, previous_hothashes=(Hothash(hash_of("before")),)),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_only_the_special_entry_goes_the_long_way(name: str) -> None:
    index = make_index([SPECIAL[name], make_entry("another")])
    _, records = read(index)
    assert records is not None
    sorted_ = sort_records(records)
    assert sorted_ is not None
    assert list(sorted_.hothashes) == [PLAIN.hothash]
    assert is_told_the_same(index)


def said_of(entry: FileEntry, **said: object) -> Photo:
    return replace(Photo(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash), **said)  # type: ignore[arg-type]


OTHER = make_entry("other")
PHOTOS: dict[str, tuple[list[FileEntry], list[Photo]]] = {
    "rated": ([PLAIN, OTHER], [said_of(PLAIN, rating=0)]),
    "taken back": ([PLAIN, OTHER], [said_of(PLAIN, title="")]),
    "of two files": ([PLAIN, replace(OTHER, photo_uuid=PLAIN.photo_uuid)], []),
    "without its file": ([OTHER], [said_of(PLAIN)]),
    "of another's file": ([PLAIN, OTHER], [said_of(PLAIN, files=(PLAIN.hothash, OTHER.hothash))]),
    "that names none of its own": ([PLAIN], [said_of(PLAIN, files=(), primary=OTHER.hothash)]),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_what_is_said_of_photos_is_kept(name: str) -> None:
    files, photos = PHOTOS[name]
    index = replace(make_index(files), photos={photo.photo_uuid: photo for photo in photos})
    whole, records = read(index)
    assert records is not None

    def fill(part: PartWriter) -> None:
        if not part.add_records(records):
            part.add(whole)

    assert rows_of(fill) == rows_of(lambda part: part.add(whole))


def changed(pattern: bytes, new: bytes) -> bytes:
    data, count = re.subn(pattern, new, HYBRID.dump_session(make_index([PLAIN])), count=1)
    assert count == 1
    return data


DOUBTFUL = {
    "an unknown key": (rb'"file_size"', rb'"new":1,"file_size"'),
    "NUL in a text": (rb'"original_path": *"DCIM', rb'"original_path":"\\u0000DCIM'),
    "half a letter": (rb'"original_path": *"DCIM', rb'"original_path":"\\udc80DCIM'),
    "another status": (rb'"file_size"', rb'"status":"strange","file_size"'),
    "a size below nothing": (rb'"file_size": *1000', rb'"file_size":-1'),
    "an hour too many": (rb'"taken_at_local": *"2024-07-10T14', rb'"taken_at_local":"2024-07-10T24'),
    "a day too many": (rb'"taken_at_local": *"2024-07-10T14', rb'"taken_at_local":"2024-06-31T14'),
    "no offset": (rb'"taken_at_offset": *"\+02:00"', rb'"taken_at_offset":"2:00"'),
    "no UUID": (rb'"photo_uuid": *"', rb'"photo_uuid":"x'),
    "one of our names": (rb'"relative_path": *"photos', rb'"relative_path":".imalink'),
    "a path upwards": (rb'"relative_path": *"photos', rb'"relative_path":"..'),
    "no time": (rb'"imported_at": *"2024-10-18T14:30:52Z",(\s*)"original', rb'"imported_at":"today",\1"original'),
    "bytes of a path": (rb'"relative_path"', rb'"relative_path_bytes":"eP8=","relative_path"'),
    "a wrong type": (rb'"file_size": *1000', rb'"file_size":"1000"'),
    "no JSON": (rb"\{", rb"{{"),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_doubtful_index_is_left_to_the_long_way(name: str) -> None:
    assert HYBRID.read_records(changed(*DOUBTFUL[name]), "session.json") is None


def test_an_ordinary_index_is_not_doubted() -> None:
    assert HYBRID.read_records(changed(rb'"title": *"Italy', b'"title":"Norway'), "session.json") is not None


def test_a_photo_that_two_entries_claim_is_never_plain() -> None:
    index = make_index([PLAIN, replace(OTHER, photo_uuid=PhotoUuid(PLAIN.photo_uuid))])
    _, records = read(index)
    assert records is not None
    sorted_ = sort_records(records)
    assert sorted_ is not None
    assert set(sorted_.hothashes) == {PLAIN.hothash, OTHER.hothash}


def test_only_files_that_do_not_stand_as_they_were_left_are_looked_at(tmp_path: Path) -> None:
    gone = replace(make_entry("gone"), status=FileStatus.MISSING)
    damaged = replace(make_entry("damaged"), damage=Damage(found_at="2024-11-01T00:00:00Z", verdict=Verdict.DAMAGED))
    odd = replace(make_entry("odd"), relative_path=RelativePath.from_bytes(b"photos/\xff.jpg"))
    plain = [make_entry(name) for name in ("as left", "larger", "later", "away")]
    copied = replace(make_entry("copied"), copies=(make_copy("photos/copy.jpg", session=make_session()),))
    entries = [*plain, gone, damaged, odd, copied]
    seen = {
        place.relative_path: ScannedFile(place.relative_path, place.size_bytes, place.modified_ns, inode=1, device=1)
        for entry in entries
        for place in (entry, *entry.copies)
    }
    larger, later, away = (each.relative_path for each in plain[1:])
    seen[larger] = seen[larger]._replace(size_bytes=1)
    seen[later] = seen[later]._replace(modified_ns=1)
    del seen[away]
    with PartWriter(tmp_path / "part", storage_id=1) as writer:
        writer.add(make_index(entries))
    as_left: list[Hothash] = []
    with Part(tmp_path / "part") as part:
        [session] = part.sessions()
        unlike = {file.path for file in part.files_unlike(session, seen, as_left.append)}
        everything = {file.path for file in part.files(session)}
    assert unlike == {larger, later, away, gone.relative_path, damaged.relative_path, odd.relative_path}
    assert sorted(as_left) == sorted([plain[0].hothash, copied.hothash, copied.hothash])
    assert len(everything) == len(entries) + 1
