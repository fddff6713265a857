"""Metrics of sending: what becomes of messages, how receivers are doing. Moved from the threads of all receivers."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

from pipeline.delivery.sending.outbox import Backlog, DeliveryState
from pipeline.delivery.sending.outcome import Outcome
from pipeline.metrics.families import BoundedLabel, SnapshotGauge

ATTEMPT_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds: from a neighbour to the time limit of an attempt."""

_ENDS = (DeliveryState.SENT, DeliveryState.DEAD)


class _ByReceiver:
    """A gauge with one series a receiver, which its thread sets."""

    def __init__(self, name: str, documentation: str, registry: CollectorRegistry) -> None:
        self._gauge = SnapshotGauge(f"whystuck_{name}", documentation, ("receiver",), registry)
        self._values: Mapping[tuple[str, ...], float] = {}

    def set(self, receiver: str, value: float | None) -> None:
        """The value from now on; None: no series."""
        others = {labels: each for labels, each in self._values.items() if labels != (receiver,)}
        self._values = others if value is None else others | {(receiver,): value}
        self._gauge.replace(self._values)


class DeliveryMetrics:
    """Listens to sending; every method may be called from any thread."""

    def __init__(self, registry: CollectorRegistry, max_label_values: int) -> None:
        """Start at zero.

        Args:
            registry: Where the series are.
            max_label_values: Receivers with series of their own.
        """
        self._lock = threading.Lock()
        self._label = BoundedLabel(max_label_values)
        self._attempts = Counter(
            "whystuck_delivery_attempts", "Attempts to deliver, by outcome.", ("receiver", "outcome"), registry=registry
        )
        self._ended = Counter(
            "whystuck_deliveries", "Messages delivered or given up.", ("receiver", "state"), registry=registry
        )
        self._seconds = Histogram(
            "whystuck_delivery_attempt_seconds", "How long attempts take.", ("receiver",),
            buckets=ATTEMPT_BUCKETS, registry=registry,
        )  # fmt: skip
        self._pending = _ByReceiver("pending_deliveries", "Messages that wait.", registry)
        self._oldest = _ByReceiver(
            "oldest_pending_delivery_timestamp_seconds", "When the oldest of them was committed.", registry
        )
        self._dead = _ByReceiver("dead_letters", "Messages given up and not sent again.", registry)
        self._disabled = _ByReceiver("receiver_disabled", "Whether nothing is sent there.", registry)
        self._failing = _ByReceiver("receiver_failing", "Whether there are pauses after failures.", registry)

    def count_attempt(self, receiver: str, outcome: Outcome, state: DeliveryState) -> None:
        """An attempt ended, and the message is in this state now."""
        label = self._label_of(receiver)
        self._attempts.labels(label, outcome.reason.value).inc()
        self._seconds.labels(label).observe(outcome.took_seconds)
        if state in _ENDS:
            self._ended.labels(label, state.value).inc()

    def set_backlog(self, receiver: str, backlog: Backlog) -> None:
        """What waits for the receiver now."""
        label = self._label_of(receiver)
        with self._lock:
            self._pending.set(label, backlog.pending_count)
            self._oldest.set(label, None if backlog.oldest_at is None else backlog.oldest_at.timestamp())
            self._dead.set(label, backlog.dead_count)

    def set_receiver(self, receiver: str, *, is_disabled: bool, is_failing: bool) -> None:
        """Whether anything is sent to the receiver now."""
        label = self._label_of(receiver)
        for each in _ENDS:
            self._ended.labels(label, each.value)
        with self._lock:
            self._disabled.set(label, is_disabled)
            self._failing.set(label, is_failing)

    def forget_receiver(self, receiver: str) -> None:
        """Nothing is sent there by this process any more."""
        label = self._label_of(receiver)
        with self._lock:
            for gauge in (self._pending, self._oldest, self._dead, self._disabled, self._failing):
                gauge.set(label, None)

    def _label_of(self, receiver: str) -> str:
        with self._lock:
            return self._label(receiver)
