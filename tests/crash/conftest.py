"""A stage for each worker, and a way to count what was tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.crash.stage import Stage
from tests.support.scenes import memory_folder


@pytest.fixture(scope="session")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with memory_folder(tmp_path_factory.mktemp("stage")) as folder:
        yield Stage(folder)


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """The worker's stage, empty."""
    shared_stage.clear()
    return shared_stage


@pytest.fixture
def report_count(record_property: Callable[[str, object], None]) -> Callable[[str, int, int], None]:
    """Say how many points a test tried, and fail when they are suspiciously few.

    A name that begins with a suite (``R1: kills in an import``) is added up at the end of the run.
    """

    def report(what: str, count: int, floor: int) -> None:
        print(f"{what}: {count}")  # noqa: T201
        record_property(what, count)
        assert count >= floor, f"only {count} for {what}; there were at least {floor}"

    return report
