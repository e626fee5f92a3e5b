"""Previews over HTTP: addresses that never change, also while the disk is away, and nobody waits for ever."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from fastapi import Request
from PIL import Image

from imalink.api.context import Right
from imalink.api.routers import previews as routes
from imalink.core.analyser import PreviewResult
from imalink.errors import FolderRefusedError
from imalink.media.analyser import PictureAnalyser
from tests.api.conftest import Served


@pytest.fixture
def hothash(served: Served) -> str:
    """A picture of an imported session."""
    served.imported(served.create())
    return str(served.get("import-sessions/1")["files"][0]["hothash"])


def address_of(served: Served, hothash: str, what: str = "hotpreview") -> str:
    return served.http.get(f"/api/v1/photos/{hothash}/{what}").headers["content-location"]


def unplug(served: Served) -> None:
    storage = served.get("file-storage")["storages"][0]
    Path(storage["full_path"]).rename(served.disk / "away")


@pytest.mark.parametrize("what", ["hotpreview", "coldpreview"])
def test_a_preview_has_an_address_that_may_be_kept_for_ever(served: Served, hothash: str, what: str) -> None:
    by_hothash = served.http.get(f"/api/v1/photos/{hothash}/{what}")
    assert by_hothash.headers["cache-control"] == "private, max-age=300, immutable"
    etag, data = "", b""
    for _ in range(2):  # by the short way, too
        answer = served.http.get(by_hothash.headers["content-location"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        etag, data = answer.headers["etag"], answer.content
        assert data == by_hothash.content
    again = served.http.get(by_hothash.headers["content-location"], headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (64, 48)


def test_what_was_seen_is_shown_while_the_disk_is_away(served: Served, hothash: str) -> None:
    addresses = [address_of(served, hothash, what) for what in ("hotpreview", "coldpreview")]
    unplug(served)
    for where in (*addresses, f"/api/v1/photos/{hothash}/hotpreview", f"/api/v1/photos/{hothash}/coldpreview"):
        assert served.http.get(where).status_code == 200
    assert served.http.get(f"/api/v1/photos/{hothash}/file").status_code == 404


def test_under_another_rendition_the_picture_is_shown_as_it_is_and_not_kept(served: Served, hothash: str) -> None:
    address = address_of(served, hothash)
    rendition = address.split("/")[3]
    answer = served.http.get(address.replace(rendition, "12345678"))
    assert answer.content == served.http.get(address).content
    assert answer.headers["cache-control"] == "private, no-cache"
    assert rendition in answer.headers["etag"]


@pytest.mark.parametrize(
    "address",
    ["/p/{}/0/200.jpg", "/p/{}/12345678/300.jpg", "/p/{}x/12345678/200.jpg", "/p/" + "0" * 64 + "/12345678/200.jpg"],
)
def test_what_names_no_preview_is_404(served: Served, hothash: str, address: str) -> None:
    answer = served.http.get(address.format(hothash))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not-found")


def test_the_gate_is_asked_for_a_preview_that_is_at_hand(served: Served, hothash: str) -> None:
    address = address_of(served, hothash)
    asked: list[Right] = []

    def closed(_: Request, right: Right) -> None:
        asked.append(right)
        raise FolderRefusedError("Nobody may.")

    served.app.state.gate = closed
    assert served.http.get(address).status_code == 403
    assert asked == [Right.READ]


def test_who_waits_too_long_is_told_and_has_the_preview_later(
    served: Served, hothash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let, make = threading.Event(), PictureAnalyser.coldpreview

    def held(analyser: PictureAnalyser, descriptor: int, *, filename: str, rotation: int = 0) -> PreviewResult:
        let.wait(30)
        return make(analyser, descriptor, filename=filename, rotation=rotation)

    monkeypatch.setattr(routes, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(PictureAnalyser, "coldpreview", held)
    answer = served.http.get(f"/api/v1/photos/{hothash}/coldpreview")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "preview-busy")
    assert answer.headers["retry-after"] == "2"
    monkeypatch.setattr(routes, "WAIT_SECONDS", 30)
    let.set()
    assert served.http.get(f"/api/v1/photos/{hothash}/coldpreview").status_code == 200


def test_requests_by_the_short_way_are_counted(served: Served, hothash: str) -> None:
    address = address_of(served, hothash)
    served.http.get(address)
    told = served.http.get("/metrics").text
    assert 'path="/p/{hothash}/{rendition}/{size}.jpg"' in told
