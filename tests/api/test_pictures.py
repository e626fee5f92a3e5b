"""Files and previews over HTTP: byte by byte, in parts, and not twice."""

from __future__ import annotations

import hashlib
import io
from contextlib import ExitStack
from email import message_from_bytes
from pathlib import Path

import pytest
from PIL import Image
from starlette.datastructures import Headers

from imalink.api.streaming import SentFile, is_known, parse_range
from imalink.workflows.find_archives import find_archives
from tests.api.conftest import Json, Served


@pytest.fixture
def file(served: Served) -> tuple[Json, Path]:
    """One picture of an imported session: what is said of it, and where it stands."""
    storage = served.create()
    served.imported(storage)
    found = served.get("import-sessions/1")["files"][0]
    return found, Path(storage["full_path"]) / found["relative_path"]


def test_the_file_comes_byte_by_byte(served: Served, file: tuple[Json, Path]) -> None:
    said, path = file
    for where in (f"photos/{said['hothash']}/file", f"photos/{said['hothash'][:12]}/file"):
        answer = served.http.get(f"/api/v1/{where}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
        assert (answer.headers["content-type"], answer.headers["etag"]) == ("image/jpeg", f'"{said["sha256"]}"')
        assert answer.headers["content-length"] == str(path.stat().st_size)


def test_images_are_named_by_number_too(served: Served, file: tuple[Json, Path]) -> None:
    sums = {hashlib.sha256(served.http.get(f"/api/v1/images/{n}/file").content).hexdigest() for n in (1, 2, 3)}
    assert sums == {each["sha256"] for each in served.get("import-sessions/1")["files"]}
    assert served.get("images/4/file", status=404)


def test_head_tells_without_sending(served: Served, file: tuple[Json, Path]) -> None:
    said, path = file
    answer = served.http.head(f"/api/v1/photos/{said['hothash']}/file")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(path.stat().st_size)


@pytest.mark.parametrize(
    ("wanted", "first", "last"), [("0-9", 0, 9), ("100-", 100, None), ("-7", -7, None), ("5-99999999", 5, None)]
)
def test_a_part_of_the_file(served: Served, file: tuple[Json, Path], wanted: str, first: int, last: int | None) -> None:
    said, path = file
    data = path.read_bytes()
    answer = served.http.get(f"/api/v1/photos/{said['hothash']}/file", headers={"range": f"bytes={wanted}"})
    assert answer.status_code == 206
    assert answer.content == data[first : None if last is None else last + 1]
    begin = first % len(data)
    assert answer.headers["content-range"] == f"bytes {begin}-{begin + len(answer.content) - 1}/{len(data)}"


def test_several_parts_of_the_file(served: Served, file: tuple[Json, Path]) -> None:
    said, path = file
    data = path.read_bytes()
    answer = served.http.get(f"/api/v1/photos/{said['hothash']}/file", headers={"range": "bytes=0-9, 20-24,-5"})
    assert answer.status_code == 206
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    parts = [each.get_payload(decode=True) for each in message_from_bytes(head + answer.content).walk()][1:]
    assert parts == [data[:10], data[20:25], data[-5:]]
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_part_outside_of_the_file_is_416(served: Served, file: tuple[Json, Path]) -> None:
    said, path = file
    answer = served.http.get(f"/api/v1/photos/{said['hothash']}/file", headers={"range": "bytes=99999999-"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (416, "no-such-part")
    assert answer.headers["content-range"] == f"bytes */{path.stat().st_size}"


def test_what_the_caller_has_is_not_sent_again(served: Served, file: tuple[Json, Path]) -> None:
    said, _ = file
    for what in ("file", "hotpreview", "coldpreview"):
        url = f"/api/v1/photos/{said['hothash']}/{what}"
        etag = served.http.get(url).headers["etag"]
        again = served.http.get(url, headers={"if-none-match": etag})
        assert (again.status_code, again.content) == (304, b"")
        assert served.http.get(url, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_part_of_another_state_of_the_file_is_not_sent(served: Served, file: tuple[Json, Path]) -> None:
    said, path = file
    headers = {"range": "bytes=0-9", "if-range": '"other"'}
    answer = served.http.get(f"/api/v1/photos/{said['hothash']}/file", headers=headers)
    assert (answer.status_code, answer.content) == (200, path.read_bytes())


def test_previews_are_small_pictures(served: Served, file: tuple[Json, Path]) -> None:
    said, _ = file
    for what in ("hotpreview", "coldpreview"):
        answer = served.http.get(f"/api/v1/photos/{said['hothash']}/{what}")
        assert answer.headers["content-type"] == "image/jpeg"
        assert "immutable" in answer.headers["cache-control"]
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.size == (64, 48)


def test_a_file_out_of_reach_is_404_in_the_words_callers_know(served: Served, file: tuple[Json, Path]) -> None:
    said, _ = file
    storage = served.get("file-storage")["storages"][0]
    Path(storage["full_path"]).rename(served.disk / "away")
    for where in (f"photos/{said['hothash']}/file", "images/1/file", f"photos/{said['hothash']}/hotpreview"):
        document = served.get(where, status=404)
        assert document["detail"] == "Image file not accessible. Check storage connection."
    [place] = served.get(f"photos/{said['hothash']}/locations")["locations"]
    assert place["status"] == "offline"
    assert served.get(f"photos/{said['hothash']}")["files"]


def test_a_file_that_is_missing_is_404_and_said_to_be_missing(served: Served, file: tuple[Json, Path]) -> None:
    said, path = file
    path.unlink()
    for where in (f"photos/{said['hothash']}/file", "images/1/file"):
        document = served.get(where, status=404)
        assert document["error"]["code"] == "file-missing"
        assert document["detail"].startswith("The file is missing: it is not at ")
        assert path.name in document["detail"]


def test_the_second_storage_serves_where_the_first_is_away(served: Served, file: tuple[Json, Path]) -> None:
    said, path = file
    data = path.read_bytes()
    other = served.create("Red Toshiba")
    session = served.post("import-sessions", json={"title": "Copy", "file_storage_id": other["id"]})
    body = {"source_directory": str(served.card), "duplicates": "keep-both"}
    served.post(f"import-sessions/{session['id']}/import", json=body)
    path.unlink()
    assert served.http.get(f"/api/v1/photos/{said['hothash']}/file").content == data


def test_a_link_in_a_storage_is_not_followed(served: Served, file: tuple[Json, Path], tmp_path: Path) -> None:
    said, path = file
    secret = tmp_path / "secret"
    secret.write_text("secret")
    path.unlink()
    path.symlink_to(secret)
    assert served.get(f"photos/{said['hothash']}/file", status=404)


def test_a_photo_tells_what_holds_for_it(served: Served, file: tuple[Json, Path]) -> None:
    said, _ = file
    photo = served.get(f"photos/{said['hothash']}")
    assert (photo["hothash"], photo["taken_at_local"][:10]) == (said["hothash"], said["taken_at"][:10])
    assert served.get(f"photos/{said['hothash'].upper()}/")["photo_uuid"] == photo["photo_uuid"]


def test_archives_on_disks_are_listed(tmp_path: Path, served: Served) -> None:
    disk = tmp_path / "media"
    names = ["20241018_import_italy_a1b2c3d4", "20241019_import_session_unknown1"]
    (disk / names[0]).mkdir(parents=True)
    (disk / "import-sessions" / names[1]).mkdir(parents=True)
    (disk / "photos").mkdir()
    (disk / "20241018_import_file_a1b2c3d4").write_text("no folder")
    (tmp_path / "empty").mkdir()
    [found] = find_archives([disk, tmp_path / "empty", tmp_path / "gone"], served.container.tools().calls)
    assert (found.path, list(found.names)) == (disk, names)
    answer = served.http.get("/api/v1/storage/scan-locations")
    assert isinstance(answer.json(), list)


# parts of a file, as text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("bytes=0-0", ((0, 0),)),
        ("bytes=0-", ((0, 99),)),
        ("bytes=-200", ((0, 99),)),
        ("BYTES=1-2", ((1, 2),)),
        ("bytes=100-", ()),
        ("bytes=-0", ()),
        ("bytes=0-1,100-", ((0, 1),)),
        ("bytes=5-4", None),
        ("bytes=a-b", None),
        ("bytes=", None),
        ("lines=0-1", None),
        ("bytes=0-5,3-9", None),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 10, 2)), tuple((n, n) for n in range(0, 10, 2))),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 12, 2)), None),
        ("bytes=" + "0-1," * 10_000, None),
        ("bytes=0-" + "9" * 30, None),
    ],
)
def test_ranges_are_read_as_the_standard_says(text: str, parts: tuple[tuple[int, int], ...] | None) -> None:
    assert parse_range(text, 100) == parts


def test_an_empty_file_has_no_parts() -> None:
    assert parse_range("bytes=0-", 0) == ()
    assert parse_range("bytes=-1", 0) == ()


@pytest.mark.parametrize(
    ("headers", "is_there"),
    [
        ({}, False),
        ({"if-none-match": '"tag"'}, True),
        ({"if-none-match": 'W/"tag"'}, True),
        ({"if-none-match": '"a", "tag"'}, True),
        ({"if-none-match": "*"}, True),
        ({"if-none-match": '"a"', "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}, False),
        ({"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}, True),
        ({"if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}, False),
        ({"if-modified-since": "yesterday"}, False),
    ],
)
def test_conditions_are_read_as_the_standard_says(headers: dict[str, str], is_there: bool) -> None:
    file = SentFile(
        descriptor=-1, size_bytes=1, modified_ns=10**18, etag="tag", filename="a", file_format="JPEG", held=ExitStack()
    )
    assert is_known(Headers(headers), file) is is_there
