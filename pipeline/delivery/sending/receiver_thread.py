"""The thread of one receiver: it runs the loop's steps, waits in between, and ends when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pipeline.delivery.sending.receiver_loop import ReceiverLoop
from pipeline.delivery.sending.sender import Sender
from pipeline.errors import ClaimLostError, StoreError
from pipeline.own_log.loggers import get_logger

SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0
"""After trouble with the store: it is noticed within this that it is back."""

_log = get_logger("delivery")


class ReceiverThread:
    """Sends to one receiver from `start` to `stop`. No receiver waits for another."""

    def __init__(
        self,
        name: str,
        loop: ReceiverLoop,
        sender: Sender,
        *,
        on_claim_lost: Callable[[], None],
        predecessor: ReceiverThread | None = None,
    ) -> None:
        """Set up the thread.

        Args:
            name: Of the receiver.
            loop: What it runs.
            sender: Of the loop.
            on_claim_lost: Called once where another process has become the active one.
            predecessor: Has sent to the same receiver until now: it has to end before the first step.
        """
        self.name = name
        self.loop = loop
        self._sender = sender
        self._on_claim_lost = on_claim_lost
        self._predecessor = predecessor
        self._wake = threading.Event()
        self._is_stopping = threading.Event()
        self._troubles = 0  # in a row
        self._thread = threading.Thread(target=self._run, name=f"receiver {name}", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether it sends."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Run the thread."""
        self._thread.start()

    def notify(self) -> None:
        """There is something new in the outbox."""
        self._wake.set()

    def ask_to_stop(self) -> None:
        """Begin no other attempt; one that goes on may end by itself."""
        self._is_stopping.set()
        self.loop.is_stopping = True
        self._wake.set()

    def cut_off(self) -> None:
        """End an attempt that goes on. It is recorded as one that failed."""
        self._sender.stop()

    def join(self, timeout_seconds: float) -> bool:
        """Whether the thread has ended within this time."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, timeout_seconds))
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while self._predecessor is not None and not self._is_stopping.is_set():
                if self._predecessor.join(0.05):
                    self._predecessor = None
            while not self._is_stopping.is_set():
                self._wake.clear()
                pause = self._step()
                if not self._is_stopping.is_set():
                    self._wake.wait(pause)
        finally:
            self._sender.close()

    def _step(self) -> float:
        try:
            pause = self.loop.step()
        except ClaimLostError as error:
            _log.warning("delivery.claim_lost", receiver=self.name, error=str(error))
            self._is_stopping.set()
            self._on_claim_lost()
            return 0.0
        except StoreError as error:
            _log.warning("delivery.store_trouble", receiver=self.name, error=str(error))
        except Exception:  # noqa: BLE001 - the delivery loop: it goes on whatever happens
            _log.exception("delivery.loop_broke", receiver=self.name)
        else:
            self._troubles = 0
            return pause
        self._troubles += 1
        return self._wait_after_trouble()

    def _wait_after_trouble(self) -> float:
        """What is new in the outbox does not shorten this pause: the store is what is in trouble."""
        pause = min(LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS * 2.0 ** min(self._troubles - 1, 10))
        self._is_stopping.wait(pause)
        return 0.0
