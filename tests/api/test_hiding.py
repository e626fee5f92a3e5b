"""Errors for those who are no administrators: without folders of this machine, and still of use."""

from __future__ import annotations

import pytest

from imalink.api.hiding import without_folders

KNOWN = ["/media/My disk", "/media", "/home/ada", "/"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("There is no storage at /media/My disk/imalink_1: plug it in.", "There is no storage at …: plug it in."),
        ("/srv/photos/x.jpg is damaged.", "… is damaged."),
        ("'/srv/photos' (/etc/passwd), /var/lib", "'…' (…), …"),
        ("The catalog sqlite:////home/ada/catalog.sqlite is damaged.", "The catalog sqlite:///… is damaged."),
        ("POST /api/v1/auth/login, or GET /health.", "POST /api/v1/auth/login, or GET /health."),
        ("2024/07/rome.jpg is in no index; 3/4 done", "2024/07/rome.jpg is in no index; 3/4 done"),
        ("Nothing was changed.", "Nothing was changed."),
    ],
)
def test_a_folder_of_this_machine_is_left_out(text: str, told: str) -> None:
    assert without_folders(text, KNOWN) == told
