"""R13: whatever a reader is given, it gives a value or raises an error that it declares, soon and in bounded memory.

The corpus is mutated: golden indexes and storages, golden pictures of every format, sidecars, and all sample photos
where there are any.
"""

from __future__ import annotations

import json
import os
import random
import resource
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest

from imalink.core.damage import Verdict
from imalink.core.ids import Hothash, WriterId
from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError, NewerFormatError
from imalink.formats.commit_file import parse_commit, parse_run
from imalink.formats.journal_file import parse_journal, parse_operations
from imalink.formats.layouts.hybrid import parse_session as parse_hybrid_session
from imalink.formats.layouts.indexed import parse_session as parse_indexed_session
from imalink.formats.layouts.master_codec import parse_master
from imalink.formats.layouts.overview_codec import parse_overview
from imalink.formats.registry_file import parse_installation, parse_registry
from imalink.formats.scan_snapshot import parse_snapshot
from imalink.formats.sealed_preview import is_preview_whole, seal_preview, unseal_preview
from imalink.formats.session_sources import peek_journal_seqs
from imalink.formats.signature_file import parse_signature
from imalink.formats.unfinished_verification import UnfinishedVerification, dump_unfinished, parse_unfinished
from imalink.media.analyser import PictureAnalyser
from imalink.media.kinds import is_companion_name
from imalink.media.sidecars import read_sidecar
from imalink.storage.host import this_host
from imalink.storage.lock_record import dump_lock, new_record, parse_lock
from tests.support.hostile import framed, sealed
from tests.support.photos import make_jpeg, xmp_packet
from tests.support.workbench import SteppingClock

EXAMPLES = int(os.environ.get("IMALINK_FUZZ_EXAMPLES", "420"))
"""Of each reader."""

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 0.5, 1e308, "", "x", "\0", "..",
    "a" * 70_000, "9" * 64, "f" * 64, "../../etc/passwd", ".imalink/x", "2024-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
    "\u202e", "\ue000", [], {}, [[]], [{}], {"": {}}, {"x": [1, {"y": None}]},
    ["x"] * 50, "+99:99", "present", "NaN", "====",
)  # fmt: skip

GOLDEN = Path(__file__).parents[1] / "golden"
SECONDS_EACH = 2.0
"""Of processor time, for one document or picture."""
MEGABYTES_MORE = 300
"""That the process may have grown to at its highest."""
MUTANTS = max(1, EXAMPLES // 60)
"""Of each golden picture; of each sample photo a third of that."""
DECODED = frozenset({"jpg", "png", "gif", "tif", "webp"})
"""Formats whose decoders run in this very process; the others have workers, which tests/runtime kills."""
Parse = Callable[[bytes], object]

DOCUMENT_READERS: dict[str, Parse] = {
    "signature": parse_signature,
    "overview": parse_overview,
    "master": parse_master,
    "hybrid session": lambda data: parse_hybrid_session(data, file="f"),
    "indexed session": lambda data: parse_indexed_session(data, file="f"),
    "registry": lambda data: parse_registry(data, file="f"),
    "installation": parse_installation,
    "lock": parse_lock,
    "takeout sidecar": lambda data: read_sidecar(data, filename="a.jpg.json"),
    "journal positions": lambda data: peek_journal_seqs(data, file="f"),
}
LINE_READERS: dict[str, Parse] = {
    "intent": lambda data: parse_run(data, file="f"),
    "commit": lambda data: parse_commit(data, file="f"),
    "journal": lambda data: parse_journal(data, writer=WriterId("w"), file="f"),
    "operations": lambda data: parse_operations(data, writer=WriterId("w")),
}
TAKEOUT = json.dumps(
    {
        "title": "IMG_1.jpg",
        "description": "Rome",
        "photoTakenTime": {"timestamp": "1720614600", "formatted": "10.07.2024"},
        "geoData": {"latitude": 41.9, "longitude": 12.5, "altitude": 20.0},
        "people": [{"name": "A"}],
        "favorited": True,
    }
).encode()
UNFINISHED = dump_unfinished(
    UnfinishedVerification(
        asked="full * 100",
        started_at="2024-10-18T14:30:52Z",
        after=RelativePath("photos/a.jpg"),
        chosen=(RelativePath("photos/b.jpg"),),
        checked=3,
        bytes_read=100,
        seconds=1.5,
        verdicts={Verdict.OK: 2, Verdict.DAMAGED: 1},
        judged={RelativePath("photos/a.jpg"): (Verdict.DAMAGED, "why")},
    )
)
NEVER_REFUSING = ("lock", "takeout sidecar")
"""They give something that says so."""
DECLARED = (IndexDamagedError, NewerFormatError)


def examples(pattern: str) -> list[bytes]:
    folders = (GOLDEN / "indexes", GOLDEN / "storages")
    paths = sorted(path for folder in folders for path in folder.rglob("*"))
    found = [path.read_bytes() for path in paths if path.is_file() and path.match(pattern)]
    assert found, f"no golden file is like {pattern}"
    return found


def members(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).items())
    return list(enumerate(cast("list[Any]", value))) if isinstance(value, list) else []


