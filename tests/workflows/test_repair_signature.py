"""A signature that is gone or damaged is told by whatever meets it, and repaired from what else says whose it is."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.duplicate import DuplicatePolicy
from imalink.core.organization import KEEP
from imalink.core.signature import Signature
from imalink.errors import (
    ForeignStorageError,
    NotFoundError,
    SignatureDamagedError,
    StorageOfflineError,
    StorageReadOnlyError,
)
from imalink.formats.signature_file import parse_signature
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.browse_storage import browse_storage
from imalink.workflows.find_file import find_files
from imalink.workflows.heal import heal
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.regenerate_indexes import RegenerateReport, regenerate_storage
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.storage_access import home_of
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest
from tests.support.faults import CountingCalls, CrashingCalls, KeepsOutCalls, SimulatedCrash
from tests.support.rot import flip_bit
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source, snapshot

SIGNATURE = ".imalink-storage"
BACKUPS = ".imalink/metadata/backup"


class Damaged:
    """A storage with two sessions of two pictures; ``home`` has ImaLink's own files of it."""

    def __init__(self, bench: Workbench, record: StorageRecord) -> None:
        self.bench = bench
        self.record = bench.record(record.storage_uuid)
        self.home = home_of(bench.tools, self.record)
        self.pictures = Path(self.record.full_path)
        self.signature = self.home / SIGNATURE
        self.before = self.read()

    def read(self) -> Signature:
        return parse_signature(self.signature.read_bytes())

    def forget_generations(self) -> None:
        """As with a storage of before signatures were kept."""
        for path in (self.home / BACKUPS).glob(f"{SIGNATURE}.g*"):
            path.unlink()

    def regenerate(self, text: str | Path | None = None) -> RegenerateReport:
        return regenerate_storage(self.bench.tools, str(text or self.record.storage_uuid))

    def check_repaired(self) -> None:
        """See that the storage is what it was, and works."""
        now = self.read()
        assert now.storage_uuid == self.before.storage_uuid
        assert (now.display_name, now.created_at, now.layout, now.photo_root, now.pictures) == (
            self.before.display_name,
            self.before.created_at,
            self.before.layout,
            self.before.photo_root,
            self.before.pictures,
        )
        report = reindex(self.bench.tools, self.record, ReindexRequest())
        assert (report.changes_detected, report.files_seen) == (False, 4)


def created(bench: Workbench) -> StorageRecord:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card", 2))
    bench.import_(record, make_source(bench.folder / "second card", 2, first_seed=10))
    return record


def adopted(bench: Workbench) -> StorageRecord:
    folder = make_source(bench.folder / "Pictures", 2)
    record = adopt_folder(bench.tools, folder=folder, display_name="Pictures").record
    bench.import_(record, make_source(bench.folder / "second card", 2, first_seed=10))
    return record


def referred(bench: Workbench) -> StorageRecord:
    request = ImportRequest(source=make_source(bench.folder / "lent", 2), title="Lent", organization=KEEP)
    refer_to_folder(bench.tools, request)
    make_source(request.source / "more", 2, first_seed=10)
    record = refer_to_folder(bench.tools, request).record
    assert record is not None
    return record


LAYOUTS = {"hybrid": created, "indexed": adopted, "reference": referred}


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with memory_folder(tmp_path) as folder, Workbench(folder, empty_catalog=empty_catalog) as found:
        yield found


@pytest.fixture(params=LAYOUTS)
def storage(request: pytest.FixtureRequest, bench: Workbench) -> Damaged:
    return Damaged(bench, LAYOUTS[request.param](bench))


@pytest.fixture
def hybrid(bench: Workbench) -> Damaged:
    return Damaged(bench, created(bench))


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _spoil(path: Path) -> None:
    path.write_bytes(b"\x93\x00garbage" * 40)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _break_a_key(path: Path) -> None:
    document = json.loads(path.read_bytes())
    document["created_at"] = "yesterday"
    path.write_text(json.dumps(document))


def _cut_behind_the_uuid(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'"tags"')])


DAMAGES: list[Callable[[Path], None]] = [
    _truncate,
    _spoil,
    _empty,
    _zero,
    _break_a_key,
    _cut_behind_the_uuid,
    Path.unlink,
]
DAMAGE = pytest.mark.parametrize("damage", DAMAGES)


