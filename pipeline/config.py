"""The configuration: one YAML file, the environment above it, the command's flags above both.

Every setting is described in docs/configuration.md. A complaint is one line that names the place and what to do.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import yaml
from msgspec import inspect

from pipeline.config_reader import Place, compose_yaml, read_section, read_value, suggest
from pipeline.engine.settings import EngineSettings
from pipeline.errors import ConfigurationError
from pipeline.quantities import DURATION_PATTERN, SIZE_PATTERN, parse_duration
from pipeline.sources.journal import ReadLimits

__all__ = [
    "Configuration",
    "FailOn",
    "RedactSettings",
    "configuration_schema",
    "environment_name",
    "load_configuration",
    "parse_duration",
]

MAX_FILE_BYTES = 1_048_576
"""More is not a configuration: most likely a log was given by mistake."""

_PREFIX = "WHYSTUCK_"
_OTHER_VARIABLES = frozenset({"WHYSTUCK_CONFIG"})  # read by the command itself
# A pod finds WHYSTUCK_PORT_8080_TCP_ADDR and the like in its environment as soon as a Service is called whystuck.
_SERVICE_LINK = re.compile(
    r"WHYSTUCK_(?:[A-Z0-9_]+_)?(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
_TEXT_TAG = "tag:yaml.org,2002:str"


class FailOn(enum.Enum):
    """From which severity on the command ends with status 3."""

    WARNING = "warning"
    CRITICAL = "critical"
    NEVER = "never"


class RedactSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is replaced by pseudonyms in everything that is printed or written. Secrets never need a setting."""

    names: bool = False
    """Namespaces, objects, pods, nodes, service accounts, clusters. They are what a reader looks for: off."""
    addresses: bool = False
    """IP addresses, and hosts outside of the cluster."""
    emails: bool = False
    """E-mail addresses."""


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that can be set."""

    engine: EngineSettings = EngineSettings()
    """When a key counts as running away, and how incidents are formed of it."""
    read: ReadLimits = ReadLimits()
    """How much of what is given is read: limits against archives that are bombs, and the size of a block."""
    rules: tuple[str, ...] = ()
    """Files of the user's own rules. In the file they are relative to the file, elsewhere to the working directory."""
    redact: RedactSettings = RedactSettings()
    """What is replaced by pseudonyms in results."""
    cluster: str | None = None
    """Name of the cluster the logs are of, where they do not say it. None: not known."""
    fail_on: FailOn = FailOn.WARNING
    """Incidents of this severity or worse give status 3. A warning is worth a look, so it is the default."""


def load_configuration(
    path: Path | None, environment: Mapping[str, str], flags: Mapping[str, str | None] | None = None
) -> Configuration:
    """The configuration in force: flags before environment before file before defaults.

    Args:
        path: The file; None: there is none.
        environment: Variables; those that begin with WHYSTUCK_ have to be settings. An empty one counts as not set.
        flags: Text by path of the setting (`engine.runaway.retries`); None as a text: the flag was not given.

    Raises:
        ConfigurationError: The file cannot be read, or something in it, in a variable or a flag does not fit.
    """
    values = {} if path is None else _read_file(path)
    for name, text in sorted(environment.items()):
        if name.startswith(_PREFIX) and text and not _is_foreign(name):
            setting = _setting_of(name)
            _put(values, setting, _read_outside(setting, text, source=name))
    for setting, flag in (flags or {}).items():
        if flag is not None:
            _put(values, setting, _read_outside(setting, flag, source="command line"))
    _complete_overrides(values)
    return msgspec.convert(values, Configuration)


def environment_name(setting: str) -> str:
    """The variable of a setting: `engine.runaway.retries` is WHYSTUCK_ENGINE_RUNAWAY_RETRIES."""
    return _PREFIX + setting.replace(".", "_").upper()


def settings() -> dict[str, inspect.Type]:
    """Every setting's path and type, as in `engine.runaway.retries`; lists are one setting."""
    return dict(_settings_below(_TYPE, ""))


def configuration_schema() -> dict[str, Any]:
    """JSON Schema of the configuration file, for editors and `whystuck schema`."""
    schema = msgspec.json.schema(Configuration)
    for section in schema["$defs"].values():
        if properties := section.get("properties"):
            section["additionalProperties"] = False
            section["properties"] = {name: _as_written(name, value) for name, value in properties.items()}
    return schema


def _as_written(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a setting as it may stand in the file: quantities as numbers or with a unit, none negative."""
    others = {key: value for key, value in schema.items() if key != "type"}
    if name.endswith("_seconds"):
        return {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": DURATION_PATTERN}]} | others
    if name.endswith("_bytes"):
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": SIZE_PATTERN}]} | others
    return schema | {"minimum": 1} if schema.get("type") == "integer" else schema


def _read_file(path: Path) -> dict[str, Any]:
    place = Place(str(path))
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot read the configuration: {error.strerror or error}") from error
    if len(text) > MAX_FILE_BYTES:
        raise ConfigurationError(f"{path}: larger than {MAX_FILE_BYTES} bytes: not a configuration")
    node = compose_yaml(text, place)
    values = {} if node is None else read_section(_TYPE, node, place)
    if rules := cast("list[str]", values.get("rules")):
        values["rules"] = [str(path.parent / rule) for rule in rules]
    return values


def _is_foreign(name: str) -> bool:
    return name in _OTHER_VARIABLES or _SERVICE_LINK.fullmatch(name) is not None


def _setting_of(variable: str) -> str:
    by_variable = {environment_name(setting): setting for setting in settings()}
    if variable not in by_variable:
        raise ConfigurationError(f"{variable}: unknown environment variable; {suggest(variable, by_variable)}")
    return by_variable[variable]


def _read_outside(setting: str, text: str, *, source: str) -> object:
    """A value that stands outside the file: a list of texts is separated like PATH, anything longer is YAML."""
    kind, place = settings()[setting], Place(source, setting)
    node: yaml.Node | None
    match kind:
        case inspect.VarTupleType(item_type=inspect.StrType()):
            parts = [part for part in text.split(os.pathsep) if part]
            node = yaml.SequenceNode(_TEXT_TAG, [yaml.ScalarNode(_TEXT_TAG, part) for part in parts])
        case inspect.VarTupleType():
            node = compose_yaml(text, place)
        case _:
            node = yaml.ScalarNode(_TEXT_TAG, text)
    return [] if node is None else read_value(kind, node, place)


def _put(values: dict[str, Any], setting: str, value: object) -> None:
    *sections, name = setting.split(".")
    for section in sections:
        values = values.setdefault(section, {})
    values[name] = value


def _complete_overrides(values: dict[str, Any]) -> None:
    """What the rule of an override leaves out is as in `engine.runaway`, not as in the defaults."""
    engine = values.get("engine", {})
    for override in engine.get("overrides", ()):
        override["rule"] = engine.get("runaway", {}) | override["rule"]


def _settings_below(section: inspect.StructType, path: str) -> Iterator[tuple[str, inspect.Type]]:
    for field in section.fields:
        if isinstance(field.type, inspect.StructType):
            yield from _settings_below(field.type, f"{path}{field.encode_name}.")
        else:
            yield f"{path}{field.encode_name}", field.type


_TYPE = cast("inspect.StructType", inspect.type_info(Configuration))
