"""Drift through daemon and store: a daemon that is killed in the hold time goes on with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from parsers.facts.seen import ObjectSeen
from pipeline.daemon.daemon import Steps
from pipeline.daemon.watch import Clocks, Loaded, Watch
from pipeline.engine.incidents import Incident
from tests.pipeline.daemon.object_memory_source import ObjectMemorySource
from tests.pipeline.daemon.running import DiedError, configuration, outbox, stored
from tests.pipeline.engine.builders import at
from tests.pipeline.engine.drift_stories import CANARY, rollout_facts, set_facts, watched
from tests.scenarios.scenarios import built_in_rules

CALL_SECONDS = 2.0
"""So far the clock goes with each look of the daemon at it."""
LOW = [watched(0, rollout_facts(available=6)), watched(0, set_facts(available=6))]
LATER = watched(1200, set_facts(0, CANARY))
"""Something to commit."""
HEALED = [watched(900, rollout_facts()), watched(900, set_facts())]


class Clock:
    """Goes on whenever the daemon looks at it; others read it as it is."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        self.seconds += CALL_SECONDS
        return at(self.seconds)

    def monotonic(self) -> float:
        self.seconds += CALL_SECONDS
        return self.seconds

    def read(self) -> datetime:
        return at(self.seconds)


class DiesAfter(Steps):
    """Is killed at the first commit after a time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds

    def reached(self, step: str) -> None:
        if step == "committed" and self._clock.seconds >= self._seconds:
            raise DiedError


def _run(store: Path, events: list[ObjectSeen], clock: Clock, until: float) -> None:
    source = ObjectMemorySource(events, clock.read)
    loaded = Loaded(configuration(store), built_in_rules())
    clocks = Clocks(now=clock.now, monotonic=clock.monotonic)
    with pytest.raises(DiedError):
        Watch(loaded, [source], "test", clocks=clocks, steps=DiesAfter(clock, until)).run()


def _shown(incident: Incident) -> tuple[str, datetime, datetime | None, datetime]:
    return incident.status, incident.opened_at, incident.resolved_at, incident.victims[0].stuck_since_at


def test_hold_time_goes_on_after_a_kill(tmp_path: Path) -> None:
    """Two minutes before, the rest after it; told once."""
    store, clock = tmp_path / "whystuck.db", Clock(0)
    _run(store, LOW, clock, until=120)
    assert [] == stored(store)
    _run(store, LOW, Clock(clock.seconds + 5), until=500)
    (incident,) = stored(store)
    begun_at = incident.victims[0].stuck_since_at
    assert ("drift", "open", "opened") == (incident.kind, incident.status, incident.transition.name)
    # What passed since the last commit may be lost; each commit holds time of at most half a minute.
    lost = incident.opened_at - begun_at - timedelta(seconds=300)
    assert timedelta(0) <= lost <= timedelta(seconds=60)
    assert [(incident.id, 1, "opened")] == outbox(store)


def test_resolved_by_what_is_found_after_a_kill(tmp_path: Path) -> None:
    """The list after the start shows that everything fits."""
    store, clock = tmp_path / "whystuck.db", Clock(0)
    _run(store, LOW, clock, until=500)
    (opened,) = stored(store)
    _run(store, [*LOW, *HEALED, LATER], Clock(1000), until=1200)
    (resolved,) = stored(store)
    assert (opened.id, "resolved", "numbers_fit") == (resolved.id, resolved.status, resolved.transition.reason)
    assert opened.opened_at == resolved.opened_at
