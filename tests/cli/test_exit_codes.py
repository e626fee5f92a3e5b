"""Every exit code of the table, by the installed command or by the same `main` in this process."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.cli.main import main
from imalink.storage.syscalls import SystemCalls
from tests.support.scenes import Scene
from tests.support.stranger import Said, Stranger
from tests.support.workbench import make_source, snapshot

NAME = "Blue Samsung"
Run = Callable[..., Said]


@pytest.fixture
def run(scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("IMALINK_HOME", os.fspath(scene.bench.home))

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["imalink", *[os.fspath(each) for each in arguments]])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return Said(code=end.value.code, out=(said := capsys.readouterr()).out, err=said.err)

    return run


# --- 1, 2, 3, 4, 10 --------------------------------------------------------------------------------------------------


def test_a_database_that_cannot_be_opened_is_1(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "no.sqlite").write_bytes(b"this is no database, however long one looks at it" * 100)
    monkeypatch.setenv("IMALINK_DATABASE_URL", f"sqlite:///{tmp_path / 'no.sqlite'}")
    said = run("storage", "list")
    assert said.code == 1
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "words",
    [
        ["import"],
        ["nonsense"],
        ["reindex", NAME, "--strategy", "psychic"],
        ["find", "xyz"],
        ["find", "abc"],
        ["storage", "create", "/nowhere/at/all", "--name", "N"],
        ["storage", "create", "/tmp", "--name", "  "],
        ["storage", "create", "/tmp", "--name", NAME],
        ["sessions", "show", "first"],
        ["photos", "join", "abc"],
        ["photos", "split", "xyz"],
    ],
    ids=" ".join,
)
def test_a_request_that_makes_no_sense_is_2(run: Run, words: list[str]) -> None:
    assert run(*words).code == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--duplicates", "replace"],
        ["--duplicates", "keep-both"],
        ["--duplicates", "ask"],
        ["--include-deleted"],
        ["--organize", "date"],
        ["--storage", NAME],
    ],
)
def test_an_option_that_means_nothing_without_copying_is_2_and_nothing_is_remembered(
    run: Run, scene: Scene, options: list[str]
) -> None:
    lent = make_source(scene.folder / "lent", 1, first_seed=50)
    said = run("import", lent, "--no-copy", "--title", "Lent", *options)
    assert said.code == 2 and options[0] in said.err
    assert len(run("storage", "list", "--json").json) == 1


def test_importing_the_storage_into_itself_is_2(run: Run, scene: Scene) -> None:
    for source in (scene.root, scene.photos, scene.bench.disk):
        assert run("import", source, "--storage", NAME, "--title", "T").code == 2


def test_a_source_file_that_cannot_be_read_is_3_and_the_rest_comes_in(
    run: Run, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = make_source(scene.folder / "card", 3, first_seed=60)
    open_read = SystemCalls.open_read

    def refuse_one(self: SystemCalls, directory: int, name: str) -> int:
        if name == "IMG_0061.jpg":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open_read(self, directory, name)

    monkeypatch.setattr(SystemCalls, "open_read", refuse_one)
    said = run("import", card, "--storage", NAME, "--title", "T")
    assert (said.code, "IMG_0061.jpg" in said.err) == (3, True)
    assert sorted(path.name for path in scene.photos.iterdir())[3:] == ["IMG_0060.jpg", "IMG_0062.jpg"]


def test_a_file_of_several_that_is_not_there_is_3(run: Run, scene: Scene) -> None:
    assert run("hothash", scene.photos / "IMG_0001.jpg", "/nowhere.jpg").code == 3


def test_findings_are_4(run: Run, scene: Scene) -> None:
    (scene.photos / "IMG_0001.jpg").unlink()
    assert run("reindex", NAME).code == 4
    assert run("reindex", NAME).code == 4
    assert run("recover", "--check").code == 4


def test_conflicts_that_wait_for_a_choice_are_4_and_say_what_can_be_done(run: Run, scene: Scene) -> None:
    assert run("conflicts", NAME).out.startswith("No conflicts")
    (scene.photos / "IMG_0001.jpg").unlink()
    scene.add("new.jpg", 50)
    scene.add("rome/IMG_0002.jpg", 51)
    assert "imalink conflicts" in run("reindex", NAME).out
    said = run("conflicts", NAME)
    assert said.code == 4
    for words in ("1 file missing:", "2 files in no session:", "--remove-missing", "--add-orphans"):
        assert words in said.out
    assert run("reindex", NAME, "--add-orphans", "--remove-missing", "-q").code == 0
    said = run("conflicts", NAME)
    assert (said.code, said.out.splitlines()[0]) == (0, "1 name of several pictures:")
    assert "photos/IMG_0002.jpg, photos/rome/IMG_0002.jpg" in said.out
    assert run("conflicts", "nowhere").code == 10
    scene.root.rename(scene.folder / "away")
    assert run("conflicts", NAME).code == 12


def test_a_check_with_a_storage_unplugged_is_0_and_says_what_it_left_out(run: Run, scene: Scene) -> None:
    green = scene.bench.create("Green")
    scene.bench.import_(green, make_source(scene.folder / "own", 2, first_seed=70))
    scene.bench.root(green).rename(scene.folder / "away")
    said = run("recover", "--check", "--json")
    assert (said.code, said.json["differences"], said.json["findings"]) == (0, [], [])
    assert said.json["not_compared"] == [
        {
            "storage_uuid": green.storage_uuid,
            "display_name": "Green",
            "photos": 2,
            "files": 2,
            "status": "storage-offline",
            "reason": said.json["not_compared"][0]["reason"],
        }
    ]
    said = run("recover", "--check")
    assert said.code == 0
    assert "Not compared: Green, with 2 photos in 2 files." in said.out
    assert "No difference in what could be compared" in said.out
    assert run("recover", "--yes").code == 4


def test_too_many_missing_files_are_4_until_accepted(run: Run, scene: Scene) -> None:
    scene.import_pictures(10, first_seed=20)
    for path in scene.photos.iterdir():
        path.unlink()
    said = run("reindex", NAME)
    assert (said.code, "--accept-missing" in said.err) == (4, True)
    assert run("find", *scene.bench.master(scene.record).files).code == 10
    said = run("reindex", NAME, "--accept-missing", "--json")
    assert (said.code, len(said.json["newly_missing"])) == (4, 13)


@pytest.mark.parametrize(
    "words",
    [
        ["reindex", "no such storage"],
        ["find", "0123456789abcdef"],
        ["photos", "split", "0123456789abcdef"],
        ["explain", "/nowhere.jpg", "/nowhere.jpg"],
        ["explain", "0123456789abcdef", "/nowhere.jpg"],
        ["sessions", "show", "77"],
        ["import", "/nowhere/at/all", "--storage", NAME, "--title", "T"],
        ["recover", "/nowhere/at/all"],
        ["hothash", "/nowhere.jpg"],
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_10(run: Run, words: list[str]) -> None:
    assert run(*words).code == 10


# --- names and beginnings of names -----------------------------------------------------------------------------------


def test_a_storage_goes_by_name_uuid_beginning_and_path(run: Run, scene: Scene) -> None:
    uuid = scene.record.storage_uuid
    for name in (NAME, uuid, uuid[:8], uuid.upper(), scene.root, f"{scene.root}/"):
        said = run("storage", "show", name, "--json")
        assert (name, said.code) == (name, 0), said.err
        assert said.json["storage_uuid"] == uuid


def test_a_beginning_that_fits_two_storages_names_both(run: Run, scene: Scene) -> None:
    shared = scene.record.storage_uuid[:8]
    twin = shared + "-0000-4000-8000-000000000000"
    scene.bench.tools = replace(scene.bench.tools, new_uuid=lambda: twin)
    scene.bench.create("Other disk")
    said = run("reindex", shared)
    assert said.code == 2
    assert "Other disk" in said.err
    assert NAME in said.err


def test_a_hothash_goes_by_eight_digits_in_any_case(run: Run, scene: Scene) -> None:
    hothash = scene.hothash("IMG_0002.jpg")
    for name in (hothash, hothash[:8], hothash[:9].upper()):
        said = run("find", name, "--json")
        assert said.json == [{"hothash": hothash, "path": str(scene.photos / "IMG_0002.jpg")}]
    assert run("find", hothash[:7]).code == 2


def test_an_unknown_picture_keeps_no_known_one_from_being_printed(run: Run, scene: Scene) -> None:
    first, second = (scene.hothash(f"IMG_000{number}.jpg") for number in (1, 2))
    said = run("find", first, "00000000", second)
    assert said.code == 10
    assert said.out.splitlines() == [str(scene.photos / "IMG_0001.jpg"), str(scene.photos / "IMG_0002.jpg")]
    assert "00000000" in said.err
    said = run("find", first, "00000000", "--json")
    assert said.code == 10
    assert said.json == [
        {"hothash": first, "path": str(scene.photos / "IMG_0001.jpg")},
        {"hothash": "00000000", "path": None},
    ]


def test_a_beginning_that_fits_two_pictures_names_both(run: Run, scene: Scene) -> None:
    hothashes: list[str] = []
    for number in (4638, 113870):
        data = b"picture %d" % number  # no picture at all, so that its SHA-256 is its hothash
        scene.folder.joinpath("odd").mkdir(exist_ok=True)
        (scene.folder / "odd" / f"{number}.jpg").write_bytes(data)
        hothashes.append(hashlib.sha256(data).hexdigest())
    scene.import_(scene.folder / "odd", "Odd")
    assert hothashes[0][:8] == hothashes[1][:8]
    said = run("find", hothashes[0][:8])
    assert said.code == 2
    assert all(hothash[:16] in said.err for hothash in hothashes)
    assert [run("find", hothash[:16], "--json").json[0]["hothash"] for hothash in hothashes] == hothashes


# --- 11: somebody else works there -----------------------------------------------------------------------------------


def test_a_storage_that_another_process_works_on_is_11(scene: Scene) -> None:
    imalink = Stranger(scene.bench.home)
    card = make_source(scene.folder / "card", 1, first_seed=60)
    with scene.bench.open(scene.record) as storage, storage.lock("a long import"):
        for command in (["reindex", NAME], ["import", card, "--storage", NAME, "--title", "T"]):
            said = imalink(*command)
            assert said.code == 11
            assert "a long import" in said.err
        assert imalink("find", scene.hothash("IMG_0001.jpg")).code == 0
    assert imalink("reindex", NAME).code == 0


# --- 12: the disk is not there ---------------------------------------------------------------------------------------


@pytest.fixture(params=["nothing", "an empty folder", "a folder of others", "another storage", "a file"])
def unplugged(scene: Scene, request: pytest.FixtureRequest) -> Scene:
    """The storage is away, and something else may be at its place."""
    scene.root.rename(scene.folder / "away")
    match request.param:
        case "an empty folder":
            scene.root.mkdir()
        case "a folder of others":
            make_source(scene.root / "photos", 2, first_seed=80)
        case "another storage":
            other = scene.bench.create("Red disk")
            scene.bench.root(other).rename(scene.root)
        case "a file":
            scene.root.write_bytes(b"x")
        case _:
            pass
    return scene


def plug_in(scene: Scene) -> None:
    if scene.root.is_dir():
        shutil.rmtree(scene.root)
    elif scene.root.exists():
        scene.root.unlink()
    (scene.folder / "away").rename(scene.root)


def test_an_unplugged_storage_is_offline_and_nothing_is_written_at_its_place(unplugged: Scene, run: Run) -> None:
    card = make_source(unplugged.folder / "card", 1, first_seed=60)
    hothashes = [line for line in unplugged.bench.dump() if '"kind":"location"' in line]
    before = snapshot(unplugged.bench.disk)
    uuid = unplugged.record.storage_uuid
    for command in (
        ["reindex", uuid],
        ["reindex", uuid, "--strategy", "full", "--accept-missing"],
        ["reindex", uuid, "-n"],
        ["import", card, "--storage", uuid, "--title", "T"],
        ["import", card, "--storage", uuid, "--title", "T", "-n"],
    ):
        said = run(*command)
        assert (command, said.code) == (command, 12)
    status = run("storage", "show", uuid, "--json").json
    assert (status["is_accessible"], status["status"] in ("storage-offline", "storage-foreign")) == (False, True)
    assert run("storage", "list").code == 0
    assert run("sessions", "show", "1").code == 0
    assert len(run("search", "IMG", "--json").json["photos"]) == 3
    assert [line for line in unplugged.bench.dump() if '"kind":"location"' in line] == hothashes
    assert snapshot(unplugged.bench.disk) == before


def test_a_picture_of_an_unplugged_storage_is_offline_not_missing(unplugged: Scene, run: Run) -> None:
    hothash = first_hothash(unplugged)
    assert run("find", hothash).code == 10
    [found] = run("whereis", hothash, "--json").json
    assert [place["status"] for place in found["locations"]] == ["offline"]


def first_hothash(scene: Scene) -> str:
    return next(found["hothash"] for line in scene.bench.dump() if (found := json.loads(line))["kind"] == "location")


def test_a_storage_plugged_in_again_works_as_before(unplugged: Scene, run: Run) -> None:
    run("reindex", unplugged.record.storage_uuid)
    plug_in(unplugged)
    said = run("reindex", unplugged.record.storage_uuid, "--json")
    assert (said.code, said.json["changes_detected"]) == (0, False)
    assert run("find", first_hothash(unplugged)).code == 0
    unplugged.settle()


def test_recovery_without_any_storage_plugged_in_says_so(unplugged: Scene, run: Run) -> None:
    said = run("recover")
    assert said.code in (4, 10)
    assert "Traceback" not in said.err


# --- strangers -------------------------------------------------------------------------------------------------------


def test_a_storage_nobody_trusts_yet_needs_a_yes(scene: Scene, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMALINK_HOME", str(scene.folder / "new home"))
    said = run("recover", scene.root)
    assert said.code == 2
    assert "--yes" in said.err
    assert run("sessions", "list", "--json").json == {"sessions": []}
    assert run("storage", "list", "--json").json == {"storages": []}
    assert run("recover", scene.root, "--check").code in (0, 4)
    recovered = run("recover", scene.root, "--yes")
    assert recovered.code == 0
    assert "Accounts and tokens are in no storage" in recovered.out
    assert "Accounts" not in run("recover", scene.root, "--check").out
    assert len(run("sessions", "list", "--json").json["sessions"]) == 1
    assert run("recover", scene.root).code == 0
