"""Every broken file in these folders gives the code of its folder, and names the place that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from imalink.core.finding import CODES
from imalink.core.ids import WriterId
from imalink.errors import IndexDamagedError, NewerFormatError, SignatureDamagedError
from imalink.formats.commit_file import parse_commit
from imalink.formats.journal_file import parse_journal
from imalink.formats.layouts import hybrid, master_codec, overview_codec
from imalink.formats.signature_file import parse_signature

HERE = Path(__file__).parent
PARSERS: dict[str, Callable[[bytes], tuple[object, bool | None]]] = {
    "session": lambda data: hybrid.parse_session(data, file="the file"),
    "master": master_codec.parse_master,
    "overview": overview_codec.parse_overview,
}


def _expected(code: str) -> dict[str, str]:
    return cast(dict[str, str], json.loads((HERE / code / "expected.json").read_text(encoding="utf-8")))


def cases(code: str, prefix: str = "") -> list[tuple[Path, str]]:
    return [(HERE / code / name, place) for name, place in _expected(code).items() if name.startswith(prefix)]


def names(code: str, prefix: str = "") -> list[str]:
    return [path.name for path, _ in cases(code, prefix)]


FOLDERS = ["index-damaged", "index-edited", "journal-damaged", "signature-damaged", "newer-format"]


@pytest.mark.parametrize("code", FOLDERS)
def test_every_file_of_a_folder_is_expected_and_every_expected_file_is_there(code: str) -> None:
    there = {path.name for path in (HERE / code).iterdir()} - {"expected.json"}
    assert there == set(_expected(code))
    assert there


@pytest.mark.parametrize("code", FOLDERS)
def test_a_folder_is_named_after_a_code(code: str) -> None:
    assert code in CODES or code in (NewerFormatError.code, SignatureDamagedError.code)


@pytest.mark.parametrize(("path", "place"), cases("index-damaged"), ids=names("index-damaged"))
def test_a_damaged_index_is_refused_with_its_place(path: Path, place: str) -> None:
    with pytest.raises(IndexDamagedError) as caught:
        PARSERS[path.name.split(".")[0]](path.read_bytes())
    assert caught.value.code == "index-damaged"
    assert caught.value.place == place
    assert caught.value.file


@pytest.mark.parametrize(("path", "place"), cases("index-edited"), ids=names("index-edited"))
def test_an_edited_index_is_read_and_its_digest_does_not_fit(path: Path, place: str) -> None:
    assert place == ""
    assert PARSERS[path.name.split(".")[0]](path.read_bytes())[1] is False


@pytest.mark.parametrize(("path", "place"), cases("journal-damaged", "commit"), ids=names("journal-damaged", "commit"))
def test_a_damaged_commit_is_refused_with_its_line(path: Path, place: str) -> None:
    with pytest.raises(IndexDamagedError) as caught:
        parse_commit(path.read_bytes(), file=path.name)
    assert (caught.value.file, caught.value.place) == (path.name, place)


@pytest.mark.parametrize(
    ("path", "place"), cases("journal-damaged", "journal"), ids=names("journal-damaged", "journal")
)
def test_a_damaged_journal_is_read_up_to_the_damage_or_refused_with_its_line(path: Path, place: str) -> None:
    if place.endswith("good lines"):
        lines, is_whole = parse_journal(path.read_bytes(), writer=WriterId("w"), file=path.name)
        assert (f"{len(lines)} good lines", is_whole) == (place, False)
    else:
        with pytest.raises(IndexDamagedError) as caught:
            parse_journal(path.read_bytes(), writer=WriterId("w"), file=path.name)
        assert (caught.value.file, caught.value.place) == (path.name, place)


@pytest.mark.parametrize(("path", "place"), cases("signature-damaged"), ids=names("signature-damaged"))
def test_a_damaged_signature_is_refused_with_its_place(path: Path, place: str) -> None:
    with pytest.raises(IndexDamagedError) as caught:
        parse_signature(path.read_bytes())
    assert (caught.value.file, caught.value.place) == (".imalink-storage", place)


@pytest.mark.parametrize(("path", "place"), cases("newer-format"), ids=names("newer-format"))
def test_a_signature_of_a_newer_format_is_no_damage(path: Path, place: str) -> None:
    assert place == ""
    with pytest.raises(NewerFormatError):
        parse_signature(path.read_bytes())
