"""What tests put into a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.engine.incidents import CauseFacts, ControllerFacts, Incident, Transition, Victim
from pipeline.store.records import Area, Commit, StatePart, StoredPosition

NOW = datetime(2026, 11, 23, 15, 54, 34, tzinfo=UTC)
CLAIMED = 60.0


def incident(identity: str = "beab67897846fb9769f0", *, revision: int = 1, status: str = "open") -> Incident:
    """An incident with one victim."""
    victim = Victim(
        kind="rollout",
        namespace="production",
        name="api",
        retries=371,
        last_retries=371,
        retries_per_second=0.1,
        failures=351,
        first_seen_at=NOW,
        last_seen_at=NOW,
        stuck_since_at=NOW,
        stuck_since_is_estimate=False,
        recovered_at=None,
        pace="failing",
        last_error="x509: certificate has expired",
        is_stale=False,
    )
    cause = CauseFacts(
        failure_class="tls.expired",
        established=True,
        basis="own_error",
        chain=("x509: certificate has expired",),
        culprit=None,
        webhook=None,
        certificate=None,
    )
    at = NOW + timedelta(seconds=revision)
    return Incident(
        id=identity,
        fingerprint="34aea2421d308cf1",
        revision=revision,
        transition=Transition("opened" if revision == 1 else "updated", "runaway"),
        kind="stuck",
        status=status,
        severity="critical",
        title="rollout production/api is stuck: certificate has expired",
        summary="Stuck. \U0001f512 <&>",
        cluster="eu-1",
        controller=ControllerFacts(),
        opened_at=NOW,
        updated_at=at,
        resolved_at=None if status == "open" else at,
        merged_into=None,
        cause=cause,
        victims=(victim,),
        evidence=(),
        evidence_omitted_count=0,
        timeline=(),
        remediation=(),
        runbook_url=None,
    )


def part(name: str, value: bytes | None = b"\x00\xff") -> StatePart:
    """A piece of an engine's state."""
    return StatePart(Area.ENGINE, "eu-1", name, value)


def position(stream: str, offset: int) -> StoredPosition:
    """A place in a topic."""
    return StoredPosition("kafka", stream, b'{"offset":%d}' % offset)


def batch(number: int, *, parts: int = 10) -> Commit:
    """A commit in which everything says the same number."""
    return Commit(
        at=NOW,
        parts=tuple(part(f"key {index}", b"%d" % number) for index in range(parts)),
        positions=(position("logs/0", number), position("logs/1", number)),
        incidents=(incident(revision=number),),
    )
