"""logrus on a terminal: `INFO[0001] message                       key=value key="other value"`.

Source: sirupsen/logrus v1.9 text_formatter.go, printColored: level cut to four letters, `[seconds since start]` or
`[full timestamp]`, an optional caller, the message padded to 44 columns, then the fields, each behind a blank.
Colours are taken out before (`text.scrub`); what a copy from a browser left of them (`[36m`) is taken out here.
A message may hold line feeds: then the fields stand on the last line. A line that lost its level and time is known by
the fields at its end behind two or more blanks. Text that is neither gives None.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from parsers.logfmt import read_fields
from parsers.quoting import QUOTED_BODY
from parsers.reading import NO_FIELDS, Reading, level_of
from parsers.records import Format, Level
from parsers.timestamps import parse_time

_HEAD: Final = re.compile(
    r"(?P<level>INFO|WARN|ERRO|FATA|PANI|DEBU|TRAC|INFOR|WARNING|ERROR|FATAL|PANIC|DEBUG|TRACE)\[(?P<time>[^\]]{1,40})\]"
    r"(?:\s?[\w./\-]{1,100}:\d{1,6}(?:\s[\w./()*\-]{1,200}\(\))?(?=\s))?\s?"
)
_ONE_FIELD: Final = rf'[A-Za-z_][\w.\-/]*+=(?:"{QUOTED_BODY}"|[^\s"=]*+)'
# Fields behind the padded message; `+1234.5)` of a monotonic clock in a message is no field, for it ends in a bracket.
_FIELDS: Final = re.compile(rf"(?:\s{_ONE_FIELD})++\s*+$", re.DOTALL)
_FIELD_START: Final = re.compile(r"\s(?=[A-Za-z_][\w.\-/]*+=)")
_PADDED: Final = re.compile(r"[ \t]{2,}(?=[A-Za-z_][\w.\-/]*+=)")
_COLOUR_REST: Final = re.compile(r"(?:\^\[|\\x1b|\\033|\\u001b|\\e|\u241b|\ufffd)?\[[0-9;]{1,8}m")
_MOST_TRIES: Final = 64


def strip_colour_rest(text: str) -> str:
    """Take out colour codes whose escape character was lost on the way."""
    return _COLOUR_REST.sub("", text)


def read_tty(text: str, hint: datetime | None = None) -> Reading | None:
    """Read a record with its level and time in front; None where the text has none."""
    head = _HEAD.match(text)
    if head is None:
        return None
    message, fields = _split_message(text[head.end() :])
    level, time = level_of(head["level"]), head["time"]
    if time.isdecimal():
        seconds = float(time[:15])
        return Reading(message, Format.TTY, fields, level, since_start_seconds=seconds)
    moment = parse_time(time, hint)
    if moment is None:
        return Reading(message, Format.TTY, fields, level)
    return Reading(message, Format.TTY, fields, level, moment.at, moment.is_zone_assumed)


def read_headless_tty(text: str) -> Reading | None:
    """Read a record that lost its level and time: a message, padding, fields. None for any other text."""
    if "=" not in text or not _PADDED.search(text):
        return None
    message, fields = _split_message(text)
    if not fields or not message:
        return None
    level = Level.ERROR if message.startswith("Error:") else Level.UNKNOWN
    return Reading(message, Format.TTY, fields, level)


def _split_message(text: str) -> tuple[str, dict[str, str]]:
    """Part a message from the fields behind it: the longest run of fields that reaches the end of the text."""
    if "=" not in text:
        return text.strip(), dict(NO_FIELDS)
    padded = _PADDED.search(text)
    if padded and _FIELDS.match(text, padded.end() - 1):
        return text[: padded.start()].strip(), read_fields(text[padded.end() :])
    for count, start in enumerate(_FIELD_START.finditer(text)):
        if count >= _MOST_TRIES:
            break  # a message made of `a=` hundreds of times
        if _FIELDS.match(text, start.start()):
            return text[: start.start()].strip(), read_fields(text[start.end() :])
    return text.strip(), dict(NO_FIELDS)
