"""A replay of what the daemon has recorded gives the incidents that the daemon has."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from parsers.records import Origin
from pipeline.moments import IncidentsLookedFor
from pipeline.replay import ReplayFilter
from pipeline.report.summary import describe_totals
from pipeline.sources.files import InputFiles
from pipeline.sources.live import Fetched
from pipeline.watch_settings import OriginPattern
from tests.pipeline.daemon.living import live
from tests.pipeline.daemon.memory_source import MemorySource, Record
from tests.pipeline.daemon.replaying import replay_recording, told
from tests.pipeline.daemon.running import FAST, DiedError, DiesAt, run, source_of, stored
from tests.pipeline.daemon.test_clocks import JUMPS, jumping_clocks
from tests.pipeline.daemon.test_daemon import OF_LOGS, SMALL, STEPS, without_transition
from tests.pipeline.daemon.test_upkeep import refused_by
from tests.scenarios.scenarios import SCENARIOS, replayed

LIVED = [
    "emissary-refused",
    "apiserver-killed-75s",
    "cause-in-another-log",
    "controller-restarted-twice",
    "unknown-suspects-rejected",
    "blocked-kcm-log",
    "healthy-handover",
]


@pytest.mark.parametrize("name", [name for name in OF_LOGS[::3] if name != "seed-emissary-expired"])
def test_scenario(name: str, tmp_path: Path) -> None:
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    run(source_of(name), store, record=recording)
    assert without_transition(stored(store)) == without_transition(replay_recording(recording).incidents)


@pytest.mark.parametrize(
    ("step", "suffix"), [*((step, "jsonl") for step in STEPS), ("committed", "gz"), ("fed", "zst")]
)
def test_process_that_dies_at_a_step(step: str, suffix: str, tmp_path: Path) -> None:
    """Again and again, each time a little later; all processes record into the same file."""
    store, recording = tmp_path / "whystuck.db", tmp_path / f"recording.{suffix}"
    deaths = 0
    for time in (1, 2, 5):
        try:
            run(source_of(SMALL), store, steps=DiesAt(step, time), record=recording)
        except DiedError:
            deaths += 1
    run(source_of(SMALL), store, record=recording)
    assert deaths >= 2
    assert without_transition(stored(store)) == without_transition(replay_recording(recording).incidents)


@pytest.mark.parametrize("name", LIVED)
def test_daemon_that_looks_for_incidents_all_the_time(name: str, tmp_path: Path) -> None:
    """It tells of incidents as they come, and is ended by a signal: the same was told as often."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    live([source_of(name)], store, recording)
    found = replay_recording(recording).incidents
    assert without_transition(stored(store)) == without_transition(found)
    assert told(stored(store)) == told(found)


@pytest.mark.parametrize("jumps", JUMPS.values(), ids=JUMPS)
def test_clock_that_jumps(jumps: tuple[timedelta, ...], tmp_path: Path) -> None:
    """What the daemon was told by its clock is replayed, too."""
    source, store, recording = source_of(SMALL), tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    run(source, store, clocks=jumping_clocks(source, jumps), record=recording)
    assert without_transition(stored(store)) == without_transition(replay_recording(recording).incidents)


def test_what_the_daemon_has_forgotten(tmp_path: Path) -> None:
    """It forgets incidents that are over, its store and a replay do not."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    settings = msgspec.structs.replace(FAST, forget_seconds=1.0)
    live([source_of("controller-restarted-twice")], store, recording, settings, hurry=100_000)
    found = replay_recording(recording).incidents
    assert "forgot" in recording.read_text()
    assert found
    assert without_transition(stored(store)) == without_transition(found)


def test_pods_that_are_no_controllers(tmp_path: Path) -> None:
    """The setting of the daemon is that of its recording."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    settings = msgspec.structs.replace(FAST, controllers=(OriginPattern(source="another"),))
    run(source_of(SMALL), store, watch=settings, record=recording)
    found = replay_recording(recording).incidents
    assert without_transition(stored(store)) == without_transition(found)
    assert without_transition(replayed(SMALL)) != without_transition(found)


