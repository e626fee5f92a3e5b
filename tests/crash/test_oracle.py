"""The oracle can say no: each mishap that a storage may suffer is seen, and a sound storage passes."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.crash import oracle
from tests.crash.oracle import Place
from tests.crash.scenes import CARD, IMPORT, SCENES, places_below
from tests.crash.stage import Stage
from tests.crash.trial import Trial
from tests.support.faults import MUTATING, READING, InterposedCalls

PICTURE = "photos/2024/07/c.jpg"


@pytest.fixture
def settled(stage: Stage) -> Trial:
    trial = Trial(stage, IMPORT)
    with stage.attempt() as bench:
        IMPORT.operate(bench)
        assert trial.settled(bench) == []
    return trial


def root_of(trial: Trial) -> Path:
    return next((trial.stage.folder / "disk").iterdir())


def flip(path: Path, at: int = 700) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def change_session(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Write a session index with a right digest that says something wrong."""
    path = root / "imports/session_1.json"
    document = json.loads(path.read_bytes())
    change(document)
    document["content_sha256"] = oracle.canonical_digest(document)
    path.write_text(json.dumps(document))


def entry_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in document["files"].values() if entry["relative_path"] == name)


def tell_of_a_move(root: Path) -> None:
    """A journal line that no index knows of."""
    session = json.loads((root / "imports/session_1.json").read_bytes())
    hothash = next(key for key, entry in session["files"].items() if entry["relative_path"] == PICTURE)
    item = {"op": "moved", "hothash": hothash, "old_path": PICTURE, "new_path": "photos/d.jpg"}
    line = json.dumps({"v": 1, "seq": 1, "prev": "", "lamport": 1, "at": "", "items": [item]}).encode()
    journal = root / ".imalink/metadata/journal/someone/1.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"%08x %b\n" % (zlib.crc32(line), line))


MISHAPS: dict[str, Callable[[Path], object]] = {
    "a flipped bit in a picture": lambda root: flip(root / PICTURE),
    "a truncated picture": lambda root: os.truncate(root / PICTURE, 100),
    "a lost picture": lambda root: (root / PICTURE).unlink(),
    "a picture elsewhere": lambda root: (root / PICTURE).rename(root / "photos/elsewhere.jpg"),
    "a doubled picture": lambda root: shutil.copy2(root / PICTURE, root / "photos/twice.jpg"),
    "a changed time": lambda root: os.utime(root / PICTURE, ns=(1, 1)),
    "a temporary name": lambda root: (root / "photos/x.part").touch(),
    "a name of ours in the root": lambda root: (root / ".imalink-1.tmp").touch(),
    "a name of ours among the sessions": lambda root: (root / "imports/session_1.json.tmp").touch(),
    "a touched file of the user's": lambda root: flip(root / "photos/2024/07/y.jpg", 0),
    "a lost file of the user's": lambda root: (root / "photos/2024/07/y.jpg").unlink(),
    "a lost session index": lambda root: (root / "imports/session_1.json").unlink(),
    "half an index": lambda root: os.truncate(root / "imalink-master.json", 500),
    "an edited index": lambda root: flip(root / "index.json", 40),
    "a lost entry": lambda root: change_session(root, lambda said: said["files"].popitem()),
    "an entry with another checksum": lambda root: change_session(
        root, lambda said: entry_of(said, PICTURE).update(sha256="0" * 64)
    ),
    "an entry without its sidecar": lambda root: change_session(
        root, lambda said: [entry.pop("companions", None) for entry in said["files"].values()]
    ),
    "a line that no index knows of": tell_of_a_move,
    "a torn commit": lambda root: [
        os.truncate(path, path.stat().st_size - 3) for path in (root / ".imalink/metadata/commits").iterdir()
    ],
    "a lost commit": lambda root: [path.unlink() for path in (root / ".imalink/metadata/commits").iterdir()],
    "a lost preview": lambda root: next((root / ".imalink/hotpreviews").rglob("*.jpg")).unlink(),
    "a lost manifest": lambda root: (root / ".imalink/metadata/manifest/session_1.sha256").unlink(),
    "a manifest with another checksum": lambda root: flip(root / ".imalink/metadata/manifest/session_1.sha256", 0),
    "something left in staging": lambda root: (root / ".imalink/staging/1.part").touch(),
    "a lock that was left": lambda root: (root / ".imalink-storage.lock").touch(),
    "something written beside the storages": lambda root: (root.parent.parent / "astray").touch(),
    "a touched source": lambda root: os.utime(root.parent.parent / CARD / "c.jpg"),
}


@pytest.mark.parametrize("mishap", MISHAPS)
def test_the_oracle_sees(settled: Trial, mishap: str) -> None:
    MISHAPS[mishap](root_of(settled))
    with settled.process() as bench:
        try:
            found = settled.settled(bench)
        except (FileNotFoundError, ValueError) as error:
            found = [repr(error)]
    assert found != []


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_manifest_passes_with_sha256sum_itself_until_a_bit_flips(settled: Trial) -> None:
    root = root_of(settled)
    assert oracle.check_with_sha256sum(Place(root)) == []
    flip(root / PICTURE)
    assert oracle.check_with_sha256sum(Place(root)) == [f"I12: sha256sum says {PICTURE}: FAILED"]
    (root / PICTURE).unlink()
    assert oracle.check_with_sha256sum(Place(root)) == [f"I12: sha256sum says {PICTURE}: FAILED open or read"]


@pytest.mark.parametrize("name", ["delete-for-good", "empty-trash", "empty-quarantine", "undelete", "let-out"])
def test_the_oracle_sees_what_went_and_was_not_named(stage: Stage, name: str) -> None:
    """Whatever stands in the storage, in its trash or in its quarantine may not go, but for what was to be removed."""
    trial = Trial(stage, next(scene for scene in SCENES if scene.name == name))
    lost = Counter[bool]()
    stage.put_back()
    for place in places_below(stage.folder):
        may_go = trial.before_of(place).may_go
        for path in sorted(place.root.rglob("*")):
            if path.suffix in (".jpg", ".xmp") and "hotpreviews" not in path.parts:
                stage.put_back()
                sha256 = oracle.facts_of(path)[2]
                twins = [
                    each for each in place.root.rglob("*") if each.is_file() and oracle.facts_of(each)[2] == sha256
                ]
                for each in twins:
                    each.unlink()
                is_named = sha256 in may_go
                assert any("I3" in each for each in trial.at_crash()) == (not is_named), path
                lost[is_named] += 1
    assert lost[False] > 0
    assert (lost[True] > 0) == (name in ("delete-for-good", "empty-trash", "empty-quarantine"))


def test_the_oracle_knows_both_layouts(stage: Stage) -> None:
    adopting = next(scene for scene in SCENES if scene.name == "adopt")
    trial = Trial(stage, adopting)
    with stage.attempt() as bench:
        adopting.operate(bench)
        assert trial.settled(bench) == []
        listed = oracle.listing(Place(stage.folder / "own pictures"))
    assert listed.keys() == {"Rome/1.jpg", "2.jpg", "2.xmp", "3.jpg"}


def test_every_call_is_a_point_or_only_reads() -> None:
    named = {name for name in dir(InterposedCalls) if not name.startswith("_")}
    assert named >= MUTATING | READING
    assert named - MUTATING - READING == {"open_root", "close", "drop_cache", "space"}
