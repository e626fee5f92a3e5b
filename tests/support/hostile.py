"""What a hostile hand does to a storage's own files: any change, with every digest put right afterwards."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

Document = dict[str, Any]


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def sealed(document: Document) -> bytes:
    """Give a document with the digest that fits it."""
    bare = canonical({key: value for key, value in document.items() if key != "content_sha256"})
    return bare[:-1] + b',"content_sha256":"%b"}' % hashlib.sha256(bare).hexdigest().encode()


def reseal(path: Path, change: Callable[[Document], object]) -> None:
    """Change an index file, and give it the digest that fits."""
    document = json.loads(path.read_bytes())
    change(document)
    path.write_bytes(sealed(document))


def framed(value: object) -> bytes:
    """Give a line of a commit or journal with the checksum that fits."""
    payload = canonical(value)
    return b"%08x %b\n" % (zlib.crc32(payload), payload)


def rewrite_lines(path: Path, change: Callable[[list[Document]], object]) -> None:
    """Change the lines of a commit, intent or journal; every checksum and the digest of an ``end`` line fit again."""
    lines: list[Document] = [json.loads(line[9:]) for line in path.read_bytes().splitlines()]
    change(lines)
    written = b""
    for line in lines:
        if line.get("op") == "end":
            line["digest"] = hashlib.sha256(written).hexdigest()
        written += framed(line)
    path.write_bytes(written)
