"""Facts of a picture from the metadata blocks its walk found: EXIF, XMP, IPTC and the size in its header.

Who wins where several blocks speak: capture time EXIF, XMP, IPTC; rating XMP, EXIF; texts and keywords XMP, IPTC, EXIF,
because programs that edit pictures keep XMP up to date and leave stale copies in the others. What a film says of itself
stands where EXIF would; the time in its header comes last. What cameras older than EXIF wrote in their own way stands
where EXIF would too, but only where EXIF itself says nothing.
"""

from __future__ import annotations

import binascii
import hashlib
import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final, TypeVar

from imalink.core.finding import Finding
from imalink.core.picture import Camera, Embedded, PictureFacts
from imalink.core.timestamps import CaptureTime
from imalink.media.blocks import MAX_BLOCK_BYTES, Blocks, BrokenStructureError, Spans
from imalink.media.metadata_exif import ExifFacts, parse_exif, parse_exif_directories, parse_exif_file
from imalink.media.metadata_iptc import IptcFacts, find_iptc, parse_iptc
from imalink.media.metadata_old_cameras import fill_from_own, parse_old_cameras
from imalink.media.metadata_quicktime import parse_quicktime
from imalink.media.metadata_text import UnreadableBlockError
from imalink.media.metadata_xmp import XmpFacts, parse_xmp
from imalink.media.reader import Reader, ReaderFile

_T = TypeVar("_T")
_Data = TypeVar("_Data")
_PNG_XMP: Final = "XML:com.adobe.xmp"
_PNG_RAW: Final = "Raw profile type "
MAX_PIXELS_A_SIDE: Final = 2**31 - 1
_EXIF_HEADER: Final = b"Exif\x00\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataBlocks:
    """The metadata blocks as bytes ready to be parsed; None where there is none, or none that can be unpacked."""

    exif: bytes | None = None
    exif_file: BinaryIO | None = None
    exif_directories: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    xmp: bytes | None = None
    extended_xmp: bytes | None = None
    photoshop: bytes | None = None
    iptc: bytes | None = None
    own_facts: ExifFacts | None = None
    movie_metadata: bytes | None = None
    movie_user_data: bytes | None = None
    icc_digest: str | None = None


def read_blocks(reader: Reader, blocks: Blocks) -> MetadataBlocks:
    """Fetch the metadata blocks a walk found. Raises OSError."""
    packed = _unpack(reader, blocks)
    return MetadataBlocks(
        exif=_first(_bytes_of(reader, blocks.exif), packed.exif),
        exif_file=io.BufferedReader(ReaderFile(reader)) if blocks.exif_is_file else None,
        exif_directories=_data_of(reader, blocks.exif_directories),
        xmp=_first(_bytes_of(reader, blocks.xmp), packed.xmp),
        extended_xmp=_extended_xmp(reader, blocks),
        photoshop=_first(_bytes_of(reader, blocks.photoshop), packed.photoshop),
        iptc=_bytes_of(reader, blocks.iptc),
        own_facts=blocks.own_facts or parse_old_cameras(_data_of(reader, blocks.old_cameras)),
        movie_metadata=_bytes_of(reader, blocks.movie_metadata),
        movie_user_data=_bytes_of(reader, blocks.movie_user_data),
        icc_digest=_icc_digest(reader, blocks),
    )


