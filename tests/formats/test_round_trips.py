"""What is written is read back as it was, whatever people and disks put into it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imalink.core.finding import Finding
from imalink.core.index import MasterIndex, Overview, SessionIndex
from imalink.core.journal import Commit, FileEdited, FileMoved, FileSeen, Observation, RunPlan
from imalink.core.operation import OperationPart
from imalink.core.photo import Photo
from imalink.core.picture import Camera, Embedded, GpsPosition
from imalink.core.relative_path import RelativePath
from imalink.core.signature import Signature
from imalink.errors import InvalidPathError
from imalink.formats.commit_file import RunWriter, parse_commit, parse_run
from imalink.formats.journal_file import batch_observations, dump_journal_line, parse_journal, parse_operations
from imalink.formats.json_lines import MAX_LINE_BYTES
from imalink.formats.layouts import hybrid, indexed, master_codec, overview_codec
from imalink.formats.picture_records import MAX_EMBEDDED_BYTES
from imalink.formats.records import path_fields, path_from
from imalink.formats.registry_file import (
    Installation,
    dump_installation,
    dump_registry,
    parse_installation,
    parse_registry,
)
from imalink.formats.scan_snapshot import ScanSnapshot, dump_snapshot, parse_snapshot
from imalink.formats.signature_file import dump_signature, parse_signature
from tests.formats import strategies
from tests.formats.examples import (
    DOCUMENTS,
    ODD_PATH,
    REGISTRY,
    WRITER,
    DocumentKind,
    as_json,
    commit,
    full_entry,
    journal_lines,
    observations,
    registry,
    run_lines,
    session_index,
)
from tests.support.indexes import make_entry, make_facts, make_index

pytestmark = pytest.mark.parse_write

KINDS = pytest.mark.parametrize("kind", DOCUMENTS.values(), ids=DOCUMENTS.keys())


@KINDS
def test_the_example_of_each_document_comes_back_as_it_was(kind: DocumentKind) -> None:
    assert kind.parse(kind.data()) == (kind.example(), True)


@KINDS
def test_what_is_read_is_written_again_byte_for_byte(kind: DocumentKind) -> None:
    assert kind.dump(kind.parse(kind.data())[0]) == kind.data()


@given(strategies.session_indexes)
@settings(max_examples=60)
def test_every_session_index_comes_back_as_it_was(index: SessionIndex) -> None:
    assert hybrid.parse_session(hybrid.dump_session(index), file="f") == (index, True)


@given(strategies.session_indexes)
@settings(max_examples=60)
def test_every_session_index_of_an_adopted_folder_comes_back_as_it_was(index: SessionIndex) -> None:
    assert indexed.parse_session(indexed.dump_session(index), file="f") == (index, True)


@given(strategies.master_indexes)
@settings(max_examples=60)
def test_every_master_comes_back_as_it_was(master: MasterIndex) -> None:
    assert master_codec.parse_master(master_codec.dump_master(master)) == (master, True)


@given(strategies.overviews)
def test_every_overview_comes_back_as_it_was(overview: Overview) -> None:
    assert overview_codec.parse_overview(overview_codec.dump_overview(overview)) == (overview, True)


@given(strategies.signatures)
def test_every_signature_comes_back_as_it_was(signature: Signature) -> None:
    assert parse_signature(dump_signature(signature)) == signature


@given(strategies.commits)
@settings(max_examples=60)
def test_every_commit_comes_back_as_it_was(run: Commit) -> None:
    writer = RunWriter()
    lines = [writer.begin(run.begin), *(writer.plan(plan) for plan in run.plans)]
    lines.extend(writer.finding(finding) for finding in run.findings)
    lines.append(writer.end(run.end))
    assert parse_commit(b"".join(lines), file="f") == run


@given(st.lists(strategies.observations, min_size=1, max_size=4), st.none() | strategies.parts)
@settings(max_examples=100)
def test_every_journal_line_comes_back_as_it_was(seen: list[Observation], part: OperationPart | None) -> None:
    line, digest = dump_journal_line(seen, seq=3, prev="0" * 16, lamport=5, at="2024-01-01T00:00:00Z", part=part)
    lines, is_whole = parse_journal(line, writer=WRITER, file="f")
    assert is_whole
    assert [(each.seq, each.prev, each.lamport, each.digest, each.writer) for each in lines] == [
        (3, "0" * 16, 5, digest, WRITER)
    ]
    assert lines[0].observations == tuple(seen)
    assert lines[0].part == part
    listed = [each.operation for each in parse_operations(line, writer=WRITER)]
    assert listed == ([] if part is None else [part.operation])


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, -(2**63) - 1])
def test_a_number_that_no_reader_takes_is_left_out_and_never_voids_the_lines_after_it(number: int) -> None:
    run = commit()
    first = run.plans[0].entry
    facts = replace(first.facts, width=number, height=number, camera=replace(first.facts.camera, iso=number))
    plans = (replace(run.plans[0], entry=replace(first, facts=facts)), *run.plans[1:])
    writer = RunWriter()
    lines = [writer.begin(run.begin), *(writer.plan(plan) for plan in plans)]
    lines.append(writer.finding(Finding(code="picture-too-large", path="a", facts={"width": number})))
    lines.append(writer.end(run.end))
    back = parse_commit(b"".join(lines), file="f")
    assert len(back.plans) == len(run.plans)
    assert (back.plans[0].entry.facts.width, back.plans[0].entry.facts.camera.iso) == (None, None)
    seen = FileSeen(
        hothash=first.hothash,
        path=first.relative_path,
        size_bytes=1,
        sha256=first.sha256,
        modified_ns=0,
        entry=plans[0].entry,
    )
    line, _ = dump_journal_line([seen], seq=1, prev="0" * 16, lamport=1, at="2024-01-01T00:00:00Z")
    parsed, is_whole = parse_journal(line, writer=WRITER, file="f")
    assert (len(parsed), is_whole) == (1, True)


def test_a_line_that_could_not_be_read_again_is_not_written() -> None:
    run = commit()
    impossible = replace(run.plans[0].entry, size_bytes=-1)
    with pytest.raises(ValueError, match="nobody could read again"):
        RunWriter().plan(replace(run.plans[0], entry=impossible))


def test_the_example_commit_comes_back_as_it_was() -> None:
    assert parse_commit(b"".join(run_lines()), file="f") == commit()


def test_the_example_journal_comes_back_as_it_was() -> None:
    lines, is_whole = parse_journal(b"".join(journal_lines()), writer=WRITER, file="f")
    assert is_whole
    assert tuple(observation for line in lines for observation in line.observations) == observations()
    assert [line.prev for line in lines[1:]] == [line.digest for line in lines[:-1]]


def test_the_registry_comes_back_as_it_was() -> None:
    assert parse_registry(dump_registry(registry()), file="f") == registry()
    assert dump_registry(parse_registry(REGISTRY.data(), file="f")) == REGISTRY.data()


def test_the_installation_comes_back_as_it_was() -> None:
    assert parse_installation(dump_installation(Installation(writer="w"))) == Installation(writer="w")


@given(st.dictionaries(strategies.paths, st.tuples(st.integers(0, 2**62), st.integers(), st.integers(0, 2**62))))
def test_a_scan_snapshot_keeps_names_that_are_not_utf8(files: dict[str, tuple[int, int, int]]) -> None:
    files = {path: (size, modified % 2**62, inode) for path, (size, modified, inode) in files.items()}
    snapshot = ScanSnapshot(files=files, indexes={"index.json": (1, 2, 3)}, runs=("r",), report=b"{}")
    assert parse_snapshot(dump_snapshot(snapshot)) == snapshot


@pytest.mark.parametrize("data", [b"", b"\xc1", b"{}", dump_installation(Installation(writer="w")), b"\x95\x03"])
def test_a_snapshot_that_cannot_be_read_is_no_snapshot(data: bytes) -> None:
    assert parse_snapshot(data) is None


def test_a_snapshot_of_another_version_is_no_snapshot() -> None:
    data = dump_snapshot(ScanSnapshot(files={}, indexes={}, runs=(), report=b""))
    assert data[:2] == b"\x95\x03"
    assert parse_snapshot(b"\x95\x02" + data[2:]) is None


@given(strategies.paths)
def test_a_path_is_text_for_people_and_bytes_where_text_cannot_hold_it(path: RelativePath) -> None:
    text, encoded = path_fields(path)
    text.encode("utf-8")
    assert (encoded is None) == path.is_utf8
    assert path_from(text, encoded) == path


@pytest.mark.parametrize("encoded", ["!", "é", "", "Li4veA=="])
def test_path_bytes_that_are_none_are_refused_like_any_other_path(encoded: str) -> None:
    with pytest.raises(InvalidPathError):
        path_from("a.jpg", encoded)


@given(strategies.any_texts)
def test_text_that_utf8_cannot_hold_is_written_with_question_marks_and_never_stops_the_writing(text: str) -> None:
    photo = Photo(
        photo_uuid=full_entry().photo_uuid,
        files=(full_entry().hothash,),
        primary=full_entry().hothash,
        title=text,
        caption=text,
        label=text,
        tags=(text,),
    )
    facts = make_facts(
        camera=Camera(make=text, model=text, lens=text),
        embedded=Embedded(title=text, caption=text, keywords=(text,), author=text, copyright=text, label=text),
    )
    entry = replace(make_entry("full", facts=facts), original_filename=text, original_path=text)
    session = replace(session_index().session, title=text, description=text, source_path=text)
    tombstone = replace(next(iter(session_index().deleted.values())), original_filename=text, by=text, reason=text)
    index = replace(make_index([entry], photos=[photo], deleted=[tombstone], session=session), storage_directory=text)
    written = text.encode("utf-8", "replace").decode()
    back, is_intact = hybrid.parse_session(hybrid.dump_session(index), file="f")
    assert is_intact
    assert back.session.title == written
    assert back.photos[entry.photo_uuid].tags == (written,)
    assert back.files[entry.hothash].facts.embedded.caption == written


@given(strategies.any_texts)
def test_a_signature_is_written_whatever_people_call_it(text: str) -> None:
    example = DOCUMENTS["signature"].example()
    odd = replace(example, display_name=text, notes=text, tags=(text,), backend_url=text, description=text)
    assert parse_signature(dump_signature(odd)).notes == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("position", [(float("nan"), 1.0), (1.0, float("inf"))])
def test_a_position_that_is_no_number_is_left_out(position: tuple[float, float]) -> None:
    gps = GpsPosition(latitude=position[0], longitude=position[1])
    entry = make_entry("a", facts=make_facts(gps=gps))
    back, _ = hybrid.parse_session(hybrid.dump_session(make_index([entry])), file="f")
    assert back.files[entry.hothash].facts.gps is None


def _huge(characters: int) -> Embedded:
    return Embedded(
        title="t" * characters,
        caption="c" * characters,
        author="a" * characters,
        copyright="©" * characters,
        label="l" * characters,
        keywords=tuple(f"{number} {'k' * 90}" for number in range(characters // 100)),
        hierarchical_keywords=("h|" * characters,),
    )


@pytest.mark.parametrize(
    "embedded", [_huge(100_000), Embedded(caption="😀\n" * 500_000), Embedded(keywords=("k" * 99_999,))]
)
def test_a_picture_with_huge_texts_still_fits_a_line(embedded: Embedded) -> None:
    camera = Camera(make="m" * 99_999, model="m" * 99_999, lens="é" * 99_999)
    entry = make_entry("huge", facts=make_facts(embedded=embedded, camera=camera))
    line = RunWriter().plan(RunPlan(staged_name="1.part", entry=entry))
    assert len(line) < MAX_LINE_BYTES
    plan = parse_run(line, file="f").plans[0]
    kept = plan.entry.facts.embedded
    assert (embedded.caption or "").startswith(kept.caption or "")
    assert kept.keywords == embedded.keywords[: len(kept.keywords)]


def test_texts_below_the_limit_are_not_cut() -> None:
    embedded = Embedded(caption="c" * (MAX_EMBEDDED_BYTES - 200), keywords=("k",))
    entry = make_entry("long", facts=make_facts(embedded=embedded))
    plan = parse_run(RunWriter().plan(RunPlan(staged_name="1.part", entry=entry)), file="f").plans[0]
    assert plan.entry == entry


def test_a_cut_text_is_the_same_in_the_commit_and_in_the_index_made_of_it() -> None:
    entry = make_entry("huge", facts=make_facts(embedded=_huge(50_000)))
    planned = parse_run(RunWriter().plan(RunPlan(staged_name="1.part", entry=entry)), file="f").plans[0].entry
    indexed = hybrid.parse_session(hybrid.dump_session(make_index([entry])), file="f")[0].files[entry.hothash]
    again = hybrid.parse_session(hybrid.dump_session(make_index([planned])), file="f")[0].files[entry.hothash]
    assert planned == indexed == again


def test_batches_of_observations_stay_below_a_line_with_huge_captions() -> None:
    huge = [
        FileEdited(
            old_hothash=full_entry().hothash,
            path=ODD_PATH,
            entry=make_entry(number, facts=make_facts(embedded=_huge(30_000))),
        )
        for number in range(10)
    ]
    batches = list(batch_observations(huge))
    lines = [dump_journal_line(batch, seq=1, prev="", lamport=1, at="2024-01-01T00:00:00Z")[0] for batch in batches]
    assert sum(len(batch) for batch in batches) == len(huge)
    assert max(map(len, lines)) <= MAX_LINE_BYTES


def test_batches_keep_all_observations_in_their_order() -> None:
    moved = [
        FileMoved(
            hothash=full_entry().hothash,
            old_path=path_from(f"photos/{number}.jpg", None),
            new_path=path_from(f"photos/{'x' * 200}/{number}.jpg", None),
            modified_ns=number,
            verified="hash",
        )
        for number in range(2_000)
    ]
    batches = list(batch_observations(moved))
    assert [observation for batch in batches for observation in batch] == moved
    assert 5 < len(batches) < 50
    assert list(batch_observations([])) == []


def test_a_file_outside_the_photo_folder_is_spelt_as_readers_join_it() -> None:
    entry = make_entry("a", path="elsewhere/a.jpg")
    data = hybrid.dump_session(make_index([entry, make_entry("b", path="photos/x/b.jpg")]))
    files = DOCUMENTS["session-index"].parse(data)[0].files
    assert files[entry.hothash].relative_path == "elsewhere/a.jpg"
    assert b'"../elsewhere/a.jpg"' in data
    assert b'"x/b.jpg"' in data


def test_a_file_record_repeats_what_holds_for_its_photo() -> None:
    index = session_index()
    record = as_json(hybrid.dump_session(index))["files"][full_entry().hothash]
    assert (record["rating"], record["title"], record["tags"]) == (5, "Forum Romanum", ["Rome", "holiday"])


def test_the_repeated_facts_are_never_read() -> None:
    document = as_json(hybrid.dump_session(session_index()))
    document["files"][full_entry().hothash] |= {"rating": 1, "title": "Other", "tags": ["other"]}
    assert hybrid.parse_session(msgspec.json.encode(document), file="f")[0] == session_index()
