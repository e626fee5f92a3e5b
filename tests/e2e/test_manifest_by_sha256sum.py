"""The real ``sha256sum -c`` checks every manifest at the storage's root, whatever files are called and done to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.restore_trash import restore_from_trash
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import Depth, VerifyRequest
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


def test_a_session_of_which_nothing_is_left_has_no_manifest_until_something_is_there_again(
    tmp_path: Path, empty_catalog: Path
) -> None:
    with Scene(tmp_path, empty_catalog) as scene:
        scene.import_pictures(2)
        hothashes = sorted(scene.bench.master(scene.record).files)
        manifest = scene.root / ".imalink/metadata/manifest/session_1.sha256"
        delete_photos(scene.bench.tools, hothashes)
        assert not manifest.exists()
        assert verify(scene.bench.tools, scene.record, VerifyRequest(depth=Depth.FULL)).findings == ()
        restore_from_trash(scene.bench.tools, hothashes[:1])
        assert manifest.read_bytes().count(b"\n") == 1
        assert verify(scene.bench.tools, scene.record, VerifyRequest(depth=Depth.FULL)).findings == ()
