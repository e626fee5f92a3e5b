"""From all records to results: image files and photos derived anew from everything that any index says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imalink.catalog import full_text
from imalink.catalog.bulk import chunks, insert_rows, table_of, update_rows
from imalink.catalog.derivation import IMAGE_COLUMNS, PHOTO_COLUMNS, derive_photo, image_row
from imalink.catalog.models import FileLocation, FileStorage, ImageFile, ImportSession, Photo, SessionPhoto
from imalink.catalog.records import EntryRecord
from imalink.catalog.said_models import WaitingEdit
from imalink.catalog.tags import set_tags
from imalink.catalog.timeline import count_days
from imalink.core.facts_of_copies import merge_facts
from imalink.core.ids import Hothash, HothashMethod, PhotoUuid
from imalink.core.photo import Photo as CorePhoto
from imalink.core.photo import UserFacts
from imalink.core.photo_facts import plain_photo
from imalink.core.picture import Embedded, PictureFacts

IMAGES = table_of(ImageFile)
LOCATIONS = table_of(FileLocation)
PHOTOS = table_of(Photo)

_TEXT = 1 + PHOTO_COLUMNS.index("search_text")
_DAY = 1 + PHOTO_COLUMNS.index("local_day")
_PHOTO_ROWS = select(*(PHOTOS.c[name] for name in ("id", *PHOTO_COLUMNS)))


@dataclass(frozen=True, slots=True)
class KnownImage:
    """An image file's row as values; ``record`` is what the records without an ``entry`` of their own say."""

    id: int
    hothash: Hothash
    photo_id: int
    session_id: int
    imported_at: str
    record: EntryRecord


@dataclass(frozen=True, slots=True)
class _MainFile:
    id: int
    session_id: int
    storage_id: int
    imported_at: str
    modified_ns: int
    entry: EntryRecord | None


class SettledOrder:
    """The order in which records count: by time of import, then by the UUIDs of session and storage."""

    def __init__(self, db: Session) -> None:
        sessions = db.execute(select(ImportSession.id, ImportSession.session_uuid))
        storages = db.execute(select(FileStorage.id, FileStorage.storage_uuid))
        self._sessions = dict(iter(sessions))
        self._storages = dict(iter(storages))

    def key(self, imported_at: str, session_id: int, storage_id: int) -> tuple[str, str, str]:
        """Give what to sort by."""
        return imported_at, self._sessions[session_id], self._storages[storage_id]


def load_images(db: Session, *, ids: Collection[int] = (), hothashes: Collection[Hothash] = ()) -> list[KnownImage]:
    """Give the rows of image files by id or by hothash, in no order."""
    known: list[KnownImage] = []
    query = select(*(IMAGES.c[name] for name in ("id", *IMAGE_COLUMNS)), PHOTOS.c.photo_uuid).join(
        PHOTOS, PHOTOS.c.id == IMAGES.c.photo_id
    )
    conditions = [IMAGES.c.id.in_(chunk) for chunk in chunks(ids)]
    conditions += [IMAGES.c.hothash.in_(chunk) for chunk in chunks(hothashes)]
    for condition in conditions:
        for row in db.execute(query.where(condition)):
            facts: PictureFacts = row.facts
            record = EntryRecord(
                method=HothashMethod(row.hothash_method),
                photo_uuid=PhotoUuid(row.photo_uuid),
                original_filename=row.original_filename,
                original_path=row.original_path,
                facts=facts,
                hotpreview_rendition=row.hotpreview_rendition,
                previous_hothashes=row.previous_hothashes or (),
            )
            known.append(
                KnownImage(row.id, Hothash(row.hothash), row.photo_id, row.import_session_id, row.imported_at, record)
            )
    return known


def reduce_images(db: Session, image_ids: Collection[int], order: SettledOrder) -> set[int]:
    """Derive these image files anew from the main files of all sessions and storages; give the photos that concerns.

    The first import gives names, photo and session; the file changed last gives facts, preview and history, and the
    others fill what its facts leave open. One
    without any file goes.
    """
    photo_ids: set[int] = set()
    for chunk in chunks(image_ids):
        images = load_images(db, ids=chunk)
        main_files = _load_main_files(db, chunk)
        photo_ids.update(image.photo_id for image in images)
        chosen = {image.id: _choose(image, main_files[image.id], order) for image in images if image.id in main_files}
        photo_ids_by_uuid = _ensure_photos(db, images, {key: record for key, (_, record) in chosen.items()})
        changed_images: list[tuple[object, ...]] = []
        changed_entries: list[tuple[object, ...]] = []
        for image in images:
            if image.id not in chosen:
                continue
            first, record = chosen[image.id]
            photo_id = photo_ids_by_uuid[record.photo_uuid]
            photo_ids.add(photo_id)
            before = (image.photo_id, image.session_id, image.imported_at, image.record)
            if before != (photo_id, first.session_id, first.imported_at, record):
                row = image_row(
                    image.hothash,
                    record,
                    photo_id=photo_id,
                    session_id=first.session_id,
                    imported_at=first.imported_at,
                )
                changed_images.append((image.id, *row))
            for main_file in main_files[image.id]:
                own = main_file.entry or image.record
                entry = None if own == record else own
                if entry != main_file.entry:
                    changed_entries.append((main_file.id, entry))
        update_rows(db, IMAGES, "id", IMAGE_COLUMNS, changed_images)
        update_rows(db, LOCATIONS, "id", ["entry"], changed_entries)
        gone = [image.id for image in images if image.id not in chosen]
        db.connection().execute(delete(IMAGES).where(IMAGES.c.id.in_(gone)))
    return photo_ids


