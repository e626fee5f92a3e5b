"""The real ``sha256sum -c`` checks every manifest at the storage's root, whatever files are called and done to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.photos import make_jpeg
from tests.support.rot import flip_bit
from tests.support.scenes import Scene
from tests.support.workbench import SMALL

ODD_NAMES = (
    b"new\nline.jpg",
    b"carriage\rreturn.jpg",
    b"back\\slash.jpg",
    b"  leading spaces.jpg",
    b"*star.jpg",
    b"Z\xfcrich.jpg",
    b"\\begins.jpg",
    "Ærø – ½.jpg".encode(),
)


def sha256sum(root: Path) -> tuple[int, bytes]:
    """Give the worst exit code of all manifests, and all that was said."""
    codes: list[int] = [0]
    said = b""
    for manifest in sorted(root.glob(".imalink/metadata/manifest/*.sha256")):
        if not manifest.stat().st_size:
            continue
        command = ["sha256sum", "-c", "--strict", manifest.relative_to(root)]
        done = subprocess.run(command, cwd=root, capture_output=True, check=False, timeout=60)
        codes.append(done.returncode)
        said += done.stdout + done.stderr
    return max(codes), said


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_manifests_pass_after_imports_moves_deletes_and_edits_and_tell_of_damage(
    tmp_path: Path, empty_catalog: Path
) -> None:
    card = tmp_path / "card"
    for seed, name in enumerate(ODD_NAMES, 1):
        make_jpeg(card / os.fsdecode(name), seed=seed, size=SMALL)
    (card / "  leading spaces.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    with Scene(tmp_path, empty_catalog) as scene:
        scene.import_(card)
        code, said = sha256sum(scene.root)
        assert (code, said.count(b": OK")) == (0, len(ODD_NAMES) + 1), said
        scene.look()
        scene.move("*star.jpg", "Rome\n2024/*star.jpg")
        scene.at("back\\slash.jpg").unlink()
        make_jpeg(scene.at("\\begins.jpg"), seed=77, size=SMALL)
        scene.look()
        code, said = sha256sum(scene.root)
        assert (code, said.count(b": OK")) == (0, len(ODD_NAMES)), said
        flip_bit(scene.at(os.fsdecode(b"Z\xfcrich.jpg")))
        scene.compares_files = False
        scene.look_full()
        code, said = sha256sum(scene.root)
        assert code == 1
        assert said.count(b": FAILED\n") == 1
