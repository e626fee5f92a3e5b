"""Whatever is lost with the catalog, all that was in it comes back: every fact a user can say, on three storages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imalink.catalog.dump import compare
from imalink.catalog.file_storages import StorageRecord
from imalink.core.edit_request import EditRequest
from imalink.core.ids import Hothash
from imalink.core.index import DeletionMode
from imalink.core.library import ItemKind
from imalink.core.picture import GpsPosition
from imalink.core.session import Author
from imalink.core.timestamps import CaptureTime
from imalink.core.user_facts import FactChange, UserValue, custom_field, tag_field
from imalink.workflows import make_parts
from imalink.workflows.create_session import create_session
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.edit_library import create_author, create_collection, delete_collection, save_search
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.edit_session import edit_session
from imalink.workflows.group_photos import join_photos
from imalink.workflows.look_at_photo import look_at_photo
from imalink.workflows.recover import RecoveryReport, recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.write_sidecars import write_sidecars
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source

DISKS = ("blue", "red", "green")


class World:
    """A machine whose user said everything there is to say of the pictures in three storages."""

    def __init__(self, folder: Path, empty_catalog: Path) -> None:
        self.folder, self.empty = folder, empty_catalog
        self.bench = Workbench(folder, empty_catalog=empty_catalog)
        self.records = [self.bench.create(name.title(), base_path=_made(folder / name)) for name in DISKS]
        blue, red, green = self.records
        card = make_source(folder / "card", 5)
        (card / "IMG_0005.xmp").write_text("<x/>")
        self.bench.import_(blue, card, title="Italy", description="Two weeks")
        self.bench.import_(red, make_source(folder / "second", 3, first_seed=30), title="Norway")
        self.bench.import_(green, make_source(folder / "third", 2), title="Copies")  # of the first two
        self.first = list(self.bench.session(blue).files)
        self._say_everything()
        self.whole = self.bench.dump()

    def _say_everything(self) -> None:
        tools, (blue, _, green) = self.bench.tools, self.records
        one, two, three, four, five = self.first
        self.say(
            one,
            title="Trevi",
            caption="Fontana",
            rating=5,
            label="Red",
            tags=("places/italy/rome", "night"),
            author=Author(name="Ola", email="ola@example.org"),
            capture_time=CaptureTime(local="2023-02-03T04:05:06.5", offset="+01:00", source="user"),
            gps=GpsPosition(latitude=41.9, longitude=-12.5, altitude=20.0),
        )
        self.say(one, **{custom_field("print"): "A3"})
        self.say(two, rejected=True, title="")
        self.say(two, **{tag_field("blurred"): True})
        self.say(one, label=None)
        join_photos(tools, [three, four])
        photos = [look_at_photo(tools, text).photo.photo_uuid for text in (one, two, three)]
        create_author(tools, "Kari", email="kari@example.org", bio="Landscapes")
        create_collection(tools, "Best of", description="To print", photo_uuids=photos[::-1])
        delete_collection(tools, create_collection(tools, "A mistake").key)
        save_search(tools, "Stars", "rating:4", is_favorite=True)
        edit_session(tools, "2", title="Norway again", description="In the rain")
        create_session(tools, title="Greece", description="Not yet", storage=green.storage_uuid, author="Kari")
        write_sidecars(tools, blue)
        delete_photos(tools, [five], mode=DeletionMode.TRASH, reason="blurred")
        photo = self.bench.root(blue) / "photos" / "IMG_0003.jpg"
        photo.rename(photo.with_name("moved.jpg"))
        for record in self.records:
            reindex(tools, record, ReindexRequest())

    def say(self, hothash: Hothash, **said: UserValue | None) -> None:
        edit_photos(self.bench.tools, [hothash], EditRequest(said=FactChange.of(said)))

    def root(self, disk: str) -> Path:
        return self.bench.root(self.record(disk))

    def record(self, disk: str) -> StorageRecord:
        return self.records[DISKS.index(disk)]

    def machine(self, name: str = "new machine") -> Workbench:
        return Workbench(self.folder, empty_catalog=self.empty, name=name)

    def roots(self) -> list[Path]:
        return [self.folder / name for name in DISKS]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path) -> Iterator[World]:
    """One world, made once; whoever breaks something does it in a copy."""
    with memory_folder(tmp_path_factory.mktemp("world")) as folder:
        world = World(_made(folder / "world"), empty_catalog)
        yield world
        world.bench.close()


@pytest.fixture
def world(made: World, tmp_path: Path) -> Iterator[World]:
    """The world as it was made: its storages are put back after each test."""
    kept = tmp_path / "kept"
    for name in DISKS:
        shutil.copytree(made.folder / name, kept / name, symlinks=True)
    yield made
    for name in DISKS:
        shutil.rmtree(made.folder / name)
        shutil.copytree(kept / name, made.folder / name, symlinks=True)
    for home in made.folder.glob("home of new*"):
        shutil.rmtree(home)


def recovered(bench: Workbench, *roots: Path, is_check: bool = False) -> RecoveryReport:
    candidates, _ = find_candidates(bench.tools, roots, is_check=is_check)
    return recover(bench.tools, candidates, is_check=is_check)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"\xff" + data[len(data) // 2 + 1 :])


def lose_overviews(root: Path) -> None:
    remove(root / "index.json")


def lose_masters(root: Path) -> None:
    remove(root / "imalink-master.json")


def lose_libraries(root: Path) -> None:
    remove(root / ".imalink/metadata/library.json")


def lose_all_indexes(root: Path) -> None:
    """Leave commits and journals alone."""
    for name in ("index.json", "imalink-master.json", "imports"):
        remove(root / name)
    for name in ("library.json", "backup", "manifest"):
        remove(root / ".imalink/metadata" / name)


def lose_previews(root: Path) -> None:
    remove(root / ".imalink/hotpreviews")


def spoil_sessions(root: Path) -> None:
    for path in (root / "imports").iterdir():
        spoil(path)


def spoil_everything(root: Path) -> None:
    spoil_sessions(root)
    spoil(root / "imalink-master.json")
    spoil(root / "index.json")
    spoil(root / ".imalink/metadata/library.json")


def lose_nothing(root: Path) -> None:
    assert root.is_dir()


LOSSES: tuple[Callable[[Path], None], ...] = (
    lose_nothing,
    lose_overviews,
    lose_masters,
    lose_libraries,
    lose_all_indexes,
    lose_previews,
    spoil_sessions,
    spoil_everything,
)


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_all_that_was_said_comes_back(world: World, lose: Callable[[Path], None]) -> None:
    for disk in DISKS:
        lose(world.root(disk))
    with world.machine() as new:
        recovered(new, *world.roots())
        assert compare(world.whole, new.dump()) == []


def test_the_world_says_everything_that_is_promised(world: World) -> None:
    told = "\n".join(world.whole)
    promised = (
        "Trevi",
        "Fontana",
        "rome",
        "Ola",
        "Kari",
        "Landscapes",
        "Best of",
        "rating:4",
        "A3",
        "In the rain",
        "Not yet",
    )
    assert [word for word in promised if word not in told] == []
    assert [kind for kind in ItemKind if f'"of":"{kind.value}"' not in told] == []
    assert '"kind":"deleted"' in told
    assert told.count('"kind":"companion"') >= 2
    assert '"kind":"waiting' not in told


def test_a_check_of_the_live_catalog_finds_no_difference(world: World) -> None:
    report = recovered(world.bench, is_check=True)
    assert report.differences == ()
    assert world.bench.dump() == world.whole


@pytest.mark.parametrize("away", DISKS)
def test_with_one_storage_away_the_others_come_back_and_it_follows(world: World, away: str) -> None:
    hidden = world.folder / f"{away} unplugged"
    (world.folder / away).rename(hidden)
    with world.machine() as new:
        recovered(new, *(root for root in world.roots() if root.exists()))
        missing = compare(world.whole, new.dump())
        assert missing != []
        hidden.rename(world.folder / away)
        recovered(new, *world.roots())
        assert compare(world.whole, new.dump()) == []


def test_a_machine_with_pictures_and_numbers_of_its_own_keeps_them(world: World) -> None:
    with world.machine() as new:
        own = new.create("Own", base_path=_made(world.folder / "new own disk"))
        new.import_(own, make_source(world.folder / "new own card", 2, first_seed=70), title="Mine")
        mine = {line for line in new.dump() if '"kind":"location"' in line}
        recovered(new, *world.roots())
        found = set(new.dump())
        kinds = ("photo", "location", "companion", "deleted", "image-file", "session-photo", "library")
        told = {line for line in world.whole if any(f'"kind":"{kind}"' in line for kind in kinds)}
        assert told - found == set()
        assert mine - found == set()
    shutil.rmtree(world.folder / "new own disk")


def test_a_cloned_disk_beside_the_first_changes_nothing(world: World) -> None:
    clone = world.folder / "new clone"
    shutil.copytree(world.folder / "blue", clone, symlinks=True)
    with world.machine() as new:
        candidates, findings = find_candidates(new.tools, [*world.roots(), clone])
        assert [finding.code for finding in findings] == ["storage-copy"]
        recover(new.tools, candidates)
        assert [line for line in compare(world.whole, new.dump()) if '"kind":"storage"' not in line] == []
    shutil.rmtree(clone)


def test_several_processes_give_it_all_back_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_parts, "WORTH_A_PROCESS_BYTES", 1)
    with world.machine() as new:
        recovered(new, *world.roots())
        assert compare(world.whole, new.dump()) == []


def test_a_recovery_over_a_recovered_catalog_changes_nothing(world: World) -> None:
    with world.machine() as new:
        recovered(new, *world.roots())
        recovered(new, *world.roots())
        assert compare(world.whole, new.dump()) == []
