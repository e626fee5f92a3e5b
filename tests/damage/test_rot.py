"""R16: bits flipped, files cut, pages zeroed, contents swapped; all of it found, no false alarm, all of it healed.

Pictures, companions and ImaLink's own files. IMALINK_ROT_CASES sets how many cases are tried (at least 200).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imalink.core.duplicate import DuplicatePolicy
from imalink.workflows.heal import heal
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyReport, VerifyRequest
from tests.support.rot import flip_bit, spoil, zero_page
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import make_source

FLOOR = 200
CASES = max(FLOOR, int(os.environ.get("IMALINK_ROT_CASES", "0")))
ROUND_FILES = 8
SEED = 16


@pytest.fixture(scope="module")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from imalink.catalog.catalog import Catalog

    path = tmp_path_factory.mktemp("catalogs") / "empty.sqlite"
    Catalog.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path) -> Iterator[Scene]:
    """A storage of pictures and sidecars, two sessions and a journal; and a second one with the same."""
    with memory_folder(tmp_path_factory.mktemp("rot")) as folder, Scene(folder, empty_catalog) as made:
        card = make_source(folder / "card", 16)
        for number in range(1, 9):
            (card / f"IMG_{number:04}.xmp").write_text(f"<x:xmpmeta xmlns:x='adobe:ns:meta/' n='{number}'/>")
        more = make_source(folder / "more", 4, first_seed=40)
        made.import_(card)
        made.import_(more, "More")
        made.look()
        made.move("IMG_0016.jpg", "Rome/IMG_0016.jpg")
        made.look()
        other = folder / "other disk"
        other.mkdir()
        second = made.bench.create("Second", other)
        for source in (card, more):
            made.bench.import_(second, source, title=source.name, duplicates=DuplicatePolicy.KEEP_BOTH)
        made.compares_files = False
        yield made


def look(scene: Scene) -> VerifyReport:
    return verify(scene.bench.tools, scene.record, VerifyRequest(restarts=True))


def told(report: VerifyReport) -> set[str]:
    return {finding.path for finding in report.findings}


def cut_one_byte(path: Path) -> None:
    spoil(path, lambda data: data[:-1])


def flip_at_random(chance: random.Random) -> Callable[[Path], None]:
    return lambda path: flip_bit(path, at=chance.randrange(path.stat().st_size), bit=chance.randrange(8))


def test_every_spoilt_picture_and_companion_is_found_and_healed_and_no_other(
    scene: Scene, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(SEED)
    files = sorted(path for path in scene.photos.rglob("*") if path.is_file())
    assert look(scene).findings == ()
    cases = found = false_alarms = 0
    while cases < CASES:
        chosen = chance.sample(files, ROUND_FILES)
        good = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
        one, other, *rest = chosen
        spoil(one, lambda _, data=good[other][0]: data)
        spoil(other, lambda _, data=good[one][0]: data)
        for number, path in enumerate(rest):
            (flip_at_random(chance), cut_one_byte, zero_page)[number % 3](path)
        spoilt = {str(path.relative_to(scene.root)) for path in chosen if path.read_bytes() != good[path][0]}
        cases += len(spoilt)
        names = told(look(scene))
        found += len(spoilt & names)
        false_alarms += len(names - spoilt)
        healing = heal(scene.bench.tools, scene.record)
        assert {str(each.path) for each in healing.healed} == spoilt
        assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files} == good
    assert look(scene).findings == ()
    print(f"R16, pictures and companions: {cases} cases, {found} found, {false_alarms} false alarms")  # noqa: T201
    record_property("R16: pictures and companions", cases)
    assert (found, false_alarms) == (cases, 0)
    assert cases >= FLOOR


def test_every_spoilt_file_of_our_own_is_found(scene: Scene, record_property: Callable[[str, object], None]) -> None:
    chance = random.Random(SEED)
    own = scene.root / ".imalink"
    kinds = {
        "index": [scene.root / "imalink-master.json", scene.root / "index.json", *scene.root.glob("imports/*.json")],
        "manifest": sorted(own.glob("metadata/manifest/*")),
        "commit": sorted(own.glob("metadata/commits/*")),
        "journal": sorted(own.glob("metadata/journal/*/*")),
        "preview": sorted(own.glob("hotpreviews/*/*/*.jpg"))[:6],
    }
    assert all(kinds.values())
    cases = 0
    kept = scene.folder / "kept"
    for kind, paths in kinds.items():
        changes: tuple[Callable[[Path], None], ...] = (flip_at_random(chance), flip_at_random(chance), cut_one_byte)
        if kind in ("preview", "index"):
            changes = (*changes, zero_page)
        for path in paths:
            for change in changes:
                shutil.copy2(path, kept)
                change(path)
                if path.read_bytes() != kept.read_bytes():
                    cases += 1
                    name = str(path.relative_to(scene.root))
                    names = told(look(scene))
                    assert any(each and name.startswith(each) for each in names), (kind, name, names)
                # What was written meanwhile stands in the journal, and is folded when the storage is whole again.
                if kind == "journal":
                    heal(scene.bench.tools, scene.record)
                    continue
                shutil.copy2(kept, path)
                heal(scene.bench.tools, scene.record)
    print(f"R16, own files: {cases} cases")  # noqa: T201
    record_property("R16: own files", cases)
    assert cases >= 50
