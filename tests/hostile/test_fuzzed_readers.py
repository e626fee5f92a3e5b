"""R13: whatever a reader is given, it gives a value or raises an error that it declares."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest

from imalink.core.ids import WriterId
from imalink.errors import IndexDamagedError, NewerFormatError
from imalink.formats.commit_file import parse_commit, parse_run
from imalink.formats.journal_file import parse_journal, parse_operations
from imalink.formats.layouts.hybrid import parse_session as parse_hybrid_session
from imalink.formats.layouts.indexed import parse_session as parse_indexed_session
from imalink.formats.layouts.master_codec import parse_master
from imalink.formats.layouts.overview_codec import parse_overview
from imalink.formats.registry_file import parse_installation, parse_registry
from imalink.formats.scan_snapshot import parse_snapshot
from imalink.formats.session_sources import peek_journal_seqs
from imalink.formats.signature_file import parse_signature
from imalink.media.analyser import PictureAnalyser
from tests.support.hostile import framed, sealed
from tests.support.photos import make_jpeg

EXAMPLES = int(os.environ.get("IMALINK_FUZZ_EXAMPLES", "420"))
"""Of each reader."""

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 0.5, 1e308, "", "x", "\0", "..",
    "a" * 70_000, "9" * 64, "f" * 64, "../../etc/passwd", ".imalink/x", "2024-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
    "\u202e", "\ue000", [], {}, [[]], [{}], {"": {}}, {"x": [1, {"y": None}]},
    ["x"] * 50, "+99:99", "present", "NaN", "====",
)  # fmt: skip

GOLDEN = Path(__file__).parents[1] / "golden" / "indexes"
Parse = Callable[[bytes], object]

DOCUMENT_READERS: dict[str, Parse] = {
    "signature": parse_signature,
    "overview": parse_overview,
    "master": parse_master,
    "hybrid session": lambda data: parse_hybrid_session(data, file="f"),
    "indexed session": lambda data: parse_indexed_session(data, file="f"),
    "registry": lambda data: parse_registry(data, file="f"),
    "installation": parse_installation,
    "journal positions": lambda data: peek_journal_seqs(data, file="f"),
}
LINE_READERS: dict[str, Parse] = {
    "intent": lambda data: parse_run(data, file="f"),
    "commit": lambda data: parse_commit(data, file="f"),
    "journal": lambda data: parse_journal(data, writer=WriterId("w"), file="f"),
    "operations": lambda data: parse_operations(data, writer=WriterId("w")),
}
DECLARED = (IndexDamagedError, NewerFormatError)


def examples(pattern: str) -> list[bytes]:
    found = [path.read_bytes() for path in sorted(GOLDEN.rglob("*")) if path.is_file() and path.match(pattern)]
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
    try:
        parse(data)
    except DECLARED:
        return False
    except BaseException as error:
        raise AssertionError(f"{error!r} at {data[:2000]!r}") from error
    return True


def seeds_of(name: str) -> list[bytes]:
    if name == "registry":
        uuid = "3f0c1f2a-0000-4000-8000-000000000001"
        storage = {"storage_uuid": uuid, "display_name": "B", "base_path": "/b", "created_at": "2024-10-18T14:30:52Z"}
        return [json.dumps({"version": "1.0", "storages": {uuid: {**storage, "last_used": ""}}}).encode()]
    if name == "installation":
        return [b'{"writer":"3f0c1f2a-0000-4000-8000-000000000001"}']
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


def test_a_picture_with_changed_bytes_is_analysed_all_the_same(tmp_path: Path) -> None:
    """In this very process, where nothing catches what a parser lets fly."""
    random_ = random.Random(1)
    whole = make_jpeg(tmp_path / "whole.jpg", seed=1, size=(64, 48)).read_bytes()
    analyser = PictureAnalyser()
    count = max(200, EXAMPLES // 3)
    for number in range(count):
        path = tmp_path / "spoilt.jpg"
        path.write_bytes(spoilt(whole, random_))
        with path.open("rb") as file:
            analysis = analyser.analyse(file.fileno(), filename="spoilt.jpg")
        assert analysis.facts.file_format, number
    print(f"R13 pictures: {count} files")  # noqa: T201


def test_there_are_enough_examples() -> None:
    assert EXAMPLES * (len(DOCUMENT_READERS) + len(LINE_READERS)) >= 5000
