"""What recoveries do as jobs: rebuild the catalog from storages, or only show those that nobody here trusts yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from imalink.answers import finding_json
from imalink.answers.recovery import preview_json, recovery_json
from imalink.api.context import Server
from imalink.api.schemas.storages import Roots
from imalink.api.work import Planned
from imalink.core.job import Holds, JobRequest
from imalink.core.progress import Progress
from imalink.errors import UsageError
from imalink.workflows.preview_storage import preview_storage
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates


def recovery(server: Server, body: Roots) -> Planned:
    """Rebuild the catalog from storages. Raises FolderRefusedError."""
    roots = [server.folders.check(root, field="roots") for root in body.roots]
    if body.dry_run:
        return _previewing(server, body, roots)

    def work(progress: Progress) -> Mapping[str, object]:
        candidates, findings = find_candidates(server.tools, roots, is_check=body.check)
        with server.turns.of(*(candidate.storage_uuid for candidate in candidates)):
            report = recover(
                server.tools, candidates, is_check=body.check, verifies_bytes=body.verify, progress=progress
            )
        told = [finding_json(finding) for finding in (*findings, *report.findings)]
        return {**recovery_json(report), "findings": told}

    asked = JobRequest(
        kind="recover",
        request=body.model_dump(mode="json", exclude_defaults=True),
        holds=Holds.EVERYTHING,
        go_on="imalink recover",
    )
    return Planned(asked=asked, work=work)


def _previewing(server: Server, body: Roots, roots: Sequence[Path]) -> Planned:
    """Show what a recovery would take in from storages that nobody here trusts yet. Raises UsageError."""
    if body.check or body.verify:
        raise UsageError("A preview only looks at indexes. Nothing was read.", hint="Leave check and verify out.")

    def work(progress: Progress) -> Mapping[str, object]:
        candidates, findings = find_candidates(server.tools, roots)
        previews: list[Mapping[str, object]] = []
        for each in candidates:
            progress.checkpoint()
            if not each.is_trusted:
                previews.append(preview_json(preview_storage(server.tools, each.home)))
        return {
            "previews": previews,
            "trusted": [each.storage_uuid for each in candidates if each.is_trusted],
            "findings": [finding_json(finding) for finding in findings],
        }

    return Planned(
        asked=JobRequest(
            kind="recover-preview", request=body.model_dump(mode="json", exclude_defaults=True), holds=Holds.NOTHING
        ),
        work=work,
    )
