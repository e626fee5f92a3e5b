"""Walk a GIF: screen, colour tables, frames and loop to picture parts, XMP and profile to metadata blocks.

Rules: docs/format/hothash.md, section gif. Layout: GIF89a specification; XMP: ISO 16684-3, annex on GIF; colour
profile: the ICC's note on embedding in GIF.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError, Part, Spans
from imalink.media.reader import Reader

_SCREEN_AT: Final = 6
_SCREEN_BYTES: Final = 7
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_GRAPHIC_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPS: Final = frozenset((b"NETSCAPE2.0", b"ANIMEXTS1.0"))
_XMP: Final = b"XMP DataXMP"
_ICC: Final = b"ICCRGBG1012"
_IDENTIFIER_BYTES: Final = 11
# Plain text that is read as sub-blocks leads anywhere; these bytes after it lead to their end from wherever one lands.
_LANDING: Final = b"\x01" + bytes(range(0xFF, -1, -1)) + b"\x00"
_MAX_BLOCKS: Final = 262_144
_MAX_SUB_BLOCKS: Final = 4_194_304
_FIRST_WINDOW, _WINDOW = 256, 32 * 1024  # most chains are short


class SubBlocks(Spans):
    """The data of a chain of sub-blocks, in the order of the file.

    The ranges are found anew each time they are asked for: a hostile file can have one for every two of its bytes.
    """

    __slots__ = ("_position", "_reader", "count", "end")
    count: int
    length: int
    end: int

    def __init__(self, reader: Reader, position: int, *, at_most: int = _MAX_SUB_BLOCKS) -> None:
        """Follow the chain that begins at ``position``.

        Raises BrokenStructureError when it has no end, or more than ``at_most`` sub-blocks.
        """
        super().__init__()
        self._reader = reader
        self._position = position
        last = position
        self.count = 0
        for offset, length in self:
            self.count += 1
            if self.count > at_most:
                raise BrokenStructureError("more sub-blocks than any real picture has")
            self.length += length
            last = offset + length
        self.end = last + 1

    def __iter__(self) -> Iterator[tuple[int, int]]:
        size = self._reader.size
        position = start = self._position
        window = b""
        wanted = _FIRST_WINDOW
        while True:
            at = position - start
            if at >= len(window):
                if position >= size:
                    raise BrokenStructureError("sub-blocks without end")
                start, at = position, 0
                window = self._reader.read(position, min(wanted, size - position))
                wanted = min(wanted * 4, _WINDOW)
            length = window[at]
            if not length:
                return
            if position + 1 + length > size:
                raise BrokenStructureError("a sub-block reaches beyond the file")
            yield position + 1, length
            position += 1 + length


def walk_gif(reader: Reader, blocks: Blocks) -> None:
    """Fill ``blocks`` from a GIF. Raises BrokenStructureError where a rule is broken; what came before stays."""
    screen = reader.read(_SCREEN_AT, _SCREEN_BYTES)
    blocks.width, blocks.height = int.from_bytes(screen[:2], "little"), int.from_bytes(screen[2:4], "little")
    blocks.add(Part(tag=b"SCRN", spans=Spans(_SCREEN_AT, _SCREEN_BYTES)))
    position = _add_colour_table(reader, blocks, b"GCT ", screen[4], _SCREEN_AT + _SCREEN_BYTES)
    has_picture = False
    block_count, spare = 0, _MAX_SUB_BLOCKS
    while (introducer := reader.read(position, 1)[0]) != _TRAILER:
        if introducer == _IMAGE:
            position, used = _walk_image(reader, blocks, position + 1, spare)
            has_picture = True
        elif introducer == _EXTENSION:
            position, used = _walk_extension(reader, blocks, position + 1, spare)
        else:
            raise BrokenStructureError(f"block {introducer:02X} where none may stand")
        block_count, spare = block_count + 1, spare - used
        if block_count > _MAX_BLOCKS:
            raise BrokenStructureError("more blocks than any real picture has")
    if not has_picture:
        raise BrokenStructureError("no picture data")


def _add_colour_table(reader: Reader, blocks: Blocks, tag: bytes, flags: int, position: int) -> int:
    """Add the colour table that ``flags`` announce, and give where it ends."""
    if not flags & 0x80:
        return position
    size = 3 << (flags & 7) + 1
    if position + size > reader.size:
        raise BrokenStructureError("a colour table reaches beyond the file")
    blocks.add(Part(tag=tag, spans=Spans(position, size)))
    return position + size


def _walk_image(reader: Reader, blocks: Blocks, position: int, spare: int) -> tuple[int, int]:
    """Add a picture; give where it ends and how many sub-blocks it has, which are at most ``spare``."""
    descriptor = reader.read(position, 9)
    blocks.add(Part(tag=b"IMGD", spans=Spans(position, 9)))
    position = _add_colour_table(reader, blocks, b"LCT ", descriptor[8], position + 9)
    code_size = reader.read(position, 1)
    data = SubBlocks(reader, position + 1, at_most=spare)
    blocks.add(Part(tag=b"DATA", built=code_size, spans=data))
    return data.end, data.count


def _walk_extension(reader: Reader, blocks: Blocks, position: int, spare: int) -> tuple[int, int]:
    """Add or note an extension; give where it ends and how many sub-blocks it has, which are at most ``spare``."""
    label, first = reader.read(position, 2)
    if not first and label != _GRAPHIC_CONTROL:
        return position + 2, 0
    data = SubBlocks(reader, position + 1, at_most=spare)
    if label == _GRAPHIC_CONTROL:
        if first != 4 or data.length != 4:
            raise BrokenStructureError("a graphic control that is not one sub-block of 4 bytes")
        blocks.add(Part(tag=b"GCE ", spans=Spans(position + 2, 4)))
    elif label == _APPLICATION and first == _IDENTIFIER_BYTES:
        identifier = reader.read(position + 2, _IDENTIFIER_BYTES)
        body = position + 2 + _IDENTIFIER_BYTES
        if identifier in _LOOPS:
            blocks.add(Part(tag=b"LOOP", spans=SubBlocks(reader, body)))
        elif identifier == _XMP and blocks.xmp is None:
            blocks.xmp = _xmp_in(reader, body, data.end)
        elif identifier == _ICC:
            blocks.icc.setdefault(1, SubBlocks(reader, body))
    return data.end, data.count


def _xmp_in(reader: Reader, body: int, end: int) -> Spans:
    length = end - body - len(_LANDING)
    if length >= 0 and reader.read(end - len(_LANDING), len(_LANDING)) == _LANDING:
        return Spans(body, length)
    return SubBlocks(reader, body)  # written as other extensions are, against the standard
