"""Whatever happened to the indexes: the catalog that followed equals the one that is built anew."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imalink.catalog.dump import compare
from imalink.core.ids import Hothash, PhotoUuid, WriterId
from imalink.core.index import FileEntry, FileStatus, SessionIndex
from imalink.core.photo import FieldClock, Photo
from imalink.core.picture import Embedded
from imalink.core.session import Author
from tests.support.catalogs import Catalogs, dump_of, project
from tests.support.indexes import (
    MODIFIED_NS,
    make_companion,
    make_copy,
    make_entry,
    make_facts,
    make_index,
    make_session,
    make_tombstone,
    uuid_of,
)

SEEDS = ("a", "b", "c", "d")
PLACES = ((1, "one"), (1, "two"), (2, "one"), (3, "two"))
"""Session numbers and the storages that hold part of them."""

slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def entries(draw: st.DrawFn, seed: str, number: int) -> FileEntry:
    shared = draw(st.sampled_from([None, "P", "Q"]))
    embedded = Embedded(
        rating=draw(st.sampled_from([None, 1, 2])), keywords=draw(st.sampled_from([(), ("x",), ("y", "x")]))
    )
    session = make_session(number)
    return make_entry(
        seed,
        path=f"photos/{draw(st.sampled_from(['here', 'there']))}/{seed}.jpg",
        photo_uuid=None if shared is None else PhotoUuid(uuid_of(shared)),
        imported_at=draw(st.sampled_from(["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.500Z", "2024-02-01T00:00:00Z"])),
        modified_ns=MODIFIED_NS + draw(st.integers(0, 2)),
        facts=make_facts(embedded=embedded),
        status=draw(st.sampled_from(list(FileStatus))),
        companions=(make_companion(f"photos/{seed}.xmp"),) if draw(st.booleans()) else (),
        copies=(make_copy(f"photos/copy/{seed}.jpg", session=session),) if draw(st.booleans()) else (),
        hotpreview_rendition=draw(st.sampled_from([None, "0000aaaa"])),
    )


@st.composite
def photos(draw: st.DrawFn, photo_uuid: PhotoUuid, files: tuple[Hothash, ...]) -> Photo:
    counter = draw(st.integers(0, 2))
    return Photo(
        photo_uuid=photo_uuid,
        files=files,
        primary=draw(st.sampled_from(files)),
        rating=draw(st.sampled_from([None, 4, 5])),
        tags=draw(st.sampled_from([None, (), ("x", "z")])),
        author=draw(st.sampled_from([None, Author(name="Ola")])),
        clocks={"rating": FieldClock(counter=counter, writer=WriterId("w"))} if counter else {},
    )


@st.composite
def indexes(draw: st.DrawFn, number: int, storage: str) -> SessionIndex:
    seeds = draw(st.sets(st.sampled_from(SEEDS), max_size=4))
    files = [draw(entries(seed, number)) for seed in sorted(seeds)]
    groups: dict[PhotoUuid, list[Hothash]] = {}
    for entry in files:
        groups.setdefault(entry.photo_uuid, []).append(entry.hothash)
    session = make_session(number)
    said = [draw(photos(photo_uuid, tuple(group))) for photo_uuid, group in groups.items() if draw(st.booleans())]
    index = make_index(
        files,
        session=replace(session, title=draw(st.sampled_from(["Italy", "Norway"]))),
        storage=storage,
        photos=said,
        deleted=[make_tombstone(seed, session=session) for seed in SEEDS if seed not in seeds and draw(st.booleans())],
    )
    return replace(index, generated_at=f"2024-10-18T15:00:0{draw(st.integers(0, 3))}Z")


worlds = st.tuples(*(indexes(number, storage) for number, storage in PLACES))


def changed_hothashes(before: SessionIndex, after: SessionIndex) -> set[Hothash]:
    """Give what ``only`` must name: changed entries and tombstones, and all files of changed photos."""
    changed = {
        hothash
        for hothash in before.files.keys() | after.files.keys() | before.deleted.keys() | after.deleted.keys()
        if before.files.get(hothash) != after.files.get(hothash)
        or before.deleted.get(hothash) != after.deleted.get(hothash)
    }
    for photo_uuid in before.photos.keys() | after.photos.keys():
        photo, other = before.photos.get(photo_uuid), after.photos.get(photo_uuid)
        if photo != other:
            changed.update(hothash for known in (photo, other) if known is not None for hothash in known.files)
    return changed


@slow
@given(world=worlds, order=st.sampled_from(list(permutations(range(len(PLACES))))))
def test_the_order_of_indexes_does_not_matter(
    sqlite_catalogs: Catalogs, world: tuple[SessionIndex, ...], order: tuple[int, ...]
) -> None:
    shuffled = [world[position] for position in order]
    assert compare(sqlite_catalogs.dump_after(world), sqlite_catalogs.dump_after(shuffled)) == []


@slow
@given(before=worlds, after=worlds, order=st.sampled_from(list(permutations(range(len(PLACES))))))
def test_updates_of_what_changed_equal_a_new_catalog(
    sqlite_catalogs: Catalogs,
    before: tuple[SessionIndex, ...],
    after: tuple[SessionIndex, ...],
    order: tuple[int, ...],
) -> None:
    with sqlite_catalogs.make() as catalog:
        for index in before:
            project(catalog, index)
        for position in order:
            changed = changed_hothashes(before[position], after[position])
            project(catalog, after[position], only=changed)
        followed = dump_of(catalog)
    assert compare(sqlite_catalogs.dump_after(after), followed) == []


@slow
@given(before=worlds, after=worlds)
def test_a_full_projection_forgets_what_was_there(
    sqlite_catalogs: Catalogs, before: tuple[SessionIndex, ...], after: tuple[SessionIndex, ...]
) -> None:
    rebuilt = sqlite_catalogs.dump_after(after)
    assert compare(rebuilt, sqlite_catalogs.dump_after([*before, *after])) == []
    assert compare(rebuilt, sqlite_catalogs.dump_after([*after, *after])) == []
