"""Every form of time in these logs becomes an aware UTC time, or None."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parsers.timestamps import Moment, find_time, is_newest_first, parse_rfc3339, parse_time

HINT = datetime(2026, 1, 3, tzinfo=UTC)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


WITH_ZONE = [
    pytest.param("2026-11-23T15:54:10Z", utc(2026, 11, 23, 15, 54, 10), id="rfc3339"),
    pytest.param("2026-11-23T15:54:10.123456789Z", utc(2026, 11, 23, 15, 54, 10, 123456), id="nanoseconds"),
    pytest.param("2026-11-23T15:54:10.5+01:00", utc(2026, 11, 23, 14, 54, 10, 500000), id="offset"),
    pytest.param("2026-11-23T15:54:10.500+0100", utc(2026, 11, 23, 14, 54, 10, 500000), id="offset-without-colon"),
    pytest.param("2026-11-23 15:54:10.5 +0000 UTC", utc(2026, 11, 23, 15, 54, 10, 500000), id="go-string"),
    pytest.param("2026-11-23 15:54:10 +0000 UTC m=+7.5", utc(2026, 11, 23, 15, 54, 10), id="go-string-monotonic"),
    pytest.param("Mon, 23 Nov 2026 15:54:10 GMT", utc(2026, 11, 23, 15, 54, 10), id="rfc1123"),
    pytest.param("23/Nov/2026:15:54:10 +0100", utc(2026, 11, 23, 14, 54, 10), id="common-log-format"),
    pytest.param(1_795_449_250, utc(2026, 11, 23, 15, 54, 10), id="seconds"),
    pytest.param(1_795_449_250.25, utc(2026, 11, 23, 15, 54, 10, 250000), id="seconds-with-fraction"),
    pytest.param(1_795_449_250_250, utc(2026, 11, 23, 15, 54, 10, 250000), id="milliseconds"),
    pytest.param("1795449250250000", utc(2026, 11, 23, 15, 54, 10, 250000), id="microseconds"),
    pytest.param("1795449250250000123", utc(2026, 11, 23, 15, 54, 10, 250000), id="nanosecond-number"),
    pytest.param("1.79544925025e+09", utc(2026, 11, 23, 15, 54, 10, 250000), id="zap-number"),
]
WITHOUT_ZONE = [
    pytest.param("2026-11-23 15:54:10,123", utc(2026, 11, 23, 15, 54, 10, 123000), id="comma"),
    pytest.param("2026/11/23 15:54:10", utc(2026, 11, 23, 15, 54, 10), id="go-log"),
    pytest.param("2026/11/23 15:54:10.000123", utc(2026, 11, 23, 15, 54, 10, 123), id="go-log-microseconds"),
    pytest.param("Nov 23, 2026 @ 15:54:10.123", utc(2026, 11, 23, 15, 54, 10, 123000), id="kibana"),
    pytest.param("1005 21:40:12.614000", utc(2025, 10, 5, 21, 40, 12, 614000), id="klog-last-year"),
    pytest.param("0103 21:40:12.6", utc(2026, 1, 3, 21, 40, 12, 600000), id="klog-this-year"),
    pytest.param("Apr  8 19:03:17", utc(2026, 4, 8, 19, 3, 17), id="journald"),
    pytest.param("8月 27 03:20:45", utc(2025, 8, 27, 3, 20, 45), id="journald-localized"),
]
NONE = [
    *("", "yesterday", "2026-02-30T00:00:00Z", "2026-11-23T25:00:00Z", "9999-12-31T23:59:59-05:00"),
    *("0001-01-01T00:00:00Z", "0229 11:11:11.0", "1" * 5000, 10**4000, float("inf"), float("nan"), -1, True, None),
]


@pytest.mark.parametrize(("value", "expected"), WITH_ZONE)
def test_time_with_a_zone_is_read_exactly(value: object, expected: datetime) -> None:
    """A time that names its zone, or counts from the epoch, is that time in UTC."""
    assert Moment(expected) == parse_time(value, HINT)


@pytest.mark.parametrize(("value", "expected"), WITHOUT_ZONE)
def test_time_without_a_zone_is_taken_as_utc_and_says_so(value: object, expected: datetime) -> None:
    """Where the zone is missing UTC is taken, where the year is missing the one nearest to the hint."""
    assert Moment(expected, is_zone_assumed=True) == parse_time(value, HINT)


@pytest.mark.parametrize("value", NONE, ids=[repr(value)[:24] for value in NONE])
def test_nonsense_is_no_time(value: object) -> None:
    """What is no time, or lies outside the years that are read, gives None and no error."""
    assert parse_time(value, HINT) is None


def test_time_without_a_year_needs_a_hint() -> None:
    """No year is made up."""
    assert parse_time("1005 21:40:12.614000") is None


@pytest.mark.parametrize("text", ["2026-11-23T15:54:10", "2026-11-23 15:54:10Z", "20261123T155410Z", ""])
def test_fast_path_takes_rfc3339_only(text: str) -> None:
    """Forms that the general reader knows are none of the fast path's."""
    assert parse_rfc3339(text) is None


FOUND = [
    pytest.param(b'time="2026-03-01T10:00:00Z" level=info', utc(2026, 3, 1, 10), id="logfmt"),
    pytest.param(b'{"msg":"after 2020-01-01T00:00:00Z","time":"2026-03-01T10:00:00Z"}', utc(2026, 3, 1, 10), id="json"),
    pytest.param(b'{"log":"{\\"time\\":\\"2026-03-01T10:00:00Z\\"}"}', utc(2026, 3, 1, 10), id="json-in-json"),
    pytest.param(b'{"ts":1772359200.5}', utc(2026, 3, 1, 10, 0, 0, 500000), id="epoch-member"),
    pytest.param(b"[pod/a/b] 2026-03-01T10:00:00Z text", utc(2026, 3, 1, 10), id="prefix"),
    pytest.param(b"E0301 10:00:00.250000 1 a.go:1] text", utc(2000, 3, 1, 10, 0, 0, 250000), id="klog-some-year"),
    pytest.param(b"no time here", None, id="none"),
]


@pytest.mark.parametrize(("line", "expected"), FOUND)
def test_time_is_found_in_a_raw_line(line: bytes, expected: datetime | None) -> None:
    """The line's own time is found without parsing it; a time inside its message is not taken for it."""
    assert expected == find_time(line)


ORDERS = [
    pytest.param([5, 4, 4, 3, 2, 1], True, id="newest-first"),
    pytest.param([5, 4, 5, 3, 2, 1], True, id="newest-first-with-one-step-back"),
    pytest.param([1, 2, 3, 4, 5], False, id="oldest-first"),
    pytest.param([2, 1, 1, 1], False, id="too-few-distinct-times"),
    pytest.param([1, 9, 8, 7, 6, 2], False, id="ends-later-than-it-began"),
    pytest.param([9, 1, 5, 1, 5, 3], False, id="mixed"),
    pytest.param([], False, id="empty"),
]


@pytest.mark.parametrize(("seconds", "expected"), ORDERS)
def test_only_a_clearly_descending_file_is_newest_first(seconds: list[int], *, expected: bool) -> None:
    """One step back, or many equal seconds, do not turn a file around."""
    assert expected is is_newest_first([utc(2026, 1, 1, 0, 0, second) for second in seconds])
