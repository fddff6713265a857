"""docs/incident.md explains every field of the incident, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import msgspec.inspect

from pipeline.engine.incidents import Incident

PAGE = (Path(__file__).parents[2] / "docs" / "incident.md").read_text(encoding="utf-8")
EXPLAINED = re.findall(r"^\| `([^`]+)` \| \S", PAGE, re.MULTILINE)


def _fields_of(kind: msgspec.inspect.Type, path: str) -> Iterator[str]:
    """Paths of all fields below a type, as `victims[].kind`."""
    if isinstance(kind, msgspec.inspect.UnionType):
        for one in kind.types:
            yield from _fields_of(one, path)
    elif isinstance(kind, msgspec.inspect.VarTupleType):
        yield from _fields_of(kind.item_type, f"{path}[]")
    elif isinstance(kind, msgspec.inspect.StructType):
        for field in kind.fields:
            name = f"{path}.{field.encode_name}" if path else field.encode_name
            yield name
            yield from _fields_of(field.type, name)


def test_page_names_every_field_and_no_other() -> None:
    """Lists and objects are named by their fields where they have a part of the page to themselves."""
    fields = set(_fields_of(msgspec.inspect.type_info(Incident), ""))
    assert [] == sorted(fields - set(EXPLAINED))
    assert [] == sorted(set(EXPLAINED) - fields)


def test_page_names_each_field_once() -> None:
    """Two meanings of a field would be one too many."""
    assert sorted(set(EXPLAINED)) == sorted(EXPLAINED)
