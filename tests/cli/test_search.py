"""``imalink search`` as a user has it: the installed command, a home of its own, a few real photos."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TypedDict, cast

import pytest

from tests.support.photos import make_jpeg, make_png
from tests.support.workbench import SMALL


class PhotoJson(TypedDict):
    photo_uuid: str
    hothash: str
    title: str | None
    taken_at_local: str | None
    rating: int | None
    tags: list[str]
    file_format: str
    original_filename: str


class PageJson(TypedDict):
    photos: list[PhotoJson]
    next: str | None


class Command:
    """The installed command with a home in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "IMALINK_HOME": str(folder / "home"), "NO_COLOR": "1"}

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("imalink")), *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    def page(self, *arguments: str) -> PageJson:
        done = self.run("search", "--json", *arguments)
        assert done.stderr == ""
        return cast(PageJson, json.loads(done.stdout))

    def names(self, *arguments: str) -> list[str]:
        return [photo["original_filename"] for photo in self.page(*arguments)["photos"]]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    folder = tmp_path_factory.mktemp("search")
    source = folder / "card"
    make_jpeg(source / "IMG_0001.jpg", seed=1, size=SMALL, rating=4, keywords=["Rome", "Grand canal"])
    make_jpeg(source / "IMG_0002.jpg", seed=2, size=SMALL, taken="2024:07:11 08:00:00", rating=2)
    make_jpeg(source / "Ærø 100%.jpg", seed=3, size=SMALL, taken="2023:01:02 03:04:05")
    make_png(source / "plain.png", seed=4)
    os.utime(source / "plain.png", (946_684_800, 946_684_800))
    made = Command(folder)
    (folder / "home").mkdir()
    (folder / "disk").mkdir()
    made.run("storage", "create", str(folder / "disk"), "--name", "Blue Samsung")
    made.run("import", str(source), "--storage", "Blue Samsung", "--title", "Italy")
    return made


EVERYTHING = ["IMG_0002.jpg", "IMG_0001.jpg", "Ærø 100%.jpg", "plain.png"]


def test_without_a_query_all_photos_are_listed_the_latest_first(command: Command) -> None:
    assert command.names() == EVERYTHING


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rating:2", "date:2024-07"], ["IMG_0002.jpg", "IMG_0001.jpg"]),
        (["tag:Grand canal"], ["IMG_0001.jpg"]),
        (['tag:"grand canal" rating:4'], ["IMG_0001.jpg"]),
        (["ÆRØ"], ["Ærø 100%.jpg"]),
        (["0%"], ["Ærø 100%.jpg"]),
        (["storage:Blue Samsung", "session:1", "format:png"], ["plain.png"]),
        (["name:img_*"], ["IMG_0002.jpg", "IMG_0001.jpg"]),
        (["camera:Testmaker Testmodel 1", "to:2023"], ["Ærø 100%.jpg"]),
        (["missing:yes"], []),
    ],
)
def test_a_query_is_the_arguments_together(command: Command, arguments: list[str], expected: list[str]) -> None:
    assert command.names(*arguments) == expected


def test_json_says_what_scripts_rely_on(command: Command) -> None:
    page = command.page("tag:rome")
    (photo,) = page["photos"]
    assert page["next"] is None
    assert len(photo["photo_uuid"]) == 36
    assert len(photo["hothash"]) == 64
    assert photo["taken_at_local"] == "2024-07-10T14:30:00"
    assert (photo["rating"], photo["tags"]) == (4, ["Rome", "Grand canal"])
    assert (photo["title"], photo["file_format"]) == (None, "JPEG")


def test_next_leads_to_the_following_page(command: Command) -> None:
    first = command.page("--limit", "3")
    assert first["next"] is not None
    second = command.page("--limit", "3", "--after", first["next"])
    assert second["next"] is None
    assert [photo["original_filename"] for photo in first["photos"] + second["photos"]] == EVERYTHING


def test_people_get_a_table_and_a_way_to_go_on(command: Command) -> None:
    done = command.run("search", "name:img*", "--limit", "1")
    headings, row = done.stdout.splitlines()
    assert headings.split() == ["TAKEN", "RATING", "NAME", "TITLE", "HOTHASH"]
    assert row.startswith("2024-07-11 08:00  ★★")
    assert "IMG_0002.jpg" in row
    assert done.stderr.startswith("There are more: add --after ")


def test_nothing_found_is_no_error(command: Command) -> None:
    assert command.run("search", "nothing").stdout == "No photo fits.\n"
    assert command.page("nothing") == {"photos": [], "next": None}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["colour:red"], 2, "'colour' is no search key"),
        (["date:2024-13"], 2, "2024-13"),
        (["--limit", "0"], 2, "1 to 1000"),
        (["--after", "x"], 2, "not given by a search"),
        (["session:99"], 10, "99"),
        (["storage:Red"], 10, "'Red'"),
    ],
)
def test_what_cannot_be_searched_is_told_with_its_exit_code(
    command: Command, arguments: list[str], code: int, told: str
) -> None:
    done = command.run("search", "--json", *arguments, code=code)
    assert done.stdout == ""
    assert told in done.stderr


def test_photos_on_an_offline_storage_are_found(command: Command) -> None:
    disk = command.folder / "disk"
    disk.rename(command.folder / "unplugged")
    try:
        assert command.names("storage:Blue Samsung") == EVERYTHING
    finally:
        (command.folder / "unplugged").rename(disk)
