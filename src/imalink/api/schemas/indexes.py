"""Index files over HTTP: written, looked at, brought in step with the folder."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from imalink.api.schemas.envelope import Asking, Finding


class Scanning(Asking):
    """How a storage is to be walked; without a body, as it is best for most."""

    strategy: Literal["quick", "smart", "full"] | None = Field(
        default=None,
        description="quick: only whether each file is there; smart: read what changed in size, time or inode; "
        "full: read everything.",
    )
    rehash: bool = Field(default=False, description="Give every picture the hothash of today's method.")
    dry_run: bool = Field(default=False, description="Say what happened to the folder; write nothing.")
    accept_missing: bool = Field(default=False, description="Yes, that many files were really removed.")
    add_orphans: bool = Field(default=False, description="Take pictures that belong to no session into one.")
    remove_missing: bool = Field(default=False, description="Take missing files out of the index.")
    hash_orphans: bool = True
    find_duplicates: bool = True
    fix_paths: bool = True


class Generated(BaseModel):
    """Which index files were written again."""

    storage_uuid: str
    display_name: str
    is_known: bool
    sessions: list[int] = Field(description="The numbers of the session indexes that were written.")
    total_files: int
    findings: list[Finding]
    seconds: float


class IndexedSession(BaseModel):
    """Where a session's index stands."""

    session_id: int
    session_uuid: str
    storage_uuid: str
    title: str
    index_filename: str = Field(examples=["session_42.json"])
    index_path: str
    is_written: bool = Field(description="False where a sound index stood there already.")
    total_files: int
    findings: list[Finding]


class SessionIndexState(BaseModel):
    """How the index of one session stands."""

    session_id: int
    session_uuid: str
    title: str
    index_filename: str
    index_exists: bool
    is_intact: bool


class IndexStatus(BaseModel):
    """How the index files of a storage stand; while it is away, as last known (``is_accessible`` false)."""

    storage_uuid: str
    uuid: str
    display_name: str
    is_accessible: bool
    master_index_exists: bool
    overview_exists: bool
    files_index_exists: bool
    all_intact: bool
    total_sessions: int
    sessions: list[SessionIndexState]
    last_scan: str | None


class MovedFile(BaseModel):
    """A file that the user moved or renamed."""

    hothash: str
    old_path: str = Field(examples=["photos/2024/italy/IMG_001.jpg"])
    new_path: str = Field(examples=["photos/Vacations/Italy_2024/Rome/IMG_001.jpg"])
    session_id: int


class MissingFile(BaseModel):
    """A file that stands nowhere in its storage."""

    hothash: str
    expected_path: str
    last_seen: str | None


class Scanned(BaseModel):
    """What a walk of the folder found and, unless it was a dry run, what was written down of it."""

    model_config = ConfigDict(extra="allow")

    strategy: str
    dry_run: bool
    changes_detected: bool
    moved_files: list[MovedFile]
    missing_files: list[MissingFile]
    newly_missing: list[MissingFile]
    new_files: list[str]
    modified_files: list[dict[str, object]]
    duplicates: list[dict[str, object]]
    conflicts: list[dict[str, object]]
    files_hashed: int
    findings: list[Finding]
    seconds: float


class MasterScan(BaseModel):
    """What the last scan left: missing and new files as they stand now, and what was moved, if this server scanned."""

    changes_detected: bool
    moved_count: int
    moved_files: list[MovedFile]
    missing_files: list[dict[str, object]]
    new_files: list[str]


class Master(BaseModel):
    """The overview of a storage's imports, with where the storage stands now and what the last scan left."""

    model_config = ConfigDict(extra="allow")

    storage_info: dict[str, object] = Field(description="With `full_path` and `is_accessible` as of now.")
    import_sessions: list[dict[str, object]]
    last_scan: MasterScan
    conflicts: list[dict[str, object]]


class SessionIndex(BaseModel):
    """A session's index as its file has it: docs/format/index-files.md."""

    model_config = ConfigDict(extra="allow")

    import_session: dict[str, object]
    files: dict[str, dict[str, object]] = Field(description="By hothash; `filename` is the path below `photos/`.")