def _load_main_files(db: Session, image_ids: Collection[int]) -> dict[int, list[_MainFile]]:
    columns = LOCATIONS.c
    query = select(
        columns.image_file_id,
        columns.id,
        columns.import_session_id,
        columns.file_storage_id,
        columns.imported_at,
        columns.modified_ns,
        columns.entry,
    ).where(columns.image_file_id.in_(image_ids), columns.number == 0)
    main_files: dict[int, list[_MainFile]] = {}
    for image_id, *values in db.execute(query):
        main_files.setdefault(image_id, []).append(_MainFile(*values))
    return main_files


def _choose(image: KnownImage, main_files: Sequence[_MainFile], order: SettledOrder) -> tuple[_MainFile, EntryRecord]:
    ordered = sorted(main_files, key=lambda file: order.key(file.imported_at, file.session_id, file.storage_id))
    first = ordered[0]
    # What people wrote into one file beats a bare copy of it with a newer date; between two such, the newer one. What
    # that one says nothing of is taken from the others: a sidecar may lie beside only one of them.
    ranked = sorted(
        ordered, key=lambda file: (_says_something(file.entry or image.record), file.modified_ns), reverse=True
    )
    shown = ranked[0].entry or image.record
    record = replace(
        first.entry or image.record,
        facts=merge_facts((file.entry or image.record).facts for file in ranked),
        hotpreview_rendition=shown.hotpreview_rendition,
        previous_hothashes=shown.previous_hothashes,
    )
    return first, record


def _says_something(entry: EntryRecord) -> bool:
    return entry.facts.embedded != Embedded()


def _ensure_photos(
    db: Session, images: Iterable[KnownImage], chosen: Mapping[int, EntryRecord]
) -> dict[PhotoUuid, int]:
    """Give the id of every photo that the chosen records name; one that has no row gets a first one."""
    known = {image.record.photo_uuid: image.photo_id for image in images}
    wanted = {
        chosen[image.id].photo_uuid: (image.hothash, chosen[image.id])
        for image in images
        if image.id in chosen and chosen[image.id].photo_uuid not in known
    }
    if wanted:
        known.update(find_photo_ids(db, wanted))
        derived = [
            derive_photo(
                photo_uuid,
                [plain_photo(photo_uuid, hothash)],
                {hothash: record.facts},
                {hothash: record.original_filename},
            )
            for photo_uuid, (hothash, record) in wanted.items()
            if photo_uuid not in known
        ]
        insert_rows(db, PHOTOS, PHOTO_COLUMNS, [each.row for each in derived])
        count_days(db, Counter(each.local_day for each in derived))
        found = find_photo_ids(db, wanted)
        texts = {found[PhotoUuid(str(each.row[0]))]: str(each.row[_TEXT - 1]) for each in derived}
        full_text.replace_texts(db.connection(), {}, texts)
        known.update(found)
    return known


def find_photo_ids(db: Session, photo_uuids: Collection[PhotoUuid]) -> dict[PhotoUuid, int]:
    """Give the ids of those photos that have a row."""
    found: dict[PhotoUuid, int] = {}
    for chunk in chunks(photo_uuids):
        rows = db.execute(select(Photo.photo_uuid, Photo.id).where(Photo.photo_uuid.in_(chunk)))
        found.update((PhotoUuid(photo_uuid), photo_id) for photo_uuid, photo_id in rows)
    return found


def reduce_photos(db: Session, photo_ids: Collection[int], order: SettledOrder) -> None:
    """Derive these photos anew from their image files and from what all indexes say; one without a file goes."""
    for chunk in chunks(photo_ids):
        rows = {row.id: tuple(row) for row in db.execute(_PHOTO_ROWS.where(PHOTOS.c.id.in_(chunk)))}
        uuids = {photo_id: PhotoUuid(str(row[1])) for photo_id, row in rows.items()}
        files, names = _load_facts(db, chunk)
        records = _load_photo_records(db, chunk, uuids, order)
        waiting = _load_waiting(db, uuids)
        changed: list[tuple[object, ...]] = []
        tags: dict[int, tuple[str, ...]] = {}
        days: Counter[int | None] = Counter()
        for photo_id, photo_uuid in uuids.items():
            if photo_id not in files:
                days[_day_in(rows[photo_id])] -= 1
                continue
            said = waiting.get(photo_uuid, ())
            derived = derive_photo(photo_uuid, records[photo_id], files[photo_id], names, waiting=said)
            tags[photo_id] = derived.tags
            if rows[photo_id][1:] != derived.row:
                changed.append((photo_id, *derived.row))
                days[_day_in(rows[photo_id])] -= 1
                days[derived.local_day] += 1
        gone = [photo_id for photo_id in uuids if photo_id not in files]
        _settle_texts(db, rows, changed, gone)
        update_rows(db, PHOTOS, "id", PHOTO_COLUMNS, changed)
        count_days(db, days)
        set_tags(db, tags | dict.fromkeys(gone, ()))
        db.connection().execute(delete(PHOTOS).where(PHOTOS.c.id.in_(gone)))