def facts_of(metadata: MetadataBlocks, blocks: Blocks, *, file_format: str) -> tuple[PictureFacts, tuple[Finding, ...]]:
    """Decide the facts of a picture; a block that cannot be read is a finding and costs only itself."""
    findings: list[Finding] = []
    exif = _exif_facts(metadata, findings)
    xmp = _parsed(parse_xmp, metadata.xmp, "xmp", findings) or XmpFacts()
    if xmp.extension_guid and metadata.extended_xmp:
        xmp = _completed(xmp, _parsed(parse_xmp, metadata.extended_xmp, "extended-xmp", findings) or XmpFacts())
    iptc = _iptc_facts(metadata, findings)
    film = parse_quicktime(
        metadata=metadata.movie_metadata, user_data=metadata.movie_user_data, created=blocks.movie_created
    )
    stars = _first(xmp.stars, exif.stars, film.stars)
    camera = film.camera if exif.camera == Camera() else exif.camera
    width, height = blocks.width, blocks.height
    if file_format == "RAW" and not (width and height) and exif.pixel_size is not None:
        # Of the developed picture, which is the sensor's but for its border.
        width, height = exif.pixel_size
    facts = PictureFacts(
        file_format=file_format,
        width=_pixels(width),
        height=_pixels(height),
        # The container's where decoders follow that, else EXIF's and no other's: the preview must stand as everything
        # else shows the picture.
        orientation=blocks.orientation or exif.orientation or 1,
        duration_seconds=None if blocks.duration_seconds is None else round(blocks.duration_seconds, 3),
        capture_time=(
            exif.capture_time or film.capture_time or _finer(xmp.capture_time, iptc.capture_time) or film.created
        ),
        content_identifier=_first(exif.content_identifier, film.content_identifier),
        camera=camera if camera.lens else replace(camera, lens=xmp.lens),
        gps=_first(exif.gps, film.gps, xmp.gps),
        embedded=Embedded(
            rating=None if stars == -1 else stars,
            rejected=stars == -1,
            label=xmp.label,
            keywords=xmp.keywords or iptc.keywords or exif.keywords or film.keywords,
            hierarchical_keywords=xmp.hierarchical_keywords,
            title=_first(xmp.title, iptc.title, exif.title, film.title),
            caption=_first(xmp.caption, iptc.caption, exif.caption, film.caption),
            author=_first(xmp.author, iptc.author, exif.author, film.author),
            copyright=_first(xmp.copyright, iptc.copyright, exif.copyright, film.copyright),
        ),
    )
    return facts, tuple(findings)


def _pixels(number: int | None) -> int | None:
    """Give a number of pixels that a picture can have; a hostile file names any."""
    return number if number is not None and 0 < number <= MAX_PIXELS_A_SIDE else None


def _exif_facts(metadata: MetadataBlocks, findings: list[Finding]) -> ExifFacts:
    if metadata.exif_file is not None:
        found = _parsed(parse_exif_file, metadata.exif_file, "exif", findings)
    elif metadata.exif_directories:
        found = _parsed(parse_exif_directories, metadata.exif_directories, "exif", findings)
    else:
        found = _parsed(parse_exif, metadata.exif, "exif", findings)
    if found is None:
        return metadata.own_facts or ExifFacts()
    return fill_from_own(found, metadata.own_facts)


def _iptc_facts(metadata: MetadataBlocks, findings: list[Finding]) -> IptcFacts:
    # TIFF keeps a record of its own, which programs that write IPTC keep up to date, beside the one in the resources.
    found = _parsed(parse_iptc, metadata.iptc, "iptc", findings)
    if found is None or found == IptcFacts():
        found = _parsed(_parse_photoshop, metadata.photoshop, "iptc", findings)
    return found or IptcFacts()


def _parsed(parse: Callable[[_Data], _T], data: _Data | None, name: str, findings: list[Finding]) -> _T | None:
    if data is None:
        return None
    try:
        return parse(data)
    except UnreadableBlockError as error:
        findings.append(Finding(code="metadata-unreadable", facts={"block": name, "reason": str(error)}))
        return None


def _parse_photoshop(resources: bytes) -> IptcFacts:
    record = find_iptc(resources)
    return IptcFacts() if record is None else parse_iptc(record)


def _finer(xmp: CaptureTime | None, iptc: CaptureTime | None) -> CaptureTime | None:
    """XMP's time, unless it is the bare date of which IPTC has the time too."""
    if xmp is None or iptc is None:
        return xmp or iptc
    is_bare_date = xmp.local.endswith("T00:00:00")
    return iptc if is_bare_date and iptc.local[:10] == xmp.local[:10] else xmp


