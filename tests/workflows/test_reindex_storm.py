"""A user at random over a thousand files, against a model that only looks at the folder; and undo after every look.

A longer storm: ``IMALINK_STORM_SEEDS=200 IMALINK_STORM_ROUNDS=10``. See docs/reference/testing.md.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from imalink.catalog.catalog import Catalog
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.undo_operation import undo_operation
from tests.media.reference_hothash import NotWellFormedError, reference_hothash
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.scenes import Scene, counts, memory_folder
from tests.support.states import State, state_of
from tests.support.storm_model import SIDECAR, File, StormModel
from tests.support.user_storm import FOLDERS, UserStorm
from tests.support.workbench import SMALL, Snapshot, make_source

FILES = 1000
REAL_BYTES_AT_MOST = 100_000
CROPS = 200
SEEDS = int(os.environ.get("IMALINK_STORM_SEEDS", "20"))
ROUNDS = int(os.environ.get("IMALINK_STORM_ROUNDS", "2"))
ACTIONS_A_ROUND = 30
LAYOUTS = ("created", "adopted")
"""Storms of even numbers go over a storage that ImaLink made, those of odd ones over a folder of the user's own."""

_known: dict[str, str] = {}


def hothash_in(data: bytes, sha256: str) -> str:
    """Which picture it is, by the second implementation of the hothash; each file is worked out once."""
    if sha256 not in _known:
        _known[sha256] = reference_hothash(data)[0]
    return _known[sha256]


class Library:
    """A folder of a thousand pictures, taken into a storage once; each seed begins with the same files."""

    def __init__(self, folder: Path, layout: str, samples: Path) -> None:
        self._layout = layout
        self._work, self._kept = folder / layout / "work", folder / layout / "kept"
        self._empty = folder / f"{layout}.sqlite"
        Catalog.open(f"sqlite:///{self._empty}").close()
        own = self._work / "photos of mine"
        self.real_count = _fill(own, samples)
        with self._scene() as scene:
            if layout == "created":
                scene.import_(own)
                shutil.rmtree(own)
            scene.look()
        self._work.rename(self._kept)

    @contextmanager
    def begin(self) -> Generator[Scene]:
        """Give the storage as it was at first. Pictures are linked, not copied: they keep their inodes."""
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.copytree(self._kept, self._work, copy_function=_link_pictures)
        with self._scene() as scene:
            scene.compares_files = False  # once a round is enough for a thousand
            yield scene

    def _scene(self) -> Scene:
        adopts = self._work / "photos of mine" if self._layout == "adopted" else None
        return Scene(self._work, self._empty, adopts=adopts)


def _link_pictures(old: str, new: str) -> object:
    """Programs write beside a picture and then in its place, so that the kept one is safe; ours are copied."""
    return os.link(old, new) if old.lower().endswith(".jpg") else shutil.copy2(old, new)


def _fill(folder: Path, samples: Path) -> int:
    """Write a thousand distinct pictures: real ones, pieces of them, and generated ones; tell how many are real."""
    generator = random.Random(7)
    written: dict[str, bytes] = {}
    for path in sorted(samples.rglob("*.jpg")) if samples.is_dir() else []:
        data = path.read_bytes()
        if len(data) <= REAL_BYTES_AT_MOST and (hothash := _hothash_of_plain(data, folder)) is not None:
            written.setdefault(hothash, data)
    whole = list(written.values())
    for number in range(CROPS if whole else 0):
        piece = _piece_of(whole[number % len(whole)], generator, folder)
        written.setdefault(hothash_in(piece, hashlib.sha256(piece).hexdigest()), piece)
    for number, data in enumerate(written.values()):
        path = folder / f"{generator.choice(FOLDERS)}R{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for number in range(FILES - len(written)):
        make_jpeg(folder / f"{generator.choice(FOLDERS)}G{number:04}.jpg", seed=number, size=SMALL, taken=None)
    return len(written)


def _hothash_of_plain(data: bytes, folder: Path) -> str | None:
    """Which picture it is, of a JPEG that also takes a rating; None for one that is too odd for this storm."""
    folder.mkdir(parents=True, exist_ok=True)
    trial = folder / "trial.jpg"
    trial.write_bytes(data)
    try:
        hothash, kind = reference_hothash(data)
        set_rating_in_place(trial, 3)
        rated = reference_hothash(trial.read_bytes())
    except (NotWellFormedError, ValueError, AssertionError, IndexError):
        return None
    finally:
        trial.unlink()
    return hothash if kind == "jpeg-1" and rated == (hothash, kind) else None


