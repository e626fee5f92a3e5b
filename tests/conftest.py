"""What every test run shares: where the sample photos are, what is skipped without them, and a loud list of skips."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.postgresql import WHY_NOT, PostgresServer, find_programs

# How long examples take to make says more of what else the machine does than of the tests, so no run fails for it.
settings.register_profile("default", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("default")
# In CI every run tries the same examples, and a failure is printed as found: shrinking takes minutes, and is done where
# someone looks at it.
settings.register_profile(
    "ci",
    settings.get_profile("default"),
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
if os.environ.get("CI"):
    settings.load_profile("ci")

PROJECT = Path(__file__).resolve().parent.parent
_COLLECT_SKIPS = pytest.StashKey[dict[str, str]]()


def _sample_photos_folder() -> Path:
    return Path(os.environ.get("IMALINK_SAMPLE_PHOTOS") or PROJECT.parent / "shared" / "photos")


def _why_not(marker: str) -> str | None:
    """The reason why tests with this marker cannot run here, if there is one."""
    if marker == "samples" and not _sample_photos_folder().is_dir():
        return "no sample photos: set IMALINK_SAMPLE_PHOTOS to their folder"
    if marker == "exiftool" and shutil.which("exiftool") is None:
        return "exiftool is not installed"
    if marker == "root" and os.geteuid() != 0:
        return "needs root"
    if marker == "postgresql" and find_programs() is None:
        return WHY_NOT
    return None


@pytest.fixture(scope="session", autouse=True)
def shared_statements() -> Iterator[None]:
    """Compile each SQL statement once in a run, not once in each test."""
    from tests.support.statement_cache import share_compiled_statements

    with pytest.MonkeyPatch.context() as patch:
        share_compiled_statements(patch)
        yield


@pytest.fixture(scope="session")
def sample_photos() -> Path:
    """The folder of real sample photos; its tests also carry the marker ``samples``."""
    folder = _sample_photos_folder()
    if not folder.is_dir():
        pytest.skip("no sample photos: set IMALINK_SAMPLE_PHOTOS to their folder")
    return folder


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty catalog as a file, to be copied: a migration each would take most of a test's time."""
    from imalink.catalog.catalog import Catalog

    path = tmp_path_factory.mktemp("catalogs") / "empty.sqlite"
    Catalog.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this process's own; its tests also carry the marker ``postgresql``."""
    programs = find_programs()
    if programs is None:
        pytest.skip(WHY_NOT)
    with PostgresServer(programs) as server:
        yield server


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_COLLECT_SKIPS] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reasons = {marker: _why_not(marker) for marker in ("samples", "exiftool", "root", "postgresql")}
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


# Whole modules that skip themselves are known only where they are collected: with pytest-xdist that is in the
# workers, and the controller forgets about them. So each worker hands its list over when it ends.


class _CollectSkips:
    """Remember which modules skipped themselves, and why."""

    def __init__(self, config: pytest.Config) -> None:
        self.seen = config.stash[_COLLECT_SKIPS]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.seen[report.nodeid] = _reason(report)


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(_CollectSkips(session.config), "imalink-collect-skips")


def pytest_sessionfinish(session: pytest.Session) -> None:
    worker_output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if worker_output is not None:
        worker_output["collect_skips"] = session.config.stash[_COLLECT_SKIPS]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    del error
    node.config.stash[_COLLECT_SKIPS].update(getattr(node, "workeroutput", {}).get("collect_skips", {}))


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")


def count_skips(reports: list[pytest.TestReport | pytest.CollectReport], modules: dict[str, str]) -> Counter[str]:
    """How often each reason was given, for tests and for whole modules, the latter marked as such."""
    counts = Counter(_reason(report) for report in reports if report.nodeid not in modules)
    counts.update(f"{reason} (whole module {nodeid})" for nodeid, reason in modules.items())
    return counts


def sum_counts(reports: list[pytest.TestReport]) -> Counter[str]:
    """What the suites of the fault programme counted, each by the name before the colon."""
    counts: Counter[str] = Counter()
    for report in reports:
        for what, count in report.user_properties:
            suite, colon, _ = what.partition(": ")
            if colon and isinstance(count, int):
                counts[suite] += count
    return counts


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counted = sum_counts([*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])])
    for suite, count in sorted(counted.items()):
        terminalreporter.write_line(f"{suite}: {count:,} cases")
    counts = count_skips(terminalreporter.stats.get("skipped", []), config.stash[_COLLECT_SKIPS])
    if not counts:
        terminalreporter.write_sep("=", "nothing was skipped", green=True)
        return
    terminalreporter.write_sep("=", f"SKIPPED: {counts.total()}", yellow=True, bold=True)
    for reason, count in counts.most_common():
        terminalreporter.write_line(f"{count:5}  {reason}", yellow=True)
