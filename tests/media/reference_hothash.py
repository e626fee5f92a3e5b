"""The hothash a second time: slow, byte by byte, from the words of docs/format/hothash.md and from nothing else.

It shares no code and no technique with ``imalink.media``; where the two differ, one of them misread the page.
"""

from __future__ import annotations

import hashlib

from tests.media.reference_boxes import box_parts, kind_of_boxes
from tests.media.reference_riff_gif import gif_parts, webp_parts
from tests.media.reference_tiff import BadTiffError, tiff_parts

Parts = list[tuple[str, bytes]]

SOF = [0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF]
HASHED = [*SOF, 0xC4, 0xCC, 0xDB, 0xDC, 0xDD]
TIFF_STARTS = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"MMSR"]
IN_DATA = [0x00, 0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7]


class NotWellFormedError(Exception):
    """A rule is broken."""


class Bytes:
    """A tape that is read forwards and refuses to run off its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise NotWellFormedError("beyond the end")
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece

    def take_one(self) -> int:
        return self.take(1)[0]


def jpeg_parts(data: bytes) -> Parts:
    tape = Bytes(data)
    tape.take(2)
    parts: Parts = []
    seen: Parts = []
    while True:
        if tape.take_one() != 0xFF:
            raise NotWellFormedError("no marker")
        code = tape.take_one()
        while code == 0xFF:
            code = tape.take_one()
        if code == 0xD9:
            break
        if code not in HASHED and code != 0xDA and not 0xE0 <= code <= 0xEF and code != 0xFE:
            raise NotWellFormedError("unknown marker")
        length = int.from_bytes(tape.take(2), "big")
        if length < 2:
            raise NotWellFormedError("short segment")
        payload = tape.take(length - 2)
        if code == 0xDA:
            if "FFDA" not in [tag for tag, _ in parts] and needs_jfif(seen):
                parts.append(("JFIF", b""))
            parts.append(("FFDA", payload + scan(tape)))
        elif code in HASHED or (code == 0xEE and payload[:5] == b"Adobe"):
            parts.append((f"FF{code:02X}", payload))
        seen.append((f"FF{code:02X}", payload))
        if len(seen) > 100_000:
            raise NotWellFormedError("segments")
    tags = [tag for tag, _ in parts]
    if "FFDA" not in tags or not any(f"FF{code:02X}" in tags for code in SOF):
        raise NotWellFormedError("no frame or no scan")
    return parts


def needs_jfif(segments: Parts) -> bool:
    frames = [payload for tag, payload in segments if tag in [f"FF{code:02X}" for code in SOF]]
    has_jfif = any(tag == "FFE0" and payload[:5] == b"JFIF\0" and len(payload) >= 14 for tag, payload in segments)
    if not has_jfif or not frames or len(frames[0]) < 15 or frames[0][5] != 3:
        return False
    if [chr(frames[0][at]) for at in (6, 9, 12)] == ["R", "G", "B"]:
        return True
    return any(
        tag == "FFEE" and payload[:5] == b"Adobe" and len(payload) >= 12 and payload[11] == 0
        for tag, payload in segments
    )


def scan(tape: Bytes) -> bytes:
    data = bytearray()
    while True:
        byte = tape.take_one()
        if byte != 0xFF:
            data.append(byte)
            continue
        start = tape.at - 1
        run = 1
        after = tape.take_one()
        while after == 0xFF:
            run += 1
            after = tape.take_one()
        if after in IN_DATA:
            data += b"\xff" * run
            data.append(after)
        else:
            tape.at = start
            return bytes(data)


def png_parts(data: bytes) -> Parts:
    tape = Bytes(data)
    tape.take(8)
    chunks: list[tuple[str, bytes]] = []
    while not chunks or chunks[-1][0] != "IEND":
        length = int.from_bytes(tape.take(4), "big")
        name = tape.take(4).decode("latin-1")
        payload = tape.take(length)
        tape.take(4)
        chunks.append((name, payload))
    if len(chunks) > 1_048_576:
        raise NotWellFormedError("chunks")
    names = [name for name, _ in chunks]
    if names[0] != "IHDR" or names.count("IHDR") > 1 or len(chunks[0][1]) != 13 or "IDAT" not in names:
        raise NotWellFormedError("IHDR or IDAT")
    pictures = [index for index, name in enumerate(names) if name == "IDAT"]
    if pictures[-1] - pictures[0] != len(pictures) - 1:
        raise NotWellFormedError("IDAT apart")
    picture = b"".join(payload for name, payload in chunks if name == "IDAT")
    parts: Parts = []
    has_picture = False
    joins_frame = False
    for name, payload in chunks:
        if name in ("IHDR", "PLTE", "tRNS", "acTL"):
            parts.append((name, payload))
        elif name == "IDAT":
            if not has_picture:
                parts.append((name, picture))
                has_picture = True
        elif name in ("fcTL", "fdAT"):
            if len(payload) < 4:
                raise NotWellFormedError("no sequence number")
            if name == "fdAT" and joins_frame:
                last = max(index for index, (tag, _) in enumerate(parts) if tag == "fdAT")
                parts[last] = (name, parts[last][1] + payload[4:])
            else:
                parts.append((name, payload[4:]))
            joins_frame = name == "fdAT"
        elif name != "IEND" and not "a" <= name[0] <= "z":
            raise NotWellFormedError("unknown critical chunk")
    return parts


def hash_parts(kind: str, parts: Parts) -> str:
    text = b"imalink-hothash-1\x00" + kind.encode() + b"\x00"
    for tag, data in parts:
        text += tag.encode() + len(data).to_bytes(8, "big") + data
    return hashlib.sha256(text).hexdigest()


def reference_parts(data: bytes) -> tuple[str, Parts] | None:
    """The kind and its parts, None for ``file-1``."""
    boxed = kind_of_boxes(data)
    if boxed is not None:
        found = box_parts(boxed, data)
        return (boxed, found) if found is not None and (boxed == "video" or len(found) <= 65_536) else None
    kind = None
    if data[:3] == b"\xff\xd8\xff":
        kind, parse = "jpeg", jpeg_parts
    elif data[:8] == b"\x89PNG\r\n\x1a\n":
        kind, parse = "png", png_parts
    elif data[:4] in TIFF_STARTS and data[8:12] != b"IIII":
        try:
            return "tiff", tiff_parts(data)
        except BadTiffError:
            return None
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind, parse = "webp", webp_parts
    elif data[:6] in (b"GIF87a", b"GIF89a"):
        kind, parse = "gif", gif_parts
    else:
        return None
    try:
        parts = parse(data)
    except NotWellFormedError:
        return None
    return (kind, parts) if parts is not None and len(parts) <= 65_536 else None


def reference_hothash(data: bytes) -> tuple[str, str]:
    """Hothash and method."""
    found = reference_parts(data)
    if found is None:
        return hashlib.sha256(data).hexdigest(), "file-1"
    kind, parts = found
    return hash_parts(kind, parts), f"{kind}-1"
