"""An independent judge of a storage folder: the standard library only, nothing of the product.

Each check gives a list of violations in words; an empty list is a pass. The numbers I1 … I14 are those of
docs/reference/testing.md. What session indexes should say is worked out by ``oracle_fold`` beside it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.crash.oracle_fold import UnjudgedError, entries_by_hothash, fold_differences

Facts = tuple[int, int, str]
"""Size, time and SHA-256 of a file."""

Document = dict[str, Any]
LOCK = ".imalink-storage.lock"
STAGING = ".imalink/staging"
KEEPING = (".imalink-trash", ".imalink/quarantine")


class Shape(NamedTuple):
    """Where a layout has its files; ``photos`` is empty where the pictures stand in the folder itself."""

    overview: str
    sessions: str
    master: str
    photos: str


HYBRID = Shape("index.json", "imports", "imalink-master.json", "photos")
INDEXED = Shape(".imalink/overview.json", "imalink-sessions", "imalink-master.json", "")


@dataclass(frozen=True)
class Place:
    """One storage: the folder of ImaLink's own files, and that of the pictures where it is another."""

    root: Path
    apart: Path | None = None

    @property
    def shape(self) -> Shape:
        return HYBRID if (self.root / HYBRID.sessions).is_dir() else INDEXED

    @property
    def base(self) -> Path:
        """The folder that paths in indexes are relative to."""
        return self.apart or self.root

    def pictures(self) -> dict[str, Facts]:
        """Every file of the user's, by its path as indexes spell it."""
        folder = self.shape.photos
        return {
            f"{folder}/{name}" if folder else name: facts
            for name, facts in tree(self.base / folder).items()
            if folder or not name.startswith((".imalink", "imalink-"))
        }

    def sessions(self, leaves_out: Container[str] = ()) -> dict[str, Document]:
        folder = self.root / self.shape.sessions
        paths = [path for path in sorted(folder.glob("*")) if path.name not in leaves_out]
        return {path.name: json.loads(path.read_bytes()) for path in paths}

    def document(self, name: str) -> Document:
        return json.loads((self.root / name).read_bytes())


@dataclass(frozen=True)
class Before:
    """What there was before the operation: the card, the pictures, and which of these stood in no index."""

    card: Mapping[str, Facts]
    pictures: Mapping[str, Facts] = field(default_factory=dict[str, Facts])
    own: frozenset[str] = frozenset()
    damaged: Mapping[str, Facts] = field(default_factory=dict[str, Facts])
    """Index files that were no good then, by their names."""
    kept: frozenset[str] = frozenset()
    """The checksums of what else may stand anywhere afterwards."""
    trashed: frozenset[str] = frozenset()
    quarantined: frozenset[str] = frozenset()
    """The checksums of what stands in trash and quarantine."""
    is_replacing: bool = False
    """Files of the card may take the place of those that stand there."""
    may_go: frozenset[str] = frozenset()
    """The checksums of what was named to be removed for good."""

    @classmethod
    def with_own(cls, card: Mapping[str, Facts], own: Mapping[str, Facts]) -> Before:
        """An empty storage in whose ``photos/`` these files of the user's stand."""
        pictures = {f"{HYBRID.photos}/{name}": facts for name, facts in own.items()}
        return cls(card, pictures, frozenset(pictures))

    def whole(self) -> set[str]:
        """The checksums of all whole pictures that there are."""
        return {facts[2] for facts in (*self.card.values(), *self.pictures.values())} | self.kept


def look(
    place: Place, card: Mapping[str, Facts], *, is_replacing: bool = False, may_go: frozenset[str] = frozenset()
) -> Before:
    """See what there is before an operation; what no index names is the user's own, unless the card has it."""
    pictures = place.pictures() if place.root.is_dir() else {}
    damaged, own = dict[str, Facts](), set[str]()
    if (place.root / ".imalink-storage").exists():
        damaged = {path.name: facts_of(path) for path in _documents(place) if list(_check_document(path))}
        known = indexed_files(place, leaves_out=damaged)
        on_card = {facts[2] for facts in card.values()}
        own = {name for name, facts in pictures.items() if known and name not in known and facts[2] not in on_card}
    trashed, quarantined = (kept_sums(place, [folder]) for folder in KEEPING)
    return Before(
        card=card,
        pictures=pictures,
        own=frozenset(own),
        damaged=damaged,
        kept=trashed | quarantined,
        trashed=trashed,
        quarantined=quarantined,
        is_replacing=is_replacing,
        may_go=may_go,
    )


