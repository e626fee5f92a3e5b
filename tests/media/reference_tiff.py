"""The hothash of the TIFF family a second time: slow and plain, from the words of docs/format/hothash.md alone."""

from __future__ import annotations

from dataclasses import dataclass

TiffParts = list[tuple[str, bytes]]

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
UNSIGNED = [3, 4, 13, 16, 18]
SIGNED = [6, 8, 9, 17]
RATIONAL = [5, 10]
TAGS = [
    *(256, 257, 258, 259, 262, 266, 277, 278, 284, 292, 293, 317, 320, 322, 323, 338, 339, 512, 530),
    *(33421, 33422, 50752, 50974, 50975, 52547),
]
PANASONIC_TAGS = [2, 3, 8, 9, 10, 11, 45]
PAIRS = [(273, 279), (324, 325), (513, 514)]


class BadTiffError(Exception):
    """A rule is broken."""


@dataclass
class Ifd:
    depth: int
    entries: list[tuple[int, int, int, int]]
    """Tag, type, number of values, where the field for the value or its offset stands."""


class Tiff:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "little" if data[:2] == b"II" else "big"
        self.mark = self.number(2, 2)
        self.wide = 8 if self.mark == 43 else 4

    def piece(self, at: int, length: int) -> bytes:
        if at + length > len(self.data):
            raise BadTiffError("beyond the end")
        return self.data[at : at + length]

    def number(self, at: int, length: int) -> int:
        return self.digits(self.piece(at, length))

    def digits(self, data: bytes) -> int:
        return sum(byte << 8 * n for n, byte in enumerate(data if self.order == "little" else reversed(data)))

    def ifd(self, at: int, depth: int) -> tuple[Ifd, int]:
        """A directory, and where its "offset of the next" stands."""
        count_size = 8 if self.wide == 8 else 2
        count = self.number(at, count_size)
        if count > 4096:
            raise BadTiffError("entries")
        entries: list[tuple[int, int, int, int]] = []
        at += count_size
        for _ in range(count):
            tag, kind, number = self.number(at, 2), self.number(at + 2, 2), self.number(at + 4, self.wide)
            self.piece(at + 4 + self.wide, self.wide)
            entries.append((tag, kind, number, at + 4 + self.wide))
            at += 4 + 2 * self.wide
        return Ifd(depth, entries), at

    def directories(self) -> tuple[list[Ifd], int]:
        """All of them, and how many are the chain."""
        found: list[Ifd] = []
        places: list[int] = []
        at = self.number(8, 8) if self.wide == 8 else self.number(4, 4)
        while at != 0 and at not in places:
            if len(found) == 64:
                raise BadTiffError("directories")
            places.append(at)
            ifd, next_at = self.ifd(at, 0)
            found.append(ifd)
            at = self.number(next_at, self.wide)
        chain = len(found)
        done = 0
        while done < len(found):
            parent = found[done]
            done += 1
            for at in self.values(parent, 330, most=64):
                if at in places:
                    continue
                if len(found) == 64 or parent.depth == 4:
                    raise BadTiffError("directories")
                places.append(at)
                found.append(self.ifd(at, parent.depth + 1)[0])
        return found, chain

    def field(self, ifd: Ifd, tag: int) -> tuple[int, int, int] | None:
        for entry in ifd.entries:
            if entry[0] == tag:
                return entry[1:]
        return None

    def has(self, ifd: Ifd, *tags: int) -> bool:
        return all(self.field(ifd, tag) is not None for tag in tags)

    def raw(self, ifd: Ifd, tag: int) -> bytes:
        field = self.field(ifd, tag)
        if field is None:
            return b""
        kind, number, at = field
        if kind not in SIZES:
            raise BadTiffError("type")
        length = SIZES[kind] * number
        return self.piece(at if length <= self.wide else self.number(at, self.wide), length)

    def values(self, ifd: Ifd, tag: int, most: int = 262_144) -> list[int]:
        field = self.field(ifd, tag)
        if field is None:
            return []
        kind, number, _ = field
        if number > most:
            raise BadTiffError("values")
        data = self.raw(ifd, tag)
        if kind in UNSIGNED or kind in SIGNED:
            size = SIZES[kind]
            numbers = [self.digits(data[n : n + size]) for n in range(0, len(data), size)]
            if kind in SIGNED:
                numbers = [n if n < 1 << (8 * size - 1) else n + (1 << 64) - (1 << 8 * size) for n in numbers]
            return numbers
        if kind in RATIONAL:
            return [
                self.digits(data[n : n + 4]) * 2**32 + self.digits(data[n + 4 : n + 8]) for n in range(0, len(data), 8)
            ]
        return list(data)

    def first(self, ifd: Ifd, tag: int) -> int:
        try:
            values = self.values(ifd, tag)
        except BadTiffError:
            return 0
        return values[0] if values else 0


