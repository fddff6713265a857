"""YAML documents of a file, decoded with care.

`kubectl get -o yaml` writes neither aliases nor merge keys: few of the former are taken, the latter are plain keys.
Nesting is measured before anything is decoded, because the decoder in C has no limit and would overrun its stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import yaml

from parsers.text import scrub

_SEPARATOR: Final = re.compile(rb"(?m)^---(?=[ \t\r\n]|\Z)[^\n]*\n?|^\.\.\.[ \t\r]*$\n?")
_FORBIDDEN: Final = bytes({*range(0x20), 0x7F} - set(b"\t\n\r"))
_MAX_WHY_CHARS: Final = 200
_MAX_DEPTH: Final = 200
_MAX_ALIASES: Final = 20

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS: Final = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge")


class _Loader(_Base):  # type: ignore[misc]  # PyYAML may lack its part in C
    """The safe loader, without times (they stay text) and without merge keys."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _PLAIN_TAGS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def split_yaml(data: bytes) -> Iterator[tuple[int, bytes, Any]]:
    """Each document: its first line, its text, and its value; a text as value says why it has none, None is empty."""
    for line, raw in _documents(data):
        yield line, raw, _decode(raw.decode("utf-8", "replace").encode().translate(None, _FORBIDDEN))


def _documents(data: bytes) -> Iterator[tuple[int, bytes]]:
    start, line = 0, 1
    for separator in _SEPARATOR.finditer(data):
        raw = data[start : separator.start()]
        if raw.strip():
            yield line, raw
        line += data.count(b"\n", start, separator.end())
        start = separator.end()
    if data[start:].strip():
        yield line, data[start:]


def _decode(raw: bytes) -> object:
    why = _refuse(raw)
    if why:
        return why
    try:
        value = yaml.load(raw, Loader=_Loader)  # noqa: S506  # derived from the safe loader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError, OverflowError) as error:
        return scrub(" ".join(str(error).split()))[:_MAX_WHY_CHARS] or type(error).__name__
    return "it is no object" if isinstance(value, str) else value


def _refuse(raw: bytes) -> str:
    """Why a document is not decoded at all; empty if it may be."""
    depth = aliases = 0
    try:
        for event in yaml.parse(raw, Loader=_Base):
            aliases += isinstance(event, yaml.AliasEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                return f"it is nested more than {_MAX_DEPTH} levels deep"
            if aliases > _MAX_ALIASES:
                return f"it has more than {_MAX_ALIASES} aliases"
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return scrub(" ".join(str(error).split()))[:_MAX_WHY_CHARS]
    return ""
