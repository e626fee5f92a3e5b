"""Replacing archived files: new bytes take the place of old ones, which are kept aside, and the journal says so.

Order and reasons: docs/format/durability.md, "Replacing".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from imalink.core.duplicate import Fate, Standing
from imalink.core.finding import Finding
from imalink.core.ids import PhotoUuid
from imalink.core.index import Companion
from imalink.core.journal import CompanionsChanged, FileSeen, FileSwap, Observation, RunReplacement
from imalink.core.organization import companion_target
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import OriginFile, PlanOrigin
from imalink.errors import NameTakenError
from imalink.media.kinds import companion_kind
from imalink.storage.file_storage import FileStorage
from imalink.storage.staging import ImportRun
from imalink.workflows.import_report import PlannedFile
from imalink.workflows.new_entry import new_entry
from imalink.workflows.read_pictures import Incoming
from imalink.workflows.replaceable import ReplaceTarget
from imalink.workflows.target_names import TargetNames
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import StagedCopy, holds_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    read: Incoming
    target: ReplaceTarget
    replacement: RunReplacement


@dataclass(slots=True)
class ReplacedCounts:
    """What replacing came to: pictures and companions that came in, companions that were archived, what was refused."""

    pictures: int = 0
    companions: int = 0
    companions_known: int = 0
    refused: int = 0
    size_bytes: int = 0


class Replacements:
    """The replacements of one run: planned one by one, carried out together before its commit."""

    def __init__(self, tools: Tools, storage: FileStorage, names: TargetNames) -> None:
        self._tools = tools
        self._storage = storage
        self._names = names
        self._planned: list[_Planned] = []
        self.counts = ReplacedCounts()
        self.files: list[PlannedFile] = []
        self.findings: list[Finding] = []

    def plan(self, run: ImportRun | None, read: Incoming, target: ReplaceTarget, photo_uuid: PhotoUuid) -> None:
        """Write down that a picture that was read, and staged, takes the place of an archived one.

        Without a run it is only counted. Raises InvalidPathError when the old file's place in the trash is too long.
        """
        path = target.place.relative_path
        if run is None:
            self.counts.pictures += 1
            self.counts.companions += len(read.picture.companions)
            self.counts.size_bytes += read.fingerprint.size_bytes
            self.counts.size_bytes += sum(each.size_bytes for each in read.picture.companions)
            self.files.append(_placed(read, path))
            return
        copy = read.copy
        assert copy is not None
        swaps = [
            FileSwap(
                staged_name=copy.staged_name,
                path=path,
                kept=run.keeping_path(path, is_damaged=target.standing is Standing.DAMAGED),
                sha256=copy.fingerprint.sha256,
                old_sha256=None if target.found is None else target.found.sha256,
            )
        ]
        companions = {companion.relative_path: companion for companion in target.companions}
        sources = {file.relative_path: file for file in read.picture.companions}
        origins = [read.picture.file]
        for at_source, companion, swap in self._companions(run, read, target):
            companions[companion.relative_path] = companion
            swaps.append(swap)
            origins.append(sources[at_source])
        entry = new_entry(
            read.picture.file,
            read.analysis,
            copy.fingerprint,
            target=path,
            modified_ns=copy.modified_ns,
            photo_uuid=photo_uuid,
            companions=tuple(companions[each] for each in sorted(companions)),
            imported_at=target.place.imported_at,
        )
        origin = PlanOrigin(files=tuple(map(OriginFile.of, origins)), fate=Fate.REPLACE, findings=read.findings)
        replacement = RunReplacement(
            session_uuid=target.place.session_uuid, entry=entry, swaps=tuple(swaps), origin=origin
        )
        run.plan_replacement(replacement)
        self._planned.append(_Planned(read=read, target=target, replacement=replacement))

    def carry_out(self, run: ImportRun) -> None:
        """Put every planned file in its place and write into the journal what stands there now.

        What changed since it was looked at is left as it is.
        """
        if not self._planned:
            return
        run.flush_plans()
        done = [done for planned in self._planned if (done := self._carry_out_one(run, planned)) is not None]
        self._planned.clear()
        self._storage.append_observations(
            self._tools.writer, [each for replacement in done for each in observations_of(replacement)]
        )

    def give_up(self, run: ImportRun) -> None:
        """Take back what was planned and not carried out; the new files can be copied again."""
        for planned in self._planned:
            run.drop(planned.replacement.swaps[0].staged_name)
        self._planned.clear()

    def _carry_out_one(self, run: ImportRun, planned: _Planned) -> RunReplacement | None:
        replacement = planned.replacement
        picture, *others = replacement.swaps
        try:
            if self._storage.files.find_facts(picture.path) != planned.target.facts:
                raise NameTakenError(f"{picture.path.printable()} changed meanwhile.")
            run.swap(picture)
        except NameTakenError:
            self._refuse(run, planned)
            return None
        placed: list[FileSwap] = []
        for swap in others:
            try:
                run.swap(swap)
                placed.append(swap)
            except NameTakenError:
                run.discard(swap.staged_name)
                self.counts.refused += 1
                self._add_finding("replace-refused", planned, swap.path)
        preview = planned.read.analysis.hotpreview
        has_preview = preview is not None and self._storage.hotpreviews.keep(replacement.entry.hothash, preview.data)
        replacement = as_done(replacement, (picture, *placed), self._storage, has_preview=has_preview)
        run.plan_replacement(replacement)
        self._count(planned, replacement)
        return replacement

    def _refuse(self, run: ImportRun, planned: _Planned) -> None:
        run.drop(planned.replacement.swaps[0].staged_name)
        for swap in planned.replacement.swaps:
            run.discard(swap.staged_name)
        self.counts.refused += len(planned.replacement.swaps)
        self._add_finding("replace-refused", planned, planned.replacement.entry.relative_path)

    def _count(self, planned: _Planned, replacement: RunReplacement) -> None:
        picture, *others = replacement.swaps
        standing = planned.target.standing
        code = "replaced" if standing is Standing.SAME_PICTURE else "brought-back"
        kept = None if standing is Standing.VACANT else picture.kept
        self._add_finding(code, planned, picture.path, kept)
        self.files.append(_placed(planned.read, picture.path))
        self.counts.pictures += 1
        self.counts.companions += len(others)
        sums = {swap.sha256 for swap in others}
        self.counts.size_bytes += planned.read.fingerprint.size_bytes + sum(
            companion.size_bytes for companion in replacement.entry.companions if companion.sha256 in sums
        )

    def _add_finding(
        self, code: str, planned: _Planned, known_path: RelativePath, kept: RelativePath | None = None
    ) -> None:
        facts: dict[str, str | int] = {"known_path": known_path.printable()}
        if kept is not None:
            facts["kept"] = kept.printable()
        path = planned.read.picture.file.relative_path.printable()
        self.findings.append(Finding(code=code, path=path, facts=facts))

    def _companions(
        self, run: ImportRun, read: Incoming, target: ReplaceTarget
    ) -> Iterator[tuple[RelativePath, Companion, FileSwap]]:
        """Give the staged companions that are not archived yet, each with its path at the source.

        It goes to the place of its older self, or to a free one.
        """
        known = {companion.sha256 for companion in target.companions}
        by_name = {companion.relative_path.fold_key(): companion for companion in target.companions}
        for path, copy in read.companions.items():
            if not isinstance(copy, StagedCopy):
                self.counts.refused += 1
                self.findings.append(Finding(code=copy.code, path=path.printable(), facts={"why": copy.message}))
                continue
            if copy.fingerprint.sha256 in known:
                self.counts.companions_known += 1
                run.discard(copy.staged_name)
                continue
            wanted = companion_target(path, read.picture.file.relative_path, target.place.relative_path)
            older = by_name.get(wanted.fold_key())
            # What the user wrote into the archived one since is not ours to take away.
            if older is not None and not self._holds(older):
                older = None
            place = self._names.give(wanted) if older is None else older.relative_path
            companion = Companion(
                relative_path=place,
                sha256=copy.fingerprint.sha256,
                size_bytes=copy.fingerprint.size_bytes,
                modified_ns=copy.modified_ns,
                kind=companion_kind(path.name),
            )
            swap = FileSwap(
                staged_name=copy.staged_name,
                path=place,
                kept=run.keeping_path(place),
                sha256=companion.sha256,
                old_sha256=None if older is None else older.sha256,
            )
            yield path, companion, swap

    def _holds(self, companion: Companion) -> bool:
        return holds_bytes(
            self._storage.files, companion.relative_path, companion.sha256, analyser=self._tools.analyser
        )


def observations_of(replacement: RunReplacement) -> list[Observation]:
    """Give what a journal says of a replacement that was carried out."""
    entry = replacement.entry
    seen = FileSeen(
        hothash=entry.hothash,
        session_uuid=replacement.session_uuid,
        path=entry.relative_path,
        size_bytes=entry.size_bytes,
        sha256=entry.sha256,
        modified_ns=entry.modified_ns,
        entry=entry,
    )
    if len(replacement.swaps) == 1:
        return [seen]
    companions = CompanionsChanged(hothash=entry.hothash, path=entry.relative_path, companions=entry.companions)
    return [seen, companions]


def as_done(
    replacement: RunReplacement, done: Sequence[FileSwap], storage: FileStorage, *, has_preview: bool
) -> RunReplacement:
    """Give a replacement of which only ``done`` was carried out: of its companions those are given that stand there."""
    placed = {swap.path for swap in done}
    lost = {swap.path: swap for swap in replacement.swaps if swap.path not in placed}
    companions: list[Companion] = []
    for companion in replacement.entry.companions:
        swap = lost.get(companion.relative_path)
        if swap is None:
            companions.append(companion)
            continue
        facts = storage.files.find_facts(swap.path)
        if swap.old_sha256 is not None and facts is not None:
            size, modified_ns = facts.size_bytes, facts.modified_ns
            companions.append(replace(companion, sha256=swap.old_sha256, size_bytes=size, modified_ns=modified_ns))
    entry = replace(replacement.entry, companions=tuple(companions))
    if not has_preview:
        entry = replace(entry, hotpreview_rendition=None)
    return replace(replacement, entry=entry, swaps=tuple(done))


def _placed(read: Incoming, path: RelativePath) -> PlannedFile:
    return PlannedFile(source=read.picture.file.relative_path.printable(), target=path.printable())
