"""Which physical lines around a candidate belong to the same record.

Log records are folded by mail programs, terminals, shells and people; Go prints stack traces over many lines.
A line is open when what it says cannot be complete; only then are the lines behind it looked at.
"""

from __future__ import annotations

import re

import msgspec

from parsers.broken_lines import is_broken, lines_of_record

LOOK_LINES = 100
"""How many lines a record may have."""
LOOK_BACK_LINES = 16
"""How many lines before a candidate may belong to it."""
LOOK_BYTES = 1 << 20
"""How many bytes a record may have."""

_INDENT = re.compile(rb"[ \t]*")
_STACK_LINE = re.compile(
    rb"\s*(?:goroutine \d+ \[|created by |panic\(|\t|[\w./*{}()\[\]\xc2\xb7-]+\([^)]*\)\s*$|\s+\S+\.go:\d+)"
)
_STACK_START = re.compile(rb"Recovered from [Pp]anic|panic: |runtime error: ")
_OPEN_END = (b":", b"\\", b": \\", b"(")
_SHORT_LINE = 1 << 14


class LineSpan(msgspec.Struct, frozen=True):
    """Offsets of a record in the bytes: from `start` up to `stop`; `parts` where a runtime split it."""

    start: int
    stop: int
    parts: tuple[tuple[int, int], ...] = ()
    is_broken: bool = False  # at a width, not at a line feed of its own

    @property
    def last_start(self) -> int:
        """Offset of the last part."""
        return self.parts[-1][0] if self.parts else self.start


def fold(data: bytes, span: LineSpan, done: int) -> LineSpan:
    """The record around a candidate line that no runtime split."""
    line = data[span.start : span.stop]
    if len(line) > _SHORT_LINE:
        return span
    begin, end = lines_of_record(data, span.start, span.stop, done)
    if (begin, end) != (span.start, span.stop):
        return LineSpan(begin, end, is_broken=True)
    start = _first_line_of(data, span, done)
    stop = span.stop
    if _is_broken_json(line):
        stop = _end_of_broken_json(data, span)
    elif _STACK_START.search(line):
        stop = _end_of_stack(data, span.stop)
    elif _is_open(data[start : span.stop].rstrip()):
        stop = _end_of_folded(data, start, span.stop)
    return LineSpan(start, stop)


def may_go_on(data: bytes, span: LineSpan, done: int) -> bool:
    """Whether `fold` looks at the lines behind a candidate line."""
    line = data[span.start : span.stop]
    if len(line) > _SHORT_LINE:
        return False
    if is_broken(data, span.start, span.stop, done) or _is_broken_json(line) or _STACK_START.search(line) is not None:
        return True
    return _is_open(data[_first_line_of(data, span, done) : span.stop].rstrip())


def _is_broken_json(line: bytes) -> bool:
    if not line.lstrip(b" \t\xe2\x94\x82").startswith(b"{"):
        return False
    return not line.rstrip().endswith((b"}", b"},", b"\xe2\x94\x82"))


def _first_line_of(data: bytes, span: LineSpan, done: int) -> int:
    """Start of the record: goes back while the line before is open and less indented."""
    start = span.start
    for _ in range(LOOK_BACK_LINES):
        indent = _indent_at(data, start)
        if start <= done or not indent:
            return start
        before = data.rfind(b"\n", 0, start - 1) + 1
        previous = data[before : start - 1]
        if before < done or not previous.strip() or len(previous) > _SHORT_LINE:
            return start
        if not _is_open(previous.rstrip()) or _indent_at(data, before) >= indent:
            return start
        start = before
    return start


def _end_of_folded(data: bytes, start: int, stop: int) -> int:
    """End of a record whose lines are open and go on more indented than the first."""
    indent = _indent_at(data, start)
    for _ in range(LOOK_BACK_LINES):
        following = _next_line(data, stop)
        if following is None or not data[following[0] : following[1]].strip():
            return stop
        if _indent_at(data, following[0]) <= indent:
            return stop
        stop = following[1]
        if not _is_open(data[following[0] : stop].rstrip()) and not _has_open_bracket(data[start:stop]):
            return stop
    return stop


def _end_of_stack(data: bytes, stop: int) -> int:
    """End of a Go stack trace that was printed over many lines."""
    end = stop
    for _ in range(LOOK_LINES):
        following = _next_line(data, end)
        if following is None or not _STACK_LINE.match(data[following[0] : following[1]]):
            return end
        end = following[1]
    return end


def _end_of_broken_json(data: bytes, span: LineSpan) -> int:
    """End of a JSON object that was broken over lines; the first line alone where it never closes."""
    stop = span.stop
    for _ in range(LOOK_BACK_LINES):
        following = _next_line(data, stop)
        if following is None:
            return span.stop
        line = data[following[0] : following[1]]
        if line.lstrip().startswith(b"{") or len(line) > _SHORT_LINE:
            return span.stop
        stop = following[1]
        if line.rstrip().endswith(b"}"):
            return stop
    return span.stop


def _next_line(data: bytes, stop: int) -> tuple[int, int] | None:
    if stop + 1 >= len(data):
        return None
    end = data.find(b"\n", stop + 1)
    return stop + 1, len(data) if end < 0 else end


def _indent_at(data: bytes, start: int) -> int:
    match = _INDENT.match(data, start)
    return match.end() - start if match else 0


def _is_open(line: bytes) -> bool:
    """Whether a line cannot be the end of what it says."""
    return line.endswith(_OPEN_END) or _has_open_bracket(line)


def _has_open_bracket(line: bytes) -> bool:
    """Whether a parenthesis near the end of the text is still open."""
    return line.count(b"(") > line.count(b")") and b"while trying" in line
