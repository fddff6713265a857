"""The JSON Schemas of what whystuck prints, made from the records themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.classification import ClassifiedLine
from pipeline.delivery.formats.native import IncidentGroup
from pipeline.engine.incidents import SCHEMA_VERSION, Incident
from pipeline.statistics.rows import Statistics

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def incident_schema() -> dict[str, Any]:
    """JSON Schema of the incident."""
    schema = msgspec.json.schema(Incident)
    return {"$schema": _DIALECT, "title": f"whystuck incident, version {SCHEMA_VERSION}", **schema}


def group_schema() -> dict[str, Any]:
    """JSON Schema of incidents that are told together, as receivers of the native form get them."""
    return {
        "$schema": _DIALECT,
        "title": "group of whystuck incidents, version 1",
        **msgspec.json.schema(IncidentGroup),
    }


def statistics_schema() -> dict[str, Any]:
    """JSON Schema of `whystuck replay --stats -o json`; a line of `-o jsonl` is one of the rows in its `$defs`."""
    schema = msgspec.json.schema(Statistics)
    return {"$schema": _DIALECT, "title": "statistics of whystuck replay --stats, version 1", **schema}


def classified_schema() -> dict[str, Any]:
    """JSON Schema of a line of `whystuck classify -o jsonl`."""
    return {
        "$schema": _DIALECT,
        "title": "a line recognised by whystuck classify",
        **msgspec.json.schema(ClassifiedLine),
    }
