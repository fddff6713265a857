"""Formats made for terminals and files of Go programs: logrus TTY, klog, zap's console, Go's log, Envoy."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parsers.recognise import recognise
from parsers.records import Format, Level

HINT = datetime(2026, 4, 1, tzinfo=UTC)
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)

TTY = [
    pytest.param(
        "ERRO[2026-03-01T05:00:00-05:00] sync failed                   namespace=shop rollout=cart",
        "sync failed",
        {"namespace": "shop", "rollout": "cart"},
        id="full-time",
    ),
    pytest.param(
        'ERRO[2026-03-01T10:00:00Z] at (10:00 m=+5.2)  error="a b" namespace=shop',
        "at (10:00 m=+5.2)",
        {"error": "a b", "namespace": "shop"},
        id="equals-sign-in-the-message",
    ),
    pytest.param(
        "ERRO[2026-03-01T10:00:00Z] first line\nsecond line  namespace=shop",
        "first line\nsecond line",
        {"namespace": "shop"},
        id="fields-on-the-second-line",
    ),
    pytest.param("ERRO[2026-03-01T10:00:00Z] no fields ", "no fields", {}, id="no-fields"),
    pytest.param(
        "ERRO[2026-03-01T10:00:00Z]a/b.go:12 main.run() text                 a=b", "text", {"a": "b"}, id="caller"
    ),
    pytest.param(
        "[31mERRO[0m[2026-03-01T10:00:00Z] text                 [31ma[0m=b",
        "text",
        {"a": "b"},
        id="colours-without-escape-character",
    ),
]


@pytest.mark.parametrize(("text", "message", "fields"), TTY)
def test_terminal_text_is_read(text: str, message: str, fields: dict[str, str]) -> None:
    """Padding and fields are taken off the message."""
    reading = recognise(text, HINT)

    assert (message, fields) == (reading.message, dict(reading.fields))
    assert (Format.TTY, Level.ERROR, AT) == (reading.format, reading.level, reading.at)


def test_terminal_text_with_seconds_since_start_has_no_time_of_day() -> None:
    """The count is kept; no time is made up."""
    reading = recognise("INFO[1649] unknown field ", HINT)

    assert (Format.TTY, 1649.0, None) == (reading.format, reading.since_start_seconds, reading.at)


def test_terminal_text_without_head_is_known_by_its_padded_fields() -> None:
    """A line that lost level and time still gives its fields."""
    reading = recognise('Error: updating rollout              error="is \\"bad\\"" namespace=shop rollout=cart', HINT)

    assert reading.message == "Error: updating rollout"
    assert {"error": 'is "bad"', "namespace": "shop", "rollout": "cart"} == dict(reading.fields)


KLOG = [
    pytest.param("E0301 10:00:00.000000       1 controller.go:174] Patch failed", "Patch failed", {}, id="old"),
    pytest.param(
        'E0301 10:00:00.000000       1 a.go:1] "Unhandled Error" err="call \\"x\\": EOF" logger="U"',
        "Unhandled Error",
        {"error": 'call "x": EOF', "logger": "U"},
        id="structured",
    ),
    pytest.param(
        'E0301 10:00:00.000000       1 a.go:1] certs/issuers "msg"="retry" "error"="no \\"x\\"" "key"="a/b"',
        "retry",
        {"logger": "certs/issuers", "error": 'no "x"', "key": "a/b"},
        id="klogr",
    ),
    pytest.param(
        'E0301 10:00:00.000000       1 a.go:1] certs/issuers\n  "msg"="retry" "key"="a/b"',
        "retry",
        {"logger": "certs/issuers", "key": "a/b"},
        id="klogr-on-two-lines",
    ),
    pytest.param(
        'E0301 10:00:00.000000       1 a.go:1] msg="retry" error="x y"', "retry", {"error": "x y"}, id="msg-pair"
    ),
    pytest.param(
        'E0301 10:00:00.000000       1 a.go:1] "List" obj={"a": 1} names=[a b] done=true',
        "List",
        {"obj": '{"a": 1}', "names": "[a b]", "done": "true"},
        id="nested-values",
    ),
    pytest.param(
        'E0301 10:00:00.000000       1 a.go:1] "Multi" err=<\n\tline one\n\tline two\n > key="x"',
        "Multi",
        {"error": "line one\nline two", "key": "x"},
        id="value-of-several-lines",
    ),
    pytest.param(
        'E0301 10:00:00.000000       1 a.go:1] "Cut" err="call \\"x', "Cut", {"error": 'call "x'}, id="cut-value"
    ),
    pytest.param(
        'E0301 10:00:00.000000       1 a.go:1] "quoted" word begins prose',
        '"quoted" word begins prose',
        {},
        id="prose-that-begins-quoted",
    ),
]


@pytest.mark.parametrize(("text", "message", "fields"), KLOG)
def test_klog_is_read(text: str, message: str, fields: dict[str, str]) -> None:
    """Old and structured klog give message and fields; the year is the hint's, the zone assumed."""
    reading = recognise(text, HINT)

    assert (message, fields) == (reading.message, dict(reading.fields))
    assert (Format.KLOG, Level.ERROR, AT, True) == (reading.format, reading.level, reading.at, reading.is_zone_assumed)


