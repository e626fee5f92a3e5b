"""Pictures and films of ISO base media boxes, made byte by byte: what no encoder here writes, or would write broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

XMP_USER_TYPE = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
CANON_USER_TYPE = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
PREVIEW_USER_TYPE = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")
UPRIGHT = (1, 0, 0, 1)


def box(kind: str, *payload: bytes) -> bytes:
    """A box with what is in it."""
    content = b"".join(payload)
    return number(8 + len(content), 4) + kind.encode("latin-1") + content


def long_box(kind: str, *payload: bytes) -> bytes:
    """A box whose length has eight bytes."""
    content = b"".join(payload)
    return number(1, 4) + kind.encode("latin-1") + number(16 + len(content), 8) + content


def full_box(kind: str, version: int, flags: int, *payload: bytes) -> bytes:
    """A box that begins with version and flags."""
    return box(kind, number(version, 1) + number(flags, 3), *payload)


def number(value: int, width: int) -> bytes:
    """A big-endian number."""
    return value.to_bytes(width, "big")


def find_box(data: bytes, *path: str) -> tuple[int, int]:
    """Where the payload of the first box at a path of types begins and ends.

    ``iinf+4`` looks for the type after four bytes of what holds it.
    """
    start, end = 0, len(data)
    for step in path:
        kind, _, skipped = step.partition("+")
        at = start + int(skipped or 0)
        while data[at + 4 : at + 8] != kind.encode("latin-1"):
            at += int.from_bytes(data[at : at + 4], "big")
            assert at < end, f"no {step}"
        start, end = at + 8, at + int.from_bytes(data[at : at + 4], "big")
    return start, end


# HEIF


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item: ``data`` in one or several pieces, ``properties`` as boxes, ``links`` as (type, target)."""

    number: int
    kind: str
    data: Sequence[bytes] = ()
    properties: Sequence[bytes] = ()
    links: Sequence[tuple[str, int]] = ()
    content_type: str = ""
    is_protected: bool = False
    is_in_meta: bool = False
    reference_index: int = 0


def size_property(width: int, height: int) -> bytes:
    """The property that tells a picture's size."""
    return full_box("ispe", 0, 0, number(width, 4), number(height, 4))


