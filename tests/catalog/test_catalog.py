"""Opening a catalog: new, up to date, older, newer, damaged, not ours; and what a transaction promises."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from imalink.catalog import dialects, full_text, models, schema, work_models
from imalink.catalog.authors import SELF_AUTHOR_ID, find_author
from imalink.catalog.catalog import Catalog
from imalink.catalog.file_storages import add_storage, list_storages
from imalink.catalog.tables import METADATA
from imalink.core.ids import StorageUuid
from imalink.errors import CatalogError
from tests.support.indexes import uuid_of

NEXT_REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "next", "{last}"


def upgrade() -> None:
    {upgrade}
"""


def add(catalog: Catalog, name: str) -> None:
    with catalog.begin() as db:
        add_storage(
            db,
            storage_uuid=StorageUuid(uuid_of(name)),
            directory_name=name,
            base_path="/media",
            display_name=name,
            created_at="2024-10-18T14:30:52Z",
        )


def names_in(catalog: Catalog) -> list[str]:
    with catalog.read() as db:
        return [storage.display_name for storage in list_storages(db)]


def file_of(url: str) -> Path:
    path = dialects.sqlite_file(url)
    assert path is not None
    return path


def is_modelled(item: object, name: str | None, kind: str, is_reflected: bool, compared: object) -> bool:
    """Whether the models could have it: they know nothing of how an engine searches for words."""
    del item, kind, is_reflected, compared
    return name is None or (not name.startswith(full_text.TABLE) and name != "ix_photos_search_text")


def test_the_migrated_tables_are_those_of_the_models(sqlite_url: str, tmp_path: Path) -> None:
    Catalog.open(sqlite_url).close()
    engine = create_engine(sqlite_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": schema.VERSION_TABLE, "compare_type": True, "include_object": is_modelled},
        )
        assert compare_metadata(context, METADATA) == []
    made = create_engine(f"sqlite:///{tmp_path / 'made.sqlite3'}")
    METADATA.create_all(made)
    migrated, direct = inspect(engine), inspect(made)
    for table in direct.get_table_names():
        assert migrated.get_pk_constraint(table) == direct.get_pk_constraint(table)
        assert _by_name(migrated.get_foreign_keys(table)) == _by_name(direct.get_foreign_keys(table))
        assert _by_name(migrated.get_unique_constraints(table)) == _by_name(direct.get_unique_constraints(table))
    engine.dispose()
    made.dispose()


def _by_name(constraints: object) -> list[str]:
    assert isinstance(constraints, list)
    return sorted(map(str, constraints))  # pyright: ignore[reportUnknownArgumentType]


def test_every_constraint_and_index_has_a_name() -> None:
    for table in METADATA.tables.values():
        assert all(constraint.name for constraint in table.constraints)
        assert all(index.name for index in table.indexes)


def test_a_new_catalog_knows_its_user_as_author_1(catalog: Catalog) -> None:
    with catalog.read() as db:
        author = find_author(db, SELF_AUTHOR_ID)
    assert author is not None
    assert author.is_self


