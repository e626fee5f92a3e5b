"""What an import leaves in a storage, read as any other program would: JSON, previews, manifests."""

from __future__ import annotations

import hashlib
import io
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from imalink.catalog.file_storages import StorageRecord
from tests.crash.oracle import canonical_digest
from tests.support.photos import make_jpeg, make_png
from tests.support.workbench import SMALL, Workbench, make_source, sha256_of

SCHEMAS = {
    "index.json": "overview", "imalink-master.json": "master", "imports/session_1.json": "session-index",
    "imports/session_2.json": "session-index", ".imalink-storage": "signature",
}  # fmt: skip


def schema(name: str) -> dict[str, Any]:
    return json.loads(resources.files("imalink.formats").joinpath(f"schemas/{name}.schema.json").read_bytes())


@pytest.fixture
def imported(bench: Workbench, tmp_path: Path) -> StorageRecord:
    """A storage of two sessions: pictures of several kinds, one damaged, a sidecar, and findings."""
    source = make_source(tmp_path / "card", 2)
    make_jpeg(source / "Rome/wide.jpg", seed=40, size=(800, 300), taken="2023:01:02 03:04:05", offset="+02:00")
    make_jpeg(source / "Rome/tall.jpg", seed=41, size=(300, 800), orientation=6)
    make_png(source / "drawing.png", seed=42, mode="RGBA")
    (source / "noise.jpg").write_bytes(bytes(range(256)) * 9)
    (source / "IMG_0001.xmp").write_text("<x/>")
    (source / "notes.txt").write_text("hello")
    record = bench.create()
    bench.import_(record, source, title="Italy", description="Two weeks")
    bench.import_(record, make_source(tmp_path / "second card", 1, first_seed=9), title="Norway")
    return record


def read(bench: Workbench, record: StorageRecord, name: str) -> dict[str, Any]:
    return json.loads((bench.root(record) / name).read_bytes())


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_index_file_fits_its_published_schema(bench: Workbench, imported: StorageRecord, name: str) -> None:
    jsonschema.validate(read(bench, imported, name), schema(SCHEMAS[name]))


@pytest.mark.parametrize("name", ["index.json", "imalink-master.json", "imports/session_1.json"])
def test_each_index_file_ends_with_a_digest_that_fits(bench: Workbench, imported: StorageRecord, name: str) -> None:
    document = read(bench, imported, name)
    assert list(document)[-1] == "content_sha256"
    assert document["content_sha256"] == canonical_digest(document)


def test_the_overview_has_the_keys_of_the_seed(bench: Workbench, imported: StorageRecord) -> None:
    overview = read(bench, imported, "index.json")
    assert set(overview) >= {"storage_info", "import_sessions", "imalink_version"}
    assert set(overview["storage_info"]) >= {
        "uuid", "directory_name", "base_path", "display_name", "created_at", "last_scan", "total_files", "total_size_mb"
    }  # fmt: skip
    assert overview["storage_info"]["directory_name"] == bench.root(imported).name
    assert overview["storage_info"]["base_path"] == str(bench.disk)
    assert overview["imalink_version"] == "2.0"
    assert [
        (each["id"], each["title"], each["file_count"], each["index_file"]) for each in overview["import_sessions"]
    ] == [(1, "Italy", 6, "imports/session_1.json"), (2, "Norway", 1, "imports/session_2.json")]


def test_a_session_index_has_the_keys_of_the_seed(bench: Workbench, imported: StorageRecord) -> None:
    session = read(bench, imported, "imports/session_1.json")
    head = session["import_session"]
    assert set(head) >= {
        "id", "title", "description", "imported_at", "default_author_id", "file_storage_id", "storage_directory"
    }  # fmt: skip
    assert (head["id"], head["title"], head["description"]) == (1, "Italy", "Two weeks")
    assert head["storage_directory"] == bench.root(imported).name
    assert set(session["statistics"]) >= {"total_files", "index_generated", "imalink_version"}
    assert session["statistics"]["total_files"] == len(session["files"]) == 6
    for hothash, entry in session["files"].items():
        assert re.fullmatch(r"[0-9a-f]{64}", hothash)
        assert set(entry) >= {
            "filename", "file_size", "taken_at", "created_at", "original_filename", "file_format", "width", "height",
            "has_hotpreview", "relative_path", "sha256",
        }  # fmt: skip


def test_a_files_name_leads_to_it_below_photos(bench: Workbench, imported: StorageRecord) -> None:
    """The validation script of the seeds joins ``full_path/photos/<filename>``."""
    for entry in read(bench, imported, "imports/session_1.json")["files"].values():
        path = bench.root(imported) / "photos" / entry["filename"]
        assert path == bench.root(imported) / entry["relative_path"]
        assert (path.stat().st_size, sha256_of(path)) == (entry["file_size"], entry["sha256"])


