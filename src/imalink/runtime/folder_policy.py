"""Which folders may be named over HTTP: for a new storage, as a source, to be browsed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imalink.errors import FolderRefusedError, UsageError

_SYSTEM = tuple(
    Path(f"/{name}")
    for name in ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "usr")
) + (Path("/var"), Path("/root"))
_ALLOWED_IN_SYSTEM = (Path("/run/media"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPolicy:
    """``roots``, where there are any, are the only places; ``own`` are ImaLink's own folders, ``home`` the user's."""

    roots: Sequence[Path]
    own: Sequence[Path]
    home: Path

    def check(self, text: str, *, field: str = "") -> Path:
        """Give the folder that a request names, in its ``field``, absolute and without ``..``.

        Raises UsageError for a relative path, FolderRefusedError for one that is not to be named over HTTP, also by way
        of a link.
        """
        if not text.startswith("/") or "\0" in text:
            raise UsageError(
                f"{text!r} is no absolute path. Nothing was changed.", hint="Name the folder from / on.", field=field
            )
        named = Path(os.path.normpath(text))
        for place in (named, _resolved(named)):
            if self._is_refused(place):
                raise FolderRefusedError(
                    f"{named} is not a folder that may be named over HTTP. Nothing was changed.",
                    hint="Use the command line for it, or name a folder of pictures."
                    if not self.roots
                    else f"Allowed are folders below {', '.join(map(str, self.roots))} (setting storage_roots).",
                )
        return named

    def _is_refused(self, place: Path) -> bool:
        if self.roots:
            return not any(_is_in(place, root) or _is_in(place, _resolved(root)) for root in self.roots)
        if place == place.parent or any(part.startswith(".") for part in place.parts[1:]):
            return True
        if any(_is_in(place, own) or _is_in(place, _resolved(own)) for own in self.own):
            return True
        if _is_in(place, self.home) or any(_is_in(place, allowed) for allowed in _ALLOWED_IN_SYSTEM):
            return False
        return any(_is_in(place, system) for system in _SYSTEM)


def _is_in(place: Path, folder: Path) -> bool:
    return place == folder or folder in place.parents


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path
