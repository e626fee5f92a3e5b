"""PostgreSQL keeps the promises of a catalog: one writer, copies before migrations, trouble told in words."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, create_engine, inspect, text

from imalink.catalog import postgresql_engine, schema
from imalink.catalog.catalog import Catalog
from imalink.catalog.dump import compare, dump
from imalink.catalog.file_storages import add_storage, list_storages
from imalink.catalog.tables import METADATA
from imalink.core.ids import StorageUuid
from imalink.core.index import SessionIndex
from imalink.errors import CatalogDamagedError, CatalogError
from imalink.runtime.container import SystemClock, set_aside_catalog
from imalink.runtime.settings import load_settings
from tests.catalog.test_catalog import add, config_with_next, is_modelled, names_in
from tests.catalog.test_projection_properties import PLACES, changed_hothashes, slow, worlds
from tests.support.catalogs import Catalogs, dump_of, project
from tests.support.postgresql import PostgresServer
from tests.support.stranger import Stranger
from tests.support.workbench import make_source

pytestmark = pytest.mark.postgresql

GOLDEN = Path(__file__).parent.parent / "golden" / "catalog"


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty catalog."""
    made = postgres_server.make_database()
    yield made
    postgres_server.drop_database(made)


@pytest.fixture
def empty_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty database."""
    made = postgres_server.make_database(is_empty=True)
    yield made
    postgres_server.drop_database(made)


@pytest.fixture(scope="module")
def server_catalogs(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path
) -> Catalogs:
    return Catalogs(tmp_path_factory.mktemp("catalogs"), empty=empty_catalog, server=postgres_server)


def test_the_migrated_tables_are_those_of_the_models(url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        options = {"version_table": schema.VERSION_TABLE, "compare_type": True, "include_object": is_modelled}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
    engine.dispose()


def test_text_sorts_by_code_points_whatever_the_servers_language(url: str) -> None:
    with Catalog.open(url) as catalog:
        for name in ("b", "B", "ä", "a", "_"):
            add(catalog, name)
        assert names_in(catalog) == sorted(["b", "B", "ä", "a", "_"])


def test_a_plain_address_takes_the_driver_that_is_there(url: str) -> None:
    with Catalog.open(url.replace("postgresql+psycopg://", "postgresql://")) as catalog:
        assert names_in(catalog) == []


@settings(slow, max_examples=8)
@given(world=worlds, after=worlds, order=st.permutations(range(len(PLACES))))
def test_both_engines_hold_the_same(
    server_catalogs: Catalogs,
    sqlite_catalogs: Catalogs,
    world: tuple[SessionIndex, ...],
    after: tuple[SessionIndex, ...],
    order: list[int],
) -> None:
    dumps: list[list[str]] = []
    for catalogs in (server_catalogs, sqlite_catalogs):
        with catalogs.make() as catalog:
            for index in world:
                project(catalog, index)
            for position in order:
                project(catalog, after[position], only=changed_hothashes(world[position], after[position]))
            dumps.append(dump_of(catalog))
        catalogs.close()
    assert compare(*dumps) == []


def test_many_rows_are_updated_as_few_are(server_catalogs: Catalogs, sqlite_catalogs: Catalogs) -> None:
    from dataclasses import replace

    from imalink.core.picture import Embedded
    from tests.support.indexes import make_entry, make_facts, make_index

    entries = [make_entry(f"p{number}") for number in range(120)]
    rated = [replace(each, facts=make_facts(embedded=Embedded(rating=3, title="100% \\ 'x'"))) for each in entries]
    dumps: list[list[str]] = []
    for catalogs in (server_catalogs, sqlite_catalogs):
        with catalogs.make() as catalog:
            project(catalog, make_index(entries))
            project(catalog, make_index(rated))
            dumps.append(dump_of(catalog))
        catalogs.close()
    assert compare(*dumps) == []
    assert sum('"rating":3' in line for line in dumps[0]) > 120


def test_a_writer_that_waits_too_long_is_told_why(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_engine, "LOCK_TIMEOUT_MS", 200)
    with Catalog.open(url) as one, Catalog.open(url) as two, one.begin() as db:
        list_storages(db)
        with pytest.raises(CatalogError, match="another process"):
            add(two, "late")
    with Catalog.open(url) as catalog:
        assert names_in(catalog) == []


def test_a_writer_sees_what_was_written_while_it_waited(url: str) -> None:
    entered, seen = threading.Event(), list[str]()

    def second() -> None:
        with Catalog.open(url) as catalog:
            entered.set()
            with catalog.begin() as db:
                seen.extend(storage.display_name for storage in list_storages(db))

    with Catalog.open(url) as catalog:
        thread = threading.Thread(target=second)
        with catalog.begin() as db:
            list_storages(db)
            thread.start()
            entered.wait(30)
            add_storage(
                db,
                storage_uuid=StorageUuid("0357181c-0000-4000-8000-000000000000"),
                directory_name="a",
                base_path="/media",
                display_name="first",
                created_at="2024-10-18T14:30:52Z",
            )
        thread.join(30)
    assert seen == ["first"]


@pytest.mark.parametrize(("is_durable", "expected"), [(True, "on"), (False, "off")])
def test_only_what_no_storage_holds_waits_for_the_disk(url: str, is_durable: bool, expected: str) -> None:
    with Catalog.open(url) as catalog, catalog.begin(is_durable=is_durable) as db:
        assert db.execute(text("SHOW synchronous_commit")).scalar_one() == expected


def test_a_catalog_goes_on_after_its_server_was_restarted(empty_catalog: Path, tmp_path: Path) -> None:
    from tests.support.postgresql import find_programs

    programs = find_programs()
    assert programs is not None
    with PostgresServer(programs) as server:
        with Catalog.open(server.make_database()) as catalog:
            add(catalog, "before")
            server.stop()
            with pytest.raises(CatalogError, match="cannot be reached"):
                names_in(catalog)
            server.start_again()
            add(catalog, "after")
            assert names_in(catalog) == ["after", "before"]
        server.stop()
        with pytest.raises(CatalogError, match="cannot be reached") as caught:
            Catalog.open(server.url("test_1"))
        assert "server runs" in caught.value.hint


def test_a_database_that_is_not_there_is_named(postgres_server: PostgresServer) -> None:
    with pytest.raises(CatalogError, match="nowhere") as caught:
        Catalog.open(postgres_server.url("nowhere"))
    assert "createdb" in caught.value.hint


def test_a_read_only_server_is_told(url: str) -> None:
    with Catalog.open(url) as catalog:
        add(catalog, "a")
    with Catalog.open(f"{url}&options=-c%20default_transaction_read_only%3Don") as catalog:
        assert names_in(catalog) == ["a"]
        with pytest.raises(CatalogError, match="read-only"):
            add(catalog, "b")


def test_a_full_disk_is_told_and_nothing_is_kept(url: str) -> None:
    with Catalog.open(url) as catalog:
        with pytest.raises(CatalogError, match="full disk"), catalog.begin() as db:
            db.execute(text("DO $$ BEGIN RAISE disk_full USING MESSAGE = 'No space left on device'; END $$"))
        assert names_in(catalog) == []


def test_damaged_pages_say_how_to_recover(url: str) -> None:
    with Catalog.open(url) as catalog, pytest.raises(CatalogDamagedError) as caught, catalog.begin() as db:
        db.execute(text("DO $$ BEGIN RAISE data_corrupted USING MESSAGE = 'invalid page'; END $$"))
    assert "imalink recover" in caught.value.hint


def test_a_sound_catalog_is_verified(url: str) -> None:
    with Catalog.open(url) as catalog:
        add(catalog, "a")
        catalog.verify()


def test_an_encoding_that_cannot_hold_every_name_is_refused(postgres_server: PostgresServer) -> None:
    made = postgres_server.make_database(
        is_empty=True, options="ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    )
    with pytest.raises(CatalogError, match="LATIN1"):
        Catalog.open(made)
    postgres_server.drop_database(made)


def test_a_database_of_something_else_is_left_alone(empty_url: str) -> None:
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE photos (id integer)"))
    with pytest.raises(CatalogError, match="not an ImaLink catalog"):
        Catalog.open(empty_url)
    assert inspect(engine).get_table_names() == ["photos"]
    engine.dispose()


def test_a_catalog_of_a_newer_version_is_left_alone(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(CatalogError, match="newer ImaLink"):
        Catalog.open(url)


def test_a_password_is_never_shown() -> None:
    with pytest.raises(CatalogError) as caught:
        Catalog.open("postgresql+psycopg://anna:secret@127.0.0.1:9/nowhere")
    assert "secret" not in caught.value.message + caught.value.hint


def test_a_migration_leaves_a_complete_copy_of_the_old_tables(url: str, tmp_path: Path) -> None:
    with Catalog.open(url) as catalog:
        add(catalog, "a")
    config = config_with_next(tmp_path, 'op.add_column("tags", sa.Column("colour", sa.Text()))')
    backup = schema.upgrade(url, config=config)
    assert backup == f"imalink_backup_{schema.REVISIONS[-1]}"
    engine = create_engine(url)
    with engine.connect() as connection:
        kept = set(inspect(connection).get_table_names(schema=backup))
        assert kept == {*METADATA.tables, schema.VERSION_TABLE}
        names = connection.execute(text(f"SELECT display_name FROM {backup}.file_storages")).scalars().all()
        assert names == ["a"]
        assert connection.execute(text("SELECT colour FROM tags")).all() == []
    engine.dispose()


def test_a_migration_that_fails_changes_nothing_and_keeps_each_copy(url: str, tmp_path: Path) -> None:
    broken = 'op.add_column("tags", sa.Column("colour", sa.Text())); op.execute("SELECT * FROM nowhere")'
    config = config_with_next(tmp_path, broken)
    for _ in range(2):
        with pytest.raises(Exception, match="nowhere"):
            schema.upgrade(url, config=config)
    engine = create_engine(url)
    names = [name for name in inspect(engine).get_schema_names() if name.startswith("imalink_backup")]
    assert names == [f"imalink_backup_{schema.REVISIONS[-1]}", f"imalink_backup_{schema.REVISIONS[-1]}_2"]
    assert "colour" not in [column["name"] for column in inspect(engine).get_columns("tags")]
    engine.dispose()
    Catalog.open(url).close()


def test_there_is_no_way_back(url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        with pytest.raises(CatalogError, match="not taken back"):
            command.downgrade(config, "base")
    engine.dispose()


@pytest.mark.parametrize("revision", schema.REVISIONS[:-1])
def test_an_older_catalog_is_brought_up_with_all_it_held(revision: str, empty_url: str, tmp_path: Path) -> None:
    """The golden SQLite catalog of a revision, moved row by row to a server that has that revision's tables."""
    file = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript((GOLDEN / f"{revision}.sql").read_text())
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    _move_rows(f"sqlite:///{file}", empty_url)
    with Catalog.open(empty_url) as catalog, catalog.read() as db:
        held = (GOLDEN / f"{revision}.dump.txt").read_text().splitlines()
        assert dump(db) == held
    assert f"imalink_backup_{revision}" in inspect(engine).get_schema_names()
    engine.dispose()


