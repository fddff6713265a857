"""Members of an object as decoded from JSON or YAML, read without trust: what is of another type is not there.

Counts and generations come as numbers or as text (`status.observedGeneration` of a Rollout is a string), times as
RFC 3339 or, from careless YAML, as dates. All text is made safe, and messages are redacted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, Final, TypeGuard

from parsers.facts.conditions import ConditionFacts
from parsers.facts.references import ObjectRef
from parsers.redaction import redact
from parsers.text import scrub
from parsers.timestamps import parse_rfc3339

Object = Mapping[str, Any]
"""A JSON object or a YAML mapping."""

MAX_NAME_CHARS: Final = 512
MAX_MESSAGE_CHARS: Final = 16_384
MAX_ENTRIES: Final = 2_000
"""Of one array or map of an object: more than Kubernetes itself takes."""

_OWN_ANNOTATIONS: Final = "whystuck/"
_MAX_OWN: Final = 20
_NUMBER: Final = re.compile(r"-?\d{1,10}")
_LARGEST: Final = 9_999_999_999
_EMPTY: Final[Object] = {}


def object_at(parent: Object, *path: str) -> Object:
    """The object behind some names; empty where there is none."""
    for name in path:
        child = parent.get(name)
        if not isinstance(child, Mapping):
            return _EMPTY
        parent = child
    return parent


def objects_at(parent: Object, *path: str) -> tuple[Object, ...]:
    """The objects of an array."""
    return tuple(entry for entry in _array_at(parent, path) if isinstance(entry, Mapping))


def text_at(parent: Object, *path: str) -> str:
    """A short text: a name, a phase, a reason."""
    return as_text(object_at(parent, *path[:-1]).get(path[-1]))


def texts_at(parent: Object, *path: str) -> tuple[str, ...]:
    """The texts of an array."""
    return tuple(text for entry in _array_at(parent, path) if (text := as_text(entry)))


def message_at(parent: Object, *path: str) -> str:
    """A long text that people read: redacted."""
    value = object_at(parent, *path[:-1]).get(path[-1])
    return redact(scrub(value[:MAX_MESSAGE_CHARS])) if isinstance(value, str) else ""


def number_at(parent: Object, *path: str) -> int | None:
    """A whole number, or a text that is one."""
    value = object_at(parent, *path[:-1]).get(path[-1])
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if _is_number(value) else None


def share_at(parent: Object, *path: str) -> str | None:
    """A number or a percentage (IntOrString), as written."""
    value = object_at(parent, *path[:-1]).get(path[-1])
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return as_text(value) or None


def flag_at(parent: Object, *path: str) -> bool:
    """Whether a flag is set."""
    return object_at(parent, *path[:-1]).get(path[-1]) is True


def time_at(parent: Object, *path: str) -> datetime | None:
    """A time."""
    return as_time(object_at(parent, *path[:-1]).get(path[-1]))


def labels_at(parent: Object, *path: str) -> dict[str, str]:
    """Labels, or a selector of them."""
    found: dict[str, str] = {}
    for name, value in object_at(parent, *path).items():
        if len(found) >= MAX_ENTRIES:
            break
        if isinstance(name, str) and isinstance(value, str):
            found[as_text(name)] = as_text(value)
    return found


def own_annotations_of(document: Object) -> dict[str, str]:
    """Annotations for whystuck, and none of the others: those may hold anything."""
    annotations = object_at(document, "metadata", "annotations")
    own = (name for name in annotations if isinstance(name, str) and name.startswith(_OWN_ANNOTATIONS))
    return {as_text(name): message_at(annotations, name)[:MAX_NAME_CHARS].strip() for name in islice(own, _MAX_OWN)}


def conditions_at(parent: Object, *path: str) -> tuple[ConditionFacts, ...]:
    """Status conditions."""
    return tuple(
        ConditionFacts(
            type=text_at(condition, "type"),
            status=text_at(condition, "status"),
            reason=text_at(condition, "reason"),
            message=message_at(condition, "message"),
            changed_at=time_at(condition, "lastTransitionTime"),
        )
        for condition in objects_at(parent, *path)
        if text_at(condition, "type")
    )


def ref_of(document: Object, kind: str = "") -> ObjectRef:
    """Which object it is."""
    kind = kind or text_at(document, "kind")
    return ObjectRef(kind, text_at(document, "metadata", "namespace"), text_at(document, "metadata", "name"))


def controller_of(document: Object) -> ObjectRef | None:
    """The owner that controls it; the only owner where none says so."""
    owners = objects_at(document, "metadata", "ownerReferences")
    controllers = [owner for owner in owners if flag_at(owner, "controller")] or (owners if len(owners) == 1 else [])
    if not controllers:
        return None
    namespace = text_at(document, "metadata", "namespace")
    return ObjectRef(text_at(controllers[0], "kind"), namespace, text_at(controllers[0], "name"))


def created_at_of(document: Object) -> datetime | None:
    """When it was made."""
    return time_at(document, "metadata", "creationTimestamp")


def changed_at_of(document: Object) -> datetime | None:
    """When a field of it was written last, as far as managedFields say; not for its status."""
    entries = objects_at(document, "metadata", "managedFields")
    times = (time_at(entry, "time") for entry in entries if text_at(entry, "subresource") != "status")
    return max((at for at in times if at is not None), default=None)


def generation_of(document: Object) -> int | None:
    """How often its spec was changed."""
    return number_at(document, "metadata", "generation")


def as_text(value: object) -> str:
    """A short text, safe to print; numbers as they are written."""
    if isinstance(value, str):
        return scrub(value[:MAX_NAME_CHARS]).strip()
    return str(value) if _is_number(value) else ""


def as_time(value: object) -> datetime | None:
    """A time from RFC 3339, or from a date that a YAML reader made."""
    if isinstance(value, str):
        return parse_rfc3339(value) if len(value) <= MAX_NAME_CHARS else None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _array_at(parent: Object, path: tuple[str, ...]) -> list[Any]:
    value = object_at(parent, *path[:-1]).get(path[-1])
    return value[:MAX_ENTRIES] if isinstance(value, list) else []
