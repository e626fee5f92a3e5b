"""The operations that the fault programme stops: what there is before, what is done, and how a new process goes on.

A further operation is one more line in ``SCENES``; every suite takes it from there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from pathlib import Path

from imalink.catalog import photos
from imalink.catalog.file_storages import StorageRecord
from imalink.core.duplicate import DuplicatePolicy
from imalink.core.edit_request import EditRequest
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import DeletionMode
from imalink.core.operation import OperationKind
from imalink.core.organization import DATE
from imalink.core.user_facts import FactChange
from imalink.errors import NotFoundError, SignatureDamagedError, UsageError
from imalink.formats.layouts.known import layout_named
from imalink.workflows import edit_library
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.edit_session import edit_session
from imalink.workflows.empty_trash import empty_trash
from imalink.workflows.group_photos import join_photos, split_photo
from imalink.workflows.heal import heal
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.look_at_operations import list_operations
from imalink.workflows.look_at_quarantine import empty_quarantine, list_quarantine, restore_from_quarantine
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.restore_trash import restore_from_trash
from imalink.workflows.resume_session import resume_session
from imalink.workflows.rollback_session import rollback_session
from imalink.workflows.undo_operation import undo_operation
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest
from tests.crash import oracle
from tests.crash.oracle import Place
from tests.crash.stage import HOME
from tests.support.faults import CrashingCalls, InterposedCalls, LimitedCalls, ShortWriteCalls, SimulatedCrash
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.shots import make_pair
from tests.support.workbench import SMALL, Workbench

Step = Callable[[Workbench], object]
LOOK = ReindexRequest(accepts_losses=True)
PICTURES = 4
"""How many pictures ``fill_card`` makes."""
CARD, OWN, NOTHING = "card", "own pictures", "nothing"
TRASH, QUARANTINE = oracle.KEEPING


class Goal(Enum):
    """What must be true when a new process has gone on with what was stopped."""

    CARD_IS_IN = auto()
    """Everything on the card stands in the storage, once."""
    AS_UNDISTURBED = auto()
    """The indexes say of files and photos what they say when nothing is stopped."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One operation that may be stopped anywhere. ``finish`` is what the next process does; None: the same again.

    ``calls`` gives the file system that it runs on. ``is_replacing``: files of the card take the place of others;
    ``may_stay_vacant``: no intent tells a recovery to fill a place that was being filled; doing it again does.
    ``may_go`` gives of each storage, as it is before, the checksums of what is removed for good; ``is_behind``: what
    indexes say afterwards is what was before the user changed files.
    """

    name: str
    set_up: Step
    operate: Step
    finish: Step | None = None
    goal: Goal = Goal.AS_UNDISTURBED
    calls: Callable[[], InterposedCalls] = InterposedCalls
    is_replacing: bool = False
    may_go: Callable[[Place], frozenset[str]] = lambda _: frozenset()
    has_claims: bool = False
    may_be_vacant: bool = False
    may_stay_vacant: bool = False
    is_behind: bool = False

    @property
    def is_variant(self) -> bool:
        """Whether another scene is the same on another file system: every run tries half as many kills of it."""
        return "-by-" in self.name or "-short-" in self.name

    @property
    def floors(self) -> tuple[int, int, int]:
        """How many calls, pairs of calls that are tried, and states after a power cut there are at least."""
        return FLOORS.get(self.name, (20, 1, 50))

    def go_on(self, bench: Workbench) -> None:
        (self.finish or self.operate)(bench)

    def __str__(self) -> str:
        return self.name


# what there is before


def fill_card(bench: Workbench) -> Path:
    """A card with a duplicate, two names that clash, and a sidecar."""
    card = bench.folder / CARD
    for seed, name in enumerate(("a/x.jpg", "b/x.jpg", "c.jpg", "y.jpg"), start=1):
        make_jpeg(card / name, seed=seed, size=SMALL, taken="2024:07:10 14:30:00")
    shutil.copy2(card / "c.jpg", card / "duplicate.jpg")
    (card / "a/x.xmp").write_text("<x/>")
    return card


def storage_and_card(bench: Workbench) -> None:
    """A storage in which a file of the user's stands where a picture of the card would go."""
    fill_card(bench)
    own = bench.root(bench.create()) / "photos/2024/07/y.jpg"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"the user's own")


