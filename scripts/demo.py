"""Show the main job end to end: import, make a mess of the folders, re-index, lose the catalog, recover.

Run by ``make demo``. Works in a fresh temporary directory with the installed ``imalink`` command alone; every number it
expects comes from its own bookkeeping (paths and SHA-256 of files), never from a report. Exits 1 at the first step that
is not as it must be.

Photos: ``../shared/photos`` beside the checkout, or the folder that IMALINK_SAMPLE_PHOTOS names, else generated ones.
DEMO_PHOTOS=N generates N even so. DEMO_SEED=N makes another mess. DEMO_KEEP=0 removes everything at the end.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from scripts.demo_photos import has_xmp, make_photo, make_photos, put_rating  # noqa: E402 - needs the path above

GENERATED = 60
RATED, DELETED, ADDED = 5, 2, 3
ARGUMENTS_AT_ONCE = 500

PICTURES = frozenset(
    (
        "jpg jpeg jpe jfif mpo png webp gif heic heif hif avif tif tiff jxl bmp psd arw cr2 cr3 crw dng iiq mrw nef "
        "nrw orf pef raf rw2 srw x3f mov mp4 avi mpg mts 3gp mkv"
    ).split()
)
WORDS = (
    "sommer hytta Åse fjord été Δ beach old scans Ålesund misc IMG from phone  två 東京 it's (1) final #2 100%".split(
        " "
    )
)

# What a move and a rating may change in an index entry. Everything else must stay as it was.
MOVED_KEYS = frozenset({"relative_path", "filename"})
RATED_KEYS = frozenset({"rating", "embedded", "sha256", "file_size", "file_modified"})

Json = dict[str, Any]


class DemoFailedError(Exception):
    """A step is not as it must be."""


# --- what is checked -------------------------------------------------------------------------------------------------


def require_same(what: str, found: Iterable[str], expected: Iterable[str]) -> None:
    """Fail unless both have the same members equally often."""
    counts, wanted = Counter(list(found)), Counter(list(expected))
    if counts != wanted:
        lacking, surplus = list((wanted - counts).elements()), list((counts - wanted).elements())
        raise DemoFailedError(
            f"{what}: {len(lacking)} lacking {lacking[:3]}, {len(surplus)} too many {surplus[:3]} "
            f"({wanted.total()} expected)"
        )


def require_equal(what: str, found: object, expected: object) -> None:
    """Fail unless both are the same."""
    if found != expected:
        raise DemoFailedError(f"{what}: {found!r}, expected {expected!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mess:
    """What was done to the storage's folder, all paths as in an index (``photos/…``)."""

    moved: Mapping[str, str] = field(default_factory=dict[str, str])
    rated: Mapping[str, int] = field(default_factory=dict[str, int])
    """By new path."""
    deleted: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()


def facts_by_path(session_index: Json) -> dict[str, Json]:
    """Take a session index apart: what it says of each file, and of each picture's companions, by path."""
    found: dict[str, Json] = {}
    for hothash, entry in session_index["files"].items():
        rest = {key: value for key, value in entry.items() if key not in ("copies", "companions")}
        found[entry["relative_path"]] = {"hothash": hothash, **rest}
        for part in ("copies", "companions"):
            for file in entry.get(part, ()):
                found[file["relative_path"]] = {"hothash": hothash, "part": part, **file}
    return found


def check_reindex(report: Json, mess: Mess, *, pictures: Collection[str]) -> None:
    """Compare what a re-index reports with what was done; ``pictures`` are the paths of pictures before."""
    moved = {f"{old} → {new}" for old, new in mess.moved.items() if old in pictures}
    require_same("moved", [f"{row['old_path']} → {row['new_path']}" for row in report["moved_files"]], moved)
    require_same("missing", [row["expected_path"] for row in report["missing_files"]], mess.deleted)
    require_same("newly missing", [row["expected_path"] for row in report["newly_missing"]], mess.deleted)
    require_same("new", report["new_files"], mess.added)
    require_same("edited", [row["path"] for row in report["modified_files"]], mess.rated)
    require_same("kinds of edit", {row["kind"] for row in report["modified_files"]}, {"metadata"} if mess.rated else ())


