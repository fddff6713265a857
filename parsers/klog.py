r"""klog: `E1005 21:40:12.614000       1 file.go:325] message`, and its structured form `"message" key="value"`.

Source: k8s.io/klog v2 internal/buffer formatHeader (level letter, MMDD, time of day, thread, file, line) and
internal/serialize KVFormat; klogr of cert-manager up to v1.8 (`logger "msg"="…" "error"="…" "key"="…"`).
The header may be damaged: no time (`E0608 sources.go:201] …`), or only its end (`reflector.go:126] …`).
klog prints local time without year or zone: the year comes from the hint, UTC is taken and said.
In the structured form the message is the quoted text, and `err` becomes the field `error`. A continuation on indented
lines belongs to the same text. A text without `file.go:123] ` near its start is not klog: None.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from parsers.logfmt import read_fields
from parsers.quoting import QUOTED_BODY, unescape
from parsers.reading import MAX_FIELDS, NO_FIELDS, Reading, level_of
from parsers.records import Format, Level
from parsers.timestamps import parse_klog_time

_HEADER: Final = re.compile(
    r"""
    (?: (?P<level>[IWEFD]) (?P<day>\d{4})
        (?:\ (?P<clock>\d\d:\d\d:\d\d(?:\.\d{1,9})?))? \ + (?:\d{1,10}\ +)?
    )?
    (?P<file>[\w.\-/@]{1,200}\.(?:go|s|cc|cpp|py|sh)):(?P<line>\d{1,6}|[?]+|\d+x+)\]\ ?
    """,
    re.VERBOSE,
)
_MESSAGE: Final = re.compile(rf'\s*+"(?P<message>{QUOTED_BODY})"(?=\s|$)', re.DOTALL)
_PAIR: Final = re.compile(
    rf"""
    \s++ (?: "(?P<quoted_key>[^"\\=]{{1,100}}+)" | (?P<key>[A-Za-z_][\w.\-/@]*+) ) =
    (?: "(?P<quoted>{QUOTED_BODY})" (?=\s|$)
      | (?P<nested>[{{\[&(].*?) (?=\s[A-Za-z_"][\w."\-/@]*+=|$)
      | (?P<bare>[^\s"]*+) (?=\s|$)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_START: Final = re.compile(r"\s++(?P<key>[A-Za-z_][\w.\-/@]*+)=<\n")  # a value of several lines, up to " >"
_HEADER_REACH: Final = 300
_LOGGER: Final = re.compile(r'(?P<logger>[\w./\-]{1,200})\s++(?="msg"=")')
_MSG_PAIR: Final = re.compile(r'"?msg"?="')


def read_klog(text: str, hint: datetime | None = None) -> Reading | None:
    """Read one klog record; None where the text has no header."""
    header = _HEADER.match(text) if "] " in text[:_HEADER_REACH] or "]" in text[-1:] else None
    if header is None:
        return None
    level, day, clock = header.group("level", "day", "clock")
    at = parse_klog_time(day, clock, hint) if clock else None
    message, fields = read_structured(text[header.end() :]) or (text[header.end() :].strip(), NO_FIELDS)
    return Reading(
        message,
        Format.KLOG,
        fields,
        level_of(level) if level else Level.UNKNOWN,
        at,
        is_zone_assumed=at is not None,
    )


def read_headless_structured(text: str) -> Reading | None:
    """Read the structured form without any header: `"message" key="value"` or `logger "msg"="…"`."""
    found = read_structured(text)
    if found is None or not found[1]:
        return None
    return Reading(found[0], Format.KLOG, found[1])


def read_structured(text: str) -> tuple[str, dict[str, str]] | None:
    """Part a structured message from its pairs; None where the text is not structured."""
    fields: dict[str, str] = {}
    if match := _MESSAGE.match(text):
        _read_pairs(text, match.end(), fields)
        if not fields and text[match.end() :].strip():
            return None  # prose that begins with a quoted word
        return unescape(match["message"]), fields
    if match := _LOGGER.match(text):
        fields["logger"] = match["logger"]
        _read_pairs(text, match.end() - 1, fields)
    elif _MSG_PAIR.match(text):
        _read_pairs(" " + text, 0, fields)
    message = fields.pop("msg", None)
    return None if message is None else (message, fields)


def _read_pairs(text: str, position: int, fields: dict[str, str]) -> None:
    while len(fields) < MAX_FIELDS:
        if block := _BLOCK_START.match(text, position):
            end = text.find("\n >", block.end())
            end = end if end >= 0 else len(text)
            fields[block["key"]] = "\n".join(line.strip() for line in text[block.end() : end].split("\n"))
            position = end + len("\n >")
            continue
        match = _PAIR.match(text, position)
        if match is None:
            fields |= read_fields(text[position:])  # a value that is cut, or whose quotation marks are odd
            break
        key = match["quoted_key"] or match["key"]
        quoted = match["quoted"]
        fields[key] = (match["bare"] or match["nested"] or "").strip() if quoted is None else unescape(quoted)
        position = match.end()
    if "err" in fields:
        fields.setdefault("error", fields.pop("err"))
