"""`whystuck schema`: the JSON Schemas of what is printed and of what is read."""

from __future__ import annotations

import enum
from typing import Annotated

import typer


class SchemaName(enum.Enum):
    """Which schema."""

    INCIDENT = "incident"
    GROUP = "group"
    CLASSIFIED = "classified"
    STATISTICS = "statistics"
    CONFIGURATION = "configuration"


def schema_command(name: Annotated[SchemaName, typer.Argument(help="Of what.")] = SchemaName.INCIDENT) -> None:
    """Print a JSON Schema."""
    import json

    from pipeline.report.schemas import classified_schema, group_schema, incident_schema, statistics_schema

    match name:
        case SchemaName.INCIDENT:
            schema = incident_schema()
        case SchemaName.GROUP:
            schema = group_schema()
        case SchemaName.CLASSIFIED:
            schema = classified_schema()
        case SchemaName.STATISTICS:
            schema = statistics_schema()
        case SchemaName.CONFIGURATION:
            from pipeline.config_schema import configuration_schema

            schema = configuration_schema()
    print(json.dumps(schema, indent=2))
