"""Written sidecars, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import finding_json, json_text

if TYPE_CHECKING:
    from imalink.workflows.write_sidecars import SidecarReport


def sidecars_json(report: SidecarReport, *, dry_run: bool) -> dict[str, object]:
    """Spell what became of the sidecars of a storage, or would."""
    return {
        "storage_uuid": report.storage_uuid,
        "dry_run": dry_run,
        "written": [json_text(path) for path in report.written],
        "replaced": [json_text(path) for path in report.replaced],
        "left_alone": [json_text(path) for path in report.left_alone],
        "unchanged": report.unchanged,
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }
