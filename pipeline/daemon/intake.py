"""All sources together: each on its own thread, what they have read in one bounded queue, and what they fail with."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Mapping

from pipeline.daemon.pump import Delivery, Pump
from pipeline.errors import SourceError, WhystuckError
from pipeline.sources.live import LiveSource, SourceStatus


class Intake:
    """Used by the pipeline's thread."""

    def __init__(self, sources: Iterable[LiveSource], queued_reads: int) -> None:
        """Prepare; nothing runs yet. `queued_reads` may wait to be taken; then sources wait."""
        self._queued_reads = queued_reads
        self._deliveries: queue.Queue[Delivery] = queue.Queue(queued_reads)
        self.pumps = {source.name: Pump(source, self._deliveries) for source in sources}

    def start(self) -> None:
        """Let the threads run; they wait for `restart`."""
        for pump in self.pumps.values():
            pump.start()

    def restart(self, positions: Mapping[str, Mapping[str, bytes]]) -> None:
        """Read on from these positions, by source and stream; what was delivered before is void."""
        for name, pump in self.pumps.items():
            pump.restart(positions[name])

    def pause(self) -> None:
        """Deliver nothing until the next `restart`."""
        for pump in self.pumps.values():
            pump.pause()

    def stop(self, seconds: float) -> None:
        """End the threads and close the sources; each is waited for at most so long."""
        for pump in self.pumps.values():
            pump.stop(seconds)

    def take(self, seconds: float) -> Delivery | None:
        """The next that was read, or why it was not; None where nothing comes in this time, or what came is void."""
        try:
            delivery = self._deliveries.get(timeout=seconds)
        except queue.Empty:
            return None
        return delivery if delivery.generation == self.pumps[delivery.source].generation else None

    def outage_of(self, delivery: Delivery) -> SourceError:
        """What a source failed with that has worked before, and may work again.

        Raises:
            WhystuckError: There is no use in trying again.
        """
        error = delivery.error
        if isinstance(error, SourceError) and self.pumps[delivery.source].has_begun:
            return error
        if isinstance(error, WhystuckError):
            raise error
        raise SourceError(f"{delivery.source}: failed unexpectedly: {type(error).__name__}: {error}") from error

    def acknowledge(self, lines: Mapping[str, Mapping[str, int]]) -> None:
        """These lines, by source and stream, are the next to be read, says the store."""
        for source, of_source in lines.items():
            self.pumps[source].acknowledge(of_source)

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that the sources held a moment ago was taken."""
        return all(pump.is_drained() for pump in self.pumps.values()) and self.is_empty

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken."""
        return self._deliveries.empty()

    @property
    def is_full(self) -> bool:
        """Whether sources have to wait."""
        return self._deliveries.qsize() >= self._queued_reads

    def statuses(self) -> dict[str, SourceStatus]:
        """How each source is doing."""
        return {name: pump.status() for name, pump in self.pumps.items()}

    def check(self) -> None:
        """Nothing more comes: what could not be read must not be taken for nothing found.

        Raises:
            SourceError: A source has found nobody to read, or may not read a log.
        """
        told = ((name, status, status.unread if status.is_refused else ()) for name, status in self.statuses().items())
        problems = [f"{name}: {each}" for name, status, refused in told for each in (status.nobody, *refused) if each]
        if problems:
            raise SourceError("; ".join(problems))
