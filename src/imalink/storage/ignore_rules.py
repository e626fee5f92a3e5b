"""What a walk leaves out at the user's wish: patterns as in ``.gitignore``, from a file or given for one import."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError, UsageError
from imalink.storage.reading import FolderReader

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_NAME: Final = ".imalinkignore"
MAX_IGNORE_BYTES: Final = 64 * 1024


class IgnoreRules:
    """Patterns that say which files and folders are left out; paths are below the folder where the walk begins.

    Later patterns win, ``!`` takes one back, a trailing ``/`` means folders only, and what lies in a folder that is
    left out cannot be taken back. Rules: docs/reference/cli.md.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = tuple(patterns)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns, in order."""
        return self._patterns

    def and_also(self, patterns: Sequence[str]) -> IgnoreRules:
        """Give these rules with further ones after them."""
        return IgnoreRules((*self._patterns, *patterns))

    def leaves_out(self, path: str, *, is_folder: bool) -> bool:
        """Tell whether a file or folder is left out."""
        return self._spec.match_file(f"{path}/" if is_folder else path)

    def check(self) -> None:
        """Raise UsageError for a pattern that cannot be read."""
        _ = self._spec

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec

        try:
            return GitIgnoreSpec.from_lines(self._patterns)
        except ValueError as error:
            raise UsageError(
                f"A pattern of what to leave out cannot be read: {error}.",
                hint=f"Patterns are those of .gitignore, such as *.tmp, /private/ or **/exports; see {IGNORE_NAME}.",
            ) from error


def load_ignore_rules(files: FolderReader, folder: RelativePath | None) -> IgnoreRules:
    """Read the ``.imalinkignore`` of a folder; no rules when there is none. Raises UsageError, StorageError."""
    path = RelativePath(IGNORE_NAME) if folder is None else folder.below(IGNORE_NAME)
    if files.find_facts(path) is None:
        return IgnoreRules()
    try:
        data = files.find_bytes(path, MAX_IGNORE_BYTES)
    except IndexDamagedError as error:
        raise UsageError(
            f"{path.printable()} has more than {MAX_IGNORE_BYTES:,} bytes, so it was not read. Nothing was changed.",
            hint="Shorten it, or leave out whole folders.",
        ) from error
    rules = IgnoreRules(data.decode("utf-8", "surrogateescape").splitlines() if data is not None else ())
    rules.check()
    return rules
