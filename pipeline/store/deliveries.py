"""Notifications on their way: what the threads of receivers take out of the store, and what they write back."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from pipeline.store import claims
from pipeline.store.connections import Database
from pipeline.store.tables import deliveries, delivery_incidents, disabled_receivers


class DeliveryState(enum.Enum):
    """What became of a notification."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"  # nobody tries any more, until it is redriven
    SUPERSEDED = "superseded"  # a newer one says it all, and nobody had tried to send this one


class PendingDelivery(msgspec.Struct, frozen=True):
    """A notification that waits."""

    number: int
    id: str
    incidents: frozenset[str]
    attempts: int
    next_attempt_at: datetime | None  # None: at once
    created_at: datetime  # since when it is tried: its commit, or the last redrive


class OutgoingMessage(msgspec.Struct, frozen=True):
    """What is sent now."""

    number: int
    id: str  # `webhook-id`
    body: bytes
    content_type: str
    key_field: str | None = None
    attempts: int = 1  # this one included


class AttemptResult(msgspec.Struct, frozen=True):
    """What an attempt came to, as it is stored and shown: without secrets."""

    state: DeliveryState
    status: int | None
    reason: str
    detail: str
    next_attempt_at: datetime | None = None


class Backlog(msgspec.Struct, frozen=True):
    """What waits for one receiver."""

    pending_count: int = 0
    oldest_at: datetime | None = None  # when the oldest of them was committed
    dead_count: int = 0


class DeliveryQueue:
    """Under one epoch of the claim; usable from any thread. Every method raises StoreUnavailableError."""

    def __init__(self, database: Database, epoch: int) -> None:
        self._database = database
        self._epoch = epoch

    def pending(self, receiver: str, limit: int) -> Sequence[PendingDelivery]:
        """What waits for a receiver, in the order in which it happened."""
        table = deliveries.c
        query = (
            select(table.number, table.id, table.attempts, table.next_attempt_at, table.tried_since_at)
            .where(table.receiver == receiver, table.state == DeliveryState.PENDING.value)
            .order_by(table.number)
            .limit(limit)
        )
        with self._database.reading("look for notifications") as connection:
            rows = connection.execute(query).all()
            incidents = _incidents_of(connection, [row.number for row in rows])
        return [
            PendingDelivery(
                row.number,
                row.id,
                frozenset(incidents[row.number]),
                row.attempts,
                row.next_attempt_at,
                row.tried_since_at,
            )
            for row in rows
        ]

    def begin(self, number: int) -> OutgoingMessage | None:
        """Count an attempt, and give what is to be sent; None: it does not wait any more.

        Raises:
            ClaimLostError: Somebody else sends now.
            CommitUnknownError: Whether the attempt is counted is not known; nothing may be sent.
        """
        table = deliveries.c
        with self._database.writing("begin to send") as connection:
            claims.require_epoch(connection, self._epoch)
            row = connection.execute(
                update(deliveries)
                .where(table.number == number, table.state == DeliveryState.PENDING.value)
                .values(attempts=table.attempts + 1)
                .returning(table.id, table.body, table.content_type, table.key_field, table.attempts)
            ).one_or_none()
        return None if row is None else OutgoingMessage(number, *row)

    def finish(self, number: int, result: AttemptResult) -> None:
        """Write down what became of it; twice is the same as once. That it arrived is true whoever is active now.

        Raises:
            ClaimLostError: Somebody else sends now, and will send this one again.
            CommitUnknownError: Whether it was written down is not known.
        """
        table = deliveries.c
        ended_at = None if result.state is DeliveryState.PENDING else datetime.now(UTC)
        with self._database.writing("note an attempt") as connection:
            if result.state is not DeliveryState.SENT:
                claims.require_epoch(connection, self._epoch)
            connection.execute(
                update(deliveries)
                .where(table.number == number, table.state == DeliveryState.PENDING.value)
                .values(
                    state=result.state.value,
                    last_status=result.status,
                    last_reason=result.reason,
                    last_detail=result.detail,
                    next_attempt_at=result.next_attempt_at,
                    ended_at=ended_at,
                )
            )

    def is_disabled(self, receiver: str) -> bool:
        """Whether a receiver has said that it is gone for good."""
        with self._database.reading("look for receivers that are gone") as connection:
            found = connection.scalar(select(disabled_receivers.c.name).where(disabled_receivers.c.name == receiver))
        return found is not None

    def disable(self, receiver: str, reason: str, at: datetime) -> None:
        """Send nothing more to a receiver until somebody enables it.

        Raises:
            ClaimLostError: Somebody else sends now.
            CommitUnknownError: Whether it was written down is not known.
        """
        with self._database.writing("disable a receiver") as connection:
            claims.require_epoch(connection, self._epoch)
            connection.execute(delete(disabled_receivers).where(disabled_receivers.c.name == receiver))
            connection.execute(insert(disabled_receivers).values(name=receiver, reason=reason, disabled_at=at))

    def backlog(self, receiver: str) -> Backlog:
        """What waits for a receiver, and what was given up."""
        table = deliveries.c
        states = (DeliveryState.PENDING.value, DeliveryState.DEAD.value)
        query = (
            select(table.state, func.count(), func.min(table.created_at))
            .where(table.receiver == receiver, table.state.in_(states))
            .group_by(table.state)
        )
        with self._database.reading("count notifications") as connection:
            found = {state: (count, oldest) for state, count, oldest in connection.execute(query)}
        pending, oldest = found.get(states[0], (0, None))
        dead, _ = found.get(states[1], (0, None))
        return Backlog(pending, oldest, dead)


def _incidents_of(connection: Connection, numbers: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {number: [] for number in numbers}
    if numbers:
        table = delivery_incidents.c
        rows = connection.execute(select(table.number, table.incident_id).where(table.number.in_(numbers)))
        for number, incident in rows:
            found[number].append(incident)
    return found