def storage_and_pair(bench: Workbench) -> None:
    """A card with a RAW and its JPEG, the sidecar of both, and one more."""
    bench.create()
    make_pair(bench.folder / CARD)
    (bench.folder / CARD / "IMG_0001.xmp").write_text("<x/>")
    make_jpeg(bench.folder / CARD / "z.jpg", seed=9, size=SMALL)


def half_a_card(bench: Workbench) -> None:
    """The first pictures of the card are in already."""
    storage_and_card(bench)
    first = bench.folder / "first"
    shutil.copytree(bench.folder / CARD / "a", first / "a")
    bench.import_(the_record(bench), first, organization=DATE)
    shutil.rmtree(first)


def better_pictures(bench: Workbench) -> None:
    """A storage with a picture and its sidecar, a missing one and a damaged one; a card with better ones."""
    card = bench.folder / CARD
    for seed, name in enumerate(("a/x.jpg", "vanished.jpg", "spoilt.jpg"), start=1):
        make_jpeg(card / name, seed=seed, size=SMALL, taken="2024:07:10 14:30:00")
    (card / "a/x.xmp").write_text("<x>old</x>")
    record = bench.create()
    bench.import_(record, card)
    photos = bench.root(record) / "photos"
    (photos / "vanished.jpg").unlink()
    spoil(photos / "spoilt.jpg")
    set_rating_in_place(card / "a/x.jpg", 5)
    (card / "a/x.xmp").write_text("<x>new</x>")


def spoil(path: Path) -> None:
    """Flip a bit as disks do: nobody wrote the file, so that no look at the folder takes it for an edit."""
    data, times = bytearray(path.read_bytes()), path.stat()
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def imported(bench: Workbench) -> None:
    """A storage that holds a card, and was looked at; the card is gone."""
    storage_and_card(bench)
    bench.import_(the_record(bench), bench.folder / CARD, organization=DATE)
    reindex(bench.tools, the_record(bench), ReindexRequest())
    shutil.rmtree(bench.folder / CARD)


def messy(bench: Workbench) -> None:
    """A storage that was looked at, and in which since then every kind of thing happened."""
    card = bench.folder / CARD
    for seed in range(1, 7):
        make_jpeg(card / f"{seed}.jpg", seed=seed, size=SMALL)
    record = bench.create()
    bench.import_(record, card)
    reindex(bench.tools, record, ReindexRequest())
    photos = bench.root(record) / "photos"
    (photos / "Rome").mkdir()
    (photos / "1.jpg").rename(photos / "Rome/x.jpg")
    make_jpeg(photos / "2.jpg", seed=90, size=SMALL)
    set_rating_in_place(photos / "3.jpg", 4)
    shutil.copyfile(photos / "4.jpg", photos / "copy.jpg")
    (photos / "5.jpg").unlink()
    make_jpeg(photos / "own.jpg", seed=91, size=SMALL)
    shutil.rmtree(card)


def looked_at_mess(bench: Workbench) -> None:
    messy(bench)
    look_again(bench)


def missing_ones(bench: Workbench) -> None:
    imported(bench)
    next((bench.root(the_record(bench)) / "photos").rglob("c.jpg")).unlink()


def own_pictures(bench: Workbench) -> None:
    """A folder of the user's own."""
    for seed, name in enumerate(("Rome/1.jpg", "2.jpg", "3.jpg"), start=1):
        make_jpeg(bench.folder / OWN / name, seed=seed, size=SMALL)
    (bench.folder / OWN / "2.xmp").write_text("<x/>")


def two_storages(bench: Workbench) -> None:
    """Two storages that hold the same photos, of which something was said before."""
    card = fill_card(bench)
    (card / "a/x.xmp").unlink()
    one, two = bench.create("One"), bench.create("Two")
    bench.import_(one, card)
    bench.import_(two, card, duplicates=DuplicatePolicy.KEEP_BOTH)
    edit_photos(bench.tools, hothashes(bench)[:1], EditRequest(said=FactChange.of({"title": "Old"})))
    shutil.rmtree(card)


