"""Search on real SQLite: each filter alone and together, pages that lose nothing, and text that is only text."""

from __future__ import annotations

import base64
import random
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from imalink.catalog.catalog import Catalog
from imalink.catalog.search import FoundPage, FoundPhoto, search_photos
from imalink.core.ids import PhotoUuid, StorageUuid
from imalink.core.index import FileEntry, FileStatus, SessionIndex
from imalink.core.photo import Photo
from imalink.core.picture import Camera, Embedded
from imalink.core.search_query import MAX_WORDS, parse_query
from imalink.core.session import Author
from imalink.errors import UsageError
from tests.support.catalogs import Catalogs, dump_of, project
from tests.support.indexes import make_entry, make_facts, make_index, make_session, uuid_of

CANON = Camera(make="Canon", model="Canon EOS 5D")
NIKON = Camera(make="NIKON", model="Z 6")
LATER = "2024-10-19T00:00:00Z"


def entry(
    name: str,
    *,
    taken: str | None = "2024-07-10T12:00:00",
    offset: str | None = None,
    file_format: str = "JPEG",
    camera: Camera = CANON,
    status: FileStatus = FileStatus.PRESENT,
    photo: str | None = None,
    rating: int | None = None,
    title: str | None = None,
    caption: str | None = None,
    tags: tuple[str, ...] = (),
    author: str | None = None,
) -> FileEntry:
    """The entry of a picture, called ``name`` at its source and in what a test expects."""
    embedded = Embedded(rating=rating, title=title, caption=caption, keywords=tags, author=author)
    facts = make_facts(taken=taken, offset=offset, file_format=file_format, camera=camera, embedded=embedded)
    photo_uuid = None if photo is None else PhotoUuid(uuid_of(photo))
    made = make_entry(unicodedata.normalize("NFC", name), path="photos/x", facts=facts, status=status)
    return replace(made, original_filename=name, photo_uuid=photo_uuid or made.photo_uuid)


def run(
    catalog: Catalog, text: str, *, limit: int = 50, after: str | None = None, storage: str | None = None
) -> FoundPage:
    """One page; sessions are given by number, and ``storage`` is what the text names as one."""
    query = replace(parse_query(text), limit=limit, after=after)
    with catalog.read() as db:
        return search_photos(
            db,
            query,
            session_number=query.session if isinstance(query.session, int) else None,
            storage_uuid=None if query.storage is None else StorageUuid(uuid_of(query.storage)),
        )


def names(catalog: Catalog, text: str) -> set[str]:
    return {photo.original_filename for photo in run(catalog, text).photos}


def pages(catalog: Catalog, text: str, *, limit: int) -> Iterator[tuple[FoundPhoto, ...]]:
    after: str | None = None
    while True:
        page = run(catalog, text, limit=limit, after=after)
        yield page.photos
        after = page.next
        if after is None:
            return


def indexes() -> Iterable[SessionIndex]:
    """Two storages and three sessions; the names tell pictures apart."""
    italy = make_session(42, author=Author(name="Anna Holm"))
    rome = entry("IMG_0001.jpg", rating=4, title="Rome by night", tags=("Rome", "night"), taken="2024-07-01T00:00:00")
    yield make_index(
        [
            rome,
            entry("IMG_0002.jpg", rating=5, caption="a cat in ROME", taken="2024-07-31T23:59:59.99", author="Bo Ek"),
            entry("IMG_0010.CR2", file_format="RAW", camera=NIKON, tags=("beach",), taken="2024-08-01T00:00:00"),
        ],
        session=italy,
        storage="blue",
    )
    pair = Photo(
        photo_uuid=PhotoUuid(uuid_of("pair")), files=(entry("P1.jpg").hothash, entry("P1.NEF").hothash),
        primary=entry("P1.jpg").hothash,
    )  # fmt: skip
    yield make_index(
        [
            entry("undated.png", file_format="PNG", taken=None, rating=1, tags=("rome",)),
            entry("P1.jpg", photo="pair", taken="2023-05-05T05:05:05", camera=NIKON, author="anna berg"),
            entry("P1.NEF", photo="pair", file_format="RAW", taken="2023-05-05T05:05:05", status=FileStatus.MISSING),
        ],
        session=make_session(43),
        storage="red",
        photos=[pair],
    )
    yield make_index(
        [replace(rome, status=FileStatus.MISSING, imported_at=LATER)], session=make_session(44), storage="red"
    )