def _move_rows(old_url: str, new_url: str) -> None:
    old, new = create_engine(old_url), create_engine(new_url)
    tables = MetaData()
    tables.reflect(new)
    with old.connect() as source, new.begin() as target:
        target.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        for table in tables.sorted_tables:
            if table.name != schema.VERSION_TABLE:
                target.execute(table.delete())
                rows = [dict(row._mapping) for row in source.execute(table.select())]
                if rows:
                    target.execute(table.insert(), rows)
    old.dispose()
    new.dispose()


def spoil_table(server: PostgresServer, url: str, table: str) -> None:
    """Overwrite the first page of a table on the server's disk, while the server is down."""
    engine = create_engine(url)
    with engine.connect() as connection:
        path = connection.exec_driver_sql(f"SELECT pg_relation_filepath('{table}')").scalar_one()
        folder = connection.exec_driver_sql("SHOW data_directory").scalar_one()
    engine.dispose()
    server.stop()
    with (Path(folder) / path).open("r+b") as file:
        file.write(b"\xff" * 512)
    server.start_again()


def test_a_damaged_catalog_is_set_aside_whole_and_a_new_one_made(
    postgres_server: PostgresServer, url: str, tmp_path: Path
) -> None:
    loaded = load_settings({"IMALINK_HOME": str(tmp_path), "IMALINK_DATABASE_URL": url})
    with Catalog.open(url) as catalog:
        add(catalog, "Blue")
    spoil_table(postgres_server, url, "file_storages")
    with Catalog.open(url) as catalog, pytest.raises(CatalogDamagedError, match="invalid page"):
        catalog.verify()
    name = set_aside_catalog(loaded, clock=SystemClock())
    assert name is not None
    assert name.startswith("imalink_damaged_")
    with Catalog.open(url) as catalog:
        catalog.verify()
        assert names_in(catalog) == []
        add(catalog, "Red")
        with catalog.read() as db:
            kept = set(inspect(db.connection()).get_table_names(schema=name))
            made = set(inspect(db.connection()).get_table_names())
    assert kept == made


