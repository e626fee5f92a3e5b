"""Which missing files may be taken out of the index for good, when the user wants that."""

from __future__ import annotations

from collections.abc import Iterator

from imalink.core.comparison import Comparison, FileRole, KnownFile
from imalink.core.reconcile import Reconciliation


def removable(comparison: Comparison, outcome: Reconciliation) -> list[KnownFile]:
    """List the pictures' files that are missing for certain: looked for where they stood, and found nowhere.

    Those where the walk could not look, or whose place could not be read, are not among them. The caller sees to it
    that the whole storage was looked at. By path.
    """
    found = {
        each.known
        for group in (
            outcome.moves,
            outcome.metadata_edits,
            outcome.content_edits,
            outcome.damaged,
            outcome.touched,
            outcome.returned,
        )
        for each in group
    }
    files = {file for file in _long_missing(comparison, outcome) if file not in found}
    files.update(outcome.missing)
    files.update(file for file in outcome.lost_copies if file.role is FileRole.MAIN)
    return sorted(files, key=lambda file: (file.path, file.hothash or ""))


def _long_missing(comparison: Comparison, outcome: Reconciliation) -> Iterator[KnownFile]:
    """Give the files that an earlier look marked missing and whose place was looked at now."""
    for file in comparison.absent():
        if file.is_missing:
            yield file
    unreadable = set(outcome.unreadable)
    for path, file in comparison.changed.items():
        if file.is_missing and path not in unreadable:
            yield file
