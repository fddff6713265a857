"""What one log record says: events, the input of the engine.

An event holds facts only; what they mean together is the engine's business. `Failure` is a message that says
why something did not work, taken apart.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.records import Origin


class ObjectKey(msgspec.Struct, frozen=True, order=True):
    """What a controller's work queue holds: kind is rollout, experiment, analysisrun, service or ingress.

    The namespace is empty where only a table of Events of one namespace names the object.
    """

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class NamedObject(msgspec.Struct, frozen=True, order=True):
    """A Kubernetes object or resource that a message names; empty where the message does not say."""

    resource: str = ""  # plural with its group, as in replicasets.apps
    name: str = ""
    namespace: str = ""


class CertificateFacts(msgspec.Struct, frozen=True):
    """What a message says about a certificate. Times are texts of the message in RFC 3339, as printed."""

    not_after: str | None = None
    not_before: str | None = None
    clock: str | None = None  # the verifier's own time
    valid_names: tuple[str, ...] = ()  # "certificate is valid for …"
    wanted_name: str | None = None  # "… not <name>"
    candidate_authority: str | None = None  # "while trying to verify candidate authority certificate …"
    serial_number: str | None = None
    subject: str | None = None
    authority_key_id: str | None = None
    clock_ahead_seconds: int | None = None  # of the record's time; None where that has no clock and zone of its own


class Failure(msgspec.Struct, frozen=True):
    """A failure message, taken apart: its deepest cause gives the class, the rest is kept as context.

    `chain` holds the message's links from the outermost wrapper to the deepest cause, each capped.
    """

    failure_class: str  # vocabulary: parsers/failure_classes.py
    rule: str  # id of the rule that found the deepest cause
    text: str  # the failure's text, redacted and capped
    also: tuple[str, ...] = ()  # classes that are as right, as network.refused below a webhook's
    chain: tuple[str, ...] = ()
    webhook: str | None = None  # name of the admission webhook
    is_conversion: bool = False  # a CRD's conversion webhook is part of the chain
    service: str | None = None  # host:port as in the URL; port only where the URL has one
    url_path: str | None = None
    kind: str | None = None  # "group/version, Kind=Kind"
    certificate: CertificateFacts | None = None
    peer: str | None = None  # remote address, in messages of a server or of etcd
    named_object: NamedObject | None = None  # what the call was about
    api_group: str | None = None  # group (or group/version) of an API that does not answer or does not exist
    user: str | None = None  # subject of a refused request
    verb: str | None = None
    quota: str | None = None
    policy: str | None = None  # admission policy
    location: str | None = None  # function at the top of a panic's stack
    plugin: str | None = None  # traffic router or metric plugin


class Event(msgspec.Struct, frozen=True, tag=True):
    """Base of all events: when and where it was read."""

    at: datetime  # aware, UTC
    origin: Origin
    line: int


class SyncStarted(Event, frozen=True):
    """A worker took the key: `Started syncing …`."""

    key: ObjectKey


class SyncCompleted(Event, frozen=True):
    """`Reconciliation completed`: printed on failure too, the failure's line follows it."""

    key: ObjectKey
    generation: int | None = None  # of the object as the controller read it: one more with each edit of its spec


class SyncFailed(Event, frozen=True):
    """`<kind> syncHandler error: <cause>`: exactly one for each failed attempt."""

    key: ObjectKey
    failure: Failure


class RetryCounted(Event, frozen=True):
    """`<kind> syncHandler queue retries: N : key "ns/name"`: N rate-limited adds since the last success."""

    key: ObjectKey
    count: int


class SyncRefused(Event, frozen=True):
    """`The Rollout "x" is invalid: …`: the pass ends without an error and without a retry line."""

    key: ObjectKey
    failure: Failure


class ReplicasBlocked(Event, frozen=True):
    """A status patch that says a ReplicaSet of the key cannot create pods (FailedCreate), or that it can again."""

    key: ObjectKey
    failure: Failure | None  # None: the condition is gone


class KeyDeleted(Event, frozen=True):
    """The object of the key is gone."""

    key: ObjectKey


class FailureSeen(Event, frozen=True):
    """A failure that is no attempt of a key: a warning event, an echo, a line of another component."""

    failure: Failure
    carrier: str  # id of the rule or shape that carried it: reconcile, event, echo, reflector, lease, fatal, other
    key: ObjectKey | None = None
    ends_process: bool = False


class PodCreationSeen(Event, frozen=True):
    """A ReplicaSet could not create a pod, or created one: a line of kube-controller-manager."""

    namespace: str
    replica_set: str
    failure: Failure | None  # None: a pod was created


class ErrorNotUnderstood(Event, frozen=True):
    """An error record of a controller that no rule knows. It is shown, never reasoned with: the engine ignores it."""

    text: str  # redacted and capped
    key: ObjectKey | None = None


class ControllerStarted(Event, frozen=True):
    """The banner of a new process: every count starts at zero."""

    version: str = ""


class LeaderElected(Event, frozen=True):
    """This process leads now."""

    identity: str = ""


class LeaderLost(Event, frozen=True):
    """This process has lost its lease, or gave it up."""

    lease: str = ""


class ControllerStopped(Event, frozen=True):
    """The process ends."""


AnyEvent = (
    SyncStarted
    | SyncCompleted
    | SyncFailed
    | RetryCounted
    | SyncRefused
    | ReplicasBlocked
    | KeyDeleted
    | FailureSeen
    | PodCreationSeen
    | ErrorNotUnderstood
    | ControllerStarted
    | LeaderElected
    | LeaderLost
    | ControllerStopped
)
