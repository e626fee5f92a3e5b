"""Exports, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import json_text

if TYPE_CHECKING:
    from imalink.workflows.export_pictures import ExportReport


def export_json(report: ExportReport) -> dict[str, object]:
    """Spell what was exported to a folder, and what was not."""
    from imalink.workflows.export_pictures import spell_files  # not before: every command starts by way of here

    return {
        "folder": None if report.folder is None else json_text(str(report.folder)),
        "total_files": len(report.files),
        "total_size_bytes": report.size_bytes,
        **spell_files(report),
    }
