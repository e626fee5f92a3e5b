"""The documentation check sees what is wrong; what is right it lets be."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_docs


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    (tmp_path / "README.md").write_text("# Top\n\nSee [the guide](docs/guide.md#two-words).\n")
    (tmp_path / "docs" / "guide.md").write_text(
        "# Guide\n\n## Two `words`\n\n## Twice\n\n## Twice\n\n[up](../README.md#top) [here](#twice-1) [out](https://example.org/x)\n\n"
        "```\n[not a link](nowhere.md)\n```\n"
    )
    return tmp_path


def test_good_links_are_let_be(project: Path) -> None:
    assert list(check_docs.broken_links(project)) == []


@pytest.mark.parametrize(
    "link",
    ["[x](missing.md)", "[x](docs/guide.md#missing)", "[x](#missing)", "[x](../elsewhere.md)", "[x]: missing.md"],
)
def test_a_broken_link_is_seen(project: Path, link: str) -> None:
    (project / "README.md").write_text(f"# Top\n\n{link}\n")
    assert len(list(check_docs.broken_links(project))) == 1


def test_a_code_counts_as_described_only_as_code() -> None:
    wanted = ["file-missing", "file-damaged", "imalink import"]
    reference = "| `file-missing` | gone |\nA file-damaged word in prose.\n\n    imalink import FOLDER\n"
    told = list(check_docs.undescribed(reference, wanted, "word"))
    assert told == ["docs/reference: word `file-damaged` is not described"]


def test_a_longer_code_does_not_describe_a_shorter_one() -> None:
    assert list(check_docs.undescribed("`storage-offline`", ["storage"], "error"))


def test_every_error_has_a_code() -> None:
    codes = check_docs.error_codes()
    assert {"storage-offline", "out-of-space"} <= codes
    assert "error" not in codes, "an error without a code of its own"


@pytest.mark.parametrize("line", ["/wo" + "rk/main", "--index" + "-url x", "{project}/README.md"])
def test_a_machine_path_is_seen(project: Path, line: str) -> None:
    (project / "docs" / "guide.md").write_text(line.format(project=project) + "\n")
    assert len(list(check_docs.machine_paths(project))) == 1


def test_a_user_path_is_let_be(project: Path) -> None:
    (project / "docs" / "guide.md").write_text("Import from /media/anna/CARD or /home/anna/Pictures.\n")
    assert list(check_docs.machine_paths(project)) == []


def test_a_test_that_is_named_as_proof_and_is_not_there_is_seen(project: Path) -> None:
    (project / "tests").mkdir(exist_ok=True)
    (project / "tests/test_one.py").write_text("def test_first() -> None: ...\n")
    page = project / "docs/proof.md"
    page.write_text("`tests/test_one.py`, `tests/test_one.py::test_first`")
    assert list(check_docs.absent_tests(project)) == []
    page.write_text("`tests/test_two.py`, `tests/test_one.py::test_second`")
    assert [line.partition(": ")[2] for line in check_docs.absent_tests(project)] == [
        "no such test: tests/test_one.py::test_second",
        "no such test: tests/test_two.py",
    ]
