"""End-points of the API as its topics give them: where, who may, and what answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.http.problems import problem
from pipeline.http.scopes import Admission, ApiGuard, ApiScope

Answering = Callable[[Request], Awaitable[Response]]
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="whystuck"'}


class Endpoint(msgspec.Struct, frozen=True):
    """One method of one address below /api/v1."""

    path: str
    answer: Answering
    method: str = "GET"
    scope: ApiScope = ApiScope.READ


def threaded(answer: Callable[[Request], Response]) -> Answering:
    """An answer that asks the store: in a thread of the server's pool."""

    async def answering(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return answering


def route_of(path: str, endpoints: list[Endpoint], guard: ApiGuard) -> Route:
    """All methods of one address. Who may not use one is told so; other methods are a 405 that names these."""
    by_method = {each.method: each for each in endpoints}

    async def answering(request: Request) -> Response:
        chosen = by_method["GET" if request.method == "HEAD" else request.method]
        match guard.admission(request.headers, chosen.scope):
            case Admission.UNKNOWN:
                return problem(401, "a token is needed: Authorization: Bearer …", _CHALLENGE)
            case Admission.FORBIDDEN:
                return problem(403, "this token is good for reading only")
        return await chosen.answer(request)

    return Route(path, answering, methods=sorted(by_method))


def json_answer(value: object, status: int) -> Response:
    """What was made, as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")
