"""Loading whole sessions from parts gives what projecting them one by one gives."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby, permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from imalink.catalog import loading, sqlite_engine
from imalink.catalog.catalog import Catalog
from imalink.catalog.core_json import dump_compact, dump_facts
from imalink.catalog.derivation import derive_photo, derive_plain_photo
from imalink.catalog.dump import compare
from imalink.catalog.loading import INDEX_PHASE, LOAD_PHASE, MANY_PICTURES, LoadedSession, load_parts
from imalink.catalog.models import Photo
from imalink.catalog.parts import Part, PartWriter
from imalink.core.ids import Hothash
from imalink.core.index import SessionIndex
from imalink.core.photo import Photo as CorePhoto
from imalink.core.photo_facts import plain_photo
from imalink.core.picture import Camera, Embedded, GpsPosition, PictureFacts
from imalink.core.progress import SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import CaptureTime
from imalink.errors import CancelledError, CatalogDamagedError, CatalogError
from tests.catalog.test_projection import rich_index
from tests.catalog.test_projection_properties import PLACES, worlds
from tests.support.catalogs import Catalogs, dump_of, project, storage_in
from tests.support.indexes import hash_of, make_entry, make_index, make_session

slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def load(catalog: Catalog, indexes: Sequence[SessionIndex], *, many: int = MANY_PICTURES) -> list[LoadedSession]:
    """Load indexes of one storage, two parts at most, and project what is left."""
    storage = storage_in(catalog, indexes[0].storage_uuid)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        paths: list[Path] = []
        for turn in range(min(2, len(indexes))):
            paths.append(Path(folder) / str(turn))
            with PartWriter(paths[-1], storage_id=storage.id) as part:
                for index in indexes[turn::2]:
                    part.add(index)
        parts = [stack.enter_context(Part(path)) for path in paths]
        with catalog.begin(changes_photos=True, beside=paths) as db:
            loaded = [each for of_part in load_parts(db, storage, parts, many=many) for each in of_part]
    left = {each.session.number for each in loaded if each.placed is None}
    for index in indexes:
        if index.session.number in left:
            project(catalog, index)
    return loaded


def load_all(catalog: Catalog, indexes: Iterable[SessionIndex], *, many: int) -> None:
    """Load indexes storage after storage, in the order in which they are given."""
    for _, of_storage in groupby(indexes, key=lambda index: index.storage_uuid):
        load(catalog, list(of_storage), many=many)


@slow
@given(world=worlds, order=st.sampled_from(list(permutations(range(len(PLACES))))), many=st.sampled_from([0, 1000]))
def test_loading_equals_projecting(
    sqlite_catalogs: Catalogs, world: tuple[SessionIndex, ...], order: tuple[int, ...], many: int
) -> None:
    with sqlite_catalogs.make() as catalog:
        load_all(catalog, [world[position] for position in order], many=many)
        loaded = dump_of(catalog)
    assert compare(sqlite_catalogs.dump_after(world), loaded) == []


@slow
@given(before=worlds, world=worlds)
def test_loading_into_a_catalog_in_use_equals_projecting(
    sqlite_catalogs: Catalogs, before: tuple[SessionIndex, ...], world: tuple[SessionIndex, ...]
) -> None:
    with sqlite_catalogs.make() as catalog:
        project(catalog, before[0])
        load_all(catalog, world[1:], many=0)
        loaded = dump_of(catalog)
    assert compare(sqlite_catalogs.dump_after([before[0], *world[1:]]), loaded) == []


def mirrored(index: SessionIndex, storage: str = "mirror") -> SessionIndex:
    """Give what a storage says that has the same session, at other places and times of change."""
    files = {
        hothash: replace(entry, relative_path=RelativePath(f"photos/there/{entry.hothash}.jpg"), modified_ns=number)
        for number, (hothash, entry) in enumerate(index.files.items())
    }
    return replace(index, storage_uuid=make_index(storage=storage).storage_uuid, files=files)


@slow
@given(
    world=worlds,
    turned=st.booleans(),
    changed=st.sampled_from(["nothing", "an entry", "a photo", "less", "the head", "when it came"]),
    many=st.sampled_from([0, 1000]),
)
def test_loading_a_mirror_equals_projecting_it(
    sqlite_catalogs: Catalogs, world: tuple[SessionIndex, ...], turned: bool, changed: str, many: int
) -> None:
    mirror = mirrored(world[0])
    first = next(iter(mirror.files.values()), make_entry("a"))
    if changed == "an entry":
        entry = replace(first, facts=replace(first.facts, width=7))
        mirror = replace(mirror, files={**mirror.files, first.hothash: entry})
    elif changed == "when it came":
        entry = replace(first, imported_at="2023-01-01T00:00:00Z")
        mirror = replace(mirror, files={**mirror.files, first.hothash: entry})
    elif changed == "a photo":
        said = CorePhoto(photo_uuid=first.photo_uuid, files=(first.hothash,), primary=first.hothash, rating=3)
        mirror = replace(mirror, photos={**mirror.photos, said.photo_uuid: said})
    elif changed == "less":
        mirror = replace(mirror, files={each: mirror.files[each] for each in list(mirror.files)[1:]})
    elif changed == "the head":
        mirror = replace(
            mirror, session=replace(mirror.session, title="Elsewhere"), generated_at="2025-01-01T00:00:00Z"
        )
    indexes = [*world, mirror]
    if turned:
        indexes.reverse()
    with sqlite_catalogs.make() as catalog:
        load_all(catalog, indexes, many=many)
        loaded = dump_of(catalog)
        with catalog.read() as db:
            assert db.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert compare(sqlite_catalogs.dump_after([*world, mirror]), loaded) == []


@pytest.mark.parametrize("many", [0, 1000])
def test_a_second_storage_that_says_the_same_is_loaded_too(sqlite_catalogs: Catalogs, many: int) -> None:
    one, two = rich_index(), mirrored(rich_index())
    with sqlite_catalogs.make() as catalog:
        load(catalog, [one], many=many)
        before = index_names(catalog)
        [loaded] = load(catalog, [two], many=many)
        assert index_names(catalog) == before
        dumped = dump_of(catalog)
    assert loaded.placed is not None
    assert not loaded.placed.is_new
    assert compare(sqlite_catalogs.dump_after([one, two]), dumped) == []


@pytest.mark.parametrize("what", ["file_format", "width", "rating", "gone", "came"])
def test_a_second_storage_that_says_another_thing_is_projected(sqlite_catalogs: Catalogs, what: str) -> None:
    one, two = rich_index(), mirrored(rich_index())
    entry = two.files[Hothash(hash_of("42-gps"))]
    changes = {
        "file_format": replace(entry, facts=replace(entry.facts, file_format="PNG")),
        "width": replace(entry, facts=replace(entry.facts, width=None)),
        "came": replace(entry, imported_at="2024-10-18T14:30:51Z"),
    }
    if what in changes:
        two = replace(two, files={**two.files, entry.hothash: changes[what]})
    elif what == "gone":
        two = replace(two, files={**two.files, Hothash(hash_of("new")): make_entry("new")})
    else:
        photos = {uuid: replace(photo, rating=1) for uuid, photo in two.photos.items()}
        two = replace(two, photos=photos)
    with sqlite_catalogs.make() as catalog:
        load(catalog, [one])
        [loaded] = load(catalog, [two])
        dumped = dump_of(catalog)
    assert loaded.placed is None
    assert compare(sqlite_catalogs.dump_after([one, two]), dumped) == []


@pytest.mark.parametrize("many", [0, 1000])
def test_everything_an_index_says_is_loaded(catalogs: Catalogs, many: int) -> None:
    indexes = [rich_index(), make_index([make_entry("of another")], session=make_session(7))]
    with catalogs.make() as catalog:
        loaded = load(catalog, indexes, many=many)
        dumped = dump_of(catalog)
    assert all(each.placed is not None for each in loaded)
    assert compare(catalogs.dump_after(indexes), dumped) == []


def test_a_loaded_catalog_goes_on_like_any_other(catalogs: Catalogs) -> None:
    first, second = rich_index(), make_index([make_entry("later")], session=make_session(8))
    with catalogs.make() as catalog:
        load(catalog, [first], many=0)
        project(catalog, second)
        project(catalog, replace(first, files={}, photos={}))
        dumped = dump_of(catalog)
    assert compare(catalogs.dump_after([second, replace(first, files={}, photos={})]), dumped) == []


@pytest.mark.parametrize("many", [0, 1000])
def test_no_index_of_the_catalog_is_lost(catalogs: Catalogs, many: int) -> None:
    with catalogs.make() as catalog:
        before = index_names(catalog)
        load(catalog, [rich_index()], many=many)
        assert index_names(catalog) == before


def index_names(catalog: Catalog) -> set[str]:
    with catalog.read() as db:
        look = inspect(db.connection())
        return {str(each["name"]) for table in look.get_table_names() for each in look.get_indexes(table)}


def test_a_session_that_shares_a_picture_is_left_whole_to_projection(catalogs: Catalogs) -> None:
    one = make_index([make_entry("shared"), make_entry("own")], session=make_session(1))
    two = make_index([make_entry("shared"), make_entry("other")], session=make_session(2))
    with catalogs.make() as catalog:
        loaded = load(catalog, [one, two])
        dumped = dump_of(catalog)
    assert [each.placed is None for each in loaded] == [False, True]
    assert compare(catalogs.dump_after([one, two]), dumped) == []


def test_a_session_that_is_known_is_left_to_projection(catalogs: Catalogs) -> None:
    with catalogs.make() as catalog:
        project(catalog, rich_index())
        assert [each.placed for each in load(catalog, [rich_index()])] == [None]


def test_what_another_session_says_of_a_photo_holds(catalogs: Catalogs) -> None:
    entry = make_entry("here")
    said = CorePhoto(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash, rating=5)
    speaker = make_index([], session=make_session(1), photos=[said])
    holder = make_index([entry], session=make_session(2))
    with catalogs.make() as catalog:
        load(catalog, [speaker, holder])
        with catalog.read() as db:
            assert db.execute(select(Photo.rating)).scalar_one() == 5


def test_a_part_that_finds_no_room_says_so_and_where(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="scratch file"):
        PartWriter(tmp_path / "gone" / "part", storage_id=1)


def write_part(path: Path, storage_id: int, *indexes: SessionIndex) -> Path:
    with PartWriter(path, storage_id=storage_id) as part:
        for index in indexes:
            part.add(index)
    return path


def test_a_transaction_that_fails_leaves_the_catalog_as_it_was(
    catalogs: Catalogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr(loading, "count_days", fail)
    with catalogs.make() as catalog:
        storage = storage_in(catalog, rich_index().storage_uuid)
        before, names = dump_of(catalog), index_names(catalog)
        path = write_part(tmp_path / "part", storage.id, rich_index())
        with pytest.raises(RuntimeError, match="no more"), Part(path) as part:
            with catalog.begin(changes_photos=True, beside=[path]) as db:
                load_parts(db, storage, [part], many=0)
        assert (dump_of(catalog), index_names(catalog)) == (before, names)


class StopAt(SilentProgress):
    """Asks to stop when so much of a phase is done."""

    def __init__(self, phase: str, done: int) -> None:
        self.told: list[str] = []
        self._left = done
        self._phase = phase

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        self.told.append(name)

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        self._left -= files * (self.told[-1] == self._phase)

    def checkpoint(self) -> None:
        if self.told and self.told[-1] == self._phase and self._left <= 0:
            raise CancelledError("Stopped at a safe point.")


@pytest.mark.parametrize(("phase", "done"), [(LOAD_PHASE, 0), (LOAD_PHASE, 1), (INDEX_PHASE, 0), (INDEX_PHASE, 5)])
def test_a_load_that_is_stopped_leaves_nothing(catalogs: Catalogs, tmp_path: Path, phase: str, done: int) -> None:
    with catalogs.make() as catalog:
        storage = storage_in(catalog, rich_index().storage_uuid)
        before, names = dump_of(catalog), index_names(catalog)
        other = make_index([make_entry("of another")], session=make_session(7))
        path = write_part(tmp_path / "part", storage.id, rich_index(), other)
        with pytest.raises(CancelledError), Part(path) as part:
            with catalog.begin(changes_photos=True, beside=[path]) as db:
                load_parts(db, storage, [part], many=0, progress=StopAt(phase, done))
        assert (dump_of(catalog), index_names(catalog)) == (before, names)


class StopInside(SilentProgress):
    """Asks to stop in the middle of the statement that is on its way when it was asked so often."""

    def __init__(self, asked: int) -> None:
        self._left = asked

    def checkpoint(self) -> None:
        self._left -= 1
        if not self._left:
            raise CancelledError("Stopped at a safe point.")


@pytest.mark.parametrize("asked", [3, 30, 300])
def test_a_load_stops_in_the_middle_of_a_statement(
    sqlite_catalogs: Catalogs, tmp_path: Path, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_engine, "_STEPS_BETWEEN_LOOKS", 20)
    with sqlite_catalogs.make() as catalog:
        storage = storage_in(catalog, rich_index().storage_uuid)
        before, names = dump_of(catalog), index_names(catalog)
        path = write_part(tmp_path / "part", storage.id, make_index([make_entry(seed) for seed in range(100)]))
        with pytest.raises(CancelledError, match="safe point"), Part(path) as part:
            with catalog.begin(changes_photos=True, beside=[path]) as db:
                load_parts(db, storage, [part], many=0, progress=StopInside(asked))
        assert (dump_of(catalog), index_names(catalog)) == (before, names)
        load(catalog, [rich_index()], many=0)
        assert compare(sqlite_catalogs.dump_after([rich_index()]), dump_of(catalog)) == []


def settings_of(catalog: Catalog) -> dict[str, object]:
    """Give how a connection of a catalog is set up."""
    with catalog.read() as db:
        names = ("journal_mode", "foreign_keys", "secure_delete", "busy_timeout", "cache_size", "synchronous")
        return {name: db.connection().exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}


def test_a_catalog_is_set_up_after_a_load_as_it_was_before(sqlite_catalogs: Catalogs, tmp_path: Path) -> None:
    with sqlite_catalogs.make() as catalog:
        before = settings_of(catalog)
        load(catalog, [rich_index()], many=0)
        assert settings_of(catalog) == before
        with catalog.read() as db:
            assert db.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []


_KILLED = """
import os, signal, sys
from pathlib import Path
from imalink.catalog import sqlite_engine
from imalink.catalog.catalog import Catalog
from imalink.catalog.file_storages import get_storage
from imalink.catalog.loading import load_parts
from imalink.catalog.parts import Part
from imalink.core.progress import SilentProgress

