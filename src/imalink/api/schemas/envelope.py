"""The shape of every answer, for the description of the API."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Data = TypeVar("Data")


class Asking(BaseModel):
    """A body of a request: what it does not know is refused, so that a slip of the pen is noticed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class Success(BaseModel, Generic[Data]):
    """An answer to a request that was carried out."""

    success: Literal[True] = True
    data: Data


class Problem(BaseModel):
    """What went wrong: ``code`` is stable, ``message`` says what happened and what is safe."""

    code: str = Field(pattern="^[a-z][a-z0-9-]*$", examples=["storage-offline"])
    message: str = Field(examples=["Blue Samsung: There is no storage at /media/blue. Nothing was marked missing."])
    details: dict[str, object] = Field(
        description="What is known beside it: `hint`, what to do next; `fields`, each with `field`, `rule`, `message`.",
        examples=[{"hint": "If its disk is unplugged, plug it in."}],
    )


class Failure(BaseModel):
    """An answer to a request that was not carried out."""

    success: Literal[False]
    error: Problem
    detail: str = Field(description="The message once more, for older readers.")


class Meta(BaseModel):
    """Where in a list an answer stands."""

    total: int
    offset: int
    limit: int
    page: int
    pages: int


class Paged(BaseModel):
    """A page of a list: how many there are in all, and where in it this is."""

    total_count: int
    meta: Meta


class Finding(BaseModel):
    """Something that was noticed and stopped nothing. The codes: docs/reference/findings.md."""

    code: str
    severity: Literal["info", "warning", "error"]
    path: str
    message: str
    facts: dict[str, object]


MEANINGS = {
    400: "The request cannot be carried out as it is, or its body is no JSON.",
    401: "One has to log in, or send a token that counts.",
    403: "Who asks may not do that, the folder may not be named over HTTP, or a page of another site asked.",
    404: "No such storage, session, picture, folder or path.",
    405: "Another method is to be used.",
    409: "The state of things does not allow it; the message says what to settle first.",
    413: "The body is larger than 1 MB.",
    416: "No such part of the file.",
    422: "A field of the request breaks a rule; `error.details.fields` names both.",
    423: "Somebody is at work on the storage; the message says who.",
    429: "Too many wrong tries; `Retry-After` says how many seconds the next has to wait.",
    503: "The storage, or the database, cannot be used now; `error.details.hint` says what to do.",
    507: "The disk is full.",
}
"""What each status of a failure means, everywhere."""


def answers(model: object, *failures: int, status: int = 200) -> dict[int | str, dict[str, object]]:
    """Describe the answers of a route: ``model`` under ``status``, and every failure that may come instead."""
    found: dict[int | str, dict[str, object]] = {status: {"model": model}}
    for each in sorted({*failures, 400, 401, 403, 404, 422}):
        found[each] = {"model": Failure, "description": MEANINGS[each]}
    return found
