"""Previews are fetched once however many ask, from wherever they are; too many at a time are refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from imalink.core.analyser import Analysis, PreviewResult
from imalink.core.preview_key import PreviewSize
from imalink.errors import NotFoundError, PreviewBusyError
from imalink.media.analyser import PictureAnalyser
from imalink.runtime.previews import Previews, ShownPreview, WantedPreview
from imalink.storage.preview_cache import PreviewCache
from tests.support.workbench import Workbench, make_source


class SlowAnalyser(PictureAnalyser):
    """Makes large previews when it is let, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()
        self.let.set()
        self.made = 0
        self.gives_none = False

    def coldpreview(self, descriptor: int, *, filename: str, rotation: int = 0) -> PreviewResult:
        self.made += 1
        self.let.wait(30)
        if self.gives_none:
            return PreviewResult(preview=None)
        return super().coldpreview(descriptor, filename=filename, rotation=rotation)

    def analyse(self, descriptor: int, *, filename: str) -> Analysis:
        self.made += 1
        return super().analyse(descriptor, filename=filename)


@dataclass(kw_only=True)
class Shown:
    """Pictures that can be asked for, and what makes their previews."""

    bench: Workbench
    analyser: SlowAnalyser
    hothashes: list[str]
    storage: Path

    def previews(self, *, queue_length: int = 10, max_bytes: int = 10_000_000) -> Previews:
        tools = replace(self.bench.tools, analyser=self.analyser)
        cache = PreviewCache(self.bench.home / "previews", max_bytes=max_bytes)
        return Previews(tools, cache, makers=2, queue_length=queue_length)


@pytest.fixture
def shown(tmp_path: Path, empty_catalog: Path) -> Iterator[Shown]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as bench:
        record = bench.create()
        bench.import_(record, make_source(tmp_path / "card"))
        hothashes = sorted(bench.session(record).files)
        yield Shown(bench=bench, analyser=SlowAnalyser(), hothashes=list(hothashes), storage=Path(record.full_path))


def wanted(previews: Previews, hothash: str, size: PreviewSize) -> WantedPreview:
    found = previews.look(hothash, size)
    assert isinstance(found, WantedPreview)
    return found


def test_a_preview_is_made_once_however_many_ask(shown: Shown) -> None:
    previews = shown.previews()
    asked = wanted(previews, shown.hothashes[0], PreviewSize.COLD)
    shown.analyser.let.clear()
    futures = [previews.fetch(asked) for _ in range(20)]
    shown.analyser.let.set()
    assert len({future.result(30).data for future in futures}) == 1
    assert shown.analyser.made == 1
    found = previews.look(shown.hothashes[0][:12], PreviewSize.COLD)
    assert isinstance(found, ShownPreview)
    assert found.key == asked.key


def test_too_many_at_a_time_are_refused_and_later_made(shown: Shown) -> None:
    previews = shown.previews(queue_length=2)
    asked = [wanted(previews, hothash, PreviewSize.COLD) for hothash in shown.hothashes]
    shown.analyser.let.clear()
    futures = [previews.fetch(each) for each in asked[:2]]
    with pytest.raises(PreviewBusyError):
        previews.fetch(asked[2])
    shown.analyser.let.set()
    assert all(future.result(30).data for future in futures)
    assert previews.fetch(asked[2]).result(30).data


def test_the_small_preview_comes_from_the_storage_and_is_decoded_only_where_it_is_gone(shown: Shown) -> None:
    previews = shown.previews(max_bytes=0)
    first = previews.fetch(wanted(previews, shown.hothashes[0], PreviewSize.HOT)).result(30)
    assert shown.analyser.made == 0
    [path] = (shown.storage / ".imalink" / "hotpreviews").rglob(f"{shown.hothashes[1]}.jpg")
    path.write_bytes(path.read_bytes()[:-5])  # spoilt
    second = previews.fetch(wanted(previews, shown.hothashes[1], PreviewSize.HOT)).result(30)
    assert shown.analyser.made == 1
    assert first.data.startswith(b"\xff\xd8")
    assert second.data.startswith(b"\xff\xd8")


def test_what_was_seen_once_is_shown_while_the_storage_is_away_also_by_another_process(shown: Shown) -> None:
    previews = shown.previews()
    for size in PreviewSize:
        previews.fetch(wanted(previews, shown.hothashes[0], size)).result(30)
    shown.storage.rename(shown.storage.with_name("away"))
    again = shown.previews()
    for size in PreviewSize:
        assert isinstance(again.look(shown.hothashes[0], size), ShownPreview)
    with pytest.raises(NotFoundError):
        again.fetch(wanted(again, shown.hothashes[1], PreviewSize.COLD)).result(30)


def test_what_shows_nothing_is_not_decoded_at_every_look(shown: Shown) -> None:
    previews = shown.previews()
    shown.analyser.gives_none = True
    with pytest.raises(NotFoundError):
        previews.fetch(wanted(previews, shown.hothashes[0], PreviewSize.COLD)).result(30)
    with pytest.raises(NotFoundError):
        previews.fetch(wanted(previews, shown.hothashes[0], PreviewSize.COLD))
    assert shown.analyser.made == 1


def test_memory_holds_no_more_than_it_may(shown: Shown) -> None:
    tools = shown.bench.tools
    cache = PreviewCache(shown.bench.home / "previews", max_bytes=10_000_000)
    sizes: list[int] = []
    previews = Previews(tools, cache, memory_bytes=10_000_000)
    for hothash in shown.hothashes:
        sizes.append(len(previews.fetch(wanted(previews, hothash, PreviewSize.HOT)).result(30).data))
    small = Previews(tools, cache, memory_bytes=sizes[1] + sizes[2])
    keys = [
        found.key
        for hothash in shown.hothashes
        if isinstance(found := small.look(hothash, PreviewSize.HOT), ShownPreview)
    ]
    assert [small.at_hand(key) is not None for key in keys] == [False, True, True]
