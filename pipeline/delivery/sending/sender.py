"""One way to a receiver: what the receiver's thread knows of it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pipeline.delivery.sending.outbox import OutgoingMessage
from pipeline.delivery.sending.outcome import Outcome


class Sender(Protocol):
    """Sends messages to one receiver, one at a time, on one thread."""

    def send(self, message: OutgoingMessage, at: datetime) -> Outcome:
        """Make one attempt; it ends within the receiver's `total_seconds`. What may go wrong is an outcome.

        Args:
            message: What to send.
            at: Now.
        """

    def stop(self) -> None:
        """End an attempt that goes on, and make no other. From any thread."""

    def close(self) -> None:
        """Let go of connections. On the thread that sends."""
