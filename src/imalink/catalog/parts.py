"""Parts of a catalog to be: the rows of whole session indexes in a file of its own, made anywhere, loaded at once.

A part needs no catalog, so that several processes can make parts at a time (``loading`` takes them in). It is scratch:
nothing of it is flushed, and one that is not finished is thrown away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

from imalink.catalog.bulk import driver_rows, table_of
from imalink.catalog.core_json import dump_compact, load_compact
from imalink.catalog.derivation import IMAGE_COLUMNS, PHOTO_COLUMNS
from imalink.catalog.index_rows import (
    COMPANION_COLUMNS,
    DELETED_COLUMNS,
    LOCATION_COLUMNS,
    SESSION_PHOTO_COLUMNS,
    IndexRows,
    Row,
    RowOwner,
    rows_of_index,
)
from imalink.catalog.models import CompanionFile, DeletedFile, FileLocation, ImageFile, Photo, SessionPhoto
from imalink.catalog.record_rows import IMAGE_VALUES, LOCATION_VALUES, PHOTO_VALUES, plain_rows, sort_records
from imalink.catalog.records import SessionHead
from imalink.core.ids import Hothash, Sha256
from imalink.core.index import FileStatus, SessionIndex
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.user_facts import highest_counter
from imalink.errors import CatalogError, IndexDamagedError
from imalink.formats.file_records import FileRecord
from imalink.formats.session_records import SessionRecords

PHOTOS, IMAGES = table_of(Photo), table_of(ImageFile)
LOCATIONS, COMPANIONS = table_of(FileLocation), table_of(CompanionFile)
SESSION_PHOTOS, DELETED = table_of(SessionPhoto), table_of(DeletedFile)

_DIALECT = sqlite.dialect()
_OF_SESSION = "import_session_id"
_COLUMNS: dict[Table, Sequence[str]] = {
    PHOTOS: ("id", *PHOTO_COLUMNS),
    IMAGES: ("id", *IMAGE_COLUMNS),
    LOCATIONS: LOCATION_COLUMNS,
    COMPANIONS: COMPANION_COLUMNS,
    SESSION_PHOTOS: SESSION_PHOTO_COLUMNS,
    DELETED: DELETED_COLUMNS,
}
_INSERTS = {
    table: f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - our names
    for table, columns in _COLUMNS.items()
}
_PLAIN_INSERTS = {
    table: f"INSERT INTO {table.name} VALUES ({values})"  # noqa: S608 - our names
    for table, values in ((PHOTOS, PHOTO_VALUES), (IMAGES, IMAGE_VALUES), (LOCATIONS, LOCATION_VALUES))
}
_PRESENT = FileStatus.PRESENT.value
_TAGS = "photo_tags"
_RANGED = (*(table.name for table in _COLUMNS), _TAGS)
"""The tables of which each session has a range of rows, in the order of ``PartSession.rows``."""
_SESSION_COLUMNS = (
    *"id number head generation generated_at size_bytes edit_counter".split(),
    *(f"{end}_{name}" for name in _RANGED for end in ("first", "last")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSession:
    """A session in a part: its head, and where its rows are, as ranges (first, last) that may be empty.

    ``rows`` has the range of each table by its name; that of photos and of images is one of ids. ``size_bytes`` is of
    its image files, copies included. ``edit_counter`` is the highest of what it says of photos.
    """

    id: int
    number: int
    head: SessionHead
    generation: int
    generated_at: str
    size_bytes: int
    edit_counter: int
    rows: Mapping[str, tuple[int, int]]

    @property
    def photos(self) -> tuple[int, int]:
        """The range of its photos."""
        return self.rows[PHOTOS.name]

    @property
    def picture_count(self) -> int:
        """How many pictures it has."""
        first, last = self.rows[IMAGES.name]
        return last - first + 1

    @property
    def file_count(self) -> int:
        """How many image files it has, copies included."""
        first, last = self.rows[LOCATIONS.name]
        return last - first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """An image file as its session's index names it; ``last_seen_at`` only of one that was missing already."""

    hothash: Hothash
    path: RelativePath
    size_bytes: int
    sha256: Sha256
    modified_ns: int
    is_missing: bool
    is_damaged: bool
    last_seen_at: str | None


