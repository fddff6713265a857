"""One entry of a JSON export as one line of JSON that the envelope readers understand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from parsers.envelope_names import Role, plain_name, role_of

_ORIGIN_ROLES: Final = frozenset((Role.GROUP, Role.NAMESPACE, Role.POD, Role.CONTAINER, Role.CLUSTER, Role.FILE))
_PAIR_LENGTHS: Final = (2, 3)  # Loki's pair; the third are structured metadata


class Surroundings(msgspec.Struct, frozen=True):
    """What stands around entries and belongs to each of them."""

    members: dict[str, Any] = {}  # says where the entries come from
    columns: tuple[str, ...] = ()  # names of a table's columns


NO_SURROUNDINGS: Final = Surroundings()


def read_surroundings(raw: bytes, outer: Surroundings) -> Surroundings:
    """Read the members of an object that stand before the array of entries in it; `raw` ends before that array."""
    try:
        members = msgspec.json.decode(raw.rstrip().rstrip(b",") + b"}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return outer
    kept = {name: value for name, value in members.items() if role_of(name) in _ORIGIN_ROLES and value}
    columns = tuple(_column_names(members.get("columns") or members.get("Columns")))
    return Surroundings({**outer.members, **kept}, columns or outer.columns)


def entry_line(raw: bytes, around: Surroundings) -> bytes:
    """Give an entry as one line; what is no valid JSON is given as it stands, its line feeds taken out."""
    if raw[:1] == b"{" and not around.members:
        return _on_one_line(raw)
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _on_one_line(raw)
    if isinstance(value, list):
        value = _object_of_list(value, around)
    if isinstance(value, dict):
        value = _with_origin(value, around)
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError):
        return _on_one_line(raw)


def row_line(names: Iterable[str], cells: Iterable[str]) -> bytes:
    """Give a row of a table as one object; empty cells are left out, cells that hold an object are nested."""
    members: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        if cell and name not in members:
            members[name] = _decoded_object(cell) if cell.startswith("{") and _may_be_nested(name) else cell
    return msgspec.json.encode(members)


def _on_one_line(raw: bytes) -> bytes:
    if b"\n" not in raw:
        return raw
    try:
        return msgspec.json.format(raw, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return b" ".join(line.strip() for line in raw.split(b"\n"))


def _with_origin(value: dict[str, Any], around: Surroundings) -> dict[str, Any]:
    if "line" in value and "labels" in value:
        return value  # a pair has taken its labels already
    return {**around.members, **value} if around.members else value


def _object_of_list(value: list[Any], around: Surroundings) -> object:
    if around.columns and len(around.columns) == len(value):
        return dict(zip(around.columns, value, strict=True))
    if value and all(isinstance(item, dict) and "field" in item for item in value):
        return {str(item["field"]): item.get("value") for item in value}  # CloudWatch Logs Insights
    if len(value) in _PAIR_LENGTHS and isinstance(value[0], str | int) and isinstance(value[1], str):
        labels = around.members.get("stream") or around.members.get("labels") or {}
        return {"labels": labels, "line": value[1], "timestamp": str(value[0])}
    return value


def _column_names(columns: object) -> Iterable[str]:
    for column in columns if isinstance(columns, list) else ():
        name = column.get("name") or column.get("ColumnName") if isinstance(column, dict) else column
        yield str(name)


def _may_be_nested(name: str) -> bool:
    return plain_name(name) in ("source", "labels", "kubernetes", "resource", "jsonpayload", "attributes", "fields")


def _decoded_object(cell: str) -> object:
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return value if isinstance(value, dict) else cell