def check_facts(before: Json, after: Json, mess: Mess) -> None:
    """Compare two session indexes: the same session, each file at its new path with all it had, ratings excepted."""
    require_equal("the session", after["import_session"], before["import_session"])
    old, new = facts_by_path(before), facts_by_path(after)
    require_same("paths in the session index", new, [mess.moved.get(path, path) for path in old])
    for path, facts in old.items():
        now_at = mess.moved.get(path, path)
        now, ignored = new[now_at], MOVED_KEYS
        if path in mess.deleted:
            require_equal(f"status of {path}", now.get("status"), "missing")
            ignored |= {"status", "last_seen_at"}
        if now_at in mess.rated:
            require_equal(f"rating of {now_at}", now.get("rating"), mess.rated[now_at])
            ignored |= RATED_KEYS
        for key in sorted((facts.keys() | now.keys()) - ignored):
            require_equal(f"{key} of {path}, now at {now_at}", now.get(key), facts.get(key))


def check_unchanged(report: Json) -> None:
    """Require of a re-index that it found nothing new and read no file."""
    require_equal("changes detected", report["changes_detected"], False)
    require_equal("files read", report["files_hashed"], 0)
    for key in ("moved_files", "newly_missing", "new_files", "modified_files"):
        require_equal(key, report[key], [])


