"""A storage nobody here trusts is shown before it is taken in: counted, checked, and left alone."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.finding import Finding
from imalink.errors import UnsafePathError
from imalink.formats.signature_file import SIGNATURE_NAME
from imalink.storage.caps import UNTRUSTED
from imalink.workflows.forget_storage import forget_storage
from imalink.workflows.preview_storage import StoragePreview, preview_storage
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from tests.support.faults import AuditingCalls, KeepsOutCalls
from tests.support.hostile import Document, reseal
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import Workbench, snapshot

MARK = "hostile-mark"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """Three pictures of one import, on the disk of another machine."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


@pytest.fixture
def stranger(scene: Scene, empty_catalog: Path) -> Iterator[Workbench]:
    with Workbench(scene.folder, empty_catalog=empty_catalog, name="stranger") as bench:
        yield bench


def look(bench: Workbench, root: Path) -> StoragePreview:
    return preview_storage(bench.tools, root)


def codes(preview: StoragePreview) -> dict[str, str]:
    return {finding.code: finding.path for finding in preview.findings}


def test_a_preview_counts_what_is_there_and_changes_nothing(scene: Scene, empty_catalog: Path) -> None:
    before = snapshot(scene.root)
    calls = AuditingCalls(KeepsOutCalls(scene.root))
    with Workbench(scene.folder, empty_catalog=empty_catalog, name="stranger", calls=calls) as bench:
        preview = look(bench, scene.root)
        assert bench.records() == []
        assert bench.tools.registry.storages() == []
    sizes = sum(path.stat().st_size for path in scene.photos.rglob("*") if path.is_file())
    assert (preview.session_count, preview.photo_count, preview.file_count) == (1, 3, 3)
    assert (preview.total_size_bytes, preview.findings) == (sizes, ())
    assert snapshot(scene.root) == before
    assert calls.opened_outside(scene.root) == []
    assert not any(scene.photos in path.parents for path in calls.opened), "pictures are not opened"


def test_what_cannot_be_believed_is_told_and_not_counted(scene: Scene, stranger: Workbench) -> None:
    session = scene.root / "imports" / "session_1.json"
    reseal(session, lambda index: next(iter(index["files"].values())).update(relative_path="../../etc/passwd"))
    preview = look(stranger, scene.root)
    assert preview.session_count == preview.file_count == 0
    assert codes(preview) == {"index-unreadable": "imports/session_1.json"}
    assert preview.has_errors
    [finding] = preview.findings
    assert str(finding.facts["place"]).endswith(".relative_path")


def test_too_large_indexes_are_left_unread(scene: Scene, stranger: Workbench) -> None:
    os.truncate(scene.root / "imports" / "session_1.json", UNTRUSTED.session_bytes + 1)
    os.truncate(scene.root / "imalink-master.json", UNTRUSTED.master_bytes + 1)
    os.truncate(scene.root / "index.json", UNTRUSTED.overview_bytes + 1)
    commit = next((scene.root / ".imalink" / "metadata" / "commits").iterdir())
    os.truncate(commit, UNTRUSTED.run_bytes + 1)
    preview = look(stranger, scene.root)
    assert [finding.code for finding in preview.findings] == ["index-too-large"] * 4
    assert preview.session_count == 0


def test_an_index_of_nothing_but_brackets_is_left_unread(scene: Scene, stranger: Workbench) -> None:
    (scene.root / "imports" / "session_1.json").write_bytes(b'{"x":[' + b"[]," * 4_000_000 + b"0]}")
    assert codes(look(stranger, scene.root)) == {"index-too-large": "imports/session_1.json"}


def test_twins_that_differ_only_in_case_or_accents_are_told(scene: Scene, stranger: Workbench) -> None:
    def rename(index: Document) -> None:
        names = iter(["photos/Zu\u0308rich.jpg", "photos/Z\u00dcRICH.JPG", "photos/other.jpg"])
        for entry in index["files"].values():
            entry["relative_path"] = next(names)

    reseal(scene.root / "imports" / "session_1.json", rename)
    preview = look(stranger, scene.root)
    assert [finding.code for finding in preview.findings] == ["name-twins"]
    assert preview.file_count == 3