def damaged_indexes(bench: Workbench) -> None:
    """A session index and the master are damaged, and of another session no index is left."""
    imported(bench)
    make_jpeg(bench.folder / CARD / "later.jpg", seed=20, size=SMALL)
    bench.import_(the_record(bench), bench.folder / CARD)
    shutil.rmtree(bench.folder / CARD)
    root = bench.root(the_record(bench))
    os.truncate(root / "imalink-master.json", 300)
    os.truncate(root / "imports/session_1.json", 300)
    (root / "imports/session_2.json").unlink()


def interrupted(bench: Workbench) -> None:
    """An import was killed half-way."""
    storage_and_card(bench)
    tools = replace(bench.tools, calls=CrashingCalls(85))
    with suppress(SimulatedCrash):
        request = ImportRequest(source=bench.folder / CARD, title="Italy", organization=DATE)
        import_photos(tools, the_record(bench), request)


def interrupted_elsewhere(bench: Workbench) -> None:
    """An import was killed half-way, and this machine has lost its catalog since."""
    interrupted(bench)
    bench.catalog.close()
    for path in bench.home.iterdir():
        path.unlink()


# what is done


def the_record(bench: Workbench) -> StorageRecord:
    [record] = bench.records()
    return record


def hothashes(bench: Workbench) -> list[str]:
    return sorted(bench.master(bench.records()[0]).files)


def import_card(bench: Workbench, duplicates: DuplicatePolicy = DuplicatePolicy.SKIP) -> None:
    bench.import_(the_record(bench), bench.folder / CARD, organization=DATE, duplicates=duplicates)


def import_into_first_session(bench: Workbench) -> None:
    bench.import_(the_record(bench), bench.folder / CARD, organization=DATE, session="1")


def replace_pictures(bench: Workbench) -> None:
    bench.import_(the_record(bench), bench.folder / CARD, duplicates=DuplicatePolicy.REPLACE)


def make_storage(bench: Workbench) -> None:
    bench.create()


def make_storage_again(bench: Workbench) -> None:
    """One that was made half-way is none, and in nobody's way; one that was made and not told of is found."""
    if not bench.records():
        with suppress(NotFoundError, SignatureDamagedError):
            recover_all(bench)
    if not bench.records():
        bench.create()
    import_card(bench)


def adopt(bench: Workbench) -> None:
    adopt_folder(bench.tools, folder=bench.folder / OWN, display_name="Own")


def adopt_again(bench: Workbench) -> None:
    """Do as the messages say: what is a storage already is recovered, and what is in no session taken in."""
    if not bench.records():
        try:
            adopt(bench)
        except UsageError:
            recover_all(bench)
    reindex(bench.tools, the_record(bench), replace(LOOK, adds_orphans=True))


def refer(bench: Workbench) -> None:
    refer_to_folder(bench.tools, ImportRequest(source=bench.folder / OWN, title="Own"))


def look_again(bench: Workbench, request: ReindexRequest = LOOK) -> None:
    reindex(bench.tools, the_record(bench), request)


def undo(bench: Workbench) -> None:
    undo_operation(bench.tools)


def undo_again(bench: Workbench) -> None:
    """Finish what was begun; if it was not begun, undo."""
    recover_all(bench)
    if all(each.record.operation.kind != OperationKind.UNDO for each in list_operations(bench.tools)):
        undo(bench)


def edit(bench: Workbench) -> None:
    said = FactChange.of({"title": "Rome", "rating": 4, "custom.client": "X"})
    edit_photos(bench.tools, hothashes(bench), EditRequest(said=said, added_tags=("rome",)))


def edit_and_look(bench: Workbench) -> None:
    """What was said is said already, and told to a storage when that is worked on."""
    edit(bench)
    for record in bench.records():
        reindex(bench.tools, record, LOOK)


def edit_library_items(bench: Workbench) -> None:
    """Make a collection, rename an author: two edits, each of which both storages are told."""
    edit_library.create_collection(bench.tools, "Best", photo_uuids=photo_uuids(bench))
    edit_library.edit_author(bench.tools, 1, name="Anna Berg")


