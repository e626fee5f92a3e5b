"""Heal: put the archived bytes back where a file is damaged or missing, from any good copy; the damaged one is kept.

No intent is written. The index says already what belongs there; the copy is flushed and read back before anything
moves; names are exchanged, or the damaged file is named in quarantine before its place is filled; the journal speaks
last. So a crash leaves the damaged file or the good one, known as damaged or missing, and healing again ends it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from imalink.catalog.file_storages import StorageRecord
from imalink.core.comparison import KnownFile, known_files
from imalink.core.damage import Verdict
from imalink.core.finding import Finding
from imalink.core.ids import Hothash
from imalink.core.index import MasterIndex
from imalink.core.journal import FileSeen, FileWhole, Observation
from imalink.core.operation import OperationKind
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.durable_files import storage_errors
from imalink.errors import NameTakenError, NotFoundError, StorageError, VerificationError, WrongStateError
from imalink.storage.file_storage import FileStorage
from imalink.storage.fs import PLACED_MODE, STAGING
from imalink.storage.manifest import is_manifest_whole, save_manifest
from imalink.storage.staging import QUARANTINE, put_in_place
from imalink.workflows.find_file import get_pictures
from imalink.workflows.follow_moves import follow_moves
from imalink.workflows.good_copies import GoodCopies, GoodCopy
from imalink.workflows.mend_indexes import mend_indexes, peek_master
from imalink.workflows.new_operation import counted, new_operation
from imalink.workflows.storage_access import fold_notes, open_storage, project_fold, write_down
from imalink.workflows.tools import Tools
from imalink.workflows.verify_own_files import check_own_files
from imalink.workflows.verify_reading import FileJudge, Look

_CHUNK_BYTES = 1 << 20
_GROUP_FILES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HealedFile:
    """A file whose archived bytes stand at its place again; ``kept`` is where what stood there is kept, if any did.

    After a dry run: one that could be healed so.
    """

    path: RelativePath
    hothash: Hothash
    source: str
    kept: RelativePath | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnhealedFile:
    """A file that stays as it is; ``storages_away`` are those out of reach that should have its bytes."""

    path: RelativePath
    hothash: Hothash
    why: str
    storages_away: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class HealReport:
    """What was healed and what was not; ``already_whole`` were found to be as archived when they were looked at."""

    healed: list[HealedFile] = field(default_factory=list[HealedFile])
    unhealed: list[UnhealedFile] = field(default_factory=list[UnhealedFile])
    already_whole: list[RelativePath] = field(default_factory=list[RelativePath])
    previews_made: int = 0
    manifests_written: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    seconds: float = 0.0


def heal(
    tools: Tools,
    record: StorageRecord,
    *,
    hothashes: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> HealReport:
    """Bring back what a storage knows to be damaged or missing, all of it or of some pictures.

    Good bytes are looked for by checksum and read back from the device before they take a place; what stood there goes
    to quarantine and is never deleted. Without ``hothashes`` indexes, manifests and previews that are spoilt are made
    anew too. Protocol: docs/format/durability.md, "Healing". Raises UsageError, NotFoundError, StorageError,
    CancelledError.
    """
    started = time.monotonic()
    progress = progress or SilentProgress()
    wanted = {picture.hothash for picture in get_pictures(tools, hothashes)} if hothashes else None
    if not dry_run:
        follow_moves(tools, record, progress)
    with open_storage(tools, record) as storage:
        if storage.layout.is_reference:
            raise WrongStateError(
                f"The pictures of {record.display_name} are only read, so nothing in it can be healed.",
                hint="Put good copies into that folder yourself, then run `imalink reindex`.",
            )
        work = _Healing(tools, record, storage, progress, dry_run=dry_run)
        if dry_run:
            work.heal_files(peek_master(storage), wanted)
        else:
            with storage.lock("heal"):
                work.run(wanted)
    work.report.seconds = round(time.monotonic() - started, 3)
    return work.report


class _Healing:
    def __init__(
        self, tools: Tools, record: StorageRecord, storage: FileStorage, progress: Progress, *, dry_run: bool
    ) -> None:
        self._tools = tools
        self._record = record
        self._storage = storage
        self._progress = progress
        self._dry_run = dry_run
        self._operation = new_operation(tools, OperationKind.HEAL, "Heal")
        self._staging = RelativePath(f"{STAGING}/{self._operation.operation_uuid}")
        self._done: list[Observation] = []
        self.report = HealReport()

    def run(self, wanted: Collection[Hothash] | None) -> None:
        """Mend indexes, heal files in groups, make derived files anew."""
        storage = self._storage
        unsound = [number for number in storage.indexes.list_sessions() if not storage.indexes.is_session_sound(number)]
        mended = mend_indexes(self._tools, self._record, storage, suspects=unsound)
        self.report.findings.extend(mended.findings)
        try:
            self.heal_files(mended.master, wanted)
        finally:
            self._write_down()
            self._clean_up()
        if wanted is None:
            self._mend_own_files()
            self._make_derived()

    def heal_files(self, master: MasterIndex, wanted: Collection[Hothash] | None) -> None:
        """Look at each file that is known to be damaged or missing, and bring it back."""
        known = known_files(master)
        files = sorted(
            (
                file
                for file in (*known.by_path.values(), *known.displaced)
                if (file.damage is not None or (file.is_missing and file.is_picture))
                and (wanted is None or file.hothash in wanted)
            ),
            key=lambda file: file.path,
        )
        damaged = sum(file.damage is not None for file in files)
        counts = {"damaged": damaged, "missing": len(files) - damaged}
        self._operation = replace(self._operation, title=counted("Heal", counts), counts=counts)
        self._progress.start_phase("heal", total_files=len(files), total_bytes=sum(file.size_bytes for file in files))
        if not files:
            return
        sums = {file.sha256 for file in known.by_path.values() if file.sha256 is not None}
        judge = FileJudge(self._storage.pictures, self._tools.analyser, sums=sums)
        looked = {file.sha256 for file in files if file.sha256 is not None}
        with GoodCopies(self._tools, self._record, self._storage, wanted=looked) as copies:
            for number, file in enumerate(files, 1):
                self._progress.checkpoint()
                self._heal(file, judge, copies, number)
                if len(self._done) >= _GROUP_FILES:
                    self._write_down()
                self._progress.advance(files=1, size_bytes=file.size_bytes, current=file.path.printable())

    def _heal(self, file: KnownFile, judge: FileJudge, copies: GoodCopies, number: int) -> None:
        before = self._storage.pictures.find_facts(file.path)
        look = judge.look(file)
        if look.verdict is Verdict.OK:
            self.report.already_whole.append(file.path)
            self._remember(file)
            return
        if not _may_be_healed(file, look):
            self._refuse(file, f"it is {look.verdict.value} now")
            return
        kept = None if before is None else QUARANTINE.below(f"{self._operation.operation_uuid}/{file.path}")
        for copy in copies.find(file):
            staged = RelativePath(f"{self._staging}/{number}.part")
            trouble = self._read_copy(copy, file) if self._dry_run else self._stage(copy, file, staged)
            if trouble:
                self.report.findings.append(Finding(code="copy-damaged", path=copy.printable(), facts={"why": trouble}))
                continue
            if not self._dry_run:
                try:
                    if self._storage.files.find_facts(file.path) != before:
                        raise NameTakenError("it changed meanwhile")
                    put_in_place(self._storage.files, staged, file.path, kept or self._nowhere(file))
                except NameTakenError:
                    self._refuse(file, "it changed while it was healed")
                    return
                self._remember(file)
            self.report.healed.append(
                HealedFile(path=file.path, hothash=file.indexed_hothash(), source=copy.printable(), kept=kept)
            )
            return
        assert file.sha256 is not None
        away = tuple(copies.storages_away(file.sha256))
        why = "no good copy of it can be reached"
        self._leave(file, "no-good-copy", why, away)

    def _nowhere(self, file: KnownFile) -> RelativePath:
        """Give a place to keep what does not stand there, which is never used unless it appears."""
        return QUARANTINE.below(f"{self._operation.operation_uuid}/{file.path}")

    # copying

    def _read_copy(self, copy: GoodCopy, file: KnownFile) -> str:
        """Read a copy and say what is wrong with it; nothing when it has the wanted bytes."""
        digest = hashlib.sha256()
        try:
            for chunk in copy.files.iter_content(copy.path, _CHUNK_BYTES):
                digest.update(chunk)
        except (StorageError, NotFoundError) as error:
            return error.message
        return "" if digest.hexdigest() == file.sha256 else "its bytes are others"

    def _stage(self, copy: GoodCopy, file: KnownFile, staged: RelativePath) -> str:
        """Copy into staging, flush, read back from the device; say what is wrong with the copy it was made from.

        Raises StorageError for trouble with the storage that is healed.
        """
        files = self._storage.files
        files.make_directories(self._staging)
        files.remove_own(staged)
        digest = hashlib.sha256()
        with files.stage_new(staged) as new:
            chunks = copy.files.iter_content(copy.path, _CHUNK_BYTES)
            while True:
                try:
                    chunk = next(chunks, None)
                except (StorageError, NotFoundError) as error:
                    return error.message
                if chunk is None:
                    break
                digest.update(chunk)
                new.write(chunk)
            if digest.hexdigest() != file.sha256:
                return "its bytes are others"
            new.set_modified(file.modified_ns)
            new.set_mode(PLACED_MODE)
            new.sync()
            new.drop_cache()
            with storage_errors("read back the copy of", file.path.printable()):
                if self._tools.analyser.fingerprint(new.descriptor).sha256 != file.sha256:
                    raise VerificationError(
                        f"The copy of {file.path.printable()} did not read back as it was written. The file stands as "
                        "it stood.",
                        hint="The disk may be failing: check it before you trust it with more.",
                    )
        return ""

    # telling

    def _remember(self, file: KnownFile) -> None:
        """Note that the archived bytes stand there."""
        if self._dry_run:
            return
        assert file.sha256 is not None
        if not file.is_picture:
            self._done.append(FileWhole(hothash=file.indexed_hothash(), path=file.path, sha256=file.sha256))
            return
        self._done.append(
            FileSeen(
                hothash=file.indexed_hothash(),
                session_uuid=file.session_uuid,
                path=file.path,
                size_bytes=file.size_bytes,
                sha256=file.sha256,
                modified_ns=self._storage.files.get_facts(file.path).modified_ns,
            )
        )

    def _refuse(self, file: KnownFile, why: str) -> None:
        self._leave(file, "heal-refused", why, ())

    def _leave(self, file: KnownFile, code: str, why: str, away: tuple[str, ...]) -> None:
        self.report.unhealed.append(
            UnhealedFile(path=file.path, hothash=file.indexed_hothash(), why=why, storages_away=away)
        )
        facts: dict[str, str | int] = {"why": why}
        if away:
            facts["storages_away"] = ", ".join(away)
        self.report.findings.append(Finding(code=code, path=file.path.printable(), facts=facts))

    def _write_down(self) -> None:
        """Record what was healed as an operation, and fold it."""
        if not self._done:
            return
        with suppress(NotFoundError):  # nothing was staged: all were found whole
            self._storage.files.sync_directory(self._staging)
        self._storage.append_operation(self._tools.writer, self._operation, self._done, is_final=True)
        self._done.clear()
        write_down(self._tools, self._record, self._storage, ())

    def _clean_up(self) -> None:
        files = self._storage.files
        try:
            for name in files.list_names(self._staging):
                files.remove_own(RelativePath(f"{self._staging}/{name}"))
            files.remove_own(self._staging)
            files.sync_directory(STAGING)
        except (NotFoundError, StorageError):
            pass  # whatever works on the storage next clears staging away

    def _mend_own_files(self) -> None:
        """Write the indexes again if any is not as it was left; tell of journals, which nothing brings back."""
        found = check_own_files(self._storage).findings
        if any(finding.code in ("index-unreadable", "index-too-large", "index-missing") for finding in found):
            result = self._storage.fold(fold_notes(self._storage, self._record), is_anew=True)
            project_fold(self._tools, self._record, result)
        self.report.findings.extend(
            finding for finding in found if finding.code == "journal-damaged" and finding not in self.report.findings
        )

    def _make_derived(self) -> None:
        """Write manifests and previews anew that are not as they were."""
        indexes, previews = self._storage.indexes, self._storage.hotpreviews
        for number in indexes.list_sessions():
            index = indexes.load_session(number).index
            if not is_manifest_whole(self._storage.files, index):
                save_manifest(self._storage.files, index)
                self.report.manifests_written += 1
            for entry in index.files.values():
                self._progress.checkpoint()
                if not entry.has_hotpreview or previews.is_whole(entry.hothash):
                    continue
                try:
                    with self._storage.pictures.open_for_reading(entry.relative_path) as descriptor:
                        made = self._tools.analyser.analyse(descriptor, filename=entry.original_filename).hotpreview
                except (NotFoundError, StorageError, OSError):
                    continue  # the picture's own trouble is told above
                if made is not None and previews.keep(entry.hothash, made.data):
                    self.report.previews_made += 1


def _may_be_healed(file: KnownFile, look: Look) -> bool:
    """Tell whether what stands there is what the index calls damaged or missing, and nothing that a user put there."""
    if look.verdict is Verdict.MISSING:
        return not look.why
    return not file.is_missing and look.verdict.is_damage and not look.is_refused
