"""Import sessions over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from imalink.api.schemas.envelope import Asking, Finding, Meta
from imalink.core.plain_text import LINE_PATTERN, TEXT_PATTERN


class NewSession(Asking):
    """A session into which pictures are to be imported."""

    title: str = Field(min_length=1, max_length=500, pattern=LINE_PATTERN, examples=["Italy Vacation 2024"])
    description: str | None = Field(
        default=None, max_length=5000, pattern=TEXT_PATTERN, examples=["Family trip to Rome and Venice"]
    )
    default_author_id: int | None = Field(default=None, ge=1, le=2**31 - 1, examples=[1])
    file_storage_id: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="The `id` of the storage its pictures go to.", examples=[5]
    )


class SessionChange(Asking):
    """What is to be different about a session; what is not named stays."""

    title: str | None = Field(default=None, min_length=1, max_length=500, pattern=LINE_PATTERN)
    description: str | None = Field(default=None, max_length=5000, pattern=TEXT_PATTERN)


class Importing(Asking):
    """What to import, and how."""

    source_directory: str = Field(
        min_length=1, max_length=4096, examples=["/media/card/DCIM"], description="It is only ever read."
    )
    organize: str = Field(
        default="keep",
        max_length=500,
        examples=["date"],
        description="keep, date, session, flat, or a template such as {year}/{month:02}/{filename}.",
    )
    duplicates: Literal["skip", "keep-both", "replace"] = "skip"
    copy_files: bool = Field(
        default=True, description="False: the pictures stay where they are and are only referred to; no copy is made."
    )
    author_id: int | None = Field(default=None, ge=1, le=2**31 - 1)
    storage_root: str | None = Field(
        default=None, max_length=4096, description="For a directory of its own for this import: not possible yet (400)."
    )
    storage_accessible: bool | None = Field(
        default=None, description="Whether the caller thinks that the storage is there; it is looked at all the same."
    )
    exclude: list[str] = Field(default=[], max_length=100, examples=[["*.tmp"]])
    include_deleted: bool = Field(default=False, description="Take in again what was deleted before.")
    dry_run: bool = Field(default=False, description="Say what would come in, and where it would go; write nothing.")


class ImportingUploads(Asking):
    """How what was uploaded is imported."""

    organize: str = "keep"
    duplicates: Literal["skip", "keep-both", "replace"] = "skip"
    author_id: int | None = None
    include_deleted: bool = False


class Uploaded(BaseModel):
    """A file that came whole and waits for its import."""

    path: str = Field(examples=["DCIM/100CANON/IMG_0001.JPG"])
    size_bytes: int
    sha256: str


class Received(Uploaded):
    """A file that came whole; ``was_there``: it had come before, byte for byte the same."""

    was_there: bool


class UploadAnswer(BaseModel):
    """What came, and what the import did, if one was asked for."""

    files: list[Received]
    imported: dict[str, object] | None = Field(
        description="As after `import`; and in `left`, what still waits because it is not proved to be archived."
    )


class UploadList(BaseModel):
    """What was uploaded to a session and waits, by path."""

    files: list[Uploaded]


class Discarded(BaseModel):
    """How many files were thrown away."""

    discarded: int


class Resuming(Asking):
    """Where an interrupted import goes on."""

    source_directory: str | None = Field(
        default=None, min_length=1, max_length=4096, description="Where the folder is now, if elsewhere."
    )
    dry_run: bool = False


class RollingBack(Asking):
    """How an import is taken back."""

    dry_run: bool = Field(default=False, description="List what would go and what would stay; change nothing.")


class NewPlace(Asking):
    """Where the storage of a session stands now."""

    new_path: str = Field(min_length=1, max_length=4096, examples=["/media/larger"])


class Counts(BaseModel):
    """What imports counted; ``total_scanned`` is the sum of the next five."""

    total_scanned: int
    new_imports: int
    duplicates_skipped: int
    companions: int
    ignored: int
    errors: int
    total_size_bytes: int


class Session(BaseModel):
    """One import session as the catalog knows it."""

    id: int
    session_uuid: str
    title: str
    description: str
    status: str = Field(examples=["completed"])
    copy_status: str = Field(examples=["completed"])
    imported_at: str
    images_count: int
    file_count: int
    storage_uuid: str | None
    storage_directory_name: str | None
    file_storage_id: int | None
    default_author_id: int | None
    has_permanent_storage: bool
    index_filename: str
    source_path: str
    original_source_path: str
    copy_started_at: str | None
    copy_completed_at: str | None
    storage_size_mb: int
    statistics: Counts


class MadeSession(Session):
    """A session that was made, or one that came back with its storage and was asked for by its title."""

    restored: bool


class SessionFile(BaseModel):
    """One file of a session."""

    hothash: str
    storage_uuid: str
    relative_path: str
    original_filename: str
    status: str
    file_size: int
    sha256: str
    taken_at: str | None
    file_format: str
    rating: int | None


class SessionDetails(Session):
    """A session, its imports and its files."""

    photo_count: int
    runs: list[dict[str, object]]
    files: list[SessionFile]
    findings: list[Finding]


class SessionList(BaseModel):
    """Sessions, newest first."""

    import_sessions: list[Session]
    sessions: list[Session] = Field(description="The same list once more.")
    total_count: int
    meta: Meta


class Imported(BaseModel):
    """What an import did."""

    model_config = ConfigDict(extra="allow")

    session_id: int | None
    session_uuid: str | None
    status: str
    total_scanned: int
    new_imports: int
    duplicates_skipped: int
    companions: int
    ignored: int
    errors: int
    photos_created: int
    total_size_bytes: int
    source_no_longer_needed: bool = Field(description="Every file that was seen is proved to be archived.")
    findings: list[Finding]
    seconds: float


class MonthOfImports(BaseModel):
    """What came in in one month, by the days of the imports."""

    month: str = Field(examples=["2024-07"])
    session_count: int
    picture_count: int
    file_count: int
    total_size_bytes: int


class ImportStatistics(BaseModel):
    """What came in, month by month, in order."""

    months: list[MonthOfImports]


class RolledBack(BaseModel):
    """What taking an import back did."""

    dry_run: bool
    session_id: int
    session_uuid: str
    status: str
    operation_uuid: str | None
    files: list[dict[str, object]]
    staying: list[dict[str, object]]
    left_storages: list[dict[str, object]]
    findings: list[Finding]
    seconds: float


class SessionStorage(BaseModel):
    """Whether the files of a session can be reached now."""

    storage_accessible: bool
    storage_path: str | None
    files_accessible: int
    total_files: int


class StoragePlaced(BaseModel):
    """Whether the storage of a session answers at its new place."""

    accessible: bool
    storage_uuid: str
    storage_path: str
    copy_left_at: str | None
