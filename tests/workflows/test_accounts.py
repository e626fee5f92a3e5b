"""Accounts stay with their catalog: no backup, restore or recovery carries any."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from imalink.catalog.account_models import OF_THIS_CATALOG
from imalink.catalog.catalog import Catalog
from imalink.catalog.model_base import Base
from imalink.core.account import Right, Role
from imalink.errors import UsageError
from imalink.workflows.accounts import add_account, add_token, list_accounts, list_tokens, prepare_setup
from imalink.workflows.back_up import back_up
from imalink.workflows.keys import hash_password, is_password
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.restore_backup import check_backup, restore_backup
from imalink.workflows.sign_in import network_of, sign_in
from imalink.workflows.storage_access import get_storage
from imalink.workflows.write_audit import list_audit
from tests.support.workbench import Workbench, make_source

NAME = "Blue Samsung"
PASSWORD = "correct horse battery"


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Workbench:
    bench = Workbench(tmp_path, empty_catalog=empty_catalog)
    bench.import_(bench.create(), make_source(tmp_path / "card", 2))
    return bench


def put_right(folder: Path) -> None:
    """Let the checksums of a backup be those of its files."""
    sums = folder / "SHA256SUMS"
    names = [line.partition("  ")[2] for line in sums.read_text().splitlines()]
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    sums.write_text("".join(lines))


def rows_about_accounts(catalog: Catalog) -> int:
    with catalog.read() as db:
        tables = [Base.metadata.tables[name] for name in OF_THIS_CATALOG]
        return sum(len(db.execute(table.select()).all()) for table in tables)


def test_a_backup_holds_nothing_of_accounts(bench: Workbench, tmp_path: Path) -> None:
    add_account(bench.tools, "ada", PASSWORD, role=Role.ADMIN)
    add_token(bench.tools, "ada", label="x", right=Right.READ, days=1)
    sign_in(bench.tools, "ada", PASSWORD, address="192.168.1.5")
    assert rows_about_accounts(bench.catalog) > 5
    target = tmp_path / "backups"
    target.mkdir()
    folder = back_up(bench.tools, target).folder
    assert b"argon2" not in (folder / "catalog.sqlite").read_bytes()
    with Catalog.open(f"sqlite:///{folder / 'catalog.sqlite'}") as copy:
        assert rows_about_accounts(copy) == 0


def test_a_crafted_backup_brings_no_account_and_takes_none(
    bench: Workbench, tmp_path: Path, empty_catalog: Path
) -> None:
    add_account(bench.tools, "ada", PASSWORD, role=Role.ADMIN)
    asker, _ = sign_in(bench.tools, "ada", PASSWORD, address="")
    written = len(list_audit(bench.tools))
    target = tmp_path / "backups"
    target.mkdir()
    with Workbench(tmp_path / "eve", empty_catalog=empty_catalog, name="eve") as eve:
        eve.import_(eve.create("Eve's"), make_source(tmp_path / "eve's card", 1, first_seed=50))
        folder = back_up(eve.tools, target).folder
    hashed = hash_password(PASSWORD)
    # What a stranger puts into the backup's catalog, with its checksum put right.
    with Catalog.open(f"sqlite:///{folder / 'catalog.sqlite'}") as crafted:
        with crafted.begin() as db:
            db.execute(
                Base.metadata.tables["accounts"].insert(),
                [{"name": "eve", "role": "admin", "password": hashed, "created_at": "2024-01-01T00:00:00Z"}],
            )
        assert rows_about_accounts(crafted) == 1
    put_right(folder)
    restore_backup(bench.tools, check_backup(bench.tools, folder))
    assert [each.name for each in list_accounts(bench.tools)] == ["ada"]
    assert len(list_audit(bench.tools)) >= written
    assert asker.name == "ada"
    with bench.catalog.read() as db:
        assert len(db.execute(Base.metadata.tables["logins"].select()).all()) == 1


def test_a_recovery_brings_no_account(bench: Workbench, tmp_path: Path, empty_catalog: Path) -> None:
    add_account(bench.tools, "ada", PASSWORD, role=Role.ADMIN)
    with Workbench(tmp_path / "other", empty_catalog=empty_catalog, name="other") as other:
        candidates, _ = find_candidates(other.tools, [Path(get_storage(bench.tools, NAME).full_path)])
        report = recover(other.tools, candidates)
        assert report.restored_files == 2
        assert list_accounts(other.tools) == []


def test_the_first_account_is_an_administrators(bench: Workbench) -> None:
    with pytest.raises(UsageError, match="administrator"):
        add_account(bench.tools, "ada", PASSWORD, role=Role.EDITOR)
    secret = prepare_setup(bench.tools)
    assert secret is not None and len(secret) >= 43
    assert prepare_setup(bench.tools) != secret
    assert list_tokens(bench.tools) == []


@pytest.mark.parametrize("name", ["", "Ädä", "a b", "a/b", "-ada", "a" * 65, "a\nb", "a\0"])
def test_a_name_that_could_mislead_is_refused(bench: Workbench, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        add_account(bench.tools, name, PASSWORD, role=Role.ADMIN)


def test_a_password_may_be_typed_on_any_keyboard(bench: Workbench) -> None:
    add_account(bench.tools, "ada", "caf\u00e9 au lait, s'il", role=Role.ADMIN)
    assert sign_in(bench.tools, "ada", "cafe\u0301 au lait, s'il", address="")[0].name == "ada"


def test_nobody_has_no_password() -> None:
    assert not is_password(None, "")
    assert not is_password("", "")
    assert not is_password("plain text", "plain text")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.168.1.5", "192.168.1.5"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("::ffff:192.168.1.5", "192.168.1.5"),
        ("", "unknown"),
    ],
)
def test_tries_are_counted_for_a_household(address: str, network: str) -> None:
    assert network_of(address) == network


def test_the_catalog_and_its_copies_are_for_their_owner_alone(tmp_path: Path) -> None:
    with Catalog.open(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
        with catalog.begin() as db:
            db.execute(Base.metadata.tables["tags"].select())
        assert catalog.keep_copy("copy") is not None
        files = sorted(tmp_path.iterdir())
        assert len(files) == 4  # with what SQLite puts beside it
        assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"] * 4
