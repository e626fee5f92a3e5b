"""Core values as compact JSON text for catalog columns: defaults left out, the same value always the same text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import TypeVar, cast

import msgspec

from imalink.core.picture import Camera, Embedded, PictureFacts
from imalink.core.relative_path import RelativePath

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_UNSET = object()
_BYTES_MARK = "//"
_NO_CAMERA, _NOTHING_SAID = Camera(), Embedded()
_CAMERA_FIELDS = tuple(field.name for field in dataclasses.fields(Camera))
_camera_values = attrgetter(*_CAMERA_FIELDS)
_SCALARS = frozenset({str, int, float, bool, type(None)})


@dataclasses.dataclass(frozen=True, slots=True)
class _Fields:
    """A dataclass's fields: names, defaults (_UNSET without one), and all values of an instance in one call."""

    names: tuple[str, ...]
    defaults: tuple[object, ...]
    values_of: Callable[[object], tuple[object, ...]]


@cache
def _fields_of(kind: type) -> _Fields | None:
    if not dataclasses.is_dataclass(kind):
        return None
    fields = dataclasses.fields(kind)
    names = tuple(field.name for field in fields)
    getter = attrgetter(*names)
    return _Fields(
        names=names,
        defaults=tuple(_default_of(field) for field in fields),
        values_of=getter if len(names) > 1 else lambda value: (getter(value),),
    )


def _default_of(field: dataclasses.Field[object]) -> object:
    if field.default is not dataclasses.MISSING:
        return field.default
    return _UNSET if field.default_factory is dataclasses.MISSING else field.default_factory()


def _compact(value: object) -> object:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if isinstance(value, RelativePath):
        return str(value) if value.is_utf8 else f"{_BYTES_MARK}{value.as_bytes().hex()}"
    fields = _fields_of(kind)
    if fields is not None:
        compact: dict[str, object] = {}
        for name, default, part in zip(fields.names, fields.defaults, fields.values_of(value), strict=True):
            if part is not default and part != default:
                compact[name] = part if type(part) in _SCALARS else _compact(part)
        return compact
    if kind is tuple:
        return [_compact(part) for part in cast(tuple[object, ...], value)]
    if isinstance(value, Mapping):
        mapping = cast(Mapping[str, object], value)
        return {key: _compact(mapping[key]) for key in sorted(mapping)}
    return value


def compact_value(value: object) -> object:
    """Give a core value as plain dicts, lists and scalars, without the fields that have their default."""
    return _compact(value)


def dump_compact(value: object) -> str:
    """Write a core dataclass as JSON without the fields that have their default.

    Text that is not Unicode (lone surrogates from a hostile index or an undecodable name) is written escaped.
    """
    compact = _compact(value)
    try:
        return _encoder.encode(compact).decode()
    except UnicodeEncodeError:
        return _encoder.encode(_escape(compact)).decode()


def dump_facts(facts: PictureFacts) -> str:
    """Write the facts of a picture as ``dump_compact`` does, in half the time: every picture has some."""
    compact: dict[str, object] = {"file_format": facts.file_format}
    if facts.width is not None:
        compact["width"] = facts.width
    if facts.height is not None:
        compact["height"] = facts.height
    if facts.orientation != 1:
        compact["orientation"] = facts.orientation
    if facts.duration_seconds is not None:
        compact["duration_seconds"] = facts.duration_seconds
    taken = facts.capture_time
    if taken is not None:
        compact["capture_time"] = {"local": taken.local, "offset": taken.offset, "source": taken.source}
    if facts.content_identifier is not None:
        compact["content_identifier"] = facts.content_identifier
    if facts.camera != _NO_CAMERA:
        known = zip(_CAMERA_FIELDS, _camera_values(facts.camera), strict=True)
        compact["camera"] = {name: value for name, value in known if value is not None}
    if facts.gps is not None:
        compact["gps"] = _compact(facts.gps)
    if facts.embedded != _NOTHING_SAID:
        compact["embedded"] = _compact(facts.embedded)
    try:
        return _encoder.encode(compact).decode()
    except UnicodeEncodeError:
        return _encoder.encode(_escape(compact)).decode()


def escape_text(text: str) -> str:
    """Give ``text`` as a database can hold it: lone surrogates and NUL escaped."""
    if text.isascii() and "\0" not in text:
        return text
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _escape(value: object) -> object:
    if isinstance(value, str):
        return escape_text(value)
    if isinstance(value, list):
        return [_escape(part) for part in cast(list[object], value)]
    if isinstance(value, dict):
        return {escape_text(key): _escape(part) for key, part in cast(dict[str, object], value).items()}
    return value


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind, dec_hook=_decode_path)


def _decode_path(kind: type, value: object) -> object:
    """Read a path; one that is no UTF-8 was kept as its bytes, which no name on a disk begins like.

    What may be anything stays what JSON says.
    """
    if kind is object:
        return value
    if kind is not RelativePath or not isinstance(value, str):
        raise NotImplementedError(kind)
    if value.startswith(_BYTES_MARK):
        return RelativePath.from_bytes(bytes.fromhex(value.removeprefix(_BYTES_MARK)))
    return RelativePath(value)


def load_compact(text: str, kind: type[T]) -> T:
    """Read what ``dump_compact`` wrote. Raises msgspec.ValidationError for anything else."""
    return _decoder(kind).decode(text)