def alpha_property() -> bytes:
    """The property that makes an item the transparency of another."""
    return full_box("auxC", 0, 0, b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")


def heif(
    items: Sequence[Item],
    *,
    primary: int = 1,
    brand: str = "heic",
    movie: bytes = b"",
    before: Sequence[bytes] = (),
    iloc_version: int = 1,
    are_ids_wide: bool = False,
    are_indexes_wide: bool = False,
    are_properties_shared: bool = True,
) -> bytes:
    """A HEIF of items; ``before`` are boxes between ``ftyp`` and ``meta``. Pieces of items lie apart in ``mdat``."""
    head = box("ftyp", brand.encode(), number(0, 4), b"mif1", brand.encode()) + b"".join(before)
    id_width = 4 if are_ids_wide else 2
    properties: list[bytes] = []
    associations = b""
    for item in items:
        indexes: list[int] = []
        for held in item.properties:
            if held not in properties or not are_properties_shared:
                properties.append(held)
            indexes.append(properties.index(held) + 1 if are_properties_shared else len(properties))
        width = 2 if are_indexes_wide else 1
        associations += number(item.number, id_width) + number(len(indexes), 1)
        associations += b"".join(number(index, width) for index in indexes)
    infos = b"".join(_info(item, are_ids_wide) for item in items)
    references = b""
    for item in items:
        for kind in dict.fromkeys(kind for kind, _ in item.links):
            targets = [target for name, target in item.links if name == kind]
            ids = b"".join(number(target, id_width) for target in targets)
            references += box(kind, number(item.number, id_width), number(len(targets), 2), ids)
    in_meta = b"".join(piece for item in items if item.is_in_meta for piece in item.data)

    def metadata(data_start: int) -> bytes:
        return full_box(
            "meta",
            0,
            0,
            full_box("hdlr", 0, 0, number(0, 4), b"pict", bytes(13)),
            full_box("pitm", int(are_ids_wide), 0, number(primary, id_width)),
            full_box("iinf", 0, 0, number(len(items), 2), infos),
            full_box("iref", int(are_ids_wide), 0, references) if references else b"",
            box(
                "iprp",
                box("ipco", *properties),
                full_box("ipma", int(are_ids_wide), int(are_indexes_wide), number(len(items), 4), associations),
            ),
            box("idat", in_meta) if in_meta else b"",
            _locations(items, iloc_version, data_start),
        )

    media = b"\xee".join(piece for item in items if not item.is_in_meta for piece in item.data)
    start = len(head) + len(metadata(0)) + len(movie) + 8
    return head + metadata(start) + movie + box("mdat", media)


def _info(item: Item, is_wide: bool) -> bytes:
    content = item.content_type.encode() + b"\0" if item.kind == "mime" else b""
    return full_box(
        "infe",
        3 if is_wide else 2,
        0,
        number(item.number, 4 if is_wide else 2),
        number(int(item.is_protected), 2),
        item.kind.encode(),
        b"\0",
        content,
    )


def _locations(items: Sequence[Item], version: int, data_start: int) -> bytes:
    id_width = 4 if version == 2 else 2
    table = number(len(items), id_width)
    in_meta, in_file = 0, data_start
    for item in items:
        table += number(item.number, id_width)
        if version:
            table += number(int(item.is_in_meta), 2)
        table += number(item.reference_index, 2) + number(len(item.data), 2)
        for piece in item.data:
            if item.is_in_meta:
                at, in_meta = in_meta, in_meta + len(piece)
            else:
                at, in_file = in_file, in_file + len(piece) + 1
            table += number(at, 4) + number(len(piece), 4)
    return full_box("iloc", version, 0, b"\x44\x00", table)


def picture_item(number_of: int = 1, **changes: object) -> Item:
    """A small coded picture; the bytes are no real codec's, which nobody here looks at."""
    item = Item(
        number=number_of,
        kind="hvc1",
        data=(bytes(range(40, 90)),),
        properties=(box("hvcC", b"\x01" + bytes(range(30))), size_property(64, 48)),
    )
    return replace(item, **changes)  # pyright: ignore[reportArgumentType] - named fields of any type


# Films and CR3


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A track: its sample entry, and its chunks as the samples in each. ``same_size`` writes the one size of all."""

    number: int
    handler: str = "vide"
    entry: bytes = b""
    chunks: Sequence[Sequence[bytes]] = field(default_factory=tuple[Sequence[bytes], ...])
    matrix: tuple[int, int, int, int] = UPRIGHT
    is_elsewhere: bool = False
    sizes_in_bits: int = 32
    are_offsets_wide: bool = False


def video_entry(width: int = 64, height: int = 48, kind: str = "avc1", *inner: bytes) -> bytes:
    """A sample description of pictures."""
    start = bytes(6) + number(1, 2) + bytes(16) + number(width, 2) + number(height, 2)
    return box(kind, start, number(0x480000, 4) * 2, bytes(4), number(1, 2), bytes(32), b"\x00\x18\xff\xff", *inner)


def sound_entry() -> bytes:
    """A sample description of sound."""
    return box("mp4a", bytes(6) + number(1, 2) + bytes(8) + number(1, 2) + number(16, 2) + bytes(4), bytes(4))


def film_header(
    *,
    created: int = 0,
    duration: int = 2_500,
    scale: int = 1_000,
    matrix: tuple[int, int, int, int] = UPRIGHT,
    is_long: bool = False,
) -> bytes:
    """The header of a film."""
    width = 8 if is_long else 4
    times = number(created, width) * 2 + number(scale, 4) + number(duration, width)
    rest = bytes(6) + bytes(10) + _matrix(matrix) + bytes(24) + number(9, 4)
    return full_box("mvhd", int(is_long), 0, times, rest)


def movie(tracks: Sequence[Film], places: Sequence[Sequence[int]], *inner: bytes, header: bytes | None = None) -> bytes:
    """A ``moov`` box of tracks whose chunks lie at ``places``."""
    traks = (_track(track, offsets) for track, offsets in zip(tracks, places, strict=True))
    return box("moov", film_header() if header is None else header, *traks, *inner)


def film(
    tracks: Sequence[Film],
    *,
    inner: Sequence[bytes] = (),
    brand: str = "isom",
    is_header_last: bool = False,
    between: Sequence[bytes] = (),
    header: bytes | None = None,
) -> bytes:
    """A film whose tracks' chunks lie in turn in ``mdat``; ``between`` are boxes before it."""
    head = box("ftyp", brand.encode(), number(512, 4), brand.encode())
    turns = max((len(track.chunks) for track in tracks), default=0)
    order = [(index, turn) for turn in range(turns) for index, track in enumerate(tracks) if turn < len(track.chunks)]
    media = b"".join(b"".join(tracks[index].chunks[turn]) for index, turn in order)

    def places(start: int) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in tracks]
        for index, turn in order:
            found[index].append(start)
            start += sum(map(len, tracks[index].chunks[turn]))
        return found

    extra = b"".join(between)
    if is_header_last:
        start = len(head) + len(extra) + 8
        return head + extra + box("mdat", media) + movie(tracks, places(start), *inner, header=header)
    start = len(head) + len(movie(tracks, places(0), *inner, header=header)) + len(extra) + 8
    return head + movie(tracks, places(start), *inner, header=header) + extra + box("mdat", media)


