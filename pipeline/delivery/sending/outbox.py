"""What sending needs of the store: notifications that wait, and a place for what became of them."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from pipeline.delivery.sending.outcome import Outcome


class DeliveryState(enum.Enum):
    """Where a notification is on its way to one receiver."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"  # given up: a dead letter, until somebody sends it again
    SUPERSEDED = "superseded"  # never sent: a later one says more


class PendingDelivery(msgspec.Struct, frozen=True):
    """A notification that waits to be sent."""

    number: int  # its place in the order of commits
    id: str  # `webhook-id`
    incidents: frozenset[str]  # ids of the incidents that it tells of
    attempts: int  # begun so far
    next_attempt_at: datetime | None  # None: at once
    created_at: datetime  # since when it is tried: its commit, or the last redrive


class OutgoingMessage(msgspec.Struct, frozen=True):
    """What is sent: the same bytes at every attempt."""

    number: int
    id: str
    body: bytes
    content_type: str
    key_field: str | None = None
    attempts: int = 1  # this one included


class Backlog(msgspec.Struct, frozen=True):
    """What waits for one receiver."""

    pending_count: int = 0
    oldest_at: datetime | None = None  # when the oldest of them was committed
    dead_count: int = 0


class Outbox(Protocol):
    """The notifications of all receivers. Each thread of a receiver calls it; calls may take as long as a statement.

    Every method raises StoreUnavailableError where the store is away, and StoreError where it refuses.
    """

    def pending(self, receiver: str, limit: int) -> Sequence[PendingDelivery]:
        """The oldest that wait, in the order of their numbers."""

    def begin(self, number: int) -> OutgoingMessage | None:
        """Count an attempt, in a transaction that holds the claim's epoch; None: it does not wait any more.

        Raises:
            ClaimLostError: Another process is active now: nothing may be sent.
            CommitUnknownError: Whether the attempt was counted is not known.
        """

    def finish(self, number: int, outcome: Outcome, state: DeliveryState, next_attempt_at: datetime | None) -> None:
        """Record what became of the attempt; doing so twice is the same as once.

        Raises:
            ClaimLostError: Another process is active now: it will send this one again, under the same id.
            CommitUnknownError: Whether it was recorded is not known.
        """

    def is_disabled(self, receiver: str) -> bool:
        """Whether the receiver said that it is gone, or somebody switched it off."""

    def disable(self, receiver: str, reason: str, at: datetime) -> None:
        """Send nothing more there until somebody enables it.

        Raises:
            ClaimLostError: Another process is active now.
            CommitUnknownError: Whether it was recorded is not known.
        """

    def backlog(self, receiver: str) -> Backlog:
        """How much waits, and how much was given up."""
