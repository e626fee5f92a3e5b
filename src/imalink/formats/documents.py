"""JSON documents that carry their own digest and keep keys this version does not know.

Canonical form: keys sorted at every level, no spaces, UTF-8 unescaped, no final newline. ``content_sha256``, the
last top-level key, is the SHA-256 of the document without that key in canonical form; small files are indented
for people, which does not change the digest. Format page: docs/format/index-files.md.
"""

from __future__ import annotations

import hashlib
import re
import types
import typing
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from imalink.errors import IndexDamagedError

READABLE_BYTES = 256 * 1024
"""Documents up to this size are indented for people; larger ones stay compact, for speed."""

_TAIL = re.compile(rb',\s*"content_sha256":\s*"([0-9a-f]{64})"\s*\}\s*\Z')
_TAIL_BYTES = 160
_MAX_DEPTH = 16
_ITEM_NAMES = ("hothash", "sha256", "session_uuid")
_REMADE = ("camera", "embedded")
_Unreadable = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Wire = typing.TypeVar("Wire", bound=msgspec.Struct)
Place = str
ExtraKeys = dict[Place, dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded(typing.Generic[Wire]):
    """A decoded document: the wire value, unknown keys by place, and whether its digest fits.

    ``is_intact`` is None for a file that carries no digest (written by another program).
    """

    wire: Wire
    extras: ExtraKeys
    is_intact: bool | None


def dump_document(wire: msgspec.Struct, extras: Mapping[Place, Mapping[str, object]]) -> bytes:
    """Write ``wire`` with its digest; ``extras`` go back to their places, as far as these still exist."""
    has_extras = any(extras.values())
    value = with_extras(wire, extras) if has_extras else wire
    body = msgspec.json.encode(value, order="sorted")
    # What is kept as it was spelt may not be in canonical form.
    digest = hashlib.sha256(_canonical(body, "") if has_extras else body).hexdigest()
    compact = b"".join((memoryview(body)[:-1], b',"content_sha256":"%b"}' % digest.encode()))  # no third copy
    if len(compact) > READABLE_BYTES:
        return compact
    return msgspec.json.format(compact, indent=2) + b"\n"


def with_extras(wire: msgspec.Struct, extras: Mapping[Place, Mapping[str, object]]) -> object:
    """Give ``wire`` as plain values, with ``extras`` at their places, as far as these still exist."""
    value: object = msgspec.to_builtins(wire)
    for place, keys in extras.items():
        target = _find_place(value, place)
        if target is not None:
            for key, extra in keys.items():
                target.setdefault(key, extra)
    return value


def decode_document(data: bytes, kind: type[Wire], *, file: str) -> Decoded[Wire]:
    """Read a document strictly where possible, key by key where not.

    Raises IndexDamagedError naming ``file`` and the place (``files.<hothash>.file_size``) when the text is no JSON
    or a known key has a wrong value. Unknown keys are no error at any level.
    """
    is_intact, bare = check_digest(data, file)
    try:
        return Decoded(wire=msgspec.json.decode(bare, type=_with_digest(kind)), extras={}, is_intact=is_intact)
    except _Unreadable:
        extras: ExtraKeys = {}
        wire = decode_struct(bare, kind, "", extras, file)
        return Decoded(wire=wire, extras={place: keys for place, keys in extras.items() if keys}, is_intact=is_intact)


def decode_strictly(data: bytes, kind: type[Wire], *, file: str) -> Wire | None:
    """Read a document as ``decode_document`` does; None where that is refused, or has keys that are not known."""
    try:
        _, bare = check_digest(data, file)
        return msgspec.json.decode(bare, type=_with_digest(kind))
    except (*_Unreadable, IndexDamagedError):
        return None


def content_digest(data: bytes) -> str | None:
    """Give the digest a document claims for itself, from its last bytes, without parsing it."""
    match = _TAIL.search(data[-_TAIL_BYTES:])
    return match.group(1).decode() if match else None


@lru_cache(maxsize=16)
def _with_digest(kind: type[Wire]) -> type[Wire]:
    """Give ``kind`` with room for the digest, so that a document need not be copied to cut it off."""
    return typing.cast(
        type[Wire],
        msgspec.defstruct(kind.__name__, [("content_sha256", str, "")], bases=(kind,), kw_only=True, gc=False),
    )


def check_digest(data: bytes, file: str) -> tuple[bool | None, bytes]:
    """Give whether the digest fits (None without one) and the document as it is spelt, with or without it.

    Raises IndexDamagedError.
    """
    tail = _TAIL.search(data, max(0, len(data) - _TAIL_BYTES))
    if tail is not None:
        claimed = tail.group(1).decode()
        head = memoryview(data)[: tail.start()]
        digest = hashlib.sha256(head)
        digest.update(b"}")
        if digest.hexdigest() == claimed:
            return True, data
        bare = b"".join((head, b"}"))
        return hashlib.sha256(_canonical(bare, file)).hexdigest() == claimed, bare
    try:
        document = msgspec.json.decode(data, type=dict[str, object])
        has_digest = "content_sha256" in document
        claimed = document.pop("content_sha256", None)
        bare = msgspec.json.encode(document, order="sorted")
    except _Unreadable as error:
        raise IndexDamagedError(f"is not a JSON object ({error})", file=file) from error
    return (hashlib.sha256(bare).hexdigest() == claimed if has_digest else None), data


def _canonical(bare: bytes, file: str) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(bare), order="sorted")
    except _Unreadable as error:
        raise IndexDamagedError(f"is not a JSON object ({error})", file=file) from error


