"""The configuration in force, for a person, for programs, and as a file that gives the same; secrets are hidden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import msgspec
from rich.table import Table
from rich.text import Text

from pipeline.config import Configuration, SettingSource, TracedConfiguration, environment_name, is_secret, settings
from pipeline.quantities import format_duration, format_size
from pipeline.report.terminal import make_console
from pipeline.secret import HIDDEN, Secret, SecretAddress, hide_secrets, is_secret_name

_INDENT = "  "


class SettingFacts(msgspec.Struct, frozen=True):
    """What is shown of a setting."""

    setting: str
    value: Any  # plain JSON; durations in seconds, sizes in bytes
    source: SettingSource
    variable: str  # the one of the environment that would set it


def describe_settings(traced: TracedConfiguration, *, with_defaults: bool) -> list[SettingFacts]:
    """The settings in the order of the documentation; without defaults those that somebody decided."""
    return [
        SettingFacts(
            setting, shown(setting, _value_of(traced.configuration, setting)), source, environment_name(setting)
        )
        for setting, source in traced.sources.items()
        if _is_there(traced.configuration, setting) and (with_defaults or source is not SettingSource.DEFAULT)
    ]


def print_settings(facts: Sequence[SettingFacts], stream: TextIO) -> None:
    """One a line, with who decided it."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("setting", "value", "source"):
        table.add_column(name, overflow="fold", no_wrap=name == "setting")
    for fact in facts:
        table.add_row(fact.setting, Text(_written(fact)), Text(_origin_of(fact)))
    make_console(stream).print(table)


def render_yaml(facts: Sequence[SettingFacts]) -> Iterator[str]:
    """Lines of a configuration file; who decided a setting is a comment, and so is a secret: it may not stand there."""
    types = settings()
    opened: tuple[str, ...] = ()
    for fact in facts:
        *sections, name = fact.setting.split(".")
        for depth, section in enumerate(sections):
            if tuple(sections[: depth + 1]) != opened[: depth + 1]:
                yield f"{_INDENT * depth}{section}:"
        opened = tuple(sections)
        mark = "# " if is_secret(types[fact.setting]) else ""
        yield f"{_INDENT * len(sections)}{mark}{name}: {_written(fact)}  # {_origin_of(fact)}"


def _origin_of(fact: SettingFacts) -> str:
    is_variable = fact.source is SettingSource.ENVIRONMENT
    return f"{fact.source.value} {fact.variable}" if is_variable else fact.source.value


def _written(fact: SettingFacts) -> str:
    """The value as it may stand in a file: JSON is YAML."""
    if isinstance(fact.value, float) and fact.setting.endswith("_seconds"):
        return format_duration(fact.value)
    if isinstance(fact.value, int) and fact.setting.endswith("_bytes"):
        return format_size(fact.value)
    return msgspec.json.encode(fact.value).decode()


def _is_there(configuration: Configuration, setting: str) -> bool:
    """Whether the sections that the setting stands in are there: some are optional."""
    section: object = configuration
    for name in setting.split(".")[:-1]:
        section = getattr(section, name, None)
    return section is not None


def _value_of(configuration: Configuration, setting: str) -> object:
    value: object = configuration
    for name in setting.split("."):
        value = getattr(value, name)
    return value


def shown(name: str, value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """The value as plain JSON: nothing in it that is a secret by its type, its name or its shape."""
    match value:
        case None | bool() | int() | float():
            return value
        case SecretAddress():
            return str(value)
        case Secret():
            return HIDDEN
        case str():
            return HIDDEN if is_secret_name(name) else hide_secrets(value)
        case tuple():
            return [shown(name, item) for item in value]
        case msgspec.Struct():
            return {field: shown(field, getattr(value, field)) for field in value.__struct_fields__}
    return msgspec.to_builtins(value)
