"""The hothash of files made of boxes a second time: from docs/format/hothash.md, slowly and from nothing else."""

from __future__ import annotations

import hashlib

Parts = list[tuple[str, bytes]]
Range = tuple[int, int]
Drawn = list[tuple[str, bytes, list[Range]]]
"""A part with the ranges of the file that were put into it."""

PROPERTIES = ["a1op", "av1C", "avcC", "hvcC", "lhvC", "lsel", "vvcC", "jpgC", "ispe", "pixi", "clap", "auxC"]
ITEM_TYPES = ["hvc1", "hev1", "av01", "avc1", "vvc1", "jpeg", "grid", "iovl", "iden"]
ALPHA = [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"]


class BrokenError(Exception):
    """A rule is broken."""


class LeftOutError(Exception):
    """Of a form without a method."""


class Piece:
    """A range of the file; reading beyond it is an error."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        if not 0 <= start <= end <= len(data):
            raise BrokenError("beyond the file")
        self.data, self.start, self.end = data, start, end

    def bytes(self) -> bytes:
        return self.data[self.start : self.end]

    def number(self, at: int, width: int) -> int:
        if at < 0 or self.start + at + width > self.end:
            raise BrokenError("beyond the piece")
        return int.from_bytes(self.data[self.start + at : self.start + at + width], "big")

    def after(self, count: int) -> Piece:
        return Piece(self.data, self.start + count, self.end)


Boxes = list[tuple[str, Piece]]


def one_box(piece: Piece) -> tuple[str, Piece, Piece]:
    """The first box: type, payload, and what comes after."""
    size, header = piece.number(0, 4), 8
    name = piece.data[piece.start + 4 : piece.start + 8].decode("latin-1")
    if size == 1:
        size, header = piece.number(8, 8), 16
    elif size == 0:
        size = piece.end - piece.start
    if size < header or piece.start + size > piece.end:
        raise BrokenError("box")
    payload = Piece(piece.data, piece.start + header, piece.start + size)
    return name, payload, Piece(piece.data, piece.start + size, piece.end)


def boxes_in(piece: Piece) -> Boxes:
    found: Boxes = []
    while piece.end - piece.start >= 8:
        name, payload, piece = one_box(piece)
        found.append((name, payload))
    if len(found) > 65_536:
        raise BrokenError("many boxes")
    return found


def file_boxes(data: bytes) -> tuple[Boxes, Piece]:
    """The boxes up to a second ftyp or what is no box, and the rest."""
    found: Boxes = []
    rest = Piece(data, 0, len(data))
    while rest.end - rest.start >= 8:
        try:
            name, payload, following = one_box(rest)
        except BrokenError:
            break
        if name == "ftyp" and any(other == "ftyp" for other, _ in found):
            break
        found.append((name, payload))
        rest = following
    return found, rest


def first(boxes: Boxes, *names: str) -> Piece:
    for name in names:
        for other, payload in boxes:
            if other == name:
                return payload
    raise BrokenError("missing " + names[0])


def has(boxes: Boxes, name: str) -> bool:
    return any(other == name for other, _ in boxes)


def check_shared(drawn: Drawn) -> Parts:
    """Parts, if the ranges they are made of do not lie upon one another too often."""
    ranges = sorted(one for _, _, ranges in drawn for one in ranges)
    total = sum(end - start for start, end in ranges)
    distinct = 0
    islands: list[list[int]] = []
    for start, end in ranges:
        if islands and start <= islands[-1][1]:
            islands[-1][1] = max(islands[-1][1], end)
        else:
            islands.append([start, end])
    distinct = sum(end - start for start, end in islands)
    if total > 16 * distinct + 1_048_576:
        raise BrokenError("shared")
    return [(tag, content) for tag, content, _ in drawn]


def drawn_from(data: bytes, tag: str, built: bytes, ranges: list[Range]) -> tuple[str, bytes, list[Range]]:
    ranges = [(start, end) for start, end in ranges if end > start]
    return tag, built + b"".join(data[start:end] for start, end in ranges), ranges


# heif


def heif_parts(data: bytes) -> Parts:
    boxes, _ = file_boxes(data)
    parts: Parts = []
    if not has(boxes, "meta") and not has(boxes, "moov"):
        raise BrokenError("nothing")
    if has(boxes, "meta"):
        parts += item_parts(data, first(boxes, "meta"))
    if has(boxes, "moov"):
        tracks = [track for track in all_tracks(first(boxes, "moov")) if track.handler in ("pict", "vide", "auxv")]
        if tracks or not parts:
            parts += track_parts(data, tracks)
    return parts


def item_parts(data: bytes, meta: Piece) -> Parts:
    boxes = boxes_in(meta.after(4))
    types: dict[int, str] = {}
    protected: dict[int, bool] = {}
    if has(boxes, "iinf"):
        iinf = first(boxes, "iinf")
        infos = boxes_in(iinf.after(6 if iinf.number(0, 1) == 0 else 8))
        for name, info in infos:
            if name != "infe":
                continue
            version = info.number(0, 1)
            width = 4 if version >= 3 else 2
            item = info.number(4, width)
            guard = info.number(4 + width, 2) != 0
            text = "" if version < 2 else info.number(6 + width, 4).to_bytes(4, "big").decode("latin-1")
            if item not in types:
                types[item], protected[item] = text, guard
    references: dict[tuple[str, int], list[int]] = {}
    if has(boxes, "iref"):
        iref = first(boxes, "iref")
        width = 2 if iref.number(0, 1) == 0 else 4
        for name, reference in boxes_in(iref.after(4)):
            if name in ("dimg", "auxl"):
                count = reference.number(width, 2)
                targets = [reference.number(width + 2 + width * n, width) for n in range(count)]
                references.setdefault((name, reference.number(0, width)), []).extend(targets)
            elif name == "cdsc":
                reference.number(width + 2, width * reference.number(width, 2))
    properties, associated = item_properties(boxes)
    places = item_places(data, boxes)

    def properties_of(item: int) -> Boxes:
        indexes = associated.get(item, [])
        if any(index > len(properties) for index in indexes):
            raise BrokenError("property")
        return [properties[index - 1] for index in indexes if index]

    def is_alpha(item: int) -> bool:
        texts = [piece.bytes()[4:68].split(b"\x00")[0] for name, piece in properties_of(item) if name == "auxC"]
        return any(text in ALPHA for text in texts)

    def turns_of(item: int) -> bytes:
        found = b""
        for name, piece in properties_of(item):
            if name in ("irot", "imir"):
                found += name.encode() + piece.number(0, 1).to_bytes(1, "big")
            elif name == "clap":
                found += b"clap"
        return found if found.replace(b"clap", b"") else b""

    pitm = first(boxes, "pitm")
    primary = pitm.number(4, 4 if pitm.number(0, 1) else 2)
    members = {primary}
    size = 0
    while size != len(members):
        size = len(members)
        for item in list(members):
            members |= set(references.get(("dimg", item), []))
            for (kind, source), targets in references.items():
                if kind == "auxl" and item in targets and is_alpha(source):
                    members.add(source)
    needed = {(piece.start, piece.end) for item in members for name, piece in properties_of(item) if name in PROPERTIES}
    if sum(end - start for start, end in needed) > 16 * 1024 * 1024:
        raise BrokenError("long properties")
    drawn: Drawn = []
    for item in sorted(members):
        if item not in types:
            raise BrokenError("no such item")
        place = places.get(item)
        ranges = place() if place is not None else []
        if protected[item] or types[item] not in ITEM_TYPES:
            raise LeftOutError("protected, or of another type")
        drawn.append(("ITEM", item.to_bytes(4, "big") + types[item].encode("latin-1"), []))
        targets = references.get(("dimg", item), [])
        if targets:
            drawn.append(("REFS", b"".join(target.to_bytes(4, "big") for target in targets), []))
        held = {name.encode() + piece.bytes(): piece for name, piece in properties_of(item) if name in PROPERTIES}
        for content in sorted(held):
            drawn.append(("PROP", content, [(held[content].start, held[content].end)]))
        turns = turns_of(item)
        is_turned_with_primary = turns == turns_of(primary) and primary in references.get(("auxl", item), [])
        if item != primary and turns and not (is_turned_with_primary and is_alpha(item)):
            drawn.append(("TURN", turns, []))
        drawn.append(drawn_from(data, "DATA", b"", ranges))
    if not any(content for tag, content, _ in drawn if tag == "DATA"):
        raise BrokenError("no data")
    return check_shared(drawn)


def item_properties(boxes: Boxes) -> tuple[Boxes, dict[int, list[int]]]:
    properties: Boxes = []
    associated: dict[int, list[int]] = {}
    for name, box in boxes_in(first(boxes, "iprp")) if has(boxes, "iprp") else []:
        if name == "ipco":
            if properties:
                raise BrokenError("two lists")
            properties = boxes_in(box)
        elif name == "ipma":
            version, is_wide = box.number(0, 1), box.number(1, 3) & 1
            at = 8
            for _ in range(box.number(4, 4)):
                width = 2 if version < 1 else 4
                item, count = box.number(at, width), box.number(at + width, 1)
                at += width + 1
                for _ in range(count):
                    index = box.number(at, 2) & 0x7FFF if is_wide else box.number(at, 1) & 0x7F
                    associated.setdefault(item, []).append(index)
                    at += 2 if is_wide else 1
                if len(associated.get(item, [])) > 255:
                    raise BrokenError("properties")
    return properties, associated


class Place:
    """Where an item lies; asked for its ranges only when it is needed."""

    def __init__(self, data: bytes, boxes: Boxes, method: int, elsewhere: int, extents: list[Range]) -> None:
        self.data, self.boxes, self.method, self.elsewhere, self.extents = data, boxes, method, elsewhere, extents

    def __call__(self) -> list[Range]:
        if self.elsewhere or self.method > 1:
            raise LeftOutError("elsewhere")
        base, limit = 0, len(self.data)
        if self.method == 1:
            idat = first(self.boxes, "idat")
            base, limit = idat.start, idat.end
        ranges = [(base + offset, base + offset + length) for offset, length in self.extents]
        if any(start == end or end > limit for start, end in ranges):
            raise BrokenError("extent")
        return ranges


def item_places(data: bytes, boxes: Boxes) -> dict[int, Place]:
    places: dict[int, Place] = {}
    if not has(boxes, "iloc"):
        return places
    iloc = first(boxes, "iloc")
    version = iloc.number(0, 1)
    sizes = iloc.number(4, 2)
    offset_width, length_width, base_width, index_width = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    if version not in (1, 2):
        index_width = 0
    at = 6

    def take(width: int) -> int:
        nonlocal at
        at += width
        return iloc.number(at - width, width)

    count = take(2 if version < 2 else 4)
    if count > 65_536:
        raise BrokenError("many")
    for _ in range(count):
        item = take(2 if version < 2 else 4)
        method = take(2) & 15 if version in (1, 2) else 0
        elsewhere, base = take(2), take(base_width)
        extents: list[Range] = []
        for _ in range(take(2)):
            take(index_width)
            offset = base + take(offset_width)
            extents.append((offset, take(length_width)))
        places.setdefault(item, Place(data, boxes, method, elsewhere, extents))
    return places


# tracks


class Track:
    """One trak box."""

    def __init__(self, trak: Piece) -> None:
        boxes = boxes_in(trak)
        tkhd, mdia = first(boxes, "tkhd"), boxes_in(first(boxes, "mdia"))
        self.id = tkhd.number(12 if tkhd.number(0, 1) == 0 else 20, 4)
        self.handler = first(mdia, "hdlr").number(8, 4).to_bytes(4, "big").decode("latin-1")
        minf = boxes_in(first(mdia, "minf"))
        self.tables = boxes_in(first(minf, "stbl"))
        self.descriptions = first(self.tables, "stsd")
        if self.descriptions.end - self.descriptions.start < 8:
            raise BrokenError("stsd")
        self.is_elsewhere = False
        if has(minf, "dinf") and has(dinf := boxes_in(first(minf, "dinf")), "dref"):
            entries = [entry for _, entry in boxes_in(first(dinf, "dref").after(8))]
            self.is_elsewhere = any([not entry.number(0, 4) & 1 for entry in entries])  # noqa: C419 - all are looked at

    def statement(self) -> bytes:
        """What SMPL says: two condensed texts, of the chunks and of the sizes."""
        listed = self.chunks()
        text = len(listed).to_bytes(8, "big")
        runs: list[tuple[int, int, int]] = []
        for _, _, samples, description in listed:
            before = runs.pop() if runs else (0, samples, description)
            if before[1:] != (samples, description):
                runs.append(before)
                before = (0, samples, description)
            runs.append((before[0] + 1, samples, description))
        text += b"".join(number.to_bytes(4, "big") for run in runs for number in run)
        offsets = [offset for offset, sizes, _, _ in listed if sum(sizes)]
        order = sorted(range(len(offsets)), key=lambda index: offsets[index])
        text += len(order).to_bytes(8, "big")
        text += b"".join(order.index(index).to_bytes(4, "big") for index in range(len(order)))
        count = min(first(self.tables, "stsz", "stz2").number(8, 4), sum(samples for _, _, samples, _ in listed))
        sizes = self.sample_sizes()[:count]
        told = sizes[:1] if len(set(sizes)) == 1 else sizes
        sizes_text = count.to_bytes(8, "big") + b"".join(size.to_bytes(4, "big") for size in told)
        return hashlib.sha256(text).digest() + hashlib.sha256(sizes_text).digest()

    def sample_sizes(self) -> list[int]:
        table = first(self.tables, "stsz", "stz2")
        count = table.number(8, 4)
        if not any(payload is table for name, payload in self.tables if name == "stsz"):
            width = table.number(7, 1)
            if width == 4:
                table.number(12, (count + 1) // 2)
                halves = [table.number(12 + n // 2, 1) for n in range(count)]
                return [half & 15 if n % 2 else half >> 4 for n, half in enumerate(halves)]
            if width not in (8, 16):
                raise BrokenError("stz2")
            return [table.number(12 + n * width // 8, width // 8) for n in range(count)]
        each = table.number(4, 4)
        if each:
            return [each] * min(count, 1_000_000)  # no file in a test has more samples of one size than this
        table.number(12, 4 * count)
        return [table.number(12 + 4 * n, 4) for n in range(count)]

    def chunks(self) -> list[tuple[int, list[int], int, int]]:
        """Offset, sample sizes, number of samples and description of each chunk."""
        offsets = first(self.tables, "stco", "co64")
        width = 4 if any(payload is offsets for name, payload in self.tables if name == "stco") else 8
        count = offsets.number(4, 4)
        offsets.number(8, count * width)
        sizes = self.sample_sizes()
        found: list[tuple[int, list[int], int, int]] = []
        if not count:
            return found
        stsc = first(self.tables, "stsc")
        run_count = stsc.number(4, 4)
        stsc.number(8, 12 * run_count)
        runs = [[stsc.number(at + 12 * n, 4) for at in (8, 12, 16)] for n in range(run_count)]
        if not runs or runs[0][0] != 1:
            raise BrokenError("stsc")
        used = runs[:1]
        for run in runs[1:]:
            if used[-1][0] <= count:
                used.append(run)
        if any(later[0] <= earlier[0] for earlier, later in zip(used, used[1:], strict=False)):
            raise BrokenError("stsc")
        for number in range(1, count + 1):
            _, samples, description = next(run for run in reversed(used) if run[0] <= number)
            found.append((offsets.number(8 + (number - 1) * width, width), sizes[:samples], samples, description))
            sizes = sizes[samples:]
        return found


def all_tracks(moov: Piece) -> list[Track]:
    tracks = sorted((Track(payload) for name, payload in boxes_in(moov) if name == "trak"), key=lambda t: t.id)
    if len(tracks) > 1_024 or len({track.id for track in tracks}) < len(tracks):
        raise BrokenError("tracks")
    return tracks


def track_parts(data: bytes, tracks: list[Track]) -> Parts:
    if any(track.is_elsewhere for track in tracks):
        raise LeftOutError("elsewhere")
    parts: Parts = []
    chunks: list[tuple[int, int, int]] = []
    for track in tracks:
        parts.append(("TRAK", track.id.to_bytes(4, "big") + track.handler.encode("latin-1")))
        parts.append(("STSD", track.descriptions.bytes()))
        parts.append(("SMPL", track.statement()))
        for offset, sizes, _, _ in track.chunks():
            if offset + sum(sizes) > len(data):
                raise BrokenError("chunk")
            if sum(sizes):
                chunks.append((offset, track.id, sum(sizes)))
    if not chunks:
        raise BrokenError("no samples")
    drawn = [
        drawn_from(data, "CHNK", track_id.to_bytes(4, "big"), [(offset, offset + length)])
        for offset, track_id, length in sorted(chunks, key=lambda chunk: chunk[:2])
    ]
    return parts + check_shared(drawn)


def video_parts(data: bytes) -> Parts:
    if data[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        raise LeftOutError("another container")
    boxes, _ = file_boxes(data)
    if has(boxes, "moof"):
        raise LeftOutError("fragments")
    return track_parts(data, [t for t in all_tracks(first(boxes, "moov")) if t.handler in ("vide", "soun")])


# cr3 and jxl


def cr3_parts(data: bytes) -> Parts:
    boxes, _ = file_boxes(data)
    drawn: Drawn = []
    raw_tracks: list[tuple[Track, Piece]] = []
    for track in all_tracks(first(boxes, "moov")):
        if track.descriptions.end - track.descriptions.start < 16:
            continue
        name, entry, _ = one_box(track.descriptions.after(8))
        if name == "CRAW" and entry.end - entry.start >= 82:
            inner = boxes_in(entry.after(82))
            if has(inner, "CMP1"):
                raw_tracks.append((track, first(inner, "CMP1")))
    if any(track.is_elsewhere for track, _ in raw_tracks):
        raise LeftOutError("elsewhere")
    for track, raw in raw_tracks:
        drawn.append(drawn_from(data, "CMP1", b"", [(raw.start, raw.end)]))
        for offset, sizes, _, _ in track.chunks():
            for size in sizes:
                if offset + size > len(data):
                    raise BrokenError("sample")
                drawn.append(drawn_from(data, "DATA", b"", [(offset, offset + size)]))
                offset += size
    if not any(content for tag, content, _ in drawn if tag == "DATA"):
        raise BrokenError("no raw picture")
    return check_shared(drawn)


def jxl_parts(data: bytes) -> Parts:
    if data[:2] == b"\xff\x0a":
        return [("CODE", data)]
    boxes, rest = file_boxes(data)
    if data[rest.start + 4 : rest.start + 8] in (b"jxlc", b"jxlp"):
        raise BrokenError("cut off")
    wholes = [payload.bytes() for name, payload in boxes if name == "jxlc"]
    numbered = [(payload.number(0, 4) & 0x7FFFFFFF, payload.bytes()[4:]) for name, payload in boxes if name == "jxlp"]
    if len(wholes) + bool(numbered) != 1 or len(numbered) > 65_536:
        raise BrokenError("codestreams")
    numbered.sort(key=lambda one: one[0])
    if [index for index, _ in numbered] != list(range(len(numbered))):
        raise BrokenError("gap")
    return [("CODE", b"".join(wholes) + b"".join(piece for _, piece in numbered))]


PARSERS = {"heif": heif_parts, "cr3": cr3_parts, "jxl": jxl_parts, "video": video_parts}
HEIF_BRANDS = [
    b"mif1",
    b"mif2",
    b"msf1",
    b"heic",
    b"heix",
    b"heim",
    b"heis",
    b"hevc",
    b"hevx",
    b"avif",
    b"avis",
    b"miaf",
]


def kind_of_boxes(data: bytes) -> str | None:
    """The kind of a file made of boxes, None for any other."""
    if data.startswith((b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n")):
        return "jxl"
    if data[4:8] == b"ftyp":
        end = min(int.from_bytes(data[:4], "big"), 512, len(data))
        brands = [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]
        if brands[0] == b"crx ":
            return "cr3"
        return "heif" if any(brand in HEIF_BRANDS for brand in brands) else "video"
    return "video" if data[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot") else None


def box_parts(kind: str, data: bytes) -> Parts | None:
    """The parts of a file of boxes, None for ``file-1``."""
    try:
        return PARSERS[kind](data)
    except (BrokenError, LeftOutError):
        return None
