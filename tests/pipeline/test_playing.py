"""What is played of a recording, and what of it is kept in memory."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from parsers.failures import FailureFinder
from parsers.records import Origin
from pipeline.extract import StreamExtractor, scanner_for
from pipeline.moments import ControllerHeard
from pipeline.playing import RecordingPlayer
from pipeline.sources.recording.records import AnyRecord
from tests.pipeline.engine.builders import rules
from tests.pipeline.sources.recording.recorded import BEGAN, DONE, FIRST, read, resumed
from tests.property.raw_logs import error, passes

PODS = 300


def _player() -> RecordingPlayer:
    scanner, finder = scanner_for(rules()), FailureFinder(rules())
    read_at = datetime(2026, 3, 1, tzinfo=UTC)
    return RecordingPlayer(lambda: StreamExtractor(scanner, finder, read_at=read_at), finder, Origin("recording"))


def test_streams_that_are_over_are_let_go_of() -> None:
    """Every line of every pod is played, and no pod is remembered."""
    player = _player()
    records: list[AnyRecord] = [BEGAN, FIRST]
    for pod in range(PODS):
        only = read(1, error(1, "web").decode(), stream=f"pod-{pod}")
        records += [only, msgspec.structs.replace(only, blocks=(), is_over=True), DONE]
    events = [type(event).__name__ for event in player.play(records)]
    assert (PODS, PODS) == (events.count("SyncFailed"), player.counts.lines)
    assert [] == list(player.notes())


def test_streams_that_are_over_are_known_after_a_restart() -> None:
    """Nothing was read of them while nobody recorded."""
    over = msgspec.structs.replace(read(1, "x"), is_over=True)
    player = _player()
    list(player.play([BEGAN, FIRST, over, DONE, BEGAN, resumed(2)]))
    assert [] == list(player.notes())
    list(player.play([BEGAN, resumed(7)]))
    assert [] == list(player.notes())


def test_controllers_that_were_heard() -> None:
    """When they wrote, by their own clock or the source's, whichever is ahead."""
    played = _player().play([BEGAN, FIRST, read(1, passes(1, "web").decode()), DONE])
    (heard,) = (event for event in played if isinstance(event, ControllerHeard))
    assert ("kafka", datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)) == (heard.source, heard.heard_at)
