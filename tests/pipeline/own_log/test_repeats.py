"""Which troubles are told, and which are counted."""

from __future__ import annotations

import logging

import pytest

from pipeline.own_log.repeats import MAX_REMEMBERED, RepeatFilter

DOWN = {"source": "raw", "error": "connection refused by 10.0.0.1:9092"}


class Log:
    """Records with times of their own, and what came of each: None where it was held back, else its count."""

    def __init__(self, repeat_seconds: float = 600) -> None:
        self._filter = RepeatFilter(repeat_seconds)

    def say(self, at_seconds: float, event: str, fields: dict[str, object], level: int = logging.WARNING) -> int | None:
        record = logging.LogRecord("whystuck.kafka", level, "", 0, event, None, None)
        record.created, record.whystuck_fields = at_seconds, fields
        return record.repeated_count if self._filter.filter(record) else None


@pytest.fixture
def log() -> Log:
    """With the first trouble told."""
    log = Log()
    assert 0 == log.say(0, "source.down", DOWN)
    return log


SAME = {
    "equal": DOWN,
    "another number in its text": {**DOWN, "error": "connection refused by 10.0.0.1:9093"},
    "another count": {**DOWN, "attempt": 7},
}


@pytest.mark.parametrize("fields", SAME.values(), ids=SAME)
def test_holds_back_the_same_trouble(log: Log, fields: dict[str, object]) -> None:
    """Numbers do not make it another one."""
    assert log.say(1, "source.down", fields) is None


NEWS = {
    "another text": ("source.down", {**DOWN, "error": "authentication failed"}),
    "another subject": ("source.down", {**DOWN, "source": "other"}),
    "another event": ("source.slow", DOWN),
}


@pytest.mark.parametrize(("event", "fields"), NEWS.values(), ids=NEWS)
def test_tells_what_is_different(log: Log, event: str, fields: dict[str, object]) -> None:
    """At once."""
    assert 0 == log.say(1, event, fields)


def test_tells_how_often_it_was_held_back(log: Log) -> None:
    """Once the time is over; then it is held back anew."""
    held_back = [log.say(second, "source.down", DOWN) for second in range(1, 600)]
    assert [None] * 599 == held_back
    assert 599 == log.say(600, "source.down", DOWN)
    assert log.say(601, "source.down", DOWN) is None


def test_trouble_after_something_good_is_news(log: Log) -> None:
    """The good news tells what was never told; trouble of another subject stays as it is."""
    other = {**DOWN, "source": "other"}
    log.say(1, "source.down", other)
    log.say(2, "source.down", DOWN)
    assert 1 == log.say(3, "source.connected", {"source": "raw"}, logging.INFO)
    assert 0 == log.say(4, "source.down", DOWN)
    assert log.say(5, "source.down", other) is None


def test_what_is_remembered_is_bounded() -> None:
    """The oldest is forgotten, the newest is not."""
    log = Log()
    for number in range(MAX_REMEMBERED + 1):
        log.say(0, "key.failed", {"key": f"ns/{number}", "error": "x"})
    assert 0 == log.say(1, "key.failed", {"key": "ns/0", "error": "x"})
    assert log.say(1, "key.failed", {"key": f"ns/{MAX_REMEMBERED}", "error": "x"}) is None


def test_libraries_are_held_back_too() -> None:
    """By their logger and sentence."""
    keep = RepeatFilter(600)
    records = [
        logging.LogRecord("kafka.conn", logging.ERROR, "", 0, "node %s: %s", (node, why), None)
        for node, why in ((1, "refused"), (1, "refused"), (2, "refused"), (2, "reset"))
    ]
    assert [True, False, False, True] == [keep.filter(record) for record in records]
