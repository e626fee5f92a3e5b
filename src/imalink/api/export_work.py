"""What an export does: as a job where it goes to a folder."""

from __future__ import annotations

from collections.abc import Mapping

from imalink.answers.exports import export_json
from imalink.api.context import Server
from imalink.api.schemas.exports import Exporting
from imalink.api.work import Planned
from imalink.core.job import Holds, JobRequest
from imalink.core.progress import Progress
from imalink.core.search_query import parse_query
from imalink.errors import of_field
from imalink.workflows.export_pictures import ExportRequest, export_to_folder, plan_export


def export_request(body: Exporting) -> ExportRequest:
    """Give what is to be exported. Raises UsageError for a query that cannot be read."""
    with of_field("query"):
        query = None if body.query is None else parse_query(body.query)
    return ExportRequest(
        query=query,
        hothashes=tuple(hothash.lower() for hothash in body.hothashes),
        is_primary_only=body.files == "primary",
    )


def exporting(server: Server, request: ExportRequest, body: Exporting, destination: str) -> Planned:
    """Copy pictures to a folder. Raises FolderRefusedError, UsageError, NotFoundError, AmbiguousError."""
    target = server.folders.check(destination, field="destination")
    plan = plan_export(server.tools, request)

    def work(progress: Progress) -> Mapping[str, object]:
        return export_json(export_to_folder(server.tools, plan, target, progress=progress))

    said: dict[str, object] = body.model_dump(mode="json", exclude_defaults=True)
    asked = JobRequest(kind="export", request=said, holds=Holds.NOTHING, go_on="imalink export")
    return Planned(asked=asked, work=work)
