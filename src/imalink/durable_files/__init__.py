"""The writing seam: every low-level file call there is, and the few primitives that make them durable.

``FileCalls`` is the only door to the file system for code that mutates; ``storage.syscalls.SystemCalls`` is the real
one, ``tests/support/faults.py`` has those that count, fail, crash and check the order. The primitives raise only what
``storage_error`` makes of an OSError. Protocol: docs/format/durability.md.
"""

from imalink.durable_files.calls import FileCalls, SpaceFacts
from imalink.durable_files.placing import PlacedBy, exchange_names, place_without_overwrite
from imalink.durable_files.reading import READ_CHUNK_BYTES, open_regular, read_capped
from imalink.durable_files.trouble import UNSUPPORTED, OtherDeviceError, storage_error, storage_errors
from imalink.durable_files.writing import (
    INDEX_MODE,
    AppendFile,
    append_durably,
    replace_durably,
    set_mode_if_known,
    sync_directory,
    sync_file,
    write_all,
)

__all__ = [
    "INDEX_MODE",
    "READ_CHUNK_BYTES",
    "UNSUPPORTED",
    "AppendFile",
    "FileCalls",
    "OtherDeviceError",
    "PlacedBy",
    "SpaceFacts",
    "append_durably",
    "exchange_names",
    "open_regular",
    "place_without_overwrite",
    "read_capped",
    "replace_durably",
    "set_mode_if_known",
    "storage_error",
    "storage_errors",
    "sync_directory",
    "sync_file",
    "write_all",
]
