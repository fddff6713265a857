"""An outbox in memory, a sender that answers as it is told, and a clock that stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline.delivery.sending.outbox import Backlog, DeliveryState, OutgoingMessage, PendingDelivery
from pipeline.delivery.sending.outcome import Outcome, OutcomeReason, Verdict
from tests.pipeline.delivery.sending.sent import message

BEGAN_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENT = Outcome(Verdict.DELIVERED, OutcomeReason.ACCEPTED, 200)
FAILED = Outcome(Verdict.RETRY, OutcomeReason.SERVER_ERROR, 500)
REFUSED = Outcome(Verdict.REFUSED, OutcomeReason.REJECTED, 400)
GONE = Outcome(Verdict.GONE, OutcomeReason.GONE, 410)
STOPPED = Outcome(Verdict.RETRY, OutcomeReason.STOPPED)


class StillClock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return BEGAN_AT + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Recorded(msgspec.Struct):
    """A row of the outbox."""

    delivery: PendingDelivery
    receiver: str
    state: DeliveryState = DeliveryState.PENDING
    outcomes: list[Outcome] = []


class MemoryOutbox:
    """Rows of several receivers. `trouble` is raised by the next calls of the named method."""

    def __init__(self) -> None:
        self.rows: dict[int, Recorded] = {}
        self.disabled: dict[str, str] = {}
        self.trouble: dict[str, list[Exception | None]] = {}
        self.changed = threading.Condition()

    def put(self, *incidents: str, receiver: str = "oncall", created_at: datetime = BEGAN_AT) -> int:
        """A new row; gives its number."""
        number = len(self.rows) + 1
        delivery = PendingDelivery(number, f"msg_{number}", frozenset(incidents or {f"i{number}"}), 0, None, created_at)
        self.rows[number] = Recorded(delivery, receiver)
        return number

    def states(self) -> list[DeliveryState]:
        """Of all rows, in their order."""
        return [row.state for row in self.rows.values()]

    def pending(self, receiver: str, limit: int) -> Sequence[PendingDelivery]:
        self._fail("pending")
        rows = [row for row in self.rows.values() if row.receiver == receiver]
        return [row.delivery for row in rows if row.state is DeliveryState.PENDING][:limit]

    def begin(self, number: int) -> OutgoingMessage | None:
        self._fail("begin")
        row = self.rows[number]
        if row.state is not DeliveryState.PENDING:
            return None
        row.delivery = msgspec.structs.replace(row.delivery, attempts=row.delivery.attempts + 1)
        return message(number, attempts=row.delivery.attempts)

    def finish(self, number: int, outcome: Outcome, state: DeliveryState, next_attempt_at: datetime | None) -> None:
        self._fail("finish")
        row = self.rows[number]
        with self.changed:
            row.delivery = msgspec.structs.replace(row.delivery, next_attempt_at=next_attempt_at)
            row.state = state
            row.outcomes = [*row.outcomes, outcome]
            self.changed.notify_all()

    def is_disabled(self, receiver: str) -> bool:
        return receiver in self.disabled

    def disable(self, receiver: str, reason: str, at: datetime) -> None:
        self._fail("disable")
        self.disabled[receiver] = reason

    def backlog(self, receiver: str) -> Backlog:
        waiting = self.pending(receiver, 1_000_000)
        dead = [row for row in self.rows.values() if row.state is DeliveryState.DEAD and row.receiver == receiver]
        return Backlog(len(waiting), min((each.created_at for each in waiting), default=None), len(dead))

    def wait_for(self, is_so: Callable[[], bool], seconds: float = 60.0) -> bool:
        """Whether it became so after some `finish`."""
        with self.changed:
            return self.changed.wait_for(is_so, seconds)

    def _fail(self, method: str) -> None:
        if troubles := self.trouble.get(method):
            trouble = troubles.pop(0)
            if trouble is not None:
                raise trouble


class ScriptedSender:
    """Answers with what it was given, then with success."""

    def __init__(self, outcomes: Iterable[Outcome | Exception] = (), clock: StillClock | None = None) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[OutgoingMessage] = []
        self.is_closed = False
        self._clock = clock

    @property
    def numbers(self) -> list[int]:
        """Of the messages that were sent."""
        return [each.number for each in self.sent]

    def send(self, sent: OutgoingMessage, at: datetime) -> Outcome:
        self.sent.append(sent)
        outcome = self.outcomes.pop(0) if self.outcomes else SENT
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def stop(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class HangingSender(ScriptedSender):
    """Hangs in each attempt until it is cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self._cut_off = threading.Event()

    def send(self, sent: OutgoingMessage, at: datetime) -> Outcome:
        self.sent.append(sent)
        self.begun.set()
        self._cut_off.wait(120)
        return STOPPED

    def stop(self) -> None:
        self._cut_off.set()


class Watching:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, Outcome, DeliveryState]] = []
        self.backlogs: dict[str, Backlog] = {}
        self.receivers: dict[str, tuple[bool, bool]] = {}

    def count_attempt(self, receiver: str, outcome: Outcome, state: DeliveryState) -> None:
        self.attempts.append((receiver, outcome, state))

    def set_backlog(self, receiver: str, backlog: Backlog) -> None:
        self.backlogs[receiver] = backlog

    def set_receiver(self, receiver: str, *, is_disabled: bool, is_failing: bool) -> None:
        self.receivers[receiver] = (is_disabled, is_failing)

    def forget_receiver(self, receiver: str) -> None:
        self.receivers.pop(receiver, None)
