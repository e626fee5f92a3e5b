"""Walk a PNG or APNG: chunks to picture parts and metadata blocks.

Rules: docs/format/hothash.md, section png. Chunk layout: W3C PNG, third edition.
"""

from __future__ import annotations

from typing import Final

from imalink.media.blocks import MAX_METADATA_PIECES, Blocks, BrokenStructureError, PackedText, Part, Spans
from imalink.media.reader import Reader

_SIGNATURE_LENGTH: Final = 8
_WHOLE_PARTS: Final = frozenset((b"IHDR", b"PLTE", b"tRNS", b"acTL"))
_TEXT: Final = frozenset((b"tEXt", b"zTXt", b"iTXt", b"iCCP"))
_MAX_CHUNKS: Final = 1_048_576
_LOWER_CASE: Final = range(0x61, 0x7B)
_LONGEST_TEXT_HEADER: Final = 512


def walk_png(reader: Reader, blocks: Blocks) -> None:
    """Fill ``blocks`` from a PNG. Raises BrokenStructureError where a rule is broken; what came before stays."""
    position = _SIGNATURE_LENGTH
    is_first = True
    picture_data: Spans | None = None
    frame_data: Spans | None = None
    last_chunk = b""
    chunks = 0
    while True:
        header = reader.read(position, 8)
        size, chunk = int.from_bytes(header[:4], "big"), header[4:]
        payload = position + 8
        position = payload + size + 4  # the CRC must be there, though nobody checks it
        if position > reader.size:
            raise BrokenStructureError("a chunk reaches beyond the file")
        chunks += 1
        if chunks > _MAX_CHUNKS:
            raise BrokenStructureError("more chunks than any real picture has")
        last_chunk, chunk_before = chunk, last_chunk
        if is_first != (chunk == b"IHDR") or (is_first and size != 13):
            raise BrokenStructureError("IHDR is not the first and only one, of 13 bytes")
        if chunk == b"IEND":
            break
        if chunk in _WHOLE_PARTS:
            blocks.add(Part(tag=chunk, spans=Spans(payload, size)))
        elif chunk == b"IDAT":
            if picture_data is None:
                picture_data = Spans()
                blocks.add(Part(tag=chunk, spans=picture_data))
            elif chunk_before != b"IDAT":
                raise BrokenStructureError("picture data in two places")  # decoders stop at the end of the first
            picture_data.append(payload, size)
        elif chunk in (b"fcTL", b"fdAT"):
            # Both begin with a sequence number, which changes when chunks before them come and go.
            if size < 4:
                raise BrokenStructureError("an animation chunk without sequence number")
            if chunk == b"fcTL":
                blocks.add(Part(tag=chunk, spans=Spans(payload + 4, size - 4)))
                frame_data = None
                continue
            if frame_data is None:
                frame_data = Spans()
                blocks.add(Part(tag=chunk, spans=frame_data))
            frame_data.append(payload + 4, size - 4)
        elif header[4] not in _LOWER_CASE:
            raise BrokenStructureError("a critical chunk nobody knows")
        else:
            _note_metadata(reader, blocks, chunk, payload, size)
        if is_first:
            blocks.width = int.from_bytes(reader.read(payload, 4), "big")
            blocks.height = int.from_bytes(reader.read(payload + 4, 4), "big")
            is_first = False
    if picture_data is None:
        raise BrokenStructureError("no picture data")


def _note_metadata(reader: Reader, blocks: Blocks, chunk: bytes, payload: int, size: int) -> None:
    if chunk == b"eXIf" and blocks.exif is None:
        blocks.exif = Spans(payload, size)
    elif chunk in _TEXT and len(blocks.packed) < MAX_METADATA_PIECES:
        head = reader.read(payload, min(size, _LONGEST_TEXT_HEADER))
        keyword, separator, rest = head.partition(b"\x00")
        if not separator:
            return
        text_at = payload + len(keyword) + 1
        is_compressed = chunk in (b"zTXt", b"iCCP")
        if chunk == b"iTXt":
            # flag, method, language, NUL, translated keyword, NUL, text
            is_compressed = rest[:1] == b"\x01"
            fields = rest[2:].split(b"\x00", 2)
            if len(fields) < 3:
                return
            text_at += 2 + len(fields[0]) + 1 + len(fields[1]) + 1
        elif is_compressed:
            text_at += 1
        length = payload + size - text_at
        if length <= 0:
            return
        if chunk == b"iCCP":
            blocks.icc.setdefault(1, Spans(text_at, length))
            return
        name = keyword.decode("latin-1")
        blocks.packed.append(PackedText(keyword=name, spans=Spans(text_at, length), is_compressed=is_compressed))
