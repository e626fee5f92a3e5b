"""Tell what a file is from its first bytes, and what a file name promises."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

HEAD_BYTES: Final = 512
"""How much of a file's beginning ``kind_of`` wants to see."""


class Kind(StrEnum):
    """A family of file structure; one walker reads all of a family. The value is the KIND word of the hothash."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    HEIF = "heif"
    TIFF = "tiff"
    CR3 = "cr3"
    JXL = "jxl"
    VIDEO = "video"
    BMP = "bmp"
    PSD = "psd"
    RAF = "raf"
    MRW = "mrw"
    CRW = "crw"
    X3F = "x3f"
    IIQ = "iiq"
    UNKNOWN = "unknown"


RAW_EXTENSIONS: Final = frozenset(
    (
        "3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef ptx raf raw rw2 rwl sr2 srf srw x3f"
    ).split()
)
VIDEO_EXTENSIONS: Final = frozenset("3g2 3gp avi insv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv webm wmv".split())
_FORMAT_OF_EXTENSION: Final = {
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "jpe": "JPEG",
    "jfif": "JPEG",
    "mpo": "JPEG",
    "insp": "JPEG",
    "png": "PNG",
    "apng": "PNG",
    "webp": "WEBP",
    "gif": "GIF",
    "heic": "HEIC",
    "heif": "HEIC",
    "hif": "HEIC",
    "avif": "AVIF",
    "tif": "TIFF",
    "tiff": "TIFF",
    "jxl": "JXL",
    "bmp": "BMP",
    "psd": "PSD",
    "psb": "PSD",
    **dict.fromkeys(RAW_EXTENSIONS, "RAW"),
    **dict.fromkeys(VIDEO_EXTENSIONS, "VIDEO"),
}
COMPANION_EXTENSIONS: Final = frozenset("aae arp cop cos cot dop lrv nks nksc on1 pp3 rpp spd thm vrd wav xmp".split())
_TAKEOUT_JSON: Final = re.compile(
    r"\.s(?:u(?:p(?:p(?:l(?:e(?:m(?:e(?:n(?:t(?:a(?:l(?:-(?:m(?:e(?:t(?:a(?:d(?:a(?:ta?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?"
    r"(?:\(\d+\))?"
)
_TAKEOUT_ALBUM_NOTES: Final = re.compile(
    r"(?:metadata|metadaten|métadonnées|metadatos|metadati|metagegevens|metadados|metadane|メタデータ"
    r"|print-subscriptions|shared_album_comments|user-generated-memory-titles)(?:\(\d+\))?\.json"
)
_COUNTER: Final = re.compile(r"\(\d+\)$")
_TAKEOUT_NAME_LIMIT: Final = 46

_FORMAT_OF_KIND: Final = {
    Kind.JPEG: "JPEG",
    Kind.PNG: "PNG",
    Kind.WEBP: "WEBP",
    Kind.GIF: "GIF",
    Kind.TIFF: "TIFF",
    Kind.CR3: "RAW",
    Kind.JXL: "JXL",
    Kind.VIDEO: "VIDEO",
    Kind.BMP: "BMP",
    Kind.PSD: "PSD",
    Kind.RAF: "RAW",
    Kind.MRW: "RAW",
    Kind.CRW: "RAW",
    Kind.X3F: "RAW",
    Kind.IIQ: "RAW",
}
_MAGIC: Final = (
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"II\x1a\x00\x00\x00HEAPCCDR", Kind.CRW),
    (b"FUJIFILMCCD-RAW", Kind.RAF),
    (b"\x00MRM", Kind.MRW),
    (b"FOVb", Kind.X3F),
    (b"8BPS", Kind.PSD),
    (b"\xff\x0a", Kind.JXL),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", Kind.JXL),
    (b"\x1aE\xdf\xa3", Kind.VIDEO),  # Matroska, WebM
    (b"\x00\x00\x01\xba", Kind.VIDEO),  # MPEG programme stream
    (b"\x00\x00\x01\xb3", Kind.VIDEO),
    (b"0&\xb2u\x8ef\xcf\x11", Kind.VIDEO),  # ASF: WMV
    (b"OggS", Kind.VIDEO),
    (b"\x06\x0e+4\x02\x05\x01\x01", Kind.VIDEO),  # MXF
)
_TIFF_MAGIC: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"IIU\x00", b"IIRO", b"IIRS", b"MMOR", b"MMSR")
_RAW_TIFF_MAGIC: Final = (b"IIU\x00", b"IIRO", b"IIRS", b"MMOR", b"MMSR")
_HEIF_BRANDS: Final = frozenset(
    (b"mif1", b"mif2", b"msf1", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"avif", b"avis", b"miaf")
)
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
_BARE_QUICKTIME_BOXES: Final = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))


def kind_of(head: bytes) -> Kind:
    """Tell the kind from the first ``HEAD_BYTES`` of a file; never from its name."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(_TIFF_MAGIC):
        return Kind.IIQ if head[8:12] == b"IIII" else Kind.TIFF
    if head[:4] == b"RIFF":
        return {b"WEBP": Kind.WEBP, b"AVI ": Kind.VIDEO}.get(head[8:12], Kind.UNKNOWN)
    if head[4:8] == b"ftyp":
        brands = _brands_of(head)
        if b"crx " in brands[:1]:
            return Kind.CR3
        return Kind.HEIF if _HEIF_BRANDS.intersection(brands) else Kind.VIDEO
    if head[4:8] in _BARE_QUICKTIME_BOXES:
        return Kind.VIDEO
    if head[:2] == b"BM" and len(head) >= 26 and head[6:10] == b"\x00\x00\x00\x00":
        return Kind.BMP
    if _is_transport_stream(head):
        return Kind.VIDEO
    return Kind.UNKNOWN


