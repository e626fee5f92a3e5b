"""Finishing the replacements of an interrupted run: each is carried out, or the old file stands where it stood."""

from __future__ import annotations

from dataclasses import replace

from imalink.core.finding import Finding
from imalink.core.ids import Sha256
from imalink.core.journal import FileSwap, RunReplacement
from imalink.core.organization import free_name
from imalink.core.relative_path import RelativePath
from imalink.errors import NameTakenError
from imalink.storage.file_storage import FileStorage
from imalink.storage.staging import KEEPING_FOLDERS, ImportRun
from imalink.workflows.remake_hotpreviews import keeps_promised_hotpreview
from imalink.workflows.replacing import as_done, observations_of
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import holds_bytes


class ReplacementSettling:
    """Settles the replacements of one run by the bytes that stand at their places, in staging and kept aside."""

    def __init__(self, tools: Tools, storage: FileStorage, run: ImportRun, *, has_claims: bool) -> None:
        self._tools = tools
        self._storage = storage
        self._files = storage.files
        self._run = run
        self._has_claims = has_claims
        self.findings: list[Finding] = []

    def settle(self, replacements: tuple[RunReplacement, ...]) -> list[RunReplacement]:
        """Carry out what can be, drop the rest, write into the journal what stands there now; give what was done."""
        if not replacements:
            return []
        done = [
            settled
            for each in replacements
            if self._is_possible(each) and (settled := self._settle_one(each)) is not None
        ]
        self._run.flush_plans()
        self._storage.append_observations(
            self._tools.writer, [each for replacement in done for each in observations_of(replacement)]
        )
        return done

    def _is_possible(self, replacement: RunReplacement) -> bool:
        """Tell whether a run of ours may have written this: a picture gives its place up, and is kept where we keep."""
        return all(
            not swap.path.is_ours(self._storage.layout.own_names)
            and any(swap.kept.is_below(folder) for folder in KEEPING_FOLDERS)
            for swap in replacement.swaps
        )

    def _settle_one(self, replacement: RunReplacement) -> RunReplacement | None:
        picture, *others = replacement.swaps
        settled = self._settle_swap(picture)
        if settled is None:
            for swap in others:
                self._put_back(swap)
            self._run.drop(picture.staged_name)
            return None
        done = [settled]
        for swap in others:
            settled = self._settle_swap(swap)
            if settled is None:
                self.findings.append(Finding(code="companion-missing", path=swap.path.printable()))
            else:
                done.append(settled)
        has_preview = keeps_promised_hotpreview(self._storage, replacement.entry, analyser=self._tools.analyser)
        carried_out = as_done(replacement, done, self._storage, has_preview=has_preview)
        self._run.plan_replacement(carried_out)
        return carried_out

    def _settle_swap(self, swap: FileSwap) -> FileSwap | None:
        """Let the new bytes stand at their place and give the swap as it was done; None: the old ones stand there."""
        if self._holds(swap.path, swap.sha256):
            return swap
        staged = self._run.staged_path(swap.staged_name)
        is_kept_new = self._holds(swap.kept, swap.sha256)
        if not is_kept_new and not self._holds(staged, swap.sha256):
            self._put_back(swap)
            return None
        is_claim = self._is_claim(swap.path)
        is_vacant = is_claim or not self._files.exists(swap.path)
        is_old = swap.old_sha256 is not None and self._holds(swap.path, swap.old_sha256)
        if is_kept_new:
            self._run.discard(swap.staged_name)  # at most an empty claim to that name
            if is_vacant or not is_old:
                self._files.move(swap.kept, staged)
        elif swap.old_sha256 is not None and is_old and self._holds(swap.kept, swap.old_sha256):
            # The old file was being taken away by a link: it has both names, and gets a third to be kept under.
            swap = replace(swap, kept=free_name(swap.kept, self._files.exists))
        if not is_vacant and not is_old:
            return None  # the user put something else there meanwhile
        try:
            self._run.swap(swap, is_own_claim=is_claim)
        except NameTakenError:
            return None
        return swap

    def _put_back(self, swap: FileSwap) -> None:
        """Give the old file its place back, if it was taken away already."""
        is_away = swap.old_sha256 is not None and self._holds(swap.kept, swap.old_sha256)
        if is_away and not self._files.exists(swap.path):
            self._files.move(swap.kept, swap.path)
            self._files.sync_directory(swap.path.parent)
            self._files.sync_directory(swap.kept.parent)

    def _is_claim(self, path: RelativePath) -> bool:
        facts = self._files.find_facts(path)
        return self._has_claims and facts is not None and facts.is_file and facts.size_bytes == 0

    def _holds(self, path: RelativePath, sha256: Sha256) -> bool:
        return holds_bytes(self._files, path, sha256, analyser=self._tools.analyser)