def test_no_index_holds_a_path_that_leads_out_of_the_storage(bench: Workbench, imported: StorageRecord) -> None:
    for name in ("imalink-master.json", "imports/session_1.json"):
        for entry in read(bench, imported, name)["files"].values():
            assert entry["relative_path"].startswith("photos/")
            assert ".." not in entry["relative_path"].split("/")


def test_capture_times_are_told_with_where_they_come_from(bench: Workbench, imported: StorageRecord) -> None:
    entries = {entry["filename"]: entry for entry in read(bench, imported, "imports/session_1.json")["files"].values()}
    wide = entries["Rome/wide.jpg"]
    assert (wide["taken_at"], wide["taken_at_local"], wide["taken_at_offset"], wide["taken_at_source"]) == (
        "2023-01-02T01:04:05Z", "2023-01-02T03:04:05", "+02:00", "exif"
    )  # fmt: skip
    assert entries["IMG_0001.jpg"]["taken_at"] == "2024-07-01T12:00:00Z"
    assert entries["drawing.png"]["taken_at_source"] == "mtime"


def test_the_master_says_where_each_picture_is(bench: Workbench, imported: StorageRecord) -> None:
    master = read(bench, imported, "imalink-master.json")
    assert (master["total_files"], len(master["files"])) == (7, 7)
    assert {entry["import_session_id"] for entry in master["files"].values()} == {1, 2}
    assert master["total_size_bytes"] == sum(entry["file_size"] for entry in master["files"].values())
    commits = {path.stem for path in (bench.root(imported) / ".imalink/metadata/commits").iterdir()}
    assert set(master["sources"]["runs"]) == commits


def test_findings_stand_in_the_session_index(bench: Workbench, imported: StorageRecord) -> None:
    errors = read(bench, imported, "imports/session_1.json")["errors"]
    assert {"notes.txt": "not-a-picture"}.items() <= {each["path"]: each["code"] for each in errors}.items()


def test_every_picture_that_says_so_has_a_small_upright_preview(bench: Workbench, imported: StorageRecord) -> None:
    entries = read(bench, imported, "imports/session_1.json")["files"]
    sizes: dict[str, tuple[int, int]] = {}
    for hothash, entry in entries.items():
        path = bench.root(imported) / ".imalink/hotpreviews" / hothash[:2] / hothash[2:4] / f"{hothash}.jpg"
        assert path.exists() == entry["has_hotpreview"]
        if path.exists():
            with Image.open(io.BytesIO(path.read_bytes())) as preview:
                assert preview.format == "JPEG"
                assert max(preview.size) <= 200
                sizes[entry["filename"]] = preview.size
    assert set(sizes) == {"IMG_0001.jpg", "IMG_0002.jpg", "Rome/wide.jpg", "Rome/tall.jpg", "drawing.png"}
    assert sizes["IMG_0001.jpg"] == SMALL
    assert sizes["Rome/wide.jpg"] == (200, 75)
    assert sizes["Rome/tall.jpg"] == (200, 75), "turned by its orientation"


def test_there_are_no_previews_but_those_of_pictures(bench: Workbench, imported: StorageRecord) -> None:
    previews = {path.stem for path in (bench.root(imported) / ".imalink/hotpreviews").rglob("*.jpg")}
    assert previews == {
        hothash
        for number in (1, 2)
        for hothash, entry in read(bench, imported, f"imports/session_{number}.json")["files"].items()
        if entry["has_hotpreview"]
    }


def test_manifests_list_every_file_with_its_checksum(bench: Workbench, imported: StorageRecord) -> None:
    listed: dict[str, str] = {}
    for manifest in (bench.root(imported) / ".imalink/metadata/manifest").iterdir():
        for line in manifest.read_text().splitlines():
            sha256, _, path = line.partition("  ")
            listed[path] = sha256
    photos = bench.root(imported) / "photos"
    assert listed == {
        str(path.relative_to(bench.root(imported))): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in photos.rglob("*")
        if path.is_file()
    }


def test_nothing_but_what_is_described_stands_in_a_storage(bench: Workbench, imported: StorageRecord) -> None:
    root = bench.root(imported)
    assert {path.name for path in root.iterdir()} == {
        "index.json", "imports", "imalink-master.json", "photos", ".imalink-storage", ".imalink"
    }  # fmt: skip
    assert {path.name for path in (root / ".imalink").iterdir()} == {"hotpreviews", "metadata", "staging"}
    assert {path.name for path in (root / ".imalink/metadata").iterdir()} == {"backup", "commits", "manifest"}
    assert list((root / ".imalink/staging").iterdir()) == []


def test_the_registry_knows_where_the_storage_stands(bench: Workbench, imported: StorageRecord) -> None:
    assert bench.tools.registry.places() == {imported.storage_uuid: bench.root(imported)}
