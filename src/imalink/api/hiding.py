"""Which words of an error somebody is told: folders of this machine are for administrators."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from starlette.requests import HTTPConnection

from imalink.answers import json_text
from imalink.api.context import Right, Server, find_asker
from imalink.errors import CatalogError
from imalink.workflows.look_at_storages import last_known_storages

HIDDEN = "…"
_REST = r"(?:/[^\s:;,'\"’”)]*)?"
_PATH = re.compile(r"(?<![\w.…/>])/(?!api/|health\b|docs\b|openapi\.json|metrics\b)[^\s/:;,'\"’”)][^\s:;,'\"’”)]*")


def words_for(connection: HTTPConnection) -> Callable[[str], str]:
    """Give what spells an error's words for whoever asks: whole for administrators, else without folders of here."""
    asker = find_asker(connection)
    if asker is not None and asker.right.covers(Right.ADMINISTER):
        return json_text
    server: object = connection.app.state.server
    return lambda text: without_folders(json_text(text), _known_folders(server) if "/" in text else ())


def job_words(connection: HTTPConnection, document: Mapping[str, object]) -> Mapping[str, object]:
    """Give a job as JSON has it, with what it failed at in the words for whoever asks."""
    error = document.get("error")
    if not isinstance(error, Mapping):
        return document
    tell = words_for(connection)
    told = {str(name): tell(str(text)) for name, text in error.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    return {**document, "error": told}


def without_folders(text: str, known: Iterable[str]) -> str:
    """Give a text without absolute paths: first those below ``known`` folders, whatever is in their names, then all."""
    for folder in sorted({each.rstrip("/") for each in known}, key=len, reverse=True):
        if folder:
            text = re.sub(rf"(?<![\w.…]){re.escape(json_text(folder))}{_REST}", HIDDEN, text)
    return _PATH.sub(HIDDEN, text)


def _known_folders(server: object) -> list[str]:
    if not isinstance(server, Server):
        return []
    found = [str(each) for each in (*server.folders.roots, *server.folders.own, server.folders.home)]
    with suppress(CatalogError):  # the error itself may be that it cannot be read
        for record in last_known_storages(server.tools):
            found += [record.full_path, record.base_path]
    return found