def _completed(main: XmpFacts, extended: XmpFacts) -> XmpFacts:
    """Fill what the main packet leaves open from the extended one; a property stands in only one of them."""
    missing = {
        name: value
        for name in XmpFacts.__dataclass_fields__
        if getattr(main, name) in (None, ()) and (value := getattr(extended, name)) not in (None, ())
    }
    return replace(main, **missing)


def _extended_xmp(reader: Reader, blocks: Blocks) -> bytes | None:
    """Put the pieces of the first extended packet together; None if one is missing."""
    if not blocks.extended_xmp:
        return None
    guid, length = blocks.extended_xmp[0].guid, blocks.extended_xmp[0].full_length
    pieces = sorted((piece for piece in blocks.extended_xmp if piece.guid == guid), key=lambda piece: piece.offset)
    if length > MAX_BLOCK_BYTES:
        return None
    joined: list[bytes] = []
    reached = 0
    for piece in pieces:
        if piece.offset != reached:
            return None
        data = _bytes_of(reader, piece.spans) or b""
        joined.append(data)
        reached += len(data)
        if reached > length:
            return None
    return b"".join(joined) if reached == length else None


def _icc_digest(reader: Reader, blocks: Blocks) -> str | None:
    """SHA-256 of the colour profile as it lies in the file; None without one."""
    if not blocks.icc:
        return None
    digest = hashlib.sha256()
    for number in sorted(blocks.icc):
        digest.update(_bytes_of(reader, blocks.icc[number]) or b"")
    return digest.hexdigest()


def _unpack(reader: Reader, blocks: Blocks) -> MetadataBlocks:
    """Undo what PNG does to metadata: compression, and the hexadecimal profiles of older ImageMagick."""
    exif = xmp = photoshop = None
    for text in blocks.packed:
        is_raw = text.keyword.startswith(_PNG_RAW)
        if text.keyword != _PNG_XMP and not is_raw:
            continue
        data = _bytes_of(reader, text.spans)
        if data is not None and text.is_compressed:
            data = _inflated(data)
        if data is not None and is_raw:
            data = _from_hexadecimal(data)
        if data is None:
            continue
        sort = text.keyword.removeprefix(_PNG_RAW)
        if sort in (_PNG_XMP, "xmp") and xmp is None:
            xmp = data
        elif sort in ("exif", "APP1") and exif is None and data.startswith(_EXIF_HEADER):
            exif = data[len(_EXIF_HEADER) :]
        elif sort == "iptc" and photoshop is None:
            photoshop = data
    return MetadataBlocks(exif=exif, xmp=xmp, photoshop=photoshop)


def _inflated(data: bytes) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(data, MAX_BLOCK_BYTES)
    except zlib.error:
        return None
    return None if inflater.unconsumed_tail else inflated


def _from_hexadecimal(data: bytes) -> bytes | None:
    # A newline, the profile's name, its length, then digits in lines.
    lines = data.split(b"\n", 3)
    try:
        return binascii.unhexlify(b"".join(lines[3].split())) if len(lines) == 4 else None
    except ValueError:
        return None


def _data_of(reader: Reader, named: Mapping[str, Spans]) -> dict[str, bytes]:
    return {name: data for name, spans in named.items() if (data := _bytes_of(reader, spans)) is not None}


def _bytes_of(reader: Reader, spans: Spans | None) -> bytes | None:
    if spans is None or spans.length > MAX_BLOCK_BYTES:
        return None
    try:
        return b"".join(reader.read(offset, length) for offset, length in spans)
    except BrokenStructureError:
        return None  # the file shrank since it was walked


def _first(*values: _T | None) -> _T | None:
    return next((value for value in values if value is not None), None)
