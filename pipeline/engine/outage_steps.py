"""What to do about a controller that does not renew its Lease: commands with names that are checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parsers.facts.references import ObjectRef
from pipeline.engine.commands import fill_command
from pipeline.engine.incidents import Step
from pipeline.engine.leaders import LOCK

_LEASE: Final = "kubectl -n {lease_namespace} get leases.coordination.k8s.io {lease_name} -o yaml"
_PODS: Final = "kubectl -n {lease_namespace} get pods -l app.kubernetes.io/name=argo-rollouts -o wide"
_LOG: Final = "kubectl -n {lease_namespace} logs -l app.kubernetes.io/name=argo-rollouts --tail=50 --prefix"
_MANAGERS: Final = "kubectl -n {lease_namespace} get pods -l component=kube-controller-manager -o wide"
_MANAGERS_LOG: Final = "kubectl -n {lease_namespace} logs -l component=kube-controller-manager --tail=50 --prefix"


def remediation_of(lease: ObjectRef) -> Iterator[Step]:
    """What to look at, what helps, and how to see that it did."""
    names = {"lease_namespace": lease.namespace, "lease_name": lease.name}
    yield Step("See who holds the Lease, and when it was renewed last", fill_command(_LEASE, names))
    if lease.name == LOCK:
        yield Step("See whether pods of the controller run", fill_command(_PODS, names))
        yield Step("See what they print: a leader that lost its Lease ends with status 0", fill_command(_LOG, names))
        yield Step("If none runs, scale its Deployment up; if one hangs, delete its pod: another one takes the Lease")
    else:
        yield Step("See whether it runs", fill_command(_MANAGERS, names))
        yield Step("See what it prints", fill_command(_MANAGERS_LOG, names))
        yield Step("Where the control plane is managed, nobody but its provider can repair it: ask there")
    yield Step("Check: the Lease is renewed, the numbers come together, and the incident is resolved by itself")
