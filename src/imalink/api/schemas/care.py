"""Caring for storages over HTTP: healing, locks, ExifTool, proofs for cards, backups, rehearsals."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking, Finding
from imalink.api.schemas.photos import HOTHASH_EXAMPLE


class Healing(Asking):
    """What is to be healed."""

    hothashes: list[Annotated[str, Field(pattern="^[0-9a-fA-F]{8,64}$")]] = Field(
        default=[],
        max_length=1000,
        description="Only these pictures; without them all that is known to be damaged or missing.",
        examples=[[HOTHASH_EXAMPLE]],
    )
    dry_run: bool = Field(default=False, description="Tell what would be healed and from where; write nothing.")


class HealedFile(BaseModel):
    """A file whose archived bytes stand at its place again; `kept` is where what stood there is kept."""

    path: str
    hothash: str
    source: str
    kept: str | None


class UnhealedFile(BaseModel):
    """A file that stays as it is, and why; `storages_away` are those out of reach that should have its bytes."""

    path: str
    hothash: str
    why: str
    storages_away: list[str]


class Healed(BaseModel):
    """What was healed, or would be, and what was not."""

    storage_uuid: str
    dry_run: bool
    healed: list[HealedFile]
    unhealed: list[UnhealedFile]
    already_whole: list[str]
    previews_made: int
    manifests_written: int
    findings: list[Finding]
    seconds: float


class Unlocking(Asking):
    """How to look at a lock."""

    dry_run: bool = Field(default=False, description="Only tell who holds it, as far as one look can tell.")


class LockHolder(BaseModel):
    """Who holds a lock, by what it says itself; silent for `ttl_s` seconds, it may be given up."""

    hostname: str
    pid: int
    purpose: str
    acquired: str
    heartbeat: int
    ttl_s: int


class Unlocked(BaseModel):
    """Who held the lock, and whether it was broken; `kept` is where a broken one is kept in the storage."""

    storage_uuid: str
    display_name: str
    state: Literal["free", "dead", "illegible", "held", "alive", "silent"]
    holder: LockHolder | None
    dry_run: bool
    broken: bool
    kept: str | None


class Enriched(BaseModel):
    """What ExifTool told."""

    storage_uuid: str
    files_asked: int
    files_enriched: int
    findings: list[Finding]
    seconds: float


class CardChecking(Asking):
    """Which folder is to be proved archived, and how well."""

    source_directory: str = Field(min_length=1, max_length=4096, examples=["/media/anna/card"])
    min_copies: int = Field(default=1, ge=1, le=100, description="In how many storages each file must be.")
    trust_verified_days: float = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Let a verification do that is not older, instead of reading the archived files now.",
    )
    pictures_only: bool = Field(
        default=False, description="Leave out of account what is neither a picture nor a companion."
    )


class ProvenCopy(BaseModel):
    """A file in a storage that holds the bytes of one on the card."""

    storage_uuid: str
    display_name: str
    relative_path: str
    verified_at: str


class CheckedFile(BaseModel):
    """A file of the card: whether it may go, and why not."""

    path: str
    file_size: int
    sha256: str | None
    status: Literal[
        "safe", "too-few-copies", "offline", "damaged", "other-bytes", "not-stored", "not-a-picture", "unreadable"
    ]
    copies: list[ProvenCopy]
    storages_away: list[str]


class CardCheck(BaseModel):
    """What was proved of a card: it may be formatted if `safe`, and not if not."""

    safe: bool
    sentence: str = Field(examples=["412 of 412 stored, verified, on 2 storages: safe to format"])
    total: int
    counts: dict[str, int]
    storages: int
    min_copies: int
    left_out: int
    files: list[CheckedFile]
    findings: list[Finding]
    seconds: float


class BackingUp(Asking):
    """Where to."""

    folder: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        examples=["/media/anna/backups"],
        description="A folder that is there, in no storage; the backup is a new folder in it. Without it the backup is "
        "one of those that the server keeps in its own data directory.",
    )


class BackedUpStorage(BaseModel):
    """A storage of which the indexes are in a backup."""

    storage_uuid: str
    display_name: str
    files: int
    size_bytes: int


class Backup(BaseModel):
    """What was backed up: the catalog and the indexes of storages, each file read back. Pictures are not in it."""

    folder: str
    storages: list[BackedUpStorage]
    out_of_reach: list[str]
    files: int
    size_bytes: int
    removed: list[str] = Field(description="Older ones of the server's own that went for it.")
    findings: list[Finding]
    seconds: float


class Rehearsal(BaseModel):
    """One rehearsed loss; `differences` is what came back otherwise than it is."""

    scenario: str
    meaning: str
    sessions: int
    files: int
    photos: int
    differences: list[str]
    seconds: float


class NotRehearsed(BaseModel):
    """A storage that could not be compared, and why."""

    storage_uuid: str
    display_name: str
    photos: int
    files: int
    status: str
    reason: str


class Drill(BaseModel):
    """How the rehearsal of losing the catalog, and the indexes too, went."""

    is_passed: bool
    storages: list[str]
    rehearsals: list[Rehearsal]
    only_in_catalog: list[str] = Field(description="What would go with the catalog: edits that wait for a storage.")
    not_compared: list[NotRehearsed]
    findings: list[Finding]
    seconds: float
