"""Replay as a library: what is counted, filtered, merged and given back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parsers.events import Event
from pipeline.engine.settings import EngineSettings
from pipeline.replay import ReplayFilter, ReplayResult, replay
from pipeline.sources.files import InputFiles
from pipeline.spool import MAX_EVENTS_IN_MEMORY, EventSpool, merge_by_time
from tests.pipeline.engine.builders import API, LOG, OTHER_LOG, at, complete, count, fail, lead, rules, see
from tests.property.raw_logs import CAUSE, READ_AT, error, noise, passes, retry, stamp, story, text_line


def _replay(*paths: Path, chosen: ReplayFilter | None = None) -> ReplayResult:
    return replay(InputFiles([str(path) for path in paths]), EngineSettings(), rules(), read_at=READ_AT, chosen=chosen)


def _write(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


TAKEN = {
    "anything": (ReplayFilter(), fail(0), True),
    "too early": (ReplayFilter(since=at(1)), fail(0), False),
    "at the beginning": (ReplayFilter(since=at(0)), fail(0), True),
    "too late": (ReplayFilter(until=at(-1)), fail(0), False),
    "at the end": (ReplayFilter(until=at(0)), fail(0), True),
    "namespace": (ReplayFilter(namespaces=("shop",)), fail(0), True),
    "pattern of namespaces": (ReplayFilter(namespaces=("x", "sh*")), fail(0), True),
    "another namespace": (ReplayFilter(namespaces=("bank",)), fail(0), False),
    "key": (ReplayFilter(keys=("shop/web",)), count(0, 1), True),
    "key with its kind": (ReplayFilter(keys=("rollout shop/web",)), fail(0), True),
    "key of another kind": (ReplayFilter(keys=("experiment shop/web",)), fail(0), False),
    "another key": (ReplayFilter(keys=("shop/web",)), fail(0, key=API), False),
    "what has no key": (ReplayFilter(keys=("shop/web",), namespaces=("x",)), lead(0), True),
    "failure without a key": (ReplayFilter(namespaces=("bank",)), see(0), True),
}


@pytest.mark.parametrize(("chosen", "event", "is_taken"), TAKEN.values(), ids=TAKEN)
def test_filter_takes(chosen: ReplayFilter, event: Event, is_taken: bool) -> None:
    """By time, namespace and key; what concerns the whole controller passes."""
    assert is_taken is chosen.takes(event)


def test_everything_read_is_counted(tmp_path: Path) -> None:
    """Lines, candidates, records, events, times."""
    lines = [noise(0), *story([1, 2], "web"), b'{"a": "syncHandler error"}', noise(9)]
    totals = _replay(_write(tmp_path / "a.log", lines)).totals
    assert (9, 7, 6, 6) == (totals.lines, totals.candidates, totals.records, totals.events)
    assert (1, [str(tmp_path / "a.log")]) == (totals.unparsed.total(), totals.sources)
    assert ("2026-03-01T12:00:01+00:00", "2026-03-01T12:00:02+00:00") == tuple(
        moment.isoformat() for moment in (totals.first_at, totals.last_at) if moment is not None
    )


def test_coverage_says_what_was_not_read(tmp_path: Path) -> None:
    """In every incident."""
    log = _write(tmp_path / "a.log", story(range(0, 200, 10)))
    (incident,) = _replay(log, tmp_path / "missing.log").incidents
    assert (60, 1) == (incident.coverage.lines_read, len(incident.coverage.not_read))


def test_two_pods_are_one_story(tmp_path: Path) -> None:
    """The new leader's log goes on where the old one's ends, whatever the files are called."""
    old = _write(tmp_path / "z.log", [passes(0, "web"), passes(1, "web"), *story(range(10, 100, 10))])
    led = text_line(105, "I am the new leader: pod_2")
    new = _write(tmp_path / "a.log", [led, *story(range(110, 200, 10)), passes(205, "web"), passes(208, "web")])
    (incident,) = _replay(old, new).incidents
    assert ("resolved", 18) == (incident.status, incident.victims[0].failures)


def test_rotated_log_is_one_story(tmp_path: Path) -> None:
    """Lines are found in the part where they stand."""
    _write(tmp_path / "c.log.1", [passes(0, "web"), passes(1, "web"), *story(range(10, 100, 10))])
    log = _write(tmp_path / "c.log", [*story(range(100, 200, 10)), passes(205, "web"), passes(208, "web")])
    (incident,) = _replay(tmp_path).incidents
    assert "resolved" == incident.status
    assert {str(log), str(tmp_path / "c.log.1")} == {one.provenance.source for one in incident.evidence}


def test_log_that_was_silent_over_the_weekend_keeps_its_times(tmp_path: Path) -> None:
    """A first record after a long pause is of its own day, not of the last one before."""
    monday = [line.replace(b"2026-03-01", b"2026-03-04") for line in story(range(5))]
    lines = [
        passes(0, "web"),
        passes(2, "web"),
        error(5, "web"),
        retry(5, "web", 1),
        passes(9, "web"),
        passes(12, "web"),
        *monday,
    ]
    assert () == _replay(_write(tmp_path / "a.log", lines)).incidents


@pytest.mark.parametrize("is_last", [False, True], ids=["in the middle", "at the end"])
def test_single_time_that_no_other_agrees_with_is_not_believed(tmp_path: Path, is_last: bool) -> None:
    """A damaged digit moves nothing; the key that runs away is found at its own time."""
    damaged = error(100, "web").replace(b"2026-03-01", b"2062-03-01")
    lines = story(range(0, 200, 10))
    place = len(lines) if is_last else 20
    (incident,) = _replay(_write(tmp_path / "a.log", [*lines[:place], damaged, *lines[place:]])).incidents
    assert stamp(60) == incident.opened_at.isoformat().replace("+00:00", "Z")
    assert 2026 == incident.updated_at.year


def test_blocked_replica_set_that_recovers_is_resolved(tmp_path: Path) -> None:
    """The patch that takes the condition back is found, though nothing in it looks like trouble."""

    def patch(second: int, *conditions: str) -> bytes:
        listed = ",".join(conditions)
        fields = " namespace=shop rollout=web"
        return text_line(second, f'Patched: {{\\"status\\":{{\\"conditions\\":[{listed}]}}}}', fields)

    failure = CAUSE.replace('\\"', '\\\\\\"')
    kind = '\\"type\\":\\"ReplicaFailure\\",\\"status\\":\\"True\\",\\"reason\\":\\"FailedCreate\\"'
    blocked = f'{{{kind},\\"message\\":\\"{failure}\\"}}'
    fine = '{\\"type\\":\\"Progressing\\",\\"status\\":\\"True\\",\\"message\\":\\"ok\\"}'
    lines = [patch(0, fine), patch(10, blocked, fine), patch(300, fine), noise(400)]
    (incident,) = _replay(_write(tmp_path / "a.log", lines)).incidents
    assert ("resolved", "unblocked", "tls.expired") == (
        incident.status,
        incident.transition.reason,
        incident.cause.failure_class,
    )


def _of(*events: Event, name: str) -> EventSpool:
    spool = EventSpool(name)
    for event in events:
        spool.put(event)
    return spool


def test_streams_are_merged_by_time_and_keep_their_own_order() -> None:
    """Also where a time of a stream steps back."""
    first = _of(complete(0), complete(10), complete(5), complete(20), name="a")
    second = _of(complete(1, origin=OTHER_LOG), complete(11, origin=OTHER_LOG), name="b")
    merged = [(event.origin.source[0], (event.at - at(0)).total_seconds()) for event in merge_by_time([second, first])]
    assert [("c", 0), ("o", 1), ("c", 10), ("c", 5), ("o", 11), ("c", 20)] == merged


def test_spool_gives_back_what_was_put_into_it() -> None:
    """Also beyond what is held in memory."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    events = [fail(0, "expired", origin=LOG)] * 5 + [
        type(complete(0))(begin + timedelta(seconds=number), LOG, number, API)
        for number in range(MAX_EVENTS_IN_MEMORY + 10)
    ]
    spool = _of(*events, name="a")
    assert events == list(spool)
    assert events == list(spool)
    spool.close()
