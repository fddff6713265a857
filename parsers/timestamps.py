"""Every form of time that these logs use, read as an aware UTC time.

Sources: Go's `time` layouts as used by logrus, zap, slog, klog, the standard log package, etcd's capnslog and Envoy;
journald; epoch numbers of shippers in seconds, milliseconds, microseconds or nanoseconds.
Precision is the microsecond. A text that is no time, or a time outside the years 1970 to 9999, gives None.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

_FIRST_YEAR: Final = 1970
_LONGEST_TEXT: Final = 64

_DATE_TIME: Final = re.compile(
    r"""
    (?P<year>\d{4}) [-/.] (?P<month>\d\d) [-/.] (?P<day>\d\d) [Tt ]\ ?
    (?P<clock>\d\d:\d\d:\d\d) (?:[.,:](?P<fraction>\d{0,12}))?
    \s? (?P<zone>[Zz]|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d)? (?:\ [A-Z]{3,5})? (?:\ m=[-+.\d]+)?
    """,
    re.VERBOSE,
)
_KLOG: Final = re.compile(r"(?P<month>\d\d)(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?")
_SYSLOG: Final = re.compile(
    r"(?P<month>[A-Z][a-z]{2}|1?\d月) {1,2}(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?"
)
# Kibana's `Mar 1, 2026 @ 10:00:00.123`, RFC 1123, Go's UnixDate, the common log format.
_WRITTEN: Final = re.compile(
    r"""
    (?:[A-Z][a-z]{2},?\ )?
    (?: (?P<month>[A-Z][a-z]{2})\ {1,2}(?P<day>\d{1,2}),\ (?P<year>\d{4})(?:\ @)?
      | (?P<day2>\d{1,2})[ /-](?P<month2>[A-Z][a-z]{2})[ /-](?P<year2>\d{4}) )
    [ :,]{1,2} (?P<clock>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))? (?:\ (?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d))?
    """,
    re.VERBOSE,
)
_NUMBER: Final = re.compile(r"-?\d{1,20}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,2})?")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS: Final = {name: number for number, name in enumerate(_MONTHS, 1)} | {
    f"{number}月": number for number in range(1, 13)
}
_HALF_A_YEAR: Final = timedelta(days=180)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Seconds reach 1e11 in the year 5138, milliseconds in 1973: beyond a bound the next smaller unit is meant.
_EPOCH_UNITS: Final = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))

_RAW_DATE: Final = (
    rb"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
    rb"|[IWEFD]\d{4} \d\d:\d\d:\d\d\.\d{1,9}"
    rb"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2} \d\d:\d\d:\d\d"
)
_RAW_MEMBER: Final = re.compile(
    rb'"(?:@?timestamp|time|ts|date|__REALTIME_TIMESTAMP|TimeGenerated|_time)\\{0,7}"\s?:\s?\\{0,7}"?'
    rb"(?P<time>" + _RAW_DATE + rb"|\d{9,19}(?:\.\d{1,9})?)"
)
_RAW_START: Final = re.compile(rb"(?P<time>" + _RAW_DATE + rb'|(?<=")\d{16,19}(?=")|^\d\.\d{5,17}e\+?\d\d)')
_START_REACH: Final = 300
_MEMBER_REACH: Final = 1 << 14
_SOME_LEAP_YEAR: Final = datetime(2000, 7, 1, tzinfo=UTC)
"""Stands in for the year where a line has none: only the order of such times is asked for."""
_FEWEST_TIMES: Final = 3


class Moment(msgspec.Struct, frozen=True):
    """A time that was read."""

    at: datetime
    is_zone_assumed: bool = False  # the text had no zone; UTC was taken


def parse_rfc3339(text: str) -> datetime | None:
    """Read `2006-01-02T15:04:05[.fff]Z` or the same with an offset; None without a zone, or if it is no time."""
    if len(text) < 20 or text[4] != "-" or text[10] != "T":
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    zone = at.tzinfo
    if zone is UTC:
        return at if at.year >= _FIRST_YEAR else None
    return None if zone is None else _to_utc(at)


def parse_time(value: object, hint: datetime | None = None) -> Moment | None:
    """Read a time in any known form; `hint` gives the year to forms that have none (the nearest to it)."""
    if isinstance(value, str):
        return _parse_text(value, hint)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_epoch(value)
    return None


def parse_klog_time(month_day: str, clock: str, hint: datetime | None) -> datetime | None:
    """Read klog's `0102` and `15:04:05.000000`: without a year, so the hint's is taken."""
    if len(month_day) != 4 or not month_day.isdecimal():
        return None
    return _nearest_year(int(month_day[:2]), int(month_day[2:]), clock, hint)


def _parse_text(text: str, hint: datetime | None) -> Moment | None:
    if len(text) > _LONGEST_TEXT:
        return None
    at = parse_rfc3339(text)
    if at is not None:
        return Moment(at)
    text = text.strip(" []\t")
    if match := _DATE_TIME.fullmatch(text):
        return _from_date_time(match)
    if _NUMBER.fullmatch(text):
        return _from_epoch(float(text) if "." in text or "e" in text.lower() else int(text))
    if match := _WRITTEN.fullmatch(text):
        return _from_written(match)
    if match := _KLOG.fullmatch(text):
        month, day = int(match["month"]), int(match["day"])
    elif match := _SYSLOG.fullmatch(text):
        month, day = _MONTH_NUMBERS.get(match["month"], 0), int(match["day"])
    else:
        return None
    at = _nearest_year(month, day, f"{match['clock']}.{match['fraction'] or 0}", hint)
    return None if at is None else Moment(at, is_zone_assumed=True)


def _from_date_time(match: re.Match[str]) -> Moment | None:
    date = f"{match['year']}-{match['month']}-{match['day']}"
    return _from_parts(date, match["clock"], match["fraction"], match["zone"] or "")


def _from_written(match: re.Match[str]) -> Moment | None:
    month = _MONTH_NUMBERS.get(match["month"] or match["month2"], 0)
    date = f"{match['year'] or match['year2']}-{month:02}-{int(match['day'] or match['day2']):02}"
    return _from_parts(date, match["clock"], match["fraction"], match["zone"] or "")


def _from_parts(date: str, clock: str, fraction: str | None, zone: str) -> Moment | None:
    offset = "+00:00" if zone in ("", "Z", "z", "UTC", "GMT") else zone
    text = f"{date}T{clock}.{fraction or 0}{offset}"
    try:
        at = _to_utc(datetime.fromisoformat(text))
    except ValueError:
        return None
    return None if at is None else Moment(at, is_zone_assumed=not zone)


def _from_epoch(value: float) -> Moment | None:
    # Compared before it is used: an integer of a thousand digits does not fit a float.
    if not 0 < value < _EPOCH_UNITS[-1][0]:
        return None
    divisor = next(unit for bound, unit in _EPOCH_UNITS if value < bound)
    try:
        if isinstance(value, int):
            at = _EPOCH + timedelta(microseconds=value * 1_000_000 // int(divisor))
        else:
            at = _EPOCH + timedelta(seconds=value / divisor)
    except OverflowError:
        return None
    return Moment(at)


def _nearest_year(month: int, day: int, clock: str, hint: datetime | None) -> datetime | None:
    if hint is None:
        return None
    nearest = _at_year(hint.year, month, day, clock)
    if nearest is not None and abs(nearest - hint) < _HALF_A_YEAR:
        return nearest
    others = (_at_year(hint.year - 1, month, day, clock), nearest, _at_year(hint.year + 1, month, day, clock))
    return min((at for at in others if at is not None), key=lambda at: abs(at - hint), default=None)


def _at_year(year: int, month: int, day: int, clock: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}T{clock}+00:00")
    except ValueError:
        return None  # no such day in that year, as the 29th of February


def _to_utc(at: datetime) -> datetime | None:
    try:
        at = at.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return at if at.year >= _FIRST_YEAR else None


def find_time(line: bytes) -> datetime | None:
    """Look for a time near the start of a raw line of any format: quick, for comparing neighbouring lines only.

    A JSON line's own time may stand behind its message, which may tell other times: its members are asked first.
    A time without a year is given in one and the same year.
    """
    match = _RAW_MEMBER.search(line, 0, _MEMBER_REACH) if b'":' in line[:_START_REACH] else None
    match = match or _RAW_START.search(line, 0, _START_REACH)
    if match is None:
        return None
    moment = _parse_text(match["time"].decode("ascii", "replace").lstrip("IWEFD"), _SOME_LEAP_YEAR)
    return moment.at if moment else None


def is_newest_first(times: Sequence[datetime]) -> bool:
    """Tell whether times in the order of a file clearly go back: an export with the newest line on top."""
    if len(set(times)) < _FEWEST_TIMES or times[0] <= times[-1]:
        return False
    steps = list(itertools.pairwise(times))
    descending = sum(before > after for before, after in steps)
    ascending = sum(before < after for before, after in steps)
    return descending > 2 * ascending
