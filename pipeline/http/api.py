"""The API under /api/v1: incidents and what becomes of them. It has connections of its own to the store.

It answers on the active daemon and on a standby alike, and never waits for the pipeline.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from pipeline.config import RedactSettings
from pipeline.engine.incidents import Incident
from pipeline.errors import UsageError
from pipeline.http.answers import IncidentHistory, IncidentPage
from pipeline.http.entity_tags import answer_with_tag
from pipeline.http.openapi import describe_api
from pipeline.http.problems import HANDLED, problem, problem_of_error
from pipeline.http.questions import AcknowledgeQuestion, read_body, read_list_question
from pipeline.http.scopes import Admission, ApiGuard, ApiScope
from pipeline.report.masking import Masker
from pipeline.store.acknowledging import acknowledge
from pipeline.store.connections import Database
from pipeline.store.queries import Acknowledgement, IncidentQueries

PREFIX = "/api/v1"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="whystuck"'}

Endpoint = Callable[[Request], Awaitable[Response]]


class Api:
    """Its end-points. Each reads in a thread of the server's pool."""

    def __init__(self, database: Database, guard: ApiGuard, redact: RedactSettings) -> None:
        self.guard = guard
        self._database = database
        self._queries = IncidentQueries(database)
        self._redact = redact

    def mount(self) -> Mount:
        """The end-points, to be put into the server's application."""
        reading = {
            "/incidents": self._list,
            "/incidents/{id}": self._show,
            "/incidents/{id}/history": self._history,
        }
        routes = [Route(path, self._guarded(ApiScope.READ, _threaded(answer))) for path, answer in reading.items()]
        acknowledging = self._guarded(ApiScope.WRITE, self._acknowledge)
        routes.append(Route("/incidents/{id}/acknowledgements", acknowledging, methods=["POST"]))
        routes.append(Route("/openapi.json", self._guarded(ApiScope.READ, _threaded(_describe))))
        handlers = dict.fromkeys(HANDLED, problem_of_error)
        return Mount(PREFIX, app=Starlette(routes=routes, exception_handlers=handlers))

    def close(self) -> None:
        """Let go of the connections."""
        self._database.close()

    def _list(self, request: Request) -> Response:
        question = read_list_question(request)
        after = None
        if question.after is not None:
            try:
                after = self._find(question.after).id
            except UsageError:
                return problem(400, "after: this incident is not there any more; begin with the first page")
        rows = self._queries.list_rows(question.chosen(), limit=question.limit, after=after)
        following = rows[-1].id if len(rows) == question.limit else None
        masker = Masker(self._redact)
        if masker.is_active:
            masker.learn(self._queries.read_incidents(question.chosen()))
            rows = tuple(masker.mask_all(rows))
        return answer_with_tag(request, IncidentPage(rows, following))

    def _show(self, request: Request) -> Response:
        incident = self._find(request.path_params["id"])
        return answer_with_tag(request, self._masker(incident).mask(incident))

    def _history(self, request: Request) -> Response:
        incident = self._find(request.path_params["id"])
        revisions = self._queries.read_history(incident.id)
        notes = self._queries.read_acknowledgements(incident.id)
        masked = tuple(self._masker(incident).mask_all(notes))
        return answer_with_tag(request, IncidentHistory(revisions, masked))

    async def _acknowledge(self, request: Request) -> Response:
        question = await read_body(request, AcknowledgeQuestion)

        def note() -> Acknowledgement:
            incident = self._find(request.path_params["id"])
            return acknowledge(self._database, incident.id, author=question.author, comment=question.comment)

        made = await run_in_threadpool(note)
        return Response(msgspec.json.encode(made), 201, media_type="application/json")

    def _find(self, identity: str) -> Incident:
        """The incident of exactly this id.

        Raises:
            UsageError: There is none.
        """
        incident = self._queries.find(identity)
        if incident.id != identity:
            raise UsageError(f"no incident has the id {identity!r}")
        return incident

    def _masker(self, incident: Incident) -> Masker:
        masker = Masker(self._redact)
        masker.learn((incident,))
        return masker

    def _guarded(self, scope: ApiScope, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            match self.guard.admission(request.headers, scope):
                case Admission.UNKNOWN:
                    return problem(401, "a token is needed: Authorization: Bearer …", _CHALLENGE)
                case Admission.FORBIDDEN:
                    return problem(403, "this token is good for reading only")
            return await endpoint(request)

        return guarded


def _describe(request: Request) -> Response:
    return answer_with_tag(request, describe_api())


def _threaded(answer: Callable[[Request], Response]) -> Endpoint:
    async def threaded(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return threaded
