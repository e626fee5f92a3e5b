"""Journals: one writer's lines in order, durable, readable by all, and whole again after a torn or damaged line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imalink.core.ids import Hothash, WriterId
from imalink.core.index import JournalPosition
from imalink.core.journal import FileMissing
from imalink.core.relative_path import RelativePath
from imalink.errors import OutOfSpaceError
from imalink.storage import journal
from imalink.storage.fs import StorageFiles
from imalink.storage.journal import JOURNAL_FOLDER, Journals
from imalink.storage.root import StorageRoot
from tests.support.faults import CountingCalls, FailingCalls
from tests.support.indexes import hash_of, uuid_of

ONE, TWO = WriterId(uuid_of("one")), WriterId(uuid_of("two"))
AT = "2025-01-01T00:00:00Z"


def gone(name: str) -> FileMissing:
    return FileMissing(hothash=Hothash(hash_of(name)), path=RelativePath(f"photos/{name}.jpg"), last_seen_at=AT)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[StorageFiles]:
    with StorageRoot.open(tmp_path) as root:
        yield StorageFiles(root)


@pytest.fixture
def journals(files: StorageFiles) -> Journals:
    return Journals(files)


def names(journals: Journals, after: dict[WriterId, JournalPosition] | None = None) -> list[str]:
    lines = journals.read_after(after or {}).lines
    return [each.path.stem for line in lines for each in line.observations if isinstance(each, FileMissing)]


def segments(tmp_path: Path, writer: WriterId = ONE) -> list[Path]:
    return sorted((tmp_path / JOURNAL_FOLDER / writer).iterdir(), key=lambda path: int(path.stem))


def test_a_storage_without_journals_has_no_lines(journals: Journals) -> None:
    assert journals.read_after({}).lines == ()
    assert journals.last_lamport() == 0


def test_nothing_to_say_makes_no_file(journals: Journals, tmp_path: Path) -> None:
    assert journals.append(ONE, [], at=AT) == 0
    assert list(tmp_path.iterdir()) == []


def test_lines_are_read_in_the_order_in_which_they_were_written(journals: Journals) -> None:
    for name in "abc":
        assert journals.append(ONE, [gone(name)], at=AT) == 1
    assert names(journals) == ["a", "b", "c"]
    assert [line.seq for line in journals.read_after({}).lines] == [1, 2, 3]


def test_each_line_names_the_digest_of_the_one_before(journals: Journals) -> None:
    journals.append(ONE, [gone("a")], at=AT)
    journals.append(ONE, [gone("b")], at=AT)
    first, second = journals.read_after({}).lines
    assert (first.prev, second.prev) == ("", first.digest)


def test_writers_are_ordered_by_what_each_had_seen(journals: Journals) -> None:
    journals.append(TWO, [gone("a")], at=AT)
    journals.append(ONE, [gone("b")], at=AT)
    journals.append(TWO, [gone("c")], at=AT)
    assert names(journals) == ["a", "b", "c"]
    assert journals.last_lamport() == 3


def test_only_lines_behind_a_position_are_read(journals: Journals) -> None:
    for name in "abc":
        journals.append(ONE, [gone(name)], at=AT)
    assert names(journals, {ONE: JournalPosition(seq=2, digest="")}) == ["c"]
    assert names(journals, {TWO: JournalPosition(seq=2, digest="")}) == ["a", "b", "c"]


def test_many_observations_take_several_lines(journals: Journals) -> None:
    many = [gone(str(number)) for number in range(1000)]
    assert journals.append(ONE, many, at=AT) > 1
    assert names(journals) == [str(number) for number in range(1000)]


def test_a_full_segment_is_followed_by_another(
    journals: Journals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_SEGMENT_BYTES", 300)
    for number in range(6):
        journals.append(ONE, [gone(str(number))], at=AT)
    assert [path.name for path in segments(tmp_path)] == ["1.jsonl", "3.jsonl", "5.jsonl"]
    assert names(journals) == list("012345")
    assert names(journals, {ONE: JournalPosition(seq=3, digest="")}) == list("345")


def test_a_line_is_flushed_before_append_returns(tmp_path: Path) -> None:
    counting = CountingCalls()
    with StorageRoot.open(tmp_path, calls=counting) as root:
        Journals(StorageFiles(root)).append(ONE, [gone("a")], at=AT)
    last_write = max(number for number, call in enumerate(counting.log) if call.name == "write")
    assert "fsync" in [call.name for call in counting.log[last_write:]]


def test_an_append_that_failed_leaves_the_lines_before_it(journals: Journals, tmp_path: Path) -> None:
    import errno

    journals.append(ONE, [gone("a")], at=AT)
    failing = FailingCalls(1, errno.ENOSPC, among=frozenset({"write"}))
    with StorageRoot.open(tmp_path, calls=failing) as root, pytest.raises(OutOfSpaceError):
        Journals(StorageFiles(root)).append(ONE, [gone("b")], at=AT)
    journals.append(ONE, [gone("c")], at=AT)
    assert names(journals) == ["a", "c"]
    assert [line.seq for line in journals.read_after({}).lines] == [1, 2]


# --- torn and damaged -----------------------------------------------------------------------------------------------


def tear(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'0badc0de {"v":1,"seq":4,"items"')


def flip(at: float) -> Callable[[Path], None]:
    """Flip a bit at this part of the file."""

    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[int(len(data) * at)] ^= 0x01
        path.write_bytes(data)

    damage.__name__ = f"flip at {at}"
    return damage


def test_a_torn_tail_is_void_and_cut_off_by_the_next_line(journals: Journals, tmp_path: Path) -> None:
    for name in "abc":
        journals.append(ONE, [gone(name)], at=AT)
    tear(segments(tmp_path)[0])
    assert names(journals) == ["a", "b", "c"]
    assert journals.read_after({}).findings == ()
    journals.append(ONE, [gone("d")], at=AT)
    assert names(journals) == ["a", "b", "c", "d"]
    assert len(segments(tmp_path)) == 1


@pytest.mark.parametrize("damage", [flip(0.01), flip(0.5), flip(0.9)], ids=lambda each: each.__name__)
def test_a_number_given_before_the_damage_is_never_given_again(
    journals: Journals, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Else the new line would be taken for one that the indexes contain already."""
    for name in "abc":
        journals.append(ONE, [gone(name)], at=AT)
    [segment] = segments(tmp_path)
    damage(segment)
    damaged = segment.read_bytes()
    journals.append(ONE, [gone("new")], at=AT)
    assert names(journals, {ONE: JournalPosition(seq=3, digest="")}) == ["new"]
    assert segment.read_bytes() == damaged, "a damaged journal is evidence"
    assert [finding.code for finding in journals.read_after({}).findings] == ["journal-damaged"]


