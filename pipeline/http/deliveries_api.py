"""The API's notifications: what became of them, and sending them again."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from pipeline.config import RedactSettings
from pipeline.errors import UsageError
from pipeline.http.answers import DeliveryPage
from pipeline.http.endpoints import Endpoint, json_answer, threaded
from pipeline.http.entity_tags import answer_with_tag
from pipeline.http.problems import problem
from pipeline.http.questions import DeliveriesQuestion, read_query
from pipeline.http.scopes import ApiScope
from pipeline.report.masking import Masker
from pipeline.store.connections import Database
from pipeline.store.delivery_queries import DeliveryQueries, redrive
from pipeline.store.queries import IncidentQueries


class DeliveryEndpoints:
    """Each works in a thread of the server's pool."""

    def __init__(self, database: Database, redact: RedactSettings) -> None:
        self._database = database
        self._queries = DeliveryQueries(database)
        self._incidents = IncidentQueries(database)
        self._redact = redact

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        return (
            Endpoint("/deliveries", threaded(self._list)),
            Endpoint("/deliveries/{id}", threaded(self._show)),
            Endpoint("/deliveries/{id}/redrive", threaded(self._redrive), "POST", ApiScope.WRITE),
        )

    def _list(self, request: Request) -> Response:
        question = read_query(request, DeliveriesQuestion)
        if question.after is not None:
            try:
                self._queries.find(question.after)
            except UsageError:
                return problem(400, "after: this notification is not there any more; begin with the first page")
        rows = self._queries.list_rows(question.chosen(), limit=question.limit, after=question.after)
        following = rows[-1].id if len(rows) == question.limit else None
        masked = self._masker([row.id for row in rows]).mask_all(rows)
        return answer_with_tag(request, DeliveryPage(masked, following))

    def _show(self, request: Request) -> Response:
        found = self._queries.find(request.path_params["id"])
        return answer_with_tag(request, self._masker([found.id]).mask(found))

    def _redrive(self, request: Request) -> Response:
        found = self._queries.find(request.path_params["id"])
        try:
            redrive(self._database, [found.id])
        except UsageError as error:
            return problem(409, str(error))
        return json_answer(self._masker([found.id]).mask(self._queries.find(found.id)), 202)

    def _masker(self, ids: Sequence[str]) -> Masker:
        masker = Masker(self._redact)
        if masker.is_active:
            masker.learn(self._incidents.read_some(self._queries.incidents_of(ids)))
        return masker
