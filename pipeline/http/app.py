"""The end-points: /livez, /readyz, /metrics, all read from memory, and the API; nothing here waits for the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.http.health import Question, answer, liveness, readiness
from pipeline.http.problems import problem_of_error
from pipeline.metrics.metrics import CONTENT_TYPE, Metrics
from pipeline.secret import Secret
from pipeline.status import Check, StatusBoard

SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="whystuck"'}


class Guard:
    """Knows the token. It may be replaced while requests come in."""

    def __init__(self, token: Secret | None) -> None:
        self.token = token

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Whether the request bears the token, or none is needed."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return self.token is None or (scheme.lower() == "bearer" and Secret(given.strip()) == self.token)


def create_app(
    board: StatusBoard, metrics: Metrics, guard: Guard, stall_seconds: float, others: Sequence[BaseRoute] = ()
) -> Starlette:
    """The application: health for everybody who can reach it, metrics for who bears the token; the rest has guards."""

    async def livez(request: Request) -> Response:
        return _health_response(request, "livez", liveness(board.seconds_since_beat(), stall_seconds), guard)

    async def readyz(request: Request) -> Response:
        return _health_response(request, "readyz", readiness(board.status), guard, board.status.warnings)

    async def show_metrics(request: Request) -> Response:
        if not guard.lets_in(request.headers):
            return PlainTextResponse("a token is needed: Authorization: Bearer …\n", 401, _CHALLENGE)
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    endpoints = {"/livez": livez, "/readyz": readyz, "/metrics": show_metrics}
    routes = [Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()]  # HEAD comes with GET
    return Starlette(
        routes=[*routes, *others],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: _refusal},
    )


def _refusal(request: Request, error: Exception) -> Response:
    """What no route takes: below /api also an address with a line break, which no mount takes for its own."""
    if request.url.path.startswith("/api/"):
        return problem_of_error(request, error)
    assert isinstance(error, HTTPException)
    return PlainTextResponse(error.detail, error.status_code, error.headers)


def _health_response(
    request: Request, name: str, checks: list[Check], guard: Guard, warnings: Sequence[str] = ()
) -> Response:
    query = request.query_params
    question = Question(
        is_verbose="verbose" in query,
        excluded=frozenset(query.getlist("exclude")),
        may_see_details=guard.lets_in(request.headers),
    )
    health = answer(name, checks, question, warnings)
    return PlainTextResponse(health.text, 200 if health.is_ok else 503)


class SecurityHeaders:
    """Adds SECURITY_HEADERS to every answer, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)
