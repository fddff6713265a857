"""JSON Schema of the configuration file, for editors and `whystuck schema`."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.config import Configuration
from pipeline.quantities import DURATION_PATTERN, SIZE_PATTERN
from pipeline.secret import Secret, SecretAddress

_SECRET = {"$comment": "secret"}


def configuration_schema() -> dict[str, Any]:
    """The schema. Secrets are not in it: they may not stand in the file."""
    schema = msgspec.json.schema(Configuration, schema_hook=_schema_of_custom)
    for section in schema["$defs"].values():
        if properties := section.get("properties"):
            section["additionalProperties"] = False
            section["properties"] = {
                name: _as_written(name, value) for name, value in properties.items() if not _is_secret(value)
            }
    return schema


def _schema_of_custom(custom: type) -> dict[str, Any]:
    if custom is Secret:
        return dict(_SECRET)
    if custom is SecretAddress:
        return {"type": "string"}
    raise NotImplementedError(custom)


def _is_secret(schema: dict[str, Any]) -> bool:
    return _SECRET in (schema, *schema.get("anyOf", ()))


def _as_written(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a setting as it may stand in the file: quantities as numbers or with a unit, none negative."""
    others = {key: value for key, value in schema.items() if key != "type"}
    if name.endswith("_seconds"):
        return {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": DURATION_PATTERN}]} | others
    if name.endswith("_bytes"):
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": SIZE_PATTERN}]} | others
    return schema | {"minimum": 1} if schema.get("type") == "integer" else schema
