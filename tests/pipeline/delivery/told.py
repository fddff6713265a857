"""What tests tell receivers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from pipeline.delivery.notification import Notification, Occasion
from pipeline.engine.incidents import Incident

OPENED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOLD_AT = OPENED_AT + timedelta(minutes=2)
RUNBOOK = "https://example.com/causes/tls.expired"


def told_incident(identity: str = "beab67897846fb9769f0", **fields: Any) -> Incident:
    """An open incident with one victim and one line of evidence."""
    victim = {
        "kind": "rollout", "namespace": "production", "name": "api", "retries": 371, "last_retries": 371,
        "retries_per_second": 0.1, "failures": 351, "first_seen_at": OPENED_AT, "last_seen_at": OPENED_AT,
        "stuck_since_at": OPENED_AT, "stuck_since_is_estimate": False, "recovered_at": None, "pace": "failing",
        "last_error": "x509: certificate has expired", "is_stale": False,
    }  # fmt: skip
    culprit = {"kind": "Service", "name": "guard", "namespace": "tools", "host": "guard.tools.svc:443"}
    cause = {
        "class": "tls.expired", "established": True, "basis": "own_error", "chain": ["x509: certificate has expired"],
        "culprit": culprit, "webhook": None, "certificate": None,
    }  # fmt: skip
    evidence = {
        "at": OPENED_AT,
        "text": "x509: certificate has expired",
        "rule": "tls.expired",
        "provenance": {"source": "controller.log", "line": 7},
    }
    values = {
        "id": identity, "fingerprint": "f1", "revision": 1, "transition": {"name": "opened", "reason": "runaway"},
        "kind": "stuck", "status": "open", "severity": "critical",
        "title": "rollout production/api is stuck: the certificate of tools/guard has expired",
        "summary": "The rollout is retried without end. The webhook's certificate has expired.",
        "cluster": "eu-1", "controller": {}, "opened_at": OPENED_AT, "updated_at": OPENED_AT, "resolved_at": None,
        "merged_into": None, "cause": cause, "victims": [victim], "evidence": [evidence],
        "evidence_omitted_count": 350, "timeline": [], "remediation": [{"step": "Renew the certificate."}],
        "runbook_url": RUNBOOK,
    }  # fmt: skip
    return msgspec.convert(values | fields, Incident)


def resolved_incident() -> Incident:
    """The same an hour later."""
    end = OPENED_AT + timedelta(minutes=1)
    return told_incident(status="resolved", resolved_at=end, transition={"name": "resolved", "reason": "passed"})


def told(
    *incidents: Incident, occasion: Occasion = Occasion.OPENED, omitted_count: int = 0, group: str | None = None
) -> Notification:
    """One notification."""
    those: Sequence[Incident] = incidents or (told_incident(),)
    return Notification(
        id="msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        receiver="oncall",
        occasion=occasion,
        at=TOLD_AT,
        incidents=tuple(those),
        group=group or those[0].id,
        omitted_count=omitted_count,
    )
