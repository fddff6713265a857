"""Pods that cannot be created: told by objects, Events and kube-controller-manager, where the rollouts log is quiet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from parsers.events import Event, ObjectKey
from parsers.facts.references import ObjectRef
from tests.pipeline.engine.builders import (
    API,
    WEB,
    at,
    back_off,
    block,
    complete,
    healthy,
    incidents_of,
    only,
)
from tests.pipeline.engine.object_builders import (
    DEPLOYMENT,
    created,
    failed,
    replica_set,
    rollout,
    scaled,
    sync_failed,
)

Story = Sequence[Event | list[Event]]

BLOCKED: dict[str, Story] = {
    "condition of a ReplicaSet": [replica_set(100, 0)],
    "condition that may have been read later than anything that happened": [replica_set(0, 0, latest=100)],
    "condition of a Rollout": [rollout(100, 0)],
    "Events of a Rollout that an Event names": [scaled(0), failed(0, 100, 12)],
    "Events of a Rollout that its log names": [healthy(0), failed(0, 100, 12)],
    "Events of a Rollout that a snapshot holds": [rollout(0), failed(0, 100, 12)],
    "Events in a table of one namespace, beside a log": [healthy(0), failed(0, 100, 12, namespace="")],
    "Events one by one": [scaled(0), *(failed(number * 10, number * 10, 1) for number in range(11))],
    "Events after others that were created": [scaled(0), created(0), failed(1, 100, 12)],
    "lines of kube-controller-manager": [healthy(0), *(sync_failed(number * 10) for number in range(11))],
    "healthy passes end nothing": [failed(0, 100, 12), *(complete(number * 10.0) for number in range(12))],
    "the name of a Deployment, and the hash of the Rollout": [
        scaled(0, DEPLOYMENT), rollout(0, current_hash="6d9f8c7"), failed(0, 100, 12)
    ],
    "another ReplicaSet that can create pods": [
        replica_set(100, 0), replica_set(100, name="web-54cf88bbff"), created(90, name="web-54cf88bbff")
    ],
    "a Rollout that a controller that is away once called free of it": [failed(0, 100, 12), rollout(101)],
}  # fmt: skip


@pytest.mark.parametrize("story", BLOCKED.values(), ids=BLOCKED.keys())
def test_blocked_rollout_is_an_open_incident(story: Story) -> None:
    """With the webhook's Service as culprit, since the first pod that could not be created."""
    incident = only(*story)
    (victim,) = incident.victims
    assert ("open", "rollout", "shop", "web") == (incident.status, victim.kind, victim.namespace, victim.name)
    assert ("tls.unknown_authority", "guard") == (incident.cause.failure_class, incident.cause.culprit.name)  # type: ignore[union-attr]
    assert (at(0), at(0)) == (victim.stuck_since_at, victim.first_seen_at) or story[-1] == failed(1, 100, 12)


QUIET: dict[str, Story] = {
    "a single Event that nothing follows": [scaled(0), failed(0, 0, 1), scaled(3000)],
    "Events of some seconds": [scaled(0), failed(0, 8, 9), created(9), scaled(3000)],
    "Events of some seconds without an end": [scaled(0), failed(0, 8, 9), scaled(3000)],
    "a condition that was not met again": [replica_set(5, 0), replica_set(3000)],
    "a healthy ReplicaSet": [replica_set(100)],
    "Events of a Deployment": [scaled(0, DEPLOYMENT), failed(0, 100, 12)],
    "Events of a Deployment and a Rollout of one name": [scaled(0, DEPLOYMENT), scaled(0), failed(0, 100, 12)],
    "Events of a Rollout that refers to the Deployment of its name": [
        rollout(0, workload_ref=DEPLOYMENT), failed(0, 100, 12)
    ],
    "Events of a ReplicaSet that nobody is known to own": [failed(0, 100, 12)],
    "Events of a ReplicaSet whose name does not end in a hash": [healthy(0), failed(0, 100, 12, name="web-canary")],
    "Events of a ReplicaSet that a Deployment owns": [healthy(0), replica_set(100, owner=DEPLOYMENT), failed(0, 90, 9)],
    "the condition of a ReplicaSet that a Deployment owns": [healthy(0), replica_set(100, 0, owner=DEPLOYMENT)],
    "the condition of a ReplicaSet without an owner": [healthy(0), replica_set(100, 0, owner=None)],
    "Events of a table without namespaces, and a name in two": [
        healthy(0), healthy(0, key=ObjectKey("rollout", "lab", "web")), failed(0, 100, 12, namespace="")
    ],
    "the same name in another namespace": [healthy(0), failed(0, 100, 12, namespace="lab")],
}  # fmt: skip


@pytest.mark.parametrize("story", QUIET.values(), ids=QUIET.keys())
def test_nobody_is_called_blocked(story: Story) -> None:
    """What healed, what is not a Rollout's, and what is not certain to be."""
    assert [] == incidents_of(*story)


