"""logrus text and other logfmt, whole and damaged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parsers.logfmt import read_logfmt, salvage_logfmt
from parsers.records import Format, Level

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
HEAD = 'time="2026-03-01T10:00:00Z" level=error '

CASES = [
    pytest.param(
        HEAD + 'msg="sync failed" namespace=shop rollout=cart',
        "sync failed",
        {"namespace": "shop", "rollout": "cart"},
        id="logrus",
    ),
    pytest.param(HEAD + "msg=Unauthorized", "Unauthorized", {}, id="unquoted-message"),
    pytest.param(
        HEAD + r'msg="Post \"https://a\": x\n\ty \\ \u2713 \x41"', 'Post "https://a": x\n\ty \\ ✓ A', {}, id="escapes"
    ),
    pytest.param(HEAD + 'msg="a" error="<nil>"', "a", {"error": "<nil>"}, id="nil-error"),
    pytest.param(
        HEAD + 'msg="a" err="boom x" namespace=', "a", {"error": "boom x", "namespace": ""}, id="err-and-empty-value"
    ),
    pytest.param(
        "level=error ts=2026-03-01T10:00:00Z caller=a.go:1 msg=b", "b", {"caller": "a.go:1"}, id="other-order"
    ),
    pytest.param(
        'time=2026-03-01T10:00:00.000Z level=ERROR msg="slog text" a.b=c', "slog text", {"a.b": "c"}, id="slog"
    ),
    pytest.param(
        HEAD + 'msg="Post "https://a": EOF" namespace=shop',
        'Post "https://a": EOF',
        {"namespace": "shop"},
        id="odd-quotation-marks",
    ),
    pytest.param(
        HEAD + "msg=\"Object 'Kind' is missing resource=shop/cart",
        "Object 'Kind' is missing",
        {"resource": "shop/cart"},
        id="never-closed-before-a-known-field",
    ),
    pytest.param(HEAD + 'msg="lost" words namespace=shop', "lost", {"namespace": "shop"}, id="word-between-fields"),
]


@pytest.mark.parametrize(("text", "message", "fields"), CASES)
def test_record_is_read(text: str, message: str, fields: dict[str, str]) -> None:
    """Message and fields come out unquoted, time and level are not among the fields."""
    reading = read_logfmt(text)

    assert reading is not None
    assert (message, fields) == (reading.message, dict(reading.fields))
    assert (Format.LOGFMT, Level.ERROR, AT) == (reading.format, reading.level, reading.at)


def test_line_cut_inside_the_message_keeps_what_is_there() -> None:
    """The message runs to the end of the line, and the cut is said."""
    reading = read_logfmt(HEAD + 'msg="Post \\"https://a')

    assert reading is not None
    assert ('Post "https://a', True) == (reading.message, reading.is_cut)


CUT_AT_THE_START = [
    pytest.param('Z" level=fatal msg="no caches" a=b', "no caches", id="inside-the-time"),
    pytest.param('> time="2026-03-01T10:00:00Z" level=fatal msg="no caches" a=b', "no caches", id="unknown-prefix"),
]


@pytest.mark.parametrize(("text", "message"), CUT_AT_THE_START)
def test_what_stands_before_a_record_does_not_hide_it(text: str, message: str) -> None:
    """A record behind the rest of a cut value, or behind an unknown wrapper, is found."""
    reading = salvage_logfmt(text)

    assert reading is not None
    assert (message, Level.FATAL, {"a": "b"}) == (reading.message, reading.level, dict(reading.fields))


@pytest.mark.parametrize("text", ["plain words", "a=b c=d", "level is 5", 'Error: x error="y"', ""])
def test_prose_is_no_logfmt(text: str) -> None:
    """A text without a message and a level is left to other readers."""
    assert read_logfmt(text) is None
    assert salvage_logfmt(text) is None


def test_thousands_of_odd_quotation_marks_end_soon() -> None:
    """Damage costs bounded time: what cannot be read is marked as cut."""
    reading = read_logfmt(HEAD + 'msg="x ' * 8_000)

    assert reading is not None
