"""What a hostile hand can put into a storage: paths, documents, and things that are no files. Suite R12.

Each case damages a copy of a good storage and says what looking at it must give: ``expected`` is the finding code with
its path, the name of an exception, ``none`` for what is legal, or ``declared`` where any answer of ours will do.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.hostile import Document, reseal, rewrite_lines

SESSION, MASTER, OVERVIEW, SIGNATURE = "imports/session_1.json", "imalink-master.json", "index.json", ".imalink-storage"
COMMIT = "commit"
BAIT = "bait"
"""The folder beside the storage that nothing may be opened in."""

REFUSED = (
    "", ".", "..", "/", "/etc/passwd", "../x.jpg", "../bait/secret.jpg", "a/../b", "a/..", "./a", "a/.", "a//b", "a/",
    "//a", "photos/../../x", "photos/./x", "\0", "a\0b", "photos/a.jpg\0", "x" * 256, "photos/" + "x" * 256,
    "a/" * 2048 + "b", "\u00fc" * 128, ".imalink", ".imalink/staging/x", ".imalink-storage", ".IMALINK/x",
    ".imalink-trash/x", "imalink-master.json", "IMALINK-Master.json", "imalink-sessions/session_1.json", ".imalink /x",
    ".imalink./x", "\u200b.imalink/x", "imalin~1/x", "\uff0eimalink/x", "\ud800.jpg", "photos/\udc80.jpg",
)  # fmt: skip
LEGAL = (
    "photos/a\nb.jpg", "photos/\x1b[2J.jpg", "photos/\u202egpj.exe", "photos/CON", "photos/a\\b.jpg", "photos/..a",
    "photos/ .jpg", "photos/index.json", "photos/\U0001f4f7.jpg",
)  # fmt: skip
FIELDS = ("entry", "companion", "copy")
FILES = (SESSION, MASTER, COMMIT)

DOCUMENTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "null": lambda _: b"null",
    "a list": lambda _: b"[]",
    "a number": lambda _: b"17",
    "an empty object": lambda _: b"{}",
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "cut in half": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "no UTF-8": lambda data: data.replace(b'"', b'"\xff', 1),
    "deep lists": lambda _: b"[" * 200_000,
    "deep objects": lambda _: b'{"a":' * 100_000,
    "a deep unknown key": lambda data: b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"," + data.lstrip()[1:],
    "a key 17 levels deep": lambda data: b'{"x":' + b"[" * 17 + b"]" * 17 + b"," + data.lstrip()[1:],
    "not a number": lambda data: b'{"x":NaN,' + data.lstrip()[1:],
    "infinite": lambda data: b'{"x":-Infinity,' + data.lstrip()[1:],
    "beyond floats": lambda data: b'{"x":1e999,' + data.lstrip()[1:],
    "half a surrogate": lambda data: b'{"x":"\\ud800",' + data.lstrip()[1:],
    "twice the text": lambda data: data + data,
    "nothing but brackets": lambda data: b'{"x":[' + b"[]," * 3_000_000 + b"0]," + data.lstrip()[1:],
    "larger than the cap": lambda _: b"",
}
TREE_NAMES = (
    SIGNATURE, OVERVIEW, MASTER, SESSION, "imports", ".imalink", ".imalink/metadata", ".imalink/metadata/commits",
    ".imalink/metadata/journal", ".imalink/staging", ".imalink/hotpreviews", "photos",
)  # fmt: skip
INDEXES = (OVERVIEW, MASTER, SESSION)


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    damage: Callable[[Path], object]
    expected: str
    recovers: bool = False


def all_cases() -> list[Case]:
    return [*path_cases(), *document_cases(), *tree_cases()]


def path_cases() -> Iterator[Case]:
    for text in (*REFUSED, *LEGAL):
        for field in FIELDS:
            for file in FILES:
                told = {SESSION: "index-unreadable", MASTER: "index-unreadable", COMMIT: "journal-damaged"}[file]
                yield Case(
                    name=f"path {text[:20]!r} in {field} of {file}",
                    damage=lambda root, text=text, field=field, file=file: put_path(root, text, field, file),
                    expected="none" if text in LEGAL else told,
                    recovers=file == COMMIT and field == "entry",
                )


def put_path(root: Path, text: str, field: str, file: str) -> None:
    """Let one entry of a file name a path; companions and copies are added to it, whole but for that."""
    if file == COMMIT:
        commit = next((root / ".imalink" / "metadata" / "commits").iterdir())

        def change(lines: list[Document]) -> None:
            plan = next(line for line in lines if line["op"] == "plan")
            if field == "companion":
                plan["staged_companions"] = ["9.part"]
            _name_path(plan["entry"], lines[0]["session"], text, field)

        rewrite_lines(commit, change)
        return

    def name(index: Document) -> None:
        entry = next(iter(index["files"].values()))
        session = index.get("import_session") or {
            "id": entry["import_session_id"],
            "session_uuid": entry["session_uuid"],
        }
        _name_path(entry, session, text, field)

    reseal(root / file, name)


def _name_path(entry: Document, session: Document, text: str, field: str) -> None:
    shared = {"relative_path": text, "sha256": "a" * 64, "file_size": 1, "file_modified": "2024-07-01T12:00:00Z"}
    if field == "entry":
        entry["relative_path"] = text
    elif field == "companion":
        entry["companions"] = [{**shared, "kind": "xmp"}]
    else:
        of = {"import_session_id": session["id"], "session_uuid": session["session_uuid"]}
        entry["copies"] = [{**shared, **of, "imported_at": entry["imported_at"]}]


def document_cases() -> Iterator[Case]:
    for file in (SIGNATURE, *INDEXES):
        for what, make in DOCUMENTS.items():
            # An object with a key no version knows is read all the same, and the digest tells that it was changed.
            yield Case(
                name=f"{file} is {what}",
                damage=lambda root, file=file, what=what, make=make: put_document(root / file, what, make),
                expected="SignatureDamagedError" if file == SIGNATURE else "index-too-large or index-unreadable",
                recovers=what not in ("nothing but brackets", "larger than the cap"),
            )


def put_document(path: Path, what: str, make: Callable[[bytes], bytes]) -> None:
    path.write_bytes(make(path.read_bytes()))
    if what == "larger than the cap":
        os.truncate(path, 600 << 20)


def tree_cases() -> Iterator[Case]:
    kinds: dict[str, Callable[[Path, Path], object]] = {
        "a link outside": lambda path, bait: path.symlink_to(bait / "secret.json"),
        "a link to a folder outside": lambda path, bait: path.symlink_to(bait),
        "an absolute link to /etc": lambda path, _: path.symlink_to("/etc"),
        "a link to itself": lambda path, _: path.symlink_to(path.name),
        "a dangling link": lambda path, _: path.symlink_to("nowhere"),
        "a pipe": lambda path, _: os.mkfifo(path),
        "a socket": lambda path, _: put_socket(path),
        "an empty folder": lambda path, _: path.mkdir(),
        "a hard link": lambda path, bait: os.link(bait / "secret.json", path),
        "nothing": lambda _path, _bait: None,
    }
    if os.geteuid() == 0:
        kinds["an endless device"] = lambda path, _: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    for name in TREE_NAMES:
        for kind, put in kinds.items():
            expected = "declared"
            if name in INDEXES:
                expected = "index-missing" if kind in ("nothing",) else "index-unreadable"
                if name == SESSION and kind == "nothing":
                    expected = "declared"
            yield Case(
                name=f"{name} is {kind}",
                damage=lambda root, name=name, put=put: replace_by(root / name, root.parent / BAIT, put),
                expected=expected,
                recovers=name in (SESSION, ".imalink/staging", ".imalink/metadata/journal", "photos"),
            )


def put_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path may have 108 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


def replace_by(path: Path, bait: Path, put: Callable[[Path, Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(path.parent.parent / f"{path.name}-was") if path.parent != bait.parent else path.unlink()
    put(path, bait)
