"""``imalink bench``: the speed of this machine and of one of its disks."""

from __future__ import annotations

from pathlib import Path

import click

from imalink.answers import json_text
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import show_json, show_lines, show_table, size_text
from imalink.errors import UsageError


@click.command("bench")
@click.argument("folder", required=False, default=None, type=click.Path(path_type=Path))
@click.option("--storage", "storage_name", default=None, help="Measure the disk of this storage.")
@click.option(
    "--photos", default=None, type=click.Path(path_type=Path), help="Work on pictures of this folder, only read."
)
@click.option("--files", "count", default=12, show_default=True, type=click.IntRange(1, 1000), help="How many of them.")
@common_options
def bench_command(
    output: Output, folder: Path | None, storage_name: str | None, photos: Path | None, count: int
) -> None:
    """Measure this machine and the disk that FOLDER is on, by default that of ImaLink's own data.

    Takes seconds. What it writes goes into a folder of its own there and is removed.
    """
    from imalink.runtime.settings import load_settings
    from imalink.workflows.import_source import require_importable
    from imalink.workflows.measure_machine import measure_machine
    from imalink.workflows.storage_access import get_storage, open_storage

    if folder is not None and storage_name is not None:
        raise UsageError("FOLDER and --storage both say which disk to measure. Give one of them.")
    with open_tools(output) as tools, progress_of(is_quiet=output.is_quiet) as progress:
        if storage_name is not None:
            with open_storage(tools, get_storage(tools, storage_name)) as storage:
                require_importable(storage)
                folder = storage.path
        where = folder or load_settings().data_directory
        report = measure_machine(tools, folder=where, photos=photos, count=count, progress=progress)
    if output.as_json:
        show_json(
            {
                "folder": json_text(str(report.folder)),
                "file_system_type": report.file_system_type,
                "is_network": report.is_network,
                "threads": report.threads,
                "steps": [
                    {
                        "name": step.name,
                        "file_count": step.file_count,
                        "size_bytes": step.size_bytes,
                        "seconds": round(step.seconds, 6),
                        "ms_per_file": round(step.ms_per_file, 4),
                        "files_per_second": round(step.files_per_second, 2),
                    }
                    for step in report.steps
                ],
                "seconds": report.seconds,
            }
        )
        return
    if output.is_quiet:
        return
    show_lines([f"{report.folder} ({report.file_system_type or 'unknown file system'}), in {report.seconds:.1f} s"])
    show_table(
        ("STEP", "FILES", "MS PER FILE", "FILES/S", "PER SECOND"),
        [
            (
                step.name,
                f"{step.file_count:,}",
                f"{step.ms_per_file:,.3f}",
                f"{step.files_per_second:,.0f}",
                size_text(int(step.size_bytes / max(step.seconds, 1e-9))) if step.size_bytes else "",
            )
            for step in report.steps
        ],
    )
