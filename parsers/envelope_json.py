"""JSON objects: a log record of their own, or an envelope around one.

A record has a message and a level (`json_lines`). Any other object is an envelope if it has a text or an object under
one of the names in `envelope_names`: the text inside is read on, the other members tell where and when it was written.
Under a name that records use too (`message`), a text that does not look like a record is the message of this object.
An object without any such member is no log line: None. Dotted names (`kubernetes.pod.name`, as in CSV) count as nested.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from parsers.envelope_facts import facts_of
from parsers.envelope_names import FIELD_GROUPS, OBJECT_NAMES, OWN_TEXT_NAMES, TEXT_NAMES, Role, plain_name, role_of
from parsers.json_lines import (
    SHIPPER_OBJECTS,
    DecodedObject,
    JsonObject,
    decode_object,
    fields_of,
    read_json_record,
    value_text,
)
from parsers.reading import Reading, level_of
from parsers.recognise import looks_like_record
from parsers.records import Format, Level
from parsers.text import clean_text, scrub
from parsers.wrapper import Wrapper

_DEEPEST: Final = 4
_LARGEST_BYTE: Final = 255
# Columns of a CSV export and flattened objects: what belongs to the line's own object is put together again.
_PAYLOAD_PREFIXES: Final = ("jsonPayload", "log_processed", "_source", "json")
# A shipper's own names at the top of a record; `namespace` is not among them, for it is the rollout's.
_SHIPPER_NAMES: Final = SHIPPER_OBJECTS | frozenset(
    ("cluster", "cluster_name", "clusterName", "pod_name", "podName", "container_name", "containerName")
)
_POD_ROLES: Final = frozenset((Role.POD, Role.CONTAINER, Role.FILE, Role.TAGS))


def read_object(text: str, hint: datetime | None = None) -> Reading | Wrapper | None:
    """Read a text that begins with `{`; None where it is no object, or one that holds no log line."""
    decoded = decode_object(text)
    if decoded is None:
        return None
    members = decoded.members
    if isinstance(members.get("msg"), str) and "level" in members:
        return _read_record(decoded, hint)
    if any("." in name for name in members):
        members = _nest_payload(members)
        decoded = DecodedObject(members, decoded.is_cut)
    name, payload = _find_payload(members)
    if not payload and not name and (inner := _record_inside(members, 0)):
        return msgspec.structs.replace(facts_of(members, inner), is_cut=decoded.is_cut)
    if not payload:
        return _read_record(decoded, hint) or (Wrapper("") if name else None)
    is_own = name in OWN_TEXT_NAMES and not looks_like_record(payload)
    if is_own and not _is_of_shipper(members):
        return _read_record(decoded, hint)
    wrapper = facts_of({key: value for key, value in members.items() if key != name}, payload)
    if is_own and (groups := _field_groups(members)):
        reading = _with_field_groups(Reading(payload, Format.JSON), groups)
        return msgspec.structs.replace(wrapper, reading=reading, is_cut=decoded.is_cut)
    return msgspec.structs.replace(wrapper, is_cut=True) if decoded.is_cut else wrapper


def unquote_literal(text: str) -> str | None:
    """Give the text of a JSON string that is a whole line; None where the line is none."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return scrub(value).strip() if isinstance(value, str) else None


def _read_record(decoded: DecodedObject, hint: datetime | None) -> Reading | Wrapper | None:
    members = decoded.members
    reading = read_json_record(decoded, hint)
    if reading is None:
        return None
    if groups := _field_groups(members):
        reading = _with_field_groups(reading, groups)
    if _SHIPPER_NAMES.isdisjoint(members):
        return reading
    facts = facts_of({name: value for name, value in members.items() if name in _SHIPPER_NAMES})
    return msgspec.structs.replace(facts, reading=reading)


def _field_groups(members: JsonObject) -> list[JsonObject]:
    return [group for name in FIELD_GROUPS if isinstance(group := members.get(name), dict) and group]


def _with_field_groups(reading: Reading, groups: list[JsonObject]) -> Reading:
    """Add the fields that a shipper keeps in an object of their own (Datadog's `attributes`)."""
    fields = dict(reading.fields)
    level = reading.level
    for group in groups:
        for name, value in fields_of(group).items():
            fields.setdefault(name, value)
        if level is Level.UNKNOWN and isinstance(group.get("level"), str):
            level = level_of(group["level"])
    return msgspec.structs.replace(reading, fields=fields, level=level)


def _is_of_shipper(members: JsonObject) -> bool:
    """Tell whether an object with a `message` is a shipper's: it says where the line comes from, and has no level."""
    if "level" in members or "severity" in members or "msg" in members:
        return False
    return any(name in SHIPPER_OBJECTS or role_of(name) in _POD_ROLES for name in members)


def _find_payload(members: JsonObject) -> tuple[str, str]:
    """Find what the envelope holds, as text, and under which name; both empty where it holds nothing."""
    names = {plain_name(name): name for name in reversed(members)}
    blank = ""
    for plain in TEXT_NAMES:
        name = names.get(plain)
        if name is None:
            continue
        is_text_allowed = plain not in OBJECT_NAMES
        payload = _payload_text(members[name], is_text_allowed=is_text_allowed)
        if payload:
            return name, payload
        if is_text_allowed and isinstance(members[name], str):
            blank = name  # an empty line, which is no broken one
    return blank, ""


def _payload_text(value: object, *, is_text_allowed: bool) -> str:
    if isinstance(value, str):
        text = value.strip() if is_text_allowed else ""
        return text if text.isprintable() else scrub(text)
    if isinstance(value, list):
        return _payload_of_list(value, is_text_allowed=is_text_allowed)
    if isinstance(value, dict) and _holds_text(value, 0):
        return value_text(value)
    return ""


def _payload_of_list(value: list[Any], *, is_text_allowed: bool) -> str:
    if len(value) == 1:
        return _payload_text(value[0], is_text_allowed=is_text_allowed)
    # journald gives a message that is not plain text as the numbers of its bytes.
    if is_text_allowed and value and all(type(item) is int and 0 <= item <= _LARGEST_BYTE for item in value):
        return clean_text(bytes(value))[0].strip()
    return ""


def _holds_text(members: Mapping[str, Any], depth: int) -> bool:
    for name, value in members.items():
        if plain_name(name) in TEXT_NAMES or name in ("M", "@message"):
            item = value[0] if isinstance(value, list) and len(value) == 1 else value
            if isinstance(item, str) and item:
                return True
            if isinstance(item, dict) and depth < _DEEPEST and _holds_text(item, depth + 1):
                return True
    return False


def _record_inside(members: Mapping[str, Any], depth: int) -> str:
    """Find a text that looks like a record under whatever name a shipper has for it; empty where there is none.

    What stands in a Kubernetes object (an audit log holds them) is a tenant's text, and no record.
    """
    if "apiVersion" in members:
        return ""
    for value in members.values():
        if isinstance(value, str) and " " in value.strip() and looks_like_record(value.lstrip()):  # not a time alone
            return value.strip()
        if isinstance(value, dict) and depth < _DEEPEST and (found := _record_inside(value, depth + 1)):
            return found
    return ""


def _nest_payload(members: JsonObject) -> JsonObject:
    nested: JsonObject = {}
    for name, value in members.items():
        prefix, _, rest = name.partition(".")
        if rest and prefix in _PAYLOAD_PREFIXES:
            inner = nested.setdefault(prefix, {})
            if isinstance(inner, dict):
                inner[rest] = value
        else:
            nested[name] = value
    return nested
