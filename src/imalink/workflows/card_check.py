"""Check of a card: is every file on it proved to be archived, so that the card may be formatted?"""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

from imalink.catalog import file_storages, locations, verifications
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.verifications import Verified
from imalink.core.comparison import KnownFile, known_files
from imalink.core.damage import Verdict
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, Sha256
from imalink.core.index import MasterIndex
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.timestamps import format_instant, parse_instant
from imalink.errors import ImalinkError, IndexDamagedError, NotFoundError, StorageError
from imalink.media.kinds import is_companion_name, is_picture_name
from imalink.storage.file_storage import FileStorage
from imalink.storage.fs import StorageFiles
from imalink.storage.root import StorageRoot
from imalink.storage.scanner import scan_source
from imalink.workflows.card_check_report import (
    CardCheckReport,
    CardCheckRequest,
    CardFileStatus,
    CheckedFile,
    ProvenCopy,
)
from imalink.workflows.import_source import open_source
from imalink.workflows.source_pictures import find_hidden_pictures
from imalink.workflows.storage_access import open_known
from imalink.workflows.tools import Tools
from imalink.workflows.verify_reading import FileJudge
from imalink.workflows.working_ahead import work_ahead

_CHUNK_BYTES = 1 << 20


def check_card(
    tools: Tools, source: Path, request: CardCheckRequest, *, progress: Progress | None = None
) -> CardCheckReport:
    """Prove for every file of a folder that its very bytes stand in storages, by reading both.

    Storages that only refer to pictures do not count, nor does one inside the folder, around it, or on the card itself.
    Nothing is written but when files were verified. Raises UsageError, NotFoundError, SourceError, CancelledError.
    """
    request.check()
    started = time.monotonic()
    progress = progress or SilentProgress()
    with open_source(source, tools) as root, ExitStack() as opened:
        check = _CardCheck(tools, root, request, progress, opened)
        files, other_count = check.run()
    return CardCheckReport(
        files=files,
        other_count=other_count,
        findings=tuple(check.findings),
        min_copies=request.min_copies,
        seconds=round(time.monotonic() - started, 3),
    )


_CAMERA_FOLDERS = frozenset({"DCIM", "PRIVATE", "AVCHD", "M4ROOT", "MP_ROOT", "CLIP"})
"""Folders that cameras make at the top of a card."""


class _Archive:
    """One storage that can be reached, with its files by checksum."""

    def __init__(self, record: StorageRecord, storage: FileStorage, master: MasterIndex, tools: Tools) -> None:
        self.record = record
        self.storage = storage
        self.hothashes = master.files.keys()
        self.by_sum: dict[Sha256, list[KnownFile]] = defaultdict(list)
        for file in known_files(master).by_path.values():
            if file.sha256 is not None and file.session_uuid is not None:
                self.by_sum[file.sha256].append(file)
        self.judge = FileJudge(storage.pictures, tools.analyser, sums=())
        self.proved: dict[RelativePath, str | None] = {}


