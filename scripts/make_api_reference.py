"""Write docs/api/API_REFERENCE.md from the routes themselves; a test sees to it that it is up to date.

Run from anywhere: ``python scripts/make_api_reference.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api" / "API_REFERENCE.md"

INTRODUCTION = """\
# API reference

<!-- Written by scripts/make_api_reference.py from the routes themselves: change those, not this page. -->

`imalink serve` answers under `http://localhost:8000/api/v1`. The same description for programs is at `/openapi.json`,
this page at `/docs`.

Every path may be written with and without a trailing slash. A body is read as JSON whatever its content type says; it
has 1 MB at most, and a field that is not known is refused. A storage is named by its UUID or its `id`, a session by its
`id` or its UUID, a picture by its hothash or 8 or more of its first digits.

An answer is `{"success": true, "data": …}`. A failure is

```json
{
  "success": false,
  "error": {"code": "storage-offline", "message": "what happened", "details": {"hint": "what to do"}},
  "detail": "the message once more"
}
```

with a code of [the errors](../reference/errors.md), or one of those below.

Where one has to log in (`GET auth/me` says whether), `POST auth/login` gives a cookie, and a program sends a
[token](../reference/cli.md#imalink-token) as `Authorization: Bearer …`. Each route says who may use it; 401 means that
one has to log in, 403 that it takes more rights. Folders of the server stand in errors for administrators alone.

Work that takes long answers when it is done, or at once with the header `Prefer: respond-async`: then with 202 and the
[job](../reference/jobs.md) that does it. `WS /api/v1/events` tells [what changes](../reference/jobs.md#events),
`GET /metrics` has [figures](../running.md#watching-it). Jobs on one storage come one after the other; other operations
there wait for 30 seconds. After that, and where another process is at work, the answer is 423 and says who.

What the command line does is done by [these routes](../reference/side_by_side.md).

| Code of HTTP alone | Meaning |
|---|---|
| `invalid` | A field breaks a rule; `details.fields` has `field`, `rule`, `message`. |
| `invalid-json` | The body is no JSON. |
| `too-large` | The body is larger than 1 MB. |
| `too-slow` | The body did not come within a minute (408). |
| `bad-host`, `unknown-host` | The Host header is malformed, or names another server. |
| `cross-site` | A page of another site asked for it. |
| `method-not-allowed` | The path takes another method. |
| `no-such-part` | The file has no such part. |
| `bad-request`, `internal` | The request makes no sense to HTTP; a bug of ours, of which the log says more. |

"""


SUPERSEDED = (
    ("post", "/file-storage/create", "post", "/file-storage", "the same"),
    ("put", "/file-storage/{storage}", "patch", "/file-storage/{storage}", "the same"),
    ("post", "/import-sessions/create", "post", "/import-sessions", "the same"),
    (
        *("post", "/import-sessions/{session}/update-storage-path", "patch", "/file-storage/{storage}"),
        "with `base_path`: a place belongs to a storage, not to a session",
    ),
    (
        "get",
        "/images/{image_id}/file",
        "get",
        "/photos/{hothash}/file",
        "a hothash outlives the catalog, a number may not",
    ),
    (
        *("get", "/storage/scan-locations", "post", "/file-storage/recover"),
        "with `dry_run`: it reads what storages say instead of counting folders",
    ),
)
"""Kept for programs that were written for them: method and path, those to use instead, and why."""

EXAMPLES = """\
## FileStorage testing examples

These run as they stand beside `imalink serve`, and do so in the tests. `DRIVE` is any folder of yours. More, from the
first import to a recovery, is in [the workflows](../STORAGE_WORKFLOW.md).

With curl and jq:

```bash
API=${API:-http://localhost:8000/api/v1}
DRIVE=${DRIVE:-/media/anna/photos}

# Create a storage; the same words again give the same storage.
STORAGE=$(curl -sS -X POST "$API/file-storage/create" \\
    -d "{\\"base_path\\": \\"$DRIVE\\", \\"display_name\\": \\"Examples\\"}" | jq -r .data.storage_uuid)

# Look at it.
curl -sS "$API/file-storage/$STORAGE" | jq -e '.data | {display_name, full_path, is_accessible}'
curl -sS -X POST "$API/file-storage/$STORAGE/accessibility" | jq -e '.data | {is_writable, free_space_gb}'
curl -sS "$API/file-storage/$STORAGE/statistics" | jq -e '.data.statistics.total_files'

# Write its indexes, and look for what changed on the disk.
curl -sS -X POST "$API/storage-index/generate/$STORAGE" | jq -e .success
curl -sS -X POST "$API/storage-index/scan/$STORAGE" | jq -e '.data.changes_detected == false'

# Leave it out of use for a while.
curl -sS -X POST "$API/file-storage/$STORAGE/deactivate" | jq -e .success
curl -sS -X POST "$API/file-storage/$STORAGE/reactivate" | jq -e .success

# What is not there is a failure with a code.
curl -sS "$API/file-storage/00000000-0000-4000-8000-000000000000" | jq -e '.error.code == "not-found"'
```

With Python, and nothing but `requests`:

```python
import os

import requests

API = os.environ.get("API", "http://localhost:8000/api/v1")
DRIVE = os.environ.get("DRIVE", "/media/anna/photos")


def call(method, path, **body):
    answer = requests.request(method, f"{API}/{path}", json=body or None, timeout=60)
    found = answer.json()
    if not found["success"]:
        raise SystemExit(f"{found['error']['code']}: {found['error']['message']}")
    return found["data"]


storage = call("POST", "file-storage/create", base_path=DRIVE, display_name="Examples")
uuid = storage["storage_uuid"]
print(storage["full_path"], call("POST", f"file-storage/{uuid}/accessibility")["free_space_gb"], "GB free")
print(call("GET", f"file-storage/{uuid}/statistics")["statistics"]["total_files"], "files")
print("changed:", call("POST", f"storage-index/scan/{uuid}")["changes_detected"])
```

"""

SCHEMAS = """\
## Schema reference

Every value that the API takes or gives, as TypeScript models. Answers stand in an envelope: `{success: true, data: T}`.

```typescript
"""


def superseded(document: Mapping[str, object]) -> str:
    """Give the section on routes that others do better. Raises KeyError for one that there is not."""
    paths = cast("Mapping[str, Mapping[str, object]]", document["paths"])
    lines = [
        "## Superseded endpoints",
        "",
        "These are kept, and will be within `/api/v1`, for programs written for them. New ones use the others.",
        "",
        "| Route | Instead | |",
        "|---|---|---|",
    ]
    for method, path, instead_method, instead, why in SUPERSEDED:
        for name, verb in ((path, method), (instead, instead_method)):
            _ = paths[f"/api/v1{name}"][verb]
        lines.append(f"| `{method.upper()} {path[1:]}` | `{instead_method.upper()} {instead[1:]}` | {why} |")
    return "\n".join([*lines, "", ""])


def render() -> str:
    """Give the page as it should be."""
    from imalink.api.errors import STATUSES
    from imalink.api.reference import markdown
    from imalink.api.schemas.envelope import MEANINGS
    from imalink.api.typescript import models
    from imalink.server import make_routes

    by_status: dict[int, list[str]] = {}
    for kind, status in STATUSES:
        by_status.setdefault(status, []).append(f"`{kind.code}`")
    rows = [
        f"| {status} | {MEANINGS[status]} | {', '.join(by_status.get(status, []))} |" for status in sorted(MEANINGS)
    ]
    table = "\n".join(["| Status | Meaning | Codes |", "|---|---|---|", *rows])
    document = make_routes().openapi()
    routes = f"{markdown(document)}\n{superseded(document)}"
    return f"{INTRODUCTION}{table}\n\n{routes}{EXAMPLES}{SCHEMAS}{models(document)}\n```\n"


def main() -> None:
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
