"""One line in, one log record out: unwrap, recognise, build. Never raises, whatever the text is.

A line that holds no record comes out as `Unparsed` with the reason. The time is the record's own, else that of the
innermost wrapper that has one; neighbours and the arrival are not known here.
"""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import Final

from parsers.envelope_json import read_object, unquote_literal
from parsers.envelopes import peel
from parsers.quoting import unescape
from parsers.reading import Reading, level_of
from parsers.recognise import looks_like_record, recognise
from parsers.records import Level, LogRecord, SourceLine, TimeBasis, Unparsed, UnparsedReason
from parsers.text import REPLACEMENT, scrub
from parsers.timestamps import parse_time
from parsers.wrapper import Wrapper

MAX_LAYERS: Final = 8
_PREFIX_REACH: Final = 120
_CELL: Final = re.compile(r'(?:^|[,;\t])"((?:[^"]++|"")*+)"(?=[,;\t]|$)')
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
    if "&quot;" in text or "&#34;" in text:
        return Wrapper(scrub(html.unescape(text)))  # copied from the source of a page
    if text[0] == "{" and text[1:].lstrip()[:1] in ('"', "\\", "}"):
        return _read_braces(text, hint)
    if text[0] == '"' and text[-1] == '"':
        literal = unquote_literal(text)
        if literal is not None:
            return Wrapper(literal)
    if text[-1] in _BOX_EDGES and text[0] not in _BOX_EDGES:
        return Wrapper(text.rstrip(_BOX_EDGES + " "))
    wrapper = _peel_cell(text) or peel(text) or _peel_unknown_prefix(text, hint)
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


def _peel_cell(text: str) -> Wrapper | None:
    """Take the cell that holds a record out of a row of a table whose header is not there."""
    if '=""' not in text and '{""' not in text:
        return None
    cells = (match[1].replace('""', '"') for match in _CELL.finditer(text) if '""' in match[1])
    record = next((cell for cell in cells if looks_like_record(cell)), None)
    return Wrapper(record) if record else None


def _peel_unknown_prefix(text: str, hint: datetime | None) -> Wrapper | None:
    """Take off what stands before an envelope of JSON: a file name, a mark of a quotation."""
    start = text.find('{"', 1, _PREFIX_REACH)
    if start < 0 or text[-1] != "}" or looks_like_record(text):
        return None
    found = read_object(text[start:], hint)
    is_envelope = isinstance(found, Wrapper) and (found.reading is not None or looks_like_record(found.inner.strip()))
    return Wrapper(text[start:]) if is_envelope else None


def _is_not_text(text: str) -> bool:
    return REPLACEMENT in text and text.count(REPLACEMENT) > _MOST_REPLACED_SHARE * len(text)