def test_opening_an_up_to_date_catalog_does_not_import_alembic(catalog_url: str) -> None:
    Catalog.open(catalog_url).close()
    code = (
        "import sys; from imalink.catalog.catalog import Catalog; "
        f"Catalog.open({catalog_url!r}).close(); sys.exit('alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_closed_catalog_is_one_plain_file(sqlite_url: str) -> None:
    catalog = Catalog.open(sqlite_url)
    add(catalog, "a")
    catalog.close()
    file = file_of(sqlite_url)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_transaction_is_kept_whole_or_not_at_all(catalog: Catalog) -> None:
    add(catalog, "kept")
    with pytest.raises(RuntimeError), catalog.begin(changes_photos=True) as db:
        add_storage(
            db,
            storage_uuid=StorageUuid(uuid_of("lost")),
            directory_name="lost",
            base_path="/media",
            display_name="lost",
            created_at="2024-10-18T14:30:52Z",
        )
        raise RuntimeError
    assert names_in(catalog) == ["kept"]
    assert catalog.get_library_rev() == 0


def test_only_a_commit_that_changes_photos_raises_library_rev(catalog: Catalog) -> None:
    add(catalog, "a")
    assert catalog.get_library_rev() == 0
    with catalog.begin(changes_photos=True):
        pass
    assert catalog.get_library_rev() == 1


def test_nothing_written_while_reading_stays(catalog: Catalog) -> None:
    with catalog.read() as db:
        db.add(models.Tag(name="x"))
        db.flush()
    with catalog.read() as db:
        assert db.execute(select(models.Tag)).scalars().all() == []


def test_two_storages_cannot_have_one_uuid(catalog: Catalog) -> None:
    add(catalog, "a")
    with pytest.raises(IntegrityError):
        add(catalog, "a")


def test_a_file_location_needs_its_storage(catalog: Catalog) -> None:
    with pytest.raises(IntegrityError), catalog.begin() as db:
        db.add(work_models.ScanSnapshot(file_storage_id=77, master_digest="00" * 32, data=b""))


def test_writers_wait_for_each_other(catalog_url: str) -> None:
    with Catalog.open(catalog_url) as one, Catalog.open(catalog_url) as two:
        names = [f"storage {number}" for number in range(20)]
        threads = [
            threading.Thread(target=add, args=((one, two)[number % 2], name)) for number, name in enumerate(names)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert names_in(one) == sorted(names)


def test_a_reader_keeps_its_view_while_another_writes(catalog_url: str) -> None:
    with Catalog.open(catalog_url) as catalog:
        with catalog.read() as db:
            assert list_storages(db) == []
            add(catalog, "a")
            assert list_storages(db) == []
        assert names_in(catalog) == ["a"]


def test_two_may_make_a_new_catalog_at_once(sqlite_url: str) -> None:
    code = f"from imalink.catalog.catalog import Catalog; Catalog.open({sqlite_url!r}).close()"
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait() for process in started] == [0, 0, 0, 0]


@pytest.mark.parametrize("damage", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_catalog_says_how_to_recover(sqlite_url: str, damage: bytes) -> None:
    file_of(sqlite_url).write_bytes(damage)
    with pytest.raises(CatalogError) as caught:
        Catalog.open(sqlite_url)
    assert "imalink recover" in caught.value.hint
    assert file_of(sqlite_url).read_bytes() == damage


def test_damage_that_shows_later_says_how_to_recover(sqlite_url: str) -> None:
    catalog = Catalog.open(sqlite_url)
    add(catalog, "a")
    catalog.close()
    file = file_of(sqlite_url)
    content = bytearray(file.read_bytes())
    with closing(sqlite3.connect(file)) as raw:
        root, size = (
            raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'file_storages'").fetchone()[0],
            raw.execute("PRAGMA page_size").fetchone()[0],
        )
    content[(root - 1) * size : root * size] = b"\xff" * size
    file.write_bytes(content)
    with Catalog.open(sqlite_url) as damaged, pytest.raises(CatalogError) as caught:
        names_in(damaged)
    assert "imalink recover" in caught.value.hint


def test_a_catalog_of_a_newer_version_is_left_alone(sqlite_url: str) -> None:
    Catalog.open(sqlite_url).close()
    with closing(sqlite3.connect(file_of(sqlite_url))) as raw:
        raw.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
        raw.commit()
    with pytest.raises(CatalogError, match="newer ImaLink"):
        Catalog.open(sqlite_url)


def test_a_database_of_something_else_is_left_alone(sqlite_url: str) -> None:
    with closing(sqlite3.connect(file_of(sqlite_url))) as raw:
        raw.execute("CREATE TABLE photos (id INTEGER)")
        raw.commit()
    with pytest.raises(CatalogError, match="not an ImaLink catalog"):
        Catalog.open(sqlite_url)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no-such-folder"):
        Catalog.open(f"sqlite:///{tmp_path}/no-such-folder/catalog.sqlite3")


def test_an_address_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(CatalogError) as caught:
        Catalog.open("nonsense://user:secret@host/db")
    assert "secret" not in caught.value.message


def config_with_next(folder: Path, upgrade: str) -> Config:
    (folder / "next_revision.py").write_text(NEXT_REVISION.format(last=schema.REVISIONS[-1], upgrade=upgrade))
    config = schema.alembic_config()
    own = Path(schema.__file__).with_name("migrations") / "versions"
    config.set_main_option("version_locations", f"{own}:{folder}")
    return config


def test_a_migration_leaves_a_complete_copy_of_the_old_catalog(sqlite_url: str, tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    catalog = Catalog.open(sqlite_url)
    add(catalog, "a")
    config = config_with_next(versions, 'op.add_column("tags", sa.Column("colour", sa.Text()))')
    backup = schema.upgrade(sqlite_url, config=config)
    catalog.close()
    assert backup is not None
    assert Path(backup).name == f"catalog.sqlite3.backup-{schema.REVISIONS[-1]}"
    with Catalog.open(f"sqlite:///{backup}") as old:
        assert names_in(old) == ["a"]
    with closing(sqlite3.connect(file_of(sqlite_url))) as raw:
        assert raw.execute("SELECT colour FROM tags").fetchall() == []


def test_a_migration_that_fails_changes_nothing_and_keeps_each_copy(sqlite_url: str, tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    Catalog.open(sqlite_url).close()
    broken = 'op.add_column("tags", sa.Column("colour", sa.Text())); op.execute("SELECT * FROM nowhere")'
    config = config_with_next(versions, broken)
    for _ in range(2):
        with pytest.raises(Exception, match="nowhere"):
            schema.upgrade(sqlite_url, config=config)
    Catalog.open(sqlite_url).close()
    with closing(sqlite3.connect(file_of(sqlite_url))) as raw, pytest.raises(sqlite3.OperationalError):
        raw.execute("SELECT colour FROM tags")
    label = f"backup-{schema.REVISIONS[-1]}"
    assert sorted(path.name for path in tmp_path.glob("*.backup-*")) == [
        f"catalog.sqlite3.{label}",
        f"catalog.sqlite3.{label}-2",
    ]


def test_there_is_no_way_back(catalog_url: str) -> None:
    Catalog.open(catalog_url).close()
    engine = create_engine(catalog_url)
    with engine.connect() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        with pytest.raises(CatalogError, match="not taken back"):
            command.downgrade(config, "base")
        assert connection.execute(text("SELECT count(*) FROM authors")).scalar() == 1
    engine.dispose()


def test_the_last_revision_is_the_one_alembic_knows(sqlite_url: str) -> None:
    from alembic.script import ScriptDirectory

    del sqlite_url
    scripts = ScriptDirectory.from_config(schema.alembic_config())
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(schema.REVISIONS)


def test_a_connection_has_much_memory_only_while_it_writes(tmp_path: Path) -> None:
    with Catalog.open(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
        sizes: list[int] = []
        for block in (catalog.begin, catalog.read):
            with block() as db:
                sizes.append(-db.execute(text("PRAGMA cache_size")).scalar_one())
    assert sizes == [64 * 1024, 8 * 1024]


def test_catalogs_that_are_made_at_once_in_one_process_each_get_all_tables(tmp_path: Path) -> None:
    made: list[set[str]] = []

    def make(number: int) -> None:
        url = f"sqlite:///{tmp_path / str(number)}.sqlite"
        Catalog.open(url).close()
        with closing(sqlite3.connect(tmp_path / f"{number}.sqlite")) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        made.append({name for (name,) in rows})

    threads = [threading.Thread(target=make, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 6
    assert all(set(METADATA.tables) <= tables for tables in made)
