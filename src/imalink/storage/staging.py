"""One import run: staged copies, the intent file that says where each will go, and the rename that commits it all.

Order and reasons: docs/format/durability.md. The commit is ``commits/<run_uuid>.jsonl``; until it stands there the
run can be finished or thrown away from what ``staging/<run_uuid>/`` holds.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from imalink.core.finding import Finding
from imalink.core.ids import RunUuid
from imalink.core.journal import Commit, FileSwap, RunBegin, RunEnd, RunPlan, RunReplacement
from imalink.core.relative_path import RelativePath
from imalink.durable_files import AppendFile, storage_errors
from imalink.errors import NotFoundError, UnsafePathError
from imalink.formats.commit_file import (
    INTENT_NAME,
    RunContent,
    RunWriter,
    parse_commit,
    parse_run,
    parse_run_begin,
    parse_run_ends,
)
from imalink.formats.json_lines import MAX_LINE_BYTES
from imalink.storage.fs import STAGING, StagedFile, StorageFiles

TRASH = RelativePath(".imalink-trash")
"""At the storage's root only while something is in it: what ImaLink took away, for the user to look through."""
QUARANTINE = RelativePath(".imalink/quarantine")
"""Damaged files that a sound one took the place of."""
KEEPING_FOLDERS = (TRASH, QUARANTINE)
COMMITS = RelativePath(".imalink/metadata/commits")
MAX_RUN_BYTES = 2 * 1024 * 1024 * 1024