class _CardCheck:
    def __init__(
        self, tools: Tools, root: StorageRoot, request: CardCheckRequest, progress: Progress, opened: ExitStack
    ) -> None:
        self._tools = tools
        self._root = root
        self._request = request
        self._progress = progress
        self._opened = opened
        self._away: dict[str, str] = {}
        self.findings: list[Finding] = []

    def run(self) -> tuple[tuple[CheckedFile, ...], int]:
        """Read the card, then what the storages have of it; give what is proved, and how many files did not count."""
        self._progress.start_phase("scan")
        scanned = scan_source(self._root, checkpoint=lambda _: self._progress.checkpoint())
        self.findings.extend((*scanned.findings, *find_hidden_pictures(self._root, scanned, self._progress)))
        files = sorted(scanned.files.values(), key=lambda file: file.relative_path)
        if self._request.ignores_others:
            files = [file for file in files if _counts(file)]
        sums = self._read_card(files)
        archives = self._open_archives()
        self._prove(archives, {sha256 for sha256 in sums.values() if sha256 is not None})
        checked = tuple(self._checked(file, sums[file.relative_path], archives) for file in files)
        return checked, len(scanned.files) - len(files)

    # the card

    def _read_card(self, files: Sequence[ScannedFile]) -> dict[RelativePath, Sha256 | None]:
        self._progress.start_phase("hash", total_files=len(files), total_bytes=sum(file.size_bytes for file in files))
        sums: dict[RelativePath, Sha256 | None] = {}
        with work_ahead(
            files, self._sum_of, threads=self._tools.threads, checkpoint=self._progress.checkpoint
        ) as results:
            for file, found in zip(files, results, strict=True):
                sums[file.relative_path] = found
                self._progress.advance(files=1, size_bytes=file.size_bytes, current=file.relative_path.printable())
        return sums

    def _sum_of(self, file: ScannedFile) -> Sha256 | None:
        """Give a file's checksum; None when the card does not give it, or gives another size than it named."""
        digest = hashlib.sha256()
        size = 0
        reader = StorageFiles(self._root)
        try:
            for chunk in reader.iter_content(file.relative_path, _CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
            now = reader.get_facts(file.relative_path)
        except (ImalinkError, OSError):
            return None
        is_as_listed = (size, now.size_bytes, now.modified_ns) == (file.size_bytes, file.size_bytes, file.modified_ns)
        return Sha256(digest.hexdigest()) if is_as_listed else None

    # the storages

    def _open_archives(self) -> list[_Archive]:
        """Open every storage that counts; those that cannot be read are noted as away."""
        with self._tools.catalog.read() as db:
            records = file_storages.list_storages(db)
        archives: list[_Archive] = []
        for record in records:
            try:
                storage = self._opened.enter_context(open_known(self._tools, record))
                if storage.layout.is_reference or self._goes_with_card(storage):
                    continue
                master = storage.indexes.load_master().index
            except (StorageError, IndexDamagedError, NotFoundError):
                self._away[record.storage_uuid] = record.display_name
                continue
            archives.append(_Archive(record, storage, master, self._tools))
        return archives

    def _goes_with_card(self, storage: FileStorage) -> bool:
        """Tell whether a storage is gone with the card: inside the folder, around it, or on the same mounted card."""
        card, other = Path(self._root.path).resolve(), Path(storage.root.path).resolve()
        if card == other or card in other.parents or other in card.parents:
            return True
        return storage.root.device == self._root.device and _is_of_card(card)

    def _prove(self, archives: Sequence[_Archive], wanted: set[Sha256]) -> None:
        """Read what has the wanted checksums, unless it was verified lately enough."""
        for archive in archives:
            candidates = [file for sha256 in wanted for file in archive.by_sum.get(sha256, ())]
            trusted = self._trusted(archive, candidates)
            left = sorted((each for each in candidates if each.path not in trusted), key=lambda each: each.path)
            archive.proved.update(trusted)
            self._progress.start_phase(
                "verify", total_files=len(left), total_bytes=sum(file.size_bytes for file in left)
            )
            verified: dict[RelativePath, Verified] = {}
            with work_ahead(
                left, archive.judge.look, threads=self._tools.threads, checkpoint=self._progress.checkpoint
            ) as looks:
                try:
                    for look in looks:
                        now = format_instant(self._tools.clock.now())
                        is_whole = look.verdict is Verdict.OK and look.found is not None
                        archive.proved[look.file.path] = now if is_whole else None
                        if is_whole and look.found is not None:
                            verified[look.file.path] = Verified(look.found, now)
                        self._progress.advance(
                            files=1, size_bytes=look.file.size_bytes, current=look.file.path.printable()
                        )
                except StorageError:  # it went away: what was not read of it is not proved
                    self._away[archive.record.storage_uuid] = archive.record.display_name
            with self._tools.catalog.begin() as db:
                verifications.keep_verified(db, archive.record.id, verified)

    def _trusted(self, archive: _Archive, files: Sequence[KnownFile]) -> dict[RelativePath, str]:
        """Give of the files that were verified lately, and stand there with their size and time, when that was."""
        if not self._request.trust_days or not files:
            return {}
        since = self._tools.clock.now() - timedelta(days=self._request.trust_days)
        with self._tools.catalog.read() as db:
            known = verifications.load_verified(db, archive.record.id, [file.path for file in files])
        trusted: dict[RelativePath, str] = {}
        for file in files:
            verified = known.get(file.path)
            if verified is None or verified.sha256 != file.sha256 or parse_instant(verified.at) < since:
                continue
            if file.damage is not None:
                continue
            try:
                facts = archive.storage.pictures.find_facts(file.path)
            except StorageError:
                continue
            stands = (file.size_bytes, file.modified_ns)
            if facts is not None and facts.is_file and (facts.size_bytes, facts.modified_ns) == stands:
                trusted[file.path] = verified.at
        return trusted

    # judging

    def _checked(self, file: ScannedFile, sha256: Sha256 | None, archives: Sequence[_Archive]) -> CheckedFile:
        if sha256 is None:
            return self._result(file, None, CardFileStatus.UNREADABLE)
        copies: list[ProvenCopy] = []
        is_spoilt = False
        for archive in archives:
            for known in sorted(archive.by_sum.get(sha256, ()), key=lambda each: each.path):
                at = archive.proved.get(known.path)
                if at is None:
                    is_spoilt = True
                else:
                    copies.append(
                        ProvenCopy(
                            storage_uuid=archive.record.storage_uuid,
                            storage=archive.record.display_name,
                            path=known.path,
                            verified_at=at,
                        )
                    )
        with self._tools.catalog.read() as db:
            holders = locations.find_storages_with(db, sha256)
        away = tuple(self._away[each] for each in holders if each in self._away)
        storages = len({copy.storage_uuid for copy in copies})
        if storages >= self._request.min_copies:
            status = CardFileStatus.SAFE
        elif storages:
            status = CardFileStatus.TOO_FEW_COPIES
        elif is_spoilt:
            status = CardFileStatus.DAMAGED
        elif away:
            status = CardFileStatus.OFFLINE
        elif not _counts(file):
            status = CardFileStatus.NOT_A_PICTURE
        else:
            is_known = self._hothash_of(file) in {each for archive in archives for each in archive.hothashes}
            status = CardFileStatus.OTHER_BYTES if is_known else CardFileStatus.NOT_STORED
        return self._result(file, sha256, status, tuple(copies), away)

    def _hothash_of(self, file: ScannedFile) -> Hothash | None:
        try:
            with StorageFiles(self._root).open_for_reading(file.relative_path) as descriptor:
                return self._tools.analyser.fingerprint(descriptor).hothash
        except (ImalinkError, OSError):
            return None

    def _result(
        self,
        file: ScannedFile,
        sha256: Sha256 | None,
        status: CardFileStatus,
        copies: tuple[ProvenCopy, ...] = (),
        away: tuple[str, ...] = (),
    ) -> CheckedFile:
        return CheckedFile(
            path=file.relative_path,
            size_bytes=file.size_bytes,
            sha256=sha256,
            status=status,
            copies=copies,
            storages_away=away,
        )


def _counts(file: ScannedFile) -> bool:
    return is_picture_name(file.relative_path.name) or is_companion_name(file.relative_path.name)


def _is_of_card(folder: Path) -> bool:
    """Tell whether a folder is a whole mounted card, stands at its top, or in the folders that cameras make there."""
    if any(os.path.ismount(each) for each in (folder, folder.parent)):
        return True
    below_mount = takewhile(lambda each: not os.path.ismount(each), (folder, *folder.parents))
    return any(each.name.upper() in _CAMERA_FOLDERS for each in below_mount)
