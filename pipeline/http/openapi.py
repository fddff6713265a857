"""The API described for programs, as OpenAPI 3.1: made of the records that it answers with."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.engine.incidents import Incident
from pipeline.http.answers import IncidentHistory, IncidentPage
from pipeline.http.problems import MEDIA_TYPE, Problem
from pipeline.http.questions import AcknowledgeQuestion, ListQuestion
from pipeline.store.queries import Acknowledgement

_REF = "#/components/schemas/{name}"
_RECORDS = (Incident, IncidentPage, IncidentHistory, Acknowledgement, AcknowledgeQuestion, ListQuestion, Problem)
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_TAG = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}


def describe_api() -> dict[str, Any]:
    """The description; it does not depend on any configuration."""
    _, schemas = msgspec.json.schema_components(_RECORDS, ref_template=_REF)
    question = schemas.pop("ListQuestion")
    parameters = [{"name": name, "in": "query", "schema": kind} for name, kind in question["properties"].items()]
    one = "/api/v1/incidents/{id}"
    return {
        "openapi": "3.1.0",
        "info": {"title": "whystuck", "version": "1", "description": "Incidents, and what becomes of them."},
        "security": [{"token": []}],
        "paths": {
            "/api/v1/incidents": {"get": _reading("listIncidents", "IncidentPage", parameters, 400)},
            one: {"get": _reading("showIncident", "Incident", [_ID], 404)},
            f"{one}/history": {"get": _reading("showHistory", "IncidentHistory", [_ID], 404)},
            f"{one}/acknowledgements": {"post": _acknowledging()},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _reading(name: str, record: str, parameters: list[dict[str, Any]], problem: int) -> dict[str, Any]:
    responses = {"200": _content(record, "application/json"), "304": {"description": "As the client has it."}}
    return {
        "operationId": name,
        "parameters": [*parameters, _TAG],
        "responses": responses | _problems(401, problem, 500, 503),
    }


def _acknowledging() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REF.format(name="AcknowledgeQuestion")}}}
    return {
        "operationId": "acknowledge",
        "parameters": [_ID],
        "requestBody": {"required": True, "content": content},
        "responses": {"201": _content("Acknowledgement", "application/json")}
        | _problems(401, 403, 404, 413, 415, 422, 500, 503),
    }


def _problems(*statuses: int) -> dict[str, Any]:
    return {str(status): _content("Problem", MEDIA_TYPE) for status in statuses}


def _content(record: str, media_type: str) -> dict[str, Any]:
    return {"description": record, "content": {media_type: {"schema": {"$ref": _REF.format(name=record)}}}}
