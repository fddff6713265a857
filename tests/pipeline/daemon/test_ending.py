"""A daemon that is asked to end: what it commits last is also what its incidents tell."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parsers.records import Origin
from pipeline.daemon.daemon import Steps
from pipeline.daemon.watch import Clocks, Loaded, Watch
from pipeline.errors import InterruptionError, SourceError
from pipeline.sources.live import SourceStatus
from tests.pipeline.daemon.memory_source import MemorySource, Record
from tests.pipeline.daemon.running import configuration, run, source_of, stored
from tests.scenarios.scenarios import built_in_rules


class EndsWhenFedTwice(Steps):
    """Ends the process as an operator does, when more was taken in than the first line."""

    def __init__(self) -> None:
        self._times = 0

    def reached(self, step: str) -> None:
        self._times += step == "fed"
        if step == "fed" and self._times == 2:
            os.kill(os.getpid(), signal.SIGTERM)


class Blind(MemorySource):
    """Gives what it has, and says that there is something that it cannot read."""

    def __init__(self, partitions: Mapping[str, Sequence[Record]], **blindness: Any) -> None:
        super().__init__(partitions)
        self._blindness = blindness

    def status(self) -> SourceStatus:
        return msgspec.structs.replace(super().status(), **self._blindness)


@pytest.mark.parametrize(
    "blindness",
    [{"nobody": "no controller was found"}, {"is_refused": True, "unread": ("pods/log may not be read",)}],
    ids=["nothing there", "not allowed"],
)
def test_what_could_not_be_read_is_not_taken_for_nothing_found(tmp_path: Path, blindness: dict[str, Any]) -> None:
    """A run that ends when everything is read fails then, with all that was read in the store."""
    store = tmp_path / "whystuck.db"
    with pytest.raises(SourceError, match=r"memory: (no controller was found|pods/log may not be read)"):
        run(Blind(source_of("emissary-refused").partitions, **blindness), store)
    assert 1 == len(stored(store))


def test_what_was_taken_in_is_looked_at(tmp_path: Path) -> None:
    """Else the store would hold what was read, and an incident that does not know of it until the next start."""
    store = tmp_path / "whystuck.db"
    log = source_of("emissary-refused").partitions
    one_line = [Record(b"one line", Origin(source="other"))]
    source = MemorySource({"first": one_line, **log, "unread": one_line}, 100_000)
    clocks = Clocks(monotonic=lambda: 0.0)  # what is done now and then is done at the first line, and not again
    loaded = Loaded(configuration(store), built_in_rules())
    with pytest.raises(InterruptionError):
        Watch(loaded, [source], "test", steps=EndsWhenFedTwice(), clocks=clocks).run()
    assert 1 == len(stored(store))
