"""What this machine keeps beside the storages: the registry, the installation's name, the log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from imalink.core.ids import StorageUuid
from imalink.errors import UsageError
from imalink.runtime.container import Container, open_scratch_catalog
from imalink.runtime.local_files import read_local, replace_local
from imalink.runtime.logging_setup import set_up_logging
from imalink.runtime.registry import Registry
from imalink.runtime.settings import load_settings
from tests.support.workbench import SteppingClock

FIRST = StorageUuid("11111111-1111-4111-8111-111111111111")
SECOND = StorageUuid("22222222-2222-4222-8222-222222222222")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "config" / "storage_config.json", clock=SteppingClock())


def remember(registry: Registry, uuid: StorageUuid, path: str) -> None:
    registry.remember(uuid, display_name="Disk", path=Path(path), created_at="2024-10-18T14:30:52Z", layout="hybrid")


def test_the_registry_remembers_the_last_place_of_each_storage(registry: Registry) -> None:
    assert registry.places() == {}
    remember(registry, FIRST, "/media/a")
    remember(registry, SECOND, "/media/b")
    remember(registry, FIRST, "/media/c")
    assert registry.places() == {FIRST: Path("/media/c"), SECOND: Path("/media/b")}


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xff", b"[]", b'{"storages": 7}'])
def test_a_damaged_registry_is_set_aside_and_begun_anew(registry: Registry, tmp_path: Path, damage: bytes) -> None:
    remember(registry, FIRST, "/media/a")
    path = tmp_path / "config" / "storage_config.json"
    path.write_bytes(damage)
    remember(registry, SECOND, "/media/b")
    assert registry.places() == {SECOND: Path("/media/b")}
    assert [kept.read_bytes() for kept in path.parent.glob("*.backup")] == [damage]


def test_a_local_file_is_replaced_whole_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    assert read_local(path) is None
    for data in (b"one", b"", b"three" * 100_000):
        replace_local(path, data)
        assert read_local(path) == data
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_an_installation_keeps_its_name(tmp_path: Path) -> None:
    settings = load_settings({"IMALINK_HOME": str(tmp_path / "home")})
    names: set[str] = set()
    for _ in range(2):
        with Container(settings) as container:
            names.add(container.tools().writer)
    assert len(names) == 1
    settings.installation_path.write_bytes(b"{")
    with Container(settings) as container:
        names.add(container.tools().writer)
    assert len(names) == 2


def test_a_scratch_catalog_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_scratch_catalog():
        assert list(tmp_path.rglob("*.sqlite"))
    assert list(tmp_path.iterdir()) == []


def test_a_record_cannot_forge_lines_or_command_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    set_up_logging("INFO")
    logging.getLogger("imalink.test").info("odd name %s", "a\n2024 ERROR all is lost\x1b[2J")
    logging.root.handlers.clear()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "\x1b" not in said.err


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError):
        set_up_logging("loud")