def chosen(tiff: Tiff) -> list[Ifd]:
    every, chain = tiff.directories()
    images = [ifd for ifd in every if any(tiff.has(ifd, *pair) for pair in PAIRS)]
    best: Ifd | None = None
    best_size = (-1, -1)
    for ifd in images:
        if tiff.first(ifd, 262) in (32803, 34892):
            amount = 0
            for offsets, lengths in PAIRS:
                if tiff.has(ifd, offsets):
                    amount += sum(tiff.values(ifd, lengths))
            size = (tiff.first(ifd, 256) * tiff.first(ifd, 257), amount)
            if size > best_size:
                best, best_size = ifd, size
    if best is not None:
        return [best]
    if tiff.mark == 42 and tiff.data[8:12] == b"CR\x02\x00":
        return [ifd for ifd in every[:chain][3:4] if ifd in images]
    if tiff.mark in (0x55, 0x4F52, 0x5352):
        return every[:chain][:1]
    return [
        ifd for ifd in images if tiff.has(ifd, 256, 257) and tiff.first(ifd, 254) % 2 == 0 and tiff.first(ifd, 255) != 2
    ]


def tiff_parts(data: bytes) -> TiffParts:
    """Raises BadTiffError for ``file-1``."""
    tiff = Tiff(data)
    parts: TiffParts = []
    pieces = hashed_values = data_bytes = 0
    pictures = chosen(tiff)
    for ifd in pictures:
        parts.append(("IMGE", data[:2]))
        if tiff.has(ifd, 519) or tiff.has(ifd, 520) or tiff.has(ifd, 521):
            raise BadTiffError("old JPEG")
        for tag in sorted(TAGS + (PANASONIC_TAGS if tiff.mark == 0x55 else [])):
            field = tiff.field(ifd, tag)
            if field is not None:
                values = tiff.values(ifd, tag)
                hashed_values += len(values)
                text = tag.to_bytes(2, "big") + field[1].to_bytes(4, "big")
                parts.append(("TAGV", text + b"".join(value.to_bytes(8, "big") for value in values)))
        if tiff.has(ifd, 347):
            parts.append(("JTAB", tiff.raw(ifd, 347)))
        if tiff.mark == 0x55:
            places = tiff.values(ifd, 280 if tiff.has(ifd, 280) else 273)
            lengths = tiff.values(ifd, 279)
            if not places or places[0] > len(data):
                raise BadTiffError("no data")
            end = places[0] + lengths[0] if lengths else len(data) + 1
            parts.append(("DATA", data[places[0] :] if end > len(data) else data[places[0] : end]))
            continue
        for offsets_tag, lengths_tag in PAIRS:
            if not tiff.has(ifd, offsets_tag, lengths_tag):
                continue
            offsets, lengths = tiff.values(ifd, offsets_tag), tiff.values(ifd, lengths_tag)
            if len(offsets) != len(lengths):
                raise BadTiffError("unequal")
            for offset, length in zip(offsets, lengths, strict=True):
                pieces += 1
                parts.append(("DATA", tiff.piece(offset, length) if length else b""))
                data_bytes += length
                if pieces > 262_144 or data_bytes > len(data):
                    raise BadTiffError("too much data")
    data_bytes = sum(len(piece) for tag, piece in parts if tag in ("DATA", "JTAB"))
    if hashed_values > 1_048_576 or data_bytes > len(data):
        raise BadTiffError("too much")
    if not any(tag == "DATA" and piece for tag, piece in parts):
        raise BadTiffError("no picture")
    return parts
