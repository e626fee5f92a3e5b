"""``/timeline``: the order at once, parts of it, places in it; and edits of all that was seen."""

from __future__ import annotations

import struct
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from imalink.catalog.models import UNDATED
from imalink.runtime import timelines
from imalink.runtime.timelines import HEADER, Timelines
from tests.api.conftest import Json, Served
from tests.support.photos import make_jpeg
from tests.support.workbench import make_source


@pytest.fixture
def library(served: Served) -> Served:
    """Five photos on four days: three one a day, two on a fifth of July, one of them upright and rated."""
    make_source(served.card, 3)
    make_jpeg(served.card / "noon.jpg", seed=30, taken="2024:07:05 12:00:00", size=(300, 200))
    make_jpeg(served.card / "night.jpg", seed=31, taken="2024:07:05 23:00:00", size=(300, 200), orientation=6, rating=4)
    served.imported(served.create(), source=served.card)
    return served


def layout_of(served: Served, query: str = "", **headers: str) -> tuple[Json, Any]:
    """Give the layout as a client in another language reads it."""
    answer = served.http.get(f"/api/v1/timeline/layout?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    data = answer.content
    magic, version, _, rev, photos, days, library_rev = HEADER.unpack_from(data)
    assert (magic, version, HEADER.size) == (b"ILTL", 1, 32)
    numbers = struct.unpack_from(f"<{days}i", data, 32)
    counts = struct.unpack_from(f"<{days}I", data, 32 + 4 * days)
    aspects = struct.unpack_from(f"<{photos}H", data, 32 + 8 * days)
    assert len(data) == 32 + 8 * days + 2 * photos
    shown = [None if each == UNDATED else (date(1970, 1, 1) + timedelta(each)).isoformat() for each in numbers]
    found = {
        "rev": rev.hex(),
        "library_rev": library_rev,
        "days": list(zip(shown, counts, strict=True)),
        "aspects": list(aspects),
    }
    return found, answer


ALL = ["night.jpg", "noon.jpg", "IMG_0003.jpg", "IMG_0002.jpg", "IMG_0001.jpg"]


def test_the_layout_has_days_and_shapes_in_order(library: Served) -> None:
    found, answer = layout_of(library)
    assert found["days"] == [("2024-07-05", 2), ("2024-07-03", 1), ("2024-07-02", 1), ("2024-07-01", 1)]
    assert found["aspects"][:2] == [666, 1500]
    assert answer.headers["x-imalink-rev"] == found["rev"]
    assert library.get("timeline/days") == {
        "rev": found["rev"],
        "total": 5,
        "days": [{"day": day, "count": count} for day, count in found["days"]],
    }


def test_the_layout_is_sent_once(library: Served) -> None:
    _, answer = layout_of(library)
    again = library.http.get("/api/v1/timeline/layout", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain, raw = layout_of(library, **{"accept-encoding": "identity"})
    packed, gzipped = layout_of(library, **{"accept-encoding": "gzip"})
    assert plain == packed
    assert gzipped.headers["content-encoding"] == "gzip" and "content-encoding" not in raw.headers
    assert raw.headers["etag"] != gzipped.headers["etag"]
    assert "gzip" not in str(layout_of(library, **{"accept-encoding": "gzip;q=0"})[1].headers)


def test_items_come_in_columns_as_the_list_has_them(library: Served) -> None:
    rev = library.get("timeline/days")["rev"]
    items = library.get(f"timeline/items?rev={rev}&offset=1&limit=3")
    photos = library.get("photos")["photos"][1:4]
    assert (items["offset"], items["total"], items["aspect"][0]) == (1, 5, 1500)
    columns = set(items) - {"rev", "offset", "total", "aspect"}
    for column in columns:
        assert items[column] == [each[column] for each in photos], column
    assert library.get(f"timeline/items?rev={rev}&offset=5")["id"] == []


def test_a_filtered_timeline_has_just_what_fits(library: Served) -> None:
    found, _ = layout_of(library, "rating_min=4")
    assert (found["days"], found["aspects"]) == ([("2024-07-05", 1)], [666])
    items = library.get(f"timeline/items?rev={found['rev']}&rating_min=4")
    assert items["rating"] == [4]
    assert library.get(f"timeline/items?rev={found['rev']}", status=409)["error"]["code"] == "stale-rev"


def test_photos_and_days_are_located(library: Served) -> None:
    rev, photos = library.get("timeline/days")["rev"], library.get("photos")["photos"]
    for offset, photo in enumerate(photos):
        expected = {"rev": rev, "offset": offset, "id": photo["id"], "day": photo["taken_at_local"][:10]}
        assert library.get(f"timeline/locate?id={photo['id']}") == expected
        assert library.get(f"timeline/locate?hothash={photo['hothash']}") == expected
    assert library.get("timeline/locate?date=2024-07-03")["offset"] == 2
    between = library.get("timeline/locate?date=2024-07-04")
    assert (between["offset"], between["day"]) == (2, "2024-07-03")
    assert library.get("timeline/locate?date=2020-01-01") == {"rev": rev, "offset": 5, "id": None, "day": None}
    assert library.get("timeline/locate?id=99")["offset"] is None
    assert library.get(f"timeline/locate?id={photos[0]['id']}&to=2024-07-03")["offset"] is None
    for wrong in ("", f"?id=1&hothash={photos[0]['hothash']}"):
        assert library.get(f"timeline/locate{wrong}", status=400)
    assert library.get("timeline/locate?date=2024-02-30", status=422)


def test_what_came_since_makes_a_rev_stale(library: Served) -> None:
    before, answer = layout_of(library)
    second = make_source(library.disk / "more", 1, first_seed=20)
    library.imported(library.get("file-storage")["storages"][0], title="Norway", source=second)
    assert library.get(f"timeline/items?rev={before['rev']}", status=409)["error"]["code"] == "stale-rev"
    after, _ = layout_of(library, **{"if-none-match": answer.headers["etag"]})
    assert after["rev"] != before["rev"]
    assert after["library_rev"] > before["library_rev"]
    assert sum(count for _, count in after["days"]) == 6


def test_a_rating_leaves_the_timeline_as_it_is(library: Served) -> None:
    before, answer = layout_of(library)
    library.ask("PATCH", f"photos/{library.get('photos')['photos'][0]['hothash']}", json={"rating": 2})
    assert library.get(f"timeline/items?rev={before['rev']}")["rating"][0] == 2
    again = library.http.get("/api/v1/timeline/layout", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_corrected_time_moves_a_photo(library: Served) -> None:
    before, _ = layout_of(library)
    first = library.get("photos")["photos"][0]
    library.ask("PATCH", f"photos/{first['hothash']}", json={"shift_time": "-1d"})
    assert library.get(f"timeline/items?rev={before['rev']}", status=409)
    assert layout_of(library)[0]["days"][:2] == [("2024-07-05", 1), ("2024-07-04", 1)]


def test_a_storage_that_goes_away_changes_what_is_offline(library: Served) -> None:
    storage = library.get("file-storage")["storages"][0]
    before, _ = layout_of(library, "status=offline")
    assert before["days"] == []
    Path(storage["full_path"]).rename(library.disk / "unplugged")
    library.post(f"file-storage/{storage['uuid']}/accessibility")
    assert len(layout_of(library, "status=offline")[0]["aspects"]) == 5
    assert library.get(f"timeline/items?rev={before['rev']}&status=offline", status=409)


def test_all_that_was_seen_is_edited_at_once(library: Served) -> None:
    rev = library.get("timeline/days?from=2024-07-02&to=2024-07-05")["rev"]
    body = {"filter": {"from": "2024-07-02", "to": "2024-07-05"}, "rev": rev, "change": {"rating": 1}}
    first = library.get("photos")["photos"][0]
    planned = library.ask("PATCH", "photos", json={**body, "without_ids": [first["id"]], "dry_run": True})
    assert planned["edited"] == 3
    assert library.ask("PATCH", "photos", json={**body, "without_ids": [first["id"]]})["edited"] == 3
    assert [each["rating"] for each in library.get("photos")["photos"]] == [4, 1, 1, 1, None]


def test_what_was_not_seen_is_not_edited(library: Served) -> None:
    rev = library.get("timeline/days?rating_min=4")["rev"]
    second = library.get("photos")["photos"][1]
    library.ask("PATCH", f"photos/{second['hothash']}", json={"rating": 5})
    body = {"filter": {"rating_min": 4}, "rev": rev, "change": {"label": "Red"}}
    assert library.ask("PATCH", "photos", json=body, status=409)["error"]["code"] == "stale-rev"
    assert {each["label"] for each in library.get("photos")["photos"]} == {None}
    assert library.ask("PATCH", "photos", json={"filter": {}, "change": {"rating": 1}}, status=400)
    assert library.ask("PATCH", "photos", json={"rev": rev, "change": {"rating": 1}}, status=400)


def test_an_order_is_read_once_for_all_who_ask(library: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    read, count = timelines.read_order, [0]

    def counted(*arguments: Any) -> Any:
        count[0] += 1
        return read(*arguments)

    monkeypatch.setattr(timelines, "read_order", counted)
    revs: list[str] = []
    threads = [threading.Thread(target=lambda: revs.append(layout_of(library)[0]["rev"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(revs), len(set(revs)), count[0]) == (8, 1, 1)


def test_only_so_many_orders_are_kept(library: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "MAX_KEPT_PHOTOS", 6)
    kept: Timelines = library.app.state.server.timelines
    layout_of(library)
    layout_of(library, "rating_min=4")
    assert [len(each.order) for each in kept._kept.values()] == [5, 1]
    layout_of(library, "to=2024-07-01")
    assert [len(each.order) for each in kept._kept.values()] == [1, 1]


def test_undated_photos_come_last(served: Served) -> None:
    make_source(served.card, 1)
    make_jpeg(served.card / "scan.jpg", seed=9, taken=None)
    served.imported(served.create(), source=served.card)
    [scan] = [each["id"] for each in served.get("photos")["photos"] if each["original_filename"] == "scan.jpg"]
    undated = "UPDATE photos SET taken_at = NULL, taken_at_local = NULL, local_day = NULL WHERE id = :id"
    with served.container.tools().catalog.begin(changes_photos=True) as db:
        db.execute(text(undated), {"id": scan})
    found, _ = layout_of(served)
    assert [day for day, _ in found["days"]] == ["2024-07-01", None]
    assert served.get(f"timeline/items?rev={found['rev']}")["taken_at_local"][-1] is None
