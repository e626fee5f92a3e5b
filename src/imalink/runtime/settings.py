"""Settings: flag over environment over ``config.toml`` over default, read here and passed on as values."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from imalink.core.timetable import Task
from imalink.errors import UsageError
from imalink.runtime.listening import host_without_port, is_loopback

HOME_VARIABLE = "IMALINK_HOME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its name in ``config.toml``, its environment variable, its default and one sentence."""

    name: str
    variable: str
    default: str
    meaning: str


SETTINGS = (
    Setting(
        name="database_url",
        variable="IMALINK_DATABASE_URL",
        default="",
        meaning="Where the catalog is, as an SQLAlchemy URL; empty: SQLite in the data directory.",
    ),
    Setting(
        name="log_level",
        variable="IMALINK_LOG_LEVEL",
        default="warning",
        meaning="How much is logged to stderr: debug, info, warning or error.",
    ),
    Setting(
        name="workers",
        variable="IMALINK_WORKERS",
        default="",
        meaning="How many processes decode pictures; empty: one a processor; 0: none, unprotected in this process.",
    ),
    *(
        Setting(
            name=f"schedule_{name}",
            variable=f"IMALINK_SCHEDULE_{name.upper()}",
            default="on",
            meaning=f"Whether the server does this by itself: {what}; on or off.",
        )
        for name, what in (
            ("accessibility", "each day look at the health of all storages"),
            ("maintenance", "each week write each storage's indexes again, then re-index it"),
            ("backup", "each week copy the catalog and the indexes of all storages to this machine"),
            ("verification", "each month read every file of each storage"),
            ("capacity_review", "each quarter look how long the room lasts"),
        )
    ),
    Setting(
        name="preview_cache_mb",
        variable="IMALINK_PREVIEW_CACHE_MB",
        default="2048",
        meaning="How many MB of previews the server keeps, to show pictures while their disk is away; 0: none.",
    ),
    Setting(
        name="host",
        variable="IMALINK_HOST",
        default="localhost",
        meaning="The address the server listens on; localhost: this machine alone, by IPv4 and IPv6.",
    ),
    Setting(
        name="port",
        variable="IMALINK_PORT",
        default="8000",
        meaning="The port the server listens on.",
    ),
    Setting(
        name="allowed_hosts",
        variable="IMALINK_ALLOWED_HOSTS",
        default="",
        meaning="Further names, each host or host:port, by which the server may be called; parted by commas.",
    ),
    Setting(
        name="login",
        variable="IMALINK_LOGIN",
        default="auto",
        meaning="When one has to log in: auto, as soon as there is an account or others can reach it; or always.",
    ),
    Setting(
        name="trusted_proxies",
        variable="IMALINK_TRUSTED_PROXIES",
        default="",
        meaning="Addresses of proxies whose X-Forwarded-For and -Proto are believed; parted by commas.",
    ),
    Setting(
        name="storage_roots",
        variable="IMALINK_STORAGE_ROOTS",
        default="",
        meaning="The only folders below which the server may make storages or import from; parted by colons.",
    ),
)
"""Every setting there is. docs/reference/settings.md lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveSetting:
    """A setting's value and where it came from: ``environment``, ``config.toml`` or ``default``."""

    setting: Setting
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Effective settings and the directories ImaLink uses on this machine."""

    config_directory: Path
    data_directory: Path
    state_directory: Path
    values: Mapping[str, EffectiveSetting]

    @property
    def database_url(self) -> str:
        """The catalog's URL."""
        return self.values["database_url"].value or f"sqlite:///{self.data_directory / 'catalog.sqlite'}"

    @property
    def database_url_shown(self) -> str:
        """The catalog's URL without a password that stands in it."""
        return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", self.database_url)

    @property
    def log_level(self) -> str:
        """The level of the log."""
        return self.values["log_level"].value

    @property
    def workers(self) -> int:
        """The number of processes that decode pictures; 0: none. Raises UsageError for a value that is no number."""
        value = self.values["workers"].value
        if not value:
            return _processor_count()
        if not re.fullmatch(r"[0-9]{1,3}", value):
            raise UsageError(f"workers is no number of processes: {value!r}.", hint="Use 0 to 999, or nothing.")
        return int(value)

    @property
    def scheduled_tasks(self) -> frozenset[Task]:
        """What of the timetable is switched on. Raises UsageError for a value that is neither on nor off."""
        enabled: set[Task] = set()
        for task in Task:
            each = self.values[f"schedule_{task.name.lower()}"]
            if each.value.lower() not in ("on", "off"):
                raise UsageError(f"{each.setting.name} is {each.value!r}.", hint="Use on or off.")
            if each.value.lower() == "on":
                enabled.add(task)
        return frozenset(enabled)

    @property
    def preview_cache_bytes(self) -> int:
        """How much the server keeps of previews. Raises UsageError for a value that is no number."""
        value = self.values["preview_cache_mb"].value
        if not re.fullmatch(r"[0-9]{1,8}", value):
            raise UsageError(f"preview_cache_mb is no number of megabytes: {value!r}.", hint="Use 0 or more.")
        return int(value) * 1024 * 1024

    @property
    def preview_directory(self) -> Path:
        """Where the server keeps previews; it may be deleted at any time."""
        return self.data_directory / "cache" / "previews"

    @property
    def host(self) -> str:
        """The address the server listens on."""
        return self.values["host"].value

    @property
    def port(self) -> int:
        """The port the server listens on. Raises UsageError for a value that is none."""
        value = self.values["port"].value
        if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65536:
            raise UsageError(f"port is no port: {value!r}.", hint="Use 1 to 65535.")
        return int(value)

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Further names by which the server may be called."""
        return tuple(each.strip().lower() for each in self.values["allowed_hosts"].value.split(",") if each.strip())

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """Addresses and networks of proxies of ours. Raises UsageError for what is neither."""
        found = tuple(each.strip() for each in self.values["trusted_proxies"].value.split(",") if each.strip())
        for each in found:
            try:
                ipaddress.ip_network(each)
            except ValueError as error:
                raise UsageError(
                    f"trusted_proxies has {each!r}, which is no address.", hint="Use 127.0.0.1 or 10.0.0.0/24."
                ) from error
        return found

    @property
    def asks_always(self) -> bool:
        """Whether nobody is served without an account, also while there are none. Raises UsageError."""
        value = self.values["login"].value.lower()
        if value not in ("auto", "always"):
            raise UsageError(f"login is {value!r}.", hint="Use auto or always.")
        return value == "always" or bool(self.reached_by)

    @property
    def reached_by(self) -> str:
        """By what others than this machine can reach the server, in words; empty: by nothing. Raises UsageError."""
        if not is_loopback(self.host):
            return f"on {self.host}"
        if self.trusted_proxies:
            return "behind a proxy (setting trusted_proxies)"
        names = [each for each in self.allowed_hosts if not is_loopback(host_without_port(each))]
        return f"as {names[0]} (setting allowed_hosts)" if names else ""

    @property
    def storage_roots(self) -> tuple[Path, ...]:
        """The only folders that may be named over the network; none: those of the folder policy."""
        return tuple(Path(each) for each in self.values["storage_roots"].value.split(os.pathsep) if each)

    @property
    def registry_path(self) -> Path:
        """This machine's list of storages."""
        return self.config_directory / "storage_config.json"

    @property
    def installation_path(self) -> Path:
        """The file that holds this installation's name as a journal writer."""
        return self.state_directory / "installation.json"


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of this machine. Raises UsageError for a ``config.toml`` that cannot be read."""
    config, data, state = _directories(environment)
    from_file = _read_config(config / "config.toml")
    values: dict[str, EffectiveSetting] = {}
    for setting in SETTINGS:
        if environment.get(setting.variable):
            value, source = environment[setting.variable], "environment"
        elif setting.name in from_file:
            value, source = from_file[setting.name], "config.toml"
        else:
            value, source = setting.default, "default"
        values[setting.name] = EffectiveSetting(setting=setting, value=value, source=source)
    return Settings(config_directory=config, data_directory=data, state_directory=state, values=values)


def _processor_count() -> int:
    # Those this process may use, which in a container are fewer than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _directories(environment: Mapping[str, str]) -> tuple[Path, Path, Path]:
    home = environment.get(HOME_VARIABLE)
    if home:
        path = Path(home).expanduser().absolute()
        return path, path, path
    import platformdirs  # slow to import, and not needed under IMALINK_HOME

    directories = platformdirs.PlatformDirs("imalink", appauthor=False)
    config, old = directories.user_config_path, Path("~/.imalink").expanduser()
    if not (config / "storage_config.json").exists() and (old / "storage_config.json").exists():
        config = old
    return config, directories.user_data_path, directories.user_state_path


def _read_config(path: Path) -> dict[str, str]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"The settings in {path} cannot be read: {error}", hint="Mend or remove that file.") from error
    known = {setting.name for setting in SETTINGS}
    unknown = sorted(set(document) - known)
    if unknown:
        raise UsageError(
            f"{path} has a setting that is not known: {unknown[0]}.", hint=f"Known are: {', '.join(sorted(known))}."
        )
    return {name: str(value) for name, value in document.items()}