@pytest.fixture(scope="module")
def library(catalogs: Catalogs) -> Iterator[Catalog]:
    with catalogs.make() as made:
        for index in indexes():
            project(made, index)
        yield made


ALL = {"IMG_0001.jpg", "IMG_0002.jpg", "IMG_0010.CR2", "undated.png", "P1.jpg"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ALL),
        ("date:2024", {"IMG_0001.jpg", "IMG_0002.jpg", "IMG_0010.CR2"}),
        ("date:2024-07", {"IMG_0001.jpg", "IMG_0002.jpg"}),
        ("date:2024-07-31", {"IMG_0002.jpg"}),
        ("from:2024-08-01", {"IMG_0010.CR2"}),
        ("to:2023", {"P1.jpg"}),
        ("date:0001..9999", ALL - {"undated.png"}),
        ("rating:0", ALL),
        ("rating:1", {"IMG_0001.jpg", "IMG_0002.jpg", "undated.png"}),
        ("rating:5", {"IMG_0002.jpg"}),
        ("tag:ROME", {"IMG_0001.jpg", "undated.png"}),
        ("tag:rome tag:night", {"IMG_0001.jpg"}),
        ("tag:rom", set[str]()),
        ("camera:canon", {"IMG_0001.jpg", "IMG_0002.jpg", "undated.png"}),
        ('camera:"Canon Canon EOS 5D"', {"IMG_0001.jpg", "IMG_0002.jpg", "undated.png"}),
        ('camera:"nikon z"', {"IMG_0010.CR2", "P1.jpg"}),
        ("author:bo", {"IMG_0002.jpg"}),
        ("author:anna", {"IMG_0001.jpg", "IMG_0010.CR2", "P1.jpg"}),
        ("session:42", {"IMG_0001.jpg", "IMG_0002.jpg", "IMG_0010.CR2"}),
        ("session:44", {"IMG_0001.jpg"}),
        ("storage:blue", {"IMG_0001.jpg", "IMG_0002.jpg", "IMG_0010.CR2"}),
        ("storage:red", {"undated.png", "P1.jpg", "IMG_0001.jpg"}),
        ("format:png", {"undated.png"}),
        ("format:raw", {"IMG_0010.CR2", "P1.jpg"}),
        ("format:heic", set[str]()),
        ("name:img_00*", {"IMG_0001.jpg", "IMG_0002.jpg", "IMG_0010.CR2"}),
        ("name:IMG_000?.jpg", {"IMG_0001.jpg", "IMG_0002.jpg"}),
        ("name:P1.nef", {"P1.jpg"}),
        ("name:IMG_0001", set[str]()),
        ("missing:yes", {"P1.jpg", "IMG_0001.jpg"}),
        ("missing:no", {"IMG_0002.jpg", "IMG_0010.CR2", "undated.png"}),
        ("rome", {"IMG_0001.jpg", "IMG_0002.jpg", "undated.png"}),
        ("0002", {"IMG_0002.jpg"}),
        ("nef", {"P1.jpg"}),
        ("rome cat", {"IMG_0002.jpg"}),
        ('"in rome"', {"IMG_0002.jpg"}),
        ('"rome in"', set[str]()),
    ],
)
def test_each_filter_finds_what_it_says(library: Catalog, text: str, expected: set[str]) -> None:
    assert names(library, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rome rating:4 date:2024-07", {"IMG_0001.jpg", "IMG_0002.jpg"}),
        ("rome rating:4 date:2024-07 tag:night", {"IMG_0001.jpg"}),
        ("tag:rome date:2024", {"IMG_0001.jpg"}),
        ("author:anna camera:nikon format:raw", {"IMG_0010.CR2", "P1.jpg"}),
        ("author:anna camera:nikon format:raw storage:red", {"P1.jpg"}),
        ("session:42 rating:5 name:*.jpg author:bo rome", {"IMG_0002.jpg"}),
        ("missing:yes storage:blue", set[str]()),
        ("missing:no storage:blue", {"IMG_0001.jpg", "IMG_0002.jpg", "IMG_0010.CR2"}),
        ("missing:yes storage:red", {"P1.jpg", "IMG_0001.jpg"}),
        ("session:44 storage:blue", set[str]()),
        ("format:raw missing:yes", {"P1.jpg"}),
        ("format:jpeg missing:yes", {"IMG_0001.jpg"}),
        ("format:raw name:*.jpg", set[str]()),
        ("format:raw missing:no", {"IMG_0010.CR2"}),
    ],
)
def test_filters_together_must_all_hold(library: Catalog, text: str, expected: set[str]) -> None:
    assert names(library, text) == expected


