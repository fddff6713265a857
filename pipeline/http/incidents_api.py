"""The API's incidents, and what becomes of them."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pipeline.config import RedactSettings
from pipeline.engine.incidents import Incident
from pipeline.errors import UsageError
from pipeline.http.answers import IncidentEvidence, IncidentHistory, IncidentPage
from pipeline.http.endpoints import Endpoint, json_answer, threaded
from pipeline.http.entity_tags import answer_with_tag
from pipeline.http.problems import problem
from pipeline.http.questions import AcknowledgeQuestion, ListQuestion, read_body, read_query
from pipeline.http.scopes import ApiScope
from pipeline.report.masking import Masker
from pipeline.store.acknowledging import acknowledge
from pipeline.store.connections import Database
from pipeline.store.queries import Acknowledgement, IncidentQueries


class IncidentEndpoints:
    """Each reads in a thread of the server's pool."""

    def __init__(self, database: Database, redact: RedactSettings) -> None:
        self._database = database
        self._queries = IncidentQueries(database)
        self._redact = redact

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        one = "/incidents/{id}"
        return (
            Endpoint("/incidents", threaded(self._list)),
            Endpoint(one, threaded(self._show)),
            Endpoint(f"{one}/evidence", threaded(self._evidence)),
            Endpoint(f"{one}/history", threaded(self._history)),
            Endpoint(f"{one}/acknowledgements", self._acknowledge, "POST", ApiScope.WRITE),
        )

    def _list(self, request: Request) -> Response:
        question = read_query(request, ListQuestion)
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
        return answer_with_tag(request, self._masked(request))

    def _evidence(self, request: Request) -> Response:
        incident = self._masked(request)
        return answer_with_tag(request, IncidentEvidence(incident.evidence, incident.evidence_omitted_count))

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

        return json_answer(await run_in_threadpool(note), 201)

    def _find(self, identity: str) -> Incident:
        """The incident of exactly this id.

        Raises:
            UsageError: There is none.
        """
        incident = self._queries.find(identity)
        if incident.id != identity:
            raise UsageError(f"no incident has the id {identity!r}")
        return incident

    def _masked(self, request: Request) -> Incident:
        incident = self._find(request.path_params["id"])
        return self._masker(incident).mask(incident)

    def _masker(self, incident: Incident) -> Masker:
        masker = Masker(self._redact)
        masker.learn((incident,))
        return masker
