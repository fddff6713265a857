"""The API's silences: listed, made, ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.config import RedactSettings
from pipeline.delivery.matching import parse_matchers
from pipeline.errors import ConfigurationError, UsageError
from pipeline.http.answers import SilenceList
from pipeline.http.endpoints import Endpoint, json_answer, threaded
from pipeline.http.entity_tags import answer_with_tag
from pipeline.http.questions import SilenceQuestion, SilencesQuestion, read_body, read_query
from pipeline.http.scopes import ApiScope
from pipeline.report.masking import Masker
from pipeline.report.silence_names import learn_silences
from pipeline.store.connections import Database
from pipeline.store.queries import IncidentFilter, IncidentQueries
from pipeline.store.silences import Silence, add_silence, expire_silence, list_silences


class SilenceEndpoints:
    """Each works in a thread of the server's pool."""

    def __init__(self, database: Database, redact: RedactSettings) -> None:
        self._database = database
        self._redact = redact

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        return (
            Endpoint("/silences", threaded(self._list)),
            Endpoint("/silences", self._add, "POST", ApiScope.WRITE),
            Endpoint("/silences/{id}", threaded(self._expire), "DELETE", ApiScope.WRITE),
        )

    def _list(self, request: Request) -> Response:
        question = read_query(request, SilencesQuestion)
        found = list_silences(self._database, ends_after=None if question.ended else datetime.now(UTC))
        return answer_with_tag(request, SilenceList(self._masker(found).mask_all(found)))

    async def _add(self, request: Request) -> Response:
        question = await read_body(request, SilenceQuestion)
        return json_answer(await run_in_threadpool(self._make, question), 201)

    def _make(self, question: SilenceQuestion) -> Silence:
        """The silence that is asked for.

        Raises:
            HTTPException: 422: a matcher is none, or the times do not fit.
        """
        try:
            matchers = [str(matcher) for matcher in parse_matchers(question.matchers)]
            made = add_silence(
                self._database,
                matchers,
                question.starts_at or datetime.now(UTC),
                question.ends_at,
                author=question.author,
                comment=question.comment,
            )
        except (ConfigurationError, UsageError) as error:
            raise HTTPException(422, str(error)) from error
        return self._masker((made,)).mask(made)

    def _expire(self, request: Request) -> Response:
        expire_silence(self._database, request.path_params["id"])
        return Response(status_code=204)

    def _masker(self, silences: Sequence[Silence]) -> Masker:
        masker = Masker(self._redact)
        if masker.is_active:
            masker.learn(IncidentQueries(self._database).read_incidents(IncidentFilter()))
            learn_silences(masker, silences)
        return masker
