"""Say something of photos: ratings, titles, tags, corrections, fields of one's own. No picture file is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from imalink.catalog import operations, outbox, photos
from imalink.catalog.catalog import Db
from imalink.catalog.outbox import PhotoEdit
from imalink.catalog.photos import PhotoRecord
from imalink.core.edit_request import EditRequest, plan_change
from imalink.core.ids import Hothash, OperationUuid, PhotoUuid, StorageUuid, WriterId
from imalink.core.operation import FactsEdit, Operation, OperationKind
from imalink.core.photo import FieldClock, UserFacts
from imalink.core.photo_facts import PhotoFacts
from imalink.core.timestamps import format_instant
from imalink.core.user_facts import FactChange, current, highest_counter, live_value, merge_said, value_of
from imalink.errors import NotFoundError, UsageError
from imalink.workflows.choose_photos import choose_by_hothashes
from imalink.workflows.flush_outbox import WaitingEdits, flush_outbox
from imalink.workflows.new_operation import counted, new_operation
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedPhoto:
    """One photo whose user facts changed.

    ``after`` is the change and ``before`` the one that takes it back; ``facts_before`` and ``facts`` are what held and
    holds for the photo altogether.
    """

    photo_uuid: PhotoUuid
    hothash: Hothash
    original_filename: str
    before: FactChange
    after: FactChange
    facts_before: PhotoFacts
    facts: PhotoFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class EditReport:
    """What an edit did: the photos that changed, how many were so already, and which storages must still be told.

    ``operation_uuid`` is what it is undone by; None where nothing was changed.
    """

    edited: tuple[EditedPhoto, ...]
    unchanged: int
    waiting: tuple[WaitingEdits, ...]
    operation_uuid: OperationUuid | None = None


def edit_photos(tools: Tools, texts: Sequence[str], request: EditRequest, *, dry_run: bool = False) -> EditReport:
    """Change what the user says of the photos that hold these pictures, named by hothashes or prefixes of them.

    All or nothing: what cannot be done for one photo is done for none. What was said holds at once in the catalog and
    is told to each storage that holds the photo, now or when it returns. Raises UsageError, NotFoundError,
    AmbiguousError.
    """
    request.check()
    return edit_chosen(tools, choose_by_hothashes(tools, texts), request, dry_run=dry_run)


def edit_chosen(
    tools: Tools, wanted: Sequence[PhotoUuid], request: EditRequest, *, dry_run: bool = False
) -> EditReport:
    """Change what the user says of these photos, as ``edit_photos`` does. Raises UsageError, NotFoundError."""
    request.check()

    def plan(record: PhotoRecord) -> FactChange:
        try:
            return plan_change(request, record.photo, record.facts)
        except UsageError as error:
            name = f"{record.files[0].original_filename} ({record.files[0].hothash[:10]})"
            raise UsageError(f"{name}: {error.message} Nothing was changed.", hint=error.hint) from error

    return edit_each(tools, wanted, plan, dry_run=dry_run)


def change_photos(
    tools: Tools,
    changes: Mapping[PhotoUuid, FactChange],
    *,
    dry_run: bool = False,
    operation: Operation | None = None,
) -> EditReport:
    """Change just these fields of these photos; an ``EditedPhoto.before`` for each takes an edit back.

    ``operation`` is what it is recorded as, by default an edit. Otherwise as ``edit_photos``. Raises NotFoundError.
    """

    def plan(record: PhotoRecord) -> FactChange:
        wanted = changes[record.photo.photo_uuid]
        values = {name: value_of(wanted.values, name) for name in wanted.fields}
        return FactChange.of({name: value for name, value in values.items() if value != live_value(record.photo, name)})

    return edit_each(tools, list(changes), plan, dry_run=dry_run, operation=operation)


def edit_each(
    tools: Tools,
    wanted: Sequence[PhotoUuid],
    plan: Callable[[PhotoRecord], FactChange],
    *,
    dry_run: bool,
    operation: Operation | None = None,
) -> EditReport:
    """Change of each of these photos what ``plan`` says, as ``edit_photos`` does. Raises NotFoundError."""
    said: Operation | None = None
    if dry_run:
        with tools.catalog.read() as db:
            changes = _plan_all(db, wanted, plan)
    else:
        with tools.catalog.begin(changes_photos=True, is_durable=True) as db:
            changes = _plan_all(db, wanted, plan)
            said = _say(tools, db, changes, operation)
    return EditReport(
        edited=tuple(_edited(record, change) for record, change in changes),
        unchanged=len(wanted) - len(changes),
        waiting=() if dry_run else tuple(flush_outbox(tools)),
        operation_uuid=None if said is None else said.operation_uuid,
    )


def _plan_all(
    db: Db, wanted: Sequence[PhotoUuid], plan: Callable[[PhotoRecord], FactChange]
) -> list[tuple[PhotoRecord, FactChange]]:
    """Give the photos that really change, in the order in which they were named, and what changes of each."""
    found = photos.find_photos(db, wanted)
    unknown = [photo_uuid for photo_uuid in wanted if photo_uuid not in found]
    if unknown:
        raise NotFoundError(
            f"The photo {unknown[0]} is not known any more. Nothing was changed.", hint="`imalink search` lists photos."
        )
    planned = ((found[photo_uuid], plan(found[photo_uuid])) for photo_uuid in wanted)
    return [(record, change) for record, change in planned if change.fields]


def _say(
    tools: Tools, db: Db, changes: Sequence[tuple[PhotoRecord, FactChange]], operation: Operation | None
) -> Operation | None:
    """Let the changes hold in the catalog, all as said at one moment, and put them up for their storages.

    The operation that they are is recorded in the same transaction, with what was said before; it is given.
    """
    if not changes:
        return None
    clock = outbox.next_clock(db, tools.writer, [record.photo for record, _ in changes])
    edits = [_outgoing(record, change.clocked(clock)) for record, change in changes]
    said_at = format_instant(tools.clock.now())
    outbox.add_edits(db, edits, said_at=said_at)
    counts = {"edited": len(changes)}
    said = operation or new_operation(tools, OperationKind.EDIT, counted("Photos", counts), counts=counts)
    operations.keep_edit(
        db,
        said,
        [
            FactsEdit(
                photo_uuid=record.photo.photo_uuid,
                fields=tuple(sorted(change.fields)),
                before=current(record.photo, change.fields).values,
                after=change.values,
            )
            for record, change in changes
        ],
        storages=frozenset[StorageUuid]().union(*(edit.storages for edit in edits)),
        recorded_at=said_at,
        counter=clock.counter,
    )
    return said


def _outgoing(record: PhotoRecord, said: UserFacts) -> PhotoEdit:
    """Give what the photo's storages are to be told: of several also what was said before, for one may be new."""
    storages = frozenset(place.storage_uuid for file in record.files for place in file.locations)
    return PhotoEdit(
        photo_uuid=record.photo.photo_uuid,
        hothashes=tuple(file.hothash for file in record.files),
        said=said if len(storages) < 2 else merge_said(said, record.photo),
        storages=storages,
    )


def _edited(record: PhotoRecord, change: FactChange) -> EditedPhoto:
    later = FieldClock(counter=highest_counter([record.photo]) + 1, writer=WriterId(""))
    return EditedPhoto(
        photo_uuid=record.photo.photo_uuid,
        hothash=record.files[0].hothash,
        original_filename=record.files[0].original_filename,
        before=current(record.photo, change.fields),
        after=change,
        facts_before=record.facts,
        facts=record.facts_with(merge_said(record.photo, change.clocked(later))),
    )
