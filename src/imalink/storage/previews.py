"""Hotpreviews of a storage: ``.imalink/hotpreviews/a1/b2/<hothash>.jpg``, rebuildable and so never flushed.

Each is sealed: a spoilt one shows that it is.
"""

from __future__ import annotations

from contextlib import suppress

from imalink.core.ids import Hothash
from imalink.core.relative_path import RelativePath
from imalink.errors import (
    ImalinkError,
    IndexDamagedError,
    NameTakenError,
    OutOfSpaceError,
    StorageIoError,
    StorageReadOnlyError,
    UnsafePathError,
)
from imalink.formats.sealed_preview import is_preview_whole, seal_preview, unseal_preview
from imalink.storage.fs import PLACED_MODE, STAGING, StorageFiles

HOTPREVIEWS = RelativePath(".imalink/hotpreviews")
MAX_HOTPREVIEW_BYTES = 1024 * 1024


def hotpreview_path(hothash: Hothash) -> RelativePath:
    """Say where a picture's hotpreview stands."""
    return RelativePath(f"{HOTPREVIEWS}/{hothash[:2]}/{hothash[2:4]}/{hothash}.jpg")


class Hotpreviews:
    """Keeps and gives the small previews of one storage."""

    def __init__(self, files: StorageFiles) -> None:
        self._files = files

    def save(self, hothash: Hothash, data: bytes) -> None:
        """Put a preview in its place, instead of one that stands there."""
        final = hotpreview_path(hothash)
        assert final.parent is not None
        self._files.make_directories(final.parent, is_synced=False)
        self._files.make_directories(STAGING)
        staged = RelativePath(f"{STAGING}/hotpreview-{hothash}")
        self._files.remove_own(staged)
        try:
            with self._files.stage_new(staged) as file:
                file.write(seal_preview(hothash, data))
                file.set_mode(PLACED_MODE)
            self._files.remove_own(final)
            self._files.place(staged, final)
        except NameTakenError:
            self._files.remove_own(staged)
        except ImalinkError:  # the work may go on without a preview, and then nothing looks into staging again
            with suppress(ImalinkError):
                self._files.remove_own(staged)
            raise

    def keep(self, hothash: Hothash, data: bytes) -> bool:
        """Save a preview if the disk takes it, and tell; one that cannot be kept stops no work."""
        try:
            self.save(hothash, data)
        except (OutOfSpaceError, StorageReadOnlyError, StorageIoError):
            return False
        return True

    def find(self, hothash: Hothash) -> bytes | None:
        """Give a preview's JPEG bytes as they were saved, or None when there is none."""
        data = self._files.find_bytes(hotpreview_path(hothash), MAX_HOTPREVIEW_BYTES)
        return None if data is None else unseal_preview(data)

    def find_whole(self, hothash: Hothash) -> bytes | None:
        """Give a preview's JPEG bytes if they are as they were saved, to the byte. Raises StorageError."""
        try:
            data = self._files.find_bytes(hotpreview_path(hothash), MAX_HOTPREVIEW_BYTES)
        except (IndexDamagedError, UnsafePathError):
            return None
        return unseal_preview(data) if data is not None and is_preview_whole(hothash, data) else None

    def is_whole(self, hothash: Hothash) -> bool:
        """Tell whether a preview stands there as it was saved, to the byte. Raises StorageError."""
        try:
            data = self._files.find_bytes(hotpreview_path(hothash), MAX_HOTPREVIEW_BYTES)
        except (IndexDamagedError, UnsafePathError):
            return False
        return data is not None and is_preview_whole(hothash, data)

    def exists(self, hothash: Hothash) -> bool:
        """Tell whether a preview stands there; an empty file is none (previews are not flushed)."""
        facts = self._files.find_facts(hotpreview_path(hothash))
        return facts is not None and facts.size_bytes > 0
