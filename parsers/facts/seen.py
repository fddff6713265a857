"""An object as an event: the input of the engine."""

from __future__ import annotations

from datetime import datetime

from parsers.events import Event, Failure
from parsers.facts.admission import CrdFacts, PolicyFacts, WebhookConfigurationFacts
from parsers.facts.analysis_runs import AnalysisRunFacts
from parsers.facts.autoscalers import HpaFacts
from parsers.facts.certificates import CertManagerCertificateFacts, SecretFacts
from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.leases import LeaseFacts
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import RolloutFacts
from parsers.facts.services import EndpointSliceFacts, NamespaceFacts, ServiceFacts
from parsers.facts.traffic_objects import OtherFacts
from parsers.facts.workloads import PodFacts, ReplicaSetFacts

AnyFacts = (
    RolloutFacts
    | ReplicaSetFacts
    | HpaFacts
    | AnalysisRunFacts
    | WebhookConfigurationFacts
    | CrdFacts
    | ServiceFacts
    | EndpointSliceFacts
    | PodFacts
    | SecretFacts
    | CertManagerCertificateFacts
    | LeaseFacts
    | KubernetesEventFacts
    | PolicyFacts
    | NamespaceFacts
    | OtherFacts
)


class ObjectSeen(Event, frozen=True):
    """An object as it was at a time. `at` is that of the snapshot; for a Kubernetes Event its last occurrence."""

    facts: AnyFacts
    is_deleted: bool = False  # a watch saw it go: these are its last facts
    latest_at: datetime | None = None  # it may have been seen as late as this; None: `at` is exact
    failure: Failure | None = None  # what a Warning event or a bad condition says, taken apart


class ObjectsListed(Event, frozen=True):
    """All objects of a kind that there were at a time: of those known before, what is not among them is gone."""

    kind: str
    refs: tuple[ObjectRef, ...]
    namespaces: tuple[str, ...] = ()  # that were listed; empty: all
    names: tuple[str, ...] = ()  # that were asked for; empty: all


class ObjectsUnread(Event, frozen=True):
    """Objects of a kind cannot be read: what they would tell is not known."""

    kind: str
    why: str  # a sentence for people, with what would help
    namespaces: tuple[str, ...] = ()  # where; empty: in all


ObjectEvent = ObjectSeen | ObjectsListed | ObjectsUnread
"""What a watch of objects tells."""
