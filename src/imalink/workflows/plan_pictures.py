"""Planning the places of staged pictures, with their companions and the clips of live photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from imalink.core.index import Companion
from imalink.core.journal import RunPlan
from imalink.core.organization import companion_target
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import OriginFile, PlanOrigin
from imalink.core.scan import ScannedFile
from imalink.core.source_listing import SourcePicture
from imalink.core.timestamps import format_instant
from imalink.errors import InvalidPathError
from imalink.media.kinds import companion_kind
from imalink.storage.staging import ImportRun
from imalink.workflows.import_tally import ImportTally
from imalink.workflows.incoming_shots import IncomingShot, IncomingShots
from imalink.workflows.new_entry import new_entry
from imalink.workflows.read_pictures import (
    FILE_TROUBLE,
    Incoming,
)
from imalink.workflows.shot_pairing import Member
from imalink.workflows.staged_group import StagedPicture
from imalink.workflows.target_names import TargetNames
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import StagedCopy


class PicturePlanner:
    """Gives each staged picture of an import its place and counts it."""

    def __init__(self, tools: Tools, names: TargetNames, shots: IncomingShots, tally: ImportTally) -> None:
        self._tools = tools
        self._names = names
        self._shots = shots
        self._tally = tally

    def with_clips(self, member: Member, clips: Sequence[Member]) -> Member:
        """Give a picture with the companions of its clips; the names these would have had alone are free again."""
        companions = list(member.picture.companions)
        for clip in clips:
            companions.extend(clip.picture.companions)
            if clip.target is not None:
                self._names.take_back(clip.target)
        return replace(member, picture=replace(member.picture, companions=tuple(companions)))

    def plan(self, run: ImportRun, member: Member, clips: Sequence[Member], shot: IncomingShot) -> StagedPicture:
        """Plan the place of a staged picture with its companions and clips, as a line of the run."""
        picture, target, incoming = member.picture, member.target, shot.incoming
        copy, analysis = incoming[member.path].copy, incoming[member.path].analysis
        assert target is not None and copy is not None
        photo_uuid = self._shots.photo_of(member, shot.shot)
        companions = [self._clip(clip, member, incoming[clip.path]) for clip in clips]
        origins = [picture.file, *(clip.picture.file for clip in clips)]
        for owner in (member, *clips):
            for file, companion, staged_name in self._companions(picture, target, incoming[owner.path]):
                companions.append((companion, staged_name))
                origins.append(file)
        entry = new_entry(
            picture.file,
            analysis,
            copy.fingerprint,
            target=target,
            modified_ns=copy.modified_ns,
            photo_uuid=photo_uuid,
            companions=tuple(each for each, _ in companions),
            imported_at=format_instant(self._tools.clock.now()),
        )
        plan = RunPlan(
            staged_name=copy.staged_name,
            entry=entry,
            staged_companions=tuple(name for _, name in companions),
            origin=PlanOrigin(
                files=tuple(map(OriginFile.of, origins)),
                fate=self._shots.fate_of(member),
                opens_photo=photo_uuid in self._tally.new_photos,
                findings=tuple(each for owner in (member, *clips) for each in self._tally.told_of(owner.path)),
            ),
        )
        run.plan(plan)
        self._shots.take_note(copy.fingerprint, target, photo_uuid)
        self._tally.count_new(copy.fingerprint)
        hotpreview = analysis.hotpreview.data if analysis.hotpreview is not None else None
        return StagedPicture(plan=plan, source=picture.file.relative_path, hotpreview=hotpreview)

    def _clip(self, clip: Member, picture: Member, incoming: Incoming) -> tuple[Companion, str]:
        """Give the staged clip of a live photo as a companion of its picture."""
        copy = incoming.copy
        assert picture.target is not None and copy is not None
        try:
            path = companion_target(clip.path, picture.path, picture.target)
        except InvalidPathError:
            assert clip.target is not None
            path = clip.target
        self._tally.count_companion(copy.fingerprint.size_bytes)
        return _companion(clip.path, self._names.give(path), copy), copy.staged_name

    def _companions(
        self, picture: SourcePicture, target: RelativePath, incoming: Incoming
    ) -> Iterator[tuple[ScannedFile, Companion, str]]:
        """Give the companions of a picture, or of its clip, with the names they get beside it and have in staging."""
        for file in incoming.picture.companions:
            copy = incoming.companions[file.relative_path]
            try:
                if not isinstance(copy, StagedCopy):
                    raise copy
                path = self._names.give(companion_target(file.relative_path, picture.file.relative_path, target))
            except (*FILE_TROUBLE, InvalidPathError) as error:
                self._tally.fail_companion(file, error)
                continue
            companion = _companion(file.relative_path, path, copy)
            self._tally.count_companion(companion.size_bytes)
            yield file, companion, copy.staged_name


def _companion(source: RelativePath, target: RelativePath, copy: StagedCopy) -> Companion:
    return Companion(
        relative_path=target,
        sha256=copy.fingerprint.sha256,
        size_bytes=copy.fingerprint.size_bytes,
        modified_ns=copy.modified_ns,
        kind=companion_kind(source.name),
    )