@DAMAGE
def test_whatever_meets_a_damaged_signature_changes_nothing_and_names_the_repair(
    storage: Damaged, damage: Callable[[Path], None]
) -> None:
    damage(storage.signature)
    before = snapshot(storage.home)
    tools = storage.bench.tools
    asked: list[Callable[[], object]] = [
        lambda: reindex(tools, storage.record, ReindexRequest()),
        lambda: browse_storage(storage.home, clock=tools.clock, references=tools.references),
        lambda: find_candidates(tools, []),
    ]
    if not storage.home.is_relative_to(storage.bench.home):
        asked.append(lambda: find_candidates(tools, [storage.home.parent]))
    for ask in asked:
        with pytest.raises(SignatureDamagedError) as told:
            ask()
        assert "pictures are safe" in told.value.message
        assert "imalink regenerate " in told.value.hint
    assert snapshot(storage.home) == before


@pytest.mark.parametrize("damage", [_truncate, _zero, Path.unlink])
@pytest.mark.parametrize("is_read_only", [False, True], ids=["writable", "read-only"])
def test_what_only_reads_goes_on_with_a_damaged_signature(
    storage: Damaged, damage: Callable[[Path], None], is_read_only: bool
) -> None:
    hothashes: list[str] = list(storage.bench.master(storage.record).files)
    damage(storage.signature)
    before = snapshot(storage.home)
    calls = KeepsOutCalls(storage.home, answer=errno.EROFS) if is_read_only else None
    with storage.bench.restart(calls) as bench:
        report = verify(bench.tools, storage.record, VerifyRequest())
        assert (report.checked, report.ok) == (4, 4)
        assert [each.code for each in report.findings] == ["signature-damaged", "verification-not-noted"]
        assert "imalink regenerate" in str(report.findings[0].facts["next"])
        for picture in find_files(bench.tools, hothashes):
            assert picture.path is not None
            assert Path(picture.path).is_file()
        browsed = browse_storage(storage.home, clock=bench.clock, references=bench.tools.references, is_trusted=True)
        assert sum(len(session.files) for session in browsed.sessions) == 4
        assert [each.code for each in browsed.findings] == ["signature-damaged"]
        if not is_read_only:
            with pytest.raises(SignatureDamagedError):
                reindex(bench.tools, storage.record, ReindexRequest())
    assert snapshot(storage.home) == before


def test_another_storage_is_healed_from_one_with_a_damaged_signature(bench: Workbench, hybrid: Damaged) -> None:
    other = bench.folder / "other disk"
    other.mkdir()
    second = bench.create("Second", other)
    bench.import_(second, bench.folder / "card", duplicates=DuplicatePolicy.KEEP_BOTH)
    flip_bit(bench.root(second) / "photos/IMG_0001.jpg")
    assert verify(bench.tools, second, VerifyRequest()).healable == ("photos/IMG_0001.jpg",)
    hybrid.signature.unlink()
    assert [each.path for each in heal(bench.tools, second).healed] == ["photos/IMG_0001.jpg"]


def test_files_of_two_storages_without_a_signature_are_not_even_read(hybrid: Damaged) -> None:
    other = hybrid.bench.folder / "other disk"
    other.mkdir()
    second = hybrid.bench.create("Second", other)
    hybrid.bench.import_(second, make_source(hybrid.bench.folder / "third card", 2, first_seed=30))
    for path in (hybrid.bench.root(second) / ".imalink/metadata/commits").iterdir():
        shutil.copy2(path, hybrid.home / ".imalink/metadata/commits")
    hybrid.signature.unlink()
    with pytest.raises(SignatureDamagedError, match="contradicts itself"):
        verify(hybrid.bench.tools, hybrid.record, VerifyRequest())


@pytest.mark.parametrize(
    ("damage", "has_generations"), [*((each, True) for each in DAMAGES), (_truncate, False), (Path.unlink, False)]
)
def test_a_damaged_signature_is_repaired_as_it_was(
    storage: Damaged, damage: Callable[[Path], None], has_generations: bool
) -> None:
    pictures, catalog = snapshot(storage.pictures, leaves_out=_is_own), storage.bench.dump()
    if not has_generations:
        storage.forget_generations()
    damage(storage.signature)
    spoilt = storage.signature.read_bytes() if storage.signature.exists() else None
    report = storage.regenerate()
    [finding] = [each for each in report.findings if each.code == "signature-repaired"]
    kept = finding.facts["kept"]
    assert (storage.home / str(kept)).read_bytes() == spoilt if spoilt is not None else kept == ""
    assert snapshot(storage.pictures, leaves_out=_is_own) == pictures
    assert [line for line in storage.bench.dump() if '"master_digest"' not in line] == [
        line for line in catalog if '"master_digest"' not in line
    ]
    storage.check_repaired()
    again = storage.regenerate()
    assert [each.code for each in again.findings] == []


