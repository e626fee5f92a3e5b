"""How an import arranges what it brings: five ways, templates, what is left out, and dry runs that tell the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.organization import organization_named
from imalink.errors import UsageError
from imalink.storage.ignore_rules import IGNORE_NAME
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportReport, ImportRequest
from tests.support.photos import make_jpeg, make_png
from tests.support.workbench import SMALL, Workbench, photos_below, snapshot


@pytest.fixture
def record(bench: Workbench) -> StorageRecord:
    return bench.create()


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Two folders of a camera, with the same names in both."""
    for seed, (folder, day) in enumerate([("100A", "01"), ("100A", "02"), ("101A", "03")], start=1):
        name = f"IMG_{seed % 2}.JPG"
        make_jpeg(tmp_path / "card" / folder / name, seed=seed, size=SMALL, taken=f"2024:07:{day} 12:00:00")
    return tmp_path / "card"


def bring(
    bench: Workbench,
    record: StorageRecord,
    source: Path,
    organize: str = "keep",
    *,
    exclude: tuple[str, ...] = (),
    author: str | None = None,
    dry_run: bool = False,
) -> ImportReport:
    request = ImportRequest(
        source=source,
        title="italy",
        organization=organization_named(organize),
        exclude=exclude,
        author=author,
        dry_run=dry_run,
    )
    return import_photos(bench.tools, record, request)


def tree(bench: Workbench, record: StorageRecord) -> set[str]:
    return set(photos_below(bench.root(record)))


@pytest.mark.parametrize(
    ("organize", "expected"),
    [
        ("keep", {"100A/IMG_1.JPG", "100A/IMG_0.JPG", "101A/IMG_1.JPG"}),
        ("date", {"2024/07/IMG_1.JPG", "2024/07/IMG_0.JPG", "2024/07/IMG_1 (2).JPG"}),
        ("session", {"Import-1/IMG_1.JPG", "Import-1/IMG_0.JPG", "Import-1/IMG_1 (2).JPG"}),
        ("flat", {"IMG_1.JPG", "IMG_0.JPG", "IMG_1 (2).JPG"}),
        ("{year}/{session_title}", {"2024/italy/IMG_1.JPG", "2024/italy/IMG_0.JPG", "2024/italy/IMG_1 (2).JPG"}),
        ("{year}/{date}_{counter:03}", {f"2024/2024-07-0{day}_001.JPG" for day in (1, 2, 3)}),
        ("{year}/{session_title}-{counter}", {f"2024/italy-{number}.JPG" for number in (1, 2, 3)}),
        (
            '{author|"nobody"}/{original_path}',
            {"nobody/100A/IMG_1.JPG", "nobody/100A/IMG_0.JPG", "nobody/101A/IMG_1.JPG"},
        ),
    ],
)  # fmt: skip
def test_each_way_gives_its_tree_and_a_dry_run_shows_it(
    bench: Workbench, record: StorageRecord, card: Path, organize: str, expected: set[str]
) -> None:
    before = snapshot(card)
    planned = bring(bench, record, card, organize, dry_run=True)
    assert tree(bench, record) == set()
    assert {file.target.removeprefix("photos/") for file in planned.files} == expected
    report = bring(bench, record, card, organize)
    assert tree(bench, record) == expected
    assert (report.statistics.new_imports, report.statistics.errors) == (3, 0)
    assert snapshot(card) == before


@pytest.mark.parametrize("organize", ["../{year}", "{yaer}", "/srv/{year}", "", "keeep"])
def test_a_wrong_template_is_refused_before_anything_is_copied(
    bench: Workbench, record: StorageRecord, card: Path, organize: str
) -> None:
    before = snapshot(bench.root(record))
    with pytest.raises(UsageError):
        bring(bench, record, card, organize)
    assert snapshot(bench.root(record)) == before


def test_a_second_import_counts_on_where_the_first_ended(
    bench: Workbench, record: StorageRecord, card: Path, tmp_path: Path
) -> None:
    bring(bench, record, card, "all/{counter}")
    make_jpeg(tmp_path / "more" / "x.JPG", seed=40, size=SMALL)
    bring(bench, record, tmp_path / "more", "all/{counter}")
    assert tree(bench, record) == {"all/1.JPG", "all/2.JPG", "all/3.JPG", "all/4.JPG"}


def test_files_of_one_name_share_a_number(bench: Workbench, record: StorageRecord, tmp_path: Path) -> None:
    make_jpeg(tmp_path / "card" / "IMG_7.JPG", seed=50, size=SMALL)
    make_png(tmp_path / "card" / "IMG_7.PNG", seed=51)
    make_jpeg(tmp_path / "card" / "IMG_8.JPG", seed=52, size=SMALL)
    bring(bench, record, tmp_path / "card", "all/{counter}")
    assert tree(bench, record) == {"all/1.JPG", "all/1.PNG", "all/2.JPG"}


def test_two_shots_never_share_a_number_whatever_their_extensions(
    bench: Workbench, record: StorageRecord, tmp_path: Path
) -> None:
    make_jpeg(tmp_path / "card" / "a.jpg", seed=50, size=SMALL, taken="2024:07:01 10:00:00")
    make_png(tmp_path / "card" / "b.png", seed=51)
    bring(bench, record, tmp_path / "card", "all/{counter}")
    make_jpeg(tmp_path / "more" / "c.jpeg", seed=52, size=SMALL)
    bring(bench, record, tmp_path / "more", "all/{counter}")
    assert tree(bench, record) == {"all/1.jpg", "all/2.png", "all/3.jpeg"}


def test_a_sidecar_goes_where_its_picture_goes(bench: Workbench, record: StorageRecord, card: Path) -> None:
    (card / "100A" / "IMG_1.JPG.xmp").write_bytes(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    bring(bench, record, card, "{date}-{counter}")
    assert "2024-07-01-1.JPG.xmp" in tree(bench, record)


def test_the_author_is_kept_with_the_session_and_names_folders(
    bench: Workbench, record: StorageRecord, card: Path
) -> None:
    report = bring(bench, record, card, "{author}/{filename}", author="Kjell")
    assert {path.split("/")[0] for path in tree(bench, record)} == {"Kjell"}
    assert report.session_id is not None
    index = bench.session(record, report.session_id)
    assert index.session.default_author is not None
    assert index.session.default_author.name == "Kjell"


def test_what_is_excluded_stays_at_the_source(bench: Workbench, record: StorageRecord, card: Path) -> None:
    (card / IGNORE_NAME).write_text("/101A/\n")
    report = bring(bench, record, card, exclude=("*_0.JPG",))
    assert tree(bench, record) == {"100A/IMG_1.JPG"}
    counts = report.statistics
    assert (counts.total_scanned, counts.new_imports, report.findings) == (1, 1, ())


def test_a_pattern_that_cannot_be_read_stops_the_import_before_it_begins(
    bench: Workbench, record: StorageRecord, card: Path
) -> None:
    before = snapshot(bench.root(record))
    with pytest.raises(UsageError):
        bring(bench, record, card, exclude=("!",))
    assert tree(bench, record) == set()
    after = snapshot(bench.root(record))
    assert {name for name in before if name.startswith("photos")} == {
        name for name in after if name.startswith("photos")
    }