ENDED: dict[str, tuple[Story, float, str]] = {
    "a pod was created": ([scaled(0), failed(0, 100, 12), created(130)], 130, "unblocked"),
    "the condition is gone": ([replica_set(100, 0), replica_set(400)], 400, "unblocked"),
    "the ReplicaSet has no condition any more": ([scaled(0), failed(0, 100, 12), replica_set(200)], 200, "unblocked"),
    "the Rollout is healthy": ([failed(0, 100, 12), rollout(200, phase="Healthy")], 200, "unblocked"),
    "the controller's own line": ([healthy(0), failed(0, 100, 12), block(150, None)], 150, "unblocked"),
    "nothing was tried any more": ([scaled(0), failed(0, 100, 12), scaled(5000)], 100, "presumed"),
    "another log": ([healthy(0), failed(0, 100, 12), sync_failed(130, None)], 130, "unblocked"),
    "a snapshot after the controller's own line": ([block(0), replica_set(100, 0), rollout(300, phase="Healthy")], 300,
                                                   "unblocked"),
}  # fmt: skip


@pytest.mark.parametrize(("story", "seconds", "reason"), ENDED.values(), ids=ENDED.keys())
def test_block_ends(story: Story, seconds: float, reason: str) -> None:
    """By whatever shows first that pods can be created, in whatever origin."""
    incident = only(*story)
    assert ("resolved", at(seconds), reason) == (incident.status, incident.resolved_at, incident.transition.reason)


@pytest.mark.parametrize(
    ("text", "failure_class", "culprit"),
    [
        ("quota", "quota", "compute"),
        ("denied", "webhook.admission_denied", "check.guard.dev"),
        (
            (
                'pods "web-6d9f8c7-" is forbidden: User "system:serviceaccount:kube-system:replicaset-controller" '
                'cannot create resource "pods" in API group "" in the namespace "shop"'
            ),
            "rbac.forbidden",
            "replicaset-controller",
        ),
        ("admission refused", "webhook.admission_unreachable", "guard"),
        (
            (
                'pods "web-6d9f8c7-" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation '
                '!= false (container "web" must set securityContext.allowPrivilegeEscalation=false)'
            ),
            "webhook.admission_denied",
            "restricted:latest",
        ),
        (
            (
                'pods "web-6d9f8c7-" is forbidden: error looking up service account shop/web: serviceaccount "web" not '
                "found"
            ),
            "object.not_found",
            "web",
        ),
    ],
    ids=["quota", "denial", "rbac", "refused", "pod security", "service account"],
)
def test_cause_is_what_the_event_says(text: str, failure_class: str, culprit: str) -> None:
    """Whatever keeps pods from being created."""
    cause = only(scaled(0), failed(0, 100, 12, text)).cause
    assert (failure_class, culprit) == (cause.failure_class, cause.culprit.name or "" if cause.culprit else "")


def test_words_that_no_rule_knows_blame_nobody() -> None:
    """The Rollout is blocked all the same."""
    cause = only(scaled(0), failed(0, 100, 12, "the frobnicator is sad")).cause
    assert ("unknown", False, None) == (cause.failure_class, cause.established, cause.culprit)


def test_refused_spec_of_a_snapshot_is_told() -> None:
    """The condition InvalidSpec stays until the spec is changed."""
    assert "spec.invalid" == only(rollout(100, 0, condition="InvalidSpec")).cause.failure_class


def test_failures_of_one_event_are_counted_once() -> None:
    """An exporter prints an Event each time that its count rises."""
    (victim,) = only(scaled(0), failed(0, 10, 5), failed(0, 50, 9), failed(0, 100, 12), failed(0, 100, 12)).victims
    assert 12 == victim.failures


def test_one_webhook_before_pods_and_before_the_controller_is_one_incident() -> None:
    """Whichever road led to it."""
    incident = only(back_off(0, 200, "admission", key=API), failed(0, 100, 12), healthy(0))
    assert {API.name, WEB.name} == {victim.name for victim in incident.victims}


def test_order_of_origins_does_not_matter() -> None:
    """Each origin in its own order, whichever is read first."""
    parts = ([replica_set(90, 0), replica_set(200)], [scaled(0), failed(0, 100, 12)], [sync_failed(50)])
    found = [incidents_of(*(event for part in order for event in part)) for order in permutations(parts)]
    assert all(one == found[0] for one in found)


def test_a_table_of_one_namespace_names_none() -> None:
    """What is not known is not invented."""
    incident = only(scaled(0, ObjectRef("Rollout", "", "web")), failed(0, 100, 12, namespace=""))
    assert incident.victims[0].namespace is None
    assert incident.title.startswith("rollout web is stuck: certificate of guard.tools.svc ")
