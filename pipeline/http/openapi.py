"""The API described for programs, as OpenAPI 3.1: made of the records that it answers with."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.engine.incidents import Incident
from pipeline.http.answers import DeliveryPage, IncidentEvidence, IncidentHistory, IncidentPage, SilenceList
from pipeline.http.problems import MEDIA_TYPE, Problem
from pipeline.http.questions import (
    AcknowledgeQuestion,
    DeliveriesQuestion,
    ListQuestion,
    SilenceQuestion,
    SilencesQuestion,
)
from pipeline.store.delivery_queries import Delivery
from pipeline.store.queries import Acknowledgement
from pipeline.store.silences import Silence

_REF = "#/components/schemas/{name}"
_QUERIES = (ListQuestion, DeliveriesQuestion, SilencesQuestion)
_RECORDS = (
    Incident, IncidentPage, IncidentEvidence, IncidentHistory, Acknowledgement, AcknowledgeQuestion, DeliveryPage,
    Delivery, SilenceList, Silence, SilenceQuestion, Problem,
)  # fmt: skip
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_TAG = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
_WRITING = (401, 403, 500, 503)
_WITH_BODY = (*_WRITING, 413, 415, 422)


def describe_api() -> dict[str, Any]:
    """The description; it does not depend on any configuration."""
    _, schemas = msgspec.json.schema_components((*_RECORDS, *_QUERIES), ref_template=_REF)
    queries = {kind.__name__: _parameters(schemas.pop(kind.__name__)) for kind in _QUERIES}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "whystuck",
            "version": "1",
            "description": "Incidents, who was told of them, and what nobody is told.",
        },
        "security": [{"token": []}],
        "paths": {f"/api/v1{path}": methods for path, methods in _paths(queries).items()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths(queries: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    one, delivery = "/incidents/{id}", "/deliveries/{id}"
    making = _writing("addSilence", 201, "Silence", *_WITH_BODY, body="SilenceQuestion")
    return {
        "/incidents": {"get": _reading("listIncidents", "IncidentPage", queries["ListQuestion"], 400)},
        one: {"get": _reading("showIncident", "Incident", [_ID], 404)},
        f"{one}/evidence": {"get": _reading("showEvidence", "IncidentEvidence", [_ID], 404)},
        f"{one}/history": {"get": _reading("showHistory", "IncidentHistory", [_ID], 404)},
        f"{one}/acknowledgements": {
            "post": _writing(
                "acknowledge", 201, "Acknowledgement", *_WITH_BODY, 404, body="AcknowledgeQuestion", on=_ID
            )
        },
        "/deliveries": {"get": _reading("listDeliveries", "DeliveryPage", queries["DeliveriesQuestion"], 400)},
        delivery: {"get": _reading("showDelivery", "Delivery", [_ID], 404)},
        f"{delivery}/redrive": {"post": _writing("redrive", 202, "Delivery", *_WRITING, 404, 409, on=_ID)},
        "/silences": {
            "get": _reading("listSilences", "SilenceList", queries["SilencesQuestion"], 400),
            "post": making,
        },
        "/silences/{id}": {"delete": _writing("expireSilence", 204, None, *_WRITING, 404, on=_ID)},
    }


def _parameters(question: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": kind} for name, kind in question["properties"].items()]


def _reading(name: str, record: str, parameters: list[dict[str, Any]], problem: int) -> dict[str, Any]:
    responses = {"200": _content(record, "application/json"), "304": {"description": "As the client has it."}}
    return {
        "operationId": name,
        "parameters": [*parameters, _TAG],
        "responses": responses | _problems(401, problem, 500, 503),
    }


def _writing(
    name: str,
    status: int,
    record: str | None,
    *problems: int,
    body: str | None = None,
    on: dict[str, Any] | None = None,
) -> dict[str, Any]:
    made = {"description": "Done."} if record is None else _content(record, "application/json")
    described: dict[str, Any] = {"operationId": name, "parameters": [on] if on else []}
    if body is not None:
        described["requestBody"] = {"required": True, "content": _json(body)}
    return described | {"responses": {str(status): made} | _problems(*sorted(problems))}


def _problems(*statuses: int) -> dict[str, Any]:
    return {str(status): _content("Problem", MEDIA_TYPE) for status in statuses}


def _content(record: str, media_type: str) -> dict[str, Any]:
    return {"description": record, "content": {media_type: {"schema": {"$ref": _REF.format(name=record)}}}}


def _json(record: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=record)}}}
