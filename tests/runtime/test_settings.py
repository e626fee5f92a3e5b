"""Settings: environment over config.toml over default, each with its source; nothing unknown is swallowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from imalink.errors import UsageError
from imalink.runtime.settings import SETTINGS, load_settings


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"IMALINK_HOME": str(tmp_path)}


def test_everything_stands_below_the_home(home: dict[str, str], tmp_path: Path) -> None:
    settings = load_settings(home)
    assert {settings.config_directory, settings.data_directory, settings.state_directory} == {tmp_path}
    assert settings.database_url == f"sqlite:///{tmp_path}/catalog.sqlite"
    assert {value.source for value in settings.values.values()} == {"default"}


def test_the_file_counts_before_the_default(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('log_level = "info"\n')
    value = load_settings(home).values["log_level"]
    assert (value.value, value.source) == ("info", "config.toml")


def test_the_environment_counts_before_the_file(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('log_level = "info"\n')
    value = load_settings({**home, "IMALINK_LOG_LEVEL": "debug"}).values["log_level"]
    assert (value.value, value.source) == ("debug", "environment")


@pytest.mark.parametrize("text", ["log_level = ", 'log_levle = "info"', "\xff\x00", "[log_level"])
def test_a_file_that_makes_no_sense_is_refused(home: dict[str, str], tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError):
        load_settings(home)


def test_a_password_in_the_database_url_is_not_shown(home: dict[str, str]) -> None:
    url = "postgresql+psycopg://user:hunter2@host/imalink"
    settings = load_settings({**home, "IMALINK_DATABASE_URL": url})
    assert settings.database_url == url
    assert "hunter2" not in settings.database_url_shown
    assert settings.database_url_shown.endswith("@host/imalink")


def test_reading_settings_writes_nothing(home: dict[str, str], tmp_path: Path) -> None:
    load_settings(home)
    assert list(tmp_path.iterdir()) == []


def test_a_tilde_and_a_relative_home_are_made_absolute() -> None:
    assert load_settings({"IMALINK_HOME": "~/x"}).data_directory == Path.home() / "x"
    assert load_settings({"IMALINK_HOME": "x"}).data_directory == Path.cwd() / "x"


def test_every_setting_has_a_variable_of_ours_and_a_sentence() -> None:
    for setting in SETTINGS:
        assert setting.variable == f"IMALINK_{setting.name.upper()}"
        assert setting.meaning.endswith(".")


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("1", 1), ("16", 16)])
def test_the_number_of_workers_can_be_set(home: dict[str, str], text: str, expected: int) -> None:
    assert load_settings({**home, "IMALINK_WORKERS": text}).workers == expected


def test_there_is_a_decode_worker_for_each_processor(home: dict[str, str]) -> None:
    assert load_settings(home).workers >= 1


@pytest.mark.parametrize("text", ["-1", "many", "1000", "1.5", "²"])
def test_a_senseless_number_of_workers_is_refused(home: dict[str, str], text: str) -> None:
    with pytest.raises(UsageError):
        _ = load_settings({**home, "IMALINK_WORKERS": text}).workers
