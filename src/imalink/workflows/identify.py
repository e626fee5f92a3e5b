"""Identify files wherever they are, without storage or catalog."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imalink import durable_files
from imalink.core.analyser import Analyser
from imalink.core.picture import Fingerprint
from imalink.errors import ImalinkError
from imalink.media.analyser import PictureAnalyser
from imalink.storage.root import StorageRoot


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """One file's identity, or why it could not be read."""

    path: Path
    fingerprint: Fingerprint | None
    error: str = ""


def identify(path: Path, *, analyser: Analyser | None = None) -> Identified:
    """Read a file and give which picture and which bytes it holds; a file that cannot be read gives the reason.

    ``analyser`` reads it, else this process does.
    """
    # Links the user names are the user's own and are followed; FIFOs and devices are refused.
    file = Path(path.resolve())
    try:
        if file.exists() and not file.is_file():
            kind = "a folder" if file.is_dir() else "no regular file (a pipe, socket or device)"
            return Identified(path=path, fingerprint=None, error=f"It is {kind}; only files hold pictures.")
        with StorageRoot.open(file.parent) as root:
            descriptor = durable_files.open_regular(root.calls, root.descriptor, file.name)
            try:
                return Identified(path=path, fingerprint=(analyser or PictureAnalyser()).fingerprint(descriptor))
            finally:
                root.calls.close(descriptor)
    except ImalinkError as error:
        return Identified(path=path, fingerprint=None, error=error.message)
    except OSError as error:
        return Identified(path=path, fingerprint=None, error=error.strerror or str(error))