FILTERS = [
    "date:2024", "rating:1", "tag:rome", "camera:canon", "author:anna", "session:42", "storage:red", "format:raw",
    "name:*1*", "missing:yes", "rome", "from:2024-07-02", "to:2024-07-30",
]  # fmt: skip


@pytest.mark.parametrize("first", FILTERS)
def test_two_filters_find_what_both_find(library: Catalog, first: str) -> None:
    about_one_file = ("session", "storage", "format", "name", "missing")
    for second in FILTERS:
        keys = {first.partition(":")[0], second.partition(":")[0]}
        if len(keys) < 2 or keys == {"date", "from"} or keys == {"date", "to"} or keys <= set(about_one_file):
            continue
        assert names(library, f"{first} {second}") == names(library, first) & names(library, second), second


def test_a_found_photo_says_what_holds_for_it(library: Catalog) -> None:
    (found,) = run(library, "name:IMG_0001.jpg").photos
    made = entry("IMG_0001.jpg")
    assert (found.photo_uuid, found.hothash) == (made.photo_uuid, made.hothash)
    assert (found.title, found.rating, found.tags) == ("Rome by night", 4, ("Rome", "night"))
    assert (found.taken_at_local, found.taken_at) == ("2024-07-01T00:00:00", "2024-07-01T00:00:00Z")
    assert (found.file_format, found.camera_model, found.width) == ("JPEG", "Canon EOS 5D", 6000)


def test_days_are_those_of_the_camera(catalog: Catalog) -> None:
    project(
        catalog,
        make_index(
            [
                entry("auckland.jpg", taken="2024-07-02T01:00:00", offset="+12:00"),
                entry("honolulu.jpg", taken="2024-07-02T23:00:00", offset="-10:00"),
                entry("strange.jpg", taken="2024-07-02T12:00:00", offset="-99:59"),
            ]
        ),
    )
    everything = {"auckland.jpg", "honolulu.jpg", "strange.jpg"}
    assert names(catalog, "date:2024-07-02") == everything
    assert names(catalog, "to:2024-07-01") == names(catalog, "from:2024-07-03") == set()
    assert names(catalog, "from:2024-07-02") == names(catalog, "to:2024-07-02") == everything


def test_the_latest_comes_first_and_the_undated_last(library: Catalog) -> None:
    found = [photo.original_filename for photo in run(library, "").photos]
    assert found == ["IMG_0010.CR2", "IMG_0002.jpg", "IMG_0001.jpg", "P1.jpg", "undated.png"]


def many_photos() -> SessionIndex:
    """240 photos: many at one moment, some a fraction of a second apart, a third undated."""
    numbers = random.Random(7)
    moments = [None, None, "2024-07-10T12:00:00", "2024-07-10T12:00:00.5", "2024-07-10T12:00:00.123456789", None]
    moments += [f"2024-07-{day:02}T12:00:00" for day in range(1, 7)]
    entries = [
        entry(f"{n}.jpg", taken=numbers.choice(moments), rating=n % 5, tags=("even",) if n % 2 == 0 else ())
        for n in range(240)
    ]
    return make_index(entries)


