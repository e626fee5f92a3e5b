"""What goes where: one JSON document on stdout and nothing else, talk on stderr, no name of a file raw."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.cli.progress import progress_of
from tests.support.rot import flip_bit
from tests.support.scenes import Scene, memory_folder
from tests.support.stranger import PROGRAM, Here, Stranger
from tests.support.workbench import make_source

NAME = "Blue Samsung"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path) -> Iterator[Scene]:
    """One scene for commands that change nothing."""
    with memory_folder(tmp_path_factory.mktemp("shared")) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


def commands(scene: Scene) -> dict[str, list[str | Path]]:
    """Every command there is, as one that works."""
    hothash = scene.hothash("IMG_0001.jpg")
    base = scene.folder / "another disk"
    base.mkdir(exist_ok=True)
    card = make_source(scene.folder / "new card", 2, first_seed=60)
    own = make_source(scene.folder / "own pictures", 2, first_seed=80)
    more = make_source(scene.folder / "more", 2, first_seed=90)
    lent = make_source(scene.folder / "lent", 2, first_seed=90)
    return {
        "storage create": ["storage", "create", base, "--name", "Second"],
        "storage create -n": ["storage", "create", base, "--name", "Third", "-n"],
        "storage adopt": ["storage", "adopt", own, "--name", "Own"],
        "storage list": ["storage", "list"],
        "storage show": ["storage", "show", NAME],
        "storage statistics": ["storage", "statistics", NAME],
        "storage relocate": ["storage", "relocate", "Own", own],
        "storage deactivate": ["storage", "deactivate", "Own"],
        "storage reactivate": ["storage", "reactivate", "Own"],
        "storage forget -n": ["storage", "forget", "Own", "-n"],
        "storage forget": ["storage", "forget", "Own", "--yes"],
        "import -n": ["import", card, "--storage", NAME, "--title", "Card", "-n"],
        "import": ["import", card, "--storage", NAME, "--title", "Card"],
        "import --no-copy": ["import", lent, "--no-copy", "--title", "Lent"],
        "import --no-copy -n": ["import", lent, "--no-copy", "--title", "Lent", "-n"],
        "sidecars": ["sidecars", NAME],
        "sidecars -n": ["sidecars", NAME, "-n"],
        "reindex": ["reindex", NAME],
        "reindex full": ["reindex", NAME, "--strategy", "full"],
        "reindex -n": ["reindex", NAME, "-n"],
        "export -n": ["export", "name:IMG_0001*", base, "-n"],
        "export": ["export", "name:IMG_0001*", base],
        "scan": ["scan", scene.root],
        "conflicts": ["conflicts", NAME],
        "find": ["find", hothash, hothash[:12]],
        "whereis": ["whereis", hothash],
        "search": ["search", "IMG"],
        "import --session": ["import", more, "--session", "1"],
        "sessions list": ["sessions", "list"],
        "sessions show": ["sessions", "show", "1"],
        "sessions statistics": ["sessions", "statistics"],
        "sessions resume": ["sessions", "resume", "1"],
        "sessions resume -n": ["sessions", "resume", "1", "-n"],
        "sessions edit": ["sessions", "edit", "1", "--title", "Italy"],
        "recover": ["recover"],
        "recover --check": ["recover", "--check"],
        "recover -n": ["recover", "-n"],
        "reindex quick": ["reindex", NAME, "--strategy", "quick"],
        "verify": ["verify", NAME],
        "verify quick": ["verify", NAME, "--depth", "quick", "--session", "1"],
        "verify sample": ["verify", NAME, "--depth", "sample", "--percent", "10", "--restart"],
        "heal": ["heal", NAME],
        "heal -n": ["heal", NAME, hothash, "-n"],
        "verify --heal": ["verify", NAME, "--heal"],
        "card-check": ["card-check", card],
        "regenerate": ["regenerate", NAME],
        "regenerate --session": ["regenerate", NAME, "--session", "1"],
        "browse": ["browse", scene.root],
        "hothash": ["hothash", scene.photos / "IMG_0001.jpg"],
        "explain": ["explain", scene.photos / "IMG_0002.jpg", hothash],
        "edit": ["edit", hothash, "--title", "Rome", "--tag", "+rome", "--set", "client=X"],
        "edit -n": ["edit", hothash, "--rating", "3", "-n"],
        "photos show": ["photos", "show", hothash],
        "photos join": ["photos", "join", hothash, scene.hothash("IMG_0003.jpg")],
        "photos split": ["photos", "split", hothash],
        "operations": ["operations", "--limit", "5"],
        "undo -n": ["undo", "-n"],
        "undo": ["undo", "--yes"],
        "unlock": ["unlock", NAME],
        "unlock -n": ["unlock", NAME, "-n"],
        "delete -n": ["delete", scene.photos / "IMG_0003.jpg", "-n"],
        "delete": ["delete", scene.photos / "IMG_0003.jpg", "--reason", "blurred", "--yes"],
        "sessions rollback -n": ["sessions", "rollback", "2", "-n"],
        "sessions rollback": ["sessions", "rollback", "2", "--yes"],
        "undo of a rollback": ["undo", "--yes"],
        "trash list": ["trash", "list"],
        "trash restore -n": ["trash", "restore", scene.hothash("IMG_0003.jpg"), "-n"],
        "trash restore": ["trash", "restore", scene.hothash("IMG_0003.jpg")],
        "undo of a restore": ["undo", "--yes"],
        "trash empty -n": ["trash", "empty", "-n"],
        "trash empty": ["trash", "empty", "--older-than", "30", "--yes"],
        "trash list --quarantine": ["trash", "list", "--quarantine"],
        "trash empty --quarantine": ["trash", "empty", "--quarantine", "--yes"],
        "undo of a delete": ["undo", "--yes"],
        "bench": ["bench", scene.folder, "--photos", card, "--files", "1"],
        "bench --storage": ["bench", "--storage", NAME, "--photos", card, "--files", "1"],
        "backup": ["backup", scene.folder],
        "recovery-drill": ["recovery-drill"],
        "health": ["health"],
        "config": ["config"],
        "version": ["version"],
        # Last, for no storage knows of it yet, which `recover --check` tells.
        "sessions create": ["sessions", "create", "--title", "Rome", "--storage", NAME],
    }


def test_every_command_gives_one_json_document_and_nothing_else(scene: Scene, here: Here) -> None:
    for name, command in commands(scene).items():
        said = here(*command, "--json")
        assert (name, said.code) == (name, 0), said.err
        json.loads(said.out)
        assert said.err == "", name


def test_a_restore_gives_one_json_document_and_talks_to_people(scene: Scene, here: Here) -> None:
    backup = json.loads(here("backup", scene.folder, "--json").out)["folder"]
    for command in (["restore", backup, "-n"], ["restore", backup, "--yes"]):
        said = here(*command, "--json")
        assert (said.code, said.err) == (0, "")
        json.loads(said.out)
        said = here(*command)
        assert (said.code, said.out != "") == (0, True), said.err


@pytest.mark.parametrize("is_json", [True, False])
def test_accounts_give_one_json_document_and_talk_to_people(scene: Scene, here: Here, is_json: bool) -> None:
    how = ["--json"] if is_json else []
    password = "correct horse battery\n"
    steps: list[tuple[list[str], str]] = [
        (["user", "list"], ""),
        (["user", "add", "ada"], password),
        (["user", "add", "bob", "--role", "editor"], password),
        (["user", "edit", "bob", "--role", "read-only", "--password"], "another good one\n"),
        (["user", "list"], ""),
        (["token", "list"], ""),
        (["token", "add", "a script", "--user", "bob"], ""),
        (["token", "list"], ""),
        (["audit", "--limit", "3"], ""),
    ]
    for command, typed in steps:
        said = here(*command, *how, stdin=typed)
        assert (command, said.code) == (command, 0), said.err
        assert said.out != ""
        if is_json:
            json.loads(said.out)
            assert said.err == "", command
        assert "battery" not in said.out + said.err
    [token] = here("token", "list", "--json").json["tokens"]
    for command in (["token", "revoke", token["token_id"]], ["user", "remove", "bob"], ["user", "remove", "ada", "-y"]):
        said = here(*command, *how)
        assert (said.code, said.out != "") == (0, True), said.err
        assert not is_json or json.loads(said.out)
    assert len(here("audit", "--json").json["events"]) == 8


@pytest.mark.exiftool
def test_enrich_gives_one_json_document_and_talks_to_people(scene: Scene, here: Here) -> None:
    said = here("enrich", NAME, "--json")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out)["files_enriched"] == 0
    said = here("enrich", NAME)
    assert (said.code, said.err) == (0, "")
    assert "ExifTool" in said.out


def test_the_installed_command_gives_one_json_document_and_nothing_else(scene: Scene, imalink: Stranger) -> None:
    wanted = commands(scene)
    for name in ("storage list", "import", "recover --check", "hothash"):
        said = imalink(*wanted[name], "--json")
        assert (name, said.code) == (name, 0), said.err
        json.loads(said.out)
        assert said.err == "", name


def test_the_list_of_commands_here_is_whole() -> None:
    from imalink.cli.main import cli

    names = set[str]()
    for name, command in cli.commands.items():
        below = getattr(command, "commands", None)
        names |= {f"{name} {each}" for each in below} if below else {name}
    # `serve` runs until it is stopped, and is tried in test_serve.py; `restore` and what is about accounts in tests of
    # their own above.
    known = (
        "storage create,storage adopt,storage list,storage show,storage statistics,storage relocate,"
        "storage deactivate,storage reactivate,storage forget,"
        "import,reindex,scan,conflicts,verify,heal,card-check,find,whereis,search,export,sessions list,"
        "sessions create,sessions show,sessions edit,sessions resume,sessions rollback,sessions statistics,"
        "serve,user add,user edit,user list,user remove,token add,token list,token revoke,audit,"
        "health,sidecars,recover,regenerate,backup,restore,recovery-drill,enrich,browse,hothash,"
        "explain,edit,unlock,delete,trash list,trash restore,trash empty,"
        "photos show,photos join,photos split,operations,undo,bench,config,version"
    )
    assert names == set(known.split(",")), "a command without a test in this file"


def test_the_same_commands_talk_to_people(scene: Scene, here: Here) -> None:
    for name, command in commands(scene).items():
        said = here(*command)
        assert (name, said.code) == (name, 0), said.err
        assert said.out != "", name


def test_quiet_says_nothing_when_all_is_well(scene: Scene, here: Here) -> None:
    card = make_source(scene.folder / "card", 2, first_seed=70)
    for command in (["import", card, "--storage", NAME, "--title", "T"], ["reindex", NAME], ["recover"]):
        said = here(*command, "-q")
        assert (said.code, said.out, said.err) == (0, "", "")


def test_quiet_still_says_errors(here: Here) -> None:
    said = here("reindex", "nowhere", "-q")
    assert (said.code, said.out) == (10, "")
    assert "nowhere" in said.err


def test_verbose_names_every_file(scene: Scene, here: Here) -> None:
    card = make_source(scene.folder / "card", 2, first_seed=70)
    said = here("import", card, "--storage", NAME, "--title", "T", "-v")
    assert "IMG_0070.jpg" in said.out
    assert "IMG_0071.jpg" in said.out


def test_findings_go_to_stderr_and_into_the_json(scene: Scene, here: Here) -> None:
    card = make_source(scene.folder / "card", 1, first_seed=70)
    (card / "notes.txt").write_text("x")
    said = here("import", card, "--storage", NAME, "--title", "T", "-n")
    assert said.code == 4
    assert "notes.txt" in said.err
    assert "notes.txt" not in said.out
    said = here("import", card, "--storage", NAME, "--title", "T", "-n", "--json")
    assert [finding["code"] for finding in said.json["findings"]] == ["not-a-picture"]
    assert said.err == ""


def test_after_an_error_stdout_is_empty(here: Here) -> None:
    for command in (["whereis", "00000000"], ["reindex", "nowhere"], ["import", "/nowhere", "--storage", NAME]):
        said = here(*command, "--json")
        assert said.out == ""
        assert said.err != ""


def test_json_of_an_import_adds_up(scene: Scene, here: Here) -> None:
    card = make_source(scene.folder / "card", 3, first_seed=2)
    (card / "IMG_0004.xmp").write_text("<x/>")
    (card / "notes.txt").write_text("x")
    report = here("import", card, "--storage", NAME, "--title", "T", "--json").json
    assert (report["new_imports"], report["duplicates_skipped"], report["companions"], report["ignored"]) == (
        1,
        2,
        1,
        1,
    )
    parts = ("new_imports", "duplicates_skipped", "companions", "errors", "ignored")
    assert report["total_scanned"] == sum(report[part] for part in parts) == 5
    assert (report["session_id"], report["status"]) == (2, "completed-with-findings")


def test_json_of_a_reindex_has_what_scripts_rely_on(scene: Scene, here: Here) -> None:
    hothash = scene.hothash("IMG_0001.jpg")
    scene.move("IMG_0001.jpg", "Rome/x.jpg")
    (scene.photos / "IMG_0002.jpg").unlink()
    scene.add("new.jpg", seed=99)
    report = here("scan", NAME, "--json").json
    assert report["moved_files"] == [
        {"hothash": hothash, "old_path": "photos/IMG_0001.jpg", "new_path": "photos/Rome/x.jpg", "session_id": 1}
    ]
    assert [each["expected_path"] for each in report["missing_files"]] == ["photos/IMG_0002.jpg"]
    assert report["new_files"] == ["photos/new.jpg"]
    assert [each["type"] for each in report["conflicts"]] == ["missing_file", "orphan_file"]
    assert (report["strategy"], report["changes_detected"], report["removed_files"]) == ("smart", True, [])
    assert {"modified_files", "duplicates", "files_hashed", "seconds"} < report.keys()


def test_a_removed_file_and_its_return_are_told(scene: Scene, here: Here) -> None:
    kept = (scene.photos / "IMG_0002.jpg").rename(scene.folder / "kept.jpg")
    said = here("reindex", NAME, "--remove-missing")
    assert "1 file missing and taken out of the index:\n  photos/IMG_0002.jpg" in said.out
    kept.rename(scene.photos / "back.jpg")
    out = here("reindex", NAME).out
    [conflict] = here("reindex", NAME, "--json").json["conflicts"]
    assert (conflict["type"], conflict["path"]) == ("orphan_file", "photos/back.jpg")
    assert f"photos/back.jpg (deleted {conflict['deleted_at'][:10]})" in out


def test_a_move_that_is_only_reported_is_a_conflict(scene: Scene, here: Here) -> None:
    hothash = scene.hothash("IMG_0001.jpg")
    scene.move("IMG_0001.jpg", "Rome/x.jpg")
    said = here("reindex", NAME, "--no-fix-paths", "--no-orphan-hash", "--no-duplicates")
    assert (said.code, "photos/IMG_0001.jpg → photos/Rome/x.jpg" in said.out) == (4, True)
    report = here("reindex", NAME, "--no-fix-paths", "--json").json
    assert report["moved_files"] == []
    [conflict] = report["conflicts"]
    assert conflict["conflict_id"].startswith("path-")
    assert [action["command"].split()[1] for action in conflict["actions"]] == ["reindex"]
    told = {key: conflict[key] for key in ("type", "hothash", "expected_path", "path")}
    assert told == {
        "type": "path_mismatch",
        "hothash": hothash,
        "expected_path": "photos/IMG_0001.jpg",
        "path": "photos/Rome/x.jpg",
    }
    assert here("reindex", NAME, "--no-orphan-hash", "--add-orphans").code == 2


def test_findings_of_a_kind_stand_together_and_do_not_bury_the_others(scene: Scene, here: Here) -> None:
    card = make_source(scene.folder / "card", 1, first_seed=70)
    for number in range(30):
        (card / f"link {number:02}").symlink_to("nowhere")
    (card / "zz notes.txt").write_text("x")
    said = here("import", card, "--storage", NAME, "--title", "T", "-n")
    assert said.err.count("! link ") == 5
    assert "… and 25 more like these" in said.err
    assert "zz notes.txt" in said.err
    assert here("import", card, "--storage", NAME, "--title", "T", "-n", "-v").err.count("! link ") == 30


# --- names that would harm a terminal --------------------------------------------------------------------------------

NASTY = "\x1b[31mred\x07\r\n\u202egpj.exe\u200b\x7f\x9b\U000e0041.jpg"


@pytest.mark.parametrize("flags", [[], ["-v"], ["--json"]], ids=str)
def test_no_control_character_of_a_name_reaches_the_terminal(scene: Scene, here: Here, flags: list[str]) -> None:
    card = make_source(scene.folder / "card", 1, first_seed=70)
    (card / "IMG_0070.jpg").rename(card / NASTY)
    (card / (NASTY + ".txt")).write_text("x")
    scene.move("IMG_0001.jpg", "a\nb\x1b]0;title\x07.jpg")
    hothash = scene.hothash("a\nb\x1b]0;title\x07.jpg")
    (scene.photos / "IMG_0002.jpg").rename(scene.photos / os.fsdecode(b"caf\xe9\x9b.jpg"))
    for command in (
        ["import", card, "--storage", NAME, "--title", "\x1b[2Jtitle", "-n"],
        ["import", card, "--storage", NAME, "--title", "\x1b[2Jtitle"],
        ["reindex", NAME],
        ["conflicts", NAME],
        ["sessions", "list"],
        ["sessions", "show", "1"],
        ["sessions", "show", "2"],
        ["find", hothash],
        ["whereis", hothash],
        ["browse", scene.root, "--session", "1"],
        ["search", "a"],
        ["recover", "--check"],
        ["hothash", scene.photos / "a\nb\x1b]0;title\x07.jpg"],
        ["hothash", scene.photos / "not\x1bthere.jpg"],
        ["import", scene.folder / "no\x1bcard", "--storage", NAME, "--title", "T"],
        ["reindex", "no\x1bstorage"],
    ):
        said = here(*command, *flags)
        for text in (said.out, said.err):
            bad = {character for character in text if not character.isprintable()} - {"\n"}
            assert bad == set(), command


# --- colour and terminals --------------------------------------------------------------------------------------------


def on_a_terminal(home: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run it with stderr (and stdin) on a terminal; give its code and what the terminal got."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        env={**os.environ, "IMALINK_HOME": str(home), "TERM": "xterm", **environment},
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # a terminal whose last user has gone answers EIO
    finally:
        os.close(ours)
    return process.wait(), shown.decode()


def test_errors_are_red_on_a_terminal(shared: Scene) -> None:
    code, shown = on_a_terminal(shared.bench.home, "reindex", "nowhere", NO_COLOR="")
    assert (code, "\x1b[31mError" in shown) == (10, True)


def test_no_color_is_respected(shared: Scene) -> None:
    code, shown = on_a_terminal(shared.bench.home, "reindex", "nowhere", NO_COLOR="1")
    assert (code, "\x1b" in shown, "Error" in shown) == (10, False, True)


def test_help_names_every_command(shared: Scene) -> None:
    said = Stranger(shared.bench.home)("--help")
    assert said.code == 0
    for name in ("storage", "import", "reindex", "scan", "find", "whereis", "sessions", "recover", "hothash"):
        assert f"  {name} " in said.out


def test_help_loads_no_heavy_module(tmp_path: Path) -> None:
    program = (
        "import sys\nsys.argv = ['imalink', '--help']\nfrom imalink.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "IMALINK_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(done.stderr.split())
    assert "imalink.cli.main" in loaded
    assert loaded.isdisjoint({"sqlalchemy", "alembic", "msgspec", "PIL", "pyvips", "rich", "platformdirs", "asyncio"})
    assert not (tmp_path / "home").exists()


def test_output_cut_off_by_its_reader_is_no_traceback(shared: Scene) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; '{PROGRAM}' sessions show 1 --json | head -c 1 >/dev/null"],
        env={**os.environ, "IMALINK_HOME": str(shared.bench.home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_people_are_told_to_keep_a_source_of_which_not_everything_is_archived_and_why(scene: Scene, here: Here) -> None:
    card = make_source(scene.folder / "mixed card", 2, first_seed=70)
    (card / "notes.txt").write_text("ideas")
    (card / "broken.jpg").write_bytes(b"")
    said = here("import", card, "--storage", NAME, "--title", "Mixed")
    assert "no longer needed" not in said.out
    assert "Warning: keep the source. Not everything in it is proved to be archived: 2 files stayed there." in said.err

    whole = make_source(scene.folder / "whole card", 2, first_seed=80)
    said = here("import", whole, "--storage", NAME, "--title", "Whole")
    assert "The source directory is no longer needed." in said.out
    assert "keep the source" not in said.err


@pytest.mark.parametrize(
    ("command", "phase"),
    [
        (["verify", NAME], "Verifying"),
        (["reindex", NAME, "--strategy", "full"], "Comparing"),
        (["heal", NAME], "Healing"),
        (["import", "CARD", "--storage", NAME, "--title", "T"], "Copying"),
        (["import", "CARD", "--storage", NAME, "--title", "T"], "Reading"),
        (["delete", "FILE", "-n"], "Comparing"),
    ],
)
def test_every_long_phase_tells_files_bytes_speed_and_time_left_now_and_then(
    scene: Scene, here: Here, monkeypatch: pytest.MonkeyPatch, command: list[str], phase: str
) -> None:
    card = make_source(scene.folder / "a card", 3, first_seed=70)
    monkeypatch.setattr("imalink.cli.progress._LINE_SECONDS", 0.0)
    monkeypatch.setattr("imalink.core.progress._MIN_SECONDS", 0.0)
    flip_bit(scene.photos / "IMG_0001.jpg")
    if phase == "Healing":
        assert here("verify", NAME).code == 4
    places = {"CARD": card, "FILE": scene.photos / "IMG_0002.jpg"}
    words = [places.get(each, each) for each in command]
    told = re.compile(rf"^{phase}: \d+ of \d+ files, [\d.]+ \w+, [\d.]+ \w+/s, [\d.]+ \w+ left \(.+\)$", re.MULTILINE)
    said = here(*words)
    assert told.search(said.err), said.err
    assert phase not in said.out
    quiet = here(*words, "--json", "-q")
    assert phase not in quiet.err


def test_progress_is_told_a_line_every_few_seconds_and_no_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr("imalink.cli.progress.time.monotonic", lambda: now)
    with progress_of(is_quiet=False) as progress:
        progress.start_phase("verify", total_files=1000, total_bytes=1_000_000)
        for _ in range(1000):
            now += 1 / 32
            progress.advance(files=1, size_bytes=1000, current="a.jpg")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Verifying: 160 of 1,000 files, 160.0 kB, 32.0 kB/s, 26 s left (a.jpg)"
    assert len(lines) == 6
