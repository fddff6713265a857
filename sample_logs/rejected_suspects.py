"""Failures that stand near a time-out that names nobody, each to be rejected for a reason of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class _Webhook(NamedTuple):
    name: str
    service: str
    cause: str
    times: tuple[str, ...]


_FAILING = (
    _Webhook(
        "quota.acme.dev",
        "quota-guard.acme",
        "dial tcp 10.96.14.7:443: connect: connection refused",
        ("08:22:10", "08:24:10", "08:26:10"),
    ),
    _Webhook(
        "images.acme.dev",
        "image-check.acme",
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        ("08:59:50", "09:00:20", "09:00:50", "09:01:20"),
    ),
    _Webhook(
        "labels.acme.dev",
        "label-check.acme",
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time "
        "2026-11-23T09:06:00Z is after 2026-11-23T09:05:00Z",
        ("09:06:00", "09:07:00", "09:08:00"),
    ),
)
"""The rollout is stuck from 09:00:41 on: one was over, one recovered while it was stuck, one began later."""


def rejected_suspects(_: Path) -> dict[str, list[str]]:
    """The log as `kubectl logs --timestamps` gives it; its first and last line say how long it was read."""
    return {"kube-apiserver.log": list(_lines())}


def _lines() -> Iterator[str]:
    yield _line("08:20:00", "I", "secure_serving.go:213", "Serving securely on [::]:6443")
    for webhook in _FAILING:
        text = (
            f'Failed calling webhook, failing closed {webhook.name}: failed calling webhook "{webhook.name}": failed '
            f'to call webhook: Post "https://{webhook.service}.svc:443/validate?timeout=10s": {webhook.cause}'
        )
        yield from (_line(clock, "W", "dispatcher.go:216", text) for clock in webhook.times)
    yield _line("09:20:00", "I", "trace.go:236", 'Trace[1]: "List" url:/api/v1/pods (total time: 512ms)')


def _line(clock: str, level: str, place: str, text: str) -> str:
    return f"2026-11-23T{clock}.104223871Z {level}1123 {clock}.104190       1 {place}] {text}"
