"""What long requests do, as jobs: each gives what is asked for, and the work, for whoever begins it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imalink.answers import heal_json, import_json, json_text, reindex_json, verify_json
from imalink.answers.indexes import session_indexed_json
from imalink.answers.operations import undo_json
from imalink.answers.photos import edited_json
from imalink.answers.recovery import regenerate_json
from imalink.answers.sessions import rollback_json
from imalink.answers.sidecars import sidecars_json
from imalink.api.context import Server
from imalink.api.schemas.envelope import Asking
from imalink.api.schemas.indexes import Scanning
from imalink.api.schemas.library import TagRename
from imalink.api.schemas.operations import Undoing
from imalink.api.schemas.sessions import Importing, ImportingUploads, Resuming, RollingBack
from imalink.api.schemas.storages import Verification, WritingSidecars
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.duplicate import DuplicatePolicy
from imalink.core.edit_request import EditRequest
from imalink.core.ids import PhotoUuid, StorageUuid
from imalink.core.job import Holds, JobRequest
from imalink.core.organization import organization_named
from imalink.core.path_template import PathTemplate
from imalink.core.progress import Progress
from imalink.errors import UsageError, WrongStateError, of_field
from imalink.runtime.events import EventKind
from imalink.runtime.health_words import health_json
from imalink.runtime.jobs import Work
from imalink.workflows.create_session import author_named
from imalink.workflows.edit_photos import EditedPhoto, EditReport, edit_chosen
from imalink.workflows.flush_outbox import tell_storage
from imalink.workflows.heal import heal
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.index_session import index_session
from imalink.workflows.look_at_conflicts import find_elsewhere
from imalink.workflows.look_at_health import keep_health, look_at_health
from imalink.workflows.look_at_operations import OperationView
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.rename_tag import rename_tag
from imalink.workflows.resume_session import resume_session
from imalink.workflows.rollback_session import rollback_session
from imalink.workflows.undo_operation import undo_operation
from imalink.workflows.upload_files import open_uploads, remove_archived, storage_of_uploads
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import Depth, VerifyRequest
from imalink.workflows.write_sidecars import write_sidecars

IMPORTS = frozenset({"import", "import-uploads", "resume"})
"""Kinds of jobs that bring pictures into a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A job that may be begun."""

    asked: JobRequest
    work: Work


def generate(server: Server, record: StorageRecord) -> Planned:
    """Write all index files of a storage again."""

    def work(_: Progress) -> Mapping[str, object]:
        with server.turns.of(record.storage_uuid):
            return regenerate_json(regenerate_indexes(server.tools, record))

    return Planned(asked=on_storage(record, "generate", {}, f"imalink regenerate {record.storage_uuid}"), work=work)


def index_of_session(server: Server, known: SessionRecord) -> Planned:
    """See to it that a session has a sound index."""
    storages = () if known.storage_uuid is None else (known.storage_uuid,)

    def work(_: Progress) -> Mapping[str, object]:
        with server.turns.of(*storages):
            return session_indexed_json(index_session(server.tools, known.session.session_uuid))

    return Planned(asked=_of(known, "index-session", {}, storages, "imalink regenerate STORAGE"), work=work)


def scan(server: Server, record: StorageRecord, body: Scanning) -> Planned:
    """Find what the user did in a storage. Raises UsageError."""
    request = ReindexRequest(
        strategy=Strategy(body.strategy or ("full" if body.rehash else "smart")),
        rehashes=body.rehash,
        dry_run=body.dry_run,
        accepts_losses=body.accept_missing,
        adds_orphans=body.add_orphans,
        removes_missing=body.remove_missing,
        hashes_orphans=body.hash_orphans,
        finds_duplicates=body.find_duplicates,
        fixes_paths=body.fix_paths,
    )
    request.check()

    def work(progress: Progress) -> Mapping[str, object]:
        with server.turns.of(record.storage_uuid):
            report = reindex(server.tools, record, request, progress=progress)
        elsewhere = find_elsewhere(server.tools, record, report.missing_files)
        told = reindex_json(report, dry_run=request.dry_run, storage_uuid=record.storage_uuid, elsewhere=elsewhere)
        if not request.dry_run and (report.changes_detected or record.storage_uuid not in server.last_scans):
            server.last_scans[record.storage_uuid] = told
        return told

    return Planned(asked=on_storage(record, "scan", _said(body), f"imalink reindex {record.storage_uuid}"), work=work)


def verification(server: Server, record: StorageRecord, body: Verification) -> Planned:
    """Compare the files of a storage with its indexes, and heal them if that is asked for. Raises UsageError."""
    request = VerifyRequest(depth=Depth(body.depth), session=body.session, percent=body.percent, restarts=body.restart)
    request.check()

    def work(progress: Progress) -> Mapping[str, object]:
        with server.turns.of(record.storage_uuid):
            report = verify(server.tools, record, request, progress=progress)
            healing = heal(server.tools, record, progress=progress) if body.heal and report.findings else None
        healed = {} if healing is None else {"healing": heal_json(healing)}
        return {"storage_uuid": record.storage_uuid, **verify_json(report), **healed}

    go_on = f"imalink verify {record.storage_uuid} --depth {request.depth.value}"
    return Planned(asked=on_storage(record, "verify", _said(body), go_on), work=work)


def sidecars(server: Server, record: StorageRecord, body: WritingSidecars) -> Planned:
    """Write what was said of photos beside their pictures."""

    def work(progress: Progress) -> Mapping[str, object]:
        if body.dry_run:  # it only reads the indexes, and what was said a moment ago is not in them yet
            tell_storage(server.tools, record)
        with server.turns.of(record.storage_uuid):
            report = write_sidecars(server.tools, record, dry_run=body.dry_run, progress=progress)
        return sidecars_json(report, dry_run=body.dry_run)

    go_on = f"imalink sidecars {record.storage_uuid}"
    return Planned(asked=on_storage(record, "sidecars", _said(body), go_on), work=work)


def importing(server: Server, known: SessionRecord, body: Importing) -> Planned:
    """Import a folder into a session. Raises UsageError, NotFoundError, FolderRefusedError."""
    if body.storage_root is not None:
        raise UsageError(
            "Imports into directories of their own (storage_root) are not possible yet. Nothing was changed.",
            hint="Leave storage_root out: the session's own storage takes the pictures.",
            field="storage_root",
        )
    request = ImportRequest(
        source=server.folders.check(body.source_directory, field="source_directory"),
        session=known.session.session_uuid,
        organization=_organization(body.organize, "body.organize"),
        exclude=tuple(body.exclude),
        author=None if body.author_id is None else author_named(server.tools, body.author_id),
        duplicates=DuplicatePolicy(body.duplicates),
        includes_deleted=body.include_deleted,
        dry_run=body.dry_run,
    )
    storage_uuid = known.storage_uuid
    if body.copy_files and storage_uuid is None:
        raise WrongStateError(
            f"Session {known.session.number} is meant for no storage, so its pictures have no place to go. "
            "Nothing was changed.",
            hint="Make a session with a file_storage_id, or say copy_files=false to leave them where they are.",
        )

    def work(progress: Progress) -> Mapping[str, object]:
        if not body.copy_files or storage_uuid is None:
            report = refer_to_folder(server.tools, request, progress=progress).report
        else:
            with server.turns.of(storage_uuid):
                report = import_photos(server.tools, server.storage(storage_uuid), request, progress=progress)
        return import_json(report, dry_run=body.dry_run)

    storages = () if storage_uuid is None or not body.copy_files else (storage_uuid,)
    return Planned(asked=_of(known, "import", _said(body), storages, _resume(known)), work=work)


def importing_uploads(server: Server, known: SessionRecord, body: ImportingUploads, *, came: int) -> Planned:
    """Import what was uploaded to a session; what is archived then is removed from the uploads.

    ``came`` files came just now: an import that is under way may have passed them by, so this is another one. Raises
    UsageError.
    """
    record = storage_of_uploads(server.tools, known)
    with open_uploads(server.tools, known) as opened:
        source = opened.uploads.path
        if not opened.uploads.prepare():
            raise WrongStateError("Nothing was uploaded to this session.", hint="Send files first.")
    request = ImportRequest(
        source=source,
        session=known.session.session_uuid,
        organization=_organization(body.organize, "query.organize"),
        author=None if body.author_id is None else author_named(server.tools, body.author_id),
        duplicates=DuplicatePolicy(body.duplicates),
        includes_deleted=body.include_deleted,
    )

    def work(progress: Progress) -> Mapping[str, object]:
        with server.turns.of(record.storage_uuid):
            with open_uploads(server.tools, known) as opened:
                opened.uploads.prepare()
            report = import_photos(server.tools, record, request, progress=progress)
            left = remove_archived(server.tools, known)
        return {**import_json(report, dry_run=False), "left": [json_text(file.path) for file in left]}

    told = {**_said(body), **({"upload": server.tools.new_uuid()} if came else {})}
    asked = _of(known, "import-uploads", told, {record.storage_uuid}, _resume(known))
    return Planned(asked=asked, work=work)


def resuming(server: Server, known: SessionRecord, body: Resuming, storages: Collection[StorageUuid]) -> Planned:
    """Go on with an interrupted import. Raises FolderRefusedError."""
    source: Path | None = (
        None if body.source_directory is None else server.folders.check(body.source_directory, field="source_directory")
    )

    def work(progress: Progress) -> Mapping[str, object]:
        with server.turns.of(*storages):
            found = resume_session(
                server.tools, known.session.session_uuid, source=source, dry_run=body.dry_run, progress=progress
            )
        return {**import_json(found.report, dry_run=body.dry_run), "resumed": not found.had_ended}

    return Planned(asked=_of(known, "resume", _said(body), storages, _resume(known)), work=work)


def rolling_back(server: Server, known: SessionRecord, body: RollingBack, storages: Collection[StorageUuid]) -> Planned:
    """Take an import back."""

    def work(progress: Progress) -> Mapping[str, object]:
        with server.turns.of(*storages):
            report = rollback_session(server.tools, known.session.session_uuid, dry_run=body.dry_run, progress=progress)
        return rollback_json(report)

    go_on = f"imalink sessions rollback {known.session.number}"
    return Planned(asked=_of(known, "rollback", _said(body), storages, go_on), work=work)


MAX_TOLD = 500
"""So many photos an answer or an event names."""


def edit(server: Server, wanted: Sequence[PhotoUuid], request: EditRequest, *, dry_run: bool) -> EditReport:
    """Change what is said of photos, and tell who listens. Raises UsageError, NotFoundError, CatalogError."""
    report = edit_chosen(server.tools, wanted, request, dry_run=dry_run)
    if report.edited and not dry_run:
        tell_edited(server, report.edited)
    return report


def tell_edited(server: Server, edited: Sequence[EditedPhoto]) -> None:
    """Tell who listens of which photos something else holds."""
    told = edited[:MAX_TOLD]
    server.live.hub.tell(
        EventKind.PHOTO,
        {
            "count": len(edited),
            "hothashes": [photo.hothash for photo in told],
            "photo_uuids": [photo.photo_uuid for photo in told],
        },
    )


def editing(server: Server, wanted: Sequence[PhotoUuid], request: EditRequest, *, dry_run: bool) -> Planned:
    """Change what is said of many photos."""

    def work(_: Progress) -> Mapping[str, object]:
        return edited_json(edit(server, wanted, request, dry_run=dry_run), dry_run=dry_run, most=MAX_TOLD)

    which = hashlib.sha256("\n".join([*wanted, repr(request), str(dry_run)]).encode("utf-8", "backslashreplace"))
    asked = JobRequest(
        kind="edit", request={"photos": len(wanted), "digest": which.hexdigest()}, holds=Holds.NOTHING, go_on=""
    )
    return Planned(asked=asked, work=work)


def renaming_tag(server: Server, body: TagRename) -> Planned:
    """Give a tag another name on all photos."""

    def work(_: Progress) -> Mapping[str, object]:
        report = rename_tag(server.tools, body.tag, body.new_name, dry_run=body.dry_run)
        if report.edited and not body.dry_run:
            tell_edited(server, report.edited)
        return edited_json(report, dry_run=body.dry_run, most=MAX_TOLD)

    return Planned(asked=JobRequest(kind="rename-tag", request=_said(body), holds=Holds.NOTHING), work=work)


def undoing(server: Server, view: OperationView, body: Undoing) -> Planned:
    """Take an operation back. An edit holds no storage: those that are busy or away are told later."""
    operation_uuid = view.record.operation.operation_uuid
    storages = () if view.edits else view.record.storages

    def work(_: Progress) -> Mapping[str, object]:
        with server.turns.of(*storages):
            report = undo_operation(server.tools, operation_uuid, dry_run=body.dry_run)
        if report.photos and not body.dry_run:
            tell_edited(server, report.photos)
        return undo_json(report)

    asked = JobRequest(
        kind="undo",
        storage_uuid=storages[0] if storages else None,
        further_storages=tuple(storages[1:]),
        request={"operation": operation_uuid, **_said(body)},
        holds=Holds.STORAGE if storages else Holds.NOTHING,
        go_on=f"imalink undo {operation_uuid}",
    )
    return Planned(asked=asked, work=work)


def health(server: Server) -> Planned:
    """Look at the health of all storages, and keep the report."""

    def work(progress: Progress) -> Mapping[str, object]:
        times = server.live.metrics.response_times()
        report = look_at_health(server.tools, response_times=times, progress=progress)
        told = health_json(report)
        keep_health(server.tools, report.taken_at, told)
        return told

    return Planned(asked=JobRequest(kind="health", holds=Holds.NOTHING, go_on="imalink health"), work=work)


def _organization(text: str, field: str) -> PathTemplate:
    with of_field(field):
        return organization_named(text)


def on_storage(record: StorageRecord, kind: str, request: Mapping[str, object], go_on: str) -> JobRequest:
    """Ask for a job that holds one storage."""
    return JobRequest(kind=kind, storage_uuid=record.storage_uuid, request=request, go_on=go_on)


def _of(
    known: SessionRecord, kind: str, request: Mapping[str, object], storages: Collection[StorageUuid], go_on: str
) -> JobRequest:
    """Give a job on a session; where it is in no storage yet, nothing is held."""
    first, *further = [*sorted(storages), None] if not storages else sorted(storages)
    return JobRequest(
        kind=kind,
        storage_uuid=first,
        further_storages=tuple(each for each in further if each is not None),
        request={"session": known.session.session_uuid, **request},
        holds=Holds.NOTHING if first is None else Holds.STORAGE,
        go_on=go_on,
    )


def _resume(known: SessionRecord) -> str:
    return f"imalink sessions resume {known.session.number}"


def _said(body: Asking) -> dict[str, object]:
    """Give what a body says, without what it leaves as it is anyway."""
    said: dict[str, object] = body.model_dump(mode="json", exclude_defaults=True)
    return said
