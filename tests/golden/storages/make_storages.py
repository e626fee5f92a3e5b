"""Makes golden storages: of each layout one, in which every kind of document has keys that nobody knows.

Run once for each format version and never again for that: what is tested are the frozen files. As root, for the paths
that are written into the files are those of a disk under ``/media``:

    python -m tests.golden.storages.make_storages NAME
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, cast

from imalink.catalog.file_storages import StorageRecord
from imalink.core.duplicate import DuplicatePolicy
from imalink.core.edit_request import EditRequest
from imalink.core.user_facts import FactChange
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.crash import oracle
from tests.support.photos import make_jpeg
from tests.support.shots import make_pair
from tests.support.workbench import Workbench

HERE = Path(__file__).parent
DISK = Path("/media/golden")
TINY = (16, 12)
KEY = "x_later"
TABLES = frozenset(
    {"files", "photos", "deleted", "journals", "facts", "clocks", "counts", "tag_changes", "custom", "storages"}
)
"""Objects whose keys are names of the user's or identities, so that no later version puts keys of its own there."""

Document = dict[str, Any]


@dataclass
class Planter:
    """Gives each place a value that is spelt as no encoder would spell it, and like no other place's."""

    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def spelling(self) -> str:
        number = next(self.numbers)
        return (
            f'{{"n":{number},"b":1.0,"a":1e3,"big":123456789012345678901234567890{number},"small":-0.0,'
            f'"text":"\\u00e9\\/\\ud83d\\ude00","deep":[[{{"z":0.10,"y":null}}],true,12.50E1]}}'
        )

    def plant(self, document: Document) -> str:
        """Give the document as JSON with a key in every object that has keys of its own."""
        marks: dict[str, str] = {}
        for number, place in enumerate(list(_objects(document))):
            if KEY not in place:
                mark = f"@@{number}@@"
                marks[mark] = self.spelling()
                place[KEY] = mark
        text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)
        for mark, spelling in marks.items():
            text = text.replace(f'"{mark}"', spelling)
        return text


def _objects(value: object, is_table: bool = False) -> Iterator[Document]:
    if isinstance(value, dict):
        members = cast(Document, value)
        if not is_table:
            yield members
        for key, member in list(members.items()):
            yield from _objects(member, key in TABLES)
    elif isinstance(value, list):
        for each in cast(list[object], value):
            yield from _objects(each)


def plant_everywhere(root: Path) -> None:
    """Put unknown keys into each line and document of a storage, so that all of it still fits together."""
    planter = Planter()
    for path in sorted((root / ".imalink/metadata/commits").glob("*")):
        _rewrite_lines(path, planter, _with_run_digest)
    digests: dict[tuple[str, int], str] = {}
    for path in sorted((root / ".imalink/metadata/journal").glob("*/*.jsonl")):
        _rewrite_journal(path, planter, digests)
    shape = oracle.Place(root).shape
    for path in (*sorted((root / shape.sessions).glob("*")), root / shape.overview, root / shape.master):
        document = json.loads(path.read_bytes())
        document.pop("content_sha256", None)
        for writer, position in document.get("sources", {}).get("journals", {}).items():
            position["digest"] = digests[writer, position["seq"]]
        _write_document(path, planter.plant(document))
    signature = json.loads((root / ".imalink-storage").read_bytes())
    has_digest = signature.pop("content_sha256", None) is not None
    if "pictures" in signature:  # of whose disk nobody need know
        signature["pictures"] |= {"file_system_uuid": "11111111-2222-3333-4444-555555555555", "inode": 2, "birth_ns": 1}
    text = planter.plant(signature)
    if has_digest:
        _write_document(root / ".imalink-storage", text)
    else:
        (root / ".imalink-storage").write_text(text + "\n")


def _write_document(path: Path, text: str) -> None:
    digest = oracle.canonical_digest(json.loads(text))
    path.write_text(f'{text.rstrip()[:-1].rstrip()},\n  "content_sha256": "{digest}"\n}}\n')


def _frame(text: str) -> bytes:
    payload = text.encode()
    return b"%08x %b\n" % (zlib.crc32(payload), payload)


def _compact(text: str) -> str:
    """Take line breaks and indents out; no planted value has any."""
    return "".join(line.strip() for line in text.splitlines()).replace('": ', '":')


def _lines(path: Path) -> list[Document]:
    return [json.loads(line.partition(b" ")[2]) for line in path.read_bytes().splitlines()]


