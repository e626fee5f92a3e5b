"""When so many files are missing that a fault is likelier than the user's doing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from imalink.core.relative_path import RelativePath

MANY_FILES = 50


WHOLE_FOLDER_FILES = 5


LARGE_SHARE = 0.2


def suspicious_loss(known: Collection[RelativePath], newly_missing: Collection[RelativePath]) -> str | None:
    """Tell why so many missing files look like a fault rather than the user's doing; None when they do not.

    It takes more than 20 % of the files, and either more than 50 or every one of at least 5 in a top-level folder.
    """
    if len(newly_missing) <= LARGE_SHARE * len(known):
        return None
    share = f"{len(newly_missing)} of {len(known)} files"
    if len(newly_missing) > MANY_FILES:
        return share
    totals: dict[str, int] = defaultdict(int)
    for path in known:
        totals[_top_folder(path)] += 1
    losses: dict[str, int] = defaultdict(int)
    for path in newly_missing:
        losses[_top_folder(path)] += 1
    for folder in sorted(losses):
        if losses[folder] == totals[folder] >= WHOLE_FOLDER_FILES:
            return f"{share}, among them everything in {RelativePath(folder).printable()!r}"
    return None


def _top_folder(path: RelativePath) -> str:
    return "/".join(path.split("/")[:-1][:2]) or "."
