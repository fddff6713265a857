"""A replay of what the daemon has recorded gives the incidents that the daemon has."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings
from pipeline.replay import ReplayResult, replay
from pipeline.sources.files import InputFiles
from tests.pipeline.daemon.living import live
from tests.pipeline.daemon.running import DiedError, DiesAt, run, source_of, stored
from tests.pipeline.daemon.test_daemon import OF_LOGS, SMALL, STEPS, without_transition
from tests.scenarios.scenarios import READ_AT, built_in_rules

LIVED = [
    "emissary-refused",
    "apiserver-killed-75s",
    "cause-in-another-log",
    "controller-restarted-twice",
    "unknown-suspects-rejected",
    "blocked-kcm-log",
    "healthy-handover",
]
SUFFIXES = ["jsonl", "jsonl.gz", "jsonl.zst"]


def _replay(recording: Path) -> ReplayResult:
    files = InputFiles([str(recording)])
    result = replay(files, EngineSettings(), built_in_rules(), read_at=READ_AT)
    assert [] == files.problems
    return result


@pytest.mark.parametrize("name", OF_LOGS)
def test_scenario(name: str, tmp_path: Path) -> None:
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    run(source_of(name), store, record=recording)
    assert without_transition(stored(store)) == without_transition(_replay(recording).incidents)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("step", STEPS)
def test_process_that_dies_at_a_step(step: str, suffix: str, tmp_path: Path) -> None:
    """Again and again, each time a little later; all processes record into the same file."""
    store, recording = tmp_path / "whystuck.db", tmp_path / f"recording.{suffix}"
    deaths = 0
    for time in (1, 2, 4, 7):
        try:
            run(source_of(SMALL), store, steps=DiesAt(step, time), record=recording)
        except DiedError:
            deaths += 1
    run(source_of(SMALL), store, record=recording)
    assert deaths >= 2
    assert without_transition(stored(store)) == without_transition(_replay(recording).incidents)


def _told(incidents: Iterable[Incident]) -> list[tuple[str, int, str, str]]:
    return [(one.id, one.revision, one.transition.name, one.transition.reason) for one in incidents]


@pytest.mark.parametrize("name", LIVED)
def test_daemon_that_looks_for_incidents_all_the_time(name: str, tmp_path: Path) -> None:
    """It tells of incidents as they come, and is ended by a signal: the same was told as often."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    live([source_of(name)], store, recording)
    found = _replay(recording).incidents
    assert without_transition(stored(store)) == without_transition(found)
    assert _told(stored(store)) == _told(found)
