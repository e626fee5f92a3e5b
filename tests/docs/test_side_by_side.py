"""Every command stands in the table beside its routes, or beside the reason why it has none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from imalink.cli.main import cli
from imalink.server import API, make_routes

PAGE = Path(__file__).parents[2] / "docs/reference/side_by_side.md"
ROW = re.compile(r"\| `imalink ([a-z -]+)` \| (.+) \| ?(.*?) ?\|")
ROUTE = re.compile(r"`([A-Z]+) ([^`]+)`")
MIN_REASON_CHARACTERS = 15


def commands(command: click.Command = cli, typed: str = "") -> Iterator[str]:
    """Every command that does something, as it is typed after ``imalink``."""
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from commands(each, f"{typed} {name}".strip())
    else:
        yield typed


ROWS = [found.groups() for line in PAGE.read_text(encoding="utf-8").splitlines() if (found := ROW.fullmatch(line))]
PATHS: dict[str, Any] = make_routes().openapi()["paths"]  # pyright: ignore[reportAssignmentType]  # JSON
ROUTES = {f"{method.upper()} {path.removeprefix(f'{API}/')}" for path in PATHS for method in PATHS[path]}


def test_every_command_has_one_row() -> None:
    assert sorted(row[0] for row in ROWS) == sorted(commands())


@pytest.mark.parametrize(("command", "routes", "words"), ROWS)
def test_a_command_has_routes_that_are_there_or_a_reason(command: str, routes: str, words: str) -> None:
    if routes == "none":
        assert len(words) >= MIN_REASON_CHARACTERS, command
        return
    named = [f"{method} {path}" for method, path in ROUTE.findall(routes)]
    assert named, routes
    assert ", ".join(f"`{each}`" for each in named) == routes
    assert set(named) <= ROUTES


def test_a_route_that_is_named_elsewhere_in_the_table_is_there_too() -> None:
    for _, _, words in ROWS:
        for method, path in ROUTE.findall(words):
            assert f"{method} {path}" in ROUTES or path == "/metrics", words
