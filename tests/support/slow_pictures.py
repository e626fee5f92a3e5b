"""Sound pictures, below the pixel limit, that take as long to decode as a test wants."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image


def make_slow_jpeg(path: Path, *, repeats: int) -> Path:
    """Write a flat progressive JPEG of 64 megapixels whose last scan comes so many times more, each some 50 ms."""
    target = io.BytesIO()
    Image.new("L", (8_000, 8_000), 130).save(target, "JPEG", progressive=True, quality=80)
    data = target.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    path.write_bytes(data[:-2] + scan * repeats + data[-2:])
    return path
