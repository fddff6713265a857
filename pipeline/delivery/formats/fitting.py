"""Messages that are too large for their receiver: the largest fields go first, and the message says which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pipeline.delivery.notification import Notification

_EMPTY: dict[str, Any] = {
    "evidence": [],
    "timeline": [],
    "remediation": [],
    "victims": [],
    "cause.suspects": [],
    "cause.symptoms": [],
    "cause.missing": [],
    "cause.findings": [],
    "cause.relations": [],
    "cause.chain": [],
    "cause.certificate": None,
    "coverage": {
        "sources": [],
        "lines_read": 0,
        "lines_unparsed": 0,
        "first_at": None,
        "last_at": None,
        "not_read": [],
    },
    "labels": {},
    "provenance": {},
    "summary": "",
}
"""What may be left out, and what stands there then: the incident stays one of its schema."""


class Told(msgspec.Struct, frozen=True):
    """What goes into one message: incidents as plain JSON values, and what is not in them."""

    incidents: tuple[dict[str, Any], ...]
    omitted_fields: tuple[str, ...] = ()
    omitted_count: int = 0  # incidents


class TooLargeError(Exception):
    """Not even the bare incident fits into the receiver's limit."""


def fit(notification: Notification, write: Callable[[Told], bytes], limit: int) -> bytes:
    """The message, written with as much of the incidents as fits.

    Args:
        notification: What is told.
        write: Makes the message of what is left of it.
        limit: Bytes of the message at most.

    Raises:
        TooLargeError: It does not fit with all that may be left out left out.
    """
    told = Told(tuple(map(msgspec.to_builtins, notification.incidents)), omitted_count=notification.omitted_count)
    while len(body := write(told)) > limit:
        shorter = _shorter(told)
        if shorter is None:
            raise TooLargeError(f"{len(body)} bytes; the receiver takes {limit}")
        told = shorter
    return body


def _shorter(told: Told) -> Told | None:
    """The same without the largest field, where none is left with half of the incidents; None: nothing is left."""
    sizes = {name: sum(_size(incident, name) for incident in told.incidents) for name in _EMPTY}
    largest = max(sizes, key=lambda name: sizes[name])
    if sizes[largest] > 0:
        incidents = tuple(_without(incident, largest) for incident in told.incidents)
        return Told(incidents, (*told.omitted_fields, largest), told.omitted_count)
    kept = len(told.incidents) // 2
    if kept == 0:
        return None
    return Told(told.incidents[:kept], told.omitted_fields, told.omitted_count + len(told.incidents) - kept)


def _size(incident: dict[str, Any], name: str) -> int:
    holder, key = _place(incident, name)
    return 0 if holder[key] == _EMPTY[name] else len(msgspec.json.encode(holder[key]))


def _without(incident: dict[str, Any], name: str) -> dict[str, Any]:
    shorter = incident | {"cause": dict(incident["cause"])}
    holder, key = _place(shorter, name)
    if name == "evidence":
        shorter["evidence_omitted_count"] += len(shorter["evidence"])
    holder[key] = _EMPTY[name]
    return shorter


def _place(incident: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    section, dot, key = name.partition(".")
    return (incident[section], key) if dot else (incident, name)
