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

from pipeline.config_reader import Complaints, Place, compose_yaml, read_section, read_value, suggest
from pipeline.delivery.settings import DeliverySettings
from pipeline.engine.settings import EngineSettings
from pipeline.errors import ConfigurationError
from pipeline.http_settings import HttpSettings
from pipeline.metrics.settings import MetricsSettings
from pipeline.own_log.settings import LogSettings
from pipeline.quantities import parse_duration
from pipeline.secret import Secret
from pipeline.sources.journal import ReadLimits
from pipeline.sources.kafka.settings import KafkaSettings
from pipeline.sources.pod_logs.settings import KubernetesSettings
from pipeline.store.settings import StoreSettings
from pipeline.watch_settings import WatchSettings

__all__ = [
    "Configuration",
    "FailOn",
    "RedactSettings",
    "SettingSource",
    "TracedConfiguration",
    "environment_name",
    "is_secret",
    "load_configuration",
    "parse_duration",
    "settings",
    "trace_configuration",
]

MAX_FILE_BYTES = 1_048_576
"""More is not a configuration: most likely a log was given by mistake."""
MAX_COMPLAINTS = 20
"""More are no typing errors: the file is something else."""

_PREFIX = "WHYSTUCK_"
_OTHER_VARIABLES = frozenset({"WHYSTUCK_CONFIG"})  # read by the command itself
# A pod finds WHYSTUCK_PORT_8080_TCP_ADDR and the like in its environment as soon as a Service is called whystuck.
_SERVICE_LINK = re.compile(
    r"WHYSTUCK_(?:[A-Z0-9_]+_)?(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
_TEXT_TAG = "tag:yaml.org,2002:str"
_ABSENT = object()


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
    kafka: KafkaSettings | None = None
    """Where the daemon reads controller logs. None: not from Kafka."""
    kubernetes: KubernetesSettings | None = None
    """Clusters whose controllers the daemon reads by the pod-log API. None: not from there."""
    watch: WatchSettings = WatchSettings()
    """How the daemon works. `replay` and `classify` do not use it."""
    store: StoreSettings = StoreSettings()
    """The database of the daemon. `replay` and `classify` use none."""
    delivery: DeliverySettings = DeliverySettings()
    """Whom the daemon tells, what and how."""
    rules: tuple[str, ...] = ()
    """Files of the user's own rules. In the file they are relative to the file, elsewhere to the working directory."""
    redact: RedactSettings = RedactSettings()
    """What is replaced by pseudonyms in results."""
    log: LogSettings = LogSettings()
    """What the daemon says of itself."""
    http: HttpSettings = HttpSettings()
    """Where the daemon tells its health and metrics."""
    metrics: MetricsSettings = MetricsSettings()
    """How many series the daemon has at most."""
    cluster: str | None = None
    """Name of the cluster the logs are of, where they do not say it. None: not known."""
    fail_on: FailOn = FailOn.WARNING
    """Incidents of this severity or worse give status 3. A warning is worth a look, so it is the default."""


class SettingSource(enum.Enum):
    """Who decided a setting."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


class TracedConfiguration(msgspec.Struct, frozen=True):
    """The configuration in force, and who decided each setting."""

    configuration: Configuration
    sources: Mapping[str, SettingSource]  # by path of the setting; every setting is in it


def load_configuration(
    path: Path | None, environment: Mapping[str, str], flags: Mapping[str, str | None] | None = None
) -> Configuration:
    """The configuration in force: flags before environment before file before defaults.

    Args:
        path: The file; None: there is none.
        environment: Variables; those that begin with WHYSTUCK_ have to be settings. An empty one counts as not set.
        flags: Text by path of the setting (`engine.runaway.retries`); None as a text: the flag was not given.

    Raises:
        ConfigurationError: The file cannot be read, or something in it, in a variable or a flag does not fit: one line
            for each complaint.
    """
    return trace_configuration(path, environment, flags).configuration


def trace_configuration(
    path: Path | None, environment: Mapping[str, str], flags: Mapping[str, str | None] | None = None
) -> TracedConfiguration:
    """The same as `load_configuration`, with who decided each setting.

    Raises:
        ConfigurationError: As there.
    """
    values: dict[str, Any] = {}
    sources = dict.fromkeys(settings(), SettingSource.DEFAULT)
    complaints = Complaints()
    if path is not None:
        with complaints.gather():
            values = _read_file(path)
            sources |= dict.fromkeys(_settings_in(values), SettingSource.FILE)
    for name, text in sorted(environment.items()):
        if name.startswith(_PREFIX) and text and not _is_foreign(name):
            with complaints.gather():
                setting = _setting_of(name)
                _put(values, setting, _read_outside(setting, text, source=name))
                sources[setting] = SettingSource.ENVIRONMENT
    for setting, flag in (flags or {}).items():
        if flag is not None:
            with complaints.gather():
                _put(values, setting, _read_outside(setting, flag, source="command line"))
                sources[setting] = SettingSource.FLAG
    complaints.raise_all(MAX_COMPLAINTS)
    _complete_overrides(values)
    return TracedConfiguration(_convert(values), sources)


def environment_name(setting: str) -> str:
    """The variable of a setting: `engine.runaway.retries` is WHYSTUCK_ENGINE_RUNAWAY_RETRIES."""
    return _PREFIX + setting.replace(".", "_").upper()


def split_list(setting: str, text: str) -> list[str]:
    """The items of a list that stands in a variable: paths are separated like PATH, all else by commas."""
    is_paths = setting == "rules" or setting.endswith("_files")
    parts = text.split(os.pathsep if is_paths else ",")
    return [part.strip() for part in parts if part.strip()]


def settings() -> dict[str, inspect.Type]:
    """Every setting's path and type, as in `engine.runaway.retries`; lists are one setting."""
    return dict(_settings_below(_TYPE, ""))


def is_secret(kind: inspect.Type) -> bool:
    """Whether a setting of this type is a secret."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return any(isinstance(each, inspect.CustomType) and each.cls is Secret for each in kinds)


def _read_file(path: Path) -> dict[str, Any]:
    place = Place(str(path), folder=path.parent)
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
    """A value that stands outside the file: a list of texts is separated, anything longer is YAML."""
    kind, place = settings()[setting], Place(source, setting)
    node: yaml.Node | None
    match kind:
        case inspect.VarTupleType(item_type=inspect.StrType()):
            parts = [yaml.ScalarNode(_TEXT_TAG, part) for part in split_list(setting, text)]
            node = yaml.SequenceNode(_TEXT_TAG, parts)
        case inspect.VarTupleType():
            node = compose_yaml(text, place)
        case _:
            node = yaml.ScalarNode(_TEXT_TAG, text)
    return [] if node is None else read_value(kind, node, place)


def _put(values: dict[str, Any], setting: str, value: object) -> None:
    *sections, name = setting.split(".")
    for section in sections:
        if values.get(section) is None:  # also: an optional section that the file leaves empty
            values[section] = {}
        values = values[section]
    values[name] = value


def _settings_in(values: Mapping[str, Any]) -> Iterator[str]:
    """The settings that have a value there."""
    for setting in settings():
        found: Any = values
        for name in setting.split("."):
            found = found.get(name, _ABSENT) if isinstance(found, dict) else _ABSENT
        if found is not _ABSENT:
            yield setting


def _convert(values: dict[str, Any]) -> Configuration:
    """The values as a configuration; what settings have to do with each other, their sections check themselves."""
    try:
        return msgspec.convert(values, Configuration)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$")
        setting = where.strip(".`")
        raise ConfigurationError(f"{setting}: {problem}" if setting else problem) from error


def _complete_overrides(values: dict[str, Any]) -> None:
    """What the rule of an override leaves out is as in `engine.runaway`, not as in the defaults."""
    engine = values.get("engine", {})
    for override in engine.get("overrides", ()):
        override["rule"] = engine.get("runaway", {}) | override["rule"]


def _settings_below(section: inspect.StructType, path: str) -> Iterator[tuple[str, inspect.Type]]:
    for field in section.fields:
        if (below := _section_of(field.type)) is not None:
            yield from _settings_below(below, f"{path}{field.encode_name}.")
        else:
            yield f"{path}{field.encode_name}", field.type


def _section_of(kind: inspect.Type) -> inspect.StructType | None:
    """The section that a setting is, also one that may be missing."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return next((each for each in kinds if isinstance(each, inspect.StructType)), None)


_TYPE = cast("inspect.StructType", inspect.type_info(Configuration))