def _day_in(row: tuple[object, ...]) -> int | None:
    return cast("int | None", row[_DAY])


def _settle_texts(
    db: Session, rows: Mapping[int, tuple[object, ...]], changed: Sequence[tuple[object, ...]], gone: Sequence[int]
) -> None:
    """Let full-text search follow: before the rows change, for it must be told what they said."""
    new = {cast(int, row[0]): str(row[_TEXT]) for row in changed}
    old = {photo_id: str(rows[photo_id][_TEXT]) for photo_id in (*new, *gone)}
    same = {photo_id for photo_id, text in new.items() if old[photo_id] == text}
    full_text.replace_texts(
        db.connection(),
        {photo_id: text for photo_id, text in old.items() if photo_id not in same},
        {photo_id: text for photo_id, text in new.items() if photo_id not in same},
    )


def _load_waiting(db: Session, uuids: Mapping[int, PhotoUuid]) -> dict[PhotoUuid, list[UserFacts]]:
    """Give what the user said of these photos and their storages' records may not repeat yet."""
    waiting: dict[PhotoUuid, list[UserFacts]] = {}
    query = select(WaitingEdit.photo_uuid, WaitingEdit.said).where(WaitingEdit.photo_uuid.in_(uuids.values()))
    for photo_uuid, said in db.execute(query):
        waiting.setdefault(PhotoUuid(photo_uuid), []).append(said)
    return waiting


def _load_facts(
    db: Session, photo_ids: Collection[int]
) -> tuple[dict[int, dict[Hothash, PictureFacts]], dict[Hothash, str]]:
    """Give the facts of each photo's files, and the original name of each file."""
    files: dict[int, dict[Hothash, PictureFacts]] = {}
    names: dict[Hothash, str] = {}
    query = select(ImageFile.photo_id, ImageFile.hothash, ImageFile.facts, ImageFile.original_filename)
    for photo_id, hothash, facts, name in db.execute(query.where(ImageFile.photo_id.in_(photo_ids))):
        files.setdefault(photo_id, {})[Hothash(hothash)] = facts
        names[Hothash(hothash)] = name
    return files, names


def _load_photo_records(
    db: Session, photo_ids: Collection[int], uuids: Mapping[int, PhotoUuid], order: SettledOrder
) -> dict[int, list[CorePhoto]]:
    """Give, per photo and in settled order, what each index says of it: its record, else that of its plain files."""
    ordered: dict[int, list[tuple[tuple[str, str, str, str], CorePhoto]]] = {}
    recorded: set[tuple[int, int, PhotoUuid]] = set()
    ids = {photo_uuid: photo_id for photo_id, photo_uuid in uuids.items()}
    said = select(SessionPhoto).where(SessionPhoto.photo_uuid.in_(ids))
    for row in db.execute(said.execution_options(populate_existing=True)).scalars():
        photo_uuid = PhotoUuid(row.photo_uuid)
        recorded.add((row.import_session_id, row.file_storage_id, photo_uuid))
        key = order.key(row.imported_at, row.import_session_id, row.file_storage_id)
        ordered.setdefault(ids[photo_uuid], []).append(((*key, ""), row.record))
    plain = (
        select(
            IMAGES.c.photo_id,
            IMAGES.c.hothash,
            LOCATIONS.c.import_session_id,
            LOCATIONS.c.file_storage_id,
            LOCATIONS.c.imported_at,
            LOCATIONS.c.entry,
        )
        .join(IMAGES, IMAGES.c.id == LOCATIONS.c.image_file_id)
        .where(IMAGES.c.photo_id.in_(photo_ids), LOCATIONS.c.number == 0)
    )
    for photo_id, hothash, session_id, storage_id, imported_at, entry in db.execute(plain):
        photo_uuid = uuids[photo_id]
        claims_another = isinstance(entry, EntryRecord) and entry.photo_uuid != photo_uuid
        if not claims_another and (session_id, storage_id, photo_uuid) not in recorded:
            key = order.key(imported_at, session_id, storage_id)
            ordered.setdefault(photo_id, []).append(((*key, hothash), plain_photo(photo_uuid, hothash)))
    return {
        photo_id: [record for _, record in sorted(records, key=lambda pair: pair[0])]
        for photo_id, records in ordered.items()
    }
