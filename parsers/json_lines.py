"""Records written as one JSON object a line.

Source: logrus v1.9 JSONFormatter (level, msg, time, the fields beside them), zap's production encoder (level, ts,
logger, caller, msg, stacktrace) and its short keys (L, T, N, C, M), etcd v3.5, klog's JSON format, slog's JSONHandler,
hclog's JSON (@level, @message, @timestamp), structlog (event), and shippers that lift these to the top of their own.
Values are given as text: numbers and booleans as JSON writes them, nested values as compact JSON, null as `<nil>`.
An object that ends too early (cut by a window or a size limit) gives what was complete of it; see `json_scan`.
An object without a message of its own is no record: None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from parsers.json_scan import scan_cut_object
from parsers.reading import MAX_FIELDS, NIL, Reading, level_of
from parsers.records import Format, Level
from parsers.text import scrub
from parsers.timestamps import parse_rfc3339, parse_time

JsonObject = dict[str, Any]

MESSAGE_KEYS: Final = ("msg", "message", "@message", "M", "event", "error", "err")
LEVEL_KEYS: Final = ("level", "lvl", "severity", "@level", "L", "log.level", "levelname", "severityText", "v")
TIME_KEYS: Final = ("time", "ts", "timestamp", "@timestamp", "T", "@t")
# What shippers lift to the top of a record about where it came from: not the writer's own fields.
SHIPPER_OBJECTS: Final = frozenset(
    ("kubernetes", "k8s", "docker", "agent", "ecs", "host", "input", "cloud", "container", "orchestrator")
)
_TAKEN: Final = frozenset((*MESSAGE_KEYS[:4], *LEVEL_KEYS[:7], *TIME_KEYS))


class DecodedObject(msgspec.Struct, frozen=True):
    """A JSON object as it was decoded, whole or as far as it goes."""

    members: JsonObject
    is_cut: bool = False


def decode_object(text: str) -> DecodedObject | None:
    """Decode a text that begins with `{`; None where it holds no object that can be read."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _decode_tolerantly(text)
    return DecodedObject(value) if isinstance(value, dict) else None


def _decode_tolerantly(text: str) -> DecodedObject | None:
    # Python's decoder takes what msgspec refuses: control characters, lone surrogates, NaN.
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        members = scan_cut_object(text)
        return DecodedObject(members, is_cut=True) if members else None
    return DecodedObject(value) if isinstance(value, dict) else None


def read_json_record(decoded: DecodedObject, hint: datetime | None = None) -> Reading | None:
    """Read an object that is a log record itself; None where it has no message."""
    members = decoded.members
    message = members.get("msg")
    if not isinstance(message, str):
        message = _first_text(members, MESSAGE_KEYS)
        if message is None:
            return None
    at, is_zone_assumed = _time_of(members, hint)
    return Reading(
        message if message.isprintable() else scrub(message),
        Format.JSON,
        fields_of(members),
        _level_of(members),
        at,
        is_zone_assumed,
        is_cut=decoded.is_cut,
    )


def fields_of(members: Mapping[str, Any]) -> dict[str, str]:
    """Give a record's own fields as text: time, level, message and what a shipper added are left out."""
    fields: dict[str, str] = {}
    for key, value in members.items():
        if key in _TAKEN:
            continue
        name = key if key.isprintable() else scrub(key)
        if isinstance(value, str):
            fields[name] = value if value.isprintable() else scrub(value)
        elif not (isinstance(value, dict) and key in SHIPPER_OBJECTS):
            fields[name] = value_text(value)
        if len(fields) >= MAX_FIELDS:
            break
    if "err" in fields:
        fields.setdefault("error", fields.pop("err"))
    return fields


def value_text(value: object) -> str:
    """Give a JSON value as text."""
    if value is None:
        return NIL
    if isinstance(value, str):
        return scrub(value)
    if value is True or value is False:
        return "true" if value else "false"
    try:
        return scrub(msgspec.json.encode(value).decode("utf-8", "replace"))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError):
        return _odd_value_text(value)


def _odd_value_text(value: object) -> str:
    try:
        return scrub(json.dumps(value, separators=(",", ":")))
    except (ValueError, RecursionError):
        return ""  # a number of thousands of digits, or nesting beyond any writer's


def _first_text(members: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = members.get(name)
        if isinstance(value, str):
            return value
    return None


def _level_of(members: Mapping[str, Any]) -> Level:
    for name in LEVEL_KEYS:
        value = members.get(name)
        if isinstance(value, str):
            return level_of(value)
        if isinstance(value, int) and name != "v":
            return level_of(value_text(value))
    return Level.UNKNOWN


def _time_of(members: Mapping[str, Any], hint: datetime | None) -> tuple[datetime | None, bool]:
    for name in TIME_KEYS:
        value = members.get(name)
        if value is None:
            continue
        at = parse_rfc3339(value) if isinstance(value, str) else None
        if at is not None:
            return at, False
        moment = parse_time(value, hint)
        if moment is not None:
            return moment.at, moment.is_zone_assumed
    return None, False
