"""Path templates: how an import names and arranges what it brings, such as ``{year}/{month}/{filename}``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from imalink.core.picture import Camera
from imalink.core.relative_path import MAX_PART_BYTES, RelativePath
from imalink.core.scan import JUNK_NAMES
from imalink.core.timestamps import CaptureTime
from imalink.errors import InvalidPathError, UsageError

UNKNOWN: Final = "unknown"
"""The name of a folder of which nothing is known."""

_MONTHS: Final = ("January February March April May June July August September October November December").split()
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_WORD: Final = re.compile(r"[a-z_]+")
_TEXT: Final = re.compile(r'"([^"{}]*)"')
_WIDTH: Final = re.compile(r"0?([1-9])")
# What some file system that a storage may lie on refuses, and what hides or hurts in a shell at the end of a name.
_REFUSED: Final = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_DEVICE_NAMES: Final = frozenset(
    ("con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10)))
)
_STORAGE_LIKE: Final = re.compile(r"\Aimalink_", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPicture:
    """What a template may say of a picture that comes in; ``source`` is its path below the folder imported from."""

    source: RelativePath
    capture_time: CaptureTime | None = None
    camera: Camera = Camera()
    file_format: str = ""
    session_number: int = 0
    session_title: str = ""
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """A place to be filled: the first of ``names`` that has a value, else ``otherwise``."""

    names: tuple[str, ...]
    width: int | None
    otherwise: str | None


_Piece = str | _Field
_Part = tuple[_Piece, ...]


def _of_time(pick: Callable[[str], str]) -> Callable[[NamedPicture], str | None]:
    return lambda picture: pick(picture.capture_time.local) if picture.capture_time is not None else None


def _camera(picture: NamedPicture) -> str | None:
    make, model = picture.camera.make or "", picture.camera.model or ""
    # Most makers repeat their name in the model.
    first = make.split(" ")[0].casefold()
    return (model if first and model.casefold().startswith(first) else f"{make} {model}").strip() or None


def _stem(picture: NamedPicture) -> str:
    return picture.source.name.removesuffix(picture.source.suffix)


_VALUES: Final[Mapping[str, Callable[[NamedPicture], str | None]]] = {
    "year": _of_time(lambda local: local[:4]),
    "month": _of_time(lambda local: local[5:7]),
    "month_name": _of_time(lambda local: _MONTHS[int(local[5:7]) - 1]),
    "day": _of_time(lambda local: local[8:10]),
    "hour": _of_time(lambda local: local[11:13]),
    "minute": _of_time(lambda local: local[14:16]),
    "second": _of_time(lambda local: local[17:19]),
    "date": _of_time(lambda local: local[:10]),
    "session": lambda picture: str(picture.session_number),
    "session_title": lambda picture: picture.session_title or None,
    "author": lambda picture: picture.author,
    "camera": _camera,
    "camera_make": lambda picture: picture.camera.make,
    "camera_model": lambda picture: picture.camera.model,
    "lens": lambda picture: picture.camera.lens,
    "format": lambda picture: picture.file_format or None,
    "name": _stem,
    "extension": lambda picture: picture.source.suffix.lstrip(".").lower() or None,
    "filename": lambda picture: picture.source.name,
}
_PATH: Final = "original_path"
_COUNTER: Final = "counter"
FIELDS: Final = (*_VALUES, _PATH, _COUNTER)
"""The words that may stand in braces."""


class PathTemplate:
    """A template that was read; it can only give paths below the photo root.

    A part of which nothing is known is called ``unknown``, and several such folders in a row are one. What a file
    system refuses becomes ``_``. A template that does not name the file has ``{filename}`` added.
    """

    def __init__(self, text: str, parts: tuple[_Part, ...]) -> None:
        self.text = text
        self._parts = parts
        self.has_counter = any(_COUNTER in field.names for field in _fields_of(parts))

    @classmethod
    def parse(cls, text: str) -> PathTemplate:
        """Read a template. Raises UsageError that says what is wrong and what would be right."""
        stripped = text.strip()
        if not stripped:
            raise _wrong(text, "it is empty")
        if stripped.startswith(("/", "~")) or "\\" in stripped:
            raise _wrong(text, "it must be a path below the storage's photos folder, with / between its parts")
        parts = tuple(_parse_part(text, part) for part in _split(text, stripped.strip("/")))
        if not any(name in ("filename", "name", _COUNTER) for field in _fields_of(parts[-1:]) for name in field.names):
            parts = (*parts, (_Field(names=("filename",), width=None, otherwise=None),))
        for field in _fields_of(parts[:-1]):
            if _COUNTER in field.names:
                raise _wrong(text, "{counter} may stand only in the last part, the file's name")
        for part in parts:
            if any(isinstance(piece, _Field) and _PATH in piece.names for piece in part) and len(part) > 1:
                raise _wrong(text, "{original_path} is a path of its own: put a / before and after it")
        return cls(stripped, parts)

    def expand(self, picture: NamedPicture, *, photo_root: RelativePath | None, counter: int = 1) -> RelativePath:
        """Give where the picture goes if the name is free there. Raises InvalidPathError for a path that is too long.

        The file keeps the suffix it came with, whatever the template says of its name.
        """
        folders: list[str] = []
        for part in self._parts[:-1]:
            for name in self._folders(part, picture):
                if not (name == UNKNOWN and folders[-1:] == [UNKNOWN]):
                    folders.append(name)
        name = self._file_name(self._parts[-1], picture, counter)
        root = [] if photo_root is None else [photo_root]
        return RelativePath.parse("/".join([*root, *folders, name]))

    def _folders(self, part: _Part, picture: NamedPicture) -> list[str]:
        if isinstance(part[0], _Field) and _PATH in part[0].names:
            return [_STORAGE_LIKE.sub("imalink-", each, count=1) for each in picture.source.split("/")[:-1]]
        return [_STORAGE_LIKE.sub("imalink-", _safe_name(_filled(part, picture, 1)) or UNKNOWN, count=1)]

    def _file_name(self, part: _Part, picture: NamedPicture, counter: int) -> str:
        if part == (_Field(names=("filename",), width=None, otherwise=None),):
            return picture.source.name  # as it was, byte for byte
        suffix = picture.source.suffix
        filled = _filled(part, picture, counter)
        stem = filled[: -len(suffix)] if suffix and filled.casefold().endswith(suffix.casefold()) else filled
        safe = _safe_name(stem) or _safe_name(_stem(picture)) or UNKNOWN
        while len(safe.encode("utf-8", "surrogateescape")) + len(suffix.encode("utf-8", "surrogateescape")) > (
            MAX_PART_BYTES
        ):
            if not safe:
                raise InvalidPathError("the name is too long")
            safe = safe[:-1]
        return safe + suffix


def _fields_of(parts: tuple[_Part, ...]) -> list[_Field]:
    return [piece for part in parts for piece in part if isinstance(piece, _Field)]


def _split(text: str, path: str) -> list[str]:
    """Split at the slashes outside of braces."""
    if path.count("{") != path.count("}"):
        raise _wrong(text, "a brace has no partner")
    parts = re.split(r"/(?![^{]*\})", path)
    for part in parts:
        if part.strip() in ("", ".", ".."):
            raise _wrong(text, f"{part.strip() or 'an empty part'!r} is no name of a folder")
    return parts


def _parse_part(text: str, part: str) -> _Part:
    pieces: list[_Piece] = []
    position = 0
    for match in _FIELD.finditer(part):
        pieces.append(_literal(text, part[position : match.start()]))
        pieces.append(_parse_field(text, match[1]))
        position = match.end()
    pieces.append(_literal(text, part[position:]))
    return tuple(piece for piece in pieces if piece)


def _literal(text: str, literal: str) -> str:
    if "{" in literal or "}" in literal:
        raise _wrong(text, "a brace has no partner")
    refused = _REFUSED.search(literal)
    if refused is not None:
        raise _wrong(text, f"{refused[0]!r} cannot stand in a name on every disk")
    return literal


def _parse_field(text: str, inside: str) -> _Field:
    words, colon, spec = inside.rpartition(":") if ":" in inside.rpartition('"')[2] else (inside, "", "")
    width = None
    if colon:
        digits = _WIDTH.fullmatch(spec.strip())
        if digits is None:
            raise _wrong(text, f"{{…:{spec}}}: after the colon stands how many digits there must be, such as 02")
        width = int(digits[1])
    names: list[str] = []
    otherwise = None
    for word in (each.strip() for each in words.split("|")):
        fixed = _TEXT.fullmatch(word)
        if otherwise is not None:
            raise _wrong(text, "nothing may follow a fixed text, which always has a value")
        if fixed is not None:
            otherwise = _literal(text, fixed[1])
        elif word in FIELDS:
            names.append(word)
        else:
            raise _unknown(text, word)
    if not names:
        raise _wrong(text, f"{{{inside}}} names no field")
    return _Field(names=tuple(names), width=width, otherwise=otherwise)


def _filled(part: _Part, picture: NamedPicture, counter: int) -> str:
    """Fill a part; empty when it has fields and not one has a value, however much text stands between them."""
    texts = [piece if isinstance(piece, str) else _value(piece, picture, counter) for piece in part]
    fields = [text for piece, text in zip(part, texts, strict=True) if isinstance(piece, _Field)]
    return "".join(text or "" for text in texts) if not fields or any(fields) else ""


def _value(field: _Field, picture: NamedPicture, counter: int) -> str | None:
    for name in field.names:
        value = str(counter) if name == _COUNTER else _VALUES[name](picture) if name in _VALUES else None
        if value:
            is_number = field.width is not None and value.isdigit()
            return value.lstrip("0").zfill(field.width) if is_number and field.width is not None else value
    return field.otherwise


def _safe_name(name: str) -> str:
    """Make a name that every file system takes; empty when nothing is left."""
    safe = _REFUSED.sub("_", name).strip()
    # A leading dot hides, a leading hyphen is an option; a trailing dot or blank is dropped by Windows.
    safe = safe.lstrip(".-").rstrip(". ").strip()
    if safe.partition(".")[0].casefold() in _DEVICE_NAMES or safe in JUNK_NAMES:
        safe = f"_{safe}"  # what is called so is left out of every walk
    while len(safe.encode("utf-8", "surrogateescape")) > MAX_PART_BYTES:
        safe = safe[:-1]
    return safe


def _unknown(text: str, word: str) -> UsageError:
    near = difflib.get_close_matches(word, FIELDS, n=1) if _WORD.fullmatch(word) else []
    return _wrong(text, f"there is no field {word!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(
        f"The path template {text!r} cannot be used: {why}.",
        hint="Fields: " + ", ".join(f"{{{name}}}" for name in FIELDS) + '. With another choice: {author|"nobody"}.',
    )
