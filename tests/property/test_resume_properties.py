"""Reading may end anywhere and go on in another process: nothing is skipped, nothing is read twice."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers.events import Event, SyncCompleted
from parsers.records import Block, Origin
from pipeline.extract import ExtractorMemory, StreamExtractor
from tests.property.raw_logs import READ_AT, finder, scanner
from tests.property.test_reading_properties import _pieces

STEP = 3  # between offsets: compacted topics have holes
ORIGIN = Origin("topic/0", pod="argo-rollouts-0")


def extractor() -> StreamExtractor:
    return StreamExtractor(scanner(), finder(), read_at=READ_AT)


@st.composite
def topics(draw: st.DrawFn) -> tuple[list[bytes], random.Random]:
    """The values of a partition: single lines, or records of several lines."""
    randomness = draw(st.randoms(use_true_random=False))
    values: list[bytes] = []
    for second in range(draw(st.integers(1, 60))):
        lines = [line for line in _pieces(randomness, second) if line and b"\n" not in line]
        if randomness.random() < 0.3 and lines:
            values.append(b"\n".join(lines))
        else:
            values += lines
    return values, randomness


def block(values: Sequence[bytes], first: int) -> Block:
    """A poll: one offset for all lines of a value."""
    numbers = [STEP * (first + index) for index, value in enumerate(values) for _ in value.split(b"\n")]
    return Block(b"\n".join(values) + b"\n", ORIGIN, line_numbers=numbers)


class Reading:
    """Reads a partition, and is replaced by another process again and again."""

    def __init__(self, values: list[bytes]) -> None:
        self.events: list[Event] = []
        self._values = values
        self._extractor = extractor()
        self._next = 0

    def feed(self, count: int, size: int) -> None:
        """Some of the values, in polls of some size."""
        stop = min(len(self._values), self._next + count)
        while self._next < stop:
            polled = self._values[self._next : min(stop, self._next + size)]
            self.events += self._extractor.feed(block(polled, self._next))
            self._next += len(polled)

    def restart(self) -> None:
        """What was not remembered is lost; the position is that of the first line that has to be read again."""
        kept = msgspec.msgpack.decode(msgspec.msgpack.encode(self._extractor.remember()), type=ExtractorMemory)
        if kept.marks is not None:
            self._next = kept.marks.context.number // STEP
        self._extractor = extractor()
        self._extractor.recall(kept)

    def finish(self) -> None:
        self.events += self._extractor.finish()


def told(events: list[Event]) -> list[Event]:
    """A healthy pass that is told once more changes nothing, and after a restart some are."""
    return [event for event in events if not isinstance(event, SyncCompleted)]


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(topics())
def test_reading_goes_on_where_it_ended(case: tuple[list[bytes], random.Random]) -> None:
    """The events of a reading with many restarts are those of one without, and no pass is missing."""
    values, randomness = case
    whole, cut = Reading(values), Reading(values)
    whole.feed(len(values), len(values))
    whole.finish()
    for _ in range(40):
        cut.feed(randomness.choice([1, 2, 40, 130, 300]), randomness.choice([1, 3, 50, 500]))
        cut.restart()
    cut.feed(len(values), 100)
    cut.finish()
    assert told(whole.events) == told(cut.events)
    assert {repr(event) for event in whole.events} <= {repr(event) for event in cut.events}
