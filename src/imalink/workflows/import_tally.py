"""What an import counts and tells as it goes: every file of the source in one count, odd things as findings."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable

from imalink.core.duplicate import Fate
from imalink.core.finding import Finding, Severity
from imalink.core.ids import PhotoUuid, SessionUuid
from imalink.core.picture import Fingerprint
from imalink.core.progress import ANALYSE_PHASE, NEW_COUNT, Progress
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.session import SessionStatus
from imalink.core.source_listing import SourcePicture, size_with_companions
from imalink.errors import ImalinkError, InvalidPathError
from imalink.workflows.import_report import ImportReport, PlannedFile
from imalink.workflows.interrupted_imports import QUIET_CODE, InterruptedImport
from imalink.workflows.replacing import Replacements
from imalink.workflows.run_session import RunCounts


class ImportTally:
    """The counts, findings and placed files of one import, told to its ``progress``; they end as its report."""

    def __init__(self, progress: Progress, *, ignored: int) -> None:
        self._progress = progress
        self._started = time.monotonic()
        self.findings: list[Finding] = []
        self.counts = RunCounts(ignored=ignored)
        self.files: list[PlannedFile] = []
        self.new_photos: set[PhotoUuid] = set()
        self.excluded_count = 0
        self._before: InterruptedImport | None = None
        self._by_path: dict[str, list[Finding]] = defaultdict(list)

    def tell(self, *findings: Finding) -> None:
        """Take note of what was found at source files that come in."""
        self.findings.extend(findings)
        for finding in findings:
            self._by_path[finding.path].append(finding)

    def told_so_far(self) -> list[Finding]:
        """Give what was found at the source files that come in, and no earlier run told."""
        told = self._before.findings if self._before is not None else ()
        return [finding for found in self._by_path.values() for finding in found if finding not in told]

    def told_of(self, path: RelativePath) -> list[Finding]:
        """Give what was found at a source file."""
        return self._by_path.get(path.printable(), [])

    def go_on_with(self, before: InterruptedImport) -> None:
        """Count what the earlier runs of this import brought in too, when it comes to the report."""
        self._before = before
        self.findings = [finding for finding in self.findings if finding.code != QUIET_CODE]

    @property
    def came_in_before(self) -> int:
        """How many pictures earlier runs of this import brought in."""
        return self._before.statistics.new_imports if self._before is not None else 0

    def untold_findings(self) -> list[Finding]:
        """Give what this run found and no earlier one of the import told."""
        if self._before is None:
            return self.findings
        told = self._before.findings
        return [finding for finding in self.findings if finding not in told]

    def count_unread(self, findings: Iterable[Finding]) -> None:
        """Count what the walk could not read or did not follow."""
        for finding in findings:
            if finding.severity is Severity.ERROR:
                self.counts.errors += 1
            elif finding.code in ("source-symlink", "source-special"):
                self.counts.ignored += 1

    def count_new(self, fingerprint: Fingerprint, companions: Iterable[ScannedFile] = ()) -> None:
        """Count a picture that comes in, and of its companions those that are not counted on their own."""
        self.counts.new_imports += 1
        self.counts.size_bytes += fingerprint.size_bytes
        for companion in companions:
            self.count_companion(companion.size_bytes)

    def count_companion(self, size_bytes: int) -> None:
        """Count a companion that comes in."""
        self.counts.companions += 1
        self.counts.size_bytes += size_bytes

    def count_replaced(self, replaced: Replacements) -> None:
        """Count what took the place of archived files."""
        counts = replaced.counts
        self.counts.fates[Fate.REPLACE] += counts.pictures
        self.counts.new_imports += counts.pictures
        self.counts.companions += counts.companions
        self.counts.duplicates += counts.companions_known
        self.counts.errors += counts.refused
        self.counts.size_bytes += counts.size_bytes
        self.files.extend(replaced.files)
        self.findings.extend(replaced.findings)

    def fail(self, picture: SourcePicture, error: ImalinkError) -> None:
        """Count a picture and its companions that cannot come in, and say why."""
        for file in (picture.file, *picture.companions):
            self._fail_file(file, error)
        self.go_on(picture)

    def fail_companion(self, file: ScannedFile, error: ImalinkError) -> None:
        """Count a companion that cannot come in, and say why."""
        self._fail_file(file, error)

    def _fail_file(self, file: ScannedFile, error: ImalinkError) -> None:
        code = "name-too-long" if isinstance(error, InvalidPathError) else error.code
        self.counts.errors += 1
        self.findings.append(Finding(code=code, path=file.relative_path.printable(), facts={"why": error.message}))

    def list_file(self, file: ScannedFile, target: RelativePath) -> None:
        """List a picture with the place it would get."""
        self.files.append(PlannedFile(source=file.relative_path.printable(), target=target.printable()))

    def go_on(self, picture: SourcePicture) -> None:
        """Say that a picture is dealt with, and its companions."""
        current = picture.file.relative_path.printable()
        self._progress.advance(files=1, size_bytes=size_with_companions(picture), current=current, phase=ANALYSE_PHASE)
        self._progress.tell({NEW_COUNT: self.came_in_before + self.counts.new_imports})

    def report(self, number: int | None, session_uuid: SessionUuid | None, status: SessionStatus) -> ImportReport:
        """Give what came of it all, with what earlier runs of the import brought."""
        fates, statistics, photos, findings = (
            self.counts.fates,
            self.counts.statistics(),
            self.new_photos,
            self.findings,
        )
        if self._before is not None:
            origins = [(plan.origin, plan.entry.photo_uuid) for plan in self._before.plans if plan.origin is not None]
            fates = fates + Counter(origin.fate for origin, _ in origins)
            statistics = self._before.statistics + statistics
            photos = photos | {photo_uuid for origin, photo_uuid in origins if origin.opens_photo}
            findings = [*self._before.findings, *self.untold_findings()]
        return ImportReport(
            session_id=number,
            session_uuid=session_uuid,
            status=status,
            statistics=statistics,
            photos_created=len(photos),
            findings=tuple(findings),
            files=tuple(self.files),
            seconds=round(time.monotonic() - self._started, 3),
            duplicates_kept=fates[Fate.KEEP_BOTH],
            duplicates_replaced=fates[Fate.REPLACE],
            duplicates_undecided=fates[Fate.UNDECIDED],
            deleted_before=fates[Fate.DELETED],
            excluded=self.excluded_count,
            came_in_before=self.came_in_before,
        )
