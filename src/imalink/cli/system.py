"""``imalink config`` and ``imalink version``."""

from __future__ import annotations

import platform

import click

from imalink import __version__
from imalink.cli.context import Output, common_options
from imalink.cli.render import (
    show_json,
    show_lines,
    show_table,
)

_CONTAINMENT = {
    "openat2": "the kernel keeps what is opened in a storage below its folder",
    "walk": "no openat2 here, so folders in a storage are opened part by part; as safe, a little slower",
}


@click.command()
@common_options
def config(output: Output) -> None:
    """Print the effective settings and where each comes from."""
    from imalink.runtime.settings import load_settings
    from imalink.storage.syscalls import opens_beneath

    settings = load_settings()
    containment = "openat2" if opens_beneath() else "walk"
    directories = {
        "config_directory": str(settings.config_directory),
        "data_directory": str(settings.data_directory),
        "state_directory": str(settings.state_directory),
    }
    values = [
        (each.setting.name, settings.database_url_shown if each.setting.name == "database_url" else each.value, each)
        for each in settings.values.values()
    ]
    if output.as_json:
        show_json(
            {
                **directories,
                "containment": containment,
                "settings": [
                    {
                        "name": name,
                        "value": value,
                        "source": each.source,
                        "variable": each.setting.variable,
                        "meaning": each.setting.meaning,
                    }
                    for name, value, each in values
                ],
            }
        )
        return
    show_lines(f"{name}: {path}" for name, path in directories.items())
    show_lines([f"containment: {containment} ({_CONTAINMENT[containment]})"])
    show_table(("SETTING", "VALUE", "SOURCE"), [(name, value, each.source) for name, value, each in values])


@click.command()
@common_options
def version(output: Output) -> None:
    """Print the versions of ImaLink and Python."""
    if output.as_json:
        show_json({"imalink": __version__, "python": platform.python_version()})
        return
    show_lines([f"imalink {__version__} (Python {platform.python_version()})"])
