"""Which text of an object says that something failed: what Warning events and bad conditions tell."""

from __future__ import annotations

from typing import Final

from parsers.facts.certificates import CertManagerCertificateFacts
from parsers.facts.conditions import ConditionFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import AnyFacts
from parsers.facts.workloads import ReplicaSetFacts
from parsers.pod_creation import FAILED, cause_of_event

# Of several bad conditions the first one in the object's own order is told.
_BAD: Final[dict[type[AnyFacts], tuple[tuple[str, str], ...]]] = {
    ReplicaSetFacts: (("ReplicaFailure", "True"),),
    RolloutFacts: (("ReplicaFailure", "True"), ("InvalidSpec", "True")),
    CertManagerCertificateFacts: (("Ready", "False"), ("Issuing", "False")),
}


def failing_message(facts: AnyFacts) -> str:
    """The message of a failure; empty where the object tells of none."""
    if isinstance(facts, KubernetesEventFacts):
        return cause_of_event(facts.message) if facts.type == "Warning" else ""
    condition = failing_condition(facts)
    return condition.message if condition is not None else ""


def failing_condition(facts: AnyFacts) -> ConditionFacts | None:
    """The condition that tells of a failure, None where the object has none."""
    if not isinstance(facts, RolloutFacts | ReplicaSetFacts | CertManagerCertificateFacts):
        return None
    return next((one for one in facts.conditions if _is_bad(one, facts) and one.message), None)


def tells_of_block(facts: AnyFacts) -> bool:
    """Whether the message is of a failure for certain, and holds a Rollout back whatever its words are."""
    if isinstance(facts, KubernetesEventFacts):
        return facts.reason == FAILED and facts.involved.kind == "ReplicaSet"
    return isinstance(facts, RolloutFacts | ReplicaSetFacts)


def _is_bad(condition: ConditionFacts, facts: AnyFacts) -> bool:
    return (condition.type, condition.status) in _BAD[type(facts)]
