"""A Python client of the REST API, in the manner of ``requests``, with the helpers that workflow scripts call.

It stands alone: of ImaLink it uses only the errors, which it raises as the server told of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self, cast
from urllib.parse import urlencode

import httpx

from imalink.errors import ImalinkError, ServerUnreachableError, SourceChangedError, UsageError, VerificationError

DEFAULT_URL = "http://localhost:8000"
URL_VARIABLE = "IMALINK_URL"
TOKEN_VARIABLE = "IMALINK_TOKEN"  # its name, no secret
_DEPTH = 5
_PIECE_BYTES = 1 << 20
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
        with self._reaching():
            return Answer(self._http.request(method, whole, json=json, params=params, headers=self._headers(whole)))

    def ask(self, method: str, path: str, *, json: object = None) -> dict[str, object]:
        """Give the ``data`` of an answer; ``path`` is that below ``/api/v1/``. Raises the error the server told of."""
        return _data_of(self.request(method, f"/api/v1/{path}", json=json))

    def _headers(self, whole: str) -> dict[str, str]:
        is_ours = whole == self.url or whole.startswith(f"{self.url}/")
        return {"authorization": f"Bearer {self._token}"} if self._token and is_ours else {}

    @contextmanager
    def _reaching(self) -> Generator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise ServerUnreachableError(
                f"No ImaLink answers at {self.url}: {error}", hint="Start it with `imalink serve`."
            ) from error

    # Long work, begun and watched

    def start(self, method: str, path: str, *, json: object = None) -> dict[str, object]:
        """Begin what ``ask`` would wait for, and give its job at once."""
        whole = f"{self.url}/api/v1/{path}"
        headers = {**self._headers(whole), "prefer": "respond-async"}
        with self._reaching():
            answer = Answer(self._http.request(method, whole, json=json, headers=headers))
        return cast("dict[str, object]", _data_of(answer)["job"])

    def get_job(self, job_id: str) -> dict[str, object]:
        """Give a job as it stands now, with its report when it is done. Raises NotFoundError."""
        return cast("dict[str, object]", self.ask("GET", f"jobs/{job_id}")["job"])

    def cancel_job(self, job_id: str) -> dict[str, object]:
        """Tell a job to stop at its next safe point, and give it as it stands."""
        return cast("dict[str, object]", self.ask("DELETE", f"jobs/{job_id}")["job"])

    def wait_for_job(
        self,
        job_id: str,
        *,
        on_look: Callable[[dict[str, object]], None] | None = None,
        seconds_between_looks: float = 0.5,
    ) -> dict[str, object]:
        """Wait until a job is over, and give its report; ``on_look`` is called with the job each time it is looked at.

        Raises the error that a job ended with which failed, was cancelled or was interrupted.
        """
        while True:
            job = self.get_job(job_id)
            if on_look is not None:
                on_look(job)
            if job["is_over"]:
                break
            time.sleep(seconds_between_looks)
        if job["state"] == "done":
            return cast("dict[str, object]", job["report"])
        trouble = cast(
            "Mapping[str, object]", job["error"] or {"code": job["state"], "message": "The job did not end."}
        )
        raise _told({"error": {**trouble, "details": {"hint": trouble.get("hint", "")}}})

    # Files, piece by piece

    def iter_original(self, hothash: str) -> Iterator[bytes]:
        """Give the bytes of a picture as it was imported, piece by piece, and compare them with what is indexed.

        Raises NotFoundError, StorageOfflineError; VerificationError, after the last piece, where they are other bytes.
        """
        taken = hashlib.sha256()
        with self._streaming("GET", f"photos/{hothash}/file") as response:
            for piece in response.iter_bytes(_PIECE_BYTES):
                taken.update(piece)
                yield piece
            expected = response.headers.get("etag", "").strip('"')
        if expected and expected != taken.hexdigest():
            raise VerificationError(f"The picture {hothash} did not come as it is indexed.", hint="Fetch it again.")

    def iter_export(
        self, query: str | None = None, *, hothashes: Iterable[str] = (), primary_only: bool = False
    ) -> Iterator[bytes]:
        """Give pictures as a ZIP file, piece by piece, as the server makes it; no more of it is held than one piece.

        Which could not be had stands in ``imalink-export.json`` inside. Raises ServerUnreachableError where it breaks
        off: what came then is no whole ZIP file.
        """
        with self._streaming("POST", "export", json=_export(query, hothashes, primary_only)) as response:
            yield from response.iter_bytes(_PIECE_BYTES)

    def export_to_folder(
        self,
        destination: Path | str,
        query: str | None = None,
        *,
        hothashes: Iterable[str] = (),
        primary_only: bool = False,
    ) -> dict[str, object]:
        """Have pictures copied into a new folder in ``destination``, which is one of the server's machine."""
        body = {**_export(query, hothashes, primary_only), "destination": str(destination)}
        return self.ask("POST", "export", json=body)

    def upload(
        self,
        session_id: int | str,
        files: Iterable[Path | str],
        *,
        then_import: bool = True,
        on_file: Callable[[str, bool], None] | None = None,
        **options: object,
    ) -> dict[str, object]:
        """Send files to a session and have them imported; of a folder all files below it, by their paths in it.

        What waits there already, byte for byte, is not sent again, so the same call goes on after an interruption.
        Each is sent with its SHA-256 and its time, and nothing is held of it but a piece. ``on_file`` is called with
        the name of each, and whether it was sent just now. ``options`` are those of the import: ``organize``,
        ``duplicates``, ``author_id``, ``include_deleted``. Gives ``files`` (the names) and ``imported`` (None without
        ``then_import``). Raises UsageError, SourceChangedError, OSError for a file that cannot be read, and what the
        server tells of.
        """
        where = f"import-sessions/{session_id}/upload"
        waiting = cast("list[dict[str, str]]", self.ask("GET", where)["files"])
        known = {each["path"]: each["sha256"] for each in waiting}
        sent: list[str] = []
        for name, path in _named(files):
            with path.open("rb") as file:
                state = os.fstat(file.fileno())
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                if known.get(name) != digest:
                    self._send_file(where, name, file, state, digest)
            sent.append(name)
            if on_file is not None:
                on_file(name, known.get(name) != digest)
        if not sent:
            raise UsageError("There is no file to be sent.", hint="Name files, or a folder that has some.")
        if not then_import:
            return {"files": sent, "imported": None}
        done = self.ask("POST", f"{where}?{_query(options)}")
        return {"files": sent, "imported": done["imported"]}

    def _send_file(self, where: str, name: str, file: BinaryIO, state: os.stat_result, digest: str) -> None:
        modified_ms = max(0, state.st_mtime_ns // 1_000_000)
        query = _query({"path": name, "sha256": digest, "modified_ms": modified_ms, "import": False})
        whole = f"{self.url}/api/v1/{where}?{query}"
        headers = {
            **self._headers(whole),
            "content-type": "application/octet-stream",
            "content-length": str(state.st_size),
        }
        with self._reaching():
            answer = self._http.request("POST", whole, content=_pieces(name, file, state.st_size), headers=headers)
        _data_of(Answer(answer))

    @contextmanager
    def _streaming(self, method: str, path: str, *, json: object = None) -> Generator[httpx.Response]:
        whole = f"{self.url}/api/v1/{path}"
        with self._reaching(), self._http.stream(method, whole, json=json, headers=self._headers(whole)) as response:
            if not response.is_success:
                response.read()
                _data_of(Answer(response))
            yield response

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


def _data_of(answer: Answer) -> dict[str, object]:
    """Give the ``data`` of an answer. Raises the error the server told of."""
    document = answer.json()
    if not answer.ok:
        raise _told(document)
    return cast("dict[str, object]", document["data"])


def _export(query: str | None, hothashes: Iterable[str], primary_only: bool) -> dict[str, object]:
    wanted = list(hothashes)
    asked: dict[str, object] = {"files": "primary"} if primary_only else {}
    if query is not None:
        asked["query"] = query
    return asked | {"hothashes": wanted} if wanted else asked


def _named(files: Iterable[Path | str]) -> Iterator[tuple[str, Path]]:
    """Give each file with the name under which it is sent. Raises UsageError for two of one name."""
    seen: dict[str, Path] = {}
    for each in map(Path, files):
        below = (
            sorted(path for path in each.rglob("*") if path.is_file() and not path.is_symlink())
            if each.is_dir()
            else [each]
        )
        for path in below:
            name = path.relative_to(each).as_posix() if each.is_dir() else path.name
            if name in seen and seen[name] != path:
                raise UsageError(f"{seen[name]} and {path} would both be called {name}.", hint="Send their folder.")
            seen[name] = path
            yield name, path


def _pieces(name: str, file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    """Give a file piece by piece. Raises SourceChangedError when more or less of it comes than there was at first."""
    file.seek(0)
    left = size_bytes
    while piece := file.read(_PIECE_BYTES):
        left -= len(piece)
        if left >= 0:
            yield piece
    if left:
        raise SourceChangedError(f"{name} changed while it was sent; it was not kept.", hint="Send it again.")


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
