"""Storages: what may be said of them over HTTP, and what is told."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking, Finding, Meta
from imalink.core.plain_text import LINE_PATTERN, TEXT_PATTERN

UUID_PATTERN = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
UUID_EXAMPLE = "a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
PATH_EXAMPLE = "/media/blue/photos"


class NewStorage(Asking):
    """A storage to be made in a folder of its own below ``base_path``."""

    base_path: str = Field(min_length=1, max_length=4096, examples=[PATH_EXAMPLE])
    display_name: str = Field(min_length=1, max_length=200, pattern=LINE_PATTERN, examples=["Blue Samsung"])
    description: str | None = Field(
        default=None, max_length=5000, pattern=TEXT_PATTERN, examples=["Primary storage for all family photos"]
    )
    create_base_path: bool = Field(
        default=False,
        description="Make the folder `base_path` if it is not there. Without this a folder that is not there is "
        "refused, because it may be the mount point of a disk that is not plugged in.",
    )


class AdoptedFolder(Asking):
    """The user's own folder, to become a storage in place."""

    folder: str = Field(min_length=1, max_length=4096, examples=["/home/ada/Pictures"])
    display_name: str = Field(min_length=1, max_length=200, pattern=LINE_PATTERN, examples=["Pictures"])
    description: str | None = Field(default=None, max_length=5000, pattern=TEXT_PATTERN)
    index: bool = Field(default=True, description="Take what is in it into a session at once.")


class StorageChange(Asking):
    """What is to be different about a storage; what is not named stays."""

    base_path: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        examples=["/media/larger"],
        description="Where its folder stands now. What stands there must be this storage by its signature.",
    )
    display_name: str | None = Field(
        default=None, min_length=1, max_length=200, pattern=LINE_PATTERN, examples=["Red Toshiba"]
    )
    description: str | None = Field(default=None, max_length=5000, pattern=TEXT_PATTERN)


class Roots(Asking):
    """Folders to look for storages in."""

    roots: list[str] = Field(
        default=[],
        max_length=100,
        examples=[["/media/blue"]],
        description="Storages at or a few levels below these folders; none: wherever this machine last saw one.",
    )
    check: bool = Field(default=False, description="Only compare the storages with the catalog; change nothing.")
    verify: bool = Field(default=False, description="Read every file and compare its bytes.")
    dry_run: bool = Field(
        default=False,
        description="Only show the storages that this machine does not trust yet: what each says of itself, counted "
        "and checked; nothing is taken in. Not together with `check` and `verify`.",
    )


class Verification(Asking):
    """How closely files are to be looked at."""

    depth: Literal["quick", "sample", "full"] = "full"
    session: str | None = Field(default=None, max_length=64, description="Only this session: its number or UUID.")
    percent: float = Field(default=1.0, gt=0, le=100, description="The share that a sample reads.")
    restart: bool = Field(default=False, description="Begin anew where an earlier run was stopped.")
    heal: bool = Field(default=False, description="Bring back what is found damaged or missing from other storages.")


class WritingSidecars(Asking):
    """How sidecars are to be written."""

    dry_run: bool = Field(default=False, description="Only tell what would be written.", examples=[True])


class Storage(BaseModel):
    """One storage as the catalog knows it."""

    id: int
    storage_uuid: str = Field(pattern=UUID_PATTERN, examples=[UUID_EXAMPLE])
    uuid: str = Field(pattern=UUID_PATTERN, examples=[UUID_EXAMPLE], description="The same as `storage_uuid`.")
    directory_name: str = Field(examples=["imalink_20241018_143052_a1b2c3d4"])
    base_path: str = Field(examples=[PATH_EXAMPLE])
    full_path: str = Field(examples=[f"{PATH_EXAMPLE}/imalink_20241018_143052_a1b2c3d4"])
    display_name: str
    description: str
    layout: str = Field(examples=["hybrid"])
    created_at: str = Field(examples=["2024-10-18T14:30:52Z"])
    is_active: bool
    is_accessible: bool = Field(description="How it answered last; POST …/accessibility asks it now.")
    total_files: int
    total_size_bytes: int
    total_size_mb: float = Field(description="In MiB.")
    storage_size_mb: int = Field(description="In MiB, rounded up.")
    last_scan: str | None


class MadeStorage(Storage):
    """A storage that was made, or found standing there and taken in."""

    adopted: bool
    restored_sessions: int
    restored_files: int


class StorageDetails(Storage):
    """One storage, and how many sessions it holds part of."""

    import_sessions_count: int


