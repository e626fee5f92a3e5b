"""What a killed process left in staging outside any run is cleared away by whoever works on the storage next."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from imalink.core.duplicate import DuplicatePolicy
from imalink.core.edit_request import EditRequest
from imalink.core.user_facts import FactChange
from imalink.errors import NotFoundError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.heal import heal
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.faults import CrashingCalls, SimulatedCrash
from tests.support.workbench import Workbench, make_source

Doing = Callable[[Workbench, str], object]


def _rate(bench: Workbench, hothash: str) -> object:
    return edit_photos(bench.tools, [hothash], EditRequest(said=FactChange.of({"rating": 4})))


DOINGS: dict[str, Doing] = {
    "reindex": lambda bench, _: reindex(bench.tools, bench.records()[0], ReindexRequest()),
    "heal": lambda bench, _: heal(bench.tools, bench.records()[0]),
    "import": lambda bench, _: bench.import_(
        bench.records()[0], bench.folder / "card", duplicates=DuplicatePolicy.SKIP
    ),
    "regenerate": lambda bench, _: regenerate_indexes(bench.tools, bench.records()[0]),
    "delete": lambda bench, hothash: delete_photos(bench.tools, [hothash]),
    "edit": _rate,
}


def staged(root: Path) -> list[str]:
    return [path.name for path in (root / ".imalink/staging").iterdir()]


@pytest.mark.parametrize("name", DOINGS)
def test_a_preview_and_an_index_that_were_half_written_go_with_the_next_thing_done(bench: Workbench, name: str) -> None:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card", 2))
    [hothash, _] = bench.master(record).files
    left = bench.root(record) / ".imalink/staging" / f"hotpreview-{hothash}"
    left.write_bytes(b"half")
    left.with_name("index.json.tmp").write_bytes(b"{")
    DOINGS[name](bench, hothash)
    assert staged(bench.root(record)) == []


def test_killed_before_any_call_of_saving_a_preview_nothing_of_it_stays_in_staging(bench: Workbench) -> None:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card", 1))
    [hothash] = bench.master(record).files
    root = bench.root(record)
    left: list[list[str]] = []
    for at in count(1):
        calls = CrashingCalls(at)
        with suppress(SimulatedCrash), FileStorage.open(root, clock=bench.clock, calls=calls) as storage:
            storage.hotpreviews.save(hothash, b"preview")
        if not calls.has_crashed:
            break
        left.append(staged(root))
        reindex(bench.tools, record, ReindexRequest())
        assert staged(root) == [], f"killed before call {at}"
    assert [f"hotpreview-{hothash}"] in left, "no kill left anything, so nothing was tried"


def test_it_goes_too_while_the_pictures_that_a_storage_refers_to_are_away(bench: Workbench) -> None:
    lent = make_source(bench.folder / "lent", 1)
    found = refer_to_folder(bench.tools, ImportRequest(source=lent, title="Lent"))
    assert found.record is not None
    home = bench.home / "reference" / found.record.storage_uuid
    staging = home / ".imalink/staging"
    staging.mkdir(parents=True, exist_ok=True)
    (staging / "hotpreview-ab").write_bytes(b"half")
    shutil.move(lent, bench.folder / "away")
    with suppress(NotFoundError):
        regenerate_indexes(bench.tools, found.record)
    assert list(staging.iterdir()) == []