def test_an_empty_database_has_nothing_to_set_aside(empty_url: str, tmp_path: Path) -> None:
    loaded = load_settings({"IMALINK_HOME": str(tmp_path), "IMALINK_DATABASE_URL": empty_url})
    assert set_aside_catalog(loaded, clock=SystemClock()) is None


def test_recover_sets_a_damaged_catalog_aside_and_fills_a_new_one(
    postgres_server: PostgresServer, url: str, tmp_path: Path
) -> None:
    imalink = Stranger(tmp_path / "home", IMALINK_DATABASE_URL=url)
    (tmp_path / "disk").mkdir()
    assert imalink("storage", "create", tmp_path / "disk", "--name", "Blue").code == 0
    card = make_source(tmp_path / "card", 2)
    assert imalink("import", card, "--storage", "Blue", "--title", "Card").code == 0
    spoil_table(postgres_server, url, "photos")
    done = imalink("recover", "--json")
    assert (done.code, done.json["restored_files"]) == (0, 2), done.err
    assert "imalink_damaged_" in done.err
    assert imalink("recover", "--check", "--json").json["differences"] == []


def test_a_backup_restored_is_the_catalog_it_was_and_the_one_before_is_kept(url: str, tmp_path: Path) -> None:
    imalink = Stranger(tmp_path / "home", IMALINK_DATABASE_URL=url)
    for folder in ("disk", "elsewhere"):
        (tmp_path / folder).mkdir()
    assert imalink("storage", "create", tmp_path / "disk", "--name", "Blue").code == 0
    card = make_source(tmp_path / "card", 2)
    assert imalink("import", card, "--storage", "Blue", "--title", "Card").code == 0
    assert imalink("edit", card / "IMG_0001.jpg", "--rating", "4", "--title", "Forum").code == 0
    with Catalog.open(url) as catalog:
        before = dump_of(catalog)
    assert imalink("backup", tmp_path / "elsewhere").code == 0
    [folder] = (tmp_path / "elsewhere").iterdir()
    done = imalink("restore", folder, "--yes", "--json")
    assert (done.code, done.json["photos"]) == (0, 2), done.err
    kept = done.json["kept_catalog"]
    with Catalog.open(url) as catalog, catalog.read() as db:
        assert compare(before, dump_of(catalog)) == []
        titles = db.connection().exec_driver_sql(f"SELECT title FROM {kept}.photos ORDER BY title").scalars().all()
    assert titles == ["Forum", None]


def test_two_copies_with_one_label_both_stand(url: str) -> None:
    with Catalog.open(url) as catalog:
        names = [catalog.keep_copy("before-restore-20261122T062043Z") for _ in range(2)]
        with catalog.read() as db:
            schemas = inspect(db.connection()).get_schema_names()
    assert names == [
        "imalink_backup_before_restore_20261122t062043z",
        "imalink_backup_before_restore_20261122t062043z_2",
    ]
    assert set(names) <= set(schemas)