@pytest.fixture(scope="module")
def many(catalogs: Catalogs) -> Iterator[Catalog]:
    with catalogs.make() as made:
        project(made, many_photos())
        yield made


@pytest.mark.parametrize("limit", [1, 7, 80, 239, 240, 1000])
@pytest.mark.parametrize("text", ["", "tag:even", "rating:2", "name:*1.jpg", "date:2024", "missing:no jpg"])
def test_pages_hold_every_photo_exactly_once(many: Catalog, text: str, limit: int) -> None:
    whole = run(many, text, limit=1000)
    assert whole.next is None
    assert len(whole.photos) > 40 or "name:" in text
    paged = list(pages(many, text, limit=limit))
    assert [photo for page in paged for photo in page] == list(whole.photos)
    assert all(len(page) == limit for page in paged[:-1])


def test_pages_are_in_order_of_time(many: Catalog) -> None:
    times = [photo.taken_at for page in pages(many, "", limit=9) for photo in page]
    dated = [time for time in times if time is not None]
    assert times == [*dated, *[None] * (len(times) - len(dated))]
    assert dated == sorted(dated, key=lambda time: (time[:19], time[19:].strip(".Z").ljust(6, "0")), reverse=True)
    assert len(times) == 240


def test_photos_that_come_in_between_move_no_other_to_another_page(catalog: Catalog) -> None:
    project(catalog, many_photos())
    first = run(catalog, "", limit=100)
    project(catalog, make_index([entry("new.jpg", taken="2030-01-01T00:00:00")], session=make_session(77)))
    second = run(catalog, "", limit=1000, after=first.next)
    found = [photo.original_filename for photo in (*first.photos, *second.photos)]
    assert sorted(found) == sorted(f"{n}.jpg" for n in range(240))


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "ø",
        "\udce6",
        "AAAA",
        "' OR 1=1 --",
        _cursor("[]"),
        _cursor('["taken",null]'),
        _cursor('["taken",null,1,2]'),
        _cursor('["rating",null,1]'),
        _cursor('["taken","yesterday",1]'),
        _cursor('["taken","2024-07-10T12:00:00",1]'),
        _cursor('["taken","2024-13-10T12:00:00Z",1]'),
        _cursor('["taken",null,"1"]'),
        _cursor('["taken",null,0]'),
        _cursor('["taken",null,2147483648]'),
        _cursor('{"order":"taken","taken_at":null,"photo_id":1}'),
        _cursor("[" * 5000),
    ],
)
def test_a_place_that_no_page_gave_is_refused(library: Catalog, after: str) -> None:
    with pytest.raises(UsageError, match="not given by a search"):
        run(library, "", after=after)


def test_the_greatest_place_is_harmless(library: Catalog) -> None:
    assert run(library, "", after=_cursor('["taken",null,2147483647]')).photos
    assert run(library, "", after=_cursor('["taken","0001-01-01T00:00:00Z",1]')).photos


SIGNS = ["100%", "a_b", "[ab]", "x*y", "q?", "back\\slash", "it's", '"', ";--", "^", "]", "æ[ø]*?", "%", "_", "\\"]


