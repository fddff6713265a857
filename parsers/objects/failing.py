"""Which text of an object says that something failed: what Warning events and bad conditions tell."""

from __future__ import annotations

from typing import Final

from parsers.facts.analysis_runs import AnalysisRunFacts
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
    if isinstance(facts, AnalysisRunFacts):
        return _failing_measurement(facts)
    condition = failing_condition(facts)
    return condition.message if condition is not None else ""


def failing_condition(facts: AnyFacts) -> ConditionFacts | None:
    """The condition that tells of a failure, None where the object has none."""
    if not isinstance(facts, RolloutFacts | ReplicaSetFacts | CertManagerCertificateFacts):
        return None
    return next((one for one in facts.conditions if _is_bad(one, facts) and one.message), None)


def _failing_measurement(run: AnalysisRunFacts) -> str:
    """What a metric's provider said of its failure. A value that was measured and is bad is no failure of anything."""
    said = next((one.message for one in run.metrics if one.phase not in ("Failed", "Inconclusive") and one.message), "")
    return said or (run.message if run.phase == "Error" else "")


def tells_of_block(facts: AnyFacts) -> bool:
    """Whether the message is of a failure for certain, and holds a Rollout back whatever its words are."""
    if isinstance(facts, KubernetesEventFacts):
        return facts.reason == FAILED and facts.involved.kind == "ReplicaSet"
    return isinstance(facts, RolloutFacts | ReplicaSetFacts)


def _is_bad(condition: ConditionFacts, facts: AnyFacts) -> bool:
    return (condition.type, condition.status) in _BAD[type(facts)]
