"""The operation that a workflow records: what is done, in words and counts, under a name of its own."""

from __future__ import annotations

from collections.abc import Mapping

from imalink.core.ids import OperationUuid, RunUuid
from imalink.core.operation import Operation, OperationKind
from imalink.workflows.tools import Tools

MAX_TITLE_CHARACTERS = 200


def new_operation(
    tools: Tools,
    kind: OperationKind,
    title: str,
    *,
    counts: Mapping[str, int] | None = None,
    undoes: OperationUuid | None = None,
    run_uuid: RunUuid | None = None,
) -> Operation:
    """Give an operation that was not recorded yet. ``counts`` of nothing are left out."""
    shown = title if len(title) <= MAX_TITLE_CHARACTERS else title[: MAX_TITLE_CHARACTERS - 1] + "…"
    return Operation(
        operation_uuid=OperationUuid(tools.new_uuid()),
        kind=kind.value,
        title=shown,
        counts={name: count for name, count in (counts or {}).items() if count},
        undoes=undoes,
        run_uuid=run_uuid,
    )


def counted(what: str, counts: Mapping[str, int]) -> str:
    """Give a title that counts: ``Re-index: 3 moved, 1 edited``."""
    parts = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    return f"{what}: {', '.join(parts)}" if parts else what
