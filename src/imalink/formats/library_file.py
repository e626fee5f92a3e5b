"""``library.json``: what the user said of authors, collections and saved searches, as a storage keeps it.

Format page: docs/format/index-files.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imalink.core.ids import WriterId
from imalink.core.library import FieldFact, FieldValue, Library
from imalink.core.photo import FieldClock
from imalink.formats.documents import decode_document, dump_document
from imalink.formats.records import Integer, Record, safe_text

LIBRARY_VERSION = 1
MAX_LIBRARY_BYTES = 64 * 1024 * 1024


class FieldRecord(Record, kw_only=True, omit_defaults=False):
    """One field of an item; ``clock`` is counter and writer."""

    value: str | int | bool | None
    clock: tuple[Integer, str]


class ItemRecord(Record, kw_only=True, omit_defaults=False):
    """One author, collection or saved search."""

    kind: str
    key: str
    fields: dict[str, FieldRecord]


class LibraryRecord(Record, kw_only=True, omit_defaults=False):
    """``library.json``."""

    imalink_library_version: Integer
    generated_at: str
    generation: Integer
    items: list[ItemRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFile:
    """What stands in the file; ``extras`` are keys that this version does not know."""

    library: Library
    generation: int
    extras: Mapping[str, Mapping[str, object]]
    is_intact: bool | None = None


def dump_library(file: LibraryFile, *, generated_at: str) -> bytes:
    """Write the file."""
    items = [
        ItemRecord(
            kind=safe_text(kind),
            key=safe_text(key),
            fields={
                safe_text(name): FieldRecord(
                    value=library_values({name: fact.value})[safe_text(name)],
                    clock=(fact.clock.counter, fact.clock.writer),
                )
                for name, fact in sorted(fields.items())
            },
        )
        for (kind, key), fields in sorted(file.library.items())
    ]
    record = LibraryRecord(
        imalink_library_version=LIBRARY_VERSION, generated_at=generated_at, generation=file.generation, items=items
    )
    return dump_document(record, file.extras)


def parse_library(data: bytes, *, file: str) -> LibraryFile:
    """Read the file. Raises IndexDamagedError."""
    decoded = decode_document(data, LibraryRecord, file=file)
    library: Library = {}
    for item in decoded.wire.items:
        fields = library.setdefault((item.kind, item.key), {})
        for name, field in item.fields.items():
            counter, writer = field.clock
            fields[name] = FieldFact(field.value, FieldClock(counter=counter, writer=WriterId(writer)))
    return LibraryFile(
        library=library, generation=decoded.wire.generation, extras=decoded.extras, is_intact=decoded.is_intact
    )


def library_values(values: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """Give values as they can be written: text that is not Unicode escaped."""
    return {safe_text(name): safe_text(value) if isinstance(value, str) else value for name, value in values.items()}
