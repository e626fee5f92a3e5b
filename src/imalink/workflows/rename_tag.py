"""Give a tag another name on all photos at once, with the levels below it; one operation, which can be undone."""

from __future__ import annotations

from imalink.catalog import tags
from imalink.catalog.photos import PhotoRecord
from imalink.core.edit_request import EditRequest, plan_change
from imalink.core.operation import OperationKind
from imalink.core.user_facts import FactChange
from imalink.errors import NotFoundError, UsageError
from imalink.workflows.edit_photos import EditReport, edit_each
from imalink.workflows.new_operation import new_operation
from imalink.workflows.tools import Tools


def rename_tag(tools: Tools, old: str, new: str, *, dry_run: bool = False) -> EditReport:
    """Put ``new`` in the place of the tag ``old``, whatever its case, and of the level ``old`` of tags below it.

    A photo that has both keeps one of them. An empty ``new`` takes the tag away. Raises UsageError, NotFoundError.
    """
    old, new = tags.clean(old), tags.clean(new)
    if not old or old == new:
        raise UsageError("A tag and another name for it are needed.")
    with tools.catalog.read() as db:
        wanted = tags.find_photos_tagged(db, old)
    if not wanted:
        raise NotFoundError(f"No photo has the tag {old}.", hint="The list of tags has all that there are.")

    def plan(record: PhotoRecord) -> FactChange:
        renamed = {tag: tags.renamed(tag, old, new) for tag in record.facts.tags}
        gone = tuple(tag for tag, name in renamed.items() if name != tag)
        came = tuple(dict.fromkeys(name for tag, name in renamed.items() if name and name != tag))
        if not gone:
            return FactChange()
        return plan_change(EditRequest(added_tags=came, removed_tags=gone), record.photo, record.facts)

    title = f"Tag {old} → {new}" if new else f"Tag {old} taken away"
    operation = new_operation(tools, OperationKind.EDIT, title, counts={"edited": len(wanted)})
    return edit_each(tools, wanted, plan, operation=operation, dry_run=dry_run)
