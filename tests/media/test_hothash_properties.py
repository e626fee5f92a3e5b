"""The hothash against its second implementation, and against whatever bytes come: never an exception, never slow."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imalink.media import reader
from imalink.media.hothash import fingerprint_bytes, fingerprint_descriptor
from tests.media.reference_hothash import reference_hothash
from tests.support.mutations import mutated_files
from tests.support.photos import make_jpeg, make_png
from tests.support.processor_time import assert_about_linear

GOLDEN = Path(__file__).parent.parent / "golden" / "hothash"
SEEDS = [path.read_bytes() for path in sorted(GOLDEN.iterdir()) if path.suffix in (".jpg", ".png")]
MARKERS = [
    b"\xff",
    b"\xff\xff",
    b"\xff\x00",
    b"\xff\xd9",
    b"\xff\xda",
    b"\xff\xd3",
    b"\xff\xe1\x00\x02",
    b"IDAT",
    b"fdAT",
]


def agree(data: bytes) -> None:
    fingerprint = fingerprint_bytes(data)
    assert (fingerprint.hothash, fingerprint.method) == reference_hothash(data)


@given(data=mutated_files(SEEDS, MARKERS))
@settings(max_examples=1_500, deadline=None)
def test_mutated_pictures_are_read_alike_by_both_implementations(data: bytes) -> None:
    agree(data)


@given(start=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]), rest=st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_bytes_that_only_begin_like_a_picture_are_read_alike(start: bytes, rest: bytes) -> None:
    agree(start + rest)


@pytest.mark.samples
def test_every_sample_photo_is_read_alike_and_nearly_all_jpegs_are_well_formed(sample_photos: Path) -> None:
    methods: dict[str, str] = {}
    for path in sorted(sample_photos.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            agree(data)
            methods[path.name] = fingerprint_bytes(data).method
    broken = [name for name, method in methods.items() if name.lower().endswith(("jpg", "jpeg")) and method == "file-1"]
    assert broken == ["corrupted.jpg"]


@pytest.mark.samples
def test_sample_photos_read_by_windows_get_the_same_hothash(
    sample_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MEMORY_LIMIT", 0)
    for path in sorted(sample_photos.rglob("*")):
        if path.is_file() and path.stat().st_size > 0:
            with path.open("rb") as file:
                assert fingerprint_descriptor(file.fileno()) == fingerprint_bytes(path.read_bytes()), path


# Bytes made to be slow. 16 MB each, some ten times what an honest picture of that size takes at worst.

_MEGABYTES = 8
HOSTILE: dict[str, Callable[[int], bytes]] = {
    "one row of fill bytes": lambda size: b"\xff\xd8" + b"\xff" * size,
    "fill bytes as data": lambda size: picture_start() + b"\xff\xff\x00" * (size // 3),
    "rows of fill bytes in data": lambda size: picture_start() + (b"\xff" * 999 + b"\x00") * (size // 1000),
    "scans without data": lambda size: picture_start() + b"\xff\xda\x00\x02" * (size // 4),
    "comments without text": lambda size: b"\xff\xd8" + b"\xff\xfe\x00\x02" * (size // 4),
    "XMP segments": lambda size: b"\xff\xd8" + (b"\xff\xe1\x00\x1fhttp://ns.adobe.com/xap/1.0/\x00") * (size // 33),
    "restart markers": lambda size: picture_start() + b"\xff\xd0" * (size // 2),
    "chunks without data": lambda size: png_start() + (b"\x00\x00\x00\x00IDAT" + bytes(4)) * (size // 12),
    "text chunks": lambda size: png_start() + (b"\x00\x00\x00\x02tEXta\x00" + bytes(4)) * (size // 14),
    "frames": lambda size: png_start() + (b"\x00\x00\x00\x04fdAT" + bytes(8)) * (size // 16),
}


def picture_start() -> bytes:
    data = (GOLDEN / "baseline.jpg").read_bytes()
    return data[: data.rindex(b"\xff\xd9")]


def png_start() -> bytes:
    return (GOLDEN / "plain.png").read_bytes()[:33]


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_no_bytes_take_more_than_linear_time(name: str) -> None:
    small, large = (HOSTILE[name](size * 1024 * 1024) for size in (_MEGABYTES // 4, _MEGABYTES))
    assert_about_linear(lambda: fingerprint_bytes(small), lambda: fingerprint_bytes(large), at_most=8)


@pytest.mark.samples
@pytest.mark.slow
def test_both_hashes_together_cost_little_more_than_two_passes_of_sha256(sample_photos: Path) -> None:
    photos = [path.read_bytes() for path in sorted(sample_photos.rglob("*.jp*g")) if path.stat().st_size > 500_000]
    assert photos

    def best_of(work: Callable[[bytes], object], *, rounds: int = 5) -> float:
        results: list[float] = []
        for _ in range(rounds):
            start = time.process_time()
            for _ in range(4):
                for data in photos:
                    work(data)
            results.append(time.process_time() - start)
        return min(results)

    bare = best_of(lambda data: (hashlib.sha256(data), hashlib.sha256(data)))
    ours = best_of(fingerprint_bytes)
    # 1.28 to 1.32 where measured; the bound leaves room for machines whose SHA-256 is faster still.
    assert ours / bare < 1.5


def test_random_truncations_of_real_pictures_never_raise(tmp_path: Path) -> None:
    generator = random.Random(4)
    for path in (make_jpeg(tmp_path / "a.jpg", seed=1, rating=3), make_png(tmp_path / "a.png", seed=1, mode="P")):
        data = path.read_bytes()
        for _ in range(300):
            agree(data[: generator.randrange(len(data))])
