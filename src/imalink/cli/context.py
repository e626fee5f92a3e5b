"""What every command shares: the common options, and the open catalog behind them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from imalink.workflows.tools import Tools

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How a command talks: ``as_json`` gives one document on stdout, ``is_quiet`` only errors, ``is_verbose`` all."""

    as_json: bool
    is_quiet: bool
    is_verbose: bool
    assume_yes: bool


def common_options(command: Callable[Concatenate[Output, P], R]) -> Callable[P, R]:
    """Add ``--json``, ``-q``, ``-v`` and ``-y`` to a command, which gets them as its first argument ``Output``."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
    @click.option("-q", "--quiet", "is_quiet", is_flag=True, help="Say nothing but errors.")
    @click.option("-v", "--verbose", "is_verbose", is_flag=True, help="Say more.")
    @click.option("-y", "--yes", "assume_yes", is_flag=True, help="Answer every question with yes.")
    @functools.wraps(command)
    def wrapped(*args: P.args, **options: P.kwargs) -> R:
        output = Output(
            as_json=bool(options.pop("as_json")),
            is_quiet=bool(options.pop("is_quiet")),
            is_verbose=bool(options.pop("is_verbose")),
            assume_yes=bool(options.pop("assume_yes")),
        )
        return command(output, *args, **options)

    return wrapped


@contextmanager
def open_tools(output: Output) -> Generator[Tools]:
    """Hold the catalog open for a command and give it the workflows' tools."""
    from imalink.runtime.container import Container
    from imalink.runtime.logging_setup import set_up_logging
    from imalink.runtime.settings import load_settings

    settings = load_settings()
    set_up_logging(settings.log_level)
    with Container(settings) as container:
        yield container.tools()