def edit_library_items_and_look(bench: Workbench) -> None:
    edit_library_items(bench)
    for record in bench.records():
        reindex(bench.tools, record, LOOK)


def photo_uuids(bench: Workbench) -> list[PhotoUuid]:
    with bench.catalog.read() as db:
        return [photos.get_photo(db, Hothash(each)).photo.photo_uuid for each in hothashes(bench)]


def retitle(bench: Workbench) -> None:
    edit_session(bench.tools, "1", title="Rome", description="in July")


def join(bench: Workbench) -> None:
    join_photos(bench.tools, hothashes(bench)[:2])


def join_and_split(bench: Workbench) -> None:
    split_photo(bench.tools, hothashes(bench)[0])


def joined(bench: Workbench) -> None:
    imported(bench)
    join(bench)


def split_again(bench: Workbench) -> None:
    with suppress(UsageError):
        join_and_split(bench)


def regenerate(bench: Workbench) -> None:
    regenerate_indexes(bench.tools, the_record(bench))


def resume(bench: Workbench) -> None:
    resume_session(bench.tools, "1")


def resume_or_import(bench: Workbench) -> None:
    """What was not known to have begun is imported."""
    with suppress(NotFoundError, UsageError):
        resume(bench)
    import_card(bench)


def delete(bench: Workbench, mode: DeletionMode = DeletionMode.TRASH) -> None:
    delete_photos(bench.tools, hothashes(bench)[:2], mode=mode)


def delete_again(bench: Workbench, mode: DeletionMode = DeletionMode.TRASH) -> None:
    """What is deleted already is not there to be deleted."""
    recover_all(bench)
    left = len(hothashes(bench)) - PICTURES + 2
    if left > 0:
        delete_photos(bench.tools, hothashes(bench)[:left], mode=mode)


def deleted(bench: Workbench) -> None:
    imported(bench)
    delete(bench)


def first_hothashes(place: Place) -> list[str]:
    """The pictures that ``delete`` deletes."""
    return sorted(place.document(place.shape.master)["files"])[:2]


def restore(bench: Workbench) -> None:
    """Bring back from the trash all that is there."""
    restore_from_trash(bench.tools, sorted(bench.session(the_record(bench)).deleted))


def restore_again(bench: Workbench) -> None:
    """What is back already is not there to be brought back."""
    recover_all(bench)
    if bench.session(the_record(bench)).deleted:
        restore(bench)


def empty(bench: Workbench) -> None:
    empty_trash(bench.tools)


def roll_back(bench: Workbench) -> None:
    rollback_session(bench.tools, "1")


def roll_back_again(bench: Workbench) -> None:
    """What is rolled back already cannot be once more."""
    recover_all(bench)
    with suppress(UsageError):
        roll_back(bench)


def damaged_beside_good(bench: Workbench) -> None:
    """Two storages of the same pictures; in the first a picture and its sidecar are spoilt, another is gone."""
    card = bench.folder / CARD
    for seed, name in enumerate(("a/x.jpg", "gone.jpg", "z.jpg"), start=1):
        make_jpeg(card / name, seed=seed, size=SMALL, taken="2024:07:10 14:30:00")
    (card / "a/x.xmp").write_text("<x>good</x>")
    one, two = bench.create("One"), bench.create("Two")
    bench.import_(one, card)
    bench.import_(two, card, duplicates=DuplicatePolicy.KEEP_BOTH)
    photos = bench.root(one) / "photos"
    spoil(photos / "a/x.jpg")
    spoil(photos / "a/x.xmp")
    (photos / "gone.jpg").unlink()
    reindex(bench.tools, one, LOOK)
    verify(bench.tools, one, VerifyRequest())


def the_damaged(bench: Workbench) -> StorageRecord:
    return next(each for each in bench.records() if each.display_name == "One")


def heal_first(bench: Workbench) -> None:
    heal(bench.tools, the_damaged(bench))


def healed(bench: Workbench) -> None:
    damaged_beside_good(bench)
    heal_first(bench)


