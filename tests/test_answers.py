"""What programs are told: text that JSON can hold, one spelling for one name."""

from __future__ import annotations

import os

from imalink.answers import finding_json, json_text
from imalink.core.finding import Finding
from imalink.core.relative_path import RelativePath


def test_a_name_that_is_not_utf8_is_spelled_alike_in_paths_and_in_findings() -> None:
    path = RelativePath(os.fsdecode(b"caf\xe9 \xff.jpg"))
    told = finding_json(Finding(code="name-not-utf8", path=path.printable()))
    assert json_text(path) == told["path"] == r"caf\xe9 \xff.jpg"


def test_half_a_pair_is_held_too_and_other_letters_stay() -> None:
    assert json_text("\ud800") == r"\ud800"
    assert json_text("Caf\u00e9 \u6771\u4eac") == "Caf\u00e9 \u6771\u4eac"
