"""WebP and GIF a second time, from the words of docs/format/hothash.md; part of ``reference_hothash``."""

from __future__ import annotations

Parts = list[tuple[str, bytes]]


def little(data: bytes) -> int:
    return sum(byte << 8 * place for place, byte in enumerate(data))


def four(number: int) -> bytes:
    return bytes((number >> 24 & 255, number >> 16 & 255, number >> 8 & 255, number & 255))


def webp_parts(data: bytes) -> Parts | None:
    end = 8 + little(data[4:8])
    if end > len(data) or len(data) < 12:
        return None
    rest = data[12:end]
    chunks: list[tuple[str, bytes]] = []
    while rest:
        if len(rest) < 8:
            return None
        length = little(rest[4:8])
        if length > len(rest) - 8:
            return None
        chunks.append((rest[:4].decode("latin-1"), rest[8 : 8 + length]))
        if len(chunks) > 1_048_576:
            return None
        rest = rest[8 + length + (1 if length % 2 == 1 else 0) :]
    if not [name for name, _ in chunks if name in ("VP8 ", "VP8L", "ANMF")]:
        return None
    extended = [payload for name, payload in chunks if name == "VP8X"]
    sizes = [(name, *size) for name, payload in chunks for size in [coded_size(name, payload)] if size is not None]
    animated, alpha = False, False
    if extended:
        if len(extended[0]) < 10:
            return None
        size = four(little(extended[0][4:7]) + 1) + four(little(extended[0][7:10]) + 1)
        animated, alpha = extended[0][0] // 2 % 2 == 1, extended[0][0] // 16 % 2 == 1
    elif sizes:
        size = four(sizes[0][1]) + four(sizes[0][2])
    else:
        return None
    if sizes and sizes[0][0] == "VP8L" and not animated:
        alpha = sizes[0][3]
    size += bytes([16 * alpha + 2 * animated])
    return [("SIZE", size), *(each for each in chunks if each[0] in ("VP8 ", "VP8L", "ALPH", "ANIM", "ANMF"))]


def coded_size(name: str, payload: bytes) -> tuple[int, int, bool] | None:
    """Width, height, alpha."""
    if name == "VP8 " and len(payload) >= 10 and payload[3:6] == b"\x9d\x01\x2a":
        return little(payload[6:8]) % 16384, little(payload[8:10]) % 16384, False
    if name == "VP8L" and len(payload) >= 5 and payload[0] == 0x2F:
        bits = little(payload[1:5])
        return bits % 16384 + 1, bits // 16384 % 16384 + 1, payload[4] // 16 % 2 == 1
    return None


class TornError(Exception):
    """Something reaches past the end."""


class GifTape:
    def __init__(self, data: bytes) -> None:
        self.rest = list(reversed(data))
        self.sub_block_count = 0

    def take(self, count: int) -> bytes:
        if count > len(self.rest):
            raise TornError
        return bytes(self.rest.pop() for _ in range(count))

    def sub_blocks(self) -> list[bytes]:
        found: list[bytes] = []
        while (length := self.take(1)[0]) != 0:
            found.append(self.take(length))
            self.sub_block_count += 1
        return found

    def colour_table(self, tag: str, flags: int) -> Parts:
        if flags < 128:
            return []
        return [(tag, self.take(3 * 2 ** (flags % 8 + 1)))]


def gif_parts(data: bytes) -> Parts | None:
    tape = GifTape(data[6:])
    try:
        screen = tape.take(7)
        parts: Parts = [("SCRN", screen), *tape.colour_table("GCT ", screen[4])]
        blocks = 0
        while True:
            block = tape.take(1)
            if block == b"\x3b":
                break
            if block == b"\x2c":
                place = tape.take(9)
                parts.append(("IMGD", place))
                parts += tape.colour_table("LCT ", place[8])
                parts.append(("DATA", tape.take(1) + b"".join(tape.sub_blocks())))
            elif block == b"\x21":
                label = tape.take(1)
                found = tape.sub_blocks()
                if label == b"\xf9":
                    if [len(each) for each in found] != [4]:
                        return None
                    parts.append(("GCE ", found[0]))
                elif label == b"\xff" and found and found[0] in (b"NETSCAPE2.0", b"ANIMEXTS1.0"):
                    parts.append(("LOOP", b"".join(found[1:])))
            else:
                return None
            blocks += 1
            if blocks > 262_144 or tape.sub_block_count > 4_194_304:
                return None
    except TornError:
        return None
    return parts if "DATA" in [tag for tag, _ in parts] else None