def _piece_of(data: bytes, generator: random.Random, folder: Path) -> bytes:
    trial = folder / "piece.jpg"
    trial.write_bytes(data)
    with Image.open(trial) as picture:
        width, height = picture.size
        left, top = generator.randrange(max(1, width - 64)), generator.randrange(max(1, height - 48))
        picture.convert("RGB").crop((left, top, left + 64, top + 48)).save(trial, "JPEG", quality=80)
    found = trial.read_bytes()
    trial.unlink()
    return found


def tree_of(scene: Scene, files: Snapshot | None = None) -> dict[str, File]:
    """List the user's files as they stand: nothing of ImaLink's is asked."""
    found: dict[str, File] = {}
    for name, facts in (files or scene.user_files()).items():
        if len(facts) == 4:
            sha256 = str(facts[3])
            data = b"" if name.endswith(SIDECAR) or sha256 in _known else (scene.photos / name).read_bytes()
            found[name] = File(sha256, None if name.endswith(SIDECAR) else hothash_in(data, sha256))
    return found


def check(scene: Scene, model: StormModel) -> None:
    """Compare what the indexes say with the books."""
    prefix = "" if scene.photos == scene.root else "photos/"
    known = scene.places()
    present = {(hothash, path, sha256) for hothash, path, sha256, status in known if status == "present"}
    assert present == {(hothash, prefix + path, sha256) for hothash, path, sha256 in model.places()}
    missing = {(hothash, path) for hothash, path, _, status in known if status == "missing"}
    assert missing == {(hothash, prefix + path) for hothash, path in model.missing()}
    assert set(scene.orphans()) == set(model.orphans)
    master = scene.bench.master(scene.record)
    sidecars = {
        hothash: sorted(each.relative_path.removeprefix(prefix) for each in entry.companions)
        for hothash, entry in master.files.items()
        if entry.companions
    }
    assert sidecars == model.sidecars()


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Library]]:
    """Give the library of a layout, made when it is first asked for."""
    samples = Path(os.environ.get("IMALINK_SAMPLE_PHOTOS") or Path(__file__).parents[3] / "shared" / "photos")
    with memory_folder(tmp_path_factory.mktemp("libraries")) as folder:
        made: dict[str, Library] = {}

        def library(layout: str) -> Library:
            if layout not in made:
                made[layout] = Library(folder, layout, samples)
            return made[layout]

        yield library


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_storm_is_told_as_it_happened_and_each_look_at_it_can_be_undone(
    libraries: Callable[[str], Library], seed: int
) -> None:
    generator = random.Random(seed)
    with libraries(LAYOUTS[seed % 2]).begin() as scene:
        before = tree_of(scene)
        assert len(before) == FILES
        model, storm = StormModel(before), UserStorm(scene.photos, generator)
        state = state_of(scene)
        for number in range(ROUNDS):
            storm.round(tree_of(scene), ACTIONS_A_ROUND)
            state = look_and_undo(scene, model, state)
            if number == 0 and seed % 6 < 2:
                import_some(scene, model, seed)
                state = state_of(scene)
        if seed % 6 in (2, 3):
            scene.check()
            candidates, _ = find_candidates(scene.bench.tools, [scene.root])
            assert recover(scene.bench.tools, candidates, is_check=True).differences == ()
        if seed % 6 > 3:
            full = counts(scene.look_full())
            assert full == {name: full[name] for name in ("missing", "orphans", "duplicates") if name in full}
            check(scene, model)


def look_and_undo(scene: Scene, model: StormModel, before: State) -> State:
    """Look, compare with the model, look again, undo, compare with what was, and look once more."""
    files = scene.user_files()
    wanted = model.look(tree_of(scene, files))
    assert counts(scene.look(accepts_losses=True)) == wanted
    check(scene, model)
    again = scene.look()
    assert not again.changes_detected
    assert (again.files_hashed, scene.watch.read_bodies) == (0, [])
    undo_operation(scene.bench.tools)
    assert state_of(scene) == before
    assert counts(scene.look(accepts_losses=True)) == wanted
    assert scene.user_files() == files
    check(scene, model)
    return state_of(scene)


def import_some(scene: Scene, model: StormModel, seed: int) -> None:
    """Another card comes in, in the middle of everything."""
    source = make_source(scene.folder / "card", 3, first_seed=50_000 + seed, name="C{:05}.jpg")
    known = set(tree_of(scene))
    scene.import_(source, f"Storm {seed}")
    tree = tree_of(scene)
    for path in sorted(set(tree) - known):
        model.take_in(path, tree[path])