class ChangedStorage(Storage):
    """A storage after a change; ``copy_left_at`` is where a copy of it still answers."""

    copy_left_at: str | None


class StorageList(BaseModel):
    """All storages, by name."""

    storages: list[Storage]
    total_count: int
    meta: Meta


class Accessibility(BaseModel):
    """Whether a storage can be used now. The numbers are never null."""

    storage_uuid: str
    uuid: str
    display_name: str
    is_active: bool
    is_accessible: bool
    status: str = Field(
        description="`online`, or the code of the error that says why it is away, or is only read, or is full.",
        examples=["online"],
    )
    reason: str
    hint: str
    is_writable: bool
    free_space_gb: float = Field(description="In GiB; 0 while it is away.")
    total_space_gb: float
    free_bytes: int | None
    total_bytes: int
    waiting_edits: int
    checked_path: str


class StorageCounts(BaseModel):
    """What is indexed in a storage."""

    total_files: int
    total_size_bytes: int
    total_size_mb: float = Field(description="In MiB.")
    import_sessions_count: int


class SessionCounts(BaseModel):
    """One session of a storage."""

    id: int
    session_uuid: str
    title: str
    imported_at: str
    file_count: int
    total_size_bytes: int
    status: str


class StorageStatistics(BaseModel):
    """What is indexed in a storage, also while it is away: then as last known."""

    storage_uuid: str
    uuid: str
    display_name: str
    is_active: bool
    is_accessible: bool
    last_scan: str | None
    statistics: StorageCounts
    import_sessions: list[SessionCounts]


class ForgottenStorage(BaseModel):
    """What the library lost sight of by forgetting a storage; its files are as before."""

    storage_uuid: str
    display_name: str
    full_path: str
    forgotten: bool
    file_count: int
    photo_count: int
    lost_photo_count: int
    lost_session_count: int
    waiting_edit_count: int


class RecoveredStorage(BaseModel):
    """A storage that a recovery read."""

    storage_uuid: str
    display_name: str
    path: str


class Recovery(BaseModel):
    """What came back from the storages' own indexes, or how a check compared."""

    storages: list[RecoveredStorage]
    restored_sessions: int
    restored_files: int
    restored_photos: int
    sessions: list[dict[str, object]]
    missing_files: list[dict[str, object]]
    changed_files: list[dict[str, object]]
    corrupt_indexes: list[str]
    differences: list[str]
    not_compared: list[dict[str, object]]
    notes: list[str] = Field(description="What no storage can give back, such as accounts, and what to do next.")
    findings: list[Finding]
    seconds: float


class StoragePreview(BaseModel):
    """What a storage that is not trusted yet says of itself, counted in what could be believed."""

    storage_uuid: str
    display_name: str
    path: str
    layout: str
    created_at: str
    backend_url: str = Field(description="The server that it names; it is shown, and never called.")
    session_count: int
    photo_count: int
    file_count: int
    total_size_bytes: int
    interrupted_runs: int = Field(description="Imports never finished there; taking it in finishes them.")
    findings: list[Finding]


class RecoveryPreview(BaseModel):
    """What a recovery would take in from storages that are not trusted yet, and which are trusted already."""

    previews: list[StoragePreview]
    trusted: list[str] = Field(description="The UUIDs of the storages found that this machine trusts.")
    findings: list[Finding]


class Verified(BaseModel):
    """What a verification found; ``healing`` is there when it was asked for."""

    storage_uuid: str
    depth: str
    started_at: str
    checked: int
    ok: int
    verdicts: dict[str, int]
    files: list[dict[str, object]]
    own_files_checked: int
    own_files_damaged: int
    bytes_read: int
    seconds: float
    findings: list[Finding]


class WrittenSidecars(BaseModel):
    """What became of the sidecars of a storage, or would; paths in it."""

    storage_uuid: str
    dry_run: bool
    written: list[str]
    replaced: list[str]
    left_alone: list[str] = Field(description="Beside these stand sidecars of other programs: nothing was written.")
    unchanged: int
    findings: list[Finding]
    seconds: float


class Browsed(BaseModel):
    """A storage as its own indexes tell of it, without the catalog."""

    storage_uuid: str
    display_name: str
    path: str
    layout: str
    is_accessible: bool
    sessions: list[dict[str, object]]
    findings: list[Finding]


class ScanLocation(BaseModel):
    """A mount point with directories of imports that are storages of their own."""

    path: str = Field(examples=["/media/blue"])
    session_count: int
    sessions: list[str] = Field(examples=[["20241018_import_italy_a1b2c3d4"]])