class Dies(SilentProgress):
    def start_phase(self, name, *, total_files=None, total_bytes=None):
        self.name = name

    def advance(self, *, files=0, size_bytes=0, current="", phase=""):
        if self.name == sys.argv[4]:
            os.kill(os.getpid(), signal.SIGKILL)

sqlite_engine._LOADER_CACHE_KB = 100
path = Path(sys.argv[2])
with Catalog.open(sys.argv[1]) as catalog, Part(path) as part:
    with catalog.read() as db:
        storage = get_storage(db, sys.argv[3])
    with catalog.begin(changes_photos=True, beside=[path]) as db:
        load_parts(db, storage, [part], many=0, progress=Dies())
"""


@pytest.mark.parametrize("phase", [LOAD_PHASE, INDEX_PHASE])
def test_a_load_that_is_killed_leaves_the_catalog_as_it_was(
    sqlite_catalogs: Catalogs, tmp_path: Path, phase: str
) -> None:
    url = sqlite_catalogs.make_url()
    index = make_index([make_entry(seed) for seed in range(3000)])
    with Catalog.open(url) as catalog:
        storage = storage_in(catalog, index.storage_uuid)
        before, names = dump_of(catalog), index_names(catalog)
    path = write_part(tmp_path / "part", storage.id, index)
    file = Path(url.removeprefix("sqlite:///"))
    size = file.stat().st_size
    killed = subprocess.run([sys.executable, "-c", _KILLED, url, path, storage.storage_uuid, phase], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert file.stat().st_size > size  # half of it stands in the file itself
    with Catalog.open(url) as catalog:
        assert (dump_of(catalog), index_names(catalog)) == (before, names)
        assert settings_of(catalog)["journal_mode"] == "wal"
        catalog.verify()
        load(catalog, [rich_index()], many=0)
        assert compare(sqlite_catalogs.dump_after([rich_index()]), dump_of(catalog)) == []


@pytest.mark.parametrize("is_open_elsewhere", [True, False])
def test_a_load_writes_twice_only_where_another_has_the_catalog_open(
    sqlite_catalogs: Catalogs, tmp_path: Path, is_open_elsewhere: bool
) -> None:
    url = sqlite_catalogs.make_url()
    index = make_index([make_entry(seed) for seed in range(3000)])
    with ExitStack() as stack:
        catalog = stack.enter_context(Catalog.open(url))
        storage = storage_in(catalog, index.storage_uuid)
        others = [stack.enter_context(Catalog.open(url))] if is_open_elsewhere else []
        path = write_part(tmp_path / "part", storage.id, index)
        part = stack.enter_context(Part(path))
        with catalog.begin(changes_photos=True, beside=[path]) as db:
            load_parts(db, storage, [part], many=0)
            mode = db.connection().exec_driver_sql("PRAGMA journal_mode").scalar_one()
        assert mode == ("wal" if is_open_elsewhere else "delete")
        assert [each.get_library_rev() for each in (catalog, *others)] == [1] * (1 + len(others))


def test_a_spoilt_scratch_file_is_not_called_a_damaged_catalog(catalogs: Catalogs, tmp_path: Path) -> None:
    with catalogs.make() as catalog:
        storage = storage_in(catalog, rich_index().storage_uuid)
        before = dump_of(catalog)
        entries = [make_entry(seed) for seed in range(200)]
        path = write_part(tmp_path / "part", storage.id, make_index(entries))
        with sqlite3.connect(path) as connection:
            [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'file_locations'").fetchone()
        with path.open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xff" * 4096)
        with pytest.raises(CatalogError, match="scratch file") as told, Part(path) as part:
            with catalog.begin(changes_photos=True, beside=[path]) as db:
                load_parts(db, storage, [part])
        assert not isinstance(told.value, CatalogDamagedError)
        assert dump_of(catalog) == before


FACTS = st.builds(
    PictureFacts,
    file_format=st.sampled_from(["JPEG", "RAW"]),
    width=st.sampled_from([None, 3, 4000]),
    height=st.sampled_from([None, 2]),
    orientation=st.integers(1, 8),
    duration_seconds=st.sampled_from([None, 1.5]),
    capture_time=st.sampled_from(
        [
            None,
            CaptureTime(local="2024-07-10T23:30:00.125", offset="-02:00", source="exif"),
            CaptureTime(local="2024-07-10T23:30:00", offset=None, source="mtime"),
        ]
    ),
    content_identifier=st.sampled_from([None, "id"]),
    camera=st.builds(
        Camera, make=st.none() | st.text(max_size=3), model=st.none() | st.just("R5 \ud800"), iso=st.none()
    ),
    gps=st.none() | st.builds(GpsPosition, latitude=st.just(1.5), longitude=st.just(-2.0)),
    embedded=st.builds(
        Embedded,
        rating=st.sampled_from([None, 0, 5]),
        rejected=st.booleans(),
        label=st.sampled_from([None, "Red"]),
        keywords=st.sampled_from([(), ("x", "y", "x"), ("\0",)]),
        hierarchical_keywords=st.sampled_from([(), ("places|Rome", "x")]),
        title=st.none() | st.text(max_size=4),
        caption=st.sampled_from([None, "", "Über alles"]),
        author=st.sampled_from([None, "Ola"]),
    ),
)


@given(facts=FACTS, name=st.sampled_from(["IMG_0001.jpg", "übung.jpg"]))
def test_the_short_ways_give_what_the_long_ways_give(facts: PictureFacts, name: str) -> None:
    entry = make_entry("a", facts=facts)
    photo_uuid, hothash = entry.photo_uuid, entry.hothash
    long = derive_photo(photo_uuid, [plain_photo(photo_uuid, hothash)], {hothash: facts}, {hothash: name})
    assert derive_plain_photo(photo_uuid, hothash, facts, name) == long
    assert dump_facts(facts) == dump_compact(facts)
