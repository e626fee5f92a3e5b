"""R19: a storage of every format version is opened and all of it written anew; what nobody knows stays as it is spelt.

Each storage beside this file is frozen: in every object of every document stands a key ``x_later`` whose value is spelt
as no encoder would spell it (``make_storages.py`` made them, once). Here each is worked on in every way that writes an
index, and then every key that stood there, known or unknown, must stand there still.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec
import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.edit_request import EditRequest
from imalink.core.timestamps import parse_instant_ns
from imalink.core.user_facts import FactChange
from imalink.storage.picture_folder import describe_picture_folder
from imalink.storage.root import StorageRoot
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.edit_session import edit_session
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest
from tests.crash import oracle
from tests.crash.oracle_fold import entries_by_hothash
from tests.golden.storages.make_storages import KEY
from tests.support.workbench import Workbench

HERE = Path(__file__).parent
STORAGES = sorted(path.name for path in HERE.iterdir() if (path / "storage").is_dir())
FLOORS = {"hybrid-2.0": 51, "indexed-1.0": 50, "reference-1.0": 51}
"""How many unknown keys stand in the documents of each."""

Steps = tuple[str, ...]
Members = dict[str, msgspec.Raw]
CHANGING = frozenset(
    "content_sha256 generation index_generated indexed_at generated_at last_indexed last_scan sources "
    "base_path relative_path filename title session_title rating folder file_system_uuid path_below_mount "
    "inode birth_ns last_verified full_path changes_detected moved_files new_files storage_directory "
    "directory_name clocks imalink_version seq digest".split()
)
"""Known keys whose values the work of this test changes: what was moved, said, and counted."""


@dataclass
class Golden:
    """A copy of a frozen storage, known to a new machine."""

    name: str
    bench: Workbench
    place: oracle.Place
    record: StorageRecord

    def documents(self) -> dict[str, bytes]:
        """Every document that is replaced as a whole, by its name."""
        root, shape = self.place.root, self.place.shape
        paths = [*(root / shape.sessions).glob("*"), root / shape.overview, root / shape.master]
        return {str(path.relative_to(root)): path.read_bytes() for path in (*paths, root / ".imalink-storage")}

    def records(self) -> dict[str, bytes]:
        """Every file of lines, by its name."""
        folder = self.place.root / ".imalink/metadata"
        paths = (*folder.glob("commits/*"), *folder.glob("journal/*/*"))
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(params=STORAGES)
def golden(request: pytest.FixtureRequest, tmp_path: Path, empty_catalog: Path) -> Iterator[Golden]:
    name: str = request.param
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="another machine") as bench:
        frozen = HERE / name
        if (frozen / "pictures").is_dir():
            uuid = json.loads((frozen / "storage/.imalink-storage").read_bytes())["storage_uuid"]
            pictures, home = bench.disk / "only read", bench.home / "reference" / uuid
            shutil.copytree(frozen / "pictures", pictures)
            shutil.copytree(frozen / "storage", home)
            say_where_pictures_are(home / ".imalink-storage", pictures)
            place = oracle.Place(home, pictures)
        else:
            shutil.copytree(frozen / "storage", bench.disk / name)
            place = oracle.Place(bench.disk / name)
        set_times(place)
        candidates, findings = find_candidates(bench.tools, [bench.disk])
        report = recover(bench.tools, candidates)
        assert [each.code for each in (*findings, *report.findings)] == []
        [record] = bench.records()
        yield Golden(name, bench, place, record)


def say_where_pictures_are(signature: Path, pictures: Path) -> None:
    """Let a signature name this folder, and leave every other byte of it as it is."""
    with StorageRoot.open(pictures) as root:
        folder = describe_picture_folder(root)
    text = signature.read_text()
    for key, value in {
        "folder": str(folder.path),
        "file_system_uuid": folder.file_system_uuid,
        "path_below_mount": folder.path_below_mount,
        "inode": folder.inode,
        "birth_ns": folder.birth_ns,
    }.items():
        spelling = json.dumps(value)
        text, count = re.subn(rf'("{key}": )("[^"]*"|null|\d+)', lambda found, s=spelling: found[1] + s, text)
        assert count == 1
    signature.write_text(text)


def set_times(place: oracle.Place) -> None:
    """Give files the times that the indexes know; a checkout does not keep them."""
    for document in place.sessions().values():
        for _, entry in entries_by_hothash(document):
            for record in (entry, *entry.get("companions", ()), *entry.get("copies", ())):
                path = place.base / oracle.path_of(record)
                if path.exists():
                    _set_time(path, record)
    for conflict in place.document(place.shape.master)["conflicts"]:
        if conflict["type"] == "orphan_file":
            _set_time(place.base / conflict["path"], conflict)


def _set_time(path: Path, record: Mapping[str, str]) -> None:
    modified_ns = parse_instant_ns(record["file_modified"])
    os.utime(path, ns=(modified_ns, modified_ns))


# reading documents without reading values


def objects_in(raw: bytes | msgspec.Raw, steps: Steps = ()) -> Iterator[tuple[Steps, Members]]:
    """Give every object of a document with the steps that lead to it, its values as they are spelt."""
    text = bytes(raw).lstrip()
    if text.startswith(b"{"):
        members = msgspec.json.decode(raw, type=Members)
        yield steps, members
        for key, value in members.items():
            if key != KEY:
                yield from objects_in(value, (*steps, key))
    elif text.startswith(b"["):
        for number, item in enumerate(msgspec.json.decode(raw, type=list[msgspec.Raw])):
            yield from objects_in(item, (*steps, _name_of(item) or str(number)))


def _name_of(item: msgspec.Raw) -> str:
    """What an item of a list is known by, wherever in the list it stands."""
    value: object = msgspec.json.decode(item)
    if not isinstance(value, dict):
        return ""
    members = cast(dict[str, object], value)
    named = (members.get(key) for key in ("code", "type", "hothash", "sha256", "session_uuid", "expected_path", "path"))
    return " ".join(each for each in named if isinstance(each, str))


def unknown_in(documents: Mapping[str, bytes]) -> dict[tuple[str, Steps], bytes]:
    """Give each unknown value as it is spelt, but for line breaks and indents, by document and place."""
    return {
        (name, steps): msgspec.json.format(bytes(members[KEY]), indent=-1)
        for name, data in documents.items()
        for steps, members in objects_in(data)
        if KEY in members
    }


def known_in(documents: Mapping[str, bytes]) -> dict[tuple[str, Steps, str], bytes]:
    """Give each known value that is no object and no list, by document, place and key."""
    return {
        (name, steps, key): bytes(value)
        for name, data in documents.items()
        for steps, members in objects_in(data)
        for key, value in members.items()
        if key != KEY and not bytes(value).lstrip().startswith((b"{", b"["))
    }


# working on it


def move_a_picture(golden: Golden) -> None:
    folder = golden.place.base / golden.place.shape.photos
    (folder / "Rome").mkdir()
    (folder / "a.jpg").rename(folder / "Rome/a.jpg")
    reindex(golden.bench.tools, golden.record, ReindexRequest(accepts_losses=True))


def look_at_everything(golden: Golden) -> None:
    reindex(golden.bench.tools, golden.record, ReindexRequest(strategy=Strategy.FULL, accepts_losses=True))


def rate_everything(golden: Golden) -> None:
    hothashes = sorted(golden.bench.master(golden.record).files)
    edit_photos(golden.bench.tools, hothashes, EditRequest(said=FactChange.of({"rating": 2}), added_tags=("all",)))


def retitle(golden: Golden) -> None:
    edit_session(golden.bench.tools, "1", title="Another title")


def regenerate(golden: Golden) -> None:
    assert regenerate_indexes(golden.bench.tools, golden.record).findings == ()


def verify_everything(golden: Golden) -> None:
    verify(golden.bench.tools, golden.record, VerifyRequest())


WORK: tuple[Callable[[Golden], None], ...] = (
    move_a_picture,
    look_at_everything,
    rate_everything,
    retitle,
    regenerate,
    verify_everything,
)


def test_what_nobody_knows_stays_as_it_is_spelt_whatever_is_written(
    golden: Golden, record_property: Callable[[str, object], None]
) -> None:
    before, lines = golden.documents(), golden.records()
    unknown, known = unknown_in(before), known_in(before)
    for work in WORK:
        work(golden)
        now = golden.documents()
        kept = unknown_in(now)
        gone = {at: spelling for at, spelling in unknown.items() if kept.get(at) != spelling}
        assert gone == {}, f"{work.__name__} lost or respelt {len(gone)} of {len(unknown)}"
        told = known_in(now)
        lost = {
            at: (value, told.get(at)) for at, value in known.items() if at[2] not in CHANGING and told.get(at) != value
        }
        assert lost == {}, f"{work.__name__} changed what it had nothing to do with"
    after = golden.documents()
    assert [name for name in before if before[name] == after[name]] == [], "not everything was written anew"
    for name, data in lines.items():
        assert golden.records()[name] == data, f"the record {name} was changed"
    indexed = oracle.indexed_files(golden.place)
    assert oracle.check_own_files(golden.place, indexed) == []
    print(f"R19: {golden.name}: {len(unknown)} unknown keys, {len(known)} known")  # noqa: T201
    record_property(f"R19: unknown keys of {golden.name}", len(unknown))
    assert len(unknown) >= FLOORS[golden.name]


def test_every_layout_has_a_golden_storage() -> None:
    assert sorted(FLOORS) == STORAGES


@pytest.mark.parametrize("name", STORAGES)
def test_every_object_of_a_golden_storage_has_an_unknown_key(name: str) -> None:
    """So that a kind of object that is new in a format is not left out."""
    root = HERE / name / "storage"
    place = oracle.Place(root)
    tables = {"files", "photos", "deleted", "journals", "clocks", "tag_changes", "custom"}
    for path in (root / ".imalink-storage", *(root / place.shape.sessions).glob("*"), root / place.shape.master):
        bare = [steps for steps, members in objects_in(path.read_bytes()) if KEY not in members]
        assert [steps for steps in bare if steps[-1] not in tables and "facts" not in steps] == [], path.name
