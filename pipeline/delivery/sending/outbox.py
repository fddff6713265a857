"""What sending needs of the store: notifications that wait, and a place for what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pipeline.delivery.sending.outcome import Outcome
from pipeline.store.deliveries import (
    AttemptResult,
    Backlog,
    DeliveryQueue,
    DeliveryState,
    OutgoingMessage,
    PendingDelivery,
)

__all__ = ["Backlog", "DeliveryState", "Outbox", "OutgoingMessage", "PendingDelivery", "StoredOutbox"]


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


class StoredOutbox:
    """The outbox in the store."""

    def __init__(self, queue: DeliveryQueue) -> None:
        self._queue = queue
        self.pending = queue.pending
        self.begin = queue.begin
        self.is_disabled = queue.is_disabled
        self.disable = queue.disable
        self.backlog = queue.backlog

    def finish(self, number: int, outcome: Outcome, state: DeliveryState, next_attempt_at: datetime | None) -> None:
        """Record what became of an attempt."""
        result = AttemptResult(state, outcome.status, outcome.reason.value, outcome.detail, next_attempt_at)
        self._queue.finish(number, result)
