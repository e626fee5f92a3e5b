"""The facts of one picture of which there are several files: what people wrote into any of them counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from imalink.core.capture_fallback import is_guessed
from imalink.core.picture import Embedded, PictureFacts


def merge_facts(ranked: Iterable[PictureFacts]) -> PictureFacts:
    """Give the first facts, completed from the others in their order. Raises ValueError for none.

    Rating and rejection go together, and so do flat and hierarchical keywords. A capture time that somebody told goes
    before one that was guessed.
    """
    every = list(ranked)
    if not every:
        raise ValueError("no facts to merge")
    first = every[0]
    said = [facts.embedded for facts in every]
    rated = next((each for each in said if each.rating is not None or each.rejected), first.embedded)
    worded = next((each for each in said if each.keywords or each.hierarchical_keywords), first.embedded)
    times = [facts.capture_time for facts in every if facts.capture_time is not None]
    return replace(
        first,
        capture_time=next((taken for taken in times if not is_guessed(taken)), first.capture_time),
        gps=next((facts.gps for facts in every if facts.gps is not None), None),
        embedded=Embedded(
            rating=rated.rating,
            rejected=rated.rejected,
            label=_first(each.label for each in said),
            keywords=worded.keywords,
            hierarchical_keywords=worded.hierarchical_keywords,
            title=_first(each.title for each in said),
            caption=_first(each.caption for each in said),
            author=_first(each.author for each in said),
            copyright=_first(each.copyright for each in said),
        ),
    )


def _first(texts: Iterable[str | None]) -> str | None:
    return next((text for text in texts if text is not None), None)
