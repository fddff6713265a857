"""The incident, version 1: what is printed, stored and sent. Its JSON Schema is made from these records.

Times are RFC 3339 in UTC. Unknown values are null, never invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

SCHEMA_VERSION = 1
Severity = Literal["critical", "warning", "info"]


class Transition(msgspec.Struct, frozen=True):
    """The newest change of an incident, and why it happened."""

    name: Literal["opened", "updated", "resolved", "reopened", "merged"]
    reason: str


class ControllerFacts(msgspec.Struct, frozen=True):
    """Which controller the victims belong to."""

    namespace: str | None = None
    version: str | None = None
    leader: str | msgspec.UnsetType = msgspec.UNSET
    """The pod that holds its Lease; left out where that is not known."""


class CulpritFacts(msgspec.Struct, frozen=True):
    """What is to blame."""

    kind: str
    name: str | None
    namespace: str | None
    host: str | None


class WebhookFacts(msgspec.Struct, frozen=True):
    """The webhook in the chain."""

    type: Literal["admission", "conversion"]
    name: str | None
    service: str | None
    kind: str | None  # "group/version, Kind=Kind" that is converted


class CertificateOfCause(msgspec.Struct, frozen=True):
    """What the evidence says about the certificate: the message, and an object that holds it. Times as printed."""

    not_after: str | None
    not_before: str | None
    clock: str | None
    valid_names: tuple[str, ...]
    wanted_name: str | None
    candidate_authority: str | None
    serial_number: str | None
    subject: str | None
    issuer: str | None = None
    age_at_onset_seconds: int | None = None  # since when it was at fault when the trouble began
    clock_ahead_seconds: int | None = None  # of the verifier, against the record's time


FindingName = Literal[
    "expired",
    "not_yet_valid",
    "clock_skew",
    "authority_expired",
    "unknown_authority",
    "stale_ca_bundle",
    "stale_served_certificate",
    "wrong_name",
    "no_san",
    "snapshot_is_later",
]


class CertificateFinding(msgspec.Struct, frozen=True):
    """What is wrong with the certificate, told from the message, the clocks and the objects."""

    finding: FindingName
    what: str
    objects: tuple[str, ...] = ()  # those that were compared, as "Secret tools/guard-tls"


class WeighedPoint(msgspec.Struct, frozen=True):
    """Something that speaks for or against a suspect: `reason` is of a closed list, the text holds the facts."""

    reason: str
    text: str


class Suspect(msgspec.Struct, frozen=True):
    """Something that may be the cause, and what speaks for and against it."""

    failure_class: str = msgspec.field(name="class")
    culprit: CulpritFacts | None
    text: str
    first_seen_at: datetime
    last_seen_at: datetime
    count: int
    in_favour: tuple[WeighedPoint, ...] = msgspec.field(name="for")
    against: tuple[WeighedPoint, ...]


class Symptom(msgspec.Struct, frozen=True):
    """Another error of what is stuck, which the cause explains."""

    failure_class: str = msgspec.field(name="class")
    text: str
    first_seen_at: datetime
    last_seen_at: datetime
    count: int
    relation: Literal["explained", "same_culprit", "follows", "names_nobody"]
    why: str


class Missing(msgspec.Struct, frozen=True):
    """Evidence that would establish the cause, and the command that gets it."""

    what: str
    command: str | None


class Relation(msgspec.Struct, frozen=True):
    """One object leads to another; both as `Rollout production/api`."""

    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    by: str  # the field that says so, or what else does


class CauseFacts(msgspec.Struct, frozen=True):
    """The cause; where `established` is false, class is unknown and nobody is blamed."""

    failure_class: str = msgspec.field(name="class")
    established: bool
    basis: Literal["own_error", "named_object", "relation", "none"]
    chain: tuple[str, ...]
    culprit: CulpritFacts | None
    webhook: WebhookFacts | None
    certificate: CertificateOfCause | None
    symptoms: tuple[Symptom, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    missing: tuple[Missing, ...] = ()
    findings: tuple[CertificateFinding, ...] = ()
    relations: tuple[Relation, ...] = ()  # from victims to the culprit, as far as the objects show them


NOT_ESTABLISHED = CauseFacts(
    failure_class="unknown", established=False, basis="none", chain=(), culprit=None, webhook=None, certificate=None
)
"""Nobody is blamed, and nothing is known that might be to blame."""


def deepest_of(chain: Sequence[str]) -> str:
    """The last link of a chain. A reason for a denial is somebody's own words: who denied stands before it."""
    if len(chain) > 1 and chain[-2].endswith(("denied the request", "denied request")):
        return f"{chain[-2]}: {chain[-1]}"
    return chain[-1] if chain else ""


class Victim(msgspec.Struct, frozen=True):
    """A key that is stuck, or the controller itself."""

    kind: Literal["rollout", "experiment", "analysisrun", "service", "ingress", "controller"]
    namespace: str | None
    name: str | None
    retries: int | None  # highest printed count, over restarts
    last_retries: int | None
    retries_per_second: float | None
    failures: int  # failed attempts that were read
    first_seen_at: datetime  # first failure that was read
    last_seen_at: datetime
    stuck_since_at: datetime
    stuck_since_is_estimate: bool
    recovered_at: datetime | None
    pace: Literal["failing", "fought_over", "slow", "unknown"]
    last_error: str | None
    is_stale: bool
    drift: dict[str, int] | None = None  # replicas by name, where a snapshot of its objects was read


class LineProvenance(msgspec.Struct, frozen=True):
    """Where a line was read."""

    source: str
    line: int
    pod: str | None = None
    container: str | None = None


class Evidence(msgspec.Struct, frozen=True):
    """A line that shows the cause: redacted, capped."""

    at: datetime
    text: str
    rule: str
    provenance: LineProvenance


ChangeCategory = Literal[
    "trouble",
    "controller",
    "rollout",
    "autoscaler",
    "webhook",
    "crd",
    "certificate",
    "service",
    "pod",
    "lease",
    "analysis",
    "event",
]


class TimelineEntry(msgspec.Struct, frozen=True):
    """Something that happened; what changed before an onset is a fact, and blames nobody."""

    at: datetime
    what: str
    category: ChangeCategory


class Step(msgspec.Struct, frozen=True):
    """Something to do."""

    step: str
    command: str | None = None


class Coverage(msgspec.Struct, frozen=True):
    """What was read, and what was not."""

    sources: tuple[str, ...] = ()
    lines_read: int = 0
    lines_unparsed: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    not_read: tuple[str, ...] = ()


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One root cause and everything that is stuck behind it."""

    schema_version: Literal[1] = 1
    id: str
    fingerprint: str
    revision: int
    transition: Transition
    kind: Literal["stuck", "controller", "certificate", "drift", "source_silent", "analysis"]
    status: Literal["open", "resolved", "merged"]
    severity: Severity
    title: str
    summary: str
    cluster: str | None
    controller: ControllerFacts
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    merged_into: str | None
    cause: CauseFacts
    victims: tuple[Victim, ...]
    evidence: tuple[Evidence, ...]
    evidence_omitted_count: int
    timeline: tuple[TimelineEntry, ...]
    remediation: tuple[Step, ...]
    runbook_url: str | None
    coverage: Coverage = Coverage()
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    provenance: dict[str, str] = msgspec.field(default_factory=dict)
