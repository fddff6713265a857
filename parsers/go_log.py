"""Logs that put a date in front of free text: Go's standard log, etcd's capnslog, grpc-go, Envoy.

Source: Go's log package with LstdFlags (`2006/01/02 15:04:05 message`, with Lmicroseconds a fraction, with Lshortfile
`file.go:23: `); coreos/pkg capnslog formatters.go (`2006-01-02 15:04:05.000000 W | package: message`); grpc-go
grpclog/loggerv2.go (`WARNING: 2006/01/02 15:04:05 message`); Envoy's default format
(`[2006-01-02 15:04:05.000][12][warning][config] [source/file.cc:10] message`) and its access log
(`[2006-01-02T15:04:05.000Z] "GET / HTTP/1.1" …`).
None of them prints a zone: UTC is taken and said. A text of another shape gives None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from parsers.reading import NO_FIELDS, Reading, level_of
from parsers.records import Format, Level
from parsers.timestamps import parse_time

_STANDARD: Final = re.compile(
    r"(?:(?P<level>INFO|WARNING|ERROR|FATAL|DEBUG): )?(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)[ ]"
    r"(?:\[(?P<late>[A-Za-z]{3,9})\] |(?P<caller>[\w.\-/]{1,100}\.go:\d{1,6}): )?"
)
_CAPNSLOG: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{1,9}) (?P<level>[TDINWEC]) \| (?:(?P<package>[\w\-./]{1,60}): )?"
)
_ENVOY: Final = re.compile(
    r"\[(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?Z?)\](?:\[\d{1,10}\])?"
    r"\[(?P<level>trace|debug|info|warning|warn|error|critical|off)\](?:\[(?P<logger>[^\]]{1,60})\])? ?"
    r"(?:\[(?P<source>[^\]\s]{1,200}:\d{1,6})\] ?)?"
)

_ENVOY_ACCESS: Final = re.compile(r'\[(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)\] (?=")')


def read_go_log(text: str, hint: datetime | None = None) -> Reading | None:
    """Read a line of Go's log package or of grpc-go."""
    match = _STANDARD.match(text)
    if match is None:
        return None
    level = level_of(match["level"] or match["late"] or "")
    fields = {"caller": match["caller"]} if match["caller"] else NO_FIELDS
    start = match.start("late") - 1 if match["late"] and level is Level.UNKNOWN else match.end()
    return _reading(text[start:], match["time"], hint, fields, level)


def read_capnslog(text: str, hint: datetime | None = None) -> Reading | None:
    """Read a line of etcd up to v3.4; the package goes to the field `logger`."""
    match = _CAPNSLOG.match(text)
    if match is None:
        return None
    fields = {"logger": match["package"]} if match["package"] else NO_FIELDS
    return _reading(text[match.end() :], match["time"], hint, fields, level_of(match["level"]))


def read_envoy(text: str, hint: datetime | None = None) -> Reading | None:
    """Read a line of Envoy's application log, or of its access log."""
    match = _ENVOY.match(text)
    if match is None:
        access = _ENVOY_ACCESS.match(text)
        return _reading(text[access.end() :], access["time"], hint, NO_FIELDS, Level.UNKNOWN) if access else None
    fields = {name: match[group] for name, group in (("logger", "logger"), ("caller", "source")) if match[group]}
    return _reading(text[match.end() :], match["time"], hint, fields, level_of(match["level"]))


def _reading(message: str, time: str, hint: datetime | None, fields: Mapping[str, str], level: Level) -> Reading:
    moment = parse_time(time, hint)
    return Reading(
        message.strip(),
        Format.GO_LOG,
        fields,
        level,
        moment.at if moment else None,
        is_zone_assumed=moment is not None and moment.is_zone_assumed,
    )
