"""What a re-index does not act on because the user said so: moves, further copies, pictures that are not read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from imalink.core.reconcile import Reconciliation
from imalink.core.relative_path import RelativePath


def without_moves(outcome: Reconciliation) -> Reconciliation:
    """Let every file stay where the index has it; one found elsewhere is then neither moved nor missing."""
    return replace(outcome, moves=(), promoted=())


def without_copies(outcome: Reconciliation) -> Reconciliation:
    """Let further files of known pictures be pictures that belong to no session."""
    found = {copy.path: copy.fingerprint for copy in outcome.copies}
    return replace(outcome, copies=(), orphans={**outcome.orphans, **found})


def with_unread(outcome: Reconciliation, unread: Collection[RelativePath]) -> Reconciliation:
    """Let pictures that nobody looked into belong to no session, whatever they show."""
    return replace(outcome, orphans={**outcome.orphans, **dict.fromkeys(unread)})
