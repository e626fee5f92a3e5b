"""Deciding, file by file, what an import does with pictures that are known: by policy, tombstones, or the user."""

from __future__ import annotations

from dataclasses import dataclass

from imalink.catalog import tombstones
from imalink.catalog.tombstones import FoundTombstone
from imalink.core.duplicate import (
    DuplicateAsker,
    DuplicateChoice,
    DuplicatePolicy,
    DuplicateQuestion,
    DuplicateSide,
    Fate,
    choice_of,
    fate_of,
)
from imalink.core.finding import Finding
from imalink.core.index import MasterIndex
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.storage.file_storage import FileStorage
from imalink.workflows.known_pictures import KnownPictures, KnownPlace, Proof
from imalink.workflows.replaceable import Replaceable, ReplaceTarget
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What becomes of a source file, and why: where its picture stands, or when it was deleted.

    ``target`` is the archived file whose place it takes.
    """

    fate: Fate
    place: KnownPlace | None = None
    tombstone: FoundTombstone | None = None
    target: ReplaceTarget | None = None

    @property
    def stays(self) -> bool:
        """Whether the file stays at the source."""
        return self.fate in (Fate.SKIP, Fate.UNDECIDED, Fate.DELETED)

    @property
    def is_same_bytes(self) -> bool:
        """Whether the archived file has the very bytes."""
        return self.place is not None and self.place.proof is not None

    def finding(self, path: RelativePath) -> Finding | None:
        """Say of the file at ``path`` what is worth telling; None where there is nothing to tell."""
        if self.tombstone is not None:
            facts: dict[str, str | int] = {
                "deleted_at": self.tombstone.tombstone.deleted_at,
                "storage": self.tombstone.display_name,
                "known_name": self.tombstone.tombstone.original_filename,
            }
            return Finding(code="deleted-before", path=path.printable(), facts=facts)
        if self.place is None:
            return None
        code = self._code(self.place.proof)
        if code is None:
            return None
        facts = {"storage": self.place.storage, "known_path": self.place.path.printable()}
        return Finding(code=code, path=path.printable(), facts=facts)

    def _code(self, proof: Proof | None) -> str | None:
        if self.fate is Fate.UNDECIDED:
            return "duplicate-undecided"
        if self.fate is Fate.REPLACE:
            return None  # told when it is done
        if self.fate is Fate.KEEP_BOTH:
            # The same picture with other metadata is told by what makes it a version of the photo.
            return "further-copy" if self.is_same_bytes else None
        if proof is Proof.ELSEWHERE:
            return "duplicate-elsewhere"
        return "duplicate-out-of-reach" if proof is Proof.OUT_OF_REACH else None


_NEW = Judgement(fate=Fate.NEW)


class DuplicateDecisions:
    """The decisions of one import; remembers what the user said for all.

    ``includes_deleted`` takes in again what was deleted. ``asker`` None: there is nobody to ask.
    """

    def __init__(
        self,
        tools: Tools,
        known: KnownPictures,
        storage: FileStorage,
        master: MasterIndex,
        *,
        policy: DuplicatePolicy,
        includes_deleted: bool,
        asker: DuplicateAsker | None,
    ) -> None:
        self._tools = tools
        self._known = known
        self._storage = storage
        self._policy = policy
        self._may_replace = policy is DuplicatePolicy.REPLACE or asker is not None
        self._replaceable = Replaceable(master, storage, analyser=tools.analyser)
        self._asker = asker
        self._for_all: DuplicateChoice | None = None
        with tools.catalog.read() as db:
            self._heeds_tombstones = not includes_deleted and tombstones.has_any(db)

    def may_take_in(self, fingerprint: Fingerprint, place: KnownPlace) -> bool:
        """Tell whether a file may come in although the very bytes stand archived at ``place``. Any thread may ask."""
        if self._policy is DuplicatePolicy.REPLACE:
            return place.proof is not Proof.HERE and self._replaceable.knows(fingerprint)
        return choice_of(self._policy, is_same_bytes=True) is not DuplicateChoice.SKIP and (
            self._asker is not None or self._policy is not DuplicatePolicy.ASK
        )

    def judge(self, file: ScannedFile, fingerprint: Fingerprint, place: KnownPlace | None) -> Judgement:
        """Decide on a file; ``place`` is where the very bytes stand, if anywhere."""
        is_here = place is not None and place.proof is Proof.HERE
        target = self._replaceable.find(fingerprint) if self._may_replace and not is_here else None
        if place is not None and target is None:
            choice = self._choose(file, place, is_same_bytes=True)
            return Judgement(fate=fate_of(choice, is_same_bytes=True), place=place)
        if self._heeds_tombstones and not self._known.is_present(fingerprint.hothash):
            with self._tools.catalog.read() as db:
                deleted = tombstones.find_by_hothash(db, [fingerprint.hothash]).get(fingerprint.hothash)
            standing = [each for each in deleted or () if each.tombstone.hinders_import]
            if standing:
                return Judgement(fate=Fate.DELETED, tombstone=standing[0])
        if choice_of(self._policy, is_same_bytes=False) is DuplicateChoice.KEEP_BOTH:
            return _NEW
        known = self._known.find_picture(fingerprint)
        if target is not None:
            known = KnownPlace(
                storage_uuid=self._storage.storage_uuid,
                storage=self._storage.signature.display_name,
                path=target.place.relative_path,
                photo_uuid=None if known is None else known.photo_uuid,
            )
        if known is None:
            return _NEW
        choice = self._choose(file, known, is_same_bytes=False, can_replace=target is not None)
        fate = fate_of(choice, is_same_bytes=False, can_replace=target is not None)
        if fate is not Fate.REPLACE:
            return Judgement(fate=fate, place=known)
        assert target is not None
        self._replaceable.take(target)
        return Judgement(fate=fate, place=known, target=target)

    def _choose(
        self, file: ScannedFile, place: KnownPlace, *, is_same_bytes: bool, can_replace: bool = False
    ) -> DuplicateChoice | None:
        choice = choice_of(self._policy, is_same_bytes=is_same_bytes) or self._for_all
        if choice is not None or self._asker is None:
            return choice
        question = DuplicateQuestion(
            source=DuplicateSide(
                name=file.relative_path.printable(), size_bytes=file.size_bytes, modified_ns=file.modified_ns
            ),
            known=self._known_side(place),
            storage=place.storage,
            is_same_bytes=is_same_bytes,
            can_replace=can_replace,
        )
        answer = self._asker.ask(question)
        if answer.is_for_all:
            self._for_all = answer.choice
        return answer.choice

    def _known_side(self, place: KnownPlace) -> DuplicateSide:
        name = place.path.printable()
        if place.storage_uuid == self._storage.storage_uuid:
            facts = self._storage.files.find_facts(place.path)
            if facts is not None:
                return DuplicateSide(name=name, size_bytes=facts.size_bytes, modified_ns=facts.modified_ns)
        return DuplicateSide(name=name, size_bytes=place.size_bytes, modified_ns=place.modified_ns)