def test_line_that_was_set_aside(tmp_path: Path) -> None:
    """The daemon has gone on without it, and so does a replay."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    run(refused_by(store), store, record=recording)
    notes: list[str] = []
    found = replay_recording(recording, notes=notes).incidents
    assert without_transition(stored(store)) == without_transition(found)
    assert [f"{recording}: 1 record of the sources had been set aside by the daemon"] == notes


def test_recording_that_begins_late(tmp_path: Path) -> None:
    """It is told that the daemon knew more."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    with pytest.raises(DiedError):
        run(source_of(SMALL), store, steps=DiesAt("committed", 2))
    run(source_of(SMALL), store, record=recording)
    notes: list[str] = []
    replay_recording(recording, notes=notes)
    (note,) = notes
    assert "1 stream had been read before without being recorded" in note


def test_recording_beside_other_inputs(tmp_path: Path) -> None:
    """Each keeps its order, and time brings them together."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    run(source_of("healthy-canary"), store, record=recording)
    found = replay_recording(recording, SCENARIOS / SMALL / "controller.log").incidents
    assert without_transition(replayed(SMALL)) == without_transition(found)


def test_part_of_a_recording(tmp_path: Path) -> None:
    """By time and by namespace, as of any input."""
    recording = tmp_path / "recording.jsonl"
    run(source_of(SMALL), tmp_path / "whystuck.db", record=recording)
    (whole,) = replay_recording(recording).incidents
    early = ReplayFilter(until=whole.opened_at - timedelta(minutes=30))
    assert () == replay_recording(recording, chosen=early).incidents
    assert () == replay_recording(recording, chosen=ReplayFilter(namespaces=("elsewhere",))).incidents
    assert not early.takes(IncidentsLookedFor(whole.opened_at, Origin(), 0, whole.opened_at))
    late = ReplayFilter(since=whole.opened_at - timedelta(days=1))
    assert without_transition([whole]) == without_transition(replay_recording(recording, chosen=late).incidents)


def test_what_was_read_is_counted(tmp_path: Path) -> None:
    """As of the log itself."""
    recording = tmp_path / "recording.jsonl"
    run(source_of(SMALL), tmp_path / "whystuck.db", record=recording)
    found = replay_recording(recording).totals
    assert "read 681 lines of 1 recording: " in describe_totals(InputFiles([]), found)[0]
    log = replay_recording(SCENARIOS / SMALL / "controller.log").totals
    assert (log.lines, log.first_at, log.last_at, log.events) == (
        found.lines,
        found.first_at,
        found.last_at,
        found.events,
    )


class Reloads(MemorySource):
    """Sends SIGHUP when half of what it holds was read."""

    is_sent = False

    def read(self, timeout_seconds: float) -> Fetched | None:
        fetched = super().read(timeout_seconds)
        if fetched is not None and fetched.next_line > 300 and not self.is_sent:
            self.is_sent = True
            os.kill(os.getpid(), signal.SIGHUP)
        return fetched


def test_settings_that_change_meanwhile(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """From then on they are those of the recording; which file it is stays."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    nobody = msgspec.structs.replace(FAST, idle_seconds=0.05, controllers=(OriginPattern(source="another"),))
    source = Reloads(source_of(SMALL).partitions, 20)
    live([source], store, recording, reloaded=msgspec.structs.replace(nobody, record="another"))
    found = replay_recording(recording).incidents
    assert 2 == recording.read_text().count('{"type":"resumed"')
    assert 1 == recording.read_text().count('"controllers"')
    assert "configuration.needs_restart" in caplog.text
    assert without_transition(stored(store)) == without_transition(found)
    assert told(stored(store)) == told(found)


def test_secret_in_a_line(tmp_path: Path) -> None:
    """It is nowhere in the file."""
    store, recording = tmp_path / "whystuck.db", tmp_path / "recording.jsonl"
    source = source_of(SMALL)
    (records,) = source.partitions.values()
    line = b'time="2026-11-23T15:52:00Z" level=info msg="Authorization: Bearer abcdefghijklmnop1234"'
    records.insert(5, Record(line, records[0].origin, records[5].seconds))
    run(source, store, record=recording)
    assert "Authorization: [redacted]" in recording.read_text()
    assert "abcdefghijklmnop1234" not in recording.read_text()
    assert without_transition(stored(store)) == without_transition(replay_recording(recording).incidents)