class ImportRun:
    """A run in progress. The caller holds the storage's lock from before ``start`` until after ``clean_up``.

    Per file: ``stage`` and write the copy, ``plan`` it; per group: ``flush_plans``, ``place`` each, then
    ``sync_places``. At the end ``commit``, and after the fold ``clean_up``.
    """

    def __init__(self, files: StorageFiles, run_uuid: RunUuid) -> None:
        self._files = files
        self.run_uuid = run_uuid
        self.folder = RelativePath(f"{STAGING}/{run_uuid}")
        self._intent_path = intent_path(run_uuid)
        self._writer = RunWriter()
        self._intent: AppendFile | None = None
        self._touched_folders: set[RelativePath | None] = set()
        self._has_claims = False
        self._has_new_names = False

    def start(self, begin: RunBegin) -> None:
        """Make the staging folder and the intent file with its first line, durable."""
        self._files.make_directories(self.folder)
        self._files.make_directories(COMMITS)
        self._intent = self._files.open_appending(self._intent_path)
        self._intent.append(self._writer.begin(begin))
        self._intent.sync()

    def reopen(self, content: RunContent) -> None:
        """Go on with an interrupted run whose good lines are ``content``; a torn tail is cut off.

        The intent becomes another file: whoever began the run may only have been suspended while its lock was broken,
        and must not write into what becomes the commit.
        """
        self._files.make_directories(COMMITS)
        good = self._files.read_bytes(self._intent_path, MAX_RUN_BYTES)[: content.good_bytes]
        self._files.replace(self._intent_path, good)
        self._intent = self._files.open_appending(self._intent_path, valid_bytes=content.good_bytes)
        self._writer.resume(content.payloads)
        self._has_claims = content.has_claims

    @contextmanager
    def stage(self, name: str) -> Generator[StagedFile]:
        """Hold a new staged file open for a block; ``name`` is unique in the run, such as ``17.part``."""
        self._has_new_names = True
        with self._files.stage_new(self.staged_path(name)) as staged:
            yield staged

    def staged_path(self, name: str) -> RelativePath:
        """Say where a staged file stands."""
        return RelativePath(f"{self.folder}/{name}")

    def discard(self, name: str) -> None:
        """Throw a staged copy away."""
        self._files.remove_own(self.staged_path(name))

    def plan(self, plan: RunPlan) -> None:
        """Write down where a staged file will go; durable after ``flush_plans``. A later plan of it replaces this."""
        self._open_intent().append(self._writer.plan(plan))

    def plan_replacement(self, replacement: RunReplacement) -> None:
        """Write down which staged files will take the place of which others; durable after ``flush_plans``."""
        self._open_intent().append(self._writer.replace(replacement))

    def drop(self, name: str) -> None:
        """Take the plan of a staged file back."""
        self._open_intent().append(self._writer.drop(name))

    def flush_plans(self) -> None:
        """Make all plans durable, and the names of the staged files that they speak of.

        So whatever a plan speaks of stands in staging or at its place, and a picture never loses its companions.
        """
        if self._has_new_names:
            self._files.sync_directory(self.folder)
            self._has_new_names = False
        self._open_intent().sync()

    def place(self, name: str, final: RelativePath, *, is_own_claim: bool = False) -> None:
        """Give a staged file its final name, whose plan is durable. Raises NameTakenError: plan it anew.

        ``is_own_claim`` says that an empty file may stand there that the run itself left (see ``RunContent``).
        """
        if final.parent is not None:
            self._files.make_directories(final.parent)
        self._files.place(self.staged_path(name), final, before_claim=self._note_claims, is_own_claim=is_own_claim)
        self._touched_folders.add(final.parent)

    def swap(self, swap: FileSwap, *, is_own_claim: bool = False) -> None:
        """Put a staged file in the place of another, which is kept; durable when it returns. Its plan must be.

        At every moment the old or the new bytes stand at ``swap.path`` where the file system can let two files change
        names in one step; elsewhere the place is empty for a moment, in which both are safe under other names. Where
        nothing stands at the place, or with ``is_own_claim`` the run's empty file, it is just placed. Raises
        NameTakenError, UnsafePathError, StorageError.
        """
        put_in_place(
            self._files,
            self.staged_path(swap.staged_name),
            swap.path,
            swap.kept,
            before_claim=self._note_claims,
            is_own_claim=is_own_claim,
        )

    def keeping_path(self, path: RelativePath, *, is_damaged: bool = False) -> RelativePath:
        """Say where what stands at ``path`` is kept when something else takes its place. Raises InvalidPathError."""
        return (QUARANTINE if is_damaged else TRASH).below(f"{self.run_uuid}/{path}")

    def _note_claims(self) -> None:
        """Write down once, durable before the first, that names are claimed on this file system."""
        if not self._has_claims:
            self._open_intent().append(self._writer.claims())
            self._open_intent().sync()
            self._has_claims = True

    def sync_places(self) -> None:
        """Make the names of everything placed so far durable."""
        for folder in sorted(self._touched_folders, key=lambda each: each or ""):
            self._files.sync_directory(folder)
        self._touched_folders.clear()

    def commit(self, end: RunEnd, findings: Iterable[Finding]) -> None:
        """Make the run a fact: from this rename on, what it placed is imported. Everything is durable before it."""
        self.sync_places()
        intent = self._open_intent()
        for finding in findings:
            intent.append(self._writer.finding(finding))
        intent.append(self._writer.end(end))
        intent.sync()
        self._files.verify_guard()
        intent.close()
        self._intent = None
        self._files.move(self._intent_path, commit_path(self.run_uuid))
        self._files.sync_directory(COMMITS)
        self._files.sync_directory(self.folder)

    def clean_up(self) -> None:
        """Remove what is left of the staging folder; called when the run is committed and folded."""
        remove_staging(self._files, self.run_uuid)

    def _open_intent(self) -> AppendFile:
        if self._intent is None:
            raise ValueError("the run is not open")
        self._files.check_guard()  # another may have finished this run meanwhile: its commit is not to be written into
        return self._intent

    def close(self) -> None:
        """Close the intent file and leave everything on the disk as it is, for a later recovery."""
        if self._intent is not None:
            self._intent.close()
            self._intent = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def put_in_place(
    files: StorageFiles,
    staged: RelativePath,
    path: RelativePath,
    kept: RelativePath,
    *,
    before_claim: Callable[[], None] | None = None,
    is_own_claim: bool = False,
) -> None:
    """Put a staged, flushed file in the place of what stands at ``path``, which is kept; durable when it returns.

    Promise and errors: ``ImportRun.swap``.
    """
    if not any(kept.is_below(folder) for folder in KEEPING_FOLDERS):
        raise UnsafePathError(f"{kept.printable()} is no place to keep a replaced file; nothing was touched.")
    kept_folder, folder = kept.parent, path.parent
    assert kept_folder is not None
    if folder is not None:
        files.make_directories(folder)
    if files.exists(path) and not is_own_claim:
        files.make_directories(kept_folder)
        if files.exists(staged):
            # Names below that folder are this run's alone, so an empty file there can only be its own claim.
            files.place(staged, kept, before_claim=before_claim, is_own_claim=True)
            files.sync_directory(kept_folder)
        if not files.exchange(kept, path):
            files.move(kept, staged)
            files.sync_directory(staged.parent)
            files.move(path, kept, is_own_claim=True)
            files.sync_directory(kept_folder)
            files.sync_directory(folder)
            files.place(staged, path, before_claim=before_claim)
    else:
        files.place(staged, path, before_claim=before_claim, is_own_claim=is_own_claim)
    files.sync_directory(folder)
    if files.exists(kept):
        files.sync_directory(kept_folder)


