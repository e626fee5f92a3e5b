"""Import runs: nothing has its final name before it is durable, and a run is a fact only by its last rename."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.finding import Finding
from imalink.core.ids import RunUuid, StorageUuid, WriterId
from imalink.core.journal import RunBegin, RunEnd, RunPlan
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportStatistics
from imalink.errors import IndexDamagedError, NameTakenError, NotFoundError
from imalink.storage import staging
from imalink.storage.fs import StorageFiles
from imalink.storage.root import StorageRoot
from imalink.storage.staging import ImportRun
from tests.support.faults import CountingCalls, LimitedCalls, OrderCheckingCalls
from tests.support.indexes import make_entry, make_session, uuid_of

RUN = RunUuid(uuid_of("run"))
FINAL = RelativePath("photos/x/a.jpg")
END = RunEnd(finished_at="", session=make_session(), statistics=ImportStatistics(new_imports=1))


def begin() -> RunBegin:
    return RunBegin(
        run_uuid=RUN, storage_uuid=StorageUuid(uuid_of("storage")), session=make_session(),
        writer=WriterId(uuid_of("writer")), started_at="2024-10-18T14:30:52Z",
    )  # fmt: skip


def plan(path: RelativePath = FINAL) -> RunPlan:
    return RunPlan(staged_name="1.part", entry=make_entry("a", path=path))


def stage(run: ImportRun, data: bytes = b"picture") -> None:
    with run.stage("1.part") as staged:
        staged.write(data)
        staged.set_mode(0o644)
        staged.sync()


def carry_out(run: ImportRun) -> None:
    run.start(begin())
    stage(run)
    run.plan(plan())
    run.flush_plans()
    run.place("1.part", FINAL)
    run.commit(END, [Finding(code="same-picture", path="a")])


@pytest.fixture
def files(tmp_path: Path) -> Iterator[StorageFiles]:
    with StorageRoot.open(tmp_path) as root:
        yield StorageFiles(root)


def test_a_run_leaves_its_pictures_and_one_commit(files: StorageFiles, tmp_path: Path) -> None:
    with ImportRun(files, RUN) as run:
        carry_out(run)
        run.clean_up()
    assert (tmp_path / FINAL).read_bytes() == b"picture"
    assert staging.list_commits(files) == [RUN]
    assert staging.list_interrupted(files) == []
    commit = staging.load_commit(files, RUN)
    assert (commit.begin, commit.plans, commit.end) == (begin(), (plan(),), END)
    assert [finding.code for finding in commit.findings] == ["same-picture"]


def test_everything_is_flushed_before_it_gets_another_name(tmp_path: Path) -> None:
    order = OrderCheckingCalls()
    with StorageRoot.open(tmp_path, calls=order) as root, ImportRun(StorageFiles(root), RUN) as run:
        carry_out(run)
    assert order.moves_count == 2
    assert order.unsynced_folders == []


def test_the_plan_is_flushed_before_the_picture_is_placed(tmp_path: Path) -> None:
    counting = CountingCalls()
    (tmp_path / "photos/x").mkdir(parents=True)  # so that no folder is made and flushed in between
    with StorageRoot.open(tmp_path, calls=counting) as root, ImportRun(StorageFiles(root), RUN) as run:
        run.start(begin())
        stage(run)
        run.plan(plan())
        counting.log.clear()
        run.flush_plans()
        run.place("1.part", FINAL)
    calls = [call.name for call in counting.log]
    assert calls.index("fsync") < calls.index("rename_noreplace")


def test_the_commit_comes_after_the_names_are_flushed(tmp_path: Path) -> None:
    counting = CountingCalls()
    with StorageRoot.open(tmp_path, calls=counting) as root, ImportRun(StorageFiles(root), RUN) as run:
        run.start(begin())
        stage(run)
        run.plan(plan())
        run.flush_plans()
        run.place("1.part", FINAL)
        counting.log.clear()
        run.commit(END, [])
    calls = [call.name for call in counting.log]
    commit = calls.index("rename_noreplace")
    assert calls[:commit].count("fsync") == 2, "the folder of the picture, then the intent file"
    assert calls[commit:].count("fsync") == 2, "the folders of the commit"


def test_a_taken_name_stops_the_placement_and_nothing_else(files: StorageFiles, tmp_path: Path) -> None:
    (tmp_path / "photos/x").mkdir(parents=True)
    (tmp_path / FINAL).write_bytes(b"the user's own")
    with ImportRun(files, RUN) as run:
        run.start(begin())
        stage(run)
        run.plan(plan())
        run.flush_plans()
        with pytest.raises(NameTakenError):
            run.place("1.part", FINAL)
        other = RelativePath("photos/x/a (2).jpg")
        run.plan(plan(other))
        run.flush_plans()
        run.place("1.part", other)
        run.commit(END, [])
    assert (tmp_path / FINAL).read_bytes() == b"the user's own"
    assert [each.entry.relative_path for each in staging.load_commit(files, RUN).plans] == [other]


def test_an_interrupted_run_can_be_read_and_gone_on_with(files: StorageFiles) -> None:
    with ImportRun(files, RUN) as run:
        run.start(begin())
        stage(run)
        run.plan(plan())
        run.flush_plans()
    assert staging.list_interrupted(files) == [RUN]
    assert staging.list_commits(files) == []
    content = staging.load_interrupted(files, RUN)
    assert content is not None
    assert (content.begin, content.plans, content.end) == (begin(), (plan(),), None)
    with ImportRun(files, RUN) as run:
        run.reopen(content)
        run.drop("1.part")
        run.commit(END, [])
    assert staging.load_commit(files, RUN).plans == ()


def test_a_torn_tail_is_cut_off_when_a_run_goes_on(files: StorageFiles, tmp_path: Path) -> None:
    with ImportRun(files, RUN) as run:
        run.start(begin())
        run.plan(plan())
    intent = tmp_path / f".imalink/staging/{RUN}/intent.jsonl"
    with intent.open("ab") as file:
        file.write(b'0badc0de {"op":"pl')
    content = staging.load_interrupted(files, RUN)
    assert content is not None
    with ImportRun(files, RUN) as run:
        run.reopen(content)
        run.commit(END, [])
    assert staging.load_commit(files, RUN).plans == (plan(),)


def test_a_run_that_has_not_begun_has_no_content(files: StorageFiles, tmp_path: Path) -> None:
    (tmp_path / f".imalink/staging/{RUN}").mkdir(parents=True)
    assert staging.list_interrupted(files) == [RUN]
    assert staging.load_interrupted(files, RUN) is None


def test_a_commit_that_is_not_whole_is_none(files: StorageFiles, tmp_path: Path) -> None:
    with ImportRun(files, RUN) as run:
        carry_out(run)
    path = tmp_path / f".imalink/metadata/commits/{RUN}.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(IndexDamagedError):
        staging.load_commit(files, RUN)
    with pytest.raises(NotFoundError):
        staging.load_commit(files, RunUuid(uuid_of("another")))


def test_a_run_that_is_closed_takes_nothing_more(files: StorageFiles) -> None:
    with ImportRun(files, RUN) as run:
        run.start(begin())
    with pytest.raises(ValueError, match="not open"):
        run.plan(plan())


def test_claims_are_noted_once_before_the_first(tmp_path: Path) -> None:
    with StorageRoot.open(tmp_path, calls=LimitedCalls()) as root:
        files = StorageFiles(root)
        with ImportRun(files, RUN) as run:
            run.start(begin())
            for number in (1, 2):
                with run.stage(f"{number}.part") as staged:
                    staged.sync()
                run.place(f"{number}.part", RelativePath(f"photos/{number}.jpg"))
        content = staging.load_interrupted(files, RUN)
    assert content is not None
    assert content.has_claims
    assert len(content.payloads) == 2


def test_clearing_staging_leaves_everything_else(files: StorageFiles, tmp_path: Path) -> None:
    with ImportRun(files, RUN) as run:
        carry_out(run)
        stage(run)
    (tmp_path / ".imalink/staging/.imalink-1.tmp").touch()
    other = tmp_path / ".imalink/staging" / uuid_of("other run")
    other.mkdir()
    staging.remove_staging(files, RUN)
    staging.remove_staging(files, RUN)
    staging.remove_left_files(files)
    assert list((tmp_path / ".imalink/staging").iterdir()) == [other]
    assert (tmp_path / FINAL).exists()
    assert staging.list_commits(files) == [RUN]
