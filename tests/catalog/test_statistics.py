"""Counts that the database makes are those one counts by hand."""

from __future__ import annotations

from imalink.catalog.statistics import MonthOfImports, count_by_month
from tests.support.catalogs import Catalogs, project
from tests.support.indexes import make_copy, make_entry, make_index, make_session


def test_imports_are_counted_by_the_month_in_which_they_came_in(catalogs: Catalogs) -> None:
    march, april = make_session(1), make_session(2)
    first = make_index(
        [
            make_entry("a", imported_at="2024-03-31T23:59:59Z", copies=(make_copy("photos/copy.jpg", session=march),)),
            make_entry("b", imported_at="2024-03-01T00:00:00Z"),
        ],
        session=march,
    )
    second = make_index(
        [make_entry("c", imported_at="2024-04-01T00:00:00Z"), make_entry("b", imported_at="2024-04-02T00:00:00Z")],
        session=april,
        storage="two",
    )
    with catalogs.make() as catalog:
        with catalog.read() as db:
            assert count_by_month(db) == []
        project(catalog, first)
        project(catalog, second)
        with catalog.read() as db:
            counted = {month.month: month for month in count_by_month(db)}
    files = [file for index in (first, second) for entry in index.files.values() for file in (entry, *entry.copies)]
    expected: dict[str, list[int]] = {}
    for file in files:
        expected.setdefault(file.imported_at[:7], []).append(file.size_bytes)
    assert {month: (each.file_count, each.size_bytes) for month, each in counted.items()} == {
        month: (len(sizes), sum(sizes)) for month, sizes in expected.items()
    }
    assert counted["2024-04"] == MonthOfImports(
        month="2024-04", session_count=1, picture_count=1, file_count=2, size_bytes=sum(expected["2024-04"])
    )