def differences(before: Any, after: Any, at: str = "") -> list[str]:
    """Tell where two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast(Json, before), cast(Json, after)
        keys = sorted(old.keys() | new.keys())
        return [line for key in keys for line in differences(old.get(key), new.get(key), f"{at}.{key}")]
    return [] if before == after else [f"{at}: was {before!s:.80}, is {after!s:.80}"]


# --- the stage -------------------------------------------------------------------------------------------------------


class Stage:
    """Where it all happens, the command that is shown, and how it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.disk = folder / "disk"
        self.disk.mkdir()
        self.command = _find_command()
        self._step = 0

    def step(self, title: str) -> None:
        self._step += 1
        print(f"\n{self._step}. {title}", flush=True)

    def done(self, text: str) -> None:
        print(f"   {_colour('✓', 32)} {text}", flush=True)

    def tell(self, text: str) -> None:
        print(f"     {text}", flush=True)

    def imalink(self, *arguments: str, exit_codes: Collection[int] = (0,)) -> Any:
        """Run the installed command and give its JSON."""
        ran = subprocess.run(
            [str(self.command), *arguments, "--json"],
            env={**os.environ, "IMALINK_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if ran.returncode not in exit_codes:
            shown = " ".join(arguments)[:200]
            raise DemoFailedError(f"`imalink {shown}` ended with {ran.returncode}:\n{ran.stderr.strip()[-2000:]}")
        return json.loads(ran.stdout)

    def whereis(self, hothashes: Iterable[str]) -> dict[str, list[Json]]:
        """Ask for every known place of each picture."""
        rows = self._ask_many("whereis", hothashes)
        return {row["hothash"]: row["locations"] for row in rows}

    def find(self, hothashes: Iterable[str]) -> dict[str, str | None]:
        """Ask for one path of each picture that can be opened now."""
        return {row["hothash"]: row["path"] for row in self._ask_many("find", hothashes)}

    def _ask_many(self, command: str, hothashes: Iterable[str]) -> list[Json]:
        wanted = sorted(hothashes)
        rows: list[Json] = []
        for at in range(0, len(wanted), ARGUMENTS_AT_ONCE):
            rows.extend(self.imalink(command, *wanted[at : at + ARGUMENTS_AT_ONCE], exit_codes=(0, 10)))
        return rows


def _find_command() -> Path:
    beside = Path(sys.executable).parent / "imalink"
    found = str(beside) if beside.exists() else shutil.which("imalink")
    if found is None:
        raise DemoFailedError("the command `imalink` is not installed; run `make env`")
    return Path(found)


def _colour(text: str, code: int) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


# --- bookkeeping -----------------------------------------------------------------------------------------------------


def sums_below(folder: Path) -> dict[str, str]:
    """Give the SHA-256 of every file below a folder, by path from it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def is_picture(path: str) -> bool:
    """Tell whether the name promises a picture; this script's own list."""
    return path.rpartition(".")[2].lower() in PICTURES


def is_jpeg(path: str) -> bool:
    """Tell whether the name promises a JPEG."""
    return path.lower().endswith((".jpg", ".jpeg"))


def counted(counts: Mapping[str, int]) -> str:
    """Spell counts, the largest first."""
    return " · ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda each: (-each[1], each)))


# --- the play --------------------------------------------------------------------------------------------------------


class Demo:
    """The steps in their order, and the little that each needs of those before."""

    def __init__(self, stage: Stage, *, chance: random.Random) -> None:
        self.stage = stage
        self.chance = chance
        self.storage: Json = {}
        self.sums: dict[str, str] = {}
        """What this script knows of the storage's folder: SHA-256 by path, kept up to date by itself."""
        self.session = 0
        self.before: Json = {}
        """The session index as the import left it."""

    def run(self) -> None:
        source = self.choose_photos()
        self.create()
        self.bring_in(source)
        mess = self.make_a_mess()
        self.reindex(mess)
        self.reindex_again()
        self.say()
        self.recover()
        require_equal("the files on the disk", sums_below(self.root / "photos"), self.sums)
        self.stage.done(f"all {len(self.sums):,} files in photos/ still hold the bytes this script knows")

    @property
    def root(self) -> Path:
        return Path(self.storage["full_path"])

    def choose_photos(self) -> Path:
        count = int(os.environ.get("DEMO_PHOTOS", "0"))
        source = Path(os.environ.get("IMALINK_SAMPLE_PHOTOS") or PROJECT.parent / "shared" / "photos")
        if count or not source.is_dir():
            source = self.stage.folder / "card"
            make_photos(source, count or GENERATED)
        return source

    def create(self) -> None:
        self.stage.step("Make a storage")
        self.storage = self.stage.imalink("storage", "create", str(self.stage.disk), "--name", "Demo disk")
        self.stage.done(f"a folder of its own: {self.storage['directory_name']}")

    def bring_in(self, source: Path) -> None:
        sums = sums_below(source)
        self.stage.step(f"Import {len(sums):,} files from {source}")
        report = self.stage.imalink(
            "import", str(source), "--storage", "Demo disk", "--title", "The demo", exit_codes=(0, 3, 4)
        )
        self.session = report["session_id"]
        self.before = self.session_index()
        self.sums = sums_below(self.root / "photos")
        formats = Counter(entry["file_format"] for entry in self.before["files"].values())
        findings = Counter(finding["code"] for finding in report["findings"])
        self.stage.tell(f"{len(self.before['files']):,} different pictures: {counted(formats)}")
        if findings:
            self.stage.tell(f"worth telling: {counted(findings)}")
        wanted = {digest for path, digest in sums.items() if is_picture(path)}
        require_same("pictures in the storage", [self.sums[path] for path in self.sums if is_picture(path)], wanted)
        require_equal("new imports", report["new_imports"], len(wanted))
        self.stage.done(f"{len(wanted):,} pictures stored, each once and byte for byte ({report['seconds']:.1f} s)")
        require_equal("the source", sums_below(source), sums)
        self.stage.done("the source is as it was")

    def make_a_mess(self) -> Mess:
        """Move and rename everything, rate some, delete two, add three, as a user with a file manager would."""
        self.stage.step("Make a mess of the folder")
        photos = self.root / "photos"
        hothashes = {path: facts["hothash"] for path, facts in facts_by_path(self.before).items()}
        files_of = Counter(hothashes.values())
        # Pictures with one file and no sidecar: only these can go missing, or be told from their twins when edited.
        single = [path for path in self.sums if files_of[hothashes[f"photos/{path}"]] == 1]
        deleted = set(self.chance.sample(single, DELETED))
        rated = self.choose_rated([path for path in single if path not in deleted])
        moved = {path: new for path, new in self.new_names().items() if path not in deleted}
        for path in deleted:
            (photos / path).unlink()
        ratings = {moved[path]: self.chance.randint(1, 5) for path in rated}
        for old, new in moved.items():
            (photos / new).parent.mkdir(parents=True, exist_ok=True)
            (photos / old).rename(photos / new)
        for new, rating in ratings.items():
            put_rating(photos / new, rating)
        added = {f"unsorted/new {number}.jpg" for number in range(ADDED)}
        for path in added:
            make_photo(photos / path, self.chance)
        for folder in sorted((each for each in photos.rglob("*") if each.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
        self.check_bytes(photos, moved, ratings, added)
        folders = len({new.rpartition("/")[0] for new in moved.values()})
        self.stage.done(
            f"{len(moved):,} files moved and renamed into {folders:,} folders, {len(ratings)} rated in the file, "
            f"{len(deleted)} deleted, {len(added)} added"
        )
        return Mess(
            moved={f"photos/{old}": f"photos/{new}" for old, new in moved.items()},
            rated={f"photos/{path}": rating for path, rating in ratings.items()},
            deleted=frozenset(f"photos/{path}" for path in deleted),
            added=frozenset(f"photos/{path}" for path in added),
        )

    def choose_rated(self, candidates: list[str]) -> list[str]:
        """Choose JPEGs without XMP whose picture data ImaLink can tell from the rest; one without a date among them."""
        facts = facts_by_path(self.before)
        photos = self.root / "photos"
        able = [
            path
            for path in candidates
            if is_jpeg(path)
            and facts[f"photos/{path}"]["hothash_method"].startswith("jpeg")
            and "embedded" not in facts[f"photos/{path}"]
            and not has_xmp(photos / path)
        ]
        self.chance.shuffle(able)
        able.sort(key=lambda path: facts[f"photos/{path}"].get("taken_at_source") != "mtime")
        if len(able) < RATED:
            raise DemoFailedError(f"only {len(able)} photos can be rated; {RATED} are needed")
        return [*able[:1], *self.chance.sample(able[1:], RATED - 1)]

    def new_names(self) -> dict[str, str]:
        """Give every file a random folder and name; only the extension stays."""
        folders = ["/".join(self.chance.sample(WORDS[:12], self.chance.randint(1, 3))).strip("/ ") for _ in range(20)]
        names: dict[str, str] = {}
        for number, path in enumerate(self.chance.sample(sorted(self.sums), len(self.sums))):
            name = f"{self.chance.choice(WORDS)} {number}".strip() + Path(path).suffix
            names[path] = f"{self.chance.choice(folders).replace('//', '/')}/{name}"
        return names

    def check_bytes(
        self, photos: Path, moved: Mapping[str, str], ratings: Mapping[str, int], added: Collection[str]
    ) -> None:
        """Bring this script's own books up to date, and see that nothing else than intended was done to the folder."""
        now = sums_below(photos)
        expected = {new: self.sums[old] for old, new in moved.items()}
        require_same("files after the mess", now, [*expected, *added])
        changed = [path for path in expected if now[path] != expected[path]]
        require_same("files with other bytes", changed, ratings)
        self.sums = now

    def reindex(self, mess: Mess) -> None:
        self.stage.step("Re-index: what happened to my photos?")
        report = self.stage.imalink("reindex", "Demo disk", exit_codes=(0, 4))
        old_facts = facts_by_path(self.before)
        check_reindex(
            report, mess, pictures={path for path, facts in old_facts.items() if facts.get("part") != "companions"}
        )
        self.stage.done(
            f"{len(report['moved_files']):,} moved pictures recognised by their picture data, "
            f"{len(mess.rated)} of them with other bytes ({report['seconds']:.1f} s)"
        )
        self.stage.done(f"missing: exactly the {len(mess.deleted)} deleted; new: exactly the {len(mess.added)} added")
        self.check_places(old_facts, mess)
        after = self.session_index()
        check_facts(self.before, after, mess)
        self.stage.done(
            f"the same session, and of each file the same capture time, camera, place and origin "
            f"({sum(len(facts) for facts in facts_by_path(after).values()):,} facts compared)"
        )
        ratings = ", ".join("★" * rating for rating in mess.rated.values())
        self.stage.done(f"the new ratings are in the index: {ratings}")

    def check_places(self, old_facts: Mapping[str, Json], mess: Mess) -> None:
        """Ask the command for every hothash and compare with where this script put its files."""
        wanted: dict[str, set[str]] = defaultdict(set)
        gone: set[str] = set()
        for path, facts in old_facts.items():
            if path in mess.deleted:
                gone.add(facts["hothash"])
            elif facts.get("part") != "companions":
                wanted[facts["hothash"]].add(str(self.root / mess.moved[path]))
        found = self.stage.find([*wanted, *gone])
        for hothash, paths in wanted.items():
            path = found[hothash]
            if path not in paths or not Path(path).is_file():
                raise DemoFailedError(f"imalink find {hothash[:12]}: {path!r}, expected one of {sorted(paths)}")
        require_same("not to be found", [hothash for hothash, path in found.items() if path is None], gone)
        for hothash, places in self.stage.whereis([*wanted, *gone]).items():
            present = [place["full_path"] for place in places if place["status"] == "present"]
            require_same(f"places of {hothash[:12]}", present, wanted.get(hothash, ()))
        self.stage.done(f"`imalink find` gives the new path of all {len(wanted):,} pictures, and none for the deleted")

    def reindex_again(self) -> None:
        self.stage.step("Re-index once more")
        report = self.stage.imalink("reindex", "Demo disk", exit_codes=(0, 4))
        check_unchanged(report)
        self.stage.done(
            f"nothing new, and not one of {report['files_seen']:,} files was read ({report['seconds']:.2f} s)"
        )

    def say(self) -> None:
        self.stage.step("Say something of two photos, and take one word back")
        files = self.session_index()["files"]
        stands = sorted(key for key, entry in files.items() if entry.get("status", "present") == "present")
        first, second = stands[0], stands[-1]
        self.stage.imalink("edit", first, "--title", "Kept for ever", "--tag", "+demo")
        self.stage.imalink("edit", second, "--title", "Taken back", "--tag", "+demo")
        require_equal("photos found by their new tag", len(self._tagged()), 2)
        self.stage.imalink("undo", "--yes")
        require_equal("titles after the undo", [row["title"] for row in self._tagged()], ["Kept for ever"])
        photos = [photo for photo in self.session_index()["photos"].values() if photo.get("title")]
        require_equal("titles in the JSON file", [photo["title"] for photo in photos], ["Kept for ever"])
        self.stage.done("found by its new tag, written into the storage's JSON beside it; the other word was undone")

    def _tagged(self) -> list[Json]:
        return self.stage.imalink("search", "tag:demo")["photos"]

    def recover(self) -> None:
        self.stage.step("Lose the catalog")
        self.check_recoverable("the storage alone would give this catalog again")
        known = self.everything_known()
        lost = [path for path in sorted(self.stage.home.iterdir()) if path.name.startswith("catalog.sqlite")]
        require_equal("a catalog file to delete", bool(lost), True)
        size = sum(path.stat().st_size for path in lost)
        for path in lost:
            path.unlink()
        require_equal("sessions known without it", self.stage.imalink("sessions", "list")["sessions"], [])
        self.stage.done(f"catalog.sqlite deleted ({size / 1e6:.1f} MB): no session is known any more")
        self.stage.step("Recover it from the storage")
        report = self.stage.imalink("recover", exit_codes=(0, 4))
        self.stage.done(
            f"{report['restored_sessions']} session, {report['restored_files']:,} files, "
            f"{report['restored_photos']:,} photos are back ({report['seconds']:.1f} s)"
        )
        now = self.everything_known()
        different = differences(known, now)
        if different:
            raise DemoFailedError("not as before:\n" + "\n".join(different[:10]))
        facts = sum(len(row) for row in known["sessions"][str(self.session)]["files"])
        self.stage.done(f"no difference: sessions, places and {facts:,} facts of files are what they were")
        self.check_recoverable("`recover --check` finds no difference either")

    def check_recoverable(self, text: str) -> None:
        report = self.stage.imalink("recover", "--check", exit_codes=(0, 4))
        require_equal("differences", report["differences"], [])
        require_equal("damaged indexes", report["corrupt_indexes"], [])
        self.stage.done(text)

    def everything_known(self) -> Json:
        """Give all that the command tells of sessions, files and places, in one form that can be compared."""
        sessions = self.stage.imalink("sessions", "list")["sessions"]
        shown = {str(row["id"]): self.stage.imalink("sessions", "show", str(row["id"])) for row in sessions}
        hothashes = {file["hothash"] for session in shown.values() for file in session["files"]}
        places = self.stage.whereis(hothashes)
        return {
            "list": sorted(sessions, key=lambda row: row["id"]),
            "sessions": shown,
            "places": {key: sorted(rows, key=lambda row: row["full_path"]) for key, rows in places.items()},
        }

    def session_index(self) -> Json:
        """Read the session index as any program could: it is a JSON file in the storage."""
        return json.loads((self.root / "imports" / f"session_{self.session}.json").read_text(encoding="utf-8"))


def main() -> int:
    """Play the demo; 1 when a step failed."""
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="imalink-demo-"))
    is_kept = os.environ.get("DEMO_KEEP", "1") != "0"
    print(f"ImaLink, start to finish, in {folder}")
    try:
        stage = Stage(folder)
        demo = Demo(stage, chance=random.Random(int(os.environ.get("DEMO_SEED", "1"))))
        demo.run()
    except DemoFailedError as error:
        print(f"   {_colour('✗', 31)} {error}\n\n{_colour('THE DEMO FAILED', 31)}. Everything is still in {folder}")
        return 1
    print(f"\nAll as it should be, in {time.monotonic() - started:.0f} s.")
    if not is_kept:
        shutil.rmtree(folder)
        print(f"{folder} was removed again.")
        return 0
    home = f"IMALINK_HOME={stage.home}"
    print(f"\nThe photos are ordinary files in\n  {demo.root / 'photos'}\nGo on with")
    for arguments in (f"sessions show {demo.session}", 'reindex "Demo disk"', "--help"):
        print(f"  {home} {stage.command} {arguments}")
    print(f"and remove it all with\n  rm -r {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
