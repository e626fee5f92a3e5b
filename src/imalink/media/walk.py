"""Choose the walker for a kind and walk: the one way in which a picture file is taken apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError
from imalink.media.blocks_cr3 import walk_cr3
from imalink.media.blocks_gif import walk_gif
from imalink.media.blocks_heif import walk_heif
from imalink.media.blocks_jpeg import walk_jpeg
from imalink.media.blocks_jxl import walk_jxl
from imalink.media.blocks_plain import read_bmp, read_psd
from imalink.media.blocks_png import walk_png
from imalink.media.blocks_raw import read_crw, read_mrw, read_raf, read_x3f
from imalink.media.blocks_tiff import walk_iiq, walk_tiff
from imalink.media.blocks_video import walk_video
from imalink.media.blocks_webp import walk_webp
from imalink.media.kinds import HEAD_BYTES, Kind, kind_of
from imalink.media.reader import Reader

_WALKERS: Final[Mapping[Kind, Callable[[Reader, Blocks], None]]] = {
    Kind.CR3: walk_cr3,
    Kind.GIF: walk_gif,
    Kind.HEIF: walk_heif,
    Kind.JPEG: walk_jpeg,
    Kind.JXL: walk_jxl,
    Kind.PNG: walk_png,
    Kind.VIDEO: walk_video,
    Kind.WEBP: walk_webp,
    Kind.TIFF: walk_tiff,
}
"""Kinds with a hothash method of their own."""

_PLAIN: Final[Mapping[Kind, Callable[[Reader, Blocks], None]]] = {
    Kind.BMP: read_bmp,
    Kind.PSD: read_psd,
    Kind.IIQ: walk_iiq,
    Kind.RAF: read_raf,
    Kind.MRW: read_mrw,
    Kind.X3F: read_x3f,
    Kind.CRW: read_crw,
}
"""Kinds whose hothash is that of the file; only sizes and metadata are read."""


def head_of(reader: Reader) -> bytes:
    """Give what ``kind_of`` wants to see; nothing if the file has shrunk to less. Raises OSError."""
    try:
        return reader.read(0, min(HEAD_BYTES, reader.size))
    except BrokenStructureError:
        return b""


def walk(reader: Reader, *, is_for_facts: bool = True) -> Blocks:
    """Find the picture parts and metadata blocks of a file of any kind.

    Content chooses the walker. Without ``is_for_facts`` kinds that have no hothash method are not looked into. Never
    raises for content: a broken file has ``fault`` and what was found before it. Raises OSError.
    """
    kind = kind_of(head_of(reader))
    blocks = Blocks()
    walker = _WALKERS.get(kind)
    if walker is not None:
        blocks.method_kind = kind.value
    else:
        walker = _PLAIN.get(kind, _nothing) if is_for_facts else _nothing
    try:
        walker(reader, blocks)
    except BrokenStructureError as error:
        blocks.fault = str(error)
    return blocks


def _nothing(reader: Reader, blocks: Blocks) -> None:
    del reader, blocks