@contextmanager
def _told_troubles(path: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise CatalogError(
            f"The scratch file {path} cannot be written or read: {error}. The catalog was not changed.",
            hint=f"Make room in {path.parent.parent}, or name another folder for scratch files with TMPDIR.",
        ) from error


class PartWriter:
    """Makes a part at ``path``, where nothing may be yet. A context manager: at its end the part is whole.

    Everything raises CatalogError where the disk has no room for it.
    """

    def __init__(self, path: Path, *, storage_id: int) -> None:
        self._path = path
        self._storage_id = storage_id
        self._sessions = 0
        self._counts = dict.fromkeys(_RANGED, 0)
        with _told_troubles(path):
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._make_tables()

    def _make_tables(self) -> None:
        self._connection.execute("PRAGMA journal_mode=OFF")
        self._connection.execute("PRAGMA synchronous=OFF")
        for table, columns in _COLUMNS.items():
            names = [f"{name} INTEGER PRIMARY KEY" if name == "id" else name for name in columns]
            self._connection.execute(f"CREATE TABLE {table.name} ({', '.join(names)})")
        self._connection.execute(f"CREATE TABLE {_TAGS} (photo_id, position, name)")
        self._connection.execute(f"CREATE TABLE sessions ({', '.join(_SESSION_COLUMNS)})")
        self._connection.execute("BEGIN")

    def add(self, index: SessionIndex) -> None:
        """Take a session index in."""
        with _told_troubles(self._path):
            self._add(index, {})

    def add_records(self, records: SessionRecords) -> bool:
        """Take a session index in that was read as its records; tell False, of one that must be read as a whole."""
        try:
            known = sort_records(records)
            rest = None if known is None else records.part(known.hothashes, known.photo_uuids)
        except IndexDamagedError:
            return False
        if known is None or rest is None:
            return False
        with _told_troubles(self._path):
            self._add(rest, known.plain)
        return True

    def _add(self, index: SessionIndex, plain: Mapping[str, FileRecord]) -> None:
        self._sessions += 1
        owner = RowOwner(self._sessions, self._storage_id)
        before = dict(self._counts)
        size_bytes = index.total_size_bytes + self._insert_plain(plain, owner)
        rows = rows_of_index(index, owner, first_photo_id=self._next(PHOTOS), first_image_id=self._next(IMAGES))
        self._insert_rows(rows)
        session = (
            self._sessions,
            index.session.number,
            dump_compact(SessionHead(session=index.session, statistics=index.statistics)),
            index.generation,
            index.generated_at,
            size_bytes,
            highest_counter(rows.said),
            *(end for name in _RANGED for end in (before[name] + 1, self._counts[name])),
        )
        marks = ", ".join("?" * len(session))
        self._connection.execute(f"INSERT INTO sessions VALUES ({marks})", session)  # noqa: S608 - our names

    def _next(self, table: Table) -> int:
        return self._counts[table.name] + 1

    def _insert_plain(self, files: Mapping[str, FileRecord], owner: RowOwner) -> int:
        """Insert the rows of plain pictures; give the bytes of their files."""
        if not files:
            return 0
        rows = plain_rows(files, owner, first_photo_id=self._next(PHOTOS), first_image_id=self._next(IMAGES))
        for table, of_table in ((PHOTOS, rows.photos), (IMAGES, rows.images), (LOCATIONS, rows.locations)):
            self._connection.executemany(_PLAIN_INSERTS[table], of_table)
            self._counts[table.name] += rows.count
        self._insert_tags(rows.tags)
        return rows.size_bytes

    def _insert_rows(self, rows: IndexRows) -> None:
        first_photo, first_image = self._next(PHOTOS), self._next(IMAGES)
        self._insert(PHOTOS, [(first_photo + at, *row) for at, row in enumerate(rows.photos)])
        self._insert(IMAGES, [(first_image + at, *row) for at, row in enumerate(rows.images)])
        self._insert(LOCATIONS, rows.locations)
        self._insert(COMPANIONS, rows.companions)
        self._insert(SESSION_PHOTOS, rows.session_photos)
        self._insert(DELETED, rows.deleted)
        self._insert_tags(enumerate(rows.tags, first_photo))

    def _insert_tags(self, tags: Iterable[tuple[int, tuple[str, ...]]]) -> None:
        rows = [(photo_id, position, name) for photo_id, names in tags for position, name in enumerate(names)]
        self._connection.executemany(f"INSERT INTO {_TAGS} VALUES (?, ?, ?)", rows)  # noqa: S608 - our names
        self._counts[_TAGS] += len(rows)

    def close(self) -> None:
        """Finish the part."""
        with _told_troubles(self._path):
            self._connection.commit()
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _insert(self, table: Table, rows: Sequence[Row]) -> None:
        if rows:
            self._connection.executemany(_INSERTS[table], driver_rows(table, _COLUMNS[table], rows, _DIALECT))
            self._counts[table.name] += len(rows)


def part_files(index: SessionIndex) -> Iterator[PartFile]:
    """Give the image files that an index names, copies too, as a part has them."""
    for entry in index.files.values():
        for place in (entry, *entry.copies):
            yield PartFile(
                hothash=entry.hothash,
                path=place.relative_path,
                size_bytes=place.size_bytes,
                sha256=place.sha256,
                modified_ns=place.modified_ns,
                is_missing=place.status is FileStatus.MISSING,
                is_damaged=place.damage is not None,
                last_seen_at=entry.last_seen_at,
            )


class Part:
    """A finished part, to be read. A context manager. Everything raises CatalogError for one that cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def sessions(self) -> list[PartSession]:
        """Give the sessions in the order in which they were added."""
        names = ", ".join(_SESSION_COLUMNS)
        with self._reading(f"SELECT {names} FROM sessions ORDER BY id") as rows:  # noqa: S608 - our names
            return [
                PartSession(
                    id=row[0],
                    number=row[1],
                    head=load_compact(row[2], SessionHead),
                    generation=row[3],
                    generated_at=row[4],
                    size_bytes=row[5],
                    edit_counter=row[6],
                    rows={name: (row[7 + 2 * at], row[8 + 2 * at]) for at, name in enumerate(_RANGED)},
                )
                for row in rows
            ]

    def photo_uuids(self, session: PartSession) -> list[str]:
        """Give the photos of a session."""
        with self._reading("SELECT photo_uuid FROM photos WHERE id BETWEEN ? AND ?", session.photos) as rows:
            return [row[0] for row in rows]

    def tag_names(self) -> list[str]:
        """Give every tag that a photo of the part has."""
        with self._reading(f"SELECT DISTINCT name FROM {_TAGS}") as rows:  # noqa: S608 - our names
            return [row[0] for row in rows]

    def files(self, session: PartSession) -> Iterator[PartFile]:
        """Give the image files of a session, copies too."""
        return self._files(session, None)

    def files_unlike(
        self, session: PartSession, seen: Mapping[RelativePath, ScannedFile], as_left: Callable[[Hothash], None]
    ) -> Iterator[PartFile]:
        """Give those that do not stand as they were left, of their size and time; ``as_left`` hears of others."""
        known = cast(Mapping[str, ScannedFile], seen)

        def is_as_left(digest: bytes, path: str, size_bytes: int, modified_ns: int) -> bool:
            now = known.get(path)
            if now is None or now.size_bytes != size_bytes or now.modified_ns != modified_ns:
                return False
            as_left(Hothash(digest.hex()))
            return True

        return self._files(session, is_as_left)

    def _files(
        self, session: PartSession, passes_over: Callable[[bytes, str, int, int], bool] | None
    ) -> Iterator[PartFile]:
        """Give image files, but of those that stand whole under a path in UTF-8 only what is not passed over."""
        query = (
            "SELECT hothash, relative_path, relative_path_bytes, file_size, sha256, modified_ns, status, "
            "damage IS NOT NULL, last_seen_at FROM file_locations AS f JOIN image_files AS i ON i.id = f.image_file_id "
            "WHERE f.rowid BETWEEN ? AND ?"
        )
        with self._reading(query, session.rows[LOCATIONS.name]) as rows:
            for hothash, path, raw, size, sha256, modified_ns, status, is_damaged, seen_at in rows:
                is_whole = raw is None and status == _PRESENT and not is_damaged
                if passes_over is not None and is_whole and passes_over(hothash, path, size, modified_ns):
                    continue
                yield PartFile(
                    hothash=Hothash(hothash.hex()),
                    path=RelativePath(path) if raw is None else RelativePath.from_bytes(raw),
                    size_bytes=size,
                    sha256=Sha256(sha256.hex()),
                    modified_ns=modified_ns,
                    is_missing=status == FileStatus.MISSING,
                    is_damaged=bool(is_damaged),
                    last_seen_at=None if seen_at is None else _instant(seen_at),
                )

    def rows(self, sql: str, arguments: Sequence[object]) -> Iterator[Row]:
        """Give the rows that a question of ``loading`` selects."""
        with self._reading(sql, arguments) as rows:
            yield from rows

    @contextmanager
    def _reading(self, sql: str, arguments: Sequence[object] = ()) -> Generator[sqlite3.Cursor]:
        with _told_troubles(self.path), closing(self._connection.execute(sql, arguments)) as cursor:
            yield cursor

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _instant(text: str) -> str:
    """Spell an instant as indexes do."""
    whole = text.replace(" ", "T")
    return (whole.rstrip("0").rstrip(".") if "." in whole else whole) + "Z"
