"""Tell which picture a file holds: SHA-256 over what a decoder needs, so metadata edits do not change it.

Definition and promise: docs/format/hothash.md.
"""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

from imalink.core.ids import FILE_METHOD, Hothash, HothashMethod, Sha256
from imalink.core.picture import Fingerprint
from imalink.media.blocks import Blocks, BrokenStructureError
from imalink.media.reader import DescriptorReader, MemoryReader, Reader, pread_fully, read_into_memory
from imalink.media.walk import walk

_PREFIX: Final = b"imalink-hothash-1\x00"
_WINDOW: Final = 1024 * 1024
_SHORT: Final = 1024


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...


def fingerprint_descriptor(descriptor: int) -> Fingerprint:
    """Give hothash and SHA-256 of an open file, whatever it contains; its position is neither used nor moved.

    A file that fits in memory is read once for both. A larger one is hashed whole first and then walked by offset: the
    length of a part is hashed before its bytes, so a scan must have been searched to its end before its hash begins.
    Raises OSError.
    """
    memory = read_into_memory(descriptor)
    if memory is not None:
        return fingerprint_bytes(memory.data)
    whole = hashlib.sha256()
    size = 0
    while window := pread_fully(descriptor, _WINDOW, size):
        whole.update(window)
        size += len(window)
    return _fingerprint(DescriptorReader(descriptor, size), Sha256(whole.hexdigest()))


def fingerprint_bytes(data: bytes) -> Fingerprint:
    """Give hothash and SHA-256 of a file that is in memory."""
    return _fingerprint(MemoryReader(data), Sha256(hashlib.sha256(data).hexdigest()))


def hothash_of(reader: Reader, blocks: Blocks) -> Hothash | None:
    """Give the hothash of a walked file; None if it has no method of its own, and the whole file counts.

    Raises OSError.
    """
    if blocks.method_kind is None or blocks.fault is not None:
        return None
    digest = hashlib.sha256(_PREFIX + blocks.method_kind.encode("ascii") + b"\x00")
    try:
        for part in blocks.iter_parts():
            digest.update(part.tag + part.length.to_bytes(8, "big") + part.built)
            for offset, length in part.spans:
                _feed(digest, reader, offset, length)
    except BrokenStructureError:
        # The file shrank between the walk and now. What is left of it is whatever its SHA-256 says.
        return None
    return Hothash(digest.hexdigest())


def _feed(digest: _Hash, reader: Reader, offset: int, length: int) -> None:
    if length <= _SHORT:
        digest.update(reader.read(offset, length))  # a GIF's data is in pieces of at most 255 bytes
        return
    for chunk in reader.chunks(offset, length):
        digest.update(chunk)


def _fingerprint(reader: Reader, sha256: Sha256) -> Fingerprint:
    blocks = walk(reader, is_for_facts=False)
    hothash = hothash_of(reader, blocks)
    if hothash is None or blocks.method_kind is None:
        return Fingerprint(hothash=Hothash(sha256), method=FILE_METHOD, sha256=sha256, size_bytes=reader.size)
    method = HothashMethod(f"{blocks.method_kind}-1")
    return Fingerprint(hothash=hothash, method=method, sha256=sha256, size_bytes=reader.size)
