r"""logrus text and other logfmt: `time="…" level=info msg="…" namespace=x rollout=y`.

Source: sirupsen/logrus v1.9 text_formatter.go (key=value, values quoted with %q when they hold anything but letters,
digits and -._/@^+), prometheus' go-kit logfmt (`ts=… caller=… level=…`), log/slog's TextHandler (`time=… level=INFO`).
A line may be damaged: cut at the start (`Z" level=fatal msg="…"`), cut at the end inside a value, or hold a value whose
quotation marks are odd. What is readable is kept: the message runs to the first quotation mark that can end it or
the first field of a known name, else to the end of the line; `is_cut` is set where an ending quotation mark is missing.
A text that does not begin with a field, or has neither a message nor a level, is not logfmt: None.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from parsers.quoting import QUOTED_BODY, unescape
from parsers.reading import MAX_FIELDS, Reading, level_of
from parsers.records import Format, Level
from parsers.timestamps import parse_rfc3339, parse_time

# What logrus writes first, in one go: this is nearly every line of an Argo Rollouts log.
_HEAD: Final = re.compile(
    r'time="(?P<time>[^"\\]*+)" level=(?P<level>\w++) '
    rf'msg=(?:"(?P<quoted>{QUOTED_BODY})"|(?P<bare>[^\s"=]++))(?:[ ]|$)',
    re.DOTALL,
)
# A value's quotation mark ends it only where another field or the line's end follows.
_FIELD: Final = re.compile(
    rf'\s*+(?P<key>[^\s="]++)=(?:"(?P<quoted>{QUOTED_BODY})"(?=\s|$)|(?P<bare>[^\s"]*+)(?=\s|$))', re.DOTALL
)
_ODD_END: Final = re.compile(r'(?<!\\)"(?=\s+[A-Za-z_][\w.\-/@]*+=\S|\s*$)')
_FOREIGN_QUOTE: Final = re.compile(r'\w++=(?:\\++"|&(?:quot|#34);)')
_KEY: Final = re.compile(r'\s*+(?P<key>[^\s="]++)=')
_START: Final = re.compile(r'(?:^|(?<=[\s"]))(?:time|ts|level|lvl|msg)=')
_FILE_PREFIX: Final = re.compile(r'[^\s="]{1,200}:(?=(?:time|ts|level)=)')  # grep -H, grep -n
_LEVEL_AND_MESSAGE: Final = re.compile(r"(?<!\w)level=\w++\s++msg=")
# Fields that controllers add to a message: where a message has lost its closing quotation mark, they end it.
_KNOWN_FIELD: Final = re.compile(
    r"\s(?:namespace|rollout|experiment|analysisrun|service|ingress|resource|resourceVersion|generation|event_reason"
    r"|key|logger|reflector|type|metric|plugin|time_ms|caller|component|subsys|error)="
    r'(?:"[^"]*+"|[^\s="]++)(?=\s|$)'
)
_WORD: Final = re.compile(r"\s*+\S*+")
_MOST_DAMAGED: Final = 64
_START_REACH: Final = 400


def read_logfmt(text: str, hint: datetime | None = None) -> Reading | None:
    """Read one logfmt record; None where the text is none."""
    match = _HEAD.match(text)
    if match is None:
        return _read_any_order(text, hint)
    time, level, quoted, bare = match.groups()
    message = bare if quoted is None else unescape(quoted) if "\\" in quoted else quoted
    rest = text[match.end() :]
    fields: dict[str, str] = {}
    is_cut = False
    if rest:
        is_cut = _read_fields(rest, fields)
        if "msg" in fields or "err" in fields:
            _normalise(fields)
    at = parse_rfc3339(time)
    if at is not None:
        return Reading(message, Format.LOGFMT, fields, level_of(level), at, is_cut=is_cut)
    return _with_odd_time(Reading(message, Format.LOGFMT, fields, level_of(level), is_cut=is_cut), time, hint)


def salvage_logfmt(text: str, hint: datetime | None = None) -> Reading | None:
    """Read a record behind something unreadable: a wrapper that is not known, or the rest of a cut value."""
    start = _START.search(text, 0, _START_REACH)
    if start is None or not _LEVEL_AND_MESSAGE.search(text, start.start()):
        return None
    return _read_any_order(text[start.start() :], hint)


def _read_any_order(text: str, hint: datetime | None) -> Reading | None:
    if prefix := _FILE_PREFIX.match(text):
        text = text[prefix.end() :]
    if not _KEY.match(text) or _FOREIGN_QUOTE.match(text):
        return None
    fields: dict[str, str] = {}
    is_cut = _read_fields(text, fields)
    message = _pop(fields, "msg", "message")
    if message is None and not fields.keys() & {"level", "lvl", "error", "err"}:
        return None
    time = _pop(fields, "time", "ts", "timestamp")
    level = _pop(fields, "level", "lvl", "severity")
    _normalise(fields)
    if message is None:
        message = fields.get("error", "")
    reading = Reading(message, Format.LOGFMT, fields, level_of(level) if level else Level.UNKNOWN, is_cut=is_cut)
    return _with_odd_time(reading, time, hint) if time else reading


def _with_odd_time(reading: Reading, time: str, hint: datetime | None) -> Reading:
    moment = parse_time(time, hint)
    if moment is None:
        return reading
    return Reading(
        reading.message,
        reading.format,
        reading.fields,
        reading.level,
        moment.at,
        is_zone_assumed=moment.is_zone_assumed,
        is_cut=reading.is_cut,
    )


def read_fields(text: str) -> dict[str, str]:
    """Read `key=value` pairs, as they follow a message on a terminal."""
    fields: dict[str, str] = {}
    _read_fields(text, fields)
    _normalise(fields)
    return fields


def _read_fields(text: str, fields: dict[str, str]) -> bool:
    """Add the fields of a text; True where the text ends inside a value."""
    if '"' not in text:
        for pair in text.split():
            key, sign, value = pair.partition("=")
            if sign and key:
                fields[key] = value
        return False
    position = damaged_count = 0
    while position < len(text) and len(fields) < MAX_FIELDS:
        match = _FIELD.match(text, position)
        if match is None:
            damaged_count += 1
            if damaged_count > _MOST_DAMAGED:
                return True  # each costs a look at the whole rest
            position, is_cut = _read_damaged(text, position, fields)
            if is_cut:
                return True
            continue
        key, quoted, bare = match.groups()
        fields[key] = bare if quoted is None else unescape(quoted)
        position = match.end()
    return False


def _read_damaged(text: str, position: int, fields: dict[str, str]) -> tuple[int, bool]:
    """Read a value with odd quotation marks, or skip a word that is no field; gives where to go on."""
    key = _KEY.match(text, position)
    if key is None or text[key.end() : key.end() + 1] != '"':
        word = _WORD.match(text, position)
        return (word.end() if word else len(text)), False
    start = key.end() + 1
    end = _ODD_END.search(text, start)
    known = _KNOWN_FIELD.search(text, start)
    if known is not None and (end is None or known.start() < end.start()):
        fields[key["key"]] = unescape(text[start : known.start()])
        return known.start(), False
    if end is not None:
        fields[key["key"]] = unescape(text[start : end.start()])
        return end.end(), False
    fields[key["key"]] = unescape(text[start:])
    return len(text), True


def _pop(fields: dict[str, str], *names: str) -> str | None:
    for name in names:
        if name in fields:
            return fields.pop(name)
    return None


def _normalise(fields: dict[str, str]) -> None:
    """Give the error its one name."""
    if "err" in fields:
        fields.setdefault("error", fields.pop("err"))