def _rewrite_lines(path: Path, planter: Planter, finish: Callable[[Document, bytes], None]) -> None:
    data = b""
    for line in _lines(path):
        finish(line, data)
        data += _frame(_compact(planter.plant(line)))
    path.write_bytes(data)


def _with_run_digest(line: Document, above: bytes) -> None:
    if line["op"] == "end":
        line["digest"] = hashlib.sha256(above).hexdigest()


def _rewrite_journal(path: Path, planter: Planter, digests: dict[tuple[str, int], str]) -> None:
    writer = path.parent.name

    def chain(line: Document, above: bytes) -> None:
        if line["seq"] > 1:
            line["prev"] = digests[writer, line["seq"] - 1]

    data = b""
    for line in _lines(path):
        chain(line, data)
        framed = _frame(_compact(planter.plant(line)))
        digests[writer, line["seq"]] = hashlib.sha256(framed.rstrip(b"\n").partition(b" ")[2]).hexdigest()[:16]
        data += framed
    path.write_bytes(data)


# what there is to be frozen


def fill_card(card: Path) -> None:
    """A pair with its sidecar, a picture with everything that can be known of it, and some more."""
    make_pair(card)
    (card / "IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    make_jpeg(card / "a.jpg", seed=1, size=TINY, rating=3, gps=(41.9, 12.5), keywords=["rome"], orientation=6)
    for seed, name in enumerate(("b.jpg", "c.jpg", "d.jpg"), start=2):
        make_jpeg(card / name, seed=seed, size=TINY)
    (card / "broken.jpg").write_bytes((card / "b.jpg").read_bytes()[:-100])


def live(bench: Workbench, record: StorageRecord, folder: Path, *, is_ours: bool) -> None:
    """Let everything happen that leaves its trace in an index."""

    def hothash_of(name: str) -> str:
        files = bench.master(record).files
        return next(hothash for hothash, entry in files.items() if entry.relative_path.name == name)

    shutil.copy2(folder / "b.jpg", folder / "b, again.jpg")
    make_jpeg(folder / "own.jpg", seed=70, size=TINY)
    (folder / "d.jpg").unlink()
    reindex(bench.tools, record, ReindexRequest(accepts_losses=True))
    said = FactChange.of({"title": "Rome", "rating": 4, "custom.client": "X", "caption": "in July"})
    edit_photos(bench.tools, [hothash_of("a.jpg")], EditRequest(said=said, added_tags=("night",)))
    if is_ours:
        delete_photos(bench.tools, [hothash_of("c.jpg")], storage=record.storage_uuid)


def make_hybrid(bench: Workbench) -> Path:
    record = bench.create("Golden", DISK)
    bench.import_(record, DISK / "card", title="Italy", description="in July", duplicates=DuplicatePolicy.KEEP_BOTH)
    root = bench.root(record)
    live(bench, record, root / "photos", is_ours=True)
    return root


def make_indexed(bench: Workbench) -> Path:
    folder = DISK / "own pictures"
    (DISK / "card").rename(folder)
    record = adopt_folder(bench.tools, folder=folder, display_name="Golden").record
    live(bench, record, folder, is_ours=True)
    return folder


def make_reference(bench: Workbench) -> Path:
    """Only the pictures; ImaLink's own files go beside them."""
    folder = DISK / "only read"
    (DISK / "card").rename(folder)
    refer_to_folder(bench.tools, ImportRequest(source=folder, title="Golden"))
    [record] = bench.records()
    live(bench, record, folder, is_ours=False)
    return bench.home / "reference" / record.storage_uuid


MAKERS = {"hybrid-2.0": make_hybrid, "indexed-1.0": make_indexed, "reference-1.0": make_reference}


def make(name: str) -> None:
    """Make one of them and put it beside this file."""
    shutil.rmtree(DISK, ignore_errors=True)
    fill_card(DISK / "card")
    with Workbench(DISK / "machine") as bench:
        root = MAKERS[name](bench)
    plant_everywhere(root)
    target = HERE / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(
        root, target / "storage", ignore=shutil.ignore_patterns("staging", "backup", ".imalink-storage.lock*")
    )
    if name.startswith("reference"):
        shutil.copytree(DISK / "only read", target / "pictures")
    shutil.rmtree(DISK)


if __name__ == "__main__":
    make(sys.argv[1])