@pytest.fixture(scope="module")
def signs(catalogs: Catalogs) -> Iterator[Catalog]:
    """Per sign a photo with it in the title, and one with other characters there."""
    entries = [entry(f"sign {n}", title=f"<{sign}>", tags=(sign,), author=sign) for n, sign in enumerate(SIGNS)]
    entries.append(entry("plain", title="<100 axb ab xzy qz backslash its>", tags=("axb",), author="axb 100"))
    with catalogs.make() as made:
        project(made, make_index(entries))
        yield made


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("key", ["", "author:", "tag:"])
def test_signs_of_patterns_stand_for_themselves(signs: Catalog, key: str, sign: str) -> None:
    quoted = sign.replace("\\", "\\\\").replace('"', '\\"')
    expected = {
        f"sign {n}" for n, other in enumerate(SIGNS) if (sign == other if key == "tag:" else sign in other)
    }  # fmt: skip
    assert names(signs, f'{key}"{quoted}"') == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("100%*", {"100%.jpg"}),
        ("a_b*", {"a_b.jpg"}),
        ("[ab]*", {"[ab].jpg"}),
        ("[AB].JPG", {"[ab].jpg"}),
        ("a?b.jpg", {"a_b.jpg", "axb.jpg", "aøb.jpg"}),
        ("a**b*", {"a_b.jpg", "axb.jpg", "aøb.jpg"}),
        ("AØB.*", {"aøb.jpg"}),
        ("?ø[?*", {"zØ[1.jpg"}),
        ("*", {"100%.jpg", "a_b.jpg", "axb.jpg", "[ab].jpg", "aøb.jpg", "zØ[1.jpg"}),
        ("*" * 100 + "q", set[str]()),
    ],
)
def test_in_names_only_the_asterisk_and_the_question_mark_are_wildcards(
    catalog: Catalog, pattern: str, expected: set[str]
) -> None:
    files = ["100%.jpg", "a_b.jpg", "axb.jpg", "[ab].jpg", "aøb.jpg", "zØ[1.jpg"]
    project(catalog, make_index([entry(name) for name in files]))
    assert names(catalog, f'name:"{pattern}"') == expected


@pytest.mark.parametrize("word", ["ærø", "ÆRØ", "Ærø", "\u00e5se", "A\u030ase", "МОСКВА", "straße", "σ"])
def test_letters_of_every_script_are_found_in_either_case(catalog: Catalog, word: str) -> None:
    decomposed = unicodedata.normalize("NFD", "Åse i Ærø, Москва, Straße, Σ.jpg")
    project(
        catalog,
        make_index([entry("x.jpg", title="ÅSE i ærØ, москва, STRAßE, σ"), entry(decomposed), entry("other.jpg")]),
    )
    assert names(catalog, word) == {"x.jpg", decomposed}


INJECTIONS = [
    "'; DROP TABLE photos; --",
    "' OR '1'='1",
    "x') OR 1=1 --",
    "1 UNION SELECT 1, user_facts FROM photos",
    ":taken_at_1 %(x)s %s ? {0}",
    "\\' OR 1=1 --",
    "nul \0 after",
    "surrogate \udce6",
    "\u202eright to left",
    "%' ESCAPE '%",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("key", ["", "tag:", "camera:", "author:", "name:"])
def test_text_that_looks_like_sql_finds_nothing_and_does_nothing(library: Catalog, key: str, text: str) -> None:
    before = dump_of(library)
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert names(library, f'{key}"{quoted}"') == set()
    assert dump_of(library) == before


def test_a_name_that_is_no_text_is_found_as_it_was_typed(catalog: Catalog) -> None:
    project(catalog, make_index([entry("caf\udce9.jpg")]))
    assert len(run(catalog, "caf\udce9").photos) == 1


def test_the_longest_search_can_be_answered(library: Catalog) -> None:
    words = " ".join(["ø"] * MAX_WORDS + [f"tag:æ{n}" for n in range(MAX_WORDS)])
    rest = "date:2024 rating:1 camera:ø author:ø session:42 storage:red format:raw name:*ø*?ø missing:no"
    assert run(library, f"{words} {rest}").photos == ()


def test_a_session_that_was_not_looked_up_is_a_bug(library: Catalog) -> None:
    query = parse_query(f"session:{uuid_of('session 42')}")
    with library.read() as db, pytest.raises(ValueError, match="not looked up"):
        search_photos(db, query)


def test_an_empty_catalog_has_no_photos(catalog: Catalog) -> None:
    assert run(catalog, "rome tag:x") == FoundPage(photos=(), next=None)