def _find_place(value: object, place: Place) -> dict[str, object] | None:
    """Give the object at ``place``, or None when it is gone; one that is left out when empty is made again."""
    if place:
        for part in place.split("."):
            if isinstance(value, dict):
                members = typing.cast(dict[str, object], value)
                value = members.setdefault(part, {}) if part in _REMADE else members.get(part)
            elif isinstance(value, list):
                items = typing.cast(list[object], value)
                value = next((item for name, item in zip(_item_names(items), items, strict=True) if name == part), None)
            else:
                return None
    return typing.cast(dict[str, object], value) if isinstance(value, dict) else None


def _item_names(items: list[object]) -> list[str]:
    """Name list items by their checksum or identity, the second of a name with ``~2``; others by position."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for index, item in enumerate(items):
        keys = typing.cast(dict[str, object], item) if isinstance(item, dict) else {}
        name = next((value for key in _ITEM_NAMES if isinstance(value := keys.get(key), str)), str(index))
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}~{seen[name]}")
    return names


@lru_cache(maxsize=64)
def _fields(kind: type[msgspec.Struct]) -> dict[str, tuple[str, object]]:
    return {field.encode_name: (field.name, field.type) for field in msgspec.structs.fields(kind)}


def decode_struct(raw: bytes | msgspec.Raw, kind: type[Wire], place: str, extras: ExtraKeys, file: str) -> Wire:
    """Decode one object key by key: known keys into ``kind``, the rest into ``extras`` under ``place``.

    The slow way, taken when the strict one refused. Raises IndexDamagedError naming file and place.
    """
    keys = _decode_plain(raw, dict[str, msgspec.Raw], place, file)
    known: dict[str, object] = {}
    fields = _fields(kind)
    if kind.__struct_config__.tag_field is not None:
        keys.pop(kind.__struct_config__.tag_field, None)
    for key, value in keys.items():
        if key not in fields:
            if place or key != "content_sha256":
                extras.setdefault(place, {})[key] = _keep_unknown(value, _below(place, key), file)
            continue
        name, type_ = fields[key]
        known[name] = _decode_value(value, type_, _below(place, key), extras, file)
    try:
        return kind(**known)
    except TypeError as error:
        missing = next((name for name, (field, _) in fields.items() if f"'{field}'" in str(error)), "")
        raise IndexDamagedError("is missing", file=file, place=_below(place, missing)) from error


def _decode_value(raw: msgspec.Raw, type_: object, place: str, extras: ExtraKeys, file: str) -> object:
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin in (typing.Union, types.UnionType) and bytes(raw) != b"null":
        structs = [argument for argument in arguments if _is_struct(argument)]
        if len(structs) == 1:
            return decode_struct(raw, structs[0], place, extras, file)
    if _is_struct(type_):
        return decode_struct(raw, typing.cast(type[msgspec.Struct], type_), place, extras, file)
    if origin is list and (kinds := _structs_of(arguments[0])):
        return _decode_list(raw, kinds, place, extras, file)
    if origin is dict and _is_struct(arguments[1]):
        members = _decode_plain(raw, dict[str, msgspec.Raw], place, file)
        return {
            key: decode_struct(member, arguments[1], _below(place, key), extras, file)
            for key, member in members.items()
        }
    return _decode_plain(raw, type_, place, file)


def _decode_list(
    raw: msgspec.Raw, kinds: list[type[msgspec.Struct]], place: str, extras: ExtraKeys, file: str
) -> list[msgspec.Struct]:
    """Decode a list of structs; of tagged ones, those of a kind this version does not know are left out."""
    items = _decode_plain(raw, list[msgspec.Raw], place, file)
    plain = [_decode_unknown(item, f"{place}.{index}", file) for index, item in enumerate(items)]
    tag_field = kinds[0].__struct_config__.tag_field
    by_tag = {kind.__struct_config__.tag: kind for kind in kinds}
    decoded: list[msgspec.Struct] = []
    for item, value, name in zip(items, plain, _item_names(plain), strict=True):
        kind: type[msgspec.Struct] | None = kinds[0]
        if tag_field is not None and isinstance(value, dict):
            tag = typing.cast(dict[str, object], value).get(tag_field)
            kind = by_tag.get(tag) if isinstance(tag, str) else None
        if kind is not None:
            decoded.append(decode_struct(item, kind, f"{place}.{name}", extras, file))
    return decoded


def _structs_of(type_: object) -> list[type[msgspec.Struct]]:
    """Give the struct type, or the members of a union of them; empty for anything else."""
    members = typing.get_args(type_) if typing.get_origin(type_) in (typing.Union, types.UnionType) else (type_,)
    return [typing.cast(type[msgspec.Struct], each) for each in members] if all(map(_is_struct, members)) else []


def _is_struct(type_: object) -> bool:
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _decode_unknown(raw: msgspec.Raw, place: str, file: str) -> object:
    """Decode what is only kept; so deep that it might not be written again, it is refused."""
    value = _decode_plain(raw, object, place, file)
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [below for each in level for below in _members(each)]
        if not level:
            return value
    raise IndexDamagedError(f"is nested deeper than {_MAX_DEPTH} levels", file=file, place=place)


def _keep_unknown(raw: msgspec.Raw, place: str, file: str) -> object:
    """Keep what is not known: as a value, or as it is spelt where writing the value would spell it otherwise."""
    value = _decode_unknown(raw, place, file)
    spelt = msgspec.json.format(bytes(raw), indent=-1)
    return value if msgspec.json.encode(value, order="sorted") == spelt else msgspec.Raw(spelt)


def _members(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(typing.cast(dict[str, object], value).values())
    return typing.cast(list[object], value) if isinstance(value, list) else []


T = typing.TypeVar("T")


@typing.overload
def _decode_plain(raw: bytes | msgspec.Raw, type_: type[T], place: str, file: str) -> T: ...
@typing.overload
def _decode_plain(raw: bytes | msgspec.Raw, type_: object, place: str, file: str) -> object: ...
def _decode_plain(raw: bytes | msgspec.Raw, type_: object, place: str, file: str) -> object:
    try:
        return msgspec.json.decode(raw, type=typing.cast(type[object], type_))
    except _Unreadable as error:
        reason = str(error).split(" - at ")[0]
        raise IndexDamagedError(reason[:1].lower() + reason[1:], file=file, place=place) from error
