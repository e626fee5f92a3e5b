"""Healing, locks, ExifTool, proofs for cards, backups and rehearsals over HTTP: what they keep and refuse."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.runtime.container import SystemClock
from imalink.storage.fs import StorageFiles
from imalink.storage.host import Host, this_host
from imalink.storage.lock import acquire_lock
from imalink.storage.root import StorageRoot
from imalink.workflows.storage_access import get_storage, open_storage
from imalink.workflows.write_audit import list_audit
from tests.api.conftest import Json, Served, serving
from tests.support.photos import make_jpeg
from tests.support.rot import flip_bit
from tests.support.workbench import make_source, snapshot

ATTIC = replace(this_host(), host_id="a" * 32, hostname="attic", boot_id="attic's", pid=17)


@pytest.fixture
def storage(served: Served) -> Json:
    """A storage with three imported photos."""
    made = served.create()
    served.imported(made)
    return made


@pytest.fixture
def copies(served: Served, storage: Json) -> Json:
    """A second storage with the same three."""
    made = served.create("Red Toshiba")
    served.post("import-sessions", json={"title": "Copies", "file_storage_id": made["id"]})
    served.post("import-sessions/2/import", json={"source_directory": str(served.card), "duplicates": "keep-both"})
    return made


def picture_in(served: Served, storage: Json) -> Path:
    """The first photo as a file of a storage."""
    hothash = served.get("photos")["photos"][0]["hothash"]
    places = served.get(f"photos/{hothash}/locations")["locations"]
    return next(Path(each["full_path"]) for each in places if each["storage_uuid"] == storage["uuid"])


@contextmanager
def held_by(storage: Json, host: Host, *, beat: float = 3600) -> Generator[None]:
    """A lock of another machine, the heartbeat of which goes on, or stands still for an hour; a second is silence."""
    with StorageRoot.open(Path(storage["full_path"])) as root:
        lock = acquire_lock(
            StorageFiles(root),
            purpose="import",
            clock=SystemClock(),
            host=host,
            wait_seconds=0,
            heartbeat_seconds=beat,
            ttl_seconds=1,
        )
        try:
            yield
        finally:
            lock.release()


def broken_locks(storage: Json) -> list[str]:
    folder = Path(storage["full_path"]) / ".imalink/metadata/broken-locks"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_a_damaged_file_is_healed_from_another_storage_and_kept(served: Served, storage: Json, copies: Json) -> None:
    file = picture_in(served, storage)
    whole = file.read_bytes()
    flip_bit(file)
    broken = file.read_bytes()
    served.post(f"file-storage/{storage['uuid']}/verify", json={"depth": "full"})
    planned = served.post(f"file-storage/{storage['uuid']}/heal", json={"dry_run": True})
    assert (planned["dry_run"], len(planned["healed"])) == (True, 1)
    assert file.read_bytes() == broken
    healed = served.post(f"file-storage/{storage['uuid']}/heal")
    [each] = healed["healed"]
    assert (healed["storage_uuid"], healed["unhealed"]) == (storage["uuid"], [])
    assert file.read_bytes() == whole
    assert (Path(storage["full_path"]) / each["kept"]).read_bytes() == broken


def test_what_no_storage_in_reach_has_stays_as_it_is(served: Served, storage: Json, copies: Json) -> None:
    file = picture_in(served, storage)
    flip_bit(file)
    broken = file.read_bytes()
    served.post(f"file-storage/{storage['uuid']}/verify", json={"depth": "full"})
    shutil.move(copies["full_path"], served.disk / "unplugged")
    healed = served.post(f"file-storage/{storage['uuid']}/heal")
    [each] = healed["unhealed"]
    assert (healed["healed"], each["storages_away"]) == ([], ["Red Toshiba"])
    assert file.read_bytes() == broken


def test_nothing_is_healed_while_another_works_there_or_the_disk_is_away(served: Served, storage: Json) -> None:
    tools = served.container.tools()
    where = f"file-storage/{storage['uuid']}/heal"
    with open_storage(tools, get_storage(tools, storage["uuid"])) as opened, opened.lock("test"):
        assert served.ask("POST", where, status=423)["error"]["code"] == "storage-locked"
    shutil.move(storage["full_path"], served.disk / "unplugged")
    assert served.ask("POST", where, status=503)["error"]["code"] == "storage-offline"
    assert served.ask("POST", "file-storage/999/heal", status=404)


def test_a_silent_holder_loses_its_lock_and_that_is_written_down(served: Served, storage: Json) -> None:
    with held_by(storage, ATTIC):
        look = served.post(f"file-storage/{storage['uuid']}/unlock", json={"dry_run": True})
        assert (look["state"], look["holder"]["hostname"], look["broken"]) == ("held", "attic", False)
        assert broken_locks(storage) == []
        done = served.post(f"file-storage/{storage['uuid']}/unlock")
    assert (done["state"], done["broken"]) == ("silent", True)
    assert (Path(storage["full_path"]) / done["kept"]).exists()
    [event] = list_audit(served.container.tools())
    assert event.action.value == "lock-broken"
    assert served.post(f"file-storage/{storage['uuid']}/unlock")["state"] == "free"


def test_a_holder_that_works_keeps_its_lock(served: Served, storage: Json) -> None:
    with held_by(storage, ATTIC, beat=0.1):
        told = served.ask("POST", f"file-storage/{storage['uuid']}/unlock", status=423)
    assert "heartbeat goes on" in told["detail"]
    assert broken_locks(storage) == []


def test_watching_a_lock_can_be_stopped_within_a_second(served: Served, storage: Json) -> None:
    slow = replace(ATTIC, pid=18)
    with StorageRoot.open(Path(storage["full_path"])) as root:
        lock = acquire_lock(
            StorageFiles(root),
            purpose="import",
            clock=SystemClock(),
            host=slow,
            wait_seconds=0,
            heartbeat_seconds=3600,
            ttl_seconds=600,
        )
        answer = served.http.post(f"/api/v1/file-storage/{storage['uuid']}/unlock", headers={"prefer": "respond-async"})
        where = f"jobs/{answer.json()['data']['job']['id']}"
        while served.get(where)["job"]["state"] == "queued":
            pass
        began = time.monotonic()
        served.ask("DELETE", where)
        while not served.get(where)["job"]["is_over"]:
            assert time.monotonic() - began < 5
        lock.release()
    assert served.get(where)["job"]["state"] == "cancelled"
    assert broken_locks(storage) == []


def test_a_card_is_proved_or_not_and_only_ever_read(served: Served, storage: Json) -> None:
    before = snapshot(served.card)
    proved = served.post("card-check", json={"source_directory": str(served.card)})
    assert (proved["safe"], proved["counts"]) == (True, {"safe": 3})
    wanted = {"source_directory": str(served.card), "min_copies": 2}
    assert served.post("card-check", json=wanted)["counts"] == {"too-few-copies": 3}
    assert snapshot(served.card) == before
    flip_bit(picture_in(served, storage))
    damaged = served.post("card-check", json={"source_directory": str(served.card)})
    assert (damaged["safe"], damaged["counts"]) == (False, {"damaged": 1, "safe": 2})
    make_jpeg(served.card / "new.jpg", seed=77)
    assert served.post("card-check", json={"source_directory": str(served.card)})["counts"]["not-stored"] == 1
    served.ask("POST", "card-check", json={"source_directory": str(served.card / "none")}, status=404)


def test_a_card_is_looked_for_only_where_folders_may_be_named(tmp_path: Path, empty_catalog: Path) -> None:
    elsewhere = make_source(tmp_path / "elsewhere")
    with serving(tmp_path, empty_catalog, IMALINK_STORAGE_ROOTS=str(tmp_path / "disk")) as served:
        for path, body in (
            ("card-check", {"source_directory": str(elsewhere)}),
            ("backup", {"folder": str(elsewhere)}),
        ):
            assert served.ask("POST", path, json=body, status=403)["error"]["code"] == "folder-refused"
    assert not list(elsewhere.glob("imalink-backup-*"))


def test_a_backup_is_a_new_folder_that_checks_itself(served: Served, storage: Json) -> None:
    target = served.home.parent / "backups"
    target.mkdir()
    made = served.post("backup", json={"folder": str(target)})
    assert [each["storage_uuid"] for each in made["storages"]] == [storage["uuid"]]
    folder = Path(made["folder"])
    assert folder.parent == target
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    assert (folder / "catalog.sqlite").exists()


def test_a_backup_without_a_folder_is_one_of_the_servers_own(served: Served, storage: Json) -> None:
    made = served.post("backup")
    assert (Path(made["folder"]).parent, made["removed"]) == (served.home / "backups", [])
    assert (Path(made["folder"]) / "catalog.sqlite").exists()


def test_a_backup_into_a_storage_or_nowhere_is_refused(served: Served, storage: Json) -> None:
    inside = Path(storage["full_path"]) / "photos"
    before = snapshot(Path(storage["full_path"]))
    assert served.ask("POST", "backup", json={"folder": str(inside)}, status=400)["error"]["code"] == "usage"
    assert served.ask("POST", "backup", json={"folder": str(served.disk / "none")}, status=404)
    assert snapshot(Path(storage["full_path"])) == before


def test_what_is_out_of_reach_is_named_by_a_backup(served: Served, storage: Json) -> None:
    shutil.move(storage["full_path"], served.disk / "unplugged")
    target = served.home.parent / "backups"
    target.mkdir()
    made = served.post("backup", json={"folder": str(target)})
    assert (made["storages"], made["out_of_reach"]) == ([], ["Blue Samsung"])


def test_a_recovery_is_rehearsed_and_changes_nothing(served: Served, storage: Json) -> None:
    before = snapshot(Path(storage["full_path"]))
    drill = served.post("recovery-drill")
    assert (drill["is_passed"], drill["storages"]) == (True, ["Blue Samsung"])
    assert [each["photos"] for each in drill["rehearsals"]] == [3, 3]
    assert snapshot(Path(storage["full_path"])) == before


@pytest.mark.exiftool
def test_exiftool_is_asked_about_a_storage(served: Served, storage: Json) -> None:
    found = served.post(f"file-storage/{storage['uuid']}/enrich")
    assert (found["storage_uuid"], found["findings"]) == (storage["uuid"], [])
    assert found["files_asked"] >= found["files_enriched"]
