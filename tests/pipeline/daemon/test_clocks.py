"""The time of day jumps under the daemon: nothing is lost, doubled, forgotten or deleted by that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path

import pytest

from pipeline.daemon.watch import Clocks
from tests.pipeline.daemon.memory_source import MemorySource
from tests.pipeline.daemon.running import outbox, rows, run, source_of, stored
from tests.pipeline.daemon.test_daemon import SMALL, without_transition
from tests.scenarios.scenarios import replayed

DAY = timedelta(days=1)
JUMPS: dict[str, tuple[timedelta, ...]] = {
    "a day ahead and back": (timedelta(0), DAY),
    "a day behind and back": (timedelta(0), -DAY),
    "to and fro": (timedelta(0), DAY, -DAY, 2 * DAY),
    "years ahead": (timedelta(0), 3650 * DAY),
}


def jumping_clocks(source: MemorySource, jumps: tuple[timedelta, ...]) -> Clocks:
    """Just after the newest record, or a jump away; between two looks so much time that everything is always due."""
    newest = max(record.seconds for records in source.partitions.values() for record in records)
    right, steps = datetime.fromtimestamp(newest, UTC) + timedelta(minutes=1), cycle(jumps)
    seconds = count(step=1000)
    return Clocks(now=lambda: right + next(steps), monotonic=lambda: float(next(seconds)))


@pytest.mark.parametrize("jumps", JUMPS.values(), ids=JUMPS)
def test_jumps_change_nothing(jumps: tuple[timedelta, ...], tmp_path: Path) -> None:
    """At every look, with forgetting and retention after every read."""
    source, store = source_of(SMALL), tmp_path / "whystuck.db"
    run(source, store, clocks=jumping_clocks(source, jumps))
    assert without_transition(replayed(SMALL)) == without_transition(stored(store))
    told: dict[str, list[int]] = {}
    for incident, revision, _ in outbox(store):
        told.setdefault(incident, []).append(revision)
    assert {incident: list(range(1, len(revisions) + 1)) for incident, revisions in told.items()} == told
    assert [] == rows(store, "SELECT * FROM quarantine")