def mutated(value: Any, random_: random.Random) -> Any:
    """Give a document with one to three places changed: another value, a key gone, doubled or new, a list longer."""
    value = json.loads(json.dumps(value))
    for _ in range(random_.randint(1, 3)):
        places: list[tuple[Any, Any]] = []
        waiting: list[Any] = [value]
        for at in waiting:
            pairs = members(at)
            places.extend((at, key) for key, _ in pairs)
            waiting.extend(below for _, below in pairs)
        if not places:
            return value
        holder, key = random_.choice(places)
        match random_.randrange(5):
            case 0 | 1:
                holder[key] = deepcopy(random_.choice(ODD))
            case 2:
                del holder[key]
            case 3 if isinstance(holder, dict):
                holder[random_.choice(["x", "", "content_sha256", "op", "files"])] = deepcopy(random_.choice(ODD))
            case 4 if isinstance(key, str):
                holder[random_.choice([key + "x", key.upper(), "\0"])] = holder[key]
                del holder[key]
            case _:
                holder[key] = [holder[key]] * 2
    return value


def spoilt(data: bytes, random_: random.Random) -> bytes:
    """Give bytes with some of them changed, cut, doubled or moved."""
    spoiled = bytearray(data)
    for _ in range(random_.choice([1, 1, 2, 8])):
        if not spoiled:
            break
        at = random_.randrange(len(spoiled))
        match random_.randrange(5):
            case 0:
                spoiled[at] ^= 1 << random_.randrange(8)
            case 1:
                del spoiled[at:]
            case 2:
                spoiled[at:at] = random_.randbytes(random_.randint(1, 9))
            case 3:
                spoiled[at : at + 4] = random_.choice([b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff"])
            case _:
                del spoiled[at : at + random_.randint(1, 40)]
    return bytes(spoiled)


def give(parse: Parse, data: bytes) -> bool:
    """Tell whether the reader took it; anything but a declared error fails the test with the bytes that did it."""
    started = time.process_time()
    try:
        parse(data)
    except DECLARED:
        return False
    except BaseException as error:
        raise AssertionError(f"{error!r} at {data[:2000]!r}") from error
    finally:
        seconds = time.process_time() - started
        assert seconds < SECONDS_EACH, f"{seconds:.1f} seconds for {data[:2000]!r}"
    return True


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < MEGABYTES_MORE, f"{grown:.0f} MB more than before"


def seeds_of(name: str) -> list[bytes]:
    if name == "registry":
        uuid = "3f0c1f2a-0000-4000-8000-000000000001"
        storage = {"storage_uuid": uuid, "display_name": "B", "base_path": "/b", "created_at": "2024-10-18T14:30:52Z"}
        return [json.dumps({"version": "1.0", "storages": {uuid: {**storage, "last_used": ""}}}).encode()]
    if name == "installation":
        return [b'{"writer":"3f0c1f2a-0000-4000-8000-000000000001"}']
    if name == "lock":
        host = this_host()
        return [dump_lock(new_record(host, purpose="import", clock=SteppingClock(), ttl_seconds=90))]
    if name == "takeout sidecar":
        return [TAKEOUT]
    pattern = {
        "signature": ".imalink-storage",
        "overview": "*index.json",
        "master": "*master*",
        "hybrid session": "*session_*.json",
        "indexed session": "*session_*.json",
        "journal positions": "*session_*.json",
    }[name]
    return examples(pattern)


@pytest.mark.parametrize("name", DOCUMENT_READERS)
def test_a_document_that_is_almost_right_is_read_or_refused(name: str) -> None:
    random_ = random.Random(name)
    parse, documents = DOCUMENT_READERS[name], seeds_of(name)
    taken = 0
    for number in range(EXAMPLES):
        document = json.loads(random_.choice(documents))
        data = sealed(mutated(document, random_)) if number % 3 else json.dumps(mutated(document, random_)).encode()
        taken += give(parse, spoilt(data, random_) if number % 5 == 0 else data)
    print(f"R13 {name}: {EXAMPLES} documents, {taken} taken")  # noqa: T201
    if parse not in (DOCUMENT_READERS[each] for each in NEVER_REFUSING):
        assert taken < EXAMPLES


@pytest.mark.parametrize("name", LINE_READERS)
def test_lines_that_are_almost_right_are_read_or_refused(name: str) -> None:
    random_ = random.Random(name)
    files = examples("*.jsonl")
    for number in range(EXAMPLES):
        lines = [json.loads(line[9:]) for line in random_.choice(files).splitlines()]
        changed = random_.randrange(len(lines))
        lines[changed] = mutated(lines[changed], random_)
        data = b"".join(map(framed, lines))
        give(LINE_READERS[name], spoilt(data, random_) if number % 5 == 0 else data)
    print(f"R13 {name}: {EXAMPLES} files")  # noqa: T201


def test_a_walk_that_was_kept_is_read_or_refused() -> None:
    random_ = random.Random(0)
    for _ in range(EXAMPLES):
        give(parse_snapshot, random_.randbytes(random_.randint(0, 200)))


def test_a_verification_that_was_kept_is_read_or_refused() -> None:
    random_ = random.Random(6)
    for _ in range(EXAMPLES):
        give(parse_unfinished, spoilt(UNFINISHED, random_))


def test_a_sidecar_that_is_almost_right_is_read_or_refused() -> None:
    random_ = random.Random(2)
    packets = [
        xmp_packet(rating=3, keywords=("a", "b")),
        *(path.read_bytes() for path in sorted((GOLDEN / "storages").rglob("*.xmp"))),
    ]
    for _ in range(EXAMPLES):
        give(lambda data: read_sidecar(data, filename="a.xmp"), spoilt(random_.choice(packets), random_))
    print(f"R13 sidecars: {EXAMPLES} files")  # noqa: T201


def test_a_preview_with_changed_bytes_is_told_from_a_whole_one() -> None:
    random_ = random.Random(3)
    hothash, preview = Hothash("a" * 64), b"\xff\xd8\xff\xe0" + random_.randbytes(300)
    sealed_preview = seal_preview(hothash, preview)
    for _ in range(EXAMPLES):
        data = spoilt(sealed_preview, random_)
        assert give(unseal_preview, data)
        assert is_preview_whole(hothash, data) == (data == sealed_preview)


def look_at_picture(path: Path, data: bytes) -> Callable[[bytes], object]:
    """Give a look at a picture by all that reads it: its name, its facts, and where that is safe its pixels."""
    analyser = PictureAnalyser()

    def look(_: bytes) -> object:
        path.write_bytes(data)
        with path.open("rb") as file:
            analysis = analyser.describe(file.fileno(), filename=path.name)
            assert analysis.facts.file_format
            assert analyser.fingerprint(file.fileno()).size_bytes == len(data)
            if path.suffix[1:].lower() in DECODED and len(data) < 20_000:
                analyser.analyse(file.fileno(), filename=path.name)
        return analysis

    return look


def give_pictures(corpus: list[Path], folder: Path, random_: random.Random, mutants: int) -> int:
    """Give each picture with other bytes, so often; tell how many were given."""
    for original in corpus:
        whole = original.read_bytes()
        for _ in range(mutants):
            data = spoilt(whole, random_)
            assert give(look_at_picture(folder / f"spoilt{original.suffix}", data), data)
    return mutants * len(corpus)


def test_a_picture_with_changed_bytes_is_analysed_all_the_same(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """In this very process, where nothing catches what a parser lets fly."""
    made = make_jpeg(tmp_path / "made.jpg", seed=1, size=(64, 48), rating=3, gps=(41.9, 12.5), keywords=("rome",))
    golden = sorted(path for path in (GOLDEN / "hothash").iterdir() if path.suffix not in (".txt", ".md"))
    assert len({path.suffix for path in golden}) >= 15
    count = give_pictures(golden, tmp_path, random.Random(1), MUTANTS)
    count += give_pictures([made], tmp_path, random.Random(1), MUTANTS * 20)
    print(f"R13 pictures: {count} files")  # noqa: T201
    record_property("R13: pictures", count)
    assert count >= 900


@pytest.mark.samples
def test_a_real_picture_with_changed_bytes_is_analysed_all_the_same(
    sample_photos: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    files = sorted(path for path in sample_photos.rglob("*") if path.is_file() and path.suffix not in (".md", ""))
    pictures = [path for path in files if not is_companion_name(path.name)]
    count = give_pictures(pictures, tmp_path, random.Random(4), max(1, MUTANTS // 3))
    random_ = random.Random(5)
    for path in set(files) - set(pictures):
        for _ in range(MUTANTS):
            give(lambda data, name=path.name: read_sidecar(data, filename=name), spoilt(path.read_bytes(), random_))
            count += 1
    print(f"R13 sample photos: {count} files")  # noqa: T201
    record_property("R13: sample photos", count)
    assert count >= len(files)


def test_there_are_enough_examples() -> None:
    assert EXAMPLES * (len(DOCUMENT_READERS) + len(LINE_READERS)) >= 5000