HEADLESS_KLOG = [
    pytest.param(
        "reflector.go:126] factory.go:117: Failed to list",
        "factory.go:117: Failed to list",
        Level.UNKNOWN,
        id="end-of-the-header",
    ),
    pytest.param('W0608 sources.go:201] "slow" key="a"', "slow", Level.WARNING, id="no-time"),
    pytest.param('"Unhandled Error" err="x" logger="U"', "Unhandled Error", Level.UNKNOWN, id="no-header"),
]


@pytest.mark.parametrize(("text", "message", "level"), HEADLESS_KLOG)
def test_klog_with_a_damaged_header_is_read(text: str, message: str, level: Level) -> None:
    """What is left of the header is enough; a missing time stays missing."""
    reading = recognise(text, HINT)

    assert (Format.KLOG, message, level, None) == (reading.format, reading.message, reading.level, reading.at)


ZAP = [
    pytest.param(
        '2026-03-01T10:00:00.000Z\tERROR\tca-ctrl\tca/manager.go:8\tcannot renew\t{"error": "x"}',
        "cannot renew",
        {"logger": "ca-ctrl", "caller": "ca/manager.go:8", "error": "x"},
        id="tabs",
    ),
    pytest.param("2026-03-01T10:00:00.000Z\tERROR\tcannot renew", "cannot renew", {}, id="message-only"),
    pytest.param(
        '2026-03-01T10:00:00.000Z   ERROR   ca.ctrl   ca/manager.go:8   cannot renew   {"error": "x"}',
        "cannot renew",
        {"logger": "ca.ctrl", "caller": "ca/manager.go:8", "error": "x"},
        id="tabs-became-blanks",
    ),
    pytest.param(
        '1.7723592e+09\tERROR\tsetup\tcannot start\t{"n": 1}', "cannot start", {"logger": "setup", "n": "1"}, id="epoch"
    ),
    pytest.param(
        "2026-03-01T10:00:00.000Z\terror\tenvoy config\tstream closed",
        "stream closed",
        {"logger": "envoy config"},
        id="small-letters",
    ),
    pytest.param(
        "2026-03-01T10:00:00.000Z [ERROR] plugin.edge: panic: boom",
        "panic: boom",
        {"logger": "plugin.edge"},
        id="hclog",
    ),
    pytest.param(
        '2026-03-01T10:00:00.000Z [ERROR] agent: cannot log in: error="a b" n=1',
        "cannot log in",
        {"logger": "agent", "error": "a b", "n": "1"},
        id="hclog-fields",
    ),
]


@pytest.mark.parametrize(("text", "message", "fields"), ZAP)
def test_zap_console_and_hclog_are_read(text: str, message: str, fields: dict[str, str]) -> None:
    """Logger and caller are fields, the JSON at the end is taken apart."""
    reading = recognise(text, HINT)

    assert (message, fields) == (reading.message, dict(reading.fields))
    assert (Format.ZAP_CONSOLE, Level.ERROR, AT) == (reading.format, reading.level, reading.at)


GO_LOG = [
    pytest.param(
        "2026/03/01 10:00:00 http: TLS handshake error from 10.0.0.1:5: EOF",
        "http: TLS handshake error from 10.0.0.1:5: EOF",
        Level.UNKNOWN,
        id="standard",
    ),
    pytest.param(
        "WARNING: 2026/03/01 10:00:00 grpc: failed to connect", "grpc: failed to connect", Level.WARNING, id="grpc"
    ),
    pytest.param("2026-03-01 10:00:00.000000 W | rafthttp: unhealthy", "unhealthy", Level.WARNING, id="capnslog"),
    pytest.param(
        "[2026-03-01 10:00:00.000][12][warning][config] [source/a/b.cc:10] stream closed",
        "stream closed",
        Level.WARNING,
        id="envoy",
    ),
]


@pytest.mark.parametrize(("text", "message", "level"), GO_LOG)
def test_dated_text_is_read(text: str, message: str, level: Level) -> None:
    """The date is taken off, and UTC is assumed and said."""
    reading = recognise(text, HINT)

    assert (Format.GO_LOG, message, level) == (reading.format, reading.message, reading.level)
    assert (AT, True) == (reading.at, reading.is_zone_assumed)


BARE = [
    pytest.param(
        'rollout syncHandler queue retries: 3 : key "shop/cart"',
        'rollout syncHandler queue retries: 3 : key "shop/cart"',
        id="bare-message",
    ),
    pytest.param(
        'cannot update pods \\"cart-1\\": modified"',
        'cannot update pods "cart-1": modified',
        id="inside-of-a-quoted-string",
    ),
    pytest.param(
        "{Expected success, but got an error:", "{Expected success, but got an error:", id="brace-that-is-no-json"
    ),
    pytest.param("Post https://a?b=c: x=1 EOF", "Post https://a?b=c: x=1 EOF", id="equals-signs-in-prose"),
]


@pytest.mark.parametrize(("text", "message"), BARE)
def test_what_no_reader_knows_is_a_bare_message(text: str, message: str) -> None:
    """The whole text is the message; nothing is dropped."""
    reading = recognise(text, HINT)

    assert (Format.BARE, message) == (reading.format, reading.message)
