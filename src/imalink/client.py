"""A Python client of the REST API, in the manner of ``requests``, with the helpers that workflow scripts call.

It stands alone: of ImaLink it uses only the errors, which it raises as the server told of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self, cast
from urllib.parse import urlencode

import httpx

from imalink.errors import ImalinkError, ServerUnreachableError

DEFAULT_URL = "http://localhost:8000"
URL_VARIABLE = "IMALINK_URL"
TOKEN_VARIABLE = "IMALINK_TOKEN"  # its name, no secret
_DEPTH = 5
_CUSTOMARY_ROOTS = ("/media", "/run/media", "/mnt", "/Volumes", "/external", "/backup", "/nas")
Record = Mapping[str, object]


class Answer:
    """What the server answered, with the names that ``requests`` has for it."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def ok(self) -> bool:
        """Whether it was carried out."""
        return self._response.is_success

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, whatever the case of their names."""
        return self._response.headers

    @property
    def content(self) -> bytes:
        """The body, such as that of a file."""
        return self._response.content

    @property
    def text(self) -> str:
        """The body as text."""
        return self._response.text

    def json(self) -> dict[str, object]:
        """Give the body, which must be a JSON object. Raises ValueError."""
        found: object = json.loads(self._response.content)
        if not isinstance(found, dict):
            raise ValueError("the answer is no JSON object")
        return cast("dict[str, object]", found)


class ImalinkClient:
    """Asks one server, by paths such as ``/api/v1/file-storage/``; close it, or use it as a context manager.

    ``url`` is where the server is, else what IMALINK_URL says, else http://localhost:8000. ``token`` is sent to it
    alone, where one has to log in; else what IMALINK_TOKEN says. ``timeout_seconds`` is how long to wait for an answer;
    None: as long as the work takes. What talks to the server raises ServerUnreachableError when there is none.
    """

    def __init__(
        self, url: str | None = None, *, token: str | None = None, timeout_seconds: float | None = None
    ) -> None:
        self.url = (url or os.environ.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/")
        # Nothing of this machine's proxies: the server is on it, or named outright.
        self._http = httpx.Client(timeout=timeout_seconds, trust_env=False)
        self._token = token or os.environ.get(TOKEN_VARIABLE) or ""

    # As requests does it

    def get(self, url: str, *, params: Mapping[str, str] | None = None) -> Answer:
        """Ask for something."""
        return self.request("GET", url, params=params)

    def post(self, url: str, *, json: object = None, params: Mapping[str, str] | None = None) -> Answer:
        """Have something done."""
        return self.request("POST", url, json=json, params=params)

    def patch(self, url: str, *, json: object = None) -> Answer:
        """Have something changed."""
        return self.request("PATCH", url, json=json)

    def delete(self, url: str, *, params: Mapping[str, str] | None = None) -> Answer:
        """Have something deleted."""
        return self.request("DELETE", url, params=params)

    def request(self, method: str, url: str, *, json: object = None, params: Mapping[str, str] | None = None) -> Answer:
        """Send a request; ``url`` may be a path alone."""
        whole = f"{self.url}{url}" if url.startswith("/") else url
        is_ours = whole == self.url or whole.startswith(f"{self.url}/")
        headers = {"authorization": f"Bearer {self._token}"} if self._token and is_ours else {}
        try:
            return Answer(self._http.request(method, whole, json=json, params=params, headers=headers))
        except httpx.TransportError as error:
            raise ServerUnreachableError(
                f"No ImaLink answers at {self.url}: {error}", hint="Start it with `imalink serve`."
            ) from error

    def ask(self, method: str, path: str, *, json: object = None) -> dict[str, object]:
        """Give the ``data`` of an answer; ``path`` is that below ``/api/v1/``. Raises the error the server told of."""
        answer = self.request(method, f"/api/v1/{path}", json=json)
        document = answer.json()
        if not answer.ok:
            raise _told(document)
        return cast("dict[str, object]", document["data"])

    # Photos

    def iter_photos(self, **filters: object) -> Iterator[dict[str, object]]:
        """Give the photos that fit, the latest taken first, page by page as they are needed.

        ``filters`` are those of ``GET photos``, such as ``rating_min=4``; that of ``from`` is called ``from_``. Raises
        UsageError for one that is not known.
        """
        after: str | None = None
        while True:
            page = self.ask("GET", f"photos?{_query({'limit': 500, 'after': after, **filters})}")
            yield from cast("list[dict[str, object]]", page["photos"])
            after = cast("str | None", page["next"])
            if after is None:
                return

    def get_photo(self, hothash: str) -> dict[str, object]:
        """Give all that is known of the photo that holds a picture. Raises NotFoundError, AmbiguousError."""
        return self.ask("GET", f"photos/{hothash}")

    def edit_photo(self, hothash: str, change: Record) -> dict[str, object]:
        """Say something of a photo, such as ``{"rating": 4}``; None takes back what was said. Give it as it is then."""
        return self.ask("PATCH", f"photos/{hothash}", json=dict(change))

    def edit_photos(self, hothashes: Iterable[str], change: Record) -> dict[str, object]:
        """Say the same of many photos: of all of them or of none. Give what was done, with its ``operation_uuid``."""
        return self.ask("PATCH", "photos", json={"hothashes": list(hothashes), "change": dict(change)})

    def undo(self, operation_uuid: str) -> dict[str, object]:
        """Take an operation back; give what was undone. Raises UsageError where something later stands in the way."""
        return self.ask("POST", f"operations/{operation_uuid}/undo")

    # The helpers of the workflow scripts

    def get_all_storages(self) -> list[dict[str, object]]:
        """Give all known storages, by name."""
        found: list[dict[str, object]] = []
        while True:
            page = self.ask("GET", f"file-storage?limit=500&offset={len(found)}")
            found.extend(cast("list[dict[str, object]]", page["storages"]))
            if len(found) >= cast(int, page["total_count"]):
                return found

    def get_storage_id(self, storage_uuid: str) -> int:
        """Give the number by which a session names its storage. Raises NotFoundError."""
        return cast(int, self.ask("GET", f"file-storage/{storage_uuid}")["id"])

    def get_free_space(self, storage: Record | str) -> float:
        """Give how many GiB are free in a storage, given by UUID or as ``get_all_storages`` has it; 0 while away."""
        storage_uuid = storage if isinstance(storage, str) else storage["storage_uuid"]
        return cast(float, self.ask("POST", f"file-storage/{storage_uuid}/accessibility")["free_space_gb"])

    @staticmethod
    def find_storage_directories(roots: Iterable[Path | str] = ()) -> list[Path]:
        """Give the folders of created storages below ``roots``, or without any below where disks are mounted.

        Folders named ``imalink_…`` with an ``index.json``, at most five levels down; nothing is followed or changed.
        """
        places = [Path(root) for root in roots] or [Path(root) for root in (*_CUSTOMARY_ROOTS, Path.home())]
        return sorted({found for place in places if place.is_dir() for found in _storages_below(place, _DEPTH)})

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _query(values: Mapping[str, object]) -> str:
    """Spell parameters; None leaves one out, a list repeats it."""
    given = {name.rstrip("_"): value for name, value in values.items() if value is not None}
    spelled = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return urlencode(spelled, doseq=True)


def _storages_below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        below = sorted(each for each in folder.iterdir() if each.is_dir() and not each.is_symlink())
    except OSError:
        return  # it may not be looked into
    for each in below:
        if each.name.startswith("imalink_") and (each / "index.json").is_file():
            yield each
        elif depth > 1 and not each.name.startswith("."):
            yield from _storages_below(each, depth - 1)


def _told(document: Mapping[str, object]) -> ImalinkError:
    """Give the error that the server told of, as the class it has there."""
    error = cast("Mapping[str, object]", document.get("error") or {})
    details = cast("Mapping[str, object]", error.get("details") or {})
    code, message, hint = (str(each) for each in (error.get("code"), error.get("message"), details.get("hint", "")))
    for kind in _kinds(ImalinkError):
        if kind.code == code:
            return kind(message, hint=hint)
    told = ImalinkError(message, hint=hint)
    told.code = code
    return told


def _kinds(kind: type[ImalinkError]) -> Iterator[type[ImalinkError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)
