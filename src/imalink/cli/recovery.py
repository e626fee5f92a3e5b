"""``imalink recover`` and ``regenerate``: the catalog from the storages, a storage's indexes from what is left."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imalink.answers import finding_json
from imalink.answers.recovery import preview_json, recovery_json, recovery_notes, regenerate_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.progress import progress_of
from imalink.cli.render import (
    is_terminal,
    plural,
    show_findings,
    show_json,
    show_lines,
    show_note,
    size_text,
)
from imalink.core.finding import Severity
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.core.finding import Finding
    from imalink.workflows.preview_storage import StoragePreview
    from imalink.workflows.recover import RecoveryReport

_SHOWN = 20


@click.command("recover")
@click.argument("roots", metavar="[ROOT]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", "is_check", is_flag=True, help="Only compare the storages with the live catalog.")
@click.option("--verify", "verifies_bytes", is_flag=True, help="Read every file and compare its bytes.")
@click.option("-n", "--dry-run", "is_preview", is_flag=True, help="Only show the storages nobody here trusts yet.")
@common_options
def recover_command(
    output: Output, roots: tuple[Path, ...], is_check: bool, verifies_bytes: bool, is_preview: bool
) -> int:
    """Rebuild the catalog from the storages at or below each ROOT, by default those this machine knows.

    Sessions, photos and file facts come back as the storages have them; nothing is removed from the catalog.
    """
    from imalink.errors import CatalogDamagedError

    if is_preview:
        if is_check or verifies_bytes:
            raise UsageError("--dry-run only looks at indexes. Leave --check and --verify out.")
        return _preview(output, roots)
    try:
        findings, report = _recover(output, roots, is_check=is_check, verifies_bytes=verifies_bytes)
    except CatalogDamagedError:
        if is_check:
            raise
        _set_damaged_catalog_aside()
        findings, report = _recover(output, roots, is_check=is_check, verifies_bytes=verifies_bytes)
    everything = [*findings, *report.findings]
    if output.as_json:
        show_json({**recovery_json(report), "findings": [finding_json(finding) for finding in everything]})
    elif not output.is_quiet:
        _show(report, is_check=is_check)
        show_findings(everything, is_verbose=output.is_verbose)
    troubled = report.missing_files or report.changed_files or report.corrupt_indexes or report.differences
    return errors.FINDINGS if troubled or findings or report.has_warnings else errors.DONE


def _preview(output: Output, roots: tuple[Path, ...]) -> int:
    """Show the storages that this machine does not trust yet, and take none of them in."""
    from imalink.workflows.preview_storage import preview_storage
    from imalink.workflows.recovery_candidates import find_candidates

    with open_tools(output) as tools:
        candidates, findings = find_candidates(tools, roots)
        previews = [preview_storage(tools, each.home) for each in candidates if not each.is_trusted]
        known = [each for each in candidates if each.is_trusted]
    if output.as_json:
        show_json(
            {
                "previews": [preview_json(preview) for preview in previews],
                "trusted": [each.storage_uuid for each in known],
                "findings": [finding_json(finding) for finding in findings],
            }
        )
    elif not output.is_quiet:
        _show_previews(previews, output, show=lambda line: show_lines([line]))
        show_lines(f"{each.display_name} ({each.storage_uuid}) at {each.path}: trusted already" for each in known)
        show_findings(findings, is_verbose=output.is_verbose)
    return errors.FINDINGS if findings or any(preview.findings for preview in previews) else errors.DONE


def _recover(
    output: Output, roots: tuple[Path, ...], *, is_check: bool, verifies_bytes: bool
) -> tuple[list[Finding], RecoveryReport]:
    from imalink.workflows.preview_storage import preview_storage
    from imalink.workflows.recover import recover
    from imalink.workflows.recovery_candidates import find_candidates

    with open_tools(output) as tools:
        candidates, findings = find_candidates(tools, roots, is_check=is_check)
        strangers = [candidate for candidate in candidates if not candidate.is_trusted]
        if strangers and not is_check and not output.assume_yes:
            _ask_for_trust([preview_storage(tools, each.home) for each in strangers], output)
        with progress_of(is_quiet=output.is_quiet) as progress:
            report = recover(tools, candidates, is_check=is_check, verifies_bytes=verifies_bytes, progress=progress)
    return findings, report


def _set_damaged_catalog_aside() -> None:
    from imalink.runtime.container import SystemClock, set_aside_catalog
    from imalink.runtime.settings import load_settings

    aside = set_aside_catalog(load_settings(), clock=SystemClock())
    if aside is not None:
        show_note(f"The catalog was damaged. It was kept as {aside}, and a new one is made.")


def _ask_for_trust(strangers: Sequence[StoragePreview], output: Output) -> None:
    """Show what would come in from storages this machine does not know, and ask. Raises UsageError, Abort."""
    _show_previews(strangers, output, show=show_note)
    if not is_terminal():
        raise UsageError(
            f"{plural(len(strangers), 'storage')} found that this machine does not trust yet. Nothing was changed.",
            hint="If you trust them, run the same command with --yes; with --dry-run they are only shown.",
        )
    click.confirm("Do you trust them, and take them into this catalog?", abort=True, err=True)


def _show_previews(previews: Sequence[StoragePreview], output: Output, *, show: Callable[[str], None]) -> None:
    for preview in previews:
        show(f"{preview.display_name} ({preview.storage_uuid}) at {preview.path}, layout {preview.layout}:")
        show(
            f"  {plural(preview.session_count, 'session')}, {plural(preview.photo_count, 'photo')}, "
            f"{plural(preview.file_count, 'file')}, {size_text(preview.total_size_bytes)}, by its own indexes"
        )
        if preview.interrupted_runs:
            show(f"  {plural(preview.interrupted_runs, 'import')} never finished; taking it in finishes them")
        if preview.backend_url:
            show(f"  it names the server {preview.backend_url}, which ImaLink never calls")
        show_findings(preview.findings, is_verbose=output.is_verbose)


def _show(report: RecoveryReport, *, is_check: bool) -> None:
    verb = "Read" if is_check else "Restored"
    lines = [
        f"{verb} {plural(report.restored_sessions, 'session')}, {plural(report.restored_files, 'file')}, "
        f"{plural(report.restored_photos, 'photo')} from {plural(len(report.storages), 'storage')} "
        f"in {report.seconds:.2f} s."
    ]
    lines.extend(
        f"  session {session.number} ({session.title}): {session.found_files:,} of {session.expected_files:,} files"
        for session in report.sessions
        if session.expected_files is not None and session.expected_files != session.found_files
    )
    lines.extend(
        f"Not compared: {each.display_name}, with {plural(each.photo_count, 'photo')} in "
        f"{plural(each.file_count, 'file')}. {each.reason}"
        for each in report.not_compared
    )
    groups = (
        ("missing", [missing.expected_path for missing in report.missing_files]),
        ("with other bytes", [f"{changed.path} ({changed.kind})" for changed in report.changed_files]),
        ("damaged indexes", list(report.corrupt_indexes)),
        ("differences from the catalog", list(report.differences)),
    )
    for title, rows in groups:
        if rows:
            lines.append(f"{len(rows):,} {title}:")
            lines.extend(f"  {row}" for row in rows[:_SHOWN])
            if len(rows) > _SHOWN:
                lines.append(f"  … and {len(rows) - _SHOWN:,} more (--json lists them)")
    if is_check and not report.differences:
        lines.append(
            "No difference in what could be compared; plug in the rest to compare it too."
            if report.not_compared
            else "No difference: the catalog could be rebuilt from the storages as it is."
        )
    lines.extend(() if is_check else recovery_notes(report))
    show_lines(lines)


@click.command("regenerate")
@click.argument("name", metavar="STORAGE")
@click.option("--session", "session", default=None, metavar="ID", help="Only mend this session's index.")
@common_options
def regenerate_command(output: Output, name: str, session: str | None) -> int:
    """Write the index files of STORAGE again from what is left: indexes, commits, journals and the catalog.

    Its signature too, if that is gone or damaged; then STORAGE may also be the folder of a storage that this machine
    does not know. What is damaged is kept. Your pictures are not touched, and not read.
    """
    from imalink.workflows.regenerate_indexes import regenerate_storage

    with open_tools(output) as tools:
        report = regenerate_storage(tools, name, session=session)
    if output.as_json:
        show_json(regenerate_json(report))
    elif not output.is_quiet:
        if report.is_known:
            written = plural(len(report.sessions), "session index", "session indexes")
            show_lines([f"Wrote {written} of {report.display_name}, {plural(report.total_files, 'file')} in all."])
        else:
            show_lines(
                [
                    f"Wrote the signature of {report.display_name} ({report.storage_uuid}) again.",
                    f"This catalog does not know it; `imalink recover {shlex.quote(name)}` takes it in.",
                ]
            )
        show_findings(report.findings, is_verbose=output.is_verbose)
    return errors.FINDINGS if any(each.severity is not Severity.INFO for each in report.findings) else errors.DONE
