"""The identity of files anywhere on the machine; what holds no picture is said in plain words."""

from __future__ import annotations

import os
from pathlib import Path

from imalink.workflows.identify import identify
from tests.support.photos import make_jpeg
from tests.support.workbench import SMALL, sha256_of


def test_a_file_and_a_link_to_it_hold_the_same_picture(tmp_path: Path) -> None:
    path = make_jpeg(tmp_path / "a.jpg", seed=1, size=SMALL)
    (tmp_path / "link.jpg").symlink_to(path)
    named, linked = identify(path), identify(tmp_path / "link.jpg")
    assert named.fingerprint is not None
    assert (named.fingerprint, named.fingerprint.sha256) == (linked.fingerprint, sha256_of(path))


def test_a_folder_and_a_pipe_are_called_what_they_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    folder, pipe = identify(tmp_path), identify(tmp_path / "pipe.jpg")
    assert (folder.fingerprint, pipe.fingerprint) == (None, None)
    assert "a folder" in folder.error
    assert "pipe" in pipe.error


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert identify(tmp_path / "gone.jpg").fingerprint is None
