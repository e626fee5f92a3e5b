"""What session indexes should say of files, worked out anew from commits and journals: the standard library only.

A second, much smaller implementation of docs/format/commits-and-journals.md. It knows places and checksums, not facts
of pictures.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Document = dict[str, Any]

WITHOUT_FILES = frozenset(
    "session-edited photo-edited photo-joined photo-split orphans-restored damaged whole verified trash-emptied".split()
)
"""Operations that change nothing about where files are."""


class UnjudgedError(Exception):
    """A line says something that this oracle was never taught."""


@dataclass
class Entry:
    """One picture of one session: its places in order with their checksums, the main one first."""

    places: list[tuple[str, str]]
    is_missing: bool = False
    companions: dict[str, str] = field(default_factory=dict[str, str])
    in_trash: dict[str, str] = field(default_factory=dict[str, str])
    """Of an entry that a tombstone keeps: which of its files stand in the trash, by their names there."""

    def said(self) -> tuple[object, ...]:
        main, copies = self.places[0], tuple(sorted(self.places[1:]))
        return main, copies, self.is_missing, tuple(sorted(self.companions.items()))


Session = dict[str, Entry]
"""By hothash."""


@dataclass
class Sessions:
    """What each session holds, by its UUID, and which entries tombstones keep."""

    held: dict[str, Session] = field(default_factory=dict[str, Session])
    kept: dict[tuple[str, str], Entry] = field(default_factory=dict[tuple[str, str], Entry])

    def of(self, uuid: str) -> Session:
        return self.held.setdefault(uuid, {})


def read_lines(path: Path, *, is_whole: bool = True) -> list[Document]:
    """The lines of a framed file up to the first that does not fit; with ``is_whole`` none may be bad."""
    lines: list[Document] = []
    for raw in path.read_bytes().splitlines(keepends=True):
        checksum, _, payload = raw.rstrip(b"\n").partition(b" ")
        if not raw.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(payload):
            if is_whole:
                raise ValueError(f"{path.name} has a line that does not fit its checksum")
            break
        lines.append(json.loads(payload))
    return lines


def entries_by_hothash(document: Document) -> list[tuple[str, Document]]:
    """The entries of a session index of either layout."""
    if "session_title" in document:
        listed: list[Document] = document["files"]
        return [(entry["hothash"], entry) for entry in listed]
    named: dict[str, Document] = document["files"]
    return list(named.items())


def fold_differences(root: Path, documents: Iterable[Document]) -> list[str]:
    """Compare session indexes with what commits and journals come to. Raises UnjudgedError."""
    sessions, violations = fold(root)
    for document in documents:
        head = document.get("import_session", document)
        wanted = {hothash: entry.said() for hothash, entry in sessions.pop(head["session_uuid"], {}).items()}
        found = {hothash: _read_entry(record).said() for hothash, record in entries_by_hothash(document)}
        for hothash in sorted(found.keys() | wanted.keys()):
            if found.get(hothash) != wanted.get(hothash):
                violations.append(
                    f"session {head['session_uuid'][:8]} says {found.get(hothash)} of {hothash[:8]}; "
                    f"commits and journals say {wanted.get(hothash)}"
                )
    violations.extend(f"no index holds session {uuid}" for uuid, entries in sessions.items() if entries)
    return violations


def fold(root: Path) -> tuple[dict[str, Session], list[str]]:
    """Give what each session holds, by its UUID, and which commits are not whole."""
    violations: list[str] = []
    commits: list[tuple[int, str, list[Document]]] = []
    for path in sorted((root / ".imalink/metadata/commits").glob("*")):
        data, lines = path.read_bytes(), []
        try:
            lines = read_lines(path)
            above = b"".join(data.splitlines(keepends=True)[:-1])
            is_whole = lines[0]["op"] == "begin" and lines[-1]["op"] == "end"
            is_whole = is_whole and lines[-1]["count"] == len(lines) - 1
            is_whole = is_whole and lines[-1]["digest"] == hashlib.sha256(above).hexdigest()
        except (ValueError, IndexError):
            is_whole = False
        if is_whole:
            commits.append((lines[0].get("lamport", 0), lines[0]["started_at"], lines))
        else:
            violations.append(f"the commit {path.name} is not whole")
    commits.sort(key=lambda commit: commit[:2])
    journal = sorted(
        ((line["lamport"], path.parent.name, line["seq"], line) for path, line in _journal_lines(root)),
        key=lambda each: each[:3],
    )
    sessions = Sessions()
    for lamport, _, _, line in journal:
        while commits and commits[0][0] < lamport:
            _add_commit(sessions, commits.pop(0)[2])
        for item in line["items"]:
            _apply(sessions, item)
    for _, _, lines in commits:
        _add_commit(sessions, lines)
    return sessions.held, violations


def _journal_lines(root: Path) -> Iterable[tuple[Path, Document]]:
    for path in sorted((root / ".imalink/metadata/journal").glob("*/*.jsonl")):
        for line in read_lines(path, is_whole=False):
            yield path, line


def _path(record: Mapping[str, Any], key: str = "relative_path") -> str:
    encoded = record.get(f"{key}_bytes")
    return record[key] if encoded is None else base64.b64decode(encoded).decode("utf-8", "surrogateescape")


def _read_entry(record: Document) -> Entry:
    return Entry(
        places=[(_path(each), each["sha256"]) for each in (record, *record.get("copies", ()))],
        is_missing=record.get("status") == "missing",
        companions={_path(each): each["sha256"] for each in record.get("companions", ())},
    )


def _add_commit(sessions: Sessions, lines: list[Document]) -> None:
    session = sessions.of(lines[-1]["session"]["session_uuid"])
    plans: dict[str, Document] = {}
    for line in lines:
        if line["op"] == "plan":
            plans.pop(line["staged"], None)
            plans[line["staged"]] = line
        elif line["op"] == "drop":
            plans.pop(line["staged"], None)
    for plan in plans.values():
        new = _read_entry(plan["entry"])
        known = session.get(plan["hothash"])
        if known is None:
            session[plan["hothash"]] = new
        elif known.is_missing:
            known.places, known.is_missing = new.places, False
            known.companions |= new.companions
        else:
            known.places.extend(new.places)
            known.companions |= new.companions


def _apply(sessions: Sessions, item: Document) -> None:
    op = item["op"]
    if op in WITHOUT_FILES:
        return
    if op == "restored":
        _restore(sessions.of(item["session_uuid"]), item)
        return
    if op in ("trashed", "untrashed"):
        _shift(sessions, item)
        return
    if op == "copied":
        session = sessions.of(item["session_uuid"])
        if item["hothash"] in session:
            place = (_path(item, "path"), item["sha256"])
            if place not in session[item["hothash"]].places:
                session[item["hothash"]].places.append(place)
        return
    for uuid, session in sessions.held.items():
        if op in ("moved", "seen", "missing", "deleted") and item.get("session_uuid", uuid) != uuid:
            continue  # the file of another session that has the same picture
        hothash = item["old_hothash"] if op == "edited" else item.get("hothash")
        entry = session.get(hothash or "")
        if entry is None:
            continue
        at = _path(item, "old_path" if op == "moved" else "path")
        number = next((each for each, (path, _) in enumerate(entry.places) if path == at), None)
        if number is not None:
            _observe(session, entry, number, item)


def _observe(session: Session, entry: Entry, number: int, item: Document) -> None:
    """Apply a line to the file of ``entry`` that it speaks of."""
    op = item["op"]
    if op == "moved":
        entry.places[number] = (_path(item, "new_path"), entry.places[number][1])
        entry.is_missing = False
    elif op == "seen":
        entry.places[number] = (entry.places[number][0], item["sha256"])
        entry.is_missing = False
        if "entry" in item:
            entry.companions = _read_entry(item["entry"]).companions or entry.companions
    elif op in ("missing", "deleted"):
        if len(entry.places) > 1:
            del entry.places[number]
        elif op == "missing":
            entry.is_missing = True
        else:
            del session[item["hothash"]]
    elif op == "companions":
        entry.companions = {_path(each): each["sha256"] for each in item["companions"]}
    elif op == "edited":
        place = (entry.places[number][0], item["entry"]["sha256"])
        edited = Entry(places=[place], companions=entry.companions)
        del entry.places[number]
        if entry.places:
            entry.companions = {}
        else:
            del session[item["old_hothash"]]
        session[item["hothash"]] = edited
    else:
        raise UnjudgedError(f"the oracle was never told what {op!r} does")


def _shift(sessions: Sessions, item: Document) -> None:
    """A picture goes into the trash with all its files, or comes out of it."""
    key = (item["session_uuid"], item["hothash"])
    session = sessions.of(key[0])
    shifts = {_path(each, "path"): _path(each, "new_path") for each in item.get("shifts", ())}
    if item["op"] == "trashed":
        if key[1] in session:
            sessions.kept[key] = session.pop(key[1])
            sessions.kept[key].in_trash = {new: old for old, new in shifts.items()}
        return
    entry = sessions.kept.pop(key, None)
    if entry is None:
        return
    now = {entry.in_trash[at]: new for at, new in shifts.items() if at in entry.in_trash}
    left = set(entry.in_trash.values()) - now.keys()
    entry.places = [(now.get(path, path), sha256) for path, sha256 in entry.places if path not in left]
    entry.companions = {now.get(path, path): sha for path, sha in entry.companions.items() if path not in left}
    session[key[1]] = entry


def _restore(session: Session, item: Document) -> None:
    for member in item.get("entries", ()):
        hothash = member["hothash"]
        if member.get("is_absent"):
            session.pop(hothash, None)
        elif "entry" in member:
            session[hothash] = _read_entry(member["entry"])
        elif hothash in session:
            entry = session[hothash]
            path, sha256 = entry.places[0]
            path = _path(member) if "relative_path" in member or "relative_path_bytes" in member else path
            entry.places[0] = (path, member.get("sha256", sha256))
            if "status" in member:
                entry.is_missing = member["status"] == "missing"
            if "companions" in member:
                entry.companions = {_path(each): each["sha256"] for each in member["companions"]}
            if "copies" in member:
                entry.places[1:] = [(_path(each), each["sha256"]) for each in member["copies"]]
