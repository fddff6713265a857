"""One line in, one log record out: unwrap, recognise, build. Never raises, whatever the text is.

A line that holds no record comes out as `Unparsed` with the reason. The time is the record's own, else that of the
innermost wrapper that has one; neighbours and the arrival are not known here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from parsers.envelope_json import read_object, unquote_literal
from parsers.envelopes import peel
from parsers.quoting import unescape
from parsers.reading import Reading, level_of
from parsers.recognise import recognise
from parsers.records import Level, LogRecord, SourceLine, TimeBasis, Unparsed, UnparsedReason
from parsers.text import REPLACEMENT
from parsers.timestamps import parse_time
from parsers.wrapper import Wrapper

MAX_LAYERS: Final = 8
_SHOWN_CHARS: Final = 200
_MOST_REPLACED_SHARE: Final = 0.3
_BOX_EDGES: Final = "│┃║"

Unwrapped = tuple[Wrapper | None, Reading | UnparsedReason]


def parse_line(line: SourceLine, *, year_hint: datetime | None = None) -> LogRecord | Unparsed:
    """Parse one line; `year_hint` gives the year to times without one, by default the line's arrival."""
    hint = year_hint or line.received_at
    wrapper, found = _unwrap(line.text, hint)
    if isinstance(found, UnparsedReason):
        return Unparsed(found, line.text[:_SHOWN_CHARS], line.origin, line.line, line.line_end)
    at, basis, is_zone_assumed = found.at, TimeBasis.RECORD, found.is_zone_assumed
    origin, level, is_cut = line.origin, found.level, line.is_cut or found.is_cut
    if wrapper is not None:
        origin = wrapper.complete(origin)
        is_cut = is_cut or wrapper.is_cut
        if level is Level.UNKNOWN and wrapper.level:
            level = level_of(wrapper.level)
        if at is None and wrapper.time is not None:
            moment = parse_time(wrapper.time, hint)
            if moment is not None:
                at, basis, is_zone_assumed = moment.at, TimeBasis.ENVELOPE, moment.is_zone_assumed
    return LogRecord(
        found.message,
        found.fields,
        level,
        found.format,
        origin,
        line.line,
        line.line_end,
        at,
        TimeBasis.NONE if at is None else basis,
        found.since_start_seconds,
        is_zone_assumed,
        is_cut,
    )


def _unwrap(text: str, hint: datetime | None) -> Unwrapped:
    """Take layer after layer off, until what is left is a record or cannot be read."""
    outer: Wrapper | None = None
    for _ in range(MAX_LAYERS + 1):
        text = text.strip()
        if not text:
            return outer, UnparsedReason.EMPTY
        step = _read_layer(text, hint)
        if not isinstance(step, Wrapper):
            return outer, step
        outer = step if outer is None else outer.around(step)
        if step.reading is not None:
            return outer, step.reading
        text = step.inner
    return outer, UnparsedReason.TOO_DEEP


def _read_layer(text: str, hint: datetime | None) -> Wrapper | Reading | UnparsedReason:
    if text[0] == "{" and text[1:].lstrip()[:1] in ('"', "\\", "}"):
        return _read_braces(text, hint)
    if text[0] == '"' and text[-1] == '"':
        literal = unquote_literal(text)
        if literal is not None:
            return Wrapper(literal)
    if text[-1] in _BOX_EDGES and text[0] not in _BOX_EDGES:
        return Wrapper(text.rstrip(_BOX_EDGES + " "))
    wrapper = peel(text)
    if wrapper is not None:
        return wrapper
    return UnparsedReason.NOT_TEXT if _is_not_text(text) else recognise(text, hint)


def _read_braces(text: str, hint: datetime | None) -> Wrapper | Reading | UnparsedReason:
    found = read_object(text, hint)
    if found is not None:
        return found
    if text.startswith('{\\"'):
        return Wrapper(unescape(text))
    return UnparsedReason.NO_MESSAGE if text.rstrip().endswith("}") else UnparsedReason.BROKEN_ENVELOPE


def _is_not_text(text: str) -> bool:
    return REPLACEMENT in text and text.count(REPLACEMENT) > _MOST_REPLACED_SHARE * len(text)
