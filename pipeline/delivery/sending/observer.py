"""What is told of sending while it goes on: the metrics listen."""

from __future__ import annotations

from typing import Protocol

from pipeline.delivery.sending.outbox import Backlog, DeliveryState
from pipeline.delivery.sending.outcome import Outcome


class SendingObserver(Protocol):
    """Is told; called from the threads of all receivers."""

    def count_attempt(self, receiver: str, outcome: Outcome, state: DeliveryState) -> None:
        """An attempt ended, and the message is in this state now."""

    def set_backlog(self, receiver: str, backlog: Backlog) -> None:
        """What waits for the receiver now."""

    def set_receiver(self, receiver: str, *, is_disabled: bool, is_failing: bool) -> None:
        """Whether anything is sent to the receiver now: it is gone, or there is a pause after failures."""

    def forget_receiver(self, receiver: str) -> None:
        """Nothing is sent there by this process any more."""
