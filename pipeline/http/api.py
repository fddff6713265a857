"""The API under /api/v1: incidents, notifications, silences. It has connections of its own to the store.

It answers on the active daemon and on a standby alike, and never waits for the pipeline.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from pipeline.config import RedactSettings
from pipeline.http.deliveries_api import DeliveryEndpoints
from pipeline.http.endpoints import Endpoint, route_of, threaded
from pipeline.http.entity_tags import answer_with_tag
from pipeline.http.incidents_api import IncidentEndpoints
from pipeline.http.openapi import describe_api
from pipeline.http.problems import HANDLED, problem_of_error
from pipeline.http.scopes import ApiGuard
from pipeline.http.silences_api import SilenceEndpoints
from pipeline.store.connections import Database

PREFIX = "/api/v1"


class Api:
    """Its end-points."""

    def __init__(self, database: Database, guard: ApiGuard, redact: RedactSettings) -> None:
        self.guard = guard
        self._database = database
        self._endpoints = (
            *IncidentEndpoints(database, redact).endpoints(),
            *DeliveryEndpoints(database, redact).endpoints(),
            *SilenceEndpoints(database, redact).endpoints(),
            Endpoint("/openapi.json", threaded(_describe)),
        )

    def mount(self) -> Mount:
        """The end-points, to be put into the server's application."""
        by_path: dict[str, list[Endpoint]] = {}
        for each in self._endpoints:
            by_path.setdefault(each.path, []).append(each)
        routes = [route_of(path, endpoints, self.guard) for path, endpoints in by_path.items()]
        handlers = dict.fromkeys(HANDLED, problem_of_error)
        return Mount(PREFIX, app=Starlette(routes=routes, exception_handlers=handlers))

    def close(self) -> None:
        """Let go of the connections."""
        self._database.close()


def _describe(request: Request) -> Response:
    return answer_with_tag(request, describe_api())
