"""Reads settings out of YAML strictly: every complaint says file, line, column and the setting's path.

Values are read by the type of the setting, not by YAML's guess: `cluster: no` is refused with a hint instead of
becoming a truth value, `1:30` is no number of base 60. What comes out are plain values that fit the type. Everything
that is wrong is told at once, one line each.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

import msgspec
import yaml
from msgspec import inspect

from pipeline.errors import ConfigurationError
from pipeline.quantities import parse_duration, parse_size, quote
from pipeline.secret import Secret, SecretAddress

_TEXT_TAG = "tag:yaml.org,2002:str"
_NULL_TAG = "tag:yaml.org,2002:null"
_WHOLE_NUMBER = re.compile(r"[1-9][0-9_]{0,14}")  # at least 1, and not octal as 010 would be
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class Place(msgspec.Struct, frozen=True):
    """Where a value stands: in which source, and under which path of settings."""

    source: str  # a file's path, or the name of an environment variable or flag
    path: str = ""  # engine.overrides[0].rule.retries; empty at the top
    folder: Path | None = None  # of the file, where the source is one: paths in it are relative to it

    def member(self, name: str) -> Place:
        """The place of a named setting below this one."""
        shown = name if _PLAIN_NAME.fullmatch(name) else quote(name)
        return Place(self.source, f"{self.path}.{shown}" if self.path else shown, self.folder)

    def item(self, number: int) -> Place:
        """The place of an item of a list, counted from 0."""
        return Place(self.source, f"{self.path}[{number}]", self.folder)

    def error(self, node: yaml.Node | None, problem: str) -> ConfigurationError:
        """A complaint about the node at this place."""
        mark = None if node is None else node.start_mark
        where = self.source if mark is None else f"{self.source}:{mark.line + 1}:{mark.column + 1}"
        return ConfigurationError(": ".join(part for part in (where, self.path, problem) if part))


class Complaints:
    """Gathers what is wrong, so that all of it is told at once."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Keep what is wrong here, and go on behind it."""
        try:
            yield
        except ConfigurationError as error:
            self._lines += str(error).split("\n")

    def raise_all(self, limit: int | None = None) -> None:
        """End here where anything was wrong.

        Raises:
            ConfigurationError: One line for each complaint, the first ones; those beyond the limit are counted.
        """
        shown = self._lines[:limit]
        if left_out := len(self._lines) - len(shown):
            shown.append(f"… and {left_out} more")
        if shown:
            raise ConfigurationError("\n".join(shown))


def compose_yaml(text: bytes | str, place: Place) -> yaml.Node | None:
    """The tree of a YAML document; None if there is nothing in it.

    Raises:
        ConfigurationError: It is not valid YAML, or holds several documents.
    """
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)  # a tree: no objects are made of it
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = "" if mark is None else f":{mark.line + 1}:{mark.column + 1}"
        problem = " ".join(f"{error.problem or error.context}".split())
        raise ConfigurationError(f"{place.source}{where}: not valid YAML: {problem}") from error
    except yaml.reader.ReaderError as error:
        raise ConfigurationError(f"{place.source}: not valid YAML: {error.reason}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{place.source}: not valid YAML: nested too deeply") from error


def read_value(kind: inspect.Type, node: yaml.Node, place: Place) -> object:
    """The value of a setting, checked against the setting's type.

    Raises:
        ConfigurationError: The value does not fit.
    """
    match kind:
        case inspect.StructType():
            return read_section(kind, node, place)
        case inspect.VarTupleType():
            return _read_list(kind.item_type, node, place)
        case inspect.UnionType(types=types):
            return _read_optional(types, node, place)
    return _read_scalar(kind, node, place)


def _read_scalar(kind: inspect.Type, node: yaml.Node, place: Place) -> object:
    match kind:
        case inspect.EnumType(cls=choices):
            return _read_choice(choices, node, place)
        case inspect.IntType() if place.path.endswith("_bytes"):
            return _read_quantity("a size", parse_size, node, place)
        case inspect.IntType():
            return _read_whole_number(node, place)
        case inspect.FloatType() if place.path.endswith("_seconds"):
            return _read_quantity("a duration", parse_duration, node, place)
        case inspect.BoolType():
            return _read_switch(node, place)
        case inspect.StrType():
            return _read_text(node, place) if not place.path.endswith("_file") else _read_path(node, place)
        case inspect.CustomType(cls=custom) if custom is SecretAddress:
            return SecretAddress(_read_text(node, place))
        case inspect.CustomType(cls=custom) if custom is Secret:
            return _read_secret(node, place)
    raise NotImplementedError(f"{place.path}: no settings of the type {kind} yet")