def test_every_flipped_bit_of_a_journal_voids_a_line_and_hides_no_later_one(journals: Journals, tmp_path: Path) -> None:
    for name in "abc":
        journals.append(ONE, [gone(name)], at=AT)
    [segment] = segments(tmp_path)
    good = segment.read_bytes()
    for position in range(0, len(good) - 1, 5):
        data = bytearray(good)
        data[position] ^= 0x02
        segment.write_bytes(data)
        journals.append(ONE, [gone("new")], at=AT)
        assert names(journals, {ONE: JournalPosition(seq=3, digest="")}) == ["new"], position
        assert len(names(journals)) < 4, position
        for later in segments(tmp_path)[1:]:
            later.unlink()


def test_damage_does_not_set_the_counter_of_all_writers_back(journals: Journals, tmp_path: Path) -> None:
    for name in "abc":
        journals.append(ONE, [gone(name)], at=AT)
    segment = segments(tmp_path)[0]
    segment.write_bytes(b"x" + segment.read_bytes()[1:])
    journals.append(ONE, [gone("d")], at=AT)
    segments(tmp_path)[1].write_bytes(b"x" + segments(tmp_path)[1].read_bytes()[1:])
    journals.append(TWO, [gone("e")], at=AT)
    assert names(journals) == ["e"]


def test_a_strange_name_among_the_segments_is_let_be(journals: Journals, tmp_path: Path) -> None:
    journals.append(ONE, [gone("a")], at=AT)
    (segments(tmp_path)[0].parent / "notes.txt").write_text("mine")
    journals.append(ONE, [gone("b")], at=AT)
    assert names(journals) == ["a", "b"]
