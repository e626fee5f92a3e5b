"""The tables of storages, sessions, photos and files.

Two kinds of rows. *Records* repeat what one session index of one storage says (``SessionFile``, ``FileLocation``,
``CompanionFile``, ``SessionPhoto``, ``DeletedFile``); *results* are derived from all records together
(``ImportSession``, ``ImageFile``, ``Photo``, ``photo_tags``). What the
user said and no record repeats yet stands in ``said_models``. So any record may be replaced at any time, in any order,
and the results are the same: see ``catalog.projection``.
"""

from __future__ import annotations

from pathlib import PurePath

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from imalink.catalog.column_types import CoreJson, Digest, Instant, ShortText, StoredText
from imalink.catalog.model_base import Base
from imalink.catalog.records import EntryRecord, SessionHead
from imalink.core.damage import Damage
from imalink.core.index import Tombstone
from imalink.core.photo import Photo as CorePhoto
from imalink.core.picture import PictureFacts
from imalink.core.session import SessionStatus
from imalink.formats.layouts.known import is_reference_layout

_MIB = 1024 * 1024


class Author(Base):
    """Who took pictures, known by name and email; author 1 is the user of this installation.

    ``author_key`` is the author's key in the library; ``known_as`` the first name, under which photos may be theirs.
    """

    __tablename__ = "authors"
    __table_args__ = (UniqueConstraint("name", "email"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(StoredText)
    email: Mapped[str] = mapped_column(StoredText, default="")
    is_self: Mapped[bool] = mapped_column(default=False)
    author_key: Mapped[str] = mapped_column(ShortText(36), index=True, unique=True)
    known_as: Mapped[str] = mapped_column(StoredText)
    bio: Mapped[str] = mapped_column(StoredText, default="")
    is_deleted: Mapped[bool] = mapped_column(default=False)


class FileStorage(Base):
    """One storage: a folder on one disk, and where it was last seen.

    ``device``, ``inode`` and ``file_system_uuid`` say which disk it was; ``master_digest`` is that of the last master
    index folded into the catalog. ``is_active``: the user wants it used; ``is_accessible``: it was there last time.
    """

    __tablename__ = "file_storages"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    storage_uuid: Mapped[str] = mapped_column(ShortText(36), unique=True)
    directory_name: Mapped[str] = mapped_column(StoredText)
    base_path: Mapped[str] = mapped_column(StoredText)
    display_name: Mapped[str] = mapped_column(StoredText)
    description: Mapped[str] = mapped_column(StoredText, default="")
    layout: Mapped[str] = mapped_column(StoredText, default="hybrid")
    created_at: Mapped[str] = mapped_column(Instant)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_accessible: Mapped[bool] = mapped_column(default=True)
    total_files: Mapped[int] = mapped_column(BigInteger, default=0)
    total_size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    last_scan_at: Mapped[str | None] = mapped_column(Instant)
    master_digest: Mapped[str | None] = mapped_column(Digest)
    device: Mapped[str | None] = mapped_column(StoredText)
    inode: Mapped[str | None] = mapped_column(StoredText)
    file_system_uuid: Mapped[str | None] = mapped_column(StoredText)

    import_sessions: Mapped[list[ImportSession]] = relationship(back_populates="file_storage", lazy="raise_on_sql")

    @property
    def full_path(self) -> str:
        """The storage's folder where it was last seen."""
        return str(PurePath(self.base_path) / self.directory_name)

    @property
    def master_index_path(self) -> str:
        """Where the overview stands in the hybrid layout."""
        return str(PurePath(self.full_path) / "index.json")

    @property
    def imports_index_dir(self) -> str:
        """Where the session indexes stand in the hybrid layout."""
        return str(PurePath(self.full_path) / "imports")

    def get_session_index_path(self, session_id: int) -> str:
        """Where the hybrid layout keeps the index of the session with this number."""
        return str(PurePath(self.imports_index_dir) / f"session_{session_id}.json")

    @property
    def storage_size_mb(self) -> int:
        """The indexed bytes in MiB, rounded up."""
        return -(-self.total_size_bytes // _MIB)


class ImportSession(Base):
    """What came in together. ``id`` is its number in this catalog, ``session_uuid`` its identity.

    ``file_storage_id`` is its primary storage: the one it was created for, else the first that was projected.
    """

    __tablename__ = "import_sessions"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    session_uuid: Mapped[str] = mapped_column(ShortText(36), unique=True)
    title: Mapped[str] = mapped_column(StoredText)
    description: Mapped[str] = mapped_column(StoredText, default="")
    imported_at: Mapped[str] = mapped_column(Instant)
    file_storage_id: Mapped[int | None] = mapped_column(ForeignKey("file_storages.id"), index=True)
    default_author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    original_source_path: Mapped[str] = mapped_column(StoredText, default="")
    status: Mapped[str] = mapped_column(ShortText(40), default=SessionStatus.CREATED.value)
    copy_started_at: Mapped[str | None] = mapped_column(Instant)
    copy_completed_at: Mapped[str | None] = mapped_column(Instant)
    total_scanned: Mapped[int] = mapped_column(BigInteger, default=0)
    new_imports: Mapped[int] = mapped_column(BigInteger, default=0)
    duplicates_skipped: Mapped[int] = mapped_column(BigInteger, default=0)
    companions: Mapped[int] = mapped_column(BigInteger, default=0)
    ignored: Mapped[int] = mapped_column(BigInteger, default=0)
    errors: Mapped[int] = mapped_column(BigInteger, default=0)
    total_size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)

    file_storage: Mapped[FileStorage | None] = relationship(back_populates="import_sessions", lazy="select")
    default_author: Mapped[Author | None] = relationship(lazy="select")
    image_files: Mapped[list[ImageFile]] = relationship(
        back_populates="import_session", lazy="select", order_by="ImageFile.id"
    )

    @property
    def index_filename(self) -> str:
        """The name of its index in the hybrid layout, where its storage has no other name for it."""
        return f"session_{self.id}.json"

    @property
    def index_path(self) -> str | None:
        """Where its index stands in its primary storage in the hybrid layout; None without a storage."""
        return None if self.file_storage is None else self.file_storage.get_session_index_path(self.id)

    @property
    def copy_status(self) -> str:
        """The archive layout's word for the status: not_started, in_progress, completed or failed."""
        return SessionStatus(self.status).copy_status

    @property
    def storage_uuid(self) -> str | None:
        """The primary storage's UUID."""
        return None if self.file_storage is None else self.file_storage.storage_uuid

    @property
    def storage_directory_name(self) -> str | None:
        """The primary storage's folder name, never a path."""
        return None if self.file_storage is None else self.file_storage.directory_name

    @property
    def has_permanent_storage(self) -> bool:
        """Whether it has a storage with a folder name, and not one that only refers to its source."""
        return (
            self.file_storage is not None
            and bool(self.storage_directory_name)
            and not is_reference_layout(self.file_storage.layout)
        )

    @property
    def storage_size_mb(self) -> int:
        """What came in, in MiB, rounded up."""
        return -(-self.total_size_bytes // _MIB)


class SessionFile(Base):
    """A session's index in one storage: the number in its file's name there, and its head as that file has it."""

    __tablename__ = "session_files"
    __table_args__ = (Index(None, "file_storage_id", "number"),)

    import_session_id: Mapped[int] = mapped_column(ForeignKey("import_sessions.id"), primary_key=True)
    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    generation: Mapped[int] = mapped_column(BigInteger, default=0)
    generated_at: Mapped[str] = mapped_column(StoredText, default="")
    head: Mapped[SessionHead] = mapped_column(CoreJson(SessionHead))


class Photo(Base):
    """What the user sees: its effective facts as columns, what the user said of it as ``user_facts``.

    ``taken_at`` is for order and ranges; the camera's own digits are ``taken_at_local``. ``user_facts`` is None where
    the indexes say nothing beyond the photo's one file. ``width`` and ``height`` are as shown.

    ``local_day`` counts the camera's days from 1970-01-01, None for an undated photo; ``aspect`` is width by height in
    thousandths, 0 where unknown. ``search_text`` is what full-text search looks in (``core.search_words``): the engines
    keep an index of it by themselves. ``has_raw``: one of its files is a RAW.
    """

    __tablename__ = "photos"
    __table_args__ = (
        Index(None, "taken_at", "id"),
        Index(None, "rating", "taken_at", "id"),
        Index(None, "camera_make", "camera_model", "taken_at", "id"),
        Index(None, "lens", "taken_at", "id"),
        Index(None, "latitude", "longitude"),
        Index(None, "author", "taken_at", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    photo_uuid: Mapped[str] = mapped_column(ShortText(36), unique=True)
    primary_hothash: Mapped[str] = mapped_column(Digest)
    title: Mapped[str | None] = mapped_column(StoredText)
    caption: Mapped[str | None] = mapped_column(StoredText)
    rating: Mapped[int | None] = mapped_column(Integer)
    label: Mapped[str | None] = mapped_column(StoredText)
    rejected: Mapped[bool] = mapped_column(default=False)
    author: Mapped[str | None] = mapped_column(StoredText)
    taken_at: Mapped[str | None] = mapped_column(Instant)
    taken_at_local: Mapped[str | None] = mapped_column(StoredText)
    taken_at_offset: Mapped[str | None] = mapped_column(StoredText)
    taken_at_source: Mapped[str | None] = mapped_column(StoredText)
    camera_make: Mapped[str | None] = mapped_column(StoredText)
    camera_model: Mapped[str | None] = mapped_column(StoredText)
    lens: Mapped[str | None] = mapped_column(StoredText)
    width: Mapped[int | None] = mapped_column(BigInteger)
    height: Mapped[int | None] = mapped_column(BigInteger)
    latitude: Mapped[float | None] = mapped_column(Float(53))
    longitude: Mapped[float | None] = mapped_column(Float(53))
    altitude: Mapped[float | None] = mapped_column(Float(53))
    file_format: Mapped[str] = mapped_column(StoredText)
    local_day: Mapped[int | None] = mapped_column(Integer)
    aspect: Mapped[int] = mapped_column(Integer, default=0)
    has_raw: Mapped[bool] = mapped_column(default=False)
    search_text: Mapped[str] = mapped_column(StoredText, default="", deferred=True)
    user_facts: Mapped[CorePhoto | None] = mapped_column(CoreJson(CorePhoto))

    image_files: Mapped[list[ImageFile]] = relationship(back_populates="photo", lazy="raise_on_sql")
    tags: Mapped[list[Tag]] = relationship(
        secondary=lambda: photo_tags, lazy="raise_on_sql", viewonly=True, order_by=lambda: photo_tags.c.position
    )


class PhotoDay(Base):
    """How many photos were taken on a day of their cameras; ``day`` as ``Photo.local_day``, UNDATED for those without.

    Kept by the projection, so that a timeline need not count.
    """

    __tablename__ = "photo_days"

    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    photo_count: Mapped[int] = mapped_column(BigInteger)


UNDATED = -(2**31) + 1
"""The day of photos without one."""


class Tag(Base):
    """One word of a photo's tags, exactly as written."""

    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(StoredText, unique=True)


photo_tags = Table(
    "photo_tags",
    Base.metadata,
    Column("photo_id", Integer, ForeignKey("photos.id"), primary_key=True),
    Column("tag_id", Integer, ForeignKey("tags.id"), primary_key=True),
    Column("position", Integer, nullable=False),
    Index(None, "tag_id", "photo_id"),
)
"""A photo's effective tags in their order."""


class ImageFile(Base):
    """One picture, wherever its files are. Names, photo and session are those of its first import.

    ``facts``, preview and history are those of the file that was changed last, so that an edit made to one of several
    files shows.
    """

    __tablename__ = "image_files"
    __table_args__ = (Index(None, "file_format", "photo_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    hothash: Mapped[str] = mapped_column(Digest, unique=True)
    hothash_method: Mapped[str] = mapped_column(StoredText)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), index=True)
    import_session_id: Mapped[int] = mapped_column(ForeignKey("import_sessions.id"), index=True)
    imported_at: Mapped[str] = mapped_column(Instant)
    original_filename: Mapped[str] = mapped_column(StoredText)
    original_path: Mapped[str] = mapped_column(StoredText)
    file_format: Mapped[str] = mapped_column(StoredText)
    width: Mapped[int | None] = mapped_column(BigInteger)
    height: Mapped[int | None] = mapped_column(BigInteger)
    orientation: Mapped[int] = mapped_column(Integer)
    hotpreview_rendition: Mapped[str | None] = mapped_column(StoredText)
    facts: Mapped[PictureFacts] = mapped_column(CoreJson(PictureFacts))
    previous_hothashes: Mapped[tuple[str, ...] | None] = mapped_column(CoreJson(tuple[str, ...]))

    photo: Mapped[Photo] = relationship(back_populates="image_files", lazy="raise_on_sql")
    import_session: Mapped[ImportSession] = relationship(back_populates="image_files", lazy="raise_on_sql")
    locations: Mapped[list[FileLocation]] = relationship(back_populates="image_file", lazy="raise_on_sql")


def _partial_index(name: str, condition: str) -> Index:
    """Give an index of the few files of which something is the matter."""
    return Index(
        f"ix_file_locations_{name}", "image_file_id", sqlite_where=text(condition), postgresql_where=text(condition)
    )


class FileLocation(Base):
    """One physical image file, as one session index of one storage names it.

    ``number`` is 0 for the main file of an entry and counts its copies from 1. ``entry`` holds what the main file's
    entry says where that is not what its image file says; None means the same. ``relative_path`` is the path
    itself, or the printable form of a name that is not UTF-8, whose ``relative_path_bytes`` then count. Two rows may
    name one path: a missing file and the newer one in its place.
    """

    __tablename__ = "file_locations"
    __table_args__ = (
        UniqueConstraint("import_session_id", "file_storage_id", "image_file_id", "number"),
        Index(None, "file_storage_id", "relative_path"),
        _partial_index("missing", "status = 'missing'"),
        _partial_index("damaged", "damage IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    image_file_id: Mapped[int] = mapped_column(ForeignKey("image_files.id"), index=True)
    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"))
    import_session_id: Mapped[int] = mapped_column(ForeignKey("import_sessions.id"))
    number: Mapped[int] = mapped_column(Integer)
    relative_path: Mapped[str] = mapped_column(StoredText)
    relative_path_bytes: Mapped[bytes | None] = mapped_column(LargeBinary)
    file_size: Mapped[int] = mapped_column(BigInteger, index=True)
    sha256: Mapped[str] = mapped_column(Digest, index=True)
    modified_ns: Mapped[int] = mapped_column(BigInteger)
    imported_at: Mapped[str] = mapped_column(Instant)
    status: Mapped[str] = mapped_column(ShortText(10))
    last_seen_at: Mapped[str | None] = mapped_column(Instant)
    damage: Mapped[Damage | None] = mapped_column(CoreJson(Damage))
    entry: Mapped[EntryRecord | None] = mapped_column(CoreJson(EntryRecord))

    image_file: Mapped[ImageFile] = relationship(back_populates="locations", lazy="raise_on_sql")


class CompanionFile(Base):
    """A sidecar, clip or the like beside an image file, as one session index of one storage names it."""

    __tablename__ = "companion_files"
    __table_args__ = (UniqueConstraint("import_session_id", "file_storage_id", "image_file_id", "number"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    image_file_id: Mapped[int] = mapped_column(ForeignKey("image_files.id"), index=True)
    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"))
    import_session_id: Mapped[int] = mapped_column(ForeignKey("import_sessions.id"))
    number: Mapped[int] = mapped_column(Integer)
    relative_path: Mapped[str] = mapped_column(StoredText)
    relative_path_bytes: Mapped[bytes | None] = mapped_column(LargeBinary)
    file_size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Digest)
    modified_ns: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(StoredText)
    damage: Mapped[Damage | None] = mapped_column(CoreJson(Damage))


class SessionPhoto(Base):
    """What one session index of one storage says of a photo; only kept where that is more than its one file."""

    __tablename__ = "session_photos"

    import_session_id: Mapped[int] = mapped_column(ForeignKey("import_sessions.id"), primary_key=True)
    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"), primary_key=True)
    photo_uuid: Mapped[str] = mapped_column(ShortText(36), primary_key=True, index=True)
    imported_at: Mapped[str] = mapped_column(Instant)
    record: Mapped[CorePhoto] = mapped_column(CoreJson(CorePhoto))


class DeletedFile(Base):
    """A tombstone, as one session index of one storage has it."""

    __tablename__ = "deleted_files"

    import_session_id: Mapped[int] = mapped_column(ForeignKey("import_sessions.id"), primary_key=True)
    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"), primary_key=True)
    hothash: Mapped[str] = mapped_column(Digest, primary_key=True, index=True)
    sha256: Mapped[str] = mapped_column(Digest, index=True)
    tombstone: Mapped[Tombstone] = mapped_column(CoreJson(Tombstone))