def kept_sums(place: Place, folders: Iterable[str] = KEEPING) -> frozenset[str]:
    """The checksums of what stands in trash and quarantine, or in one of them."""
    return frozenset(facts[2] for folder in folders for facts in tree(place.root / folder).values())


def sums_of(place: Place, hothashes: Iterable[str]) -> frozenset[str]:
    """The checksums of all files of these pictures: of copies and companions too."""
    files = place.document(place.shape.master)["files"]
    entries = [files[hothash] for hothash in hothashes]
    records = [record for each in entries for record in (each, *each.get("copies", ()), *each.get("companions", ()))]
    return frozenset(record["sha256"] for record in records)


def facts_of(path: Path) -> Facts:
    found = path.lstat()
    return found.st_size, found.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()


def tree(folder: Path) -> dict[str, Facts]:
    """Every regular file below a folder."""
    found: dict[str, Facts] = {}
    waiting = [(os.fspath(folder), "")]
    while waiting:
        at, prefix = waiting.pop()
        try:
            entries = list(os.scandir(at))
        except FileNotFoundError:
            continue
        for entry in entries:
            name = prefix + os.fsencode(entry.name).decode("utf-8", "surrogateescape")
            if entry.is_dir(follow_symlinks=False):
                waiting.append((entry.path, f"{name}/"))
            elif entry.is_file(follow_symlinks=False):
                found[name] = facts_of(Path(entry.path))
    return dict(sorted(found.items()))


