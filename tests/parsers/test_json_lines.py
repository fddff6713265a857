"""Records that are one JSON object a line, whole, cut or hostile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parsers.json_lines import decode_object, read_json_record
from parsers.reading import Reading
from parsers.records import Level

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


def read(text: str) -> Reading | None:
    decoded = decode_object(text)
    return read_json_record(decoded) if decoded else None


CASES = [
    pytest.param(
        '{"level":"error","msg":"a","namespace":"shop","time":"2026-03-01T10:00:00Z"}',
        "a",
        {"namespace": "shop"},
        id="logrus",
    ),
    pytest.param(
        '{"level":"error","ts":1772359200.0,"logger":"x","msg":"a","error":"b"}',
        "a",
        {"logger": "x", "error": "b"},
        id="zap",
    ),
    pytest.param('{"L":"ERROR","T":"2026-03-01T10:00:00.000Z","N":"x","M":"a"}', "a", {"N": "x"}, id="zap-short-keys"),
    pytest.param('{"@level":"error","@message":"a","@timestamp":"2026-03-01T10:00:00.000000Z"}', "a", {}, id="hclog"),
    pytest.param(
        '{"time":"2026-03-01T10:00:00Z","level":"ERROR","msg":"a","n":{"b":[1,2]},"ok":true}',
        "a",
        {"n": '{"b":[1,2]}', "ok": "true"},
        id="slog-nested",
    ),
    pytest.param(
        '{"level":"error","msg":"a","error":null,"time":"2026-03-01T10:00:00Z"}',
        "a",
        {"error": "<nil>"},
        id="null-as-in-text",
    ),
    pytest.param('{"level":"error","err":"b","msg":"a","time":"2026-03-01T10:00:00Z"}', "a", {"error": "b"}, id="err"),
    pytest.param('{"level":"error","msg":"a","msg":"b","time":"2026-03-01T10:00:00Z"}', "b", {}, id="duplicate-key"),
    pytest.param(
        '{"level":"error","msg":"\\u001b[31ma\\u0000","time":"2026-03-01T10:00:00Z"}',
        "a",
        {},
        id="escaped-control-characters",
    ),
    pytest.param(
        '{"level":"error","msg":"\\ud800a","time":"2026-03-01T10:00:00Z"}', "\ufffda", {}, id="lone-surrogate"
    ),
    pytest.param(
        '{"level":"error","msg":"a","n":12345678901234567890123,"time":"2026-03-01T10:00:00Z"}',
        "a",
        {"n": "12345678901234567890123"},
        id="large-number",
    ),
    pytest.param('{"level":"error","msg":"a\tb","time":"2026-03-01T10:00:00Z"}', "a\tb", {}, id="raw-tab"),
]


@pytest.mark.parametrize(("text", "message", "fields"), CASES)
def test_record_is_read(text: str, message: str, fields: dict[str, str]) -> None:
    """Values are text, time, level and message are not among the fields."""
    reading = read(text)

    assert reading is not None
    assert (message, fields) == (reading.message, dict(reading.fields))
    assert (Level.ERROR, AT, False) == (reading.level, reading.at, reading.is_cut)


CUT = [
    pytest.param(
        '{"level":"info","msg":"a \\"b\\"","namespace":"shop","res', 'a "b"', {"namespace": "shop"}, id="inside-a-key"
    ),
    pytest.param('{"level":"info","msg":"a","namespace":"sh', "a", {"namespace": "sh"}, id="inside-a-value"),
    pytest.param('{"level":"info","msg":"a b', "a b", {}, id="inside-the-message"),
    pytest.param('{"level":"info","msg":"a","v":{"x":[1,', "a", {"v": '{"x":[1,'}, id="inside-a-nested-value"),
    pytest.param(
        '{"level":"info","msg":"a "odd" b","namespace":"shop"}',
        'a "odd" b',
        {"namespace": "shop"},
        id="lost-backslashes",
    ),
]


@pytest.mark.parametrize(("text", "message", "fields"), CUT)
def test_damaged_object_gives_what_is_complete(text: str, message: str, fields: dict[str, str]) -> None:
    """Message and complete fields of an object that ends too early are kept, and the damage is said."""
    reading = read(text)

    assert reading is not None
    assert (message, fields, True) == (reading.message, dict(reading.fields), reading.is_cut)


HOSTILE = [
    pytest.param('{"a":' * 100_000, id="nested-objects"),
    pytest.param('{"msg":"x","a":' + "[" * 100_000, id="nested-arrays"),
    pytest.param('{"msg":"x","n":' + "9" * 5_000 + "}", id="number-of-5000-digits"),
    pytest.param('{"msg":"x",' + '"k":"' * 10_000, id="open-strings"),
    pytest.param("{" + '"' * 50_000, id="quotation-marks"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_objects_do_no_harm(text: str) -> None:
    """Depth, size and damage neither raise nor hang."""
    reading = read(text)

    assert reading is None or reading.message == "x"


@pytest.mark.parametrize("text", ["{}", '{"a":1}', "{not json", '{"level":"info"}'])
def test_object_without_a_message_is_no_record(text: str) -> None:
    """There is nothing to classify in it."""
    assert read(text) is None
