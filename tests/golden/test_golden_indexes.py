"""The frozen files of every format version are read for ever, and written again byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from imalink.core.ids import WriterId
from imalink.core.journal import Observation
from imalink.core.library import Library, merge_into
from imalink.core.picture import GpsPosition
from imalink.core.timestamps import CaptureTime
from imalink.formats.commit_file import RunWriter, parse_commit
from imalink.formats.journal_file import dump_journal_line, parse_journal
from imalink.formats.layouts import hybrid, master_codec, overview_codec
from imalink.formats.library_file import dump_library, parse_library
from imalink.formats.registry_file import dump_registry, parse_registry
from imalink.formats.signature_file import dump_signature, parse_signature
from imalink.storage.library import library_edits

V1 = Path(__file__).parent / "indexes" / "v1"


def _session(data: bytes) -> bytes:
    return hybrid.dump_session(hybrid.parse_session(data, file="f")[0])


def _commit(data: bytes) -> bytes:
    run = parse_commit(data, file="f")
    writer = RunWriter()
    lines = [writer.begin(run.begin), *(writer.plan(plan) for plan in run.plans)]
    lines.extend(writer.finding(finding) for finding in run.findings)
    return b"".join([*lines, writer.end(run.end)])


def _journal(data: bytes) -> bytes:
    lines, is_whole = parse_journal(data, writer=WriterId("w"), file="f")
    assert is_whole
    return b"".join(
        dump_journal_line(
            line.observations, seq=line.seq, prev=line.prev, lamport=line.lamport, at=line.at, part=line.part
        )[0]
        for line in lines
    )


def _library(data: bytes) -> bytes:
    file = parse_library(data, file="f")
    assert file.is_intact
    return dump_library(file, generated_at="2024-12-02T10:00:00Z")


AGAIN: dict[str, Callable[[bytes], bytes]] = {
    ".imalink-storage": lambda data: dump_signature(parse_signature(data)),
    "index.json": lambda data: overview_codec.dump_overview(overview_codec.parse_overview(data)[0]),
    "imalink-master.json": lambda data: master_codec.dump_master(master_codec.parse_master(data)[0]),
    "session_42.json": _session,
    "session_43.json": _session,
    "session_44.json": _session,
    "commit.jsonl": _commit,
    "journal.jsonl": _journal,
    "journal_photos.jsonl": _journal,
    "journal_deleted.jsonl": _journal,
    "journal_rehashed.jsonl": _journal,
    "journal_verified.jsonl": _journal,
    "journal_trash.jsonl": _journal,
    "journal_library.jsonl": _journal,
    "library.json": _library,
    "journal_edits.jsonl": _journal,
    "journal_operations.jsonl": _journal,
    "storage_config.json": lambda data: dump_registry(parse_registry(data, file="f")),
}


def test_the_golden_files_are_the_frozen_ones() -> None:
    pairs = [line.split("  ") for line in (V1 / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in pairs}
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in V1.iterdir()}
    there.pop("SHA256SUMS")
    assert there == sums
    assert set(there) == set(AGAIN)


@pytest.mark.parametrize("name", AGAIN)
def test_a_golden_file_is_read_and_written_again_byte_for_byte(name: str) -> None:
    data = (V1 / name).read_bytes()
    assert AGAIN[name](data) == data


def test_the_digests_of_the_golden_indexes_fit() -> None:
    assert overview_codec.parse_overview((V1 / "index.json").read_bytes())[1] is True
    assert master_codec.parse_master((V1 / "imalink-master.json").read_bytes())[1] is True
    assert hybrid.parse_session((V1 / "session_42.json").read_bytes(), file="f")[1] is True
    assert hybrid.parse_session((V1 / "session_43.json").read_bytes(), file="f")[1] is True


def test_the_golden_session_says_what_it_always_said() -> None:
    index, _ = hybrid.parse_session((V1 / "session_42.json").read_bytes(), file="f")
    paths = {bytes(entry.relative_path.as_bytes()): entry for entry in index.files.values()}
    odd = paths[b"photos/Z\xfcrich\n/\xe2\x80\xaegpj.jpg"]
    full = paths[b"photos/2024/a.jpg"]
    assert (odd.status, odd.last_seen_at, odd.facts.width) == ("missing", "2024-11-01T00:00:00Z", None)
    assert full.modified_ns == 1_720_000_000_123_456_789
    assert full.facts.capture_time is not None
    assert (full.facts.capture_time.local, full.facts.capture_time.offset) == ("2024-07-10T14:30:00.12", "+02:00")
    assert [companion.relative_path for companion in full.companions] == ["photos/2024/a.xmp"]
    assert index.photos[full.photo_uuid].tags == ("Rome", "holiday")
    assert index.session.title == "Italy Summer 2024"
    assert len(index.deleted) == 1


def test_the_golden_user_facts_say_what_they_always_said() -> None:
    index, _ = hybrid.parse_session((V1 / "session_44.json").read_bytes(), file="f")
    [said] = [photo for photo in index.photos.values() if photo.clocks]
    assert said.tag_changes == {"Italy": True, "holiday": False}
    assert said.capture_time == CaptureTime(local="2024-07-10T14:30:00.5", offset="+02:00", source="user")
    assert said.gps == GpsPosition(latitude=41.8925, longitude=12.4853, altitude=20.0)
    assert said.custom == {"client": "Comune di Roma"}


def test_the_golden_overview_and_signature_say_what_they_always_said() -> None:
    overview, _ = overview_codec.parse_overview((V1 / "index.json").read_bytes())
    signature = parse_signature((V1 / ".imalink-storage").read_bytes())
    assert overview.storage_uuid == signature.storage_uuid
    assert [session.title for session in overview.sessions] == ["Italy Summer 2024", "Wedding"]
    assert signature.tags == ("vacation", "family")


def test_the_golden_master_says_what_it_always_said() -> None:
    master, _ = master_codec.parse_master((V1 / "imalink-master.json").read_bytes())
    assert (master.total_files, len(master.missing()), len(master.orphans)) == (4, 1, 2)


def test_the_golden_library_is_what_its_journal_adds_up_to() -> None:
    lines, _ = parse_journal((V1 / "journal_library.jsonl").read_bytes(), writer=WriterId("w"), file="f")
    library: Library = {}
    merge_into(library, library_edits(lines))
    assert library == parse_library((V1 / "library.json").read_bytes(), file="f").library
    [photos] = [fields for (kind, _), fields in library.items() if kind == "collection"]
    assert sorted(fact.value is None for name, fact in photos.items() if name.startswith("photo.")) == [False, True]


def test_the_golden_journals_have_an_operation_of_each_kind() -> None:
    names = [name for name, again in AGAIN.items() if again is _journal]
    journals = [parse_journal((V1 / name).read_bytes(), writer=WriterId("w"), file="f")[0] for name in names]
    kinds = {type(each) for lines in journals for line in lines for each in line.observations}
    assert kinds == set(get_args(Observation))