def _track(track: Film, offsets: Sequence[int]) -> bytes:
    samples = [sample for chunk in track.chunks for sample in chunk]
    runs = [(index + 1, len(chunk)) for index, chunk in enumerate(track.chunks)]
    runs = [run for index, run in enumerate(runs) if index == 0 or runs[index - 1][1] != run[1]]
    stsc = b"".join(number(first, 4) + number(count, 4) + number(1, 4) for first, count in runs)
    width = 8 if track.are_offsets_wide else 4
    return box(
        "trak",
        full_box("tkhd", 0, 7, bytes(8), number(track.number, 4), bytes(24), _matrix(track.matrix), bytes(8)),
        box(
            "mdia",
            full_box("hdlr", 0, 0, bytes(4), track.handler.encode(), bytes(13)),
            box(
                "minf",
                box(
                    "dinf",
                    full_box("dref", 0, 0, number(1, 4), full_box("url ", 0, 0 if track.is_elsewhere else 1)),
                ),
                box(
                    "stbl",
                    full_box("stsd", 0, 0, number(1, 4), track.entry),
                    full_box("stsc", 0, 0, number(len(runs), 4), stsc),
                    _sizes(samples, track.sizes_in_bits),
                    full_box(
                        "co64" if track.are_offsets_wide else "stco",
                        0,
                        0,
                        number(len(offsets), 4),
                        *(number(offset, width) for offset in offsets),
                    ),
                ),
            ),
        ),
    )


def _sizes(samples: Sequence[bytes], bits: int) -> bytes:
    sizes = [len(sample) for sample in samples]
    if bits == 32:
        each = sizes[0] if sizes and len(set(sizes)) == 1 else 0
        table = b"" if each else b"".join(number(size, 4) for size in sizes)
        return full_box("stsz", 0, 0, number(each, 4), number(len(sizes), 4), table)
    if bits == 4:
        padded = [*sizes, 0][: (len(sizes) + 1) // 2 * 2]
        table = bytes(high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=True))
    else:
        table = b"".join(number(size, bits // 8) for size in sizes)
    return full_box("stz2", 0, 0, number(bits, 4), number(len(sizes), 4), table)


def _matrix(signs: tuple[int, int, int, int]) -> bytes:
    a, b, c, d = (number(sign * 0x10000 & 0xFFFF_FFFF, 4) for sign in signs)
    return a + b + bytes(4) + c + d + bytes(12) + number(0x4000_0000, 4)


def raw_entry(width: int, height: int, *, is_jpeg: bool = False) -> bytes:
    """Canon's sample description of a raw picture, or of the JPEG beside it."""
    if is_jpeg:
        inner = box("JPEG", bytes(4))
    else:
        area = b"\x00\x01\x00\x02\x00\x01\x00\x00" + b"".join(number(v, 2) for v in (8, 4, width - 9, height - 1))
        header = b"\xff\x00\x00\x30\x01\x00\x00\x00" + number(width, 4) + number(height, 4)
        inner = box("CMP1", header, bytes(range(40)))
        inner += full_box("CDI1", 0, 0, full_box("IAD1", 0, 0, number(width, 2), number(height, 2), area))
    return video_entry(width, height, "CRAW", b"\x00\x01\x00\x01", inner)


def cr3(tracks: Sequence[Film], *, canon: Sequence[bytes] = (), after: Sequence[bytes] = ()) -> bytes:
    """A CR3 with boxes of Canon's in ``moov`` and others after it."""
    return film(tracks, inner=(box("uuid", CANON_USER_TYPE, *canon),), brand="crx ", between=after)


# JPEG XL


def codestream(width: int, height: int, *, orientation: int = 1, rest: bytes = b"") -> bytes:
    """The start of a JPEG XL picture: its size header and orientation; ``rest`` follows at the next byte."""
    # Not small, the height of 30 bits, no ratio, the width, no defaults, extra fields, of which the first.
    bits = [(0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30), (0, 1), (1, 1), (orientation - 1, 3)]
    value = shift = 0
    for content, count in bits:
        value |= content << shift
        shift += count
    return b"\xff\x0a" + value.to_bytes((shift + 7) // 8, "little") + rest


def jxl(*boxes: bytes) -> bytes:
    """A JPEG XL file in boxes."""
    return box("JXL ", b"\r\n\x87\n") + box("ftyp", b"jxl ", bytes(4), b"jxl ") + b"".join(boxes)
