"""Incidents with as little in them as metrics look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from pipeline.engine.incidents import Incident

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def victim(name: str, retries: int | None = 1, **fields: Any) -> dict[str, Any]:
    """A rollout of the namespace shop."""
    return {
        "kind": "rollout",
        "namespace": "shop",
        "name": name,
        "retries": retries,
        "last_retries": retries,
        "retries_per_second": None,
        "failures": 1,
        "first_seen_at": AT,
        "last_seen_at": AT,
        "stuck_since_at": AT,
        "stuck_since_is_estimate": False,
        "recovered_at": None,
        "pace": "failing",
        "last_error": None,
        "is_stale": False,
    } | fields


def incident(*victims: dict[str, Any], failure_class: str = "tls.expired", **fields: Any) -> Incident:
    """An open incident of these victims."""
    cause = {
        "class": failure_class,
        "established": True,
        "basis": "own_error",
        "chain": [],
        "culprit": None,
        "webhook": None,
        "certificate": None,
    }
    nothing = dict.fromkeys(("resolved_at", "merged_into", "runbook_url"))
    empty: dict[str, Any] = {name: [] for name in ("evidence", "timeline", "remediation")}
    return msgspec.convert(
        {
            "id": "i",
            "fingerprint": "f",
            "revision": 1,
            "transition": {"name": "opened", "reason": "retries"},
            "kind": "stuck",
            "status": "open",
            "severity": "warning",
            "title": "",
            "summary": "",
            "cluster": "eu-1",
            "controller": {},
            "opened_at": AT,
            "updated_at": AT,
            "cause": cause,
            "victims": victims,
            "evidence_omitted_count": 0,
            **nothing,
            **empty,
            **fields,
        },
        Incident,
    )
