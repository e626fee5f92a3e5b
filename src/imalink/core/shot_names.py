"""What a file name says of its shot: the base name that cameras and programs vary, marks of covers and edits."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# `PXL_20240107_101112345.RAW-01.COVER.jpg`: the shot is named before the first dot, to the millisecond.
_PIXEL = re.compile(r"(?P<shot>pxl_\d{8}_\d{9})(?P<marks>(?:\.[a-z0-9_]+(?:-\d\d)?)*(?:~\d+)?(?:\(\d+\))?)")
# `00100lPORTRAIT_00100_BURST20190101123456789_COVER.jpg`, `DSC_0001_BURST20190101123456789.JPG`: one time a burst.
_TIMED_BURST = re.compile(r".*_burst(?P<burst>\d{14,17})(?P<cover>_cover)?(?P<copy>\(\d+\))?")
# `IMG_20240107_101112_BURST001_COVER.jpg`: what stands before the mark is one a burst.
_COUNTED_BURST = re.compile(r"(?P<burst>.*\d{8}_\d{6})_burst\d{2,3}(?P<cover>_cover)?(?P<copy>\(\d+\))?")
_IPHONE_EDIT = re.compile(r"img_e(?P<number>\d{4,}(?:[ (].*)?)")
# What Google Takeout, in the user's language, and Lightroom add to the name of an edited version.
_EDITED = re.compile(
    r"(?P<base>.+?)-(?:edit(?:-\d+)?|edited|effects|smile|mix|bearbeitet|bewerkt|edytowane|editado|ha editado|editada|"
    r"editat|modifié|modificato|redigert|redigerad|redigeret|muokattu|編集済み)(?P<copy>\(\d+\))?"
)
_COVER_MARK = re.compile(r"\.cover(?:[.~(]|$)|_cover(?:\(\d+\))?$")
_TILDE_EDIT = re.compile(r"(?P<base>.+)~\d+")
# `DSC_00~1.JPG` is what FAT calls `DSC_0001 of Monday.JPG`: eight characters at most, three in the extension.
_FAT_ALIAS = re.compile(r"[^.~]{1,6}~\d{1,6}")
_FAT_STEM, _FAT_EXTENSION = 8, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotName:
    """How a name is read. Only files of equal ``key`` in one folder can be of one shot.

    ``stem`` is the name without its last extension, without regard to case and to how accents are spelt.
    ``is_cover``: the camera marked it as the one to show; ``is_edited``: a program made it from another;
    ``is_burst``: the key names a series of shots, not one. ``is_numbered``: `~2` makes it an edit of the shot ``key``
    only if that is there; otherwise it is the name of a shot of its own.
    """

    key: str
    stem: str
    is_cover: bool = False
    is_edited: bool = False
    is_burst: bool = False
    is_numbered: bool = False


def read_name(name: str) -> ShotName:
    """Read a bare file name. ``IMG_1(1).jpg`` is another shot than ``IMG_1.jpg``: it is only its namesake."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    head, dot, extension = folded.rpartition(".")
    stem = head if dot and head else folded
    is_cover = _COVER_MARK.search(stem) is not None
    pixel = _PIXEL.fullmatch(stem)
    if pixel is not None:
        return ShotName(key=pixel["shot"], stem=stem, is_cover=is_cover, is_edited="~" in pixel["marks"])
    burst = _TIMED_BURST.fullmatch(stem) or _COUNTED_BURST.fullmatch(stem)
    if burst is not None:
        key = f"burst {burst['burst']}{burst['copy'] or ''}"
        return ShotName(key=key, stem=stem, is_cover=is_cover, is_burst=True)
    iphone = _IPHONE_EDIT.fullmatch(stem)
    if iphone is not None:
        return ShotName(key=f"img_{iphone['number']}", stem=stem, is_edited=True)
    edited = _EDITED.fullmatch(stem)
    if edited is not None:
        return ShotName(key=edited["base"] + (edited["copy"] or ""), stem=stem, is_edited=True)
    tilde = _TILDE_EDIT.fullmatch(stem)
    if tilde is not None and not _is_fat_alias(stem, extension):
        return ShotName(key=tilde["base"], stem=stem, is_edited=True, is_numbered=True)
    return ShotName(key=stem, stem=stem, is_cover=is_cover)


def may_be_one_shot(first: ShotName, second: ShotName) -> bool:
    """Tell whether two names of one folder may be of one shot; two numbered edits (`~2`, `~3`) alone say too little."""
    if first.key != second.key:
        return False
    if first.is_numbered or second.is_numbered:
        return first.stem == second.stem or first.key in (first.stem, second.stem)
    return True


def _is_fat_alias(stem: str, extension: str) -> bool:
    return len(stem) <= _FAT_STEM and len(extension) <= _FAT_EXTENSION and _FAT_ALIAS.fullmatch(stem) is not None
