"""Whose the victims of an incident are, and whether anybody wants to be told: from annotations of what was seen."""

from __future__ import annotations

import pytest

from parsers.events import ObjectKey
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import AnyFacts, ObjectSeen
from parsers.facts.services import NamespaceFacts
from parsers.records import Origin
from pipeline.engine.incidents import Incident
from tests.pipeline.engine.builders import API, WEB, at, back_off, incidents_of

OWNER, NOTIFY = "whystuck/owner", "whystuck/notify"
OFF = {NOTIFY: "false"}
Annotations = dict[str, str] | None


def _seen(facts: AnyFacts) -> ObjectSeen:
    return ObjectSeen(at(-30), Origin(source="objects.json"), 1, facts)


def _rollout(key: ObjectKey, annotations: dict[str, str]) -> ObjectSeen:
    return _seen(RolloutFacts(ref=ObjectRef("Rollout", key.namespace, key.name), annotations=annotations))


def _namespace(annotations: dict[str, str]) -> ObjectSeen:
    return _seen(NamespaceFacts(ref=ObjectRef("Namespace", "", WEB.namespace), annotations=annotations))


CASES = {
    "nobody says anything": (None, None, None, {}),
    "of the Rollout": ({OWNER: "web-team"}, None, None, {"owner": "web-team"}),
    "of the Namespace": (None, None, {OWNER: "shop-team"}, {"owner": "shop-team"}),
    "the Rollout wins": ({OWNER: "web-team"}, {}, {OWNER: "shop-team"}, {"owner": "shop-team,web-team"}),
    "a Rollout may say that nobody owns it": ({OWNER: ""}, {OWNER: ""}, {OWNER: "shop-team"}, {}),
    "all owners once, sorted": ({OWNER: "web, db"}, {OWNER: "api,web"}, None, {"owner": "api,db,web"}),
    "one has opted out": (OFF, {}, None, {}),
    "all have opted out": (OFF, OFF, None, {"notify": "false"}),
    "the Namespace has opted out": (None, None, OFF, {"notify": "false"}),
    "a Rollout wants to be told all the same": ({NOTIFY: "true"}, None, OFF, {}),
    "only this word": ({NOTIFY: "no"}, {NOTIFY: "False"}, None, {}),
}


def _incident(one: Annotations, other: Annotations, namespace: Annotations) -> Incident:
    """Of two Rollouts of one namespace, stuck for one cause."""
    objects = [] if one is None else [_rollout(WEB, one)]
    objects += [] if other is None else [_rollout(API, other)]
    objects += [] if namespace is None else [_namespace(namespace)]
    return incidents_of(objects, back_off(0, 200), back_off(5, 200, key=API))[-1]


@pytest.mark.parametrize(("one", "other", "namespace", "labels"), CASES.values(), ids=CASES)
def test_labels(one: Annotations, other: Annotations, namespace: Annotations, labels: dict[str, str]) -> None:
    incident = _incident(one, other, namespace)
    assert (2, labels) == (len(incident.victims), incident.labels)


def test_namespace_of_others_has_no_say() -> None:
    other = _seen(NamespaceFacts(ref=ObjectRef("Namespace", "", "elsewhere"), annotations={OWNER: "x", **OFF}))
    assert {} == incidents_of(other, back_off(0, 200))[-1].labels
