"""Leases: who leads, and since when.

Source: k8s.io/api v0.30 coordination/v1.
"""

from __future__ import annotations

from parsers.facts.leases import LeaseFacts
from parsers.objects.members import Object, number_at, ref_of, text_at, time_at


def read_lease(document: Object) -> LeaseFacts:
    """Read a Lease."""
    return LeaseFacts(
        ref=ref_of(document),
        holder=text_at(document, "spec", "holderIdentity"),
        acquired_at=time_at(document, "spec", "acquireTime"),
        renewed_at=time_at(document, "spec", "renewTime"),
        transitions=number_at(document, "spec", "leaseTransitions"),
    )
