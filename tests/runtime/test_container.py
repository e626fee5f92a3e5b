"""Where the catalog may stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from imalink.errors import CatalogError
from imalink.runtime import container
from imalink.runtime.container import Container
from imalink.runtime.settings import load_settings
from imalink.storage import mounts, volumes


def test_a_sqlite_catalog_on_a_network_mount_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def remote(descriptor: int) -> mounts.Mount:
        del descriptor
        return mounts.Mount(mount_id=1, root="/", point=str(tmp_path), file_system_type="nfs4", source="nas:/home")

    monkeypatch.setattr(volumes, "find_mount", remote)
    with pytest.raises(CatalogError, match="nfs4") as caught:
        Container(load_settings({"IMALINK_HOME": str(tmp_path), "IMALINK_WORKERS": "0"}))
    assert "PostgreSQL" in caught.value.hint
    assert not (tmp_path / "catalog.sqlite").exists()


def test_a_server_may_be_reached_over_the_network() -> None:
    container.refuse_network_catalog("postgresql+psycopg://anna@nas/imalink")


def test_a_sqlite_catalog_on_a_disk_of_this_machine_is_not_refused(tmp_path: Path) -> None:
    container.refuse_network_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