def commit_path(run_uuid: RunUuid) -> RelativePath:
    """Say where a committed run stands."""
    return RelativePath(f"{COMMITS}/{run_uuid}.jsonl")


def intent_path(run_uuid: RunUuid) -> RelativePath:
    """Say where the plans of a run stand that is not committed."""
    return RelativePath(f"{STAGING}/{run_uuid}/{INTENT_NAME}")


def list_commits(files: StorageFiles) -> list[RunUuid]:
    """List the committed runs of a storage."""
    try:
        names = files.list_names(COMMITS)
    except NotFoundError:
        return []
    return [RunUuid(name.removesuffix(".jsonl")) for name in names if name.endswith(".jsonl")]


def load_commit(files: StorageFiles, run_uuid: RunUuid, *, cap_bytes: int = MAX_RUN_BYTES) -> Commit:
    """Read a committed run. Raises IndexDamagedError, NotFoundError."""
    path = commit_path(run_uuid)
    return parse_commit(files.read_bytes(path, cap_bytes), file=path)


def load_run_ends(files: StorageFiles, run_uuid: RunUuid) -> tuple[RunBegin, RunEnd]:
    """Read how a committed run began and ended, without its files. Raises IndexDamagedError, NotFoundError."""
    path = commit_path(run_uuid)
    return parse_run_ends(files.read_bytes(path, MAX_RUN_BYTES), file=path)


def load_run_begin(files: StorageFiles, path: RelativePath) -> RunBegin:
    """Read whose run a commit or intent file is, from its first line alone. Raises IndexDamagedError, NotFoundError."""
    with files.open_for_reading(path) as descriptor, storage_errors("read", path):
        head = files.calls.pread(descriptor, 2 * MAX_LINE_BYTES, 0)
    return parse_run_begin(head, file=path)


def is_commit_claim(files: StorageFiles, run_uuid: RunUuid) -> bool:
    """Tell whether a commit is only the empty claim to its name, left by a kill, while the run stands in staging."""
    facts = files.find_facts(commit_path(run_uuid))
    intent = files.find_facts(intent_path(run_uuid))
    return facts is not None and facts.is_file and facts.size_bytes == 0 and intent is not None


def list_interrupted(files: StorageFiles) -> list[RunUuid]:
    """List the runs that left a staging folder: interrupted, or committed and not yet cleaned up."""
    try:
        names = files.list_names(STAGING)
    except NotFoundError:
        return []
    found: list[RunUuid] = []
    for name in names:
        facts = files.find_facts(RelativePath(f"{STAGING}/{name}"))
        if facts is not None and facts.is_directory:
            found.append(RunUuid(name))
    return found


def load_interrupted(files: StorageFiles, run_uuid: RunUuid) -> RunContent | None:
    """Read an interrupted run's intent file as far as it is good; None when there is none.

    Raises IndexDamagedError.
    """
    path = intent_path(run_uuid)
    data = files.find_bytes(path, MAX_RUN_BYTES)
    return None if data is None else parse_run(data, file=path)


def remove_staging(files: StorageFiles, run_uuid: RunUuid) -> None:
    """Remove a run's staging folder and the files in it, no deeper."""
    folder = RelativePath(f"{STAGING}/{run_uuid}")
    try:
        names = files.list_names(folder)
    except NotFoundError:
        return
    for name in names:
        files.remove_own(RelativePath(f"{folder}/{name}"))
    files.remove_own(folder)


def remove_left_files(files: StorageFiles) -> None:
    """Remove what killed processes left in staging outside any run: index files and previews, half written."""
    try:
        names = files.list_names(STAGING)
    except NotFoundError:
        return
    for name in names:
        path = RelativePath(f"{STAGING}/{name}")
        facts = files.find_facts(path)
        if facts is not None and not facts.is_directory:
            files.remove_own(path)
