"""Files that promise 900 megapixels are refused before anything is decoded, whatever their kind."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from imalink.runtime.workers import DecodeWorkers
from tests.support.bombs import BOMBS, SIDE

MOST_MEMORY_MB = 500
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def most_memory_mb(process: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def told(path: Path) -> tuple[list[str], float]:
    """The codes of a file's findings, and the most memory its worker ever had."""
    with DecodeWorkers(1) as workers, path.open("rb") as file:
        analysis = workers.analyse(file.fileno(), filename=path.name)
        result = workers.coldpreview(file.fileno(), filename=path.name)
        (process,) = workers.process_ids()
        memory = most_memory_mb(process)
    assert analysis.hotpreview is None
    assert result.preview is None
    sys.stdout.write(f"{path.name}: {memory:.0f} MB\n")
    return [finding.code for finding in analysis.findings], memory


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_not_decoded(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    BOMBS[name](path)
    assert path.stat().st_size < 4_000_000
    codes, memory = told(path)
    assert memory < MOST_MEMORY_MB
    assert "decode-crashed" not in codes
    # A video whose frames are not what its header says may also be refused by the decoder itself.
    assert {"picture-too-large", "preview-failed"} & set(codes)
    if not name.endswith(".avi"):
        assert "picture-too-large" in codes, codes


@pytest.mark.samples
def test_a_heic_bomb_is_not_decoded(tmp_path: Path, sample_photos: Path) -> None:
    data = bytearray((sample_photos / "albums" / "formats" / "heic" / "IMG_2682.heic").read_bytes())
    places = [match.end() + 4 for match in re.finditer(b"ispe", data)]
    assert places
    for at in places:
        data[at : at + 8] = SIDE.to_bytes(4, "big") * 2
    path = tmp_path / "a.heic"
    path.write_bytes(data)
    codes, memory = told(path)
    assert memory < MOST_MEMORY_MB
    assert "picture-too-large" in codes
