"""What is sent to one receiver, when, and in which order. It decides; the thread around it waits.

A message may only leave when no earlier one that waits for this receiver tells of one of its incidents.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.backoff import pause_seconds
from pipeline.delivery.sending.breaker import Breaker
from pipeline.delivery.sending.clock import Clock
from pipeline.delivery.sending.observer import SendingObserver
from pipeline.delivery.sending.outbox import DeliveryState, Outbox, OutgoingMessage, PendingDelivery
from pipeline.delivery.sending.outcome import Outcome, OutcomeReason, Verdict
from pipeline.delivery.sending.sender import Sender
from pipeline.own_log.loggers import get_logger

POLL_SECONDS = 1.0
"""The outbox is looked at so often, also where nobody says that there is something new."""
BACKLOG_SECONDS = 5.0
"""What waits is counted so often."""
MAX_ROWS = 1_000
"""Messages that are looked at in one step: the oldest ones."""

_log = get_logger("delivery")


class _Ended(msgspec.Struct, frozen=True):
    """An attempt that ended, and what is to be recorded of it."""

    number: int
    outcome: Outcome
    state: DeliveryState
    next_attempt_at: datetime | None


class ReceiverLoop:
    """Sends to one receiver, a step at a time. For one thread; what is read from other threads is whole values."""

    def __init__(
        self,
        settings: ReceiverSettings,
        outbox: Outbox,
        sender: Sender,
        *,
        observer: SendingObserver,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self._settings, self._outbox, self._sender = settings, outbox, sender
        self._observer, self._clock, self._chance = observer, clock, chance
        self._breaker = Breaker(chance)
        self._unrecorded: _Ended | None = None
        self._counted_at = float("-inf")
        self.is_stopping = False
        self.is_disabled = False
        self.last_outcome: Outcome | None = None
        self.last_attempt_at: datetime | None = None

    @property
    def failures(self) -> int:
        """In a row."""
        return self._breaker.failures

    @property
    def is_failing(self) -> bool:
        """Whether one attempt is made at a time, with a pause before each."""
        return self._breaker.is_failing

    def step(self) -> float:
        """Send what can be sent now; gives the seconds to wait before the next step.

        Raises:
            ClaimLostError: Another process is active now: no step may follow.
            StoreError: The store is away or refuses; the next step goes on where this one ended.
        """
        self._record()
        self.is_disabled = self._outbox.is_disabled(self._settings.name)
        attempts = 0
        if not self.is_disabled and self._is_open():
            attempts = self._send_what_is_due(self._outbox.pending(self._settings.name, MAX_ROWS))
        self._tell()
        pause = self._breaker.wait_seconds(self._clock.monotonic())
        if attempts and not pause:
            return 0.0  # there may be more than was looked at
        return min(POLL_SECONDS, pause or POLL_SECONDS)

    def _is_open(self) -> bool:
        return not self.is_stopping and self._breaker.wait_seconds(self._clock.monotonic()) == 0.0

    def _send_what_is_due(self, waiting: Sequence[PendingDelivery]) -> int:
        """In their order; gives the number of attempts."""
        attempts = 0
        blocked: set[str] = set()
        for each in waiting:
            if self.is_disabled or not self._is_open():
                break
            if not blocked.isdisjoint(each.incidents) or not self._is_due(each):
                blocked |= each.incidents
                continue
            attempts += 1
            if self._deliver(each) is DeliveryState.PENDING:
                blocked |= each.incidents
        return attempts

    def _is_due(self, delivery: PendingDelivery) -> bool:
        return delivery.next_attempt_at is None or delivery.next_attempt_at <= self._clock.now()

    def _deliver(self, delivery: PendingDelivery) -> DeliveryState:
        message = self._outbox.begin(delivery.number)
        if message is None:
            return DeliveryState.SUPERSEDED
        at = self._clock.now()
        outcome = self._attempt(message, at)
        self.last_outcome, self.last_attempt_at = outcome, at
        state = self._state_after(delivery, outcome)
        self._unrecorded = _Ended(message.number, outcome, state, self._next_attempt_at(message, outcome, state))
        self._tell_attempt(message, outcome, state)
        if outcome.verdict is Verdict.GONE:
            self._disable(message, outcome, at)
        self._record()
        return state

    def _attempt(self, message: OutgoingMessage, at: datetime) -> Outcome:
        try:
            outcome = self._sender.send(message, at)
        except Exception:  # noqa: BLE001 - the delivery loop: one message that breaks us must not end it
            _log.exception("delivery.broke", receiver=self._settings.name, id=message.id)
            outcome = Outcome(Verdict.RETRY, OutcomeReason.OWN_FAULT, detail="a fault of whystuck's: see its log")
        if outcome.verdict is not Verdict.RETRY:
            self._breaker.succeed()
        elif outcome.reason is not OutcomeReason.STOPPED:
            self._breaker.fail(self._clock.monotonic(), outcome.retry_after_seconds)
        return outcome

    def _state_after(self, delivery: PendingDelivery, outcome: Outcome) -> DeliveryState:
        if outcome.verdict is Verdict.DELIVERED:
            return DeliveryState.SENT
        if outcome.verdict is Verdict.REFUSED:
            return DeliveryState.DEAD
        if outcome.verdict is Verdict.GONE or outcome.reason is OutcomeReason.STOPPED:
            return DeliveryState.PENDING
        is_given_up = self._clock.now() - delivery.created_at >= timedelta(seconds=self._settings.give_up_seconds)
        return DeliveryState.DEAD if is_given_up else DeliveryState.PENDING

    def _next_attempt_at(self, message: OutgoingMessage, outcome: Outcome, state: DeliveryState) -> datetime | None:
        """None: at once, as soon as somebody sends again."""
        if state is not DeliveryState.PENDING or outcome.verdict is Verdict.GONE:
            return None
        if outcome.reason is OutcomeReason.STOPPED:
            return None
        pause = pause_seconds(message.attempts, self._chance, outcome.retry_after_seconds)
        return self._clock.now() + timedelta(seconds=pause)

    def _disable(self, message: OutgoingMessage, outcome: Outcome, at: datetime) -> None:
        self.is_disabled = True
        self._outbox.disable(self._settings.name, outcome.reason.value, at)
        _log.error("receiver.disabled", receiver=self._settings.name, id=message.id, error="it answered 410 Gone")

    def _record(self) -> None:
        """Record the last attempt; where that fails nothing else is sent before: it would be sent twice."""
        ended = self._unrecorded
        if ended is not None:
            self._outbox.finish(ended.number, ended.outcome, ended.state, ended.next_attempt_at)
            self._unrecorded = None

    def _tell_attempt(self, message: OutgoingMessage, outcome: Outcome, state: DeliveryState) -> None:
        self._observer.count_attempt(self._settings.name, outcome, state)
        fields = {
            "receiver": self._settings.name, "id": message.id, "reason": outcome.reason.value,
            "status": outcome.status, "attempts": message.attempts,
        }  # fmt: skip
        if state is DeliveryState.DEAD:
            _log.error("delivery.given_up", error=outcome.detail or outcome.reason.value, **fields)
        elif outcome.verdict is not Verdict.DELIVERED:
            _log.warning("delivery.failed", error=outcome.detail or outcome.reason.value, **fields)
        elif outcome.detail:
            _log.warning("delivery.partly_refused", error=outcome.detail, **fields)
        else:
            _log.info("delivery.sent", took_seconds=round(outcome.took_seconds, 3), **fields)

    def _tell(self) -> None:
        name = self._settings.name
        self._observer.set_receiver(name, is_disabled=self.is_disabled, is_failing=self.is_failing)
        if self._clock.monotonic() - self._counted_at >= BACKLOG_SECONDS:
            self._observer.set_backlog(name, self._outbox.backlog(name))
            self._counted_at = self._clock.monotonic()
