"""What is sent to one receiver, when, and in which order."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from pipeline.delivery.sending.breaker import FAILURES_BEFORE_PAUSE
from pipeline.delivery.sending.outbox import Backlog, DeliveryState
from pipeline.delivery.sending.outcome import Outcome, OutcomeReason
from pipeline.delivery.sending.receiver_loop import POLL_SECONDS, ReceiverLoop
from pipeline.errors import ClaimLostError, CommitUnknownError, StoreUnavailableError
from tests.pipeline.delivery.sending.fakes import (
    BEGAN_AT,
    FAILED,
    GONE,
    REFUSED,
    SENT,
    STOPPED,
    MemoryOutbox,
    ScriptedSender,
    StillClock,
    Watching,
)
from tests.pipeline.delivery.sending.sent import receiver

PENDING, DONE, DEAD = DeliveryState.PENDING, DeliveryState.SENT, DeliveryState.DEAD


class Scene:
    """A loop with everything around it."""

    def __init__(self, outcomes: Iterable[Outcome | Exception] = (), **settings: Any) -> None:
        self.clock, self.outbox, self.watching = StillClock(), MemoryOutbox(), Watching()
        self.sender = ScriptedSender(outcomes)
        self.loop = ReceiverLoop(
            receiver(**settings), self.outbox, self.sender,
            observer=self.watching, clock=self.clock, chance=random.Random(7),
        )  # fmt: skip

    def run(self, seconds: float = 0.0) -> None:
        """Steps, for so long."""
        ends_at = self.clock.seconds + seconds
        while True:
            pause = self.loop.step()
            if pause and self.clock.seconds >= ends_at:
                return
            self.clock.seconds += pause


def test_messages_are_sent_in_their_order() -> None:
    """Each once."""
    scene = Scene()
    for _ in range(3):
        scene.outbox.put("a")
    scene.run()

    assert ([1, 2, 3], [DONE] * 3) == (scene.sender.numbers, scene.outbox.states())


def test_a_failure_holds_back_what_tells_of_the_same_incident() -> None:
    """Also of an incident that is only connected through another message; nothing else."""
    scene = Scene([FAILED])
    for incidents in (["a"], ["b"], ["a", "c"], ["c"], ["d"]):
        scene.outbox.put(*incidents)
    scene.loop.step()
    assert [1, 2, 5] == scene.sender.numbers

    scene.run(10)
    assert [1, 2, 5, 1, 3, 4] == scene.sender.numbers


def test_what_is_given_up_holds_nothing_back() -> None:
    """The next revision may be one that the receiver takes."""
    scene = Scene([REFUSED])
    scene.outbox.put("a")
    scene.outbox.put("a")
    scene.run()

    assert [DEAD, DONE] == scene.outbox.states()


def test_a_repetition_waits() -> None:
    """At least a second, and what the receiver asks for where that is longer."""
    asked = msgspec.structs.replace(FAILED, retry_after_seconds=100.0)
    scene = Scene([FAILED, asked])
    scene.outbox.put()
    scene.loop.step()
    first = scene.outbox.rows[1].delivery.next_attempt_at
    assert first is not None
    assert BEGAN_AT + timedelta(seconds=1) <= first <= BEGAN_AT + timedelta(seconds=2)

    scene.run(10)
    assert 2 == len(scene.sender.sent)
    scene.run(100)
    assert (3, [DONE]) == (len(scene.sender.sent), scene.outbox.states())


def test_what_the_receiver_asks_for_counts_for_all_that_waits() -> None:
    """It is too busy, not too busy for one message."""
    scene = Scene([msgspec.structs.replace(FAILED, retry_after_seconds=100.0)])
    scene.outbox.put()
    scene.outbox.put()
    scene.run(90)
    assert [1] == scene.sender.numbers

    scene.run(20)
    assert [DONE, DONE] == scene.outbox.states()


def test_a_receiver_that_fails_is_asked_rarely() -> None:
    """Five failures in a row, then one attempt after each pause, whatever waits; a success ends that."""
    scene = Scene([FAILED] * 8)
    for _ in range(20):
        scene.outbox.put()
    scene.loop.step()
    assert (FAILURES_BEFORE_PAUSE, True) == (len(scene.sender.sent), scene.loop.is_failing)

    counts = []
    while scene.loop.is_failing:
        scene.run(1)
        counts.append(len(scene.sender.sent))
    assert {5, 6, 7, 8} <= set(counts), "one at a time"
    scene.run(300)
    assert [DONE] * 20 == scene.outbox.states()


def test_a_dead_receiver_is_asked_at_least_every_five_minutes() -> None:
    """So a recovery is noticed within that."""
    scene = Scene([FAILED] * 1000)
    scene.outbox.put()
    for _ in range(20):
        before = len(scene.sender.sent)
        scene.run(602)
        assert 2 <= len(scene.sender.sent) - before < 200


def test_what_cannot_be_delivered_for_long_is_given_up() -> None:
    """After the time of the settings, with the reason of the last attempt."""
    scene = Scene([FAILED] * 1000, give_up_seconds=600.0)
    scene.outbox.put()
    scene.run(500)
    assert [PENDING] == scene.outbox.states()

    scene.run(500)
    assert [DEAD] == scene.outbox.states()
    assert (DEAD, FAILED) == (scene.watching.attempts[-1][2], scene.watching.attempts[-1][1])


def test_a_receiver_that_is_gone_is_disabled() -> None:
    """What waits goes on waiting, and nothing is sent until it is enabled."""
    scene = Scene([GONE])
    scene.outbox.put()
    scene.outbox.put()
    scene.run(100)
    assert ([1], {"oncall": "gone"}, [PENDING] * 2) == (
        scene.sender.numbers,
        scene.outbox.disabled,
        scene.outbox.states(),
    )
    assert (True, False) == scene.watching.receivers["oncall"]

    scene.outbox.disabled.clear()
    scene.run()
    assert [DONE, DONE] == scene.outbox.states()


def test_a_message_that_was_superseded_meanwhile_is_not_sent() -> None:
    """And holds nothing back."""
    scene = Scene()
    scene.outbox.put("a")
    scene.outbox.put("a")
    waiting = scene.outbox.pending("oncall", 10)
    scene.outbox.rows[1].state = DeliveryState.SUPERSEDED
    scene.outbox.pending = lambda receiver, limit: waiting  # type: ignore[method-assign]
    scene.loop.step()

    assert [2] == scene.sender.numbers


RECORDING = [StoreUnavailableError("away"), CommitUnknownError("lost")]


@pytest.mark.parametrize("trouble", RECORDING, ids=lambda error: type(error).__name__)
def test_what_was_sent_and_not_recorded_is_not_sent_again(trouble: Exception) -> None:
    """It is recorded before anything else happens."""
    scene = Scene()
    scene.outbox.put("a")
    scene.outbox.put("a")
    scene.outbox.trouble["finish"] = [trouble, trouble]
    for _ in range(2):
        with pytest.raises(type(trouble)):
            scene.loop.step()
    scene.run()

    assert ([1, 2], [DONE, DONE]) == (scene.sender.numbers, scene.outbox.states())


def test_nothing_is_sent_where_the_attempt_was_not_counted() -> None:
    """Another process may be active."""
    scene = Scene()
    scene.outbox.put()
    scene.outbox.trouble["begin"] = [ClaimLostError("epoch 3")]
    with pytest.raises(ClaimLostError):
        scene.loop.step()

    assert [] == scene.sender.sent


def test_a_receiver_that_could_not_be_disabled_is_disabled_the_next_time() -> None:
    """It says again that it is gone."""
    scene = Scene([GONE, GONE])
    scene.outbox.put()
    scene.outbox.trouble["disable"] = [StoreUnavailableError("away")]
    with pytest.raises(StoreUnavailableError):
        scene.loop.step()
    scene.run()

    assert {"oncall": "gone"} == scene.outbox.disabled


def test_an_attempt_that_was_cut_off_is_made_again_at_once() -> None:
    """By whoever is active then; nobody has failed."""
    scene = Scene([STOPPED], give_up_seconds=1.0)
    scene.outbox.put(created_at=BEGAN_AT - timedelta(days=1))
    scene.loop.step()

    assert ([PENDING], None, 0) == (
        scene.outbox.states(),
        scene.outbox.rows[1].delivery.next_attempt_at,
        scene.loop.failures,
    )


def test_nothing_begins_when_it_is_to_stop() -> None:
    """Whatever waits."""
    scene = Scene()
    scene.outbox.put()
    scene.loop.is_stopping = True
    scene.loop.step()

    assert [] == scene.sender.sent


def test_a_message_that_breaks_the_sender_is_tried_again() -> None:
    """It does not end the others."""
    scene = Scene([RuntimeError("a fault"), SENT])
    scene.outbox.put()
    scene.outbox.put()
    scene.loop.step()

    assert [PENDING, DONE] == scene.outbox.states()
    assert OutcomeReason.OWN_FAULT is scene.outbox.rows[1].outcomes[0].reason


def test_what_waits_is_told() -> None:
    """Now and then: how many, since when, and how many were given up."""
    scene = Scene([REFUSED, FAILED])
    scene.outbox.put()
    scene.outbox.put()
    scene.loop.step()

    assert Backlog(1, BEGAN_AT, 1) == scene.watching.backlogs["oncall"]


def test_the_outbox_is_looked_at_every_second() -> None:
    """Also where nobody says that something is new."""
    assert POLL_SECONDS == Scene().loop.step()
