"""Folding: a session index is its previous generation plus the commits and journal lines it does not contain yet."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from imalink.core.folded_deletions import apply_deleted, apply_emptied, apply_trashed, apply_untrashed
from imalink.core.folded_files import (
    add_entry,
    apply_companions,
    apply_copied,
    apply_damage,
    apply_edited,
    apply_missing,
    apply_moved,
    apply_rehashed,
    apply_seen,
)
from imalink.core.folded_index import Changes, FoldedIndex
from imalink.core.folded_photos import apply_joined, apply_photo_edited, apply_split
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import FileEntry, JournalPosition, SessionIndex, Sources, Tombstone
from imalink.core.journal import (
    Commit,
    CompanionsChanged,
    FileCopied,
    FileDamaged,
    FileDeleted,
    FileEdited,
    FileMissing,
    FileMoved,
    FileRehashed,
    FileSeen,
    FileTrashed,
    FileUntrashed,
    FileWhole,
    JournalLine,
    Observation,
    PhotoEdited,
    PhotoJoined,
    PhotoSplit,
    SessionEdited,
    StorageVerified,
    TrashEmptied,
)
from imalink.core.library import LibraryEdited
from imalink.core.operation import OrphansRestored, SessionRestored
from imalink.core.photo import Photo
from imalink.core.restoring import restore_session
from imalink.core.session import ImportSession


class SessionFold:
    """Brings one session index up to date, commit by commit and line by line.

    Applying a commit or line twice is the same as once, and lines about files of other sessions change nothing.
    ``changed`` collects the hothashes whose entry is another now, those that are gone included; ``is_head_changed``
    says that title or description is. Order of lines of different writers: by (lamport, writer).
    Rules: docs/format/commits-and-journals.md.
    """

    def __init__(self, index: SessionIndex) -> None:
        self._index = index
        self._folded = FoldedIndex(index)
        self._runs = set(index.sources.runs)
        self._positions = dict(index.sources.journals)
        self._statistics = index.statistics
        self._findings = list(index.findings)

    @property
    def session(self) -> ImportSession:
        """The session's head as it is now."""
        return self._folded.session

    @property
    def files(self) -> Mapping[Hothash, FileEntry]:
        """The entries as they are now."""
        return self._folded.files

    @property
    def photos(self) -> Mapping[PhotoUuid, Photo]:
        """What is said of photos now."""
        return self._folded.photos

    @property
    def deleted(self) -> Mapping[Hothash, Tombstone]:
        """The tombstones as they are now."""
        return self._folded.deleted

    @property
    def changed(self) -> AbstractSet[Hothash]:
        """The hothashes whose entry is another now, those that are gone included."""
        return self._folded.changed

    @property
    def is_head_changed(self) -> bool:
        """Whether an observation changed the head."""
        return self._folded.is_head_changed

    def take_changes(self) -> Changes:
        """Give what was before all that was touched since this was asked last."""
        return self._folded.take_changes()

    def add_commit(self, commit: Commit) -> None:
        """Take in what one run placed."""
        if commit.begin.run_uuid in self._runs:
            return
        self._runs.add(commit.begin.run_uuid)
        for plan in commit.plans:
            add_entry(self._folded, plan.entry)
        self._folded.take_session(commit.end.session)
        self._statistics = self._statistics + commit.end.statistics
        self._findings.extend(commit.findings)

    def add_line(self, line: JournalLine) -> None:
        """Take in one journal line, unless the index contains it already."""
        position = self._positions.get(line.writer)
        if position is not None and line.seq <= position.seq:
            return
        for observation in line.observations:
            self.observe(observation)
        self._positions[line.writer] = JournalPosition(seq=line.seq, digest=line.digest)

    def observe(self, observation: Observation) -> None:
        """Take in one observation."""
        index = self._folded
        match observation:
            case (
                FileMoved()
                | FileSeen()
                | FileMissing()
                | FileDeleted()
                | FileRehashed()
                | FileTrashed()
                | FileUntrashed()
                | TrashEmptied()
                | FileDamaged()
                | FileWhole()
            ) if observation.session_uuid not in (None, index.session.session_uuid):
                pass  # the file of another session that has the same picture
            case FileMoved():
                apply_moved(index, observation)
            case FileSeen():
                apply_seen(index, observation)
            case FileMissing():
                apply_missing(index, observation)
            case FileDamaged():
                apply_damage(index, observation, observation.damage)
            case FileWhole():
                apply_damage(index, observation, None)
            case FileDeleted():
                apply_deleted(index, observation)
            case FileTrashed():
                apply_trashed(index, observation)
            case FileUntrashed():
                apply_untrashed(index, observation)
            case TrashEmptied():
                apply_emptied(index, observation)
            case FileRehashed():
                apply_rehashed(index, observation)
            case FileCopied():
                apply_copied(index, observation)
            case FileEdited():
                apply_edited(index, observation)
            case CompanionsChanged():
                apply_companions(index, observation)
            case SessionEdited():
                self._edit_session(observation)
            case PhotoEdited():
                apply_photo_edited(index, observation)
            case PhotoJoined():
                apply_joined(index, observation)
            case PhotoSplit():
                apply_split(index, observation)
            case SessionRestored():
                if observation.session_uuid == index.session.session_uuid:
                    restore_session(index, observation)
            case OrphansRestored() | StorageVerified() | LibraryEdited():
                pass  # they are in no session

    def result(self, *, generated_at: str) -> SessionIndex:
        """Give the index as it is now, one generation on."""
        return replace(
            self._index,
            session=self._folded.session,
            files=self._folded.files,
            photos=self._folded.photos,
            deleted=self._folded.deleted,
            statistics=self._statistics,
            findings=tuple(self._findings),
            sources=Sources(runs=frozenset(self._runs), journals=self._positions),
            generated_at=generated_at,
            generation=self._index.generation + 1,
            extras=self._folded.extras,
        )

    def _edit_session(self, edited: SessionEdited) -> None:
        session = self._folded.session
        if edited.session_uuid != session.session_uuid:
            return
        self._folded.set_session(
            replace(
                session,
                title=session.title if edited.title is None else edited.title,
                description=session.description if edited.description is None else edited.description,
            )
        )