def _is_own(name: str) -> bool:
    return name.startswith((".imalink", "imalink", "index.json", "imports"))


def test_notes_and_tags_of_the_user_come_back_with_a_kept_signature(hybrid: Damaged) -> None:
    document = json.loads(hybrid.signature.read_bytes())
    document.update(notes="in the cupboard", tags=["blue"], shelf=3)
    hybrid.signature.write_text(json.dumps(document))
    for number in (30, 40):
        hybrid.bench.import_(hybrid.record, make_source(hybrid.bench.folder / f"card {number}", 1, first_seed=number))
    hybrid.signature.unlink()
    hybrid.regenerate()
    after = json.loads(hybrid.signature.read_bytes())
    assert (after["notes"], after["tags"], after["shelf"]) == ("in the cupboard", ["blue"], 3)


@pytest.mark.parametrize("by", ["its folder", "a relative path", "its name"])
def test_a_storage_is_named_for_repair_as_the_message_says(
    hybrid: Damaged, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hybrid.signature.unlink()
    monkeypatch.chdir(hybrid.home.parent)
    names = {"its folder": str(hybrid.home), "a relative path": hybrid.home.name, "its name": "Blue Samsung"}
    report = hybrid.regenerate(names[by])
    assert report.is_known
    hybrid.check_repaired()


def test_a_reference_storage_is_repaired_by_the_folder_that_the_message_names(bench: Workbench) -> None:
    storage = Damaged(bench, referred(bench))
    storage.signature.unlink()
    assert storage.regenerate(storage.home).is_known
    storage.check_repaired()


def test_a_machine_that_does_not_know_the_storage_repairs_it_and_then_recovers_it(
    hybrid: Damaged, empty_catalog: Path
) -> None:
    _spoil(hybrid.signature)
    with Workbench(hybrid.bench.folder, empty_catalog=empty_catalog, name="new") as new:
        with pytest.raises(SignatureDamagedError):
            find_candidates(new.tools, [hybrid.bench.folder])
        report = regenerate_storage(new.tools, str(hybrid.home))
        assert (report.is_known, report.storage_uuid, report.total_files) == (False, hybrid.record.storage_uuid, 4)
        assert new.records() == []
        candidates, findings = find_candidates(new.tools, [hybrid.bench.folder])
        assert findings == []
        assert recover(new.tools, candidates).restored_files == 4


def test_a_recovery_tells_of_a_damaged_signature_beside_the_storages_it_reads(bench: Workbench) -> None:
    damaged, sound = Damaged(bench, created(bench)), bench.create("Red")
    damaged.signature.unlink()
    candidates, findings = find_candidates(bench.tools, [bench.disk])
    assert [each.storage_uuid for each in candidates] == [sound.storage_uuid]
    [finding] = findings
    assert (finding.code, finding.path) == ("storage-not-recovered", str(damaged.home))
    assert "imalink regenerate" in str(finding.facts["next"])


def test_a_whole_signature_is_no_business_of_a_repair(hybrid: Damaged, empty_catalog: Path) -> None:
    before = hybrid.signature.read_bytes()
    with (
        Workbench(hybrid.bench.folder, empty_catalog=empty_catalog, name="new") as new,
        pytest.raises(NotFoundError) as told,
    ):
        regenerate_storage(new.tools, str(hybrid.home))
    assert "imalink recover" in told.value.hint
    assert hybrid.signature.read_bytes() == before


# whose it is not


def test_the_signature_of_another_storage_is_told_and_never_written_over(bench: Workbench) -> None:
    ours, other = Damaged(bench, created(bench)), bench.create("Red")
    shutil.copyfile(bench.root(other) / SIGNATURE, ours.signature)
    before = snapshot(ours.home)
    with pytest.raises(SignatureDamagedError) as told:
        ours.regenerate()
    assert ours.record.storage_uuid in told.value.message and other.storage_uuid in told.value.message
    assert snapshot(ours.home) == before
    ours.signature.rename(bench.folder / "taken out")  # what the message says, by a person who knows
    ours.regenerate()
    ours.check_repaired()


@pytest.mark.parametrize("what", ["imports/session_3.json", "commit", "what is left of the signature"])
def test_files_of_two_storages_in_one_folder_are_refused_by_name(bench: Workbench, what: str) -> None:
    ours, other = Damaged(bench, created(bench)), bench.create("Red")
    bench.import_(other, make_source(bench.folder / "other card", 1, first_seed=70))
    root = bench.root(other)
    _spoil(ours.signature)
    if what == "commit":
        [source] = (root / ".imalink/metadata/commits").iterdir()
        shutil.copyfile(source, ours.home / ".imalink/metadata/commits" / source.name)
        named = source.name
    elif what.startswith("imports"):
        [source] = (root / "imports").iterdir()
        shutil.copyfile(source, ours.home / what)
        named = what
    else:
        shutil.copyfile(root / SIGNATURE, ours.signature)
        _cut_behind_the_uuid(ours.signature)
        named = SIGNATURE
    before = snapshot(ours.home)
    for text in (ours.record.storage_uuid, str(ours.home)):
        with pytest.raises(SignatureDamagedError) as told:
            ours.regenerate(text)
        assert named in told.value.message and other.storage_uuid in told.value.message
    assert snapshot(ours.home) == before


def test_another_disk_at_the_place_is_not_taken_for_the_known_storage(bench: Workbench) -> None:
    ours, other = Damaged(bench, created(bench)), bench.create("Red")
    bench.import_(other, make_source(bench.folder / "other card", 1, first_seed=70))
    ours.home.rename(bench.folder / "unplugged")
    shutil.copytree(bench.root(other), ours.home)
    ours.signature.unlink()
    before = snapshot(ours.home)
    with pytest.raises(ForeignStorageError) as told:
        ours.regenerate()
    assert other.storage_uuid in told.value.message
    assert snapshot(ours.home) == before


def test_a_folder_in_which_nothing_says_whose_it_is_gets_no_signature(hybrid: Damaged) -> None:
    for path in [*hybrid.home.glob("im*/*.json"), *hybrid.home.glob("*.json")]:
        _spoil(path)
    shutil.rmtree(hybrid.home / ".imalink/metadata")
    hybrid.signature.unlink()
    before = snapshot(hybrid.home)
    with pytest.raises(SignatureDamagedError) as told:
        hybrid.regenerate()
    assert "from a backup" in told.value.hint
    assert snapshot(hybrid.home) == before


def test_an_empty_mount_point_stays_empty(hybrid: Damaged) -> None:
    hybrid.home.rename(hybrid.bench.folder / "unplugged")
    hybrid.home.mkdir()
    with pytest.raises(StorageOfflineError):
        hybrid.regenerate()
    assert list(hybrid.home.iterdir()) == []


def test_a_lost_note_of_where_pictures_stand_is_made_again_only_where_they_stand(bench: Workbench) -> None:
    storage = Damaged(bench, referred(bench))
    storage.forget_generations()
    storage.signature.unlink()
    unplugged = storage.pictures.rename(bench.folder / "unplugged")
    for stand_in in (lambda: None, storage.pictures.mkdir, lambda: make_source(storage.pictures, 2, first_seed=90)):
        stand_in()
        with pytest.raises(StorageOfflineError):
            storage.regenerate()
        assert not storage.signature.exists()
    shutil.rmtree(storage.pictures)
    unplugged.rename(storage.pictures)
    storage.regenerate()
    storage.check_repaired()


# trouble on the way


def test_a_storage_that_cannot_be_written_is_left_as_it_is(hybrid: Damaged) -> None:
    _truncate(hybrid.signature)
    before = snapshot(hybrid.home)
    keeps_out = KeepsOutCalls(hybrid.home, answer=errno.EROFS)
    hybrid.bench.tools = replace(hybrid.bench.tools, calls=keeps_out)
    with pytest.raises(StorageReadOnlyError):
        hybrid.regenerate()
    assert snapshot(hybrid.home) == before


def test_a_repair_killed_at_any_call_can_be_done_again(bench: Workbench) -> None:
    storage = Damaged(bench, created(bench))
    _truncate(storage.signature)
    torn = storage.signature.read_bytes()
    counting = CountingCalls()
    sound = bench.tools
    shutil.copytree(storage.home, bench.folder / "as it was")
    bench.tools = replace(sound, calls=counting)
    storage.regenerate()
    killed = 0
    for at in range(1, counting.mutations_count + 1):
        shutil.rmtree(storage.home)
        shutil.copytree(bench.folder / "as it was", storage.home)
        calls = CrashingCalls(at)
        bench.tools = replace(sound, calls=calls)
        try:
            storage.regenerate()
        except SimulatedCrash:
            killed += 1
        standing = storage.signature.read_bytes()
        assert standing == torn or parse_signature(standing).storage_uuid == storage.before.storage_uuid
        bench.tools = sound
        for lock in storage.home.glob(".imalink-storage.lock*"):
            lock.unlink()  # this process lives on, so it cannot be told from one that still holds it
        storage.regenerate()
        assert storage.read().storage_uuid == storage.before.storage_uuid
    assert killed >= 20
