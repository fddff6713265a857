r"""Lines about the pods of a ReplicaSet: kube-controller-manager could not create them, or did.

Source: kubernetes pkg/controller/replicaset/replica_set.go (processNextWorkItem), v1.9 to v1.34: `sync "ns/name" failed
with …` (`Sync` up to v1.15), since v1.31 as the `err` of `"Unhandled Error"`; client-go tools/record/event.go, which
logs Kubernetes Events as `"Event occurred" object="ns/name" kind="ReplicaSet" …` or, up to v1.18 and in other
programs, as `Event(v1.ObjectReference{…}): type: 'Warning' reason: 'FailedCreate' …`. Only the beginning of a line
counts: an object's own text must not pass for one.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from parsers.events import Failure
from parsers.records import LogRecord

FAILED: Final = "FailedCreate"
CREATED: Final = "SuccessfulCreate"

_NAME: Final = r"[a-z0-9][a-z0-9.-]{0,252}"
_SYNC: Final = re.compile(rf'[Ss]ync "(?P<namespace>{_NAME})/(?P<name>{_NAME})" failed with (?P<cause>.*)', re.DOTALL)
_EVENT: Final = re.compile(
    rf"""
    Event\(v1\.ObjectReference\{{Kind:"ReplicaSet",\ Namespace:"(?P<namespace>{_NAME})",\ Name:"(?P<name>{_NAME})"
    [^}}]{{0,500}}\}}\):\ type:\ '\w{{1,20}}'\ reason:\ '(?P<reason>\w{{1,64}})'\ (?P<cause>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
_OBJECT: Final = re.compile(rf"(?P<namespace>{_NAME})/(?P<name>{_NAME})")
_PREFIX: Final = re.compile(r"(?:\(combined from similar events\): )?(?:Error creating: )?")


class PodCreationLine(msgspec.Struct, frozen=True):
    """What a line says about the pods of a ReplicaSet."""

    namespace: str
    name: str  # of the ReplicaSet
    cause: str | None  # why they could not be created; None: one was created


def read_pod_creation(record: LogRecord) -> PodCreationLine | None:
    """What the record says about the pods of a ReplicaSet, None for any other record."""
    if record.message == "Event occurred":
        return _read_event_fields(record)
    for text in (record.message, record.fields.get("error", "")):
        if (sync := _SYNC.match(text)) is not None:
            return PodCreationLine(sync["namespace"], sync["name"], sync["cause"])
    event = _EVENT.match(record.message)
    return _of_reason(event, event["reason"], event["cause"]) if event is not None else None


def _read_event_fields(record: LogRecord) -> PodCreationLine | None:
    fields = record.fields
    found = _OBJECT.fullmatch(fields.get("object", ""))
    if found is None or fields.get("kind") != "ReplicaSet":
        return None
    return _of_reason(found, fields.get("reason", ""), fields.get("message", ""))


def is_about_pods(failure: Failure) -> bool:
    """Whether a failed sync may have failed at a pod: conflicts and API servers that are away are other trouble."""
    if failure.failure_class == "conflict" or failure.failure_class.startswith("apiserver."):
        return False
    return failure.named_object is None or not failure.named_object.resource.startswith("replicasets")


def _of_reason(found: re.Match[str], reason: str, message: str) -> PodCreationLine | None:
    if reason not in (FAILED, CREATED):
        return None
    return PodCreationLine(found["namespace"], found["name"], cause_of_event(message) if reason == FAILED else None)


def cause_of_event(message: str) -> str:
    """The message of a FailedCreate Event, without what the controller puts before the API server's answer."""
    return message[_PREFIX.match(message).end() :]  # type: ignore[union-attr]  # it matches always, perhaps nothing