def canonical_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the document without ``content_sha256``: keys sorted, no spaces, UTF-8 unescaped."""
    bare = {key: value for key, value in document.items() if key != "content_sha256"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def path_of(record: Mapping[str, Any], key: str = "relative_path") -> str:
    """The true path in a record, also of a name that is not UTF-8."""
    encoded = record.get(f"{key}_bytes")
    return record[key] if encoded is None else base64.b64decode(encoded).decode("utf-8", "surrogateescape")


# at any moment


def check_at_crash(place: Place, before: Before, *, has_claims: bool = False, may_be_vacant: bool = False) -> list[str]:
    """What must hold at any moment (I2, I5, I6, I9): final names hold whole pictures, nothing is lost, nothing is half.

    ``has_claims``: the file system knows no other way than to claim a name with an empty file. ``may_be_vacant``: nor
    can it exchange two files, so that a place may be empty for a moment.
    """
    violations: list[str] = []
    whole, standing = before.whole(), place.pictures()
    for name, facts in standing.items():
        if name in before.own:
            if facts != before.pictures[name]:
                violations.append(f"I9: the user's own {name} was touched")
        elif facts[2] not in whole and not (has_claims and facts[0] == 0):
            violations.append(f"I2: {name} is no whole picture ({facts[0]} bytes)")
        elif name in before.pictures and facts[2] != before.pictures[name][2] and not before.is_replacing:
            violations.append(f"I2: {name} holds another picture than before ({facts[0]} bytes)")
    for name in before.pictures:
        if name not in standing and (name in before.own or not may_be_vacant):
            violations.append(f"I9: {name} is gone")
    violations.extend(_lost_bytes(place, before, standing))
    violations.extend(_stray_names(place))
    for path in _documents(place):
        if before.damaged.get(path.name) != facts_of(path):
            violations.extend(_check_document(path))
    return violations


def _lost_bytes(place: Place, before: Before, standing: Mapping[str, Facts]) -> Iterator[str]:
    """Whatever is done, the bytes of every picture that stood there, or was kept, stand somewhere in the storage.

    But for those that were named to be removed.
    """
    left = {facts[2] for facts in standing.values()} | before.may_go
    gone = {sha256: name for name, (_, _, sha256) in before.pictures.items() if sha256 not in left}
    gone |= {sha256: f"what was kept as {sha256[:8]}" for sha256 in (before.trashed | before.quarantined) - left}
    if gone:
        left |= kept_sums(place, (*KEEPING, STAGING))
    yield from (f"I3: the bytes of {name} are lost" for sha256, name in gone.items() if sha256 not in left)


# when an operation has gone through


def check_settled(
    place: Place,
    before: Before,
    *,
    is_complete: bool,
    may_be_vacant: bool = False,
    is_behind: bool = False,
    may_stay_vacant: bool = False,
    checks_previews: bool = True,
) -> list[str]:
    """What must hold once an operation has gone through (I3–I6, I8, I9, I12, I14).

    ``is_complete``: everything on the card is in. ``is_behind``: the indexes may tell of files as they were before the
    user changed them, so that those that are as they were before the operation are not compared with the disk.
    """
    violations = check_at_crash(place, before, may_be_vacant=may_be_vacant)
    pictures = place.pictures()
    violations.extend(_check_card(before, pictures, is_complete=is_complete))
    indexed = indexed_files(place)
    touched = pictures.keys() | indexed.keys()
    if is_behind:
        touched = {name for name in touched if pictures.get(name) != before.pictures.get(name)}
    if may_stay_vacant:
        touched -= before.pictures.keys() - pictures.keys()
    violations.extend(_check_entries(pictures, indexed, touched))
    violations.extend(_check_manifests(place, pictures, indexed, touched))
    placed = pictures.keys() - before.pictures.keys()
    # What is let out of quarantine is the user's own again.
    placed = {path for path in placed if pictures[path][2] not in before.quarantined}
    violations.extend(f"I4: {path} was placed and has no entry" for path in sorted(placed - indexed.keys()))
    violations.extend(_check_indexes(place, indexed))
    if checks_previews:
        violations.extend(_check_previews(place))
    left = sorted(each.name for each in (place.root / STAGING).glob("*"))
    if left:
        violations.append(f"I5: staging holds {left}")
    if (place.root / LOCK).exists():
        violations.append("I14: the lock was left")
    try:
        violations.extend(f"I6: {each}" for each in fold_differences(place.root, place.sessions().values()))
    except UnjudgedError as error:
        violations.append(f"I6: {error}")
    return violations


def _check_entries(pictures: Mapping[str, Facts], indexed: Mapping[str, set[str]], touched: Set[str]) -> Iterator[str]:
    for path, listed in indexed.items():
        if listed == {"missing"} or path not in touched:
            continue
        if path not in pictures:
            yield f"I3: an entry names {path}, which is not there"
        elif {pictures[path][2]} != listed - {"missing"}:  # another picture that is missing may have stood there
            yield f"I3: entries give {path} other checksums: {sorted(listed)}"


def _check_card(before: Before, pictures: Mapping[str, Facts], *, is_complete: bool) -> Iterator[str]:
    """I8: each file of the card stands exactly once, with its time, unless it stood there already."""
    if not before.card:
        return
    standing = Counter(facts[2] for name, facts in pictures.items() if name not in before.own)
    stood = Counter(facts[2] for name, facts in before.pictures.items() if name not in before.own)
    times: dict[str, set[int]] = {}
    for _, modified_ns, sha256 in before.card.values():
        times.setdefault(sha256, set()).add(modified_ns)
    for name, (_, modified_ns, sha256) in before.card.items():
        if standing[sha256] > max(1, stood[sha256]) or (is_complete and not standing[sha256]):
            yield f"I8: the card's {name} stands {standing[sha256]} times"
        elif standing[sha256] and not stood[sha256]:
            if not any(facts[2] == sha256 and facts[1] in times[sha256] for facts in pictures.values()):
                yield f"I8: the copy of {name} has not its time {modified_ns}"


def check_own_files(place: Place, indexed: Mapping[str, set[str]]) -> list[str]:
    """I5, I6, I12 alone, of a storage of which nobody knows what it held before."""
    violations = list(_stray_names(place))
    for path in _documents(place):
        violations.extend(_check_document(path))
    violations.extend(_check_indexes(place, indexed))
    pictures = place.pictures()
    violations.extend(_check_manifests(place, pictures, indexed, pictures.keys() | indexed.keys()))
    left = sorted(each.name for each in (place.root / STAGING).glob("*"))
    return violations + ([f"I5: staging holds {left}"] if left else [])


# indexes


def indexed_files(place: Place, *, leaves_out: Container[str] = ()) -> dict[str, set[str]]:
    """Every path that a session index names, with the checksums it gives for it, or ``missing``."""
    found: dict[str, set[str]] = {}
    for document in place.sessions(leaves_out).values():
        for _, entry in entries_by_hothash(document):
            is_missing = entry.get("status") == "missing"
            for record in (entry, *entry.get("companions", ()), *entry.get("copies", ())):
                said = "missing" if is_missing else record["sha256"]
                found.setdefault(path_of(record), set()).add(said)
    return found


def listing(place: Place) -> dict[str, str]:
    """What the session indexes say of each path, and which pictures belong to no session."""
    said = {path: ",".join(sorted(sums)) for path, sums in indexed_files(place).items()}
    for conflict in place.document(place.shape.master)["conflicts"]:
        if conflict["type"] == "orphan_file":
            said[path_of(conflict, "path")] = "orphan"
    return said


def statuses(place: Place) -> set[str]:
    """How the imports of a storage ended."""
    return {
        document.get("import_session", document).get("status", "completed") for document in place.sessions().values()
    }


def facts_said(place: Place) -> dict[str, Document]:
    """What was said of each photo, by the pictures it has; without clocks."""
    said: dict[str, Document] = {}
    left_out = {"clocks", "files", "primary"}
    for document in place.sessions().values():
        for photo in document.get("photos", {}).values():
            if photo["files"]:
                said[" ".join(sorted(photo["files"]))] = {
                    field: value for field, value in photo.items() if field not in left_out
                }
    return said


def _documents(place: Place) -> list[Path]:
    shape = place.shape
    candidates = [place.root / each for each in (shape.overview, shape.master, ".imalink-storage")]
    return [path for path in (*candidates, *(place.root / shape.sessions).glob("*")) if path.exists()]


def _check_document(path: Path) -> Iterator[str]:
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        yield f"I6: {path.name} is no JSON: {error}"
        return
    if path.name != ".imalink-storage" and document.get("content_sha256") != canonical_digest(document):
        yield f"I6: {path.name} has not the digest it claims"


def _stray_names(place: Place) -> Iterable[str]:
    """I5, I10: names outside ``.imalink/`` that no one should see; the lock may be left by a dead process."""
    shape = place.shape
    if not shape.photos:
        expected = {".imalink", ".imalink-storage", ".imalink-trash", ".imalinkignore", shape.sessions, shape.master}
        own = [path for path in place.root.iterdir() if path.name.startswith((".imalink", "imalink"))]
    else:
        expected = {*HYBRID, ".imalink-storage", ".imalink", ".imalink-trash"}
        own = list(place.root.iterdir())
    for path in own:
        if path.name not in expected and not path.name.startswith(LOCK):
            yield f"I5: {path.name} stands in the storage's root"
    for path in (place.root / shape.sessions).glob("*"):
        if not re.fullmatch(r"session_[0-9]+\.json", path.name):
            yield f"I5: {path.name} stands among the session indexes"
    if place.apart is not None:
        yield from (f"I10: {path} was written" for path in place.apart.rglob("*imalink*"))


def _check_indexes(place: Place, indexed: Mapping[str, set[str]]) -> Iterator[str]:
    """I6: overview and master say what the session indexes say, and contain every commit."""
    shape, sessions = place.shape, place.sessions()
    overview = place.document(shape.overview)
    named = {Path(each["index_file"]).name: each for each in overview["import_sessions"]}
    if set(named) != set(sessions):
        yield f"I6: the overview names {sorted(named)}, there are {sorted(sessions)}"
        return
    for name, document in sessions.items():
        head = document.get("import_session", document)
        count = sum(1 + len(entry.get("copies", ())) for _, entry in entries_by_hothash(document))
        if (named[name]["file_count"], named[name]["session_uuid"]) != (count, head["session_uuid"]):
            yield f"I6: the overview tells other things of {name}"
    master = place.document(shape.master)
    in_master: dict[str, set[str]] = {}
    for entry in master["files"].values():
        places, companions = (entry, *entry.get("copies", ())), entry.get("companions", ())
        # Of a picture that is missing in one session and not in another, a master does not tell whose companion it is.
        has_missing = any(place.get("status") == "missing" for place in places)
        for record in (*places, *companions):
            is_missing = record.get("status", entry.get("status")) == "missing"
            if record in companions and has_missing:
                is_missing = indexed.get(path_of(record)) == {"missing"}
            in_master.setdefault(path_of(record), set()).add("missing" if is_missing else record["sha256"])
    if in_master.keys() != indexed.keys() or any(not said <= indexed[path] for path, said in in_master.items()):
        yield f"I6: master and sessions differ in {sorted(in_master.keys() ^ indexed.keys()) or 'checksums'}"
    commits = {path.stem for path in (place.root / ".imalink/metadata/commits").glob("*")}
    if set(master["sources"].get("runs", ())) != commits:
        yield "I6: the master's sources are not the commits"


def _check_manifests(
    place: Place, pictures: Mapping[str, Facts], indexed: Mapping[str, set[str]], touched: Set[str]
) -> Iterator[str]:
    """I12: what ``sha256sum -c`` does. Plain names only; odd ones are a matter for sha256sum itself."""
    listed: dict[str, str] = {}
    for manifest in sorted((place.root / ".imalink/metadata/manifest").glob("*.sha256")):
        for line in manifest.read_text().splitlines():
            sha256, _, path = line.partition("  ")
            listed[path] = sha256
    for path, sha256 in listed.items():
        if (
            path in touched
            and indexed.get(path) != {"missing"}
            and (path not in pictures or pictures[path][2] != sha256)
        ):
            yield f"I12: the manifest's line of {path} does not hold"
    unlisted = {path for path, said in indexed.items() if said != {"missing"}} - listed.keys()
    if unlisted:
        yield f"I12: no manifest lists {sorted(unlisted)}"


def check_with_sha256sum(place: Place) -> list[str]:
    """I12, by the program itself: that files that no index calls missing are what the manifests say.

    Nothing where there is no such program.
    """
    program, manifests = shutil.which("sha256sum"), sorted((place.root / ".imalink/metadata/manifest").glob("*.sha256"))
    if program is None or not manifests:
        return []
    command = [program, "--check", "--strict", "--quiet", *map(os.fspath, manifests)]
    run = subprocess.run(
        command,
        cwd=place.base,
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
    missing = {path for path, said in indexed_files(place).items() if said == {"missing"}}
    failed = [line for line in run.stdout.splitlines() if line.partition(": FAILED")[0] not in missing]
    if run.returncode and not run.stdout:
        failed.append(run.stderr)
    return [f"I12: sha256sum says {line}" for line in failed]


def _check_previews(place: Place) -> Iterator[str]:
    for name, document in place.sessions().items():
        for hothash, entry in entries_by_hothash(document):
            preview = place.root / ".imalink/hotpreviews" / hothash[:2] / hothash[2:4] / f"{hothash}.jpg"
            data = preview.read_bytes() if preview.exists() else b""
            if entry["has_hotpreview"] and not data:
                yield f"preview: {name} promises one of {entry['relative_path']}"
            elif data and not data.startswith(b"\xff\xd8\xff"):
                yield f"preview: that of {entry['relative_path']} is no JPEG"