def let_out(bench: Workbench) -> None:
    """Let the spoilt files out of quarantine; a re-index finds them as any that the user put there."""
    kept = [file.kept for file in list_quarantine(bench.tools).files]
    restore_from_quarantine(bench.tools, kept)
    reindex(bench.tools, the_damaged(bench), LOOK)


def let_out_again(bench: Workbench) -> None:
    recover_all(bench)
    with suppress(NotFoundError):
        let_out(bench)
    reindex(bench.tools, the_damaged(bench), LOOK)


def verify_all(bench: Workbench) -> None:
    verify(bench.tools, the_record(bench), VerifyRequest())


def spoilt(bench: Workbench) -> None:
    """Two pictures were spoilt by the disk since they were looked at."""
    imported(bench)
    photos = bench.root(the_record(bench)) / "photos"
    spoil(next(photos.rglob("c.jpg")))
    spoil(next(photos.rglob("x.jpg")))


def recover_all(bench: Workbench) -> None:
    roots = [path for path in (bench.disk, bench.folder / OWN) if path.is_dir()]
    candidates, _ = find_candidates(bench.tools, roots)
    recover(bench.tools, candidates)


def recover_and_import(bench: Workbench) -> None:
    recover_all(bench)
    import_card(bench)


def has_links() -> InterposedCalls:
    return LimitedCalls(has_links=True)


IMPORT = Scene(name="import", set_up=storage_and_card, operate=import_card, goal=Goal.CARD_IS_IN)
REPLACE = Scene(
    name="replace",
    set_up=better_pictures,
    operate=replace_pictures,
    goal=Goal.CARD_IS_IN,
    is_replacing=True,
)

FLOORS = {
    "create": (34, 9, 18),
    "adopt": (119, 15, 109),
    "refer": (123, 15, 108),
    "import": (134, 19, 292),
    "import-short-writes": (170, 38, 434),
    "import-by-links": (163, 21, 292),
    "import-by-claims": (173, 26, 387),
    "import-pair": (112, 14, 193),
    "import-rest": (106, 12, 175),
    "import-into-session": (109, 16, 198),
    "replace": (202, 33, 831),
    "replace-by-links": (269, 42, 939),
    "replace-by-claims": (291, 49, 1352),
    "reindex": (69, 7, 146),
    "reindex-add-orphans": (129, 16, 469),
    "reindex-remove-missing": (49, 4, 125),
    "undo": (49, 2, 130),
    "edit": (98, 19, 414),
    "edit-session": (49, 4, 127),
    "join": (49, 2, 127),
    "split": (49, 2, 127),
    "regenerate": (116, 10, 541),
    "recover": (74, 4, 142),
    "resume": (131, 14, 403),
    "delete": (68, 2, 152),
    "delete-for-good": (123, 4, 497),
    "undelete": (64, 2, 185),
    "restore": (64, 1, 180),
    "empty-trash": (60, 1, 172),
    "rollback": (69, 1, 160),
    "heal": (92, 1, 211),
    "heal-by-links": (129, 1, 219),
    "let-out": (49, 1, 129),
    "empty-quarantine": (18, 1, 8),
    "verify": (49, 5, 127),
}
"""Counts below which a suite has silently shrunk; see ``Scene.floors``. A new scene does without a line at first."""

