"""A source's thread: reads, and waits while the engine has enough to do. The only thread that uses the source."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping

import msgspec

from pipeline.sources.live import Fetched, LiveSource, SourceStatus

READ_SECONDS = 0.25
"""How long a read waits for records: so late it hears of anything else."""


class Delivery(msgspec.Struct, frozen=True):
    """What a pump puts into the queue."""

    source: str
    generation: int  # of the positions that were read on from: what is older than the last restart is void
    fetched: Fetched | None
    error: Exception | None = None


class Pump:
    """Reads one source into a bounded queue, from `start` to `stop`."""

    def __init__(self, source: LiveSource, deliveries: queue.Queue[Delivery]) -> None:
        self._source = source
        self._deliveries = deliveries
        self._requests: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._generation = 0
        self._reading = 0  # the generation that the source reads for
        self.has_begun = False  # the source could be used, once at least
        self._is_dry = False  # after the newest read there was nothing left
        self._is_paused = threading.Event()
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source {source.name}", daemon=True)

    @property
    def generation(self) -> int:
        """Of the newest restart."""
        return self._generation

    def start(self) -> None:
        """Run the thread; it waits for the first `restart`."""
        self._thread.start()

    def restart(self, positions: Mapping[str, bytes]) -> None:
        """Read on from these positions; everything delivered before is void."""
        self._generation += 1
        self._is_dry = False
        generation = self._generation
        self._requests.put(lambda: self._begin(positions, generation))

    def acknowledge(self, lines: Mapping[str, int]) -> None:
        """Tell the source what was committed."""
        self._requests.put(lambda: self._source.acknowledge(lines))

    def is_drained(self) -> bool:
        """Whether everything that the source held a moment ago stands in the queue, or was taken from it."""
        return self._is_dry and self._requests.empty()

    def status(self) -> SourceStatus:
        """How the source is doing."""
        return self._source.status()

    def stop(self, timeout_seconds: float) -> bool:
        """End the thread and close the source; says whether that was done in time."""
        self._is_stopping.set()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def pause(self) -> None:
        """Deliver nothing until the next `restart`."""
        self._generation += 1
        self._requests.put(self._is_paused.set)

    def _begin(self, positions: Mapping[str, bytes], generation: int) -> None:
        self._reading = generation
        self._source.start(positions)
        self.has_begun = True
        self._is_paused.clear()

    def _run(self) -> None:
        self._is_paused.set()
        try:
            while not self._is_stopping.is_set():
                try:
                    self._step()
                except Exception as error:  # noqa: BLE001 - the loop decides, in its own thread
                    self._is_paused.set()
                    self._put(Delivery(self._source.name, self._reading, None, error))
        finally:
            self._source.close()

    def _step(self) -> None:
        while not self._requests.empty():
            self._requests.get()()
        if self._is_paused.is_set():
            self._is_stopping.wait(0.05)
            return
        fetched = self._source.read(READ_SECONDS)
        if fetched is not None:
            self._is_dry = False
            self._put(Delivery(self._source.name, self._reading, fetched))
        # After every read: of a source that always has something new now and then, no read gives nothing.
        self._is_dry = self._requests.empty() and self._source.status().is_caught_up

    def _put(self, delivery: Delivery) -> None:
        """Wait for room: that is the back-pressure. What became void meanwhile is dropped."""
        while not self._is_stopping.is_set() and delivery.generation == self._generation:
            try:
                self._deliveries.put(delivery, timeout=0.1)
            except queue.Full:
                continue
            return