@pytest.mark.parametrize("layout", ["reference", "hybrid"])
def test_a_signature_cannot_send_imalink_to_a_folder_of_this_machine(
    scene: Scene, empty_catalog: Path, layout: str
) -> None:
    private = scene.folder / "private"
    private.mkdir()
    (private / "diary.jpg").write_bytes(b"x")
    facts = private.stat()

    def point(signature: Document) -> None:
        signature["layout"] = layout
        signature["pictures"] = {
            "folder": str(private), "file_system_uuid": None, "path_below_mount": None, "inode": facts.st_ino,
            "birth_ns": None,
        }  # fmt: skip

    reseal(scene.root / SIGNATURE_NAME, point)
    calls = AuditingCalls()
    with Workbench(scene.folder, empty_catalog=empty_catalog, name="stranger", calls=calls) as bench:
        with pytest.raises(UnsafePathError, match="another folder"):
            look(bench, scene.root)
    assert private not in calls.opened


@pytest.mark.parametrize(
    "photo_root", ["..", "/", "../private", ".imalink", ".imalink/staging", "imalink-sessions", ""]
)
def test_a_signature_cannot_put_the_photo_root_elsewhere(scene: Scene, stranger: Workbench, photo_root: str) -> None:
    reseal(scene.root / SIGNATURE_NAME, lambda signature: signature.update(photo_root=photo_root))
    with pytest.raises(Exception, match="photo_root"):
        look(stranger, scene.root)


def test_trust_is_remembered_and_ends_with_forgetting(scene: Scene, stranger: Workbench) -> None:
    def is_trusted() -> bool:
        [candidate], _ = find_candidates(stranger.tools, [scene.root])
        return candidate.is_trusted

    assert not is_trusted()
    candidates, _ = find_candidates(stranger.tools, [scene.root])
    recover(stranger.tools, candidates)
    assert is_trusted()
    stranger.database.unlink()
    with stranger.restart() as again:
        [candidate], _ = find_candidates(again.tools, [scene.root])
        assert candidate.is_trusted, "the registry remembers it without the catalog"
        recover(again.tools, [candidate])
        forget_storage(again.tools, again.records()[0])
        [candidate], _ = find_candidates(again.tools, [scene.root])
        assert not candidate.is_trusted


def test_a_recovery_brings_in_no_users_tokens_settings_or_urls(
    scene: Scene, stranger: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever an index calls by such a name stays in that index; and nothing goes over the network."""
    evil = {
        "users": [{"name": MARK, "role": "admin", "password_hash": MARK}],
        "tokens": [MARK],
        "settings": {"storage_roots": MARK},
        "backend_url": f"http://{MARK}.example",
    }
    for name in (SIGNATURE_NAME, "index.json", "imalink-master.json", "imports/session_1.json"):
        reseal(scene.root / name, lambda document: document.update(evil))
    reseal(scene.root / "index.json", lambda document: document["storage_info"].update(evil))
    reseal(scene.root / "imports/session_1.json", lambda document: document["import_session"].update(evil))
    met: list[str] = []
    is_watching = True
    sys.addaudithook(lambda event, _: met.append(event) if is_watching and event.startswith("socket.") else None)
    preview = look(stranger, scene.root)
    assert preview.backend_url == evil["backend_url"]
    assert preview.findings == ()
    candidates, _ = find_candidates(stranger.tools, [scene.root])
    report = recover(stranger.tools, candidates)
    is_watching = False
    assert report.restored_files == 3
    assert [event for event in met if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto")] == []
    assert MARK not in "\n".join(stranger.dump())
    local = [path for path in stranger.home.rglob("*") if path.is_file()]
    assert local
    assert [path for path in local if MARK.encode() in path.read_bytes()] == []


def test_all_that_a_preview_shows_is_escaped(scene: Scene, stranger: Workbench) -> None:
    from imalink.cli.render import safe

    nasty = "a\x1b[2J\u202egpj\nb"
    reseal(scene.root / SIGNATURE_NAME, lambda signature: signature.update(display_name=nasty, backend_url=nasty))
    preview = look(stranger, scene.root)
    assert preview.display_name == nasty
    assert safe(preview.display_name) == "a\\x1b[2J\\u202egpj\\nb"


def test_a_copy_of_the_folder_can_be_previewed_too(scene: Scene, stranger: Workbench) -> None:
    shutil.copytree(scene.root, scene.folder / "copy")
    findings: tuple[Finding, ...] = look(stranger, scene.folder / "copy").findings
    assert findings == ()
    assert json.loads((scene.folder / "copy" / "index.json").read_bytes())
