"""Lines of the own log."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipeline.own_log.lines import MAX_TEXT_CHARS, LineFormatter
from pipeline.own_log.loggers import get_logger
from pipeline.own_log.settings import LogFormat, LogLevel, LogSettings
from pipeline.own_log.setup import set_up_log
from pipeline.secret import HIDDEN, Secret

AT_SECONDS = 1_772_366_400.25


def line_of(chosen: LogFormat, fields: dict[str, object] | None = None, **record: object) -> str:
    """A line with these fields."""
    event = logging.LogRecord("whystuck.kafka", logging.WARNING, "", 0, "source.down", None, None)
    event.created, event.whystuck_fields = AT_SECONDS, fields or {}
    vars(event).update(record)
    return LineFormatter(chosen).format(event)


def shown(value: object, name: str = "it") -> object:
    """A field as JSON has it."""
    return json.loads(line_of(LogFormat.JSON, {name: value}))[name]


def test_logfmt() -> None:
    """Blanks and line breaks are quoted."""
    beginning = "at=2026-03-01T12:00:00.250Z level=warning logger=whystuck.kafka event=source.down"
    line = line_of(LogFormat.LOGFMT, {"source": "raw", "error": "a\nb = c", "is_caught_up": False, "lag": 12})
    assert f'{beginning} source=raw error="a\\nb = c" is_caught_up=false lag=12' == line


def test_json() -> None:
    """The same."""
    assert {
        "at": "2026-03-01T12:00:00.250Z",
        "level": "warning",
        "logger": "whystuck.kafka",
        "event": "source.down",
        "error": "a\nb",
        "repeated": 3,
    } == json.loads(line_of(LogFormat.JSON, {"error": "a\nb"}, repeated_count=3))


def test_field_cannot_take_the_place_of_the_line_s_own() -> None:
    """It is named otherwise."""
    line = json.loads(line_of(LogFormat.JSON, {"level": "x", "event": "y"}))
    assert ("warning", "x", "source.down", "y") == (line["level"], line["level_"], line["event"], line["event_"])


VALUES = {
    "nothing": (None, None),
    "an enum": (LogLevel.DEBUG, "debug"),
    "a time": (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00+00:00"),
    "a list": (("a", 1), ["a", 1]),
    "a mapping": ({"a": 1, "token": "x"}, {"a": 1, "token": HIDDEN}),
    "an error": (ValueError("no"), "no"),
    "a long text": ("x" * 10_000, "x" * MAX_TEXT_CHARS + "…"),
    "terminal escapes": ("\x1b[31mred", "red"),
    "a secret": (Secret("hunter2"), HIDDEN),
    "an address with a password": ("postgresql://me:p%40ss@db/x", f"postgresql://{HIDDEN}@db/x"),
    "an error with an address": (ValueError("no: amqp://me:a@b@db/x"), f"no: amqp://{HIDDEN}@db/x"),
    "a header": ("Authorization: Bearer abcdefghijkl", "Authorization: [redacted]"),
}


@pytest.mark.parametrize(("value", "expected"), VALUES.values(), ids=VALUES)
def test_value(value: object, expected: object) -> None:
    """Safe to print, without secrets, bounded."""
    assert expected == shown(value)


@pytest.mark.parametrize("name", ["password", "sasl_password", "token", "client_secret", "apiKey"])
def test_field_that_sounds_like_a_secret_is_hidden(name: str) -> None:
    """Whatever is in it."""
    assert HIDDEN == shown("hunter2", name)


@pytest.mark.parametrize("value", [True, False, None])
def test_whether_there_is_a_secret_is_none(value: bool | None) -> None:
    """`has_token=true` says something."""
    assert value is shown(value, "has_token")


def test_exception_stands_on_the_line_of_its_event() -> None:
    """And secrets in it are hidden."""
    try:
        int("postgresql://me:hunter2@db/x")
    except ValueError:
        line = line_of(LogFormat.LOGFMT, {}, exc_info=sys.exc_info())
    assert "ValueError" in line
    assert "hunter2" not in line
    assert "\n" not in line


@pytest.fixture
def _plain_logging() -> Iterator[None]:
    """Puts the standard library's loggers back."""
    root, own = logging.getLogger(), logging.getLogger("whystuck")
    before = root.handlers[:], root.level, own.level, threading.excepthook
    yield
    root.handlers[:], root.level, own.level, threading.excepthook = before
    logging.captureWarnings(capture=False)


LEVELS = {
    LogLevel.DEBUG: ["own debug", "own info", "own warning", "own error", "library warning", "library error"],
    LogLevel.INFO: ["own info", "own warning", "own error", "library warning", "library error"],
    LogLevel.WARNING: ["own warning", "own error", "library warning", "library error"],
    LogLevel.ERROR: ["own error", "library error"],
}


@pytest.mark.usefixtures("_plain_logging")
@pytest.mark.parametrize(("level", "expected"), LEVELS.items(), ids=lambda value: getattr(value, "value", ""))
def test_levels(level: LogLevel, expected: list[str]) -> None:
    """Libraries are heard from warnings on."""
    stream = io.StringIO()
    set_up_log(LogSettings(format=LogFormat.JSON, level=level), stream)
    for logger in (get_logger("test"), logging.getLogger("kafka.conn")):
        who = "library" if isinstance(logger, logging.Logger) else "own"
        for name in ("debug", "info", "warning", "error"):
            getattr(logger, name)(f"{who} {name}")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert expected == [line.get("message", line["event"]) for line in lines]


@pytest.mark.usefixtures("_plain_logging")
def test_bound_fields_and_exceptions_reach_the_line() -> None:
    """As structlog's users know them."""
    stream = io.StringIO()
    set_up_log(LogSettings(format=LogFormat.JSON), stream)
    try:
        int("no")
    except ValueError:
        get_logger("test").bind(source="raw").exception("source.failed", attempt=2)
    line = json.loads(stream.getvalue())
    assert ("error", "raw", 2) == (line["level"], line["source"], line["attempt"])
    assert "ValueError: invalid literal" in line["exception"]


@pytest.mark.usefixtures("_plain_logging")
def test_set_up_again_changes_the_settings() -> None:
    """And writes no line twice."""
    stream = io.StringIO()
    set_up_log(LogSettings(format=LogFormat.JSON), stream)
    set_up_log(LogSettings(level=LogLevel.WARNING), stream)
    get_logger("test").info("a.b")
    get_logger("test").warning("c.d")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("event=c.d")


@pytest.mark.usefixtures("_plain_logging")
def test_end_of_a_thread_is_one_line() -> None:
    """With what ended it."""
    stream = io.StringIO()
    set_up_log(LogSettings(format=LogFormat.JSON), stream)
    thread = threading.Thread(target=int, args=("no",), name="delivery")
    thread.start()
    thread.join()
    line = json.loads(stream.getvalue())
    assert ("thread.failed", "delivery") == (line["event"], line["thread"])
    assert "ValueError: invalid literal" in line["exception"]
