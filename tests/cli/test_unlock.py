"""``imalink unlock``: a holder that works keeps its lock, one that is gone loses it, and nobody is asked twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imalink.storage.fs import StorageFiles
from imalink.storage.host import Host, this_host
from imalink.storage.lock import StorageLock, acquire_lock
from imalink.storage.lock_files import LOCK_NAME
from imalink.storage.root import StorageRoot
from tests.support.scenes import Scene, memory_folder
from tests.support.stranger import Stranger
from tests.support.workbench import make_source

NAME = "Blue Samsung"
ATTIC = replace(this_host(), host_id="a" * 32, hostname="attic\x1b[2J", boot_id="attic's", pid=17)


class Clock:
    def now(self) -> datetime:
        return datetime(2031, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(1)
        yield made


@pytest.fixture
def imalink(scene: Scene) -> Stranger:
    return Stranger(scene.bench.home)


def hold(scene: Scene, host: Host = ATTIC, *, beat: float = 3600) -> StorageLock:
    files = StorageFiles(StorageRoot.open(scene.root))
    return acquire_lock(
        files,
        purpose="import",
        clock=Clock(),
        host=host,
        wait_seconds=0,
        heartbeat_seconds=beat,
        ttl_seconds=1,
    )


def broken(scene: Scene) -> list[str]:
    folder = scene.root / ".imalink/metadata/broken-locks"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_storage_that_is_not_locked_is_said_to_be_free(scene: Scene, imalink: Stranger) -> None:
    said = imalink("unlock", NAME)
    assert (said.code, said.out) == (0, "Blue Samsung is not locked.\n")
    assert imalink("unlock", NAME, "--json").json["state"] == "free"
    assert broken(scene) == []


def test_a_silent_holder_loses_its_lock_which_is_kept(scene: Scene, imalink: Stranger) -> None:
    lock = hold(scene)
    said = imalink("unlock", NAME, "--yes", "--json")
    assert said.code == 0, said.err
    assert (said.json["state"], said.json["broken"]) == ("silent", True)
    assert said.json["holder"]["purpose"] == "import"
    assert json.loads((scene.root / said.json["kept"]).read_text())["token"] == lock.record.token
    assert not (scene.root / LOCK_NAME).exists()
    assert imalink("reindex", NAME).code == 0


def test_a_holder_that_works_keeps_its_lock(scene: Scene, imalink: Stranger) -> None:
    lock = hold(scene, beat=0.05)
    said = imalink("unlock", NAME, "--yes")
    assert (said.code, said.out) == (11, "")
    assert "its heartbeat goes on. Nothing was changed." in said.err
    assert "\x1b" not in said.err
    lock.verify()
    assert broken(scene) == []
    lock.release()


def test_waiting_goes_on_until_the_holder_is_done(scene: Scene, imalink: Stranger) -> None:
    lock = hold(scene, beat=0.05)
    process = imalink.start("unlock", NAME, "--wait", "--yes", "--json")
    with pytest.raises(Exception, match="timed out"):
        process.wait(3)
    lock.release()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert (json.loads(out)["state"], json.loads(out)["broken"]) == ("free", False)


def test_nobody_is_there_to_be_asked(scene: Scene, imalink: Stranger) -> None:
    lock = hold(scene)
    said = imalink("unlock", NAME)
    assert said.code == 2
    assert "process 17 on attic" in said.err
    assert "--yes" in said.err
    lock.verify()


def test_a_dry_run_breaks_nothing_and_does_not_watch(scene: Scene, imalink: Stranger) -> None:
    lock = hold(scene)
    said = imalink("unlock", NAME, "-n", "--json").json
    assert (said["state"], said["broken"], said["dry_run"]) == ("held", False, True)
    lock.verify()
    assert "would be watched for 1 s" in imalink("unlock", NAME, "-n").out


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 70_000])
def test_a_lock_that_nobody_can_read_is_set_aside(scene: Scene, imalink: Stranger, content: bytes) -> None:
    (scene.root / LOCK_NAME).write_bytes(content)
    assert imalink("unlock", NAME, "-n", "--json").json["state"] == "illegible"
    said = imalink("unlock", NAME, "--json").json
    assert (said["state"], said["broken"], said["holder"]) == ("illegible", True, None)
    assert (scene.root / said["kept"]).read_bytes() == content


def test_the_lock_of_a_dead_process_needs_no_watching(scene: Scene, imalink: Stranger) -> None:
    hold(scene, replace(this_host(), boot_id="before the reboot"))
    said = imalink("unlock", NAME, "--json")
    assert (said.code, said.json["state"], said.json["broken"]) == (0, "dead", True)


def test_an_import_that_meets_a_lock_of_another_machine_says_how_to_go_on(scene: Scene, imalink: Stranger) -> None:
    lock = hold(scene)
    card = make_source(scene.folder / "card", 1, first_seed=70)
    said = imalink("import", card, "--storage", NAME, "--title", "T")
    assert said.code == 11
    assert "process 17 on attic" in said.err
    assert "imalink unlock STORAGE" in said.err
    lock.verify()
