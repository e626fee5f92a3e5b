"""An independent judge of a storage folder: the standard library only, nothing of the product.

Each check gives a list of violations in words; an empty list is a pass.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Facts = tuple[int, int, str]
"""Size, time and SHA-256 of a file."""


def facts_of(path: Path) -> Facts:
    found = path.lstat()
    return found.st_size, found.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()


def tree(folder: Path) -> dict[str, Facts]:
    """Every regular file below a folder."""
    return {
        os.fsencode(path.relative_to(folder)).decode("utf-8", "surrogateescape"): facts_of(path)
        for path in sorted(folder.rglob("*"))
        if stat.S_ISREG(path.lstat().st_mode)
    }


def canonical_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the document without ``content_sha256``: keys sorted, no spaces, UTF-8 unescaped."""
    bare = {key: value for key, value in document.items() if key != "content_sha256"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a framed file; raises AssertionError when one is bad."""
    lines: list[dict[str, Any]] = []
    data = path.read_bytes()
    assert data.endswith(b"\n"), f"{path} has a torn tail"
    for raw in data.splitlines():
        checksum, _, payload = raw.partition(b" ")
        assert int(checksum, 16) == zlib.crc32(payload), f"{path} has a line with a wrong checksum"
        lines.append(json.loads(payload))
    return lines


def entry_path(record: Mapping[str, Any]) -> str:
    encoded = record.get("relative_path_bytes")
    if encoded is None:
        return record["relative_path"]
    return base64.b64decode(encoded).decode("utf-8", "surrogateescape")


def check_at_crash(root: Path, sources: Mapping[str, Facts], planted: Mapping[str, Facts]) -> list[str]:
    """What must hold at any moment: final names hold whole pictures or the user's own files, nothing half anywhere."""
    violations: list[str] = []
    whole = {sha256 for _, _, sha256 in sources.values()}
    for name, facts in tree(root / "photos").items():
        if name in planted:
            if facts != planted[name]:
                violations.append(f"the user's own photos/{name} was touched")
        elif facts[2] not in whole:
            violations.append(f"photos/{name} is no whole picture of the source ({facts[0]} bytes)")
    violations.extend(
        f"the user's own photos/{name} is gone" for name in planted if not (root / "photos" / name).exists()
    )
    violations.extend(_stray_names(root))
    for path in _documents(root):
        violations.extend(_check_document(path))
    return violations


def check_settled(
    root: Path, sources: Mapping[str, Facts], planted: Mapping[str, Facts], *, is_complete: bool = True
) -> list[str]:
    """What must hold once an operation has gone through; ``is_complete``: one that imported all of the source."""
    violations = check_at_crash(root, sources, planted)
    photos = tree(root / "photos")
    standing = Counter(facts[2] for name, facts in photos.items() if name not in planted)
    for name, (_, modified_ns, sha256) in sources.items():
        if standing[sha256] > 1 or (is_complete and not standing[sha256]):
            violations.append(f"the source's {name} stands {standing[sha256]} times")
        elif standing[sha256] and not any(
            facts[2] == sha256 and facts[1] in _times(sources, sha256) for facts in photos.values()
        ):
            violations.append(f"the copy of {name} has not its time {modified_ns}")
    indexed = indexed_files(root)
    for path, sha256s in indexed.items():
        facts = photos.get(path.removeprefix("photos/"))
        if facts is None:
            violations.append(f"an entry names {path}, which is not there")
        elif {facts[2]} != sha256s:
            violations.append(f"an entry gives {path} another checksum")
    placed = {f"photos/{name}" for name in photos if name not in planted}
    violations.extend(f"{path} was placed and has no entry" for path in sorted(placed - indexed.keys()))
    violations.extend(f"{path} is the user's own and has an entry" for path in sorted(indexed.keys() - placed))
    violations.extend(_check_overview(root))
    violations.extend(_check_master(root))
    violations.extend(_check_manifests(root, indexed))
    violations.extend(_check_previews(root))
    left = list((root / ".imalink/staging").iterdir())
    if left:
        violations.append(f"staging holds {[path.name for path in left]}")
    for commit in (root / ".imalink/metadata/commits").iterdir():
        lines = read_lines(commit)
        if lines[0]["op"] != "begin" or lines[-1]["op"] != "end" or lines[-1]["count"] != len(lines) - 1:
            violations.append(f"the commit {commit.name} is not whole")
    return violations


def indexed_files(root: Path) -> dict[str, set[str]]:
    """Every path that a session index names, with the checksums it gives for it."""
    found: dict[str, set[str]] = {}
    for session in sorted((root / "imports").iterdir()):
        for entry in json.loads(session.read_bytes())["files"].values():
            for record in (entry, *entry.get("companions", ()), *entry.get("copies", ())):
                found.setdefault(entry_path(record), set()).add(record["sha256"])
    return found


def tombstones(root: Path) -> list[dict[str, Any]]:
    """Every tombstone of every session index."""
    return [
        tombstone
        for session in sorted((root / "imports").iterdir())
        for tombstone in json.loads(session.read_bytes()).get("deleted", {}).values()
    ]


def recorded_files(root: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The checksums that tombstones give for files in the trash, and for files that are only marked, by path."""
    trashed: dict[str, set[str]] = {}
    marked: dict[str, set[str]] = {}
    for tombstone in tombstones(root):
        entry = tombstone.get("entry")
        if entry is None:
            continue
        parts = (entry, *entry.get("companions", ()), *entry.get("copies", ()))
        sums = {entry_path(record): record["sha256"] for record in parts}
        for file in tombstone.get("kept", ()):
            trashed.setdefault(file["kept"], set()).add(sums[file["path"]])
        if tombstone["mode"] == "soft":
            for path, sha256 in sums.items():
                marked.setdefault(path, set()).add(sha256)
    return trashed, marked


def check_deletions(root: Path, files: Mapping[str, Facts], may_be_gone: Iterable[str] = ()) -> list[str]:
    """Every one of these files is at a place with its entry, or in the trash with its record: once, and nowhere twice.

    ``may_be_gone`` are the checksums of those whose removal was confirmed.
    """
    violations: list[str] = []
    spared = set(may_be_gone)
    photos = {f"photos/{name}": facts for name, facts in tree(root / "photos").items()}
    trash = root / ".imalink-trash"
    kept = {f".imalink-trash/{name}": facts for name, facts in (tree(trash) if trash.exists() else {}).items()}
    indexed = indexed_files(root)
    trashed, marked = recorded_files(root)
    for name, (_, modified_ns, sha256) in files.items():
        at = [path for path, facts in {**photos, **kept}.items() if facts[2] == sha256]
        if not at and sha256 in spared:
            continue
        if len(at) != 1:
            violations.append(f"{name} stands {len(at)} times: {at}")
            continue
        [path] = at
        known = trashed if path in kept else {**marked, **indexed}
        if sha256 not in known.get(path, ()):
            violations.append(f"{name} stands at {path}, where nothing says so")
        if {**photos, **kept}[path][1] != modified_ns:
            violations.append(f"{name} has another time now")
    whole = {facts[2] for facts in files.values()}
    violations.extend(
        f"{path} is none of the files that were there"
        for path, facts in {**photos, **kept}.items()
        if facts[2] not in whole
    )
    violations.extend(f"an entry names {path}, which is not there" for path in indexed if path not in photos)
    violations.extend(
        f"a tombstone names {path}, which is not there"
        for path, sums in trashed.items()
        if path not in kept and not sums <= spared
    )
    return violations


def check_catalog_free(root: Path) -> list[str]:
    """What must hold of the storage's own files once something has gone through."""
    violations = list(_stray_names(root))
    for path in _documents(root):
        violations.extend(_check_document(path))
    violations.extend(_check_overview(root))
    violations.extend(_check_master(root))
    violations.extend(_check_manifests(root, indexed_files(root)))
    left = list((root / ".imalink/staging").iterdir())
    if left:
        violations.append(f"staging holds {[path.name for path in left]}")
    return violations


def _times(sources: Mapping[str, Facts], sha256: str) -> set[int]:
    return {facts[1] for facts in sources.values() if facts[2] == sha256}


def _stray_names(root: Path) -> Iterable[str]:
    """Names outside ``.imalink/`` that no one should see; the lock may be left by a dead process."""
    expected = {
        "index.json",
        "imports",
        "imalink-master.json",
        "photos",
        ".imalink-storage",
        ".imalink",
        ".imalink-trash",
    }
    for path in root.iterdir():
        if path.name not in expected and not path.name.startswith(".imalink-storage.lock"):
            yield f"{path.name} stands in the storage's root"
    for path in (root / "imports").glob("*"):
        if not re.fullmatch(r"session_[0-9]+\.json", path.name):
            yield f"{path.name} stands in imports/"


def _documents(root: Path) -> list[Path]:
    candidates = [root / "index.json", root / "imalink-master.json", root / ".imalink-storage"]
    return [path for path in (*candidates, *(root / "imports").glob("*")) if path.exists()]


def _check_document(path: Path) -> Iterable[str]:
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        yield f"{path.name} is no JSON: {error}"
        return
    if path.name != ".imalink-storage" and document.get("content_sha256") != canonical_digest(document):
        yield f"{path.name} has not the digest it claims"


def _check_overview(root: Path) -> Iterable[str]:
    overview = json.loads((root / "index.json").read_bytes())
    named = {each["index_file"]: each for each in overview["import_sessions"]}
    there = {f"imports/{path.name}" for path in (root / "imports").iterdir()}
    if set(named) != there:
        yield f"the overview names {sorted(named)}, there are {sorted(there)}"
    for index_file, summary in named.items():
        session = json.loads((root / index_file).read_bytes())
        count = sum(1 + len(entry.get("copies", ())) for entry in session["files"].values())
        if (summary["file_count"], summary["session_uuid"]) != (count, session["import_session"]["session_uuid"]):
            yield f"the overview tells other things of {index_file}"


def _check_master(root: Path) -> Iterable[str]:
    master = json.loads((root / "imalink-master.json").read_bytes())
    in_master = {
        entry_path(record): record["sha256"]
        for entry in master["files"].values()
        for record in (entry, *entry.get("companions", ()), *entry.get("copies", ()))
    }
    in_sessions = {path: next(iter(sums)) for path, sums in indexed_files(root).items()}
    if in_master != in_sessions:
        yield f"master and sessions differ in {sorted(in_master.items() ^ in_sessions.items())}"
    commits = {path.stem for path in (root / ".imalink/metadata/commits").iterdir()}
    if set(master["sources"].get("runs", ())) != commits:
        yield "the master's sources are not the commits"


def _check_manifests(root: Path, indexed: Mapping[str, set[str]]) -> Iterable[str]:
    """Plain names only; odd ones are a matter for sha256sum itself."""
    listed: dict[str, set[str]] = {}
    for manifest in (root / ".imalink/metadata/manifest").glob("*.sha256"):
        for line in manifest.read_text().splitlines():
            sha256, _, path = line.partition("  ")
            listed.setdefault(path, set()).add(sha256)
    if listed != dict(indexed):
        yield f"the manifests list {sorted(listed)}"


def _check_previews(root: Path) -> Iterable[str]:
    for session in (root / "imports").iterdir():
        for hothash, entry in json.loads(session.read_bytes())["files"].items():
            preview = root / ".imalink/hotpreviews" / hothash[:2] / hothash[2:4] / f"{hothash}.jpg"
            if entry["has_hotpreview"] != preview.exists():
                yield f"{entry['relative_path']} has_hotpreview is {entry['has_hotpreview']}"
            elif preview.exists() and not preview.read_bytes().startswith(b"\xff\xd8\xff"):
                yield f"the preview of {entry['relative_path']} is no JPEG"