def read_section(kind: inspect.StructType, node: yaml.Node, place: Place) -> dict[str, object]:
    """The settings of a section; those that are not set are not in it.

    Raises:
        ConfigurationError: A setting is unknown, set twice, missing, or its value does not fit.
    """
    if _is_empty(node):
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise _unexpected("settings (name: value)", node, place)
    fields = {field.encode_name: field for field in kind.fields}
    values: dict[str, object] = {}
    complaints = Complaints()
    for name_node, value_node in node.value:
        with complaints.gather():
            name = _read_text(name_node, place)
            below = place.member(name)
            if name not in fields:
                raise below.error(name_node, f"unknown setting; {suggest(name, fields)}")
            if name in values:
                raise below.error(name_node, "set twice")
            values[name] = None  # it stands there, whatever its value is
            values[name] = read_value(fields[name].type, value_node, below)
    for name, field in fields.items():
        if field.required and name not in values:
            with complaints.gather():
                raise place.member(name).error(node, "missing")
    complaints.raise_all()
    return values


def suggest(name: str, known: Iterable[str]) -> str:
    """What was meant, as far as one can guess; else everything that could have been meant."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(names)}"


def _read_list(kind: inspect.Type, node: yaml.Node, place: Place) -> list[object]:
    if _is_empty(node):
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise _unexpected("a list", node, place)
    values: list[object] = []
    complaints = Complaints()
    for number, item in enumerate(node.value):
        with complaints.gather():
            values.append(read_value(kind, item, place.item(number)))
    complaints.raise_all()
    return values


def _read_optional(kinds: Iterable[inspect.Type], node: yaml.Node, place: Place) -> object:
    if _is_empty(node):
        return None
    (kind,) = (kind for kind in kinds if not isinstance(kind, inspect.NoneType))
    return read_value(kind, node, place)


def _read_choice(choices: type[Enum], node: yaml.Node, place: Place) -> str:
    names = [str(choice.value) for choice in choices]
    if isinstance(node, yaml.ScalarNode) and node.value in names:
        return str(node.value)
    raise _unexpected(f"one of {', '.join(names)}", node, place)


def _read_switch(node: yaml.Node, place: Place) -> bool:
    if isinstance(node, yaml.ScalarNode) and node.style is None and node.value in ("true", "false"):
        return bool(node.value == "true")
    raise _unexpected("true or false", node, place)


def _read_whole_number(node: yaml.Node, place: Place) -> int:
    if isinstance(node, yaml.ScalarNode) and node.style is None and _WHOLE_NUMBER.fullmatch(node.value):
        return int(node.value.replace("_", ""))
    raise _unexpected("a whole number of at least 1", node, place)


def _read_quantity(expected: str, parse: Callable[[str], float], node: yaml.Node, place: Place) -> float:
    if not isinstance(node, yaml.ScalarNode) or _is_empty(node):
        raise _unexpected(expected, node, place)
    try:
        return parse(node.value)
    except ConfigurationError as error:
        raise place.error(node, str(error)) from error


def _read_text(node: yaml.Node, place: Place) -> str:
    if isinstance(node, yaml.ScalarNode) and node.tag == _TEXT_TAG:
        return str(node.value)
    hint = (
        "" if not isinstance(node, yaml.ScalarNode) or _is_empty(node) else "; put it in quotes if it is meant as text"
    )
    raise _unexpected("text", node, place, hint)


def _read_path(node: yaml.Node, place: Place) -> str:
    path = _read_text(node, place)
    return path if place.folder is None else str(place.folder / path)


def _read_secret(node: yaml.Node, place: Place) -> Secret:
    """A secret from a variable; never from the file, which is shown, copied and checked in. It is in no complaint."""
    if place.folder is not None:
        problem = f"a secret does not belong here; put it into a file of its own and name that in {place.path}_file"
        raise place.error(node, problem)
    if not isinstance(node, yaml.ScalarNode):
        raise place.error(node, "expected text")
    return Secret(str(node.value))


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == _NULL_TAG


def _unexpected(expected: str, node: yaml.Node, place: Place, hint: str = "") -> ConfigurationError:
    return place.error(node, f"expected {expected}, found {_describe(node)}{hint}")


def _describe(node: yaml.Node) -> str:
    match node:
        case yaml.MappingNode():
            return "settings (name: value)"
        case yaml.SequenceNode():
            return "a list"
        case yaml.ScalarNode(style=str()):
            return f"the text {quote(node.value)}"
        case _ if _is_empty(node):
            return "nothing"
    return quote(str(node.value))
