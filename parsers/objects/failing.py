"""Which text of an object says that something failed: what Warning events and bad conditions tell."""

from __future__ import annotations

from typing import Final

from parsers.facts.certificates import CertManagerCertificateFacts
from parsers.facts.conditions import ConditionFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.seen import AnyFacts
from parsers.facts.workloads import ReplicaSetFacts

_BAD: Final[dict[type[AnyFacts], tuple[tuple[str, str], ...]]] = {
    ReplicaSetFacts: (("ReplicaFailure", "True"),),
    RolloutFacts: (("ReplicaFailure", "True"), ("InvalidSpec", "True")),
    CertManagerCertificateFacts: (("Ready", "False"), ("Issuing", "False")),
}


def failing_message(facts: AnyFacts) -> str:
    """The message of a failure; empty where the object tells of none."""
    if isinstance(facts, KubernetesEventFacts):
        return facts.message if facts.type == "Warning" else ""
    if isinstance(facts, RolloutFacts | ReplicaSetFacts | CertManagerCertificateFacts):
        return next((one.message for one in facts.conditions if _is_bad(one, facts) and one.message), "")
    return ""


def _is_bad(condition: ConditionFacts, facts: AnyFacts) -> bool:
    return (condition.type, condition.status) in _BAD[type(facts)]
