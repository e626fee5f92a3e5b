"""Previews are kept without anybody asking for them, as far as there is room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.preview_key import PreviewSize
from imalink.runtime.preview_filler import PreviewFiller
from imalink.runtime.previews import Previews, ShownPreview
from imalink.storage.preview_cache import PreviewCache
from tests.support.workbench import Workbench, make_source


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as found:
        found.import_(found.create(), make_source(tmp_path / "card"))
        yield found


def cache_of(bench: Workbench, max_bytes: int = 10_000_000) -> PreviewCache:
    return PreviewCache(bench.home / "previews", max_bytes=max_bytes)


def seen(bench: Workbench) -> int:
    previews, [record] = Previews(bench.tools, cache_of(bench)), bench.records()
    hothashes = list(bench.session(record).files)
    return sum(isinstance(previews.look(each, PreviewSize.HOT), ShownPreview) for each in hothashes)


def test_pictures_nobody_looked_at_are_seen_while_their_disk_is_away(bench: Workbench, tmp_path: Path) -> None:
    filler = PreviewFiller(bench.tools, cache_of(bench))
    assert filler.fill() == 3
    assert filler.fill() == 0
    [record] = bench.records()
    bench.import_(record, make_source(tmp_path / "second", 2, first_seed=50), title="Second")
    assert filler.fill() == 2
    assert seen(bench) == 3
    assert PreviewFiller(bench.tools, cache_of(bench)).fill() == 0


def test_what_is_out_of_reach_is_passed_over(bench: Workbench) -> None:
    [record] = bench.records()
    root = bench.root(record)
    root.rename(root.with_name("away"))
    assert PreviewFiller(bench.tools, cache_of(bench)).fill() == 0
    root.with_name("away").rename(root)
    assert PreviewFiller(bench.tools, cache_of(bench)).fill() == 3


def test_it_stops_where_the_cache_is_nearly_full(bench: Workbench) -> None:
    size = max(path.stat().st_size for path in bench.root(bench.records()[0]).rglob(".imalink/hotpreviews/*/*/*.jpg"))
    cache = cache_of(bench, max_bytes=2 * size)
    cache.tidy()
    assert PreviewFiller(bench.tools, cache).fill() <= 3
    assert not cache.has_room()
    later = PreviewFiller(bench.tools, cache)
    assert later.fill() == 0


def test_nothing_is_begun_once_it_is_closed(bench: Workbench) -> None:
    filler = PreviewFiller(bench.tools, cache_of(bench))
    filler.close()
    assert filler.fill() == 0
