"""Who leads: of the pods of a controller only the one that holds its Lease works. Pure.

A standby says next to nothing, and its silence means nothing; what it says is no sign of the one that leads. A Lease
counts only where its holder is known to belong to a controller: else nobody knows who leads, and all pods are listened
to alike. That goes for a controller that uses the network of its node, until its log names it, for one without leader
election, and where Leases may not be read.

Source: argo-rollouts v1.7.1, controller/controller.go: the name of the Lease is the same for all; it is held under the
name of the process's host, "_" and a UUID.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from parsers.facts.leases import LeaseFacts
from parsers.records import Origin
from pipeline.engine.origins import OriginState
from pipeline.engine.pod_names import host_of, workload_of

LOCK = "argo-rollouts-controller-lock"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Role(enum.Enum):
    """What a controller, or one of its pods, does."""

    LEADS = "leads"
    STANDS_BY = "stands_by"
    UNKNOWN = "unknown"


class Leadership(msgspec.Struct, frozen=True):
    """Who leads, as far as one controller is concerned."""

    role: Role = Role.UNKNOWN  # of the controller
    holder: str = ""  # as the Lease says
    since: datetime | None = None

    @property
    def host(self) -> str:
        """The host that leads: the pod, as a rule."""
        return host_of_holder(self.holder)


class Leader(msgspec.Struct, frozen=True, order=True):
    """Who leads by one Lease."""

    cluster: str
    namespace: str  # of the Lease
    host: str  # the pod, as a rule
    since: datetime | None


def leader_of(leadership: Leadership) -> str | msgspec.UnsetType:
    """As an incident shows it."""
    return leadership.host if leadership.role is Role.LEADS else msgspec.UNSET


def host_of_holder(holder: str) -> str:
    """The host in the holder of a Lease."""
    return holder.rpartition("_")[0] or holder


def find_leadership(
    leases: Iterable[LeaseFacts], origins: Mapping[Origin, OriginState], namespace: str, workload: str
) -> Leadership:
    """Who leads, for the controller whose pods run in this namespace and are of this workload."""
    newest_first = sorted(leases, key=lambda lease: lease.acquired_at or _LONG_AGO, reverse=True)
    held = [lease for lease in newest_first if lease.ref.name == LOCK and lease.holder]
    for lease in held:
        if _is_of(lease, origins, namespace, workload):
            return Leadership(Role.LEADS, lease.holder, lease.acquired_at)
    for lease in held:
        if lease.ref.namespace == namespace and _holders(lease, origins, namespace):
            return Leadership(Role.STANDS_BY, lease.holder, lease.acquired_at)
    return Leadership()


def role_of(leadership: Leadership, origin: Origin, state: OriginState) -> Role:
    """What a pod of the controller does."""
    if leadership.role is Role.LEADS and not holds(leadership.holder, origin, state):
        return Role.STANDS_BY
    return leadership.role


def holds(holder: str, origin: Origin, state: OriginState) -> bool:
    """Whether an origin's process holds a Lease."""
    return holder == state.identity or (bool(origin.pod) and host_of_holder(holder) == host_of(origin.pod))


def _is_of(lease: LeaseFacts, origins: Mapping[Origin, OriginState], namespace: str, workload: str) -> bool:
    """Whether a pod of the workload holds it. One that was never heard is known by its name, beside its Lease only."""
    if lease.ref.namespace == namespace and workload and workload_of(host_of_holder(lease.holder)) == workload:
        return True
    return any(workload_of(origin.pod) == workload for origin in _holders(lease, origins, namespace))


def _holders(lease: LeaseFacts, origins: Mapping[Origin, OriginState], namespace: str) -> list[Origin]:
    """The origins in a namespace of which one holds the Lease: its containers that were read, over restarts."""
    return [
        origin
        for origin, state in origins.items()
        if origin.namespace == namespace and holds(lease.holder, origin, state)
    ]
