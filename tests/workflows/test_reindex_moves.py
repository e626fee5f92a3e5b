"""Whatever a user moves or renames, ImaLink knows afterwards where it is: nothing missing, nothing new."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.workflows.reindex_request import Strategy
from tests.support.photos import set_rating_in_place
from tests.support.scenes import Scene, codes, counts, memory_folder, moves
from tests.support.workbench import Workbench, make_source

A, B, C = "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        yield made


@pytest.fixture
def three(scene: Scene) -> Scene:
    scene.import_pictures(3)
    return scene


@pytest.fixture(params=[Strategy.SMART, Strategy.FULL], ids=lambda strategy: strategy.value)
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return request.param


# --- one file, and all of them --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "new",
    [
        "Rome/IMG_0001.jpg",
        "colosseum.jpg",
        "Rome/By night/colosseum.jpg",
        "IMG_0001.JPG",
        "IMG_0001.jpg.bak",
        "IMG_0001",
        "with space and ünï.jpg",
        "two\nlines.jpg",
        "back\\slash.jpg",
        "\x1b[31mred.jpg",
        "-rf",
        "x" * 246 + ".jpg",
        "/".join(["deep"] * 40) + "/IMG_0001.jpg",
        "~$lock.jpg",
        "imports/index.json/imalink-master.json.jpg",
    ],
    ids=lambda name: ascii(name)[:30],
)
def test_a_file_that_was_moved_or_renamed_is_one_move(three: Scene, new: str) -> None:
    hothash = three.hothash(A)
    three.move(A, new)
    report = three.look()
    assert counts(report) == {"moved": 1}
    assert moves(report) == {(A, new)}
    assert three.place_of(hothash) == new
    three.settle()


def test_a_name_that_is_not_utf8_is_followed_byte_for_byte(three: Scene, strategy: Strategy) -> None:
    hothash = three.hothash(A)
    name = os.fsdecode(b"caf\xe9 \xff.jpg")
    three.move(A, name)
    report = three.look(strategy)
    assert counts(report) == {"moved": 1}
    assert three.place_of(hothash) == name
    three.settle()
    three.move(name, "café.jpg")
    assert moves(three.look(strategy)) == {(name, "café.jpg")}
    three.settle()


def test_nfc_and_nfd_spellings_of_a_name_are_two_names(three: Scene, strategy: Strategy) -> None:
    composed, decomposed = "caf\u00e9.jpg", "cafe\u0301.jpg"
    three.move(A, composed)
    three.look(strategy)
    three.move(composed, decomposed)
    assert moves(three.look(strategy)) == {(composed, decomposed)}
    three.move(B, composed)
    assert moves(three.look(strategy)) == {(B, composed)}
    three.settle()


def test_all_files_moved_and_renamed_at_once_are_all_moves(scene: Scene, strategy: Strategy) -> None:
    scene.import_pictures(30)
    hothashes = {name: scene.hothash(name) for name in os.listdir(scene.photos)}
    for number, name in enumerate(sorted(hothashes)):
        scene.move(name, f"{2000 + number % 4}/{number % 3}/picture {number}.jpeg")
    report = scene.look(strategy)
    assert counts(report) == {"moved": 30}
    for number, name in enumerate(sorted(hothashes)):
        assert scene.place_of(hothashes[name]) == f"{2000 + number % 4}/{number % 3}/picture {number}.jpeg"
    scene.settle()


def test_files_moved_before_the_first_look_are_moves_too(scene: Scene, tmp_path: Path, strategy: Strategy) -> None:
    scene.import_(make_source(tmp_path / "card", 3))
    scene.move(A, "Rome/x.jpg")
    scene.move(B, A)
    assert moves(scene.look(strategy)) == {(A, "Rome/x.jpg"), (B, A)}
    scene.settle()


def test_five_files_sorted_into_folders_are_exactly_five_moves(scene: Scene) -> None:
    scene.import_pictures(2, title="Italy")
    scene.import_pictures(3, first_seed=3, title="Norway")
    for number, folder in enumerate(("rome", "venice", "rome/night", "oslo", "venice"), start=1):
        scene.move(f"IMG_{number:04}.jpg", f"{folder}/IMG_{number:04}.jpg")
    report = scene.look()
    assert counts(report) == {"moved": 5}
    assert [(move.session_number, move.new_path) for move in report.moved_files] == [
        (2, "photos/oslo/IMG_0004.jpg"),
        (1, "photos/rome/IMG_0001.jpg"),
        (2, "photos/rome/night/IMG_0003.jpg"),
        (1, "photos/venice/IMG_0002.jpg"),
        (2, "photos/venice/IMG_0005.jpg"),
    ]
    assert {path for _, path, _, _ in scene.places(1)} == {"photos/rome/IMG_0001.jpg", "photos/venice/IMG_0002.jpg"}
    scene.settle()


def test_a_moved_folder_moves_its_files(scene: Scene, strategy: Strategy) -> None:
    scene.import_pictures(3)
    for name in (A, B, C):
        scene.move(name, f"Italy/Rome/{name}")
    scene.look()
    scene.at("Travel/x").parent.joinpath("2024").mkdir()
    (scene.photos / "Italy").rename(scene.photos / "Travel/2024/Italy, summer")
    assert counts(scene.look(strategy)) == {"moved": 3}
    scene.settle()


def test_a_file_moved_on_between_two_looks_keeps_its_history(three: Scene, strategy: Strategy) -> None:
    hothash = three.hothash(A)
    for new, old in (("a/1.jpg", A), ("b/2.jpg", "a/1.jpg"), (A, "b/2.jpg")):
        three.move(old, new)
        assert moves(three.look(strategy)) == {(old, new)}
    assert three.place_of(hothash) == A
    entry = three.bench.session(three.record).files[hothash]
    assert (entry.original_filename, entry.original_path) == (A, A)
    three.settle()


def test_a_dry_run_tells_the_moves_and_the_next_look_makes_them(three: Scene) -> None:
    three.move(A, "x.jpg")
    assert moves(three.look(dry_run=True)) == {(A, "x.jpg")}
    assert moves(three.look()) == {(A, "x.jpg")}


# --- names that change hands ----------------------------------------------------------------------------------------


def test_two_files_that_swapped_names_are_two_moves(three: Scene, strategy: Strategy) -> None:
    first, second = three.hothash(A), three.hothash(B)
    three.move(A, "between")
    three.move(B, A)
    three.move("between", B)
    report = three.look(strategy)
    assert counts(report) == {"moved": 2}
    assert moves(report) == {(A, B), (B, A)}
    assert (three.place_of(first), three.place_of(second)) == (B, A)
    three.settle()


def of_equal_size_and_time(scene: Scene, *names: str) -> None:
    """Make the files equal for all that a directory tells, but for the inode."""
    size = max((scene.photos / name).stat().st_size for name in names)
    for name in names:
        path = scene.photos / name
        path.write_bytes(path.read_bytes().ljust(size, b"\0"))
        os.utime(path, ns=(1, 1_700_000_000_123_456_789))


def test_a_swap_is_seen_when_size_and_time_are_equal(three: Scene, strategy: Strategy) -> None:
    of_equal_size_and_time(three, A, B)
    three.look()
    first = three.hothash(A)
    three.move(A, "between")
    three.move(B, A)
    three.move("between", B)
    assert moves(three.look(strategy)) == {(A, B), (B, A)}
    assert three.place_of(first) == B
    three.settle()


def test_a_cycle_of_three_names_is_three_moves(three: Scene, strategy: Strategy) -> None:
    hothashes = [three.hothash(name) for name in (A, B, C)]
    three.move(A, "between")
    three.move(C, A)
    three.move(B, C)
    three.move("between", B)
    assert moves(three.look(strategy)) == {(A, B), (B, C), (C, A)}
    assert [three.place_of(hothash) for hothash in hothashes] == [B, C, A]
    three.settle()


def test_a_chain_of_names_moves_each_file_by_one(three: Scene, strategy: Strategy) -> None:
    three.move(C, "IMG_0004.jpg")
    three.move(B, C)
    three.move(A, B)
    assert moves(three.look(strategy)) == {(A, B), (B, C), (C, "IMG_0004.jpg")}
    three.settle()


def test_a_name_taken_by_a_new_picture_is_a_move_and_a_new_picture(three: Scene, strategy: Strategy) -> None:
    three.move(A, "kept.jpg")
    three.add(A, seed=99)
    report = three.look(strategy)
    assert counts(report) == {"moved": 1, "new": 1, "orphans": 1}
    assert moves(report) == {(A, "kept.jpg")}
    three.settle()


# --- what moves with it, and what else happened -----------------------------------------------------------------------


def test_a_file_moved_and_rated_is_a_move_and_a_metadata_edit(three: Scene, strategy: Strategy) -> None:
    hothash = three.hothash(A)
    three.move(A, "rated.jpg")
    set_rating_in_place(three.photos / "rated.jpg", 5)
    report = three.look(strategy)
    assert counts(report) == {"moved": 1, "modified": 1}
    assert report.modified_files[0].kind == "metadata"
    assert three.place_of(hothash) == "rated.jpg"
    assert three.bench.session(three.record).files[hothash].facts.embedded.rating == 5
    three.settle()


def test_a_file_moved_outside_photos_is_missing_until_it_returns(three: Scene, strategy: Strategy) -> None:
    hothash = three.hothash(A)
    (three.photos / A).rename(three.root / A)
    assert counts(three.look(strategy)) == {"missing": 1, "newly_missing": 1}
    assert (three.root / A).exists()
    (three.root / A).rename(three.at("back/x.jpg"))
    report = three.look(strategy)
    assert moves(report) == {(A, "back/x.jpg")}
    assert three.place_of(hothash) == "back/x.jpg"
    three.settle()


def test_a_file_moved_into_a_hidden_folder_is_missing_until_it_returns(three: Scene) -> None:
    three.move(A, ".hidden/x.jpg")
    assert counts(three.look()) == {"missing": 1, "newly_missing": 1}
    three.move(".hidden/x.jpg", A)
    assert counts(three.look()) == {"returned": 1}
    three.settle()


def test_a_file_that_is_gone_is_told_also_when_another_of_its_picture_stands(three: Scene) -> None:
    shutil.copy2(three.photos / A, three.at("Rome/copy.jpg"))
    three.look()
    (three.photos / "Rome/copy.jpg").unlink()
    report = three.look()
    assert report.changes_detected
    assert report.lost_copies == ("photos/Rome/copy.jpg",)
    assert three.look().lost_copies == ()


@pytest.mark.parametrize("name", ["aaa copy.jpg", "zzz copy.jpg"])
def test_of_a_moved_file_and_a_copy_made_of_it_the_moved_one_is_the_move(three: Scene, name: str) -> None:
    three.look()  # this machine knows the inodes now
    three.move(A, "New/mine.jpg")
    shutil.copyfile(three.photos / "New/mine.jpg", three.photos / "New" / name)
    report = three.look()
    assert moves(report) == {(A, "New/mine.jpg")}
    assert [row.path for row in report.duplicates] == [f"photos/New/{name}"]


def test_a_file_copied_elsewhere_with_new_times_and_deleted_is_a_move(three: Scene, strategy: Strategy) -> None:
    shutil.copyfile(three.photos / A, three.at("Rome/new.jpg"))
    (three.photos / A).unlink()
    assert moves(three.look(strategy)) == {(A, "Rome/new.jpg")}
    three.settle()


def test_a_tree_restored_by_another_program_changes_nothing_but_inodes_and_times(three: Scene) -> None:
    shutil.copytree(three.photos, three.folder / "restored", copy_function=shutil.copyfile)
    shutil.rmtree(three.photos)
    (three.folder / "restored").rename(three.photos)
    report = three.look()
    assert counts(report) == {}
    assert report.files_hashed == 3
    three.settle()


# --- sidecars --------------------------------------------------------------------------------------------------------


@pytest.fixture
def sidecars(scene: Scene, tmp_path: Path) -> Scene:
    """Two pictures with sidecars, the second of ``IMG_0002.jpg`` named in the other way, known to this machine."""
    card = make_source(tmp_path / "card", 2)
    (card / "IMG_0001.xmp").write_text("<x>1</x>")
    (card / "IMG_0002.jpg.xmp").write_text("<x>2</x>")
    scene.import_(card)
    scene.look()
    assert scene.companions() == {A: ["IMG_0001.xmp"], B: ["IMG_0002.jpg.xmp"]}
    return scene


def test_a_sidecar_moved_with_its_picture_stays_with_it(sidecars: Scene, strategy: Strategy) -> None:
    sidecars.move(A, "Rome/x.jpg")
    sidecars.move("IMG_0001.xmp", "Rome/x.xmp")
    report = sidecars.look(strategy)
    assert moves(report) == {(A, "Rome/x.jpg")}
    assert counts(report) == {"moved": 1}
    assert codes(report) == {}
    assert sidecars.companions() == {"Rome/x.jpg": ["Rome/x.xmp"], B: ["IMG_0002.jpg.xmp"]}
    sidecars.settle()


def test_a_sidecar_moved_alone_still_goes_with_its_picture(sidecars: Scene, strategy: Strategy) -> None:
    sidecars.move("IMG_0002.jpg.xmp", "sidecars/IMG_0002.jpg.xmp")
    report = sidecars.look(strategy)
    assert counts(report) == {}
    assert codes(report) == {}
    assert sidecars.companions()[B] == ["sidecars/IMG_0002.jpg.xmp"]
    sidecars.settle()


def test_a_picture_moved_without_its_sidecar_keeps_it(sidecars: Scene, strategy: Strategy) -> None:
    sidecars.move(A, "Rome/x.jpg")
    assert codes(sidecars.look(strategy)) == {}
    assert sidecars.companions()["Rome/x.jpg"] == ["IMG_0001.xmp"]
    sidecars.settle()


def test_equal_sidecars_moved_with_renamed_pictures_stay_with_their_own(
    scene: Scene, tmp_path: Path, strategy: Strategy
) -> None:
    card = make_source(tmp_path / "card", 3)
    for name in (A, B, C):
        (card / name).with_suffix(".xmp").write_text("<same/>")
    scene.import_(card)
    scene.look()
    for old, new in (("IMG_0001", "z/3"), ("IMG_0002", "z/2"), ("IMG_0003", "z/1")):
        scene.move(f"{old}.jpg", f"{new}.jpg")
        scene.move(f"{old}.xmp", f"{new}.xmp")
    assert codes(scene.look(strategy)) == {}
    assert scene.companions() == {f"z/{n}.jpg": [f"z/{n}.xmp"] for n in (1, 2, 3)}
    scene.settle()


def test_pictures_that_swapped_names_with_their_sidecars_keep_them(sidecars: Scene, strategy: Strategy) -> None:
    sidecars.move("IMG_0002.jpg.xmp", "IMG_0002.xmp")
    sidecars.look()
    for kind in ("jpg", "xmp"):
        sidecars.move(f"IMG_0001.{kind}", f"between.{kind}")
        sidecars.move(f"IMG_0002.{kind}", f"IMG_0001.{kind}")
        sidecars.move(f"between.{kind}", f"IMG_0002.{kind}")
    assert counts(sidecars.look(strategy)) == {"moved": 2}
    assert sidecars.companions() == {A: ["IMG_0001.xmp"], B: ["IMG_0002.xmp"]}
    sidecars.settle()


# --- the photo keeps what belongs to it -------------------------------------------------------------------------------


def test_a_moved_picture_keeps_photo_session_and_preview(three: Scene, strategy: Strategy) -> None:
    before = three.bench.session(three.record).files[three.hothash(A)]
    three.move(A, "Rome/x.jpg")
    three.look(strategy)
    after = three.bench.session(three.record).files[before.hothash]
    assert (after.photo_uuid, after.imported_at, after.facts, after.hotpreview_rendition) == (
        before.photo_uuid,
        before.imported_at,
        before.facts,
        before.hotpreview_rendition,
    )
    preview = f"{before.hothash[:2]}/{before.hothash[2:4]}/{before.hothash}.jpg"
    assert (three.root / ".imalink/hotpreviews" / preview).exists()


def test_another_machine_sees_the_moves_the_first_wrote_down(three: Scene, empty_catalog: Path) -> None:
    from imalink.workflows.recover import recover
    from imalink.workflows.recovery_candidates import find_candidates

    three.move(A, "x.jpg")
    three.look()
    with Workbench(three.folder, empty_catalog=empty_catalog, name="other") as other:
        candidates, _ = find_candidates(other.tools, [three.root])
        recover(other.tools, candidates)
        assert other.dump() == three.bench.dump()
