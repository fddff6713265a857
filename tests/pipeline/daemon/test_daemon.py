"""The daemon gives what a replay gives, whenever it dies, and whatever it reads."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipeline.sources.live import Fetched
from tests.pipeline.daemon.memory_source import MemorySource
from tests.pipeline.daemon.running import DiedError, DiesAt, outbox, run, source_of, stored
from tests.scenarios.scenarios import canonical, load, names, replayed

OF_OBJECTS = [name for name in names() if any(not log.endswith(".log") for log in load(name).logs)]
OF_LOGS = [name for name in names() if name not in OF_OBJECTS and "rotated" not in name]
SMALL = "emissary-refused"
STEPS = ["read", "fed", "prepared", "committed", "acknowledged"]


def without_transition(incidents: object) -> list[dict[str, object]]:
    found = canonical(incidents)
    for incident in found:
        incident.pop("transition")
    return found


@pytest.mark.parametrize("name", OF_LOGS)
def test_scenario_gives_what_a_replay_gives(name: str, tmp_path: Path) -> None:
    """The same incidents, ids included, through source, store and back."""
    run(source_of(name), tmp_path / "whystuck.db")
    assert without_transition(replayed(name)) == without_transition(stored(tmp_path / "whystuck.db"))


def _counted_steps(tmp_path: Path) -> dict[str, int]:
    counting = DiesAt()
    run(source_of(SMALL), tmp_path / "counting.db", steps=counting)
    return counting.counts


@pytest.mark.parametrize("step", STEPS)
def test_death_at_a_step_loses_and_doubles_nothing(step: str, tmp_path: Path) -> None:
    """The process dies at the step, again and again, each time a little later."""
    store = tmp_path / "whystuck.db"
    times = range(1, max(2, _counted_steps(tmp_path)[step]), 3)
    for time in times:
        try:
            run(source_of(SMALL), store, steps=DiesAt(step, time))
        except DiedError:
            continue
    run(source_of(SMALL), store)
    assert without_transition(replayed(SMALL)) == without_transition(stored(store))
    told = outbox(store)
    assert len(told) == len({(incident, revision) for incident, revision, _ in told})


class LateSource(MemorySource):
    """Gives nothing at first, as a broker that has just been reached."""

    late = 10

    def read(self, timeout_seconds: float) -> Fetched | None:
        self.late -= 1
        if self.late < 0:
            return super().read(timeout_seconds)
        threading.Event().wait(0.02)
        return None


def test_what_is_long_ago_for_us_is_not_over_for_the_source(tmp_path: Path) -> None:
    """After an outage of days, state is forgotten by the time of the records, and not by ours."""
    store = tmp_path / "whystuck.db"
    whole = source_of(SMALL)
    with pytest.raises(DiedError):
        run(whole, store, steps=DiesAt("committed", _counted_steps(tmp_path)["committed"] // 2))
    run(LateSource(whole.partitions), store)
    assert without_transition(replayed(SMALL)) == without_transition(stored(store))
