"""What goes wrong, as application/problem+json. Source: RFC 9457."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import CommitUnknownError, StoreError, StoreUnavailableError, UsageError

MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = "5"


class Problem(msgspec.Struct, frozen=True):
    """Why there is no answer; `title` says the status in words."""

    title: str
    status: int
    detail: str


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that says so."""
    body = msgspec.json.encode(Problem(HTTPStatus(status).phrase, status, detail))
    return Response(body, status, headers, media_type=MEDIA_TYPE)


def problem_of_error(_request: Request, error: Exception) -> Response:
    """An error of ours as an answer."""
    match error:
        case HTTPException():
            return problem(error.status_code, error.detail, error.headers)
        case UsageError():
            return problem(404, str(error))
        case StoreUnavailableError() | CommitUnknownError():
            return problem(503, str(error), {"Retry-After": _RETRY_SECONDS})
        case StoreError():
            return problem(500, str(error))
    raise error


HANDLED = (HTTPException, UsageError, StoreError)
"""What `problem_of_error` knows."""
