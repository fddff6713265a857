"""All receivers of the active process: started together, stopped together, changed while they run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.clock import Clock, SystemClock
from pipeline.delivery.sending.observer import SendingObserver
from pipeline.delivery.sending.outbox import Outbox
from pipeline.delivery.sending.outcome import Outcome
from pipeline.delivery.sending.receiver_loop import ReceiverLoop
from pipeline.delivery.sending.receiver_thread import ReceiverThread
from pipeline.delivery.sending.sender import Sender

CUT_OFF_SECONDS = 1.0
"""Of the time to stop in, for attempts that were cut off to be recorded."""
RELOAD_SECONDS = 5.0
"""What changes while it runs may take this long to end; what does not end is waited for on its successor's thread."""


class ReceiverStatus(msgspec.Struct, frozen=True):
    """How one receiver is doing."""

    name: str
    address: str  # without secrets
    is_running: bool
    is_disabled: bool
    is_failing: bool  # too many failures in a row: one attempt at a time, with a pause before each
    failures: int  # in a row
    last_attempt_at: datetime | None
    last_outcome: Outcome | None


class Receivers:
    """The threads of all receivers. Its methods are called from one thread, `notify` and `statuses` from any."""

    def __init__(
        self,
        outbox: Outbox,
        create_sender: Callable[[ReceiverSettings], Sender],
        observer: SendingObserver,
        on_claim_lost: Callable[[], None],
        *,
        clock: Clock | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """Set up without a receiver.

        Args:
            outbox: Of all receivers.
            create_sender: Makes the sender of a receiver.
            observer: Is told what goes on.
            on_claim_lost: Called, maybe more than once and from any thread, where another process has become active.
            clock: None: the machine's.
            chance: Where jitter comes from.
        """
        self._outbox, self._create_sender = outbox, create_sender
        self._observer, self._on_claim_lost = observer, on_claim_lost
        self._clock = clock or SystemClock()
        self._chance = chance or random.SystemRandom()
        self._settings: dict[str, ReceiverSettings] = {}
        self._threads: dict[str, ReceiverThread] = {}

    def start(self, receivers: Sequence[ReceiverSettings]) -> None:
        """Send to these receivers from now on.

        Raises:
            ConfigurationError: One needs an extra that is not installed; none was started.
        """
        self.reload(receivers)

    def reload(self, receivers: Sequence[ReceiverSettings]) -> None:
        """Send to these receivers from now on: those that are as before go on undisturbed.

        Raises:
            ConfigurationError: One needs an extra that is not installed; nothing was changed.
        """
        wanted = {each.name: each for each in receivers}
        changed = {name: each for name, each in wanted.items() if self._settings.get(name) != each}
        senders = {name: self._create_sender(each) for name, each in changed.items()}
        ending = {name: self._threads[name] for name in self._threads if name in changed or name not in wanted}
        _stop_all(list(ending.values()), RELOAD_SECONDS)
        for name in self._settings.keys() - wanted.keys():
            self._observer.forget_receiver(name)
        threads = {name: thread for name, thread in self._threads.items() if name not in ending}
        for name, sender in senders.items():
            threads[name] = self._create_thread(wanted[name], sender, ending.get(name))
            threads[name].start()
        self._settings, self._threads = wanted, threads

    def notify(self) -> None:
        """There is something new in the outbox."""
        for thread in self._threads.values():
            thread.notify()

    def stop(self, timeout_seconds: float) -> bool:
        """End all threads; says whether that was done in time. For most of it attempts may end by themselves."""
        threads = list(self._threads.values())
        is_ended = _stop_all(threads, timeout_seconds)
        for name in self._settings:
            self._observer.forget_receiver(name)
        self._settings, self._threads = {}, {}
        return is_ended

    def statuses(self) -> list[ReceiverStatus]:
        """How each receiver is doing, in the order of their names."""
        settings, threads = self._settings, self._threads
        return [_status_of(settings[name], threads[name]) for name in sorted(threads) if name in settings]

    def _create_thread(
        self, settings: ReceiverSettings, sender: Sender, predecessor: ReceiverThread | None
    ) -> ReceiverThread:
        loop = ReceiverLoop(
            settings, self._outbox, sender, observer=self._observer, clock=self._clock, chance=self._chance
        )
        return ReceiverThread(settings.name, loop, sender, on_claim_lost=self._on_claim_lost, predecessor=predecessor)


def _stop_all(threads: Sequence[ReceiverThread], timeout_seconds: float) -> bool:
    """Let attempts end by themselves, then cut off what is left; says whether all have ended."""
    ends_at = time.monotonic() + timeout_seconds
    for thread in threads:
        thread.ask_to_stop()
    cut_off_at = ends_at - min(CUT_OFF_SECONDS, timeout_seconds / 2)
    left = [thread for thread in threads if not thread.join(cut_off_at - time.monotonic())]
    for thread in left:
        thread.cut_off()
    return not [thread for thread in left if not thread.join(ends_at - time.monotonic())]


def _status_of(settings: ReceiverSettings, thread: ReceiverThread) -> ReceiverStatus:
    loop = thread.loop
    return ReceiverStatus(
        name=settings.name,
        address=settings.address,
        is_running=thread.is_alive,
        is_disabled=loop.is_disabled,
        is_failing=loop.is_failing,
        failures=loop.failures,
        last_attempt_at=loop.last_attempt_at,
        last_outcome=loop.last_outcome,
    )
