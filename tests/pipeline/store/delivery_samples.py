"""Notifications that tests put into a store."""

from __future__ import annotations

from pipeline.store.records import PlannedDelivery


def notification(
    identity: str, receiver: str, *incidents: tuple[str, int], occasion: str = "opened", problem: str = "",
    supersedes: bool = False,
) -> PlannedDelivery:  # fmt: skip
    """One that tells of some incidents; one with a problem has no bytes."""
    return PlannedDelivery(
        id=identity,
        receiver=receiver,
        group="-".join(name for name, _ in incidents),
        occasion=occasion,
        incidents=incidents,
        body=b"" if problem else b'{"id":"%s"}' % identity.encode(),
        content_type="application/json",
        supersedes=supersedes,
        problem=problem,
    )
