"""Long work over HTTP: answered at once or when it is done, watched, stopped, attached to, and never in the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from imalink.api.timetable_work import planned_task
from imalink.core.timetable import Task
from imalink.runtime.listening import listening_sockets
from tests.api.conftest import Json, Served
from tests.support.workbench import make_source

ASYNC = {"Prefer": "respond-async"}


def session_in(served: Served, storage: Json, title: str = "Italy") -> Json:
    return served.post("import-sessions/create", json={"title": title, "file_storage_id": storage["id"]})


def begin_import(served: Served, storage: Json, count: int, *, title: str = "Italy") -> Json:
    """Begin a longer import and give its job."""
    session = session_in(served, storage, title)
    source = make_source(served.card / title, count)
    answer = served.http.post(
        f"/api/v1/import-sessions/{session['id']}/import", json={"source_directory": str(source)}, headers=ASYNC
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["preference-applied"] == "respond-async"
    job: Json = answer.json()["data"]["job"]
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    return job


def until(served: Served, job: Json, is_so: Callable[[Json], bool], seconds: float = 60) -> Json:
    end = time.monotonic() + seconds
    while True:
        found: Json = served.get(f"jobs/{job['id']}")["job"]
        if is_so(found):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.02)


def has_begun_copying(job: Json) -> bool:
    return any(phase["files"] for phase in job["phases"])


def test_work_that_is_not_waited_for_is_a_job_with_the_same_result(served: Served) -> None:
    storage = served.create()
    job = begin_import(served, storage, 5)
    assert (job["kind"], job["storage_uuid"], job["is_over"]) == ("import", storage["storage_uuid"], False)
    assert "report" not in job
    done = until(served, job, lambda each: each["is_over"])
    assert done["state"] == "done"
    assert done["report"]["new_imports"] == 5
    assert done["report"]["session_id"] == 1
    assert {phase["name"]: phase["share"] for phase in done["phases"] if phase["total_files"]} == {
        "copy": 1.0,
        "analyse": 1.0,
    }
    answered = served.post(f"storage-index/scan/{storage['storage_uuid']}")
    assert answered["files_seen"] == 5
    assert [each["kind"] for each in served.get("jobs")["jobs"]] == ["scan", "import"]


@pytest.mark.parametrize("prefer", ["respond-async, wait=10", "wait=5,Respond-Async;x=1"])
def test_the_wish_not_to_wait_may_stand_among_others(served: Served, prefer: str) -> None:
    storage = served.create()
    answer = served.http.post(f"/api/v1/storage-index/generate/{storage['id']}", headers={"Prefer": prefer})
    assert answer.status_code == 202


def test_every_long_request_may_be_asked_not_to_wait(served: Served) -> None:
    storage = served.create()
    session = served.imported(storage)["session_id"]
    for path, kind in (
        (f"storage-index/generate/{storage['id']}", "generate"),
        (f"storage-index/session/{session}", "index-session"),
        (f"storage-index/scan/{storage['id']}", "scan"),
        (f"file-storage/{storage['id']}/verify", "verify"),
        ("file-storage/recover", "recover"),
        (f"import-sessions/{session}/resume", "resume"),
        (f"import-sessions/{session}/rollback", "rollback"),
    ):
        answer = served.http.post(f"/api/v1/{path}", headers=ASYNC)
        assert answer.status_code == 202, (path, answer.text)
        job: Json = answer.json()["data"]["job"]
        assert job["kind"] == kind
        assert until(served, job, lambda each: each["is_over"])["state"] == "done", path


def test_a_job_can_be_begun_by_its_kind(served: Served) -> None:
    storage = served.create()
    session = session_in(served, storage)
    source = make_source(served.card, 3)
    body = {"kind": "import", "session": str(session["id"]), "request": {"source_directory": str(source)}}
    job = served.post("jobs", json=body)["job"]
    assert until(served, job, lambda each: each["is_over"])["report"]["new_imports"] == 3
    for kind in ("generate", "scan", "verify"):
        job = served.post("jobs", json={"kind": kind, "storage": storage["storage_uuid"]})["job"]
        assert until(served, job, lambda each: each["is_over"])["state"] == "done", kind
    refused = served.ask("POST", "jobs", status=422, json={**body, "request": {"source_directory": ""}})
    assert refused["error"]["details"]["fields"][0]["field"] == "body.request.source_directory"
    assert served.ask("POST", "jobs", status=422, json={"kind": "scan"})["error"]["code"] == "invalid"
    assert served.ask("POST", "jobs", status=422, json={"kind": "explode"})["success"] is False
    assert served.ask("GET", "jobs/no-such-job", status=404)["error"]["code"] == "not-found"
    assert served.ask("DELETE", "jobs/no-such-job", status=404)["error"]["code"] == "not-found"


def test_a_running_import_is_stopped_within_a_second_and_goes_on_later(served: Served) -> None:
    storage = served.create()
    job = begin_import(served, storage, 120)
    until(served, job, has_begun_copying)
    started = time.monotonic()
    told = served.ask("DELETE", f"jobs/{job['id']}")["job"]
    assert told["state"] in ("cancelling", "cancelled")
    stopped = until(served, job, lambda each: each["is_over"])
    assert time.monotonic() - started < 1.5
    assert stopped["state"] == "cancelled"
    assert stopped["go_on"] == "imalink sessions resume 1"
    resumed = served.post("import-sessions/1/resume")
    assert resumed["new_imports"] == 120
    assert served.ask("DELETE", f"jobs/{job['id']}")["job"]["state"] == "cancelled"


def test_the_server_answers_others_while_it_imports(served: Served) -> None:
    storage = served.create()
    job = begin_import(served, storage, 60)
    waits: list[float] = []
    while not served.get(f"jobs/{job['id']}")["job"]["is_over"]:
        started = time.monotonic()
        served.get("health")
        waits.append(time.monotonic() - started)
    assert len(waits) > 5
    assert sorted(waits)[len(waits) // 2] < 0.25
    assert max(waits) < 2


def test_who_leaves_does_not_stop_the_work_and_who_asks_again_gets_its_result(served: Served) -> None:
    storage = served.create()
    session = session_in(served, storage)
    source = make_source(served.card, 60)
    path, body = f"/api/v1/import-sessions/{session['id']}/import", {"source_directory": str(source)}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"http://127.0.0.1:{served.port}{path}", json=body, timeout=0.3)
    again = served.http.post(path, json=body).json()["data"]
    assert again["new_imports"] == 60  # a second import would have skipped them all
    assert len(served.get("jobs")["jobs"]) == 1


def test_what_goes_wrong_is_told_as_ever_and_kept_with_the_job(served: Served) -> None:
    storage = served.create()
    place = Path(storage["full_path"])
    place.rename(place.with_name("unplugged"))
    assert served.ask("POST", f"storage-index/scan/{storage['id']}", status=503)["error"]["code"] == "storage-offline"
    (job,) = served.get("jobs?state=failed")["jobs"]
    assert job["error"]["code"] == "storage-offline"
    assert served.get("jobs?state=done&state=running")["jobs"] == []
    assert served.get(f"jobs?storage={storage['storage_uuid']}&limit=1")["meta"]["total"] == 1


def test_two_scans_of_one_storage_come_one_after_the_other(served: Served) -> None:
    storage = served.create()
    job = begin_import(served, storage, 40)
    waiting = served.http.post(f"/api/v1/storage-index/scan/{storage['id']}", headers=ASYNC).json()["data"]["job"]
    assert (waiting["state"], waiting["waits_for"]) == ("queued", job["id"])
    assert until(served, waiting, lambda each: each["is_over"])["report"]["files_seen"] == 40


# events


def listening(served: Served, origin: str | None = None) -> contextlib.AbstractContextManager[ClientConnection]:
    # ``proxy=None``: what the machine sets for the web at large is not for this one.
    said = None if origin is None else Origin(origin)
    return connect(f"ws://127.0.0.1:{served.port}/api/v1/events", proxy=None, origin=said)


def hear(socket: ClientConnection) -> Json:
    found: Json = json.loads(socket.recv(timeout=30))
    return found


def test_a_listener_gets_a_snapshot_and_then_hears_of_a_job_and_the_library(served: Served) -> None:
    storage = served.create()
    with listening(served) as socket:
        first = hear(socket)
        assert first["event"] == "snapshot"
        assert [each["storage_uuid"] for each in first["data"]["storages"]] == [storage["storage_uuid"]]
        rev = first["data"]["library"]["rev"]
        job = begin_import(served, storage, 30)
        told: list[Json] = []
        while not any(each["event"] == "library" for each in told) or not told_end(told):
            told.append(hear(socket))
    states = [each["data"]["state"] for each in told if each["event"] == "job"]
    assert states[-1] == "done"
    assert "running" in states
    assert {each["data"]["id"] for each in told if each["event"] == "job"} == {job["id"]}
    assert all("report" not in each["data"] for each in told if each["event"] == "job")
    assert max(each["data"]["rev"] for each in told if each["event"] == "library") > rev


def told_end(told: list[Json]) -> bool:
    return any(each["event"] == "job" and each["data"]["is_over"] for each in told)


def test_who_listens_late_finds_the_running_job_in_the_snapshot(served: Served) -> None:
    storage = served.create()
    job = begin_import(served, storage, 60)
    with listening(served) as socket:
        assert [each["id"] for each in hear(socket)["data"]["jobs"]] == [job["id"]]


def test_a_page_of_another_site_hears_nothing(served: Served) -> None:
    with pytest.raises(InvalidStatus) as caught, listening(served, origin="http://evil.example"):
        pass
    assert caught.value.response.status_code == 403


# figures


def test_figures_count_requests_by_their_route_and_never_by_what_was_written(served: Served) -> None:
    storage = served.create()
    served.get(f"file-storage/{storage['id']}")
    served.http.get("/api/v1/no/such/place?secret=1")
    text = served.http.get("/metrics").text
    assert 'imalink_request_seconds_count{method="GET",path="/file-storage/{storage}",status="200"} 1.0' in text
    assert "no/such/place" not in text
    assert f'imalink_storage_accessible{{name="Blue Samsung",storage_uuid="{storage["storage_uuid"]}"}} 1.0' in text


def test_the_health_report_has_the_words_of_the_guide_and_the_times_of_the_server(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    Path(storage["full_path"]).rename(served.disk / "away")
    report = served.get("health/report")
    assert report["issues"] == ["Storage 'Blue Samsung' is not accessible"]
    assert report["summary"]["total_storages"] == 1
    operations = [each["operation"] for each in report["performance"]["api"]]
    assert "POST /file-storage/create" in operations
    assert "POST /import-sessions/{session}/import" not in operations  # it waited for a job, and is not slow for that
    assert served.get("health/reports")["reports"] == []


# a server that is killed


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@contextlib.contextmanager
def serving(home: Path) -> Generator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """Run a server in a process of its own."""
    with listening_sockets("localhost", 0) as sockets:
        port: int = sockets[0].getsockname()[1]
    environment = {**os.environ, "IMALINK_HOME": str(home), "IMALINK_WORKERS": "1"}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("imalink")), "serve", "--port", str(port), "-q"], env=environment
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60) as http:
            end = time.monotonic() + 60
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if http.get("/health").is_success:
                        break
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.1)
            yield http, process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def begin_in_process(http: httpx.Client, tmp_path: Path, count: int) -> Json:
    (tmp_path / "disk").mkdir()
    storage = http.post("/file-storage/create", json={"base_path": str(tmp_path / "disk"), "display_name": "Blue"})
    session = http.post(
        "/import-sessions/create", json={"title": "Italy", "file_storage_id": storage.json()["data"]["id"]}
    ).json()["data"]
    source = make_source(tmp_path / "card", count)
    answer = http.post(
        f"/import-sessions/{session['id']}/import", json={"source_directory": str(source)}, headers=ASYNC
    )
    job: Json = answer.json()["data"]["job"]
    end = time.monotonic() + 60
    while not has_begun_copying(http.get(f"/jobs/{job['id']}").json()["data"]["job"]):
        assert time.monotonic() < end
        time.sleep(0.01)
    return job


@pytest.mark.slow
def test_a_job_of_a_killed_server_is_interrupted_and_says_what_goes_on_with_it(home: Path, tmp_path: Path) -> None:
    with serving(home) as (http, process):
        job = begin_in_process(http, tmp_path, 150)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(home) as (http, _):
        found = http.get(f"/jobs/{job['id']}").json()["data"]["job"]
        assert found["state"] == "interrupted"
        assert found["error"]["hint"] == "`imalink sessions resume 1` goes on with it."
        resumed = http.post("/import-sessions/1/resume").json()["data"]
        assert resumed["new_imports"] == 150


@pytest.mark.slow
def test_who_waits_for_a_job_is_told_by_a_server_that_ends_what_goes_on_with_it(home: Path, tmp_path: Path) -> None:
    with serving(home) as (http, process):
        job = begin_in_process(http, tmp_path, 150)
        answers: list[httpx.Response] = []
        address, body = f"{http.base_url}import-sessions/1/import", {"source_directory": str(tmp_path / "card")}
        waiting = threading.Thread(target=lambda: answers.append(httpx.post(address, json=body, timeout=60)))
        waiting.start()
        time.sleep(0.2)  # so that it has attached to the job
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        waiting.join(30)
        said = process.wait(30)
        assert time.monotonic() - started < 5
        [answer] = answers
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (503, "server-ending")
    assert error["details"] == {
        "hint": "`imalink sessions resume 1` goes on with it.",
        "go_on": "imalink sessions resume 1",
        "job_id": job["id"],
    }
    assert said in (0, -signal.SIGTERM)


@pytest.mark.slow
def test_a_request_that_came_by_half_is_told_that_the_server_ends(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(home) as (http, process), socket.create_connection((http.base_url.host, http.base_url.port)) as half:
        half.sendall(b"POST /api/v1/tags/rename HTTP/1.1\r\nHost: localhost:%d\r\n" % (http.base_url.port or 0))
        half.sendall(b"Content-Length: 100\r\n\r\n{")
        time.sleep(0.2)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        half.settimeout(30)
        told = b"".join(iter(lambda: half.recv(65536), b""))
        process.wait(30)
        assert time.monotonic() - started < 5
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body)["error"]["code"] == "server-ending"
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_a_server_that_is_told_to_end_stops_its_job_at_a_safe_point(home: Path, tmp_path: Path) -> None:
    with serving(home) as (http, process):
        job = begin_in_process(http, tmp_path, 150)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        threading.Timer(60, process.kill).start()
        process.wait()
        assert time.monotonic() - started < 5
    with serving(home) as (http, _):
        found = http.get(f"/jobs/{job['id']}").json()["data"]["job"]
        assert found["state"] == "interrupted"
        assert http.post("/import-sessions/1/resume").json()["data"]["new_imports"] == 150


def test_the_timetable_keeps_backups_off_the_storages_disks(served: Served) -> None:
    served.imported(served.create())
    server = served.app.state.server
    asked, work = planned_task(server, Task.BACKUP, None)
    job = server.live.jobs.submit(asked, work).job
    report = until(served, {"id": job.job_id}, lambda each: each["is_over"])["report"]
    assert (len(report["storages"]), report["out_of_reach"], report["removed"]) == (1, [], [])
    folder = Path(report["folder"])
    assert folder.parent == served.home / "backups"
    assert list(folder.rglob("imalink-master.json"))
    assert (folder / "storage_config.json").is_file()