def file_format_of(head: bytes, *, filename: str = "") -> str:
    """Give the word the indexes use: ``JPEG``, ``RAW``, ``HEIC``, …, or ``UNKNOWN``.

    Content decides. The name is asked only where content cannot tell: most RAW files are TIFF files whose maker is
    written deep inside, and some have no mark at all.
    """
    kind = kind_of(head)
    extension = extension_of(filename)
    if kind is Kind.HEIF:
        brands = _brands_of(head)
        only_avif = _AVIF_BRANDS.intersection(brands) and not {b"heic", b"heix"}.intersection(brands)
        return "AVIF" if only_avif else "HEIC"
    if kind is Kind.TIFF and (extension in RAW_EXTENSIONS or head.startswith(_RAW_TIFF_MAGIC) or head[8:10] == b"CR"):
        return "RAW"
    if kind is Kind.UNKNOWN:
        return "RAW" if extension in RAW_EXTENSIONS else "UNKNOWN"
    return _FORMAT_OF_KIND[kind]


def extension_of(name: str) -> str:
    """Give the lower-case extension without its dot; empty if there is none."""
    stem, dot, extension = name.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot and stem else ""


def format_named_by(name: str) -> str | None:
    """Give the format word a file name promises, None if it promises no picture."""
    return _FORMAT_OF_EXTENSION.get(extension_of(name))


def is_picture_name(name: str) -> bool:
    """Tell whether a file of this name is taken for an image file: pictures, RAW and video."""
    return extension_of(name) in _FORMAT_OF_EXTENSION


def is_raw_name(name: str) -> bool:
    """Tell whether a file name promises a camera's RAW file."""
    return extension_of(name) in RAW_EXTENSIONS


def is_film_name(name: str) -> bool:
    """Tell whether a file name promises a video."""
    return extension_of(name) in VIDEO_EXTENSIONS


def companion_kind(name: str) -> str:
    """Give the word by which indexes tell what a companion is: ``live`` for a live photo's clip, else its extension."""
    return "live" if is_film_name(name) else extension_of(name)


def is_companion_name(name: str) -> bool:
    """Tell whether a file of this name belongs to a picture beside it: sidecars, ``.aae``, ``.thm``, sound notes.

    Of JSON files only those named as Google Takeout names them, since any folder may hold other JSON.
    """
    extension = extension_of(name)
    return extension in COMPANION_EXTENSIONS or (extension == "json" and _is_takeout_stem(name.rpartition("/")[2][:-5]))


def is_takeout_album_name(name: str) -> bool:
    """Tell whether a file is one of those in which Google Takeout describes albums and accounts, not pictures."""
    plain = unicodedata.normalize("NFC", name.rpartition("/")[2]).casefold()
    return _TAKEOUT_ALBUM_NOTES.fullmatch(plain) is not None


def _is_takeout_stem(stem: str) -> bool:
    # `IMG_1.jpg`, `IMG_1.jpg(2)`, `IMG_1.jpg.supplemental-metadata`, and all of these cut off after 46 characters.
    bare = _COUNTER.sub("", stem)
    if _TAKEOUT_NAME_LIMIT in (len(stem), len(bare)):
        return True
    if is_picture_name(bare):
        return True
    picture, dot, last = bare.rpartition(".")
    return bool(dot) and _TAKEOUT_JSON.fullmatch("." + last) is not None and is_picture_name(_COUNTER.sub("", picture))


def _brands_of(head: bytes) -> list[bytes]:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]


def _is_transport_stream(head: bytes) -> bool:
    # Packets of 188 bytes (MPEG-TS) or, on camcorders, 192 with four bytes before each sync byte 0x47.
    return any(len(head) > at + 2 * step and head[at] == head[at + step] == 0x47 for at, step in ((0, 188), (4, 192)))
