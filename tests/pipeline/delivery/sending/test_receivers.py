"""The threads of several receivers: independent of each other, changed while they run, and ended in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.outbox import DeliveryState
from pipeline.delivery.sending.receivers import Receivers
from pipeline.delivery.sending.sender import Sender
from pipeline.delivery.sending.senders import create_sender
from pipeline.errors import ClaimLostError, ConfigurationError, StoreUnavailableError
from tests.pipeline.delivery.sending.fakes import HangingSender, MemoryOutbox, ScriptedSender, Watching
from tests.pipeline.delivery.sending.sent import receiver
from tests.servers.hostile_receiver import Answer, HostileReceiver, Manner

_SECONDS = 60.0


class Scene:
    """Receivers over an outbox in memory; senders by the receiver's name."""

    def __init__(self, create: Callable[[ReceiverSettings], Sender] | None = None) -> None:
        self.outbox, self.watching = MemoryOutbox(), Watching()
        self.senders: dict[str, ScriptedSender] = {}
        self.claim_lost = threading.Event()
        self.receivers = Receivers(self.outbox, create or self._create, self.watching, self.claim_lost.set)

    def _create(self, settings: ReceiverSettings) -> Sender:
        return self.senders.setdefault(settings.name, ScriptedSender())

    def are_sent(self, *numbers: int) -> bool:
        """Whether these rows are, as soon as they are."""
        rows = self.outbox.rows
        return self.outbox.wait_for(lambda: all(rows[each].state is DeliveryState.SENT for each in numbers), _SECONDS)


@contextmanager
def _running(scene: Scene, *settings: ReceiverSettings) -> Iterator[Receivers]:
    scene.receivers.start(settings)
    try:
        yield scene.receivers
    finally:
        scene.receivers.stop(0.5)


def test_what_is_new_is_sent_when_it_is_told_of() -> None:
    """By the receiver that it is for."""
    scene = Scene()
    with _running(scene, receiver(name="a"), receiver(name="b")) as receivers:
        scene.outbox.put(receiver="a")
        scene.outbox.put(receiver="b")
        receivers.notify()
        assert scene.are_sent(1, 2)

    assert ([1], [2]) == (scene.senders["a"].numbers, scene.senders["b"].numbers)


def test_a_receiver_that_hangs_delays_no_other() -> None:
    """What is for the other one arrives while the first one hangs."""
    scene = Scene()
    hanging = scene.senders["dead"] = HangingSender()
    with _running(scene, receiver(name="dead"), receiver(name="alive")) as receivers:
        scene.outbox.put(receiver="dead")
        receivers.notify()
        assert hanging.begun.wait(_SECONDS)
        numbers = [scene.outbox.put(receiver="alive") for _ in range(50)]
        receivers.notify()
        assert scene.are_sent(*numbers)
        assert DeliveryState.PENDING is scene.outbox.rows[1].state


def test_stopping_ends_attempts_that_go_on() -> None:
    """Within the time that is given, and they are recorded as not delivered."""
    scene = Scene()
    hanging = scene.senders["dead"] = HangingSender()
    with _running(scene, receiver(name="dead")) as receivers:
        scene.outbox.put(receiver="dead")
        receivers.notify()
        assert hanging.begun.wait(_SECONDS)
        assert receivers.stop(0.5)

    row = scene.outbox.rows[1]
    assert (DeliveryState.PENDING, None, True) == (row.state, row.delivery.next_attempt_at, hanging.is_closed)
    assert {} == scene.watching.receivers


def test_a_receiver_that_did_not_change_goes_on_undisturbed() -> None:
    """One that did is begun anew, one that is gone ends."""
    scene = Scene()
    with _running(scene, receiver(name="same"), receiver(name="changed"), receiver(name="gone")) as receivers:
        before = dict(receivers._threads)
        receivers.reload([receiver(name="same"), receiver(name="changed", read_seconds=1.0), receiver(name="new")])

        assert ["changed", "new", "same"] == [each.name for each in receivers.statuses() if each.is_running]
        assert before["same"] is receivers._threads["same"]
        assert [False, False] == [before[name].is_alive for name in ("changed", "gone")]


def test_a_reload_that_cannot_be_changes_nothing() -> None:
    """What runs goes on."""

    def create(settings: ReceiverSettings) -> Sender:
        if settings.name == "broken":
            raise ConfigurationError("no such extra")
        return ScriptedSender()

    scene = Scene(create)
    with _running(scene, receiver(name="a")) as receivers:
        with pytest.raises(ConfigurationError):
            receivers.reload([receiver(name="broken")])
        assert ["a"] == [each.name for each in receivers.statuses() if each.is_running]


def test_another_active_process_ends_all() -> None:
    """The one that is told can stop the rest."""
    scene = Scene()
    scene.outbox.put(receiver="a")
    scene.outbox.trouble["begin"] = [ClaimLostError("epoch 3")]
    with _running(scene, receiver(name="a")) as receivers:
        assert scene.claim_lost.wait(_SECONDS)
        assert receivers._threads["a"].join(_SECONDS)

    assert [] == scene.senders["a"].sent


@pytest.mark.parametrize("trouble", [StoreUnavailableError("away"), RuntimeError("a fault")], ids=["away", "a fault"])
def test_trouble_with_the_store_passes(trouble: Exception) -> None:
    """After a pause it goes on."""
    scene = Scene()
    scene.outbox.put(receiver="a")
    scene.outbox.trouble["pending"] = [trouble]
    with _running(scene, receiver(name="a")):
        assert scene.are_sent(1)


def test_statuses_say_how_receivers_are_doing() -> None:
    """Without the secrets of their addresses."""
    scene = Scene()
    scene.outbox.put(receiver="a")
    with _running(scene, receiver("https://hooks.example.com/T0/s3cr3t", name="a")) as receivers:
        assert scene.are_sent(1)
        (status,) = receivers.statuses()

    assert ("a", "https://hooks.example.com/[hidden]", False, 0) == (
        status.name,
        status.address,
        status.is_failing,
        status.failures,
    )


def test_with_real_senders_a_dead_receiver_delays_no_other() -> None:
    """One trickles for ever, one answers: every message of the second arrives long before the first gives up."""
    trickling = HostileReceiver(lambda _: Answer(Manner.TRICKLE_HEADERS))
    with trickling, HostileReceiver() as answering:
        scene = Scene(lambda settings: create_sender(settings, "1"))
        slow = {"read_seconds": 600.0, "total_seconds": 600.0}
        with _running(
            scene, receiver(trickling.url, name="dead", **slow), receiver(answering.url, name="alive", **slow)
        ) as receivers:
            scene.outbox.put(receiver="dead")
            receivers.notify()
            trickling.wait_for(lambda received: len(received) == 1)
            numbers = [scene.outbox.put("a", receiver="alive") for _ in range(20)]
            receivers.notify()
            assert scene.are_sent(*numbers)
            began = time.monotonic()
            assert receivers.stop(0.5)
            assert time.monotonic() - began < _SECONDS

    assert [f"msg_{number}" for number in numbers] == [each.id for each in answering.received]
