"""The tables of what the user said of the library, and of what storages were not told yet."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from imalink.catalog.column_types import CoreJson, Instant, ShortText, StoredText
from imalink.catalog.model_base import Base
from imalink.core.library import LibraryEdited
from imalink.core.photo import UserFacts


class LibraryState(Base):
    """One row of facts about the catalog itself.

    ``library_rev`` is raised by each commit that changes photos. ``edit_counter`` is at least the highest counter of
    any user fact that was said or met here.
    """

    __tablename__ = "library_state"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    library_rev: Mapped[int] = mapped_column(BigInteger, default=0)
    edit_counter: Mapped[int] = mapped_column(BigInteger, default=0)


class WaitingEdit(Base):
    """The outbox: what the user said of a photo and one of its storages was not told yet.

    ``hothashes`` are the files that the photo had then. Until it is told, what is said here counts as a record of that
    storage does.
    """

    __tablename__ = "waiting_edits"
    __table_args__ = (Index(None, "file_storage_id", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"))
    photo_uuid: Mapped[str] = mapped_column(ShortText(36), index=True)
    said_at: Mapped[str] = mapped_column(Instant)
    hothashes: Mapped[tuple[str, ...]] = mapped_column(CoreJson(tuple[str, ...]))
    said: Mapped[UserFacts] = mapped_column(CoreJson(UserFacts))


class LibraryFieldRow(Base):
    """What is said of one field of an author, a collection or a saved search, and who said so when.

    ``value`` is JSON; null: it was said and taken back.
    """

    __tablename__ = "library_fields"

    kind: Mapped[str] = mapped_column(ShortText(40), primary_key=True)
    key: Mapped[str] = mapped_column(ShortText(100), primary_key=True)
    field: Mapped[str] = mapped_column(ShortText(200), primary_key=True)
    value: Mapped[str] = mapped_column(StoredText)
    counter: Mapped[int] = mapped_column(BigInteger)
    writer: Mapped[str] = mapped_column(StoredText)


class WaitingLibraryEdit(Base):
    """The outbox of the library: what the user said and one storage was not told yet."""

    __tablename__ = "waiting_library_edits"
    __table_args__ = (Index(None, "file_storage_id", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    file_storage_id: Mapped[int] = mapped_column(ForeignKey("file_storages.id"))
    edit: Mapped[LibraryEdited] = mapped_column(CoreJson(LibraryEdited))