SCENES: tuple[Scene, ...] = (
    Scene(name="create", set_up=fill_card, operate=make_storage, finish=make_storage_again, goal=Goal.CARD_IS_IN),
    Scene(name="adopt", set_up=own_pictures, operate=adopt, finish=adopt_again),
    Scene(name="refer", set_up=own_pictures, operate=refer),
    IMPORT,
    replace(IMPORT, name="import-short-writes", calls=lambda: ShortWriteCalls(700)),
    replace(IMPORT, name="import-by-links", calls=has_links),
    replace(IMPORT, name="import-by-claims", calls=LimitedCalls, has_claims=True),
    replace(IMPORT, name="import-pair", set_up=storage_and_pair),
    replace(IMPORT, name="import-rest", set_up=half_a_card),
    replace(IMPORT, name="import-into-session", set_up=half_a_card, operate=import_into_first_session),
    REPLACE,
    replace(REPLACE, name="replace-by-links", calls=has_links, may_be_vacant=True),
    replace(REPLACE, name="replace-by-claims", calls=LimitedCalls, may_be_vacant=True, has_claims=True),
    Scene(name="reindex", set_up=messy, operate=look_again),
    Scene(
        name="reindex-add-orphans",
        set_up=messy,
        operate=partial(look_again, request=replace(LOOK, adds_orphans=True)),
    ),
    Scene(
        name="reindex-remove-missing",
        set_up=missing_ones,
        operate=partial(look_again, request=replace(LOOK, removes_missing=True)),
    ),
    Scene(name="undo", set_up=looked_at_mess, operate=undo, finish=undo_again, is_behind=True),
    Scene(name="edit", set_up=two_storages, operate=edit, finish=edit_and_look),
    Scene(name="library", set_up=two_storages, operate=edit_library_items, finish=edit_library_items_and_look),
    Scene(name="edit-session", set_up=imported, operate=retitle),
    Scene(name="join", set_up=imported, operate=join),
    Scene(name="split", set_up=joined, operate=join_and_split, finish=split_again),
    Scene(name="regenerate", set_up=damaged_indexes, operate=regenerate),
    Scene(
        name="recover",
        set_up=interrupted_elsewhere,
        operate=recover_all,
        finish=recover_and_import,
        goal=Goal.CARD_IS_IN,
    ),
    Scene(name="resume", set_up=interrupted, operate=resume, finish=resume_or_import, goal=Goal.CARD_IS_IN),
    Scene(name="delete", set_up=imported, operate=delete, finish=delete_again, may_be_vacant=True),
    Scene(
        name="delete-for-good",
        set_up=imported,
        operate=partial(delete, mode=DeletionMode.HARD),
        finish=partial(delete_again, mode=DeletionMode.HARD),
        may_be_vacant=True,
        may_go=lambda place: oracle.sums_of(place, first_hothashes(place)),
    ),
    Scene(name="undelete", set_up=deleted, operate=undo, finish=undo_again),
    Scene(name="restore", set_up=deleted, operate=restore, finish=restore_again),
    Scene(
        name="empty-trash",
        set_up=deleted,
        operate=empty,
        may_go=lambda place: oracle.kept_sums(place, [TRASH]),
    ),
    Scene(name="rollback", set_up=imported, operate=roll_back, finish=roll_back_again, may_be_vacant=True),
    Scene(name="heal", set_up=damaged_beside_good, operate=heal_first, is_replacing=True),
    Scene(
        name="heal-by-links",
        set_up=damaged_beside_good,
        operate=heal_first,
        is_replacing=True,
        calls=has_links,
        may_be_vacant=True,
        may_stay_vacant=True,
    ),
    Scene(name="let-out", set_up=healed, operate=let_out, finish=let_out_again),
    Scene(
        name="empty-quarantine",
        set_up=healed,
        operate=lambda bench: empty_quarantine(bench.tools),
        may_go=lambda place: oracle.kept_sums(place, [QUARANTINE]),
    ),
    Scene(name="verify", set_up=spoilt, operate=verify_all, is_behind=True),
)


def places(bench: Workbench) -> list[Place]:
    """Where the storages stand that this machine knows."""
    found: list[Place] = []
    for record in bench.records():
        if layout_named(record.layout).is_reference:
            found.append(Place(bench.home / "reference" / record.storage_uuid, Path(record.full_path)))
        else:
            found.append(Place(bench.root(record)))
    return found


def places_below(folder: Path) -> list[Place]:
    """Where storages stand, whoever knows of them: for a look right after a kill."""
    found = [Place(path) for path in sorted((folder / "disk").iterdir()) if (path / ".imalink-storage").exists()]
    if (folder / OWN).is_dir():
        homes = sorted((folder / HOME / "reference").glob("*"))
        found += [Place(home, folder / OWN) for home in homes if (home / ".imalink-storage").exists()]
        if not homes:
            found.append(Place(folder / OWN))
    return found


def said_in(bench: Workbench) -> list[object]:
    """What the indexes of all storages say of files and photos."""
    return [(oracle.listing(place), oracle.facts_said(place)) for place in places(bench)]
